/* SPDX-License-Identifier: MIT */
/* port - a TCP stack with callbacks, for port/callbacks. A thread for each connection moves the
 * octets of a socket, and reports each event from that thread. So the port's lock and its wake are
 * tried by two threads. The stack sends no more than its window, which is the ring. */
#define _DEFAULT_SOURCE
#include "popcl_callbacks.h"
#include "port_under_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW    1460u
#define DEAD      "127.0.0.9" /* nobody listens there */
#define SILENT    "127.0.0.8"
#define UNKNOWN   "unknown.test"
#define SLOW      "slow.test" /* has no address, and no end of the look-up */
#define ADDRESSES 2

static const struct {
    const char *name, *addresses[ADDRESSES];
} hosts[] = {
    {"peer.test", {"127.0.0.1"}},
    {"dead-first.test", {DEAD, "127.0.0.1"}},
    {"silent-first.test", {SILENT, "127.0.0.1"}},
};

struct connection {
    popcl_callbacks net; /* the port's context is the first member */
    unsigned char ring[WINDOW];
    pthread_mutex_t mutex;
    pthread_cond_t wakes;
    int is_woken;
    pthread_t thread;
    int has_thread, fd, kick[2];
    int is_closing, wants_room; /* the mutex is for these, the window and is_woken */
    size_t window;
    uint32_t number, limit_ms;
    uint16_t port;
    char host[256];
};

static volatile int stop_wanted;
static uint32_t skew_ms;

/* ---- the stack's thread ---- */

static int is_closing(struct connection *c) {
    pthread_mutex_lock(&c->mutex);
    int closing = c->is_closing;
    pthread_mutex_unlock(&c->mutex);
    return closing;
}

static void kick(struct connection *c) {
    if (write(c->kick[1], "", 1) < 0 && errno != EAGAIN) abort();
}

/* Waits for an event of the socket, or for a kick. Returns the event, 0 after a kick or the limit.
 */
static short poll_socket(struct connection *c, short events, int limit_ms) {
    struct pollfd p[2] = {{c->kick[0], POLLIN, 0}, {events ? c->fd : -1, events, 0}};
    unsigned char kicks[64];
    (void)poll(p, 2, limit_ms);
    if (p[0].revents && read(c->kick[0], kicks, sizeof kicks) < 0 && errno != EAGAIN) abort();
    return p[1].revents;
}

/* Returns 0 once the server accepted, else an errno. After a quick reset *was_reset is 1. */
static int connect_address(struct connection *c, const char *text, int limit_ms, int *was_reset) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    int one = 1, error = 0;
    socklen_t size = sizeof error;
    if (inet_pton(AF_INET, text, &to.sin_addr) != 1) return EADDRNOTAVAIL;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return errno;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        error = errno;
        if (error == EINPROGRESS)
            error = poll_socket(c, POLLOUT, limit_ms) == 0                   ? ETIMEDOUT
                    : getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) ? errno
                                                                             : error;
    }
    *was_reset = error == ECONNRESET || error == EPIPE;
    if (error == 0 || *was_reset) return 0;
    close(c->fd);
    c->fd = -1;
    return error;
}

static int connect_first(struct connection *c, const char *const *addresses, int *was_reset) {
    int error = 0, worst = 0, count = addresses[1] ? 2 : 1;
    for (int i = 0; i < count && !is_closing(c); i++) {
        error = connect_address(c, addresses[i], (int)(c->limit_ms / (uint32_t)count), was_reset);
        if (error == 0) return 0;
        if (worst != ETIMEDOUT) worst = error;
    }
    return worst ? worst : ECANCELED;
}

/* Returns the events that the socket is asked for: none that nobody can use. */
static short wanted_events(struct connection *c, int is_over, size_t *window) {
    pthread_mutex_lock(&c->mutex);
    *window = is_over ? 0 : c->window;
    short events = (short)((*window > 0 ? POLLIN : 0) | (c->wants_room ? POLLOUT : 0));
    pthread_mutex_unlock(&c->mutex);
    return events;
}

static void wake(void *ctx) {
    struct connection *c = ctx;
    pthread_mutex_lock(&c->mutex);
    c->is_woken = 1;
    pthread_cond_signal(&c->wakes);
    pthread_mutex_unlock(&c->mutex);
}

/* There is room again, or an end that send reports. */
static void report_room(struct connection *c) {
    pthread_mutex_lock(&c->mutex);
    c->wants_room = 0;
    pthread_mutex_unlock(&c->mutex);
    wake(c);
}

/* Gives on what came, up to the window. Returns 1 at the end of the connection. */
static int report_octets(struct connection *c, size_t window, int was_reset) {
    unsigned char octets[WINDOW];
    ssize_t got = recv(c->fd, octets, window, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got < 0 || (got == 0 && was_reset)) {
        popcl_callbacks_broken(&c->net, c->number, got < 0 ? errno : ECONNRESET);
        return 1;
    }
    if (got == 0) {
        popcl_callbacks_ended(&c->net, c->number);
        return 1;
    }
    pthread_mutex_lock(&c->mutex);
    c->window -= (size_t)got;
    pthread_mutex_unlock(&c->mutex);
    size_t took = popcl_callbacks_received(&c->net, c->number, octets, (size_t)got);
    if (took != (size_t)got && !is_closing(c)) abort(); /* a ring of the window's size has room */
    return 0;
}

static void move_octets(struct connection *c, int was_reset) {
    int is_over = 0;
    while (!is_closing(c)) {
        size_t window;
        short events = wanted_events(c, is_over, &window), came = poll_socket(c, events, -1);
        if (came && (events & POLLOUT) && (came & (POLLOUT | POLLERR | POLLHUP))) report_room(c);
        if (came && window > 0) is_over = report_octets(c, window, was_reset);
    }
}

