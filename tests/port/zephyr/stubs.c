/* SPDX-License-Identifier: MIT */
/* stubs - Zephyr's kernel, sockets and resolver as far as port/zephyr calls them, over this
 * machine's. The resolver answers in a thread, has two places for questions, and holds its lock
 * while it calls back, as Zephyr's does. Some sends find no network buffer. */
#define _GNU_SOURCE
#include "stubs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../port/zephyr/names.h"
#include "host_sockets/host.h"
#include <zephyr/net/dns_resolve.h>
#include <zephyr/sys/byteorder.h>

/* ---- kernel ---- */

static uint32_t shift_ms;

uint32_t k_uptime_get_32(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000) + shift_ms;
}

void stub_clock_to(uint32_t ms) { shift_ms += ms - k_uptime_get_32(); }

int32_t k_msleep(int32_t ms) {
    const struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&span, NULL);
    return 0;
}

int k_sem_init(struct k_sem *sem, unsigned int initial_count, unsigned int limit) {
    (void)limit;
    return sem_init(&sem->sem, 0, initial_count);
}

void k_sem_give(struct k_sem *sem) { (void)sem_post(&sem->sem); }

int k_sem_take(struct k_sem *sem, k_timeout_t timeout) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout.ticks / 1000;
    until.tv_nsec += (long)(timeout.ticks % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    return sem_timedwait(&sem->sem, &until) == 0 ? 0 : -EAGAIN;
}

/* ---- sockets ---- */

enum { SOCKETS_MAX = 1024, CONNECT_TIMEOUT = 1000 };

static struct stub_socket {
    int is_tls, is_ipv6, is_up;
    char name[256];
    int tags[8];
    size_t tags_len;
    int verify;
} sockets[SOCKETS_MAX];

const stub_tls *stub_secure_sockets;
uint16_t stub_peer_port, stub_relay_port;

static struct stub_socket *socket_of(int fd) {
    if (fd >= 0 && fd < SOCKETS_MAX) return &sockets[fd];
    fprintf(stderr, "not a socket: %d\n", fd);
    abort();
}

int zsock_socket(int family, int type, int proto) {
    if (type != ZEPHYR_CONSTANT(SOCK_STREAM)) {
        errno = EINVAL;
        return -1;
    }
    int fd = host_socket(family == ZEPHYR_CONSTANT(AF_INET6), 1);
    if (fd < 0) return -1;
    struct stub_socket *s = socket_of(fd);
    memset(s, 0, sizeof *s);
    s->is_ipv6 = family == ZEPHYR_CONSTANT(AF_INET6);
    s->is_tls = proto == ZEPHYR_CONSTANT(IPPROTO_TLS_1_2);
    return fd;
}

int zsock_close(int sock) {
    struct stub_socket *s = socket_of(sock);
    if (s->is_tls && s->is_up) stub_secure_sockets->close(sock);
    s->is_up = 0;
    return host_close(sock);
}

int zsock_fcntl(int sock, int cmd, int flags) {
    if (cmd != ZEPHYR_SET_FLAGS || flags != ZEPHYR_NONBLOCKING) {
        errno = EINVAL;
        return -1;
    }
    return host_set_nonblocking(sock);
}

/* Waits for the end of a connect that was begun, as long as CONFIG_NET_SOCKETS_CONNECT_TIMEOUT. */
static int end_connect(int sock) {
    int came, error = 0;
    if (host_poll(sock, HOST_OUT, CONNECT_TIMEOUT, &came) != 1)
        error = ETIMEDOUT;
    else
        (void)host_error(sock, &error);
    errno = error;
    return error ? -1 : 0;
}

/* Secure sockets connect and shake hands in one call, whatever their flags are. Without credentials
 * or a name to check they refuse here: Zephyr would accept any name. */
int zsock_connect(int sock, const struct ZEPHYR_TYPE(sockaddr) * addr, socklen_t addrlen) {
    struct stub_socket *s = socket_of(sock);
    const struct ZEPHYR_TYPE(sockaddr_in) *v4 = (const void *)addr;
    const struct ZEPHYR_TYPE(sockaddr_in6) *v6 = (const void *)addr;
    if (addrlen != (s->is_ipv6 ? sizeof *v6 : sizeof *v4)) {
        errno = EINVAL;
        return -1;
    }
    unsigned number = s->is_ipv6 ? v6->sin6_port : v4->sin_port;
    uint16_t port = sys_cpu_to_be16(number);
    if (s->is_tls && port == stub_peer_port) port = stub_relay_port;
    if (s->is_tls) (void)host_set_nonblocking(sock);
    int e = host_connect(sock, s->is_ipv6,
                         s->is_ipv6 ? v6->sin6_addr.s6_addr : v4->sin_addr.s4_addr, port);
    if (s->is_tls && e != 0 && errno == EINPROGRESS) e = end_connect(sock);
    if (e != 0 || !s->is_tls) return e;
    if (s->verify != 2 || s->tags_len == 0 || s->name[0] == '\0') {
        errno = ECONNABORTED;
        return -1;
    }
    e = stub_secure_sockets->connect(sock, s->name, s->tags, s->tags_len);
    s->is_up = e == 0;
    return e;
}

/* Each ninth send finds no network buffer. */
static int buffers_are_taken(void) {
    static unsigned calls;
    if (++calls % 9) return 0;
    errno = calls % 18 ? ENOBUFS : ENOMEM;
    return 1;
}

ssize_t zsock_send(int sock, const void *buf, size_t len, int flags) {
    (void)flags;
    if (socket_of(sock)->is_tls) return stub_secure_sockets->send(sock, buf, len);
    return buffers_are_taken() ? -1 : host_send(sock, buf, len);
}

