/* SPDX-License-Identifier: MIT */
/* startup - from reset to main, what happens when something goes wrong, and how deep the stack was.
 */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

uint32_t stack_size(void);    /* octets that there are */
uint32_t stack_deepest(void); /* octets that were used since reset: the stack is painted before
                                 main, and looked at here */

/* Where the program is, for those who measure: called at the begin of each phase. It only leaves a
 * trace that a debugger, or a plugin of QEMU's, sees, and counts instructions from one to the next.
 * In a build with PHASES=1 it also notes how deep the stack was in the phase that ends. */
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
uint32_t phase_stack(unsigned phase); /* octets; 0 without PHASES=1 */

#endif
