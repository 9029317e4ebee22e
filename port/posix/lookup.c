/* SPDX-License-Identifier: MIT */
/* lookup - host names to addresses, in this process. Addresses as text and "localhost" need no name
 * server; getaddrinfo looks up all other names. It knows no deadline: resolve.c and
 * no_fork/resolve_sync.c are the two ways to call it. */
#define _POSIX_C_SOURCE 200809L

#include "posix_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

static void add_address(pop_resolved *found, const struct sockaddr *a, uint16_t port) {
    if (found->count == POP_ADDRESSES_MAX || (a->sa_family != AF_INET && a->sa_family != AF_INET6))
        return;
    pop_address *to = &found->address[found->count++];
    memcpy(to, a, a->sa_family == AF_INET6 ? sizeof to->v6 : sizeof to->v4);
    if (a->sa_family == AF_INET6)
        to->v6.sin6_port = htons(port);
    else
        to->v4.sin_port = htons(port);
}

void pop_look_up(const char *host, uint16_t port, int family, int flags, pop_resolved *found) {
    struct addrinfo hints = {0}, *list = NULL;
    memset(found, 0, sizeof *found);
    hints.ai_flags = flags;
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    found->code = getaddrinfo(host, NULL, &hints, &list);
    if (found->code == 0) {
        for (const struct addrinfo *a = list; a; a = a->ai_next)
            add_address(found, a->ai_addr, port);
        freeaddrinfo(list);
        if (found->count == 0) found->code = EAI_NONAME;
    }
    if (found->code == EAI_SYSTEM)
        found->error = errno;
    else if (found->code == EAI_MEMORY)
        found->error = ENOMEM;
    else
        found->error =
            found->code < 0 ? found->code : -found->code; /* their sign differs between systems */
}

/* RFC 6761, 6.3: localhost is the loopback address, and no name server is asked. IPv6 comes first,
 * as in RFC 6724, 10.3. */
static void add_loopback(uint16_t port, int family, pop_resolved *found) {
    struct sockaddr_in6 v6 = {0};
    struct sockaddr_in v4 = {0};
    memset(found, 0, sizeof *found);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr.s6_addr[15] = 1;
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family != AF_INET) add_address(found, (const struct sockaddr *)&v6, port);
    if (family != AF_INET6) add_address(found, (const struct sockaddr *)&v4, port);
}

popcl_err pop_look_up_result(const pop_resolved *found) {
    if (found->code == 0) return POPCL_OK;
    if (found->error > 0 && pop_is_shortage(found->error)) return POPCL_ERR_NET;
    return found->code == EAI_AGAIN || found->code == EAI_SYSTEM ? POPCL_ERR_RESOLVE_TIMEOUT
                                                                 : POPCL_ERR_RESOLVE;
}

static int is_localhost(const char *host) {
    return strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0;
}

int pop_look_up_here(const char *host, uint16_t port, int family, pop_resolved *found,
                     popcl_err *result) {
    pop_look_up(host, port, family, AI_NUMERICHOST, found);
    *result = pop_look_up_result(found);
    if (found->code != EAI_NONAME) return 1;
    /* no name has these: the address or its scope is wrong */
    if (strpbrk(host, ":%")) return 1;
    if (!is_localhost(host)) return 0;
    add_loopback(port, family, found);
    *result = POPCL_OK;
    return 1;
}
