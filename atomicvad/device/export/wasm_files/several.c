/* Several detectors for WebAssembly, which share the front end; their weights are set by callers.

   Callers write up to MODELS times an `avad_weights` to weights(), and up to HOPS times 160 int16
   to samples(). start(models) begins a stream; push(hops) leaves a logit for every hop and model
   in logits(), and the 64 coefficients of every hop in coefficients(). */
#define AVAD_HOST
#define AVAD_NO_WINDOW
#define _Thread_local /* there is one thread */
#ifdef __wasm_simd128__
#define AVAD_LANES 4
#endif
#include "atomicvad.c"

#define EXPORTED(name) __attribute__((export_name(name), used))
#define MODELS 10
#define HOPS 100

static avad_weights weights[MODELS];
static avad_stream streams[MODELS];
static avad_lanes spectra[AVAD_FFT];
static int16_t samples[HOPS * AVAD_HOP];
static int16_t logits[HOPS * MODELS];
static int16_t coefficients[HOPS * AVAD_BANDS];
static int32_t models;

EXPORTED("weights") void *several_weights(void)
{
    return weights;
}

EXPORTED("weights_bytes") int32_t several_weights_bytes(void)
{
    return (int32_t)sizeof(avad_weights);
}

EXPORTED("samples") int16_t *several_samples(void)
{
    return samples;
}

EXPORTED("logits") int16_t *several_logits(void)
{
    return logits;
}

EXPORTED("coefficients") int16_t *several_coefficients(void)
{
    return coefficients;
}

EXPORTED("start") void several_start(int32_t count)
{
    models = count < MODELS ? count : MODELS;
    for (int32_t model = 0; model < models; model++) {
        avad_stream_init(streams + model);
    }
}

/* What follows for a hop once the FFT has taken the lane of its frame. */
static void decide(int32_t *lane, int16_t *hop_logits, int16_t *hop_coefficients)
{
    int32_t logarithms[AVAD_BANDS];
    log_mel(lane);
    for (int32_t n = 0; n < AVAD_BANDS; n++) {
        logarithms[n] = lane[LANES * n];
    }
    stream_mfcc(streams, logarithms);
    for (int32_t n = 0; n < AVAD_BANDS; n++) {
        hop_coefficients[n] = (int16_t)newest(&streams->patch)[n * AVAD_ROW];
    }
    for (int32_t model = 0; model < models; model++) {
        if (model > 0) {
            streams[model].patch = streams->patch;
        }
        avad_model = weights + model;
        hop_logits[model] = stream_decision(streams + model);
    }
}

EXPORTED("push") void several_push(int32_t hops)
{
    for (int32_t first = 0; first < hops && first < HOPS; first += LANES) {
        const int32_t count = smaller(LANES, hops - first);
        for (int32_t n = 0; n < AVAD_FFT; n++) {
            spectra[n] = (avad_lanes){0}; /* lanes that stay empty */
        }
        for (int32_t n = 0; n < count; n++) {
            stream_hear(streams, samples + (first + n) * AVAD_HOP, (int32_t *)spectra + n);
        }
        transform(spectra);
        split(spectra);
        for (int32_t n = 0; n < count; n++) {
            decide((int32_t *)spectra + n, logits + (first + n) * models,
                   coefficients + (first + n) * AVAD_BANDS);
        }
    }
}
