#ifndef ATOMICVAD_H
#define ATOMICVAD_H
#include <stdint.h>
#define AVAD_WINDOW 10080
#define AVAD_HOP 160
#define AVAD_NOT_READY INT16_MIN
typedef struct { int32_t a[2500]; } avad_workspace;
typedef struct { int32_t ring[1500]; uint32_t hops; } avad_stream;
int16_t avad_window(avad_workspace *w, const int16_t samples[AVAD_WINDOW]);
void avad_stream_init(avad_stream *s);
int16_t avad_stream_push(avad_stream *s, const int16_t hop[AVAD_HOP]);
#endif
