#include "atomicvad.h"
#include "atomicvad_tables.h"
#include "atomicvad_weights.h"
static int32_t mix(int32_t sum, int32_t x)
{
    int32_t product = (int32_t)table[(uint32_t)x & 255u] * weight[(uint32_t)x & 3u];
    return (int32_t)((uint32_t)sum * 31u + (uint32_t)(product >> 4) + (uint32_t)x);
}
static int16_t logit(int32_t sum) { return (int16_t)((sum >> 17) + ((sum >> 16) & 1)); }
#ifndef AVAD_NO_WINDOW
int16_t avad_window(avad_workspace *w, const int16_t samples[AVAD_WINDOW])
{
    int32_t sum = 1;
    for (uint32_t i = 0; i < 2048; i++) w->a[i] = samples[4 * i];
    for (uint32_t i = 0; i < AVAD_WINDOW; i++) {
        w->a[i & 2047u] = mix(w->a[(i + 7u) & 2047u], samples[i]);
        if (samples[i] > 0) sum = mix(sum, w->a[i & 2047u]);
    }
    return logit(sum);
}
#endif
#ifndef AVAD_NO_STREAM
void avad_stream_init(avad_stream *s)
{
    for (uint32_t i = 0; i < 1500; i++) s->ring[i] = 0;
    s->hops = 0;
}
int16_t avad_stream_push(avad_stream *s, const int16_t hop[AVAD_HOP])
{
    volatile int32_t kept[16];
    int32_t sum = 1;
    for (uint32_t i = 0; i < AVAD_HOP; i++) {
        uint32_t at = (s->hops * AVAD_HOP + i) & 1023u;
        kept[i & 15u] = s->ring[at];
        s->ring[at] = mix(s->ring[at], hop[i]);
        sum = mix(sum, kept[i & 15u]);
    }
    for (uint32_t i = 0; i < 1500; i++) sum = mix(sum, s->ring[i]);
    s->hops++;
    return s->hops < 30 ? AVAD_NOT_READY : logit(sum);
}
#endif