ssize_t zsock_recv(int sock, void *buf, size_t max_len, int flags) {
    if (socket_of(sock)->is_tls) return stub_secure_sockets->recv(sock, buf, max_len);
    return host_recv(sock, buf, max_len, flags == (ZSOCK_MSG_PEEK | ZSOCK_MSG_DONTWAIT));
}

int zsock_poll(struct zsock_pollfd *fds, int nfds, int timeout) {
    int came = 0;
    if (nfds != 1 || fds->fd < 0) abort();
    const struct stub_socket *s = socket_of(fds->fd);
    int has = s->is_up && (fds->events & ZSOCK_POLLIN) && stub_secure_sockets->has_octets(fds->fd);
    int n = host_poll(fds->fd, fds->events, has ? 0 : timeout, &came);
    if (n < 0) return n;
    fds->revents = (short)(came | (has ? ZSOCK_POLLIN : 0));
    return fds->revents != 0;
}

int zsock_getsockopt(int sock, int level, int optname, void *optval, socklen_t *optlen) {
    if (level == SOL_SOCKET && optname == SO_ERROR && *optlen == sizeof(int))
        return host_error(sock, optval);
    errno = EINVAL;
    return -1;
}

int zsock_setsockopt(int sock, int level, int optname, const void *optval, socklen_t optlen) {
    struct stub_socket *s = socket_of(sock);
    if (level == ZEPHYR_CONSTANT(IPPROTO_TCP) && optname == TCP_NODELAY && optlen == sizeof(int))
        return host_set_no_delay(sock);
    if (level == SOL_TLS && s->is_tls && optname == TLS_PEER_VERIFY && optlen == sizeof(int)) {
        memcpy(&s->verify, optval, optlen);
        return 0;
    }
    if (level == SOL_TLS && s->is_tls && optname == TLS_HOSTNAME && optlen <= sizeof s->name) {
        memcpy(s->name, optval, optlen);
        return 0;
    }
    if (level == SOL_TLS && s->is_tls && optname == TLS_SEC_TAG_LIST && optlen &&
        optlen <= sizeof s->tags && optlen % sizeof(int) == 0) {
        memcpy(s->tags, optval, optlen);
        s->tags_len = optlen / sizeof(int);
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int zsock_inet_pton(ZEPHYR_TYPE(sa_family_t) family, const char *src, void *dst) {
    return host_read_address(family == ZEPHYR_CONSTANT(AF_INET6), src, dst);
}

/* ---- resolver ---- */

enum { PLACES = 2, ANSWER_MS = 3 };

static struct place {
    uint16_t id; /* 0: free */
    enum dns_query_type type;
    dns_resolve_cb_t call;
    void *ctx;
    char name[256];
    int32_t limit_ms;
} places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct place *place_of(uint16_t id) {
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].id == id) return &places[i];
    }
    return NULL;
}

static void give_answer(struct place *p) {
    unsigned char found[2][4];
    int count = p->type == DNS_QUERY_TYPE_A ? host_look_up(p->name, found) : 0;
    enum dns_resolve_status end = host_look_up(p->name, found) ? DNS_EAI_NODATA : DNS_EAI_NONAME;
    for (int i = 0; i < count; i++) {
        struct dns_addrinfo info = {.ai_family = ZEPHYR_CONSTANT(AF_INET)};
        struct ZEPHYR_TYPE(sockaddr_in) *v4 = (void *)&info.ai_addr;
        v4->sin_family = ZEPHYR_CONSTANT(AF_INET);
        memcpy(v4->sin_addr.s4_addr, found[i], sizeof found[i]);
        info.ai_addrlen = sizeof *v4;
        p->call(DNS_EAI_INPROGRESS, &info, p->ctx);
        end = DNS_EAI_ALLDONE;
    }
    p->call(end, NULL, p->ctx);
    p->id = 0;
}

static void *answer_later(void *id) {
    unsigned char found[2][4];
    (void)pthread_mutex_lock(&lock);
    struct place *p = place_of((uint16_t)(uintptr_t)id);
    int never = p && host_look_up(p->name, found) < 0;
    int32_t nap = never ? p->limit_ms : ANSWER_MS;
    (void)pthread_mutex_unlock(&lock);
    (void)k_msleep(nap);
    (void)pthread_mutex_lock(&lock);
    p = place_of((uint16_t)(uintptr_t)id);
    if (p && never) {
        p->call(DNS_EAI_CANCELED, NULL, p->ctx);
        p->id = 0;
    } else if (p) {
        give_answer(p);
    }
    (void)pthread_mutex_unlock(&lock);
    return NULL;
}

int dns_get_addr_info(const char *query, enum dns_query_type type, uint16_t *dns_id,
                      dns_resolve_cb_t cb, void *user_data, int32_t timeout) {
    static uint16_t last;
    pthread_t thread;
    if (strlen(query) > 253 || timeout <= 0) return -EINVAL;
    (void)pthread_mutex_lock(&lock);
    struct place *p = place_of(0);
    if (p) {
        last = (uint16_t)(last + 1 ? last + 1 : 1);
        *p = (struct place){last, type, cb, user_data, "", timeout};
        memcpy(p->name, query, strlen(query) + 1);
        *dns_id = last;
        if (pthread_create(&thread, NULL, answer_later, (void *)(uintptr_t)last) != 0) abort();
        (void)pthread_detach(thread);
    }
    (void)pthread_mutex_unlock(&lock);
    return p ? 0 : -EAGAIN;
}

int dns_cancel_addr_info(uint16_t dns_id) {
    (void)pthread_mutex_lock(&lock);
    struct place *p = dns_id ? place_of(dns_id) : NULL;
    if (p) {
        p->call(DNS_EAI_CANCELED, NULL, p->ctx);
        p->id = 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return p ? 0 : -ENOENT;
}
