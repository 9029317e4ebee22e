/* SPDX-License-Identifier: MIT */
/* name - a server's name, in the form that certificates have: a host name or an address (RFC 9525,
 * 6; RFC 5280, 4.2.1.6). */
#ifndef POPCL_TLS_NAME_H
#define POPCL_TLS_NAME_H

#include <stddef.h>

enum popcl_name_kind {
    POPCL_NAME_HOST,   /* compared with dNSName entries, sent as SNI */
    POPCL_NAME_IPV4,   /* compared with iPAddress entries of 4 octets */
    POPCL_NAME_IPV6,   /* compared with iPAddress entries of 16 octets */
    POPCL_NAME_NUMBERS /* looks like an address, but no certificate can have it (127.1, 2130706433,
                          0x7f.1): matches nothing */
};

/* Returns the kind of `name`. An address is a name that inet_pton takes. NUMBERS is any other name
 * with a colon, or whose last label is all digits, or 0x and hexadecimal digits. Old resolvers take
 * such a label for an address. address: 16 bytes of room for IPV4 and IPV6. A trailing dot of a
 * host name is not counted. */
enum popcl_name_kind popcl_name_kind(const char *name, unsigned char *address);

/* Returns whether a name of the kind HOST can be a host's. Its labels have 1 to 63 letters, digits,
 * hyphens (neither first nor last) and underscores, and it has up to 253 octets (RFC 1123, 2.1).
 * Only such a name is compared with certificates. */
int popcl_name_is_host(const char *name);

/* Copies a name to `to` (256 bytes of room) in the form that is compared and sent: without a
 * trailing dot. Returns 0 if it is empty or too long. */
int popcl_name_copy(char *to, const char *name);

/* Returns whether names of hosts have this octet: letters, digits, dot, hyphen, underscore. */
int popcl_name_has(unsigned c);

/* Returns the small letter of a capital one, and any other octet as it is. */
unsigned popcl_name_lower(unsigned c);

#endif
