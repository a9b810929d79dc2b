/* Listens to samples.raw (16 kHz, mono, 16 bits, little-endian) and prints a decision a line: the
   logit of speech in 1/256, 0 or above is speech. At the end: how much stack the
   detector took. Built with -DAVAD_NO_WINDOW it decides every 10 ms, with -DAVAD_NO_STREAM once
   for each window of 0.63 s. */
#include "atomicvad.h"
#include "semihosting.h"

#ifdef AVAD_NO_STREAM
static avad_workspace detector;
static int16_t samples[AVAD_WINDOW];
#else
static avad_stream detector;
static int16_t samples[AVAD_HOP];
#endif

extern uint32_t bss_end[];

#define PAINT 0xa5a5a5a5u

static inline uint32_t *stack_pointer(void)
{
    uint32_t *pointer;
#ifdef __riscv
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
#else
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
#endif
    return pointer;
}

/* Decimal, without a division: small cores have none. */
static void print_number(const char *label, int32_t number)
{
    static const uint32_t powers[] = {10000, 1000, 100, 10, 1};
    char text[8];
    char *end = text;
    uint32_t rest = (uint32_t)(number < 0 ? -number : number);
    if (number < 0) {
        *end++ = '-';
    }
    for (uint32_t i = 0; i < 5; i++) {
        char digit = '0';
        for (; rest >= powers[i]; rest -= powers[i]) {
            digit++;
        }
        if (digit > '0' || end > text + (number < 0) || powers[i] == 1) {
            *end++ = digit;
        }
    }
    *end++ = '\n';
    *end = '\0';
    semihosting_print(label);
    semihosting_print(text);
}

int main(void)
{
    const intptr_t file = semihosting_open("samples.raw", 11);
    if (file < 0) {
        semihosting_print("samples.raw cannot be opened\n");
        return 1;
    }
#ifndef AVAD_NO_STREAM
    avad_stream_init(&detector);
#endif
    uint32_t *const top = stack_pointer();
    for (uint32_t *word = bss_end; word < top; word++) {
        *word = PAINT;
    }
    while (semihosting_read(file, samples, sizeof samples) == 0) {
#ifdef AVAD_NO_STREAM
        print_number("", avad_window(&detector, samples));
#else
        print_number("", avad_stream_push(&detector, samples));
#endif
    }
    const uint32_t *lowest = bss_end;
    while (lowest < top && *lowest == PAINT) {
        lowest++;
    }
    print_number("stack ", (int32_t)((top - lowest) * 4));
    return 0;
}
