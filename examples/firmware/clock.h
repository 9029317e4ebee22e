/* SPDX-License-Identifier: MIT */
/* clock - milliseconds since reset, from SysTick. It interrupts only a hundred times a second, so
 * that the core may sleep in between. Also the watchdog, which resets a chip whose program
 * hangs. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_TICK_MS 10u

void clock_start(void);
void clock_hurry(uint32_t times); /* for tests: the clock runs so many times faster */
void clock_was_up(uint32_t s);    /* for tests: as if the clock had started so long ago */
uint32_t clock_s(void);  /* seconds since reset, a tick late at most; wraps after 136 years */
uint32_t clock_ms(void); /* never goes back; wraps after 49 days. Not to be called with interrupts
                            off for longer than a tick */

/* The watchdog. WATCHDOG_S after the last watchdog_feed it reports where the program is; after
 * twice that time it resets the chip. The longest stretch of the program without watchdog_feed is
 * one public-key operation: docs/SIZING.md has the instructions. */
#define WATCHDOG_S 30u
void watchdog_start(void);
void watchdog_feed(void);

void clock_tick(void); /* the SysTick handler; calls clock_ticked, which a kernel may define */
void clock_ticked(void);

#endif
