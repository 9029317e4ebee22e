/* SPDX-License-Identifier: MIT */
/* clock - see clock.h. */
#include "clock.h"

#include "board.h"

#define SYSTICK_CTRL  REGISTER(0xe000e010u, 0) /* 7 = counts, interrupts, by the core's clock */
#define SYSTICK_LOAD  REGISTER(0xe000e010u, 4)
#define SYSTICK_VALUE REGISTER(0xe000e010u, 8)
#define PER_MS        ((uint32_t)BOARD_HZ / 1000u)
#define PER_TICK      (PER_MS * CLOCK_TICK_MS)

static volatile uint32_t ticks_ms;
static volatile uint32_t seconds; /* counted separately: milliseconds wrap after 49 days */
static uint32_t times_as_fast = 1;

void clock_start(void) {
    SYSTICK_LOAD = PER_TICK / times_as_fast - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CTRL = 7;
}

void clock_hurry(uint32_t times) {
    times_as_fast = times;
    clock_start();
}

static uint32_t last; /* the last result of clock_ms */

/* The counter restarts a little before its interrupt is taken, or long before if interrupts are
 * off. A time that is read in between is a tick too early, and may be below the last result. Then
 * the clock repeats the last result until the tick is counted. */
uint32_t clock_ms(void) {
    uint32_t off = irq_save();
    uint32_t now = ticks_ms + (SYSTICK_LOAD - SYSTICK_VALUE) * times_as_fast / PER_MS;
    if ((int32_t)(now - last) < 0) now = last;
    last = now;
    irq_restore(off);
    return now;
}

__attribute__((weak)) void clock_ticked(void) {}

uint32_t clock_s(void) { return seconds; }

void clock_was_up(uint32_t s) {
    uint32_t off = irq_save();
    last = ticks_ms = s * 1000u;
    seconds = s;
    irq_restore(off);
}

void clock_tick(void) {
    static uint32_t of_second_ms;
    ticks_ms += CLOCK_TICK_MS;
    of_second_ms += CLOCK_TICK_MS;
    if (of_second_ms >= 1000u) {
        of_second_ms -= 1000u;
        seconds++;
    }
    clock_ticked();
}

/* ---- the watchdog: that of ARM's CMSDK, which is Luminary's too ---- */

#define DOG_LOAD REGISTER(BOARD_DOG, 0x000)
/* 1 = counts and interrupts; 2 = resets if the interrupt was not cleared a period later */
#define DOG_CTRL  REGISTER(BOARD_DOG, 0x008)
#define DOG_CLEAR REGISTER(BOARD_DOG, 0x00c)
#define DOG_LOCK  REGISTER(BOARD_DOG, 0xc00)
#define DOG_KEY   0x1acce551u

#define RCGC0_DOG 8u /* the lm3s6965 gives its watchdog a clock only on request */

void watchdog_start(void) {
    if (BOARD_DOG_IRQ >= 0) {
        REGISTER(0x400fe100u, 0) |= RCGC0_DOG;
        NVIC_ENABLE((uint32_t)BOARD_DOG_IRQ);
    }
    DOG_LOCK = DOG_KEY;
    DOG_LOAD = (uint32_t)BOARD_HZ * WATCHDOG_S;
    DOG_CTRL = 3;
    DOG_LOCK = 0;
}

void watchdog_feed(void) {
    DOG_LOCK = DOG_KEY;
    DOG_CLEAR = 1; /* loads it again */
    DOG_LOCK = 0;
}
