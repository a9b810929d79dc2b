/* The detector on a computer with an operating system: many windows, or a stream, at a call; and as
   a program that reads samples from its input and writes logits, both int16, to its output. */
#include <stddef.h>
#include <stdio.h>

#include "atomicvad.h"

void host_windows(const int16_t *samples, int16_t *logits, size_t count);
void host_stream(const int16_t *samples, int16_t *logits, size_t count);

void host_windows(const int16_t *samples, int16_t *logits, size_t count)
{
    avad_workspace workspace;
    for (size_t i = 0; i < count; i++) {
        logits[i] = avad_window(&workspace, samples + i * AVAD_WINDOW);
    }
}

void host_stream(const int16_t *samples, int16_t *logits, size_t count)
{
    avad_stream stream;
    avad_stream_init(&stream);
    for (size_t i = 0; i < count; i++) {
        logits[i] = avad_stream_push(&stream, samples + i * AVAD_HOP);
    }
}

/* With an argument, windows; without one, a stream. */
int main(int count, char **arguments)
{
    static int16_t samples[AVAD_WINDOW];
    static avad_workspace workspace;
    static avad_stream stream;
    const size_t length = count > 1 ? AVAD_WINDOW : AVAD_HOP;
    (void)arguments;
    avad_stream_init(&stream);
    while (fread(samples, sizeof *samples, length, stdin) == length) {
        const int16_t logit =
            count > 1 ? avad_window(&workspace, samples) : avad_stream_push(&stream, samples);
        if (fwrite(&logit, sizeof logit, 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
