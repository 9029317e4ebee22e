/* SPDX-License-Identifier: MIT */
/* delay - a relay that adds a round-trip time between a client and a server of this machine.
 *
 *     delay PORT RTT-MS
 *
 * Listens on 127.0.0.1 and prints its port. Each octet leaves half a round trip after it came,
 * in both directions. Nothing is throttled: queues have no limit. The relay connects to the server
 * after one and a half round trips, because a handshake of TCP would take so long. The greeting
 * then arrives after two. Ends with its standard input.
 *
 * When a connection ends, one line reports it: turns=N sent=N received=N. A turn is data of the
 * client that came after data of the server. sent and received are the client's octets. */
#define _GNU_SOURCE /* ppoll */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536u
#define NEVER INT64_MAX

static struct {
    struct sockaddr_in server;
    int64_t half; /* of a round trip, in ns, as all times are */
} path;

typedef struct piece {
    struct piece *next;
    int64_t due;
    size_t len, sent;
    unsigned char octets[];
} piece;

/* One direction. */
typedef struct lane {
    int from, to;
    piece *first, **last; /* the queue: its first piece, and the place to link the next one */
    int64_t ended;        /* when the end of the input is due; NEVER: it has not come */
    int full, done;       /* the receiver takes no more now; the end was passed on */
    unsigned long long octets;
} lane;

typedef struct relay {
    lane up, down;
    unsigned long turns;
    int last_was_server;
} relay;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *room(size_t n) {
    void *p = malloc(n);
    if (p) return p;
    perror("delay");
    exit(1);
}

/* Takes what came. Returns whether anything did. */
static int take_in(lane *l) {
    unsigned char buffer[PIECE];
    int any = 0;
    while (l->ended == NEVER) {
        ssize_t got = recv(l->from, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0) {
            l->ended = now() + path.half;
            break;
        }
        piece *p = room(sizeof *p + (size_t)got);
        *p = (piece){.due = now() + path.half, .len = (size_t)got};
        memcpy(p->octets, buffer, (size_t)got);
        *l->last = p;
        l->last = &p->next;
        l->octets += (size_t)got;
        any = 1;
    }
    return any;
}

/* Passes on what is due. Returns the time of the next piece. */
static int64_t pass_on(lane *l) {
    l->full = 0;
    while (l->first && l->to >= 0) {
        piece *p = l->first;
        if (p->due > now()) return p->due;
        ssize_t sent =
            send(l->to, p->octets + p->sent, p->len - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            l->full = 1;
            return NEVER;
        }
        p->sent = sent < 0 ? p->len : p->sent + (size_t)sent; /* gone: drop it */
        if (p->sent < p->len) continue;
        l->first = p->next;
        if (!l->first) l->last = &l->first;
        free(p);
    }
    if (l->first || l->to < 0 || l->done) return NEVER;
    if (l->ended > now()) return l->ended;
    shutdown(l->to, SHUT_WR);
    l->done = 1;
    return NEVER;
}

static void wait_until(int64_t due, struct pollfd *fds) {
    int64_t left = due - now();
    if (left < 0) left = 0;
    struct timespec t = {left / 1000000000, left % 1000000000};
    if (ppoll(fds, 2, due == NEVER ? NULL : &t, NULL) < 0 && errno != EINTR) exit(1);
}

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

static int connected_to_server(void) {
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&path.server, sizeof path.server) < 0) {
        perror("delay: connect");
        exit(1);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void run(relay *r) {
    int64_t opens = now() + 3 * path.half;
    while (!r->down.done) {
        if (r->up.to < 0 && opens <= now()) r->up.to = r->down.from = connected_to_server();
        if (take_in(&r->up) && r->last_was_server) {
            r->turns++;
            r->last_was_server = 0;
        }
        if (r->down.from >= 0 && take_in(&r->down)) r->last_was_server = 1;
        int64_t due = sooner(pass_on(&r->up), pass_on(&r->down));
        if (r->up.to < 0) due = sooner(due, opens);
        struct pollfd fds[] = {
            {r->up.from,
             (short)((r->up.ended == NEVER ? POLLIN : 0) | (r->down.full ? POLLOUT : 0)), 0},
            {r->up.to, (short)((r->down.ended == NEVER ? POLLIN : 0) | (r->up.full ? POLLOUT : 0)),
             0}};
        for (int i = 0; i < 2; i++) /* a dead peer would be reported again and again */
            if (fds[i].events == 0) fds[i].fd = -1;
        if (!r->down.done) wait_until(due, fds);
    }
}

static void drop(lane *l) {
    while (l->first) {
        piece *p = l->first;
        l->first = p->next;
        free(p);
    }
}

static void *connection(void *context) {
    relay *r = context;
    run(r);
    printf("turns=%lu sent=%llu received=%llu\n", r->turns, r->up.octets, r->down.octets);
    fflush(stdout);
    drop(&r->up);
    drop(&r->down);
    close(r->up.from);
    close(r->up.to);
    free(r);
    return NULL;
}

static void take(int listener) {
    const int on = 1;
    pthread_t thread;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay *r = room(sizeof *r);
    *r = (relay){.up = {.from = fd, .to = -1, .ended = NEVER},
                 .down = {.from = -1, .to = fd, .ended = NEVER}};
    r->up.last = &r->up.first;
    r->down.last = &r->down.first;
    if (pthread_create(&thread, NULL, connection, r) != 0) exit(1);
    pthread_detach(thread);
}

int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    if (argc != 3) {
        fputs("usage: delay PORT RTT-MS\n", stderr);
        return 64;
    }
    path.server = a;
    path.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    path.half = (int64_t)(strtod(argv[2], NULL) * 1e6 / 2);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&a, &len) < 0) {
        perror("delay");
        return 1;
    }
    printf("%u\n", ntohs(a.sin_port));
    fflush(stdout);
    struct pollfd wait[] = {{STDIN_FILENO, POLLIN, 0}, {listener, POLLIN, 0}};
    while (poll(wait, 2, -1) > 0 && wait[0].revents == 0)
        take(listener);
    return 0;
}
