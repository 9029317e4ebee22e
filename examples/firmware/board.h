/* SPDX-License-Identifier: MIT */
/* board - the differences between the boards: one row each. They are constants, so that a part that
 * a board does not use costs it nothing. Clocks are those of QEMU 7.2. On a real lm3s6965evb the
 * core starts on its internal oscillator, about 12 MHz. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* X(name,             clock,    Ethernet,    IRQ, watchdog,    its IRQ;
 * -1: NMI, trap unaligned access) */
#define ROW_LM3S6965EVB(X) X("lm3s6965evb", 12500000, 0x40048000u, 42, 0x40000000u, 18, 0)
/* a Cortex-M3 that is as strict as an M0+ */
#define ROW_LM3S6965EVB_M0(X) X("lm3s6965evb-m0", 12500000, 0x40048000u, 42, 0x40000000u, 18, 1)
#define ROW_MPS2_AN385(X)     X("mps2-an385", 25000000, 0x40200000u, 13, 0x40008000u, -1, 0)
/* all of it in the secure world */
#define ROW_MPS2_AN505(X) X("mps2-an505", 20000000, 0x52000000u, 48, 0x50081000u, -1, 0)

#define BOARD_NAME_OF(name, hz, eth, irq, dog, dog_irq, trap) name
#define BOARD_CONSTANTS_OF(name, hz, eth, irq, dog, dog_irq, trap)                                 \
    BOARD_HZ = (hz), BOARD_ETH_IRQ = (irq), BOARD_DOG_IRQ = (dog_irq), BOARD_TRAP_UNALIGNED = (trap)
#define BOARD_ETH_OF(name, hz, eth, irq, dog, dog_irq, trap) eth
#define BOARD_DOG_OF(name, hz, eth, irq, dog, dog_irq, trap) dog

enum { BOARD_ROW(BOARD_CONSTANTS_OF) }; /* -DBOARD_ROW=ROW_... comes from the Makefile */
#define BOARD_NAME BOARD_ROW(BOARD_NAME_OF)
#define BOARD_ETH  BOARD_ROW(BOARD_ETH_OF)
#define BOARD_DOG  BOARD_ROW(BOARD_DOG_OF)

#define REGISTER(base, offset) (*(volatile uint32_t *)(uintptr_t)((base) + (offset)))

/* Of every Cortex-M. */
#define NVIC_ENABLE(irq) (REGISTER(0xe000e100u, (irq) / 32u * 4u) = 1u << (irq) % 32u)
#define SCB_CCR          REGISTER(0xe000ed14u, 0)
#define SCB_AIRCR        REGISTER(0xe000ed0cu, 0)

static inline void irq_off(void) { __asm__ volatile("cpsid i" : : : "memory"); }
static inline void irq_on(void) { __asm__ volatile("cpsie i" : : : "memory"); }
/* For functions that may be called with interrupts on or off. */
static inline uint32_t irq_save(void) {
    uint32_t off;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(off) : : "memory");
    return off;
}
static inline void irq_restore(uint32_t off) {
    __asm__ volatile("msr primask, %0" : : "r"(off) : "memory");
}
static inline void wait_for_interrupt(void) { __asm__ volatile("dsb\n wfi" : : : "memory"); }

#endif
