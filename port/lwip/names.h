/* SPDX-License-Identifier: MIT */
/* names.h - the names of hosts in both lwIP ports: addresses, names, and how lwIP is asked for one.
 * It has functions, not declarations, so that a program may have both ports. All of it runs in the
 * main loop, or in lwIP's thread with sockets. */
#ifndef POPCL_LWIP_NAMES_H
#define POPCL_LWIP_NAMES_H

#include "popcl_lwip_query.h"

#include <lwip/def.h>
#include <lwip/dns.h>
#include <lwip/ip.h>

#include <string.h>

enum query { TO_ASK, ASKED, FOUND, NOT_FOUND, NO_ANSWER, TRIED };

#if POPCL_LWIP_FAMILIES == 2
#if LWIP_DNS && (LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6_IPV4 ||                       \
                 LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6)
#define FIRST_IS_IPV6 1u
#else
#define FIRST_IS_IPV6 0u
#endif
#define IS_IPV6(i) ((i) ^ FIRST_IS_IPV6) /* of family i, in the order in which they are tried */
#else
#define IS_IPV6(i) ((i) + LWIP_IPV6)
#endif

/* Returns the octets of a name without its last dot. 0 = not a name for a name server; lwIP would
 * send it as it is. */
static size_t name_len(const char *host) {
    size_t i = 0, label = 0;
    for (; host[i]; i++) {
        if (host[i] != '.') {
            if ((unsigned char)(host[i] - '!') > '~' - '!' || ++label > 63) return 0;
        } else if (label == 0) {
            return 0;
        } else {
            label = 0;
        }
    }
    return i && !label ? i - 1 : i;
}

#if LWIP_IPV6
/* lwIP also accepts text that is no address, and would connect to another address. Such text has
 * groups of five digits, two gaps, a colon at an end, or more after the address. */
static int is_ipv6(const char *host) {
    size_t digits = 0, gaps = 0;
    const char *s = host;
    if (s[0] == ':' && s[1] != ':') return 0;
    for (; *s; s++) {
        gaps += s[0] == ':' && s[1] == ':';
        if (*s == ':' || *s == '.')
            digits = 0;
        else if (!lwip_isxdigit(*s) || ++digits > 4)
            return 0;
    }
    return gaps < 2 && (s[-1] != ':' || s[-2] == ':');
}
#else
#define is_ipv6(host) 0
#endif

/* Reads a host that needs no name server: addresses, and localhost (RFC 6761, 6.3). No name has a
 * colon. */
static void read_host(const char *host, popcl_lwip_query *query) {
    size_t len = name_len(host);
    int is_name = len && !strchr(host, ':');
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++) {
        popcl_lwip_query *q = &query[i];
        q->number = (uint8_t)i;
        q->state = is_name ? TO_ASK : NOT_FOUND;
        if (len == 9 && lwip_strnicmp(host, "localhost", 9) == 0) {
            ip_addr_set_loopback(IS_IPV6(i), &q->address);
            q->state =
                LWIP_HAVE_LOOPIF
                    ? FOUND
                    : NOT_FOUND; /* without a loopback interface it would go out on the wire */
        }
    }
    if (len && (is_name || is_ipv6(host)) && ipaddr_aton(host, &query[0].address)) {
        query[0].state = FOUND;
        query[POPCL_LWIP_FAMILIES - 1].state = POPCL_LWIP_FAMILIES == 1 ? FOUND : TRIED;
    }
}

#if LWIP_DNS
/* Called from the function that lwIP calls with an answer. An answer that nobody waits for any more
 * changes nothing. lwIP gives no reason for a failure. If the call comes from its timer and not
 * from a datagram, no name server answered. */
static void take_answer(popcl_lwip_query *q, const ip_addr_t *address) {
    q->out = 0;
    if (q->state != ASKED) return;
    q->state = address ? FOUND : ip_current_netif() ? NOT_FOUND : NO_ANSWER;
    if (address) q->address = *address;
}

/* Asks lwIP, which copies the name. The name has no dot at its end, which lwIP would send wrongly.
 * Leaves q FOUND, ASKED, TO_ASK if lwIP had no memory, or TRIED with lwIP's error. */
static err_t ask_for(popcl_lwip_query *q, const char *name, dns_found_callback answered) {
    err_t e;
    q->state = ASKED;
    q->out = 1;
    e = dns_gethostbyname_addrtype(name, &q->address, answered, q,
                                   IS_IPV6(q->number) ? LWIP_DNS_ADDRTYPE_IPV6
                                                      : LWIP_DNS_ADDRTYPE_IPV4);
    if (e == ERR_INPROGRESS) return e;
    q->out = 0;
    q->state = e == ERR_OK ? FOUND : e == ERR_MEM ? TO_ASK : TRIED;
    return e;
}
#endif

#endif
