/* SPDX-License-Identifier: MIT */
/* ahead - decides which sessions may send commands ahead of the answers to earlier ones
 * (popcl_config.window). A server may offer PIPELINING and lose a command. The job notices that,
 * and nothing is deleted, but the messages of the session come again. So after such a session the
 * next ones send one command at a time. It uses only popcl_fetch.h, and may be copied. */
#ifndef AHEAD_H
#define AHEAD_H

#include "popcl_fetch.h"

/* Sessions of one command at a time: after replies that did not match their commands, and after a
 * session that broke before all replies came. The second may be the network's fault. */
#define AHEAD_SHIFTED 64u
#define AHEAD_BROKEN  4u

/* left: how many sessions were still to send one command at a time when this one began; 0 = it had
 * a window. d: its diagnosis. Returns the number for the next session. Only a session that succeeds
 * makes the number smaller. Keep the number over a reset, but a smaller one is no reason to write a
 * flash. */
uint8_t ahead_next(uint8_t left, const popcl_diag *d);

#endif
