/* SPDX-License-Identifier: MIT */
/* host - see host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port_under_test.h"

int host_socket(int is_ipv6, int is_blocking) {
    return socket(is_ipv6 ? AF_INET6 : AF_INET,
                  SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK), 0);
}

int host_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int host_set_no_delay(int fd) {
    const int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int host_connect(int fd, int is_ipv6, const unsigned char *address, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&v4.sin_addr, address, sizeof v4.sin_addr);
    if (!is_ipv6) return connect(fd, (const struct sockaddr *)&v4, sizeof v4);
    memcpy(&v6.sin6_addr, address, sizeof v6.sin6_addr);
    return connect(fd, (const struct sockaddr *)&v6, sizeof v6);
}

int host_error(int fd, int *error) {
    socklen_t len = sizeof *error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len);
}

long host_recv(int fd, void *p, size_t n, int peek) {
    return recv(fd, p, n, peek ? MSG_PEEK | MSG_DONTWAIT : 0);
}

long host_send(int fd, const void *p, size_t n) { return send(fd, p, n, MSG_NOSIGNAL); }

int host_poll(int fd, int events, int limit_ms, int *came) {
    struct pollfd p = {fd, (short)events, 0};
    int n = poll(&p, 1, limit_ms);
    *came = n > 0 ? p.revents : 0;
    return n;
}

int host_shut(int fd) { return shutdown(fd, SHUT_WR); }

int host_close(int fd) { return close(fd); }

int host_read_address(int is_ipv6, const char *text, unsigned char *address) {
    return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, address);
}

int host_look_up(const char *name, unsigned char addresses[2][4]) {
    static const struct {
        const char *name, *address[2];
    } hosts[] = {
        {"peer.test", {"127.0.0.1", NULL}},
        {"dead-first.test", {"127.0.0.2", "127.0.0.1"}},
        {"silent-first.test", {"127.0.0.3", "127.0.0.1"}},
    };
    if (strcmp(name, "slow.test") == 0) return -1;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strcmp(name, hosts[i].name) != 0) continue;
        int count = 0;
        while (count < 2 && hosts[i].address[count]) {
            if (host_read_address(0, hosts[i].address[count], addresses[count]) != 1) return 0;
            count++;
        }
        return count;
    }
    return 0;
}

void host_begin_names(uint16_t tcp_port) { (void)port_silence("127.0.0.3", tcp_port); }
