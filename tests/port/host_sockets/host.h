/* SPDX-License-Identifier: MIT */
/* host.h - this machine's sockets with plain types, for stubs of the sockets of other systems.
 * Their headers have structs of the same names as this machine's. Each function returns what the
 * call of its name returns, and sets errno. Also the names that those stubs' resolvers know. */
#ifndef TESTS_PORT_HOST_SOCKETS_H
#define TESTS_PORT_HOST_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

enum { HOST_IN = 1, HOST_OUT = 4, HOST_ERR = 8, HOST_HUP = 16 };

int host_socket(int is_ipv6, int is_blocking);
int host_set_nonblocking(int fd);
int host_set_no_delay(int fd);
/* address: 4 or 16 octets in network order */
int host_connect(int fd, int is_ipv6, const unsigned char *address, uint16_t port);
int host_error(int fd, int *error); /* of a connect that was begun: SO_ERROR */
long host_recv(int fd, void *p, size_t n, int peek);
long host_send(int fd, const void *p, size_t n);
int host_poll(int fd, int events, int limit_ms, int *came);
int host_shut(int fd); /* ends this side: no more is sent */
int host_close(int fd);
int host_read_address(int is_ipv6, const char *text, unsigned char *address); /* inet_pton */

/* The names: peer.test, dead-first.test, silent-first.test (after host_begin_names), slow.test,
 * unknown.test. Returns the number of addresses, 0 for an unknown name, -1 for a name whose server
 * never answers. */
int host_look_up(const char *name, unsigned char addresses[2][4]);
void host_begin_names(uint16_t tcp_port);

#endif
