/* SPDX-License-Identifier: MIT */
/* secure.h - secure sockets for the stubs of Zephyr and of esp_tls: stub_tls of
 * ../zephyr/stubs.h. */
#ifndef TESTS_PORT_ZEPHYR_TLS_H
#define TESTS_PORT_ZEPHYR_TLS_H

/* Sets stub_secure_sockets. pem: the authority that the credential `tag` has. Returns 0 if Mbed TLS
 * cannot be set up. */
int secure_sockets_start(const char *pem, int tag);

#endif
