/* SPDX-License-Identifier: MIT */
/* relay.h - the way from an lwIP of this process to the suite's peer, which is a TCP server of this
 * machine: a server inside lwIP that carries each connection there and back, with its ends and
 * resets; a name server for names that end in .test; and addresses that do not answer. No frame
 * leaves the process, so that no root is needed. All of it runs in lwIP's own context, by raw API
 * calls. */
#ifndef TESTS_PORT_LWIP_RELAY_H
#define TESTS_PORT_LWIP_RELAY_H

#include <stdint.h>

#define RELAY_SILENT       "10.0.0.9"
#define RELAY_NAME         "peer.test"
#define RELAY_DEAD_FIRST   "dead-first.test"
#define RELAY_SILENT_FIRST "silent-first.test"
#define RELAY_UNKNOWN      "unknown.test"
#define RELAY_SLOW         "slow.test"

void relay_start(uint16_t tcp_port); /* once, after lwip_init */
/* Moves what can be moved. Returns 1 if something moved. */
int relay_turn(void);
/* Sleeps until something comes from the peer, for limit_ms at most. For who has no other thread. */
void relay_sleep(uint32_t limit_ms);
int relay_others(void); /* connections in this lwIP that are not the relay's: those of the port */

/* The clock of lwIP, which can be set. */
void relay_clock_to(uint32_t ms);

#endif
