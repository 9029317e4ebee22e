/* SPDX-License-Identifier: MIT */
/* stubs.h - what the stub of Zephyr offers to the conformance suite. It has a clock that can be
 * set, and a place for the TLS of secure sockets (../zephyr-tls). */
#ifndef TESTS_PORT_ZEPHYR_STUBS_H
#define TESTS_PORT_ZEPHYR_STUBS_H

#include <stddef.h>
#include <stdint.h>

/* Set before the first case: TLS for sockets of IPPROTO_TLS_1_2. Functions return as the call of
 * their name, and set errno. */
typedef struct stub_tls {
    int (*connect)(int fd, const char *name, const int *tags, size_t tags_len);
    long (*recv)(int fd, void *p, size_t n);
    long (*send)(int fd, const void *p, size_t n);
    int (*has_octets)(int fd); /* a record that was read has more of them */
    void (*close)(int fd);
} stub_tls;
extern const stub_tls *stub_secure_sockets;
extern uint16_t stub_peer_port, stub_relay_port; /* a connect to the first goes to the second */

void stub_clock_to(uint32_t ms);

#endif
