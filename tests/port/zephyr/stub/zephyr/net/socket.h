/* SPDX-License-Identifier: MIT */
/* socket.h - include/zephyr/net/socket.h of Zephyr 3.7 and 4.4 (net_ip.h): what the port calls. */
#ifndef STUB_ZEPHYR_NET_SOCKET_H
#define STUB_ZEPHYR_NET_SOCKET_H

#include <sys/types.h>

#include <zephyr/net/net_ip.h>

struct zsock_pollfd {
    int fd;
    short events;
    short revents;
};
#define ZSOCK_POLLIN       1
#define ZSOCK_POLLPRI      2
#define ZSOCK_POLLOUT      4
#define ZSOCK_POLLERR      8
#define ZSOCK_POLLHUP      0x10
#define ZSOCK_POLLNVAL     0x20
#define ZSOCK_MSG_PEEK     0x02
#define ZSOCK_MSG_DONTWAIT 0x40

#ifdef STUB_ZEPHYR_NET_
#define ZSOCK_SOL_SOCKET       1
#define ZSOCK_SO_ERROR         4
#define ZSOCK_TCP_NODELAY      1
#define ZSOCK_SOL_TLS          282
#define ZSOCK_TLS_SEC_TAG_LIST 1
#define ZSOCK_TLS_HOSTNAME     2
#define ZSOCK_TLS_PEER_VERIFY  5
#else
#define SOL_SOCKET       1
#define SO_ERROR         4
#define TCP_NODELAY      1
#define SOL_TLS          282
#define TLS_SEC_TAG_LIST 1
#define TLS_HOSTNAME     2
#define TLS_PEER_VERIFY  5
#endif

int zsock_socket(int family, int type, int proto);
int zsock_close(int sock);
int zsock_connect(int sock, const struct STUB_TYPE(sockaddr) * addr, STUB_TYPE(socklen_t) addrlen);
ssize_t zsock_send(int sock, const void *buf, size_t len, int flags);
ssize_t zsock_recv(int sock, void *buf, size_t max_len, int flags);
int zsock_fcntl(int sock, int cmd, int flags);
int zsock_poll(struct zsock_pollfd *fds, int nfds, int timeout);
int zsock_getsockopt(int sock, int level, int optname, void *optval, STUB_TYPE(socklen_t) * optlen);
int zsock_setsockopt(int sock, int level, int optname, const void *optval,
                     STUB_TYPE(socklen_t) optlen);
int zsock_inet_pton(STUB_TYPE(sa_family_t) family, const char *src, void *dst);

#endif
