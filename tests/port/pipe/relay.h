/* SPDX-License-Identifier: MIT */
/* relay.h - the other end of the line: a process that makes the TCP connections, with a small
 * buffer and a list of names. */
#ifndef TESTS_PORT_PIPE_RELAY_H
#define TESTS_PORT_PIPE_RELAY_H

#define RELAY_NAME         "peer.test"
#define RELAY_DEAD_FIRST   "dead-first.test"
#define RELAY_SILENT_FIRST "silent-first.test"
#define RELAY_UNKNOWN      "unknown.test" /* not in the list */
#define RELAY_SLOW         "slow.test"

#define RELAY_SILENT "127.0.0.3" /* has to be made silent by who uses RELAY_SILENT_FIRST */

/* Starts a relay as a child of this process, which ends with the line. Gives the descriptors of the
 * line. Returns 0 if it cannot be started. */
int relay_start(int *to, int *from);

#endif
