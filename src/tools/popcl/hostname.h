/* SPDX-License-Identifier: MIT */
/* hostname - what can be the name or the address of a server: each octet is looked at here, so that
 * no surprise reaches a resolver, a certificate check or a log. Knows no option and no port. */
#ifndef POPCL_CMD_HOSTNAME_H
#define POPCL_CMD_HOSTNAME_H

#include <stddef.h>

#define CMD_HOST_MAX  255
#define CMD_SCOPE_MAX 31

/* Each reads n octets at p, writes what they stand for to host (CMD_HOST_MAX + 1 octets), and
 * returns NULL; or what is wrong, as the end of a sentence: "is empty". */

/* A host name, or an IPv4 address: in lower case, without the trailing dot. */
const char *cmd_hostname_read(char *host, const char *p, size_t n);

/* An IPv6 address, in its shortest form. What stands behind a % goes to scope (CMD_SCOPE_MAX + 1
 * octets, "" without); NULL: no % is taken. */
const char *cmd_hostname_read_ipv6(char *host, char *scope, const char *p, size_t n);

/* Whether this IPv6 address says nothing without an interface: it is link-local (RFC 4007, 6). */
int cmd_hostname_needs_scope(const char *host);

#endif
