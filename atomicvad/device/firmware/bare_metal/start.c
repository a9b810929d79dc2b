/* From reset to main(): variables get their values, then the program runs and its end is reported. */
#include <stdint.h>

#include "semihosting.h"

extern uint32_t data_source[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];

int main(void);

static void run(void)
{
    const uint32_t *source = data_source;
    for (uint32_t *word = data_begin; word < data_end; word++) {
        *word = *source++;
    }
    for (uint32_t *word = bss_begin; word < bss_end; word++) {
        *word = 0;
    }
    semihosting_exit(main());
}

#ifdef __riscv

__attribute__((naked, section(".vectors"))) void reset(void)
{
    __asm__ volatile("la sp, stack_top\n\tj %0" : : "i"(run));
}

#else

void reset(void)
{
    run();
}

static void fault(void)
{
    semihosting_exit(1);
}

/* The stack, the program, and what is called where an instruction cannot be carried out. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[3])(void);
} vectors = {stack_top, {reset, fault, fault}};

#endif
