/* SPDX-License-Identifier: MIT */
/* popcl_lwip_query.h - an address of the host, and the query for it that lwIP may still hold. Part
 * of the objects of both lwIP ports. Private. */
#ifndef POPCL_LWIP_QUERY_H
#define POPCL_LWIP_QUERY_H

#include <stdint.h>

#include <lwip/opt.h>

#include <lwip/init.h>
#include <lwip/ip_addr.h>

#if LWIP_VERSION_MAJOR < 2 || (LWIP_VERSION_MAJOR == 2 && LWIP_VERSION_MINOR < 1)
#error "popcl's ports need lwIP 2.1 or later"
#endif
#if !LWIP_TCP
#error "popcl's ports need LWIP_TCP"
#endif

/* The number of addresses of a name that can be tried: lwIP reports one of each family. */
#if LWIP_IPV4 && LWIP_IPV6
#define POPCL_LWIP_FAMILIES 2
#else
#define POPCL_LWIP_FAMILIES 1
#endif

typedef struct popcl_lwip_query {
    ip_addr_t address;
    uint8_t state;  /* enum query in names.h */
    uint8_t out;    /* lwIP will call back, and write here */
    uint8_t number; /* index of its family */
} popcl_lwip_query;

#endif
