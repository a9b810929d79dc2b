/* The detector for WebAssembly: its memory lies in the module, and callers write into it.

   samples() is where 160 or 10,080 int16 go; window() decides on the 10,080, push() on the first
   160; start() begins a new stream. */
#include "atomicvad.h"

#define EXPORTED(name) __attribute__((export_name(name), used))

static avad_workspace workspace;
static avad_stream stream;
static int16_t buffer[AVAD_WINDOW];

int16_t *avad_wasm_samples(void);
int32_t avad_wasm_window(void);
void avad_wasm_start(void);
int32_t avad_wasm_push(void);

EXPORTED("samples") int16_t *avad_wasm_samples(void)
{
    return buffer;
}

EXPORTED("window") int32_t avad_wasm_window(void)
{
    return avad_window(&workspace, buffer);
}

EXPORTED("start") void avad_wasm_start(void)
{
    avad_stream_init(&stream);
}

EXPORTED("push") int32_t avad_wasm_push(void)
{
    return avad_stream_push(&stream, buffer);
}
