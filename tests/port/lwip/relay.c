/* SPDX-License-Identifier: MIT */
/* relay - see relay.h. One relayed connection is a pcb of lwIP's and a descriptor of this
 * machine's; what is taken from one side and does not yet fit into the other waits in a buffer, and
 * its side is not read meanwhile. */
#define _DEFAULT_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stack.h"

enum { LINES = 8 };

typedef struct line {
    void *pcb;                       /* NULL: lwIP has it back */
    int fd;                          /* -1: closed */
    int used;                        /* this place is taken */
    unsigned char out[STACK_WINDOW]; /* from lwIP, for the peer */
    size_t out_n;
    int client_ended, peer_ended, peer_reset;
    int peer_is_gone; /* it takes nothing any more */
} line;

static line lines[LINES];
static uint16_t peer_port;

/* ---- called by the stack's side ---- */

/* NULL, and the connection is reset: the peer is not there any more. */
void *line_begin(void *pcb) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(peer_port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int on = 1;
    for (int i = 0; i < LINES; i++) {
        line *l = &lines[i];
        if (l->used) continue;
        memset(l, 0, sizeof *l);
        l->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (l->fd < 0) return NULL;
        if (connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0 ||
            fcntl(l->fd, F_SETFL, O_NONBLOCK) != 0) {
            close(l->fd);
            return NULL;
        }
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        l->pcb = pcb;
        l->used = 1;
        return l;
    }
    return NULL;
}

size_t line_room(const void *ctx) {
    return sizeof((const line *)ctx)->out - ((const line *)ctx)->out_n;
}

void line_put(void *ctx, const void *p, size_t n) {
    line *l = ctx;
    memcpy(l->out + l->out_n, p, n);
    l->out_n += n;
}

void line_ended(void *ctx) { ((line *)ctx)->client_ended = 1; }

void line_broke(void *ctx) {
    line *l = ctx;
    l->pcb = NULL;
    l->client_ended = 1;
}

int line_is_of(const void *ctx) {
    return (const line *)ctx >= lines && (const line *)ctx < lines + LINES;
}

/* ---- turns ---- */

static int to_peer(line *l) {
    ssize_t n = l->out_n ? send(l->fd, l->out, l->out_n, MSG_NOSIGNAL) : 0;
    /* what came before is still read */
    if (n < 0 && errno != EAGAIN) l->peer_is_gone = 1, n = (ssize_t)l->out_n;
    if (n <= 0) return 0;
    memmove(l->out, l->out + n, l->out_n - (size_t)n);
    l->out_n -= (size_t)n;
    if (l->pcb) stack_took(l->pcb, (size_t)n);
    return 1;
}

static int from_peer(line *l) {
    unsigned char piece[2048];
    size_t room = l->pcb ? stack_room(l->pcb) : 0;
    if (l->peer_ended || l->peer_reset || (room == 0 && l->pcb)) return 0;
    ssize_t n = recv(l->fd, piece, room && room < sizeof piece ? room : sizeof piece, 0);
    if (n > 0 && l->pcb) stack_write(l->pcb, piece, (size_t)n);
    if (n == 0 && !l->peer_is_gone) {
        l->peer_ended = 1;
        if (l->pcb) stack_end(l->pcb);
    }
    /* a send may have taken the news of it */
    if ((n == 0 && l->peer_is_gone) || (n < 0 && errno != EAGAIN && errno != EINTR))
        l->peer_reset = 1;
    return n >= 0 || l->peer_reset;
}

/* Ends a side once the other has, and all that was to cross has crossed. */
static int end(line *l) {
    if (l->peer_reset && l->pcb && stack_all_acked(l->pcb)) stack_abort(l->pcb), l->pcb = NULL;
    if (l->client_ended == 1 && l->out_n == 0) (void)shutdown(l->fd, SHUT_WR), l->client_ended = 2;
    if (l->client_ended && (l->peer_ended || l->peer_reset || !l->pcb) && l->out_n == 0) {
        close(l->fd);
        if (l->pcb) stack_close(l->pcb);
        l->used = 0;
        return 1;
    }
    if (l->peer_reset && !l->pcb) {
        close(l->fd);
        l->used = 0;
        return 1;
    }
    return 0;
}

int relay_turn(void) {
    int moved = 0;
    for (int i = 0; i < LINES; i++)
        if (lines[i].used) moved |= to_peer(&lines[i]) | from_peer(&lines[i]);
    for (int i = 0; i < LINES; i++)
        if (lines[i].used) moved |= end(&lines[i]);
    return moved;
}

void relay_sleep(uint32_t limit_ms) {
    struct pollfd wanted[LINES];
    nfds_t n = 0;
    for (int i = 0; i < LINES; i++) {
        line *l = &lines[i];
        short events =
            (short)((l->out_n ? POLLOUT : 0) |
                    (!l->peer_ended && !l->peer_reset && l->pcb && stack_room(l->pcb) ? POLLIN
                                                                                      : 0));
        if (l->used && events) wanted[n++] = (struct pollfd){l->fd, events, 0};
    }
    (void)poll(wanted, n, (int)(limit_ms < 1000 ? limit_ms : 1000));
}

void relay_start(uint16_t tcp_port) {
    peer_port = tcp_port;
    stack_start(tcp_port);
}

/* ---- the clock ---- */

static uint32_t shift_ms;

uint32_t clock_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u) + shift_ms;
}

void relay_clock_to(uint32_t ms) {
    shift_ms += ms - clock_now();
    stack_clock_changed();
}
