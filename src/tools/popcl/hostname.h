/* SPDX-License-Identifier: MIT */
/* hostname - the name or the address of a server. Each byte is looked at here, so that no surprise
 * reaches a resolver, a certificate check or a log. It knows no option and no port. */
#ifndef POPCL_CMD_HOSTNAME_H
#define POPCL_CMD_HOSTNAME_H

#include <stddef.h>

#define CMD_HOST_MAX  255
#define CMD_SCOPE_MAX 31

/* Each reads n bytes at p, writes the name or address to host (CMD_HOST_MAX + 1 bytes), and returns
 * NULL. If it is wrong, it returns the reason as the end of a sentence: "is empty". */

/* A host name, or an IPv4 address: in lower case, without the trailing dot. */
const char *cmd_hostname_read(char *host, const char *p, size_t n);

/* An IPv6 address, in its shortest form. The text after a % goes to scope (CMD_SCOPE_MAX + 1 bytes,
 * "" without). scope NULL = no % is accepted. */
const char *cmd_hostname_read_ipv6(char *host, char *scope, const char *p, size_t n);

/* Returns whether this IPv6 address needs an interface: it is link-local (RFC 4007, 6). */
int cmd_hostname_needs_scope(const char *host);

#endif
