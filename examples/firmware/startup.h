/* SPDX-License-Identifier: MIT */
/* startup - from reset to main, the handling of faults, and the depth of the stack. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

uint32_t stack_size(void);    /* bytes that the stack has */
uint32_t stack_deepest(void); /* bytes that were used since reset: the stack is painted before main,
                                 and looked at here */

/* The phases of the program, for measurements: mark is called at the start of each phase. It only
 * leaves a trace that a debugger or a plugin of QEMU sees, to count instructions from one to the
 * next. In a build with PHASES=1 it also notes the depth of the stack in the phase that ends. */
enum phase {
    PHASE_BOOT,
    PHASE_ADDRESS,
    PHASE_IDLE,
    PHASE_CONNECT,
    PHASE_HANDSHAKE,
    PHASE_SESSION,
    PHASE_BODY,
    PHASE_STATE,
    PHASES
};
void mark(unsigned phase);
uint32_t phase_stack(unsigned phase); /* bytes; 0 without PHASES=1 */

#endif
