/* AtomicVAD: a voice activity detector of 298 parameters, in integers.
 *
 * Samples are 16 bits, 16 kHz, one channel. A logit of 0 or above says that speech is more likely
 * than not; another threshold trades misses for false alarms. The same samples give the same logits
 * on every processor whose `int` has 32 bits.
 *
 * No heap, no static data that changes, no float, no C library. The caller owns all memory: one
 * stream or workspace for each use at a time, best static, and some 400 bytes of stack.
 */
#ifndef ATOMICVAD_H
#define ATOMICVAD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AVAD_SAMPLE_RATE 16000
#define AVAD_WINDOW 10080 /* samples of a window: 0.63 s */
#define AVAD_HOP 160      /* samples between decisions of a stream: 10 ms */
#define AVAD_NOT_READY INT16_MIN

/* Sizes of the network; the layout of the memory below follows from them. */
#define AVAD_FFT 512   /* points of the FFT */
#define AVAD_FRAME 400 /* samples of a frame */
#define AVAD_HISTORY (AVAD_FRAME - AVAD_HOP) /* its samples before the newest hop */
#define AVAD_BANDS 64  /* mel bands, and coefficients */
#define AVAD_FRAMES 64 /* frames of a window */
#define AVAD_FILTERS 3 /* of the first convolution */
#define AVAD_TAPS 7    /* its width */
#define AVAD_POOL 5    /* rows, and columns, that the first pooling takes together */
#define AVAD_CELLS 13  /* rows, and columns, that it leaves */
#define AVAD_CHANNELS 2 /* of the first block's output */

/* The seven columns of coefficients that the first convolution sees, row by row: 7 values and a
 * zero. Rows of zeros lie above and below. */
#define AVAD_ROW (AVAD_TAPS + 1)
#define AVAD_PATCH ((AVAD_BANDS + AVAD_TAPS - 1) * AVAD_ROW)
#if defined(__GNUC__)
typedef int32_t __attribute__((may_alias)) avad_pair; /* two values, read together */
#else
typedef int32_t avad_pair;
#endif
typedef union {
    uint16_t value[AVAD_PATCH];
    avad_pair pair[AVAD_PATCH / 2];
} avad_patch;

/* Of one column: pooled sums of the first convolution (cell by cell, three filters), and the first
 * block's output (cell by cell, two channels). */
typedef int32_t avad_sums[AVAD_CELLS * AVAD_FILTERS];
typedef int16_t avad_column[AVAD_CELLS * AVAD_CHANNELS];

/* The largest values of a column's rows 0-6 (two channels) and 7-12. */
typedef int16_t avad_groups[2 * AVAD_CHANNELS];

#ifndef AVAD_NO_WINDOW
/* Memory that avad_window needs while it runs; nothing in it outlasts the call. */
typedef struct {
    uint16_t mfcc[AVAD_FRAMES][AVAD_BANDS];
    union {
        int32_t spectrum[AVAD_FFT];
        struct {
            avad_patch patch;
            avad_sums sums;
            avad_column block[AVAD_CELLS];
        } network;
    } scratch;
} avad_workspace;

/* The logit of speech of one window, in steps of 1/256, rounded down. */
int16_t avad_window(avad_workspace *workspace, const int16_t samples[AVAD_WINDOW]);
#endif

#ifndef AVAD_NO_STREAM
#define AVAD_WARM_UP 72                          /* hops before the first decision */
#define AVAD_SPAN (AVAD_POOL * (AVAD_CELLS - 1)) /* hops from a first column to the last */

/* What a stream remembers: rings of columns, one for every hop. */
typedef struct {
    union {
        int32_t spectrum[AVAD_FFT];
        struct {
            avad_sums sums;
            avad_column column;
        } newest;
    } scratch;
    avad_patch patch;
    avad_sums sums[AVAD_POOL - 1];
    avad_column block[2 * AVAD_POOL];
    avad_groups skip[AVAD_SPAN + 1];
    /* The depthwise convolution, 5 hops late: inside a decision's columns, and as their first. */
    avad_groups inside[AVAD_SPAN - AVAD_POOL + 1];
    avad_groups first[AVAD_SPAN - AVAD_POOL + 1];
    int16_t history[AVAD_HISTORY];
    uint8_t hops, sums_at, block_at, skip_at, second_at;
} avad_stream;

void avad_stream_init(avad_stream *stream);

/* The logit of speech after another 10 ms, in steps of 1/256, rounded down; AVAD_NOT_READY for the
 * first AVAD_WARM_UP hops. It describes the 0.65 s centred 0.36 s before
 * the end of this hop. */
int16_t avad_stream_push(avad_stream *stream, const int16_t hop[AVAD_HOP]);
#endif

#ifdef __cplusplus
}
#endif

#endif
