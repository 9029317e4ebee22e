/* SPDX-License-Identifier: MIT */
/* relay.h - the server's side of TLS in front of the suite's peer, which speaks plain TCP: a
 * process that ends TLS, and carries octets, ends and resets on in both directions. */
#ifndef TESTS_PORT_MBEDTLS_RELAY_H
#define TESTS_PORT_MBEDTLS_RELAY_H

#include <stddef.h>
#include <stdint.h>

/* Starts a relay to 127.0.0.1 and tcp_port as a child of this process. Its certificate signs
 * itself, and is for the names of this list, which ends with NULL. Gives the certificate in PEM,
 * and the port where the relay listens on 127.0.0.1. Returns 0 if it cannot be started. */
int relay_start(uint16_t tcp_port, const char *const *names, char *pem, size_t pem_len,
                uint16_t *listens_at);

#endif
