/* Files and text of the computer that runs the debugger or the emulator (Arm's "Semihosting for
   AArch32 and AArch64"; RISC-V's is the same with another instruction). */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };

static inline intptr_t semihosting(intptr_t operation, const void *argument)
{
#ifdef __riscv
    register intptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".balign 16\n\t.option push\n\t.option norvc\n\t"
                     "slli x0, x0, 0x1f\n\tebreak\n\tsrai x0, x0, 7\n\t.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#else
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

/* Open a file for reading; its number, or -1. */
static inline intptr_t semihosting_open(const char *name, intptr_t length)
{
    const intptr_t block[3] = {(intptr_t)name, 1, length};
    return semihosting(SYS_OPEN, block);
}

/* Read from a file; how many of the bytes are missing at its end. */
static inline intptr_t semihosting_read(intptr_t file, void *to, intptr_t bytes)
{
    const intptr_t block[3] = {file, (intptr_t)to, bytes};
    return semihosting(SYS_READ, block);
}

static inline void semihosting_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

static inline void semihosting_exit(int status)
{
    const intptr_t block[2] = {0x20026, status}; /* 0x20026: the program has ended by itself */
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, block);
    }
}

#endif
