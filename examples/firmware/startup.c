/* SPDX-License-Identifier: MIT */
/* startup - see startup.h. */
#include "startup.h"

#include "board.h"
#include "clock.h"
#include "console.h"
#include "eth.h"

int main(void);
void reset_handler(void);

extern uint32_t stack_low[], stack_top[], data_load[], data_start[], data_end[], bss_start[],
    bss_end[];

/* ---- faults ---- */

/* The eight words that the core pushed, if it could: after an overflow of the stack it could
 * not. */
__attribute__((used)) void stopped(const uint32_t *frame);
void stopped(const uint32_t *frame) {
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    const int is_watchdog = number == 2 || number >= 16; /* the NMI, or an interrupt */
    console_text(is_watchdog ? "watchdog" : "fault ");
    if (!is_watchdog) console_number(number);
    if (frame < stack_low) {
        console_text(": the stack overflowed\n");
    } else {
        console_text(" at ");
        console_hex(frame[6]);
        console_text(", called from ");
        console_hex(frame[5]);
        console_text("\n");
    }
    if (is_watchdog)
        for (;;) {} /* the watchdog's second period ends in a reset */
    console_exit(3);
}

/* Gets the old stack pointer as argument, and a stack of its own: this code does not return. */
__attribute__((naked)) static void stop(void) {
    __asm__ volatile("mov r0, lr\n"
                     "movs r1, #4\n"
                     "tst r0, r1\n"
                     "mrs r0, msp\n"
                     "beq 1f\n"
                     "mrs r0, psp\n"
                     "1: ldr r1, =stack_top\n"
                     "msr msp, r1\n"
                     "bl stopped\n"
                     ".ltorg");
}

/* ---- vectors ---- */

/* A kernel defines these. */
__attribute__((weak, alias("stop"))) void kernel_call(void);
__attribute__((weak, alias("stop"))) void kernel_switch(void);

/* An interrupt that is not in here cannot come: it is not enabled. */
__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))(uintptr_t)stack_top,
    reset_handler,
    stop, /* NMI: on some boards the watchdog */
    stop, /* hard fault; the others are not enabled and become this one */
    stop,
    stop,
    stop,
    stop,
    NULL,
    NULL,
    NULL,
    kernel_call,
    stop,
    NULL,
    kernel_switch,
    clock_tick,
    [16 + BOARD_ETH_IRQ] = eth_interrupt,
    [16 + (BOARD_DOG_IRQ < 0 ? BOARD_ETH_IRQ + 1 : BOARD_DOG_IRQ)] = stop,
};

/* ---- reset ---- */

#define PAINT 0x5ac35ac3u

static uint32_t *stack_pointer(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static void paint(void) {
    uint32_t *end = stack_pointer();
    for (volatile uint32_t *p = stack_low; p < end; p++)
        *p = PAINT;
}

void reset_handler(void) {
    const uint32_t *from = data_load;
    for (volatile uint32_t *p = data_start; p < data_end; p++)
        *p = *from++;
    for (volatile uint32_t *p = bss_start; p < bss_end; p++)
        *p = 0;
    paint();
    if (BOARD_TRAP_UNALIGNED) SCB_CCR |= 8u;
    console_exit(main());
}

uint32_t stack_size(void) { return (uint32_t)(stack_top - stack_low) * 4; }

static uint32_t deepest_since_paint(void) {
    const volatile uint32_t *p = stack_low;
    while (*p == PAINT)
        p++;
    return (uint32_t)((const uint32_t *)stack_top - (const uint32_t *)p) * 4;
}

/* ---- phases ---- */

#ifdef PHASES_MEASURED
static uint32_t deepest, by_phase[PHASES];

__attribute__((noinline)) void mark(unsigned phase) {
    static unsigned now = PHASE_BOOT;
    uint32_t depth = deepest_since_paint();
    if (depth > by_phase[now]) by_phase[now] = depth;
    if (depth > deepest) deepest = depth;
    paint();
    now = phase;
}

uint32_t phase_stack(unsigned phase) { return by_phase[phase]; }

uint32_t stack_deepest(void) {
    uint32_t depth = deepest_since_paint();
    return depth > deepest ? depth : deepest;
}
#else
/* tests/firmware/meter.c looks at which of them is written */
static volatile uint8_t phases_reached[PHASES];

void mark(unsigned phase) { phases_reached[phase] = 1; }

uint32_t phase_stack(unsigned phase) { return (void)phase, 0; }

uint32_t stack_deepest(void) { return deepest_since_paint(); }
#endif
