/* SPDX-License-Identifier: MIT */
/* core - the instruments of count.c and login.c, for each core: a clock that counts instructions,
 * the stack pointer, and paint on the stack. Under QEMU's -icount each instruction takes the same
 * time, so a clock counts them exactly (the emulators in cores.py). On a Cortex-M the clock is a
 * timer of the board mps2-an385 at 25 MHz. With shift=6 an instruction takes 64 ns, 1.6 ticks. On
 * RV32 the clock is the counter `minstret` of every core. With shift=0 an instruction is one tick.
 */
#ifndef CORE_H
#define CORE_H

#include <stddef.h>
#include <stdint.h>

#define PAINT 0x5ac35ac3u

#if defined __arm__

#define TIMER ((volatile uint32_t *)0x40000000) /* CTRL, VALUE, RELOAD; counts down */

static inline uint32_t core_now(void) { return ~TIMER[1]; }

static inline uint32_t core_instructions(uint64_t ticks) { return (uint32_t)(ticks * 5 / 8); }

static inline void core_start_clock(void) {
    TIMER[2] = TIMER[1] = 0xffffffffu;
    TIMER[0] = 1;
}

static inline uint32_t *core_stack_pointer(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

/* Three instructions a turn. */
static inline void core_count_down(uint32_t turns) {
    __asm__ volatile("1: sub %0, #1\n cmp %0, #0\n bne 1b" : "+l"(turns) : : "cc");
}

/* A Cortex-M0+ faults on an unaligned word, which a Cortex-M3 reads. */
static inline void core_be_strict(void) {
#if __ARM_ARCH == 6
    *(volatile uint32_t *)0xe000ed14 |= 8;
#endif
}

#else

static inline uint32_t core_instructions(uint64_t ticks) { return (uint32_t)ticks; }

static inline void core_start_clock(void) {}

static inline void core_be_strict(void) {} /* QEMU's RV32 reads unaligned words in any case */

#if defined __riscv

static inline uint32_t core_now(void) {
    uint32_t n;
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrr %0, minstret\n .option pop"
                     : "=r"(n));
    return n;
}

static inline uint32_t *core_stack_pointer(void) {
    uint32_t *sp;
    __asm__ volatile("mv %0, sp" : "=r"(sp));
    return sp;
}

/* Three instructions a turn. */
static inline void core_count_down(uint32_t turns) {
    __asm__ volatile("1: addi %0, %0, -1\n nop\n bnez %0, 1b" : "+r"(turns));
}

#else /* here it is compiled, and never run */

static inline uint32_t core_now(void) { return 0; }

static inline uint32_t *core_stack_pointer(void) { return NULL; }

static inline void core_count_down(uint32_t turns) { (void)turns; }

#endif
#endif

/* Paints `words` words below sp, which is the caller's, and returns the deepest of them. The words
 * right below sp are this function's own and stay as they are: no call takes less. */
static inline volatile uint32_t *core_paint(uint32_t *sp, uint32_t words) {
    volatile uint32_t *floor = sp - words;
    for (uint32_t i = 0; i < words - 16; i++)
        floor[i] = PAINT;
    return floor;
}

/* The octets of the `words` above the floor that were used. */
static inline uint32_t core_used(const volatile uint32_t *floor, uint32_t words) {
    uint32_t i = 0;
    while (floor[i] == PAINT)
        i++;
    return (words - i) * 4;
}

#endif