static void *run_connection(void *ctx) {
    struct connection *c = ctx;
    const char *as_text[ADDRESSES] = {c->host}, *const *addresses = NULL;
    int was_reset = 0;
    if (c->host[strspn(c->host, "0123456789.")] == '\0') addresses = as_text;
    for (size_t i = 0; !addresses && i < sizeof hosts / sizeof *hosts; i++)
        if (strcmp(c->host, hosts[i].name) == 0) addresses = hosts[i].addresses;
    if (!addresses && strcmp(c->host, SLOW) != 0)
        popcl_callbacks_refused(&c->net, c->number, POPCL_ERR_RESOLVE, 1);
    if (!addresses) return NULL;
    popcl_callbacks_found(&c->net, c->number);
    int error = connect_first(c, addresses, &was_reset);
    if (error) {
        popcl_callbacks_refused(&c->net, c->number,
                                error == ETIMEDOUT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT,
                                error);
        return NULL;
    }
    popcl_callbacks_connected(&c->net, c->number);
    move_octets(c, was_reset);
    return NULL;
}

/* ---- the hooks ---- */

static int begin_connect(void *ctx, uint32_t number, const char *host, uint16_t port,
                         uint32_t limit_ms) {
    struct connection *c = ctx;
    c->number = number;
    c->port = port;
    c->limit_ms = limit_ms < 1u << 30 ? limit_ms : 1u << 30;
    c->window = WINDOW;
    c->is_closing = c->wants_room = 0;
    c->fd = -1;
    (void)snprintf(c->host, sizeof c->host, "%s", host);
    if (pipe(c->kick) != 0) return errno;
    (void)fcntl(c->kick[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(c->kick[1], F_SETFL, O_NONBLOCK);
    /* Of an address there is nothing to look up, however late the thread begins. */
    if (host[strspn(host, "0123456789.")] == '\0') popcl_callbacks_found(&c->net, number);
    int error = pthread_create(&c->thread, NULL, run_connection, c);
    c->has_thread = error == 0;
    if (error) close(c->kick[0]), close(c->kick[1]);
    return error;
}

static int32_t send_now(void *ctx, const void *p, size_t n, int *code) {
    struct connection *c = ctx;
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
    if (sent > 0) return (int32_t)sent;
    if (errno == EAGAIN || errno == EINTR) return POPCL_NET_AGAIN;
    *code = errno;
    return POPCL_NET_FAILED;
}

static int has_room(void *ctx) {
    struct connection *c = ctx;
    struct pollfd p = {c->fd, POLLOUT, 0};
    if (poll(&p, 1, 0) == 1) return 1;
    pthread_mutex_lock(&c->mutex);
    c->wants_room = 1;
    pthread_mutex_unlock(&c->mutex);
    kick(c);
    return 0;
}

static void open_window(void *ctx, size_t n) {
    struct connection *c = ctx;
    pthread_mutex_lock(&c->mutex);
    c->window += n;
    pthread_mutex_unlock(&c->mutex);
    kick(c);
}

static void end_connection(void *ctx) {
    struct connection *c = ctx;
    pthread_mutex_lock(&c->mutex);
    c->is_closing = 1;
    pthread_mutex_unlock(&c->mutex);
    if (c->has_thread) {
        kick(c);
        pthread_join(c->thread, NULL);
        close(c->kick[0]);
        close(c->kick[1]);
    }
    c->has_thread = 0;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void lock_ring(void *ctx) { pthread_mutex_lock(&((struct connection *)ctx)->mutex); }

static void unlock_ring(void *ctx) { pthread_mutex_unlock(&((struct connection *)ctx)->mutex); }

static void sleep_until_woken(void *ctx, uint32_t limit_ms) {
    struct connection *c = ctx;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(limit_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(limit_ms / 1000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&c->mutex);
    while (!c->is_woken && pthread_cond_timedwait(&c->wakes, &c->mutex, &until) != ETIMEDOUT) {}
    c->is_woken = 0;
    pthread_mutex_unlock(&c->mutex);
}

static uint32_t stack_now_ms(void *ctx) {
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000) + skew_ms;
}

static const popcl_callbacks_stack stack = {
    .connect = begin_connect,
    .send = send_now,
    .has_room = has_room,
    .taken = open_window,
    .close = end_connection,
    .lock = lock_ring,
    .unlock = unlock_ring,
    .wake = wake,
    .sleep = sleep_until_woken,
    .now_ms = stack_now_ms,
};

/* ---- for the suite ---- */

static void begin(uint16_t tcp_port) {
    if (port_silence(SILENT, tcp_port)) return;
    fprintf(stderr, SILENT " cannot be made silent\n");
    exit(1);
}

static void prepare(void *ctx) {
    struct connection *c = ctx;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wakes, &monotonic);
    c->fd = -1;
    c->net.stack = &stack;
    c->net.stack_ctx = c;
    c->net.ring = c->ring;
    c->net.ring_len = sizeof c->ring;
    c->net.stop = &stop_wanted;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    stop_wanted = wanted;
}

static void clock_to(uint32_t ms) { skew_ms += ms - stack_now_ms(NULL); }

const port_under_test port_tested = {
    .net = &popcl_callbacks_net,
    .ctx_size = sizeof(struct connection),
    .begin = begin,
    .prepare = prepare,
    .stop = stop,
    .clock_to = clock_to,
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = UNKNOWN,
    .slow = SLOW,
};
