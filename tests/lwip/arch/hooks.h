/* SPDX-License-Identifier: MIT */
/* hooks.h - what lwIP leaves to the program: here, where a connection's sequence numbers begin.
 * lwIP's own choice can be guessed. */
#ifndef TESTS_LWIP_ARCH_HOOKS_H
#define TESTS_LWIP_ARCH_HOOKS_H

#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) LWIP_RAND()

#endif
