/* SPDX-License-Identifier: MIT */
/* net_ip.h - include/zephyr/net/net_ip.h of Zephyr: the names of 3.7, or with STUB_ZEPHYR_NET_
 * those of 4.4. Families and sizes are Zephyr's, not this machine's. */
#ifndef STUB_ZEPHYR_NET_IP_H
#define STUB_ZEPHYR_NET_IP_H

#include <stddef.h>
#include <stdint.h>

#ifdef STUB_ZEPHYR_NET_
#define STUB_TYPE(name)     net_##name
#define STUB_CONSTANT(name) NET_##name
#define NET_AF_INET         1
#define NET_AF_INET6        2
typedef unsigned short net_sa_family_t;
typedef size_t net_socklen_t;
#else
#define STUB_TYPE(name)     name
#define STUB_CONSTANT(name) name
#define AF_INET             1
#define AF_INET6            2
typedef unsigned short sa_family_t;
typedef size_t socklen_t;
#endif

enum STUB_TYPE(ip_protocol) {
    STUB_CONSTANT(IPPROTO_TCP) = 6,
    STUB_CONSTANT(IPPROTO_TLS_1_2) = 258
};
enum STUB_TYPE(sock_type) { STUB_CONSTANT(SOCK_STREAM) = 1 };

struct STUB_TYPE(in_addr) {
    union {
        uint8_t s4_addr[4];
        uint32_t s_addr;
    };
};
struct STUB_TYPE(in6_addr) {
    uint8_t s6_addr[16];
};
struct STUB_TYPE(sockaddr_in) {
    STUB_TYPE(sa_family_t) sin_family;
    uint16_t sin_port;
    struct STUB_TYPE(in_addr) sin_addr;
};
struct STUB_TYPE(sockaddr_in6) {
    STUB_TYPE(sa_family_t) sin6_family;
    uint16_t sin6_port;
    struct STUB_TYPE(in6_addr) sin6_addr;
    uint8_t sin6_scope_id;
};
struct STUB_TYPE(sockaddr) {
    STUB_TYPE(sa_family_t) sa_family;
    char data[sizeof(struct STUB_TYPE(sockaddr_in6)) - sizeof(STUB_TYPE(sa_family_t))];
};

#endif
