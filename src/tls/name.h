/* SPDX-License-Identifier: MIT */
/* name - a server's name as certificates see it: a host name or an address (RFC 9525, 6; RFC
 * 5280, 4.2.1.6). */
#ifndef POPCL_TLS_NAME_H
#define POPCL_TLS_NAME_H

#include <stddef.h>

enum popcl_name_kind {
    POPCL_NAME_HOST,   /* compared with dNSName entries, sent as SNI */
    POPCL_NAME_IPV4,   /* compared with iPAddress entries of 4 octets */
    POPCL_NAME_IPV6,   /* compared with iPAddress entries of 16 octets */
    POPCL_NAME_NUMBERS /* looks like an address and is none that can stand in a certificate (127.1,
                          2130706433, 0x7f.1): matches nothing */
};

/* What `name` is. An address is what inet_pton takes, and any name whose last label is all digits,
 * or 0x and hexadecimal digits: what resolvers of old take for one. address: 16 octets of room for
 * IPV4 and IPV6. A trailing dot of a host name counts as not there. */
enum popcl_name_kind popcl_name_kind(const char *name, unsigned char *address);

/* Whether a name of the kind HOST can be that of a host at all: labels of 1 to 63 letters, digits,
 * hyphens (neither first nor last) and underscores, up to 253 octets (RFC 1123, 2.1). Only such a
 * name is compared with certificates. */
int popcl_name_is_host(const char *name);

/* Copies a name to `to` (256 octets of room) as it is compared and sent: without a trailing dot.
 * Returns 0 if it is empty or too long. */
int popcl_name_copy(char *to, const char *name);

#endif
