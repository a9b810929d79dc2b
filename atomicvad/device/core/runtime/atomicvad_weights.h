/* Weights that are chosen when the program runs, in the place of a model's header of numbers. */
#ifndef ATOMICVAD_WEIGHTS_H
#define ATOMICVAD_WEIGHTS_H

#include <stdint.h>

#define AVAD_HIDDEN 8

/* As `atomicvad.device.core.values` lays them out: every array begins at a multiple of its type. */
typedef struct {
    uint32_t first_sum[3];
    uint32_t first_shift, first_epsilon, second_shift, second_epsilon;
    int32_t output_bias, output_shift;
    int32_t first_edge[4][3];
    int32_t first_bias[3];
    int32_t first_offset[8];
    int32_t reduce_bias[2];
    int32_t second_bias[2];
    int32_t second_offset[8];
    union {
        int16_t value[56];
        int32_t pair[28];
    } first[3];
    int16_t first_expand[8][3];
    int16_t first_unit[257];
    int16_t reduce[2][8];
    int16_t second[2][3][3];
    int16_t second_expand[8];
    int16_t second_unit[257];
    int16_t output[4][8];
    int16_t skip[4][2];
} avad_weights;

#if defined(_MSC_VER)
static __declspec(thread) const avad_weights *avad_model;
#else
static _Thread_local const avad_weights *avad_model;
#endif

#define AVAD_FIRST_SHIFT ((int32_t)avad_model->first_shift)
#define AVAD_FIRST_EPSILON (avad_model->first_epsilon)
#define AVAD_SECOND_SHIFT ((int32_t)avad_model->second_shift)
#define AVAD_SECOND_EPSILON (avad_model->second_epsilon)
#define AVAD_OUTPUT_BIAS (avad_model->output_bias)
#define AVAD_OUTPUT_SHIFT (avad_model->output_shift)
#define avad_first (avad_model->first)
#define avad_first_edge (avad_model->first_edge)
#define avad_first_bias (avad_model->first_bias)
#define avad_first_sum (avad_model->first_sum)
#define avad_first_expand (avad_model->first_expand)
#define avad_first_offset (avad_model->first_offset)
#define avad_first_unit (avad_model->first_unit)
#define avad_reduce (avad_model->reduce)
#define avad_reduce_bias (avad_model->reduce_bias)
#define avad_second (avad_model->second)
#define avad_second_bias (avad_model->second_bias)
#define avad_second_expand (avad_model->second_expand)
#define avad_second_offset (avad_model->second_offset)
#define avad_second_unit (avad_model->second_unit)
#define avad_output (avad_model->output)
#define avad_skip (avad_model->skip)

#endif
