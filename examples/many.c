/* SPDX-License-Identifier: MIT */
/* many - counts the mail of many accounts at once, in one epoll loop (Linux) that never blocks:
 *
 *     many < ACCOUNTS    a line for each: HOST PORT USER PASSWORD
 *
 * Names are looked up by a few threads, since getaddrinfo blocks. A thread hands an account back
 * through a pipe, which the loop waits for too. All sessions begin at the same time. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "popcl_fetch.h"

#define ACCOUNTS 10000u /* at most */
#define LOOK_UPS 8      /* names at a time */

struct account {
    popcl_fetch job;
    popcl_fetch_config config;
    unsigned char iobuf[1024], plan[512];
    char host[256], user[128], password[128];
    uint16_t port;
    struct addrinfo *found, *at; /* addresses; the one that is tried */
    int fd, connected, is_over;
    uint32_t wanted; /* events, of epoll */
};

static struct account *accounts;
static size_t count, left, next_name;
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;
static int epoll, pipe_of_names[2];
static unsigned long messages, octets, failures;

static uint32_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

static void *look_up(void *ctx) {
    for (;;) {
        pthread_mutex_lock(&names);
        size_t mine = next_name < count ? next_name++ : count;
        pthread_mutex_unlock(&names);
        if (mine == count) return ctx;
        struct account *a = &accounts[mine];
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        char port[8];
        snprintf(port, sizeof port, "%u", (unsigned)a->port);
        if (getaddrinfo(a->host, port, &hints, &a->found)) a->found = NULL;
        if (write(pipe_of_names[1], &mine, sizeof mine) != sizeof mine) return ctx;
    }
}

static int begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, (void)p, octets += n, (int)n; /* a program would keep p here */
}
static int commit(void *ctx) { return (void)ctx, messages++, 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

/* Begins to connect to the next address; without one the session fails. */
static void connect_next(struct account *a, popcl_err why, int code) {
    for (; a->at; a->at = a->at->ai_next) {
        a->fd = socket(a->at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (a->fd < 0) break; /* too many open files: another address will not help */
        struct epoll_event event = {.events = a->wanted = EPOLLOUT, .data.ptr = a};
        if (!connect(a->fd, a->at->ai_addr, a->at->ai_addrlen) || errno == EINPROGRESS)
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event) == 0) return;
        code = errno;
        close(a->fd);
        a->fd = -1;
    }
    popcl_fail(&a->job.session, why, code);
}

/* At most one send and one receive: then it is the turn of another session. */
static void network_turn(popcl *session, int fd) {
    size_t n;
    const unsigned char *out = popcl_send_buf(session, &n);
    ssize_t moved = n ? send(fd, out, n, MSG_NOSIGNAL) : 0;
    if (moved > 0)
        popcl_send_ack(session, (size_t)moved);
    else if (moved < 0 && errno != EAGAIN && errno != EINTR)
        popcl_send_failed(session);
    unsigned char *in = popcl_recv_buf(session, &n);
    if (n == 0) return;
    moved = recv(fd, in, n, 0);
    if (moved > 0)
        popcl_recv_ack(session, (size_t)moved);
    else if (moved == 0)
        popcl_recv_eof(session);
    else if (errno != EAGAIN && errno != EINTR)
        popcl_fail(session, POPCL_ERR_NET, errno);
}

static void turn(struct account *a, uint32_t now) {
    popcl *session = &a->job.session;
    if (a->connected) {
        network_turn(session, a->fd);
    } else {
        int error = 0;
        socklen_t n = sizeof error;
        getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &n);
        if (error) {
            close(a->fd);
            a->fd = -1;
            a->at = a->at->ai_next;
            connect_next(a, POPCL_ERR_CONNECT, error);
        } else {
            popcl_connected(session, now);
            a->connected = 1;
        }
    }
    popcl_tick(session, now);
}

/* After each turn: ends a session that is over, or waits for what it wants. */
static void settle(struct account *a) {
    popcl *session = &a->job.session;
    unsigned state = popcl_state(session);
    if (state & POPCL_DONE) {
        popcl_err e = popcl_result(session);
        if (e) {
            fprintf(stderr, "many: %s at %s: %s\n", a->user, a->host, popcl_err_what(e));
            failures++;
        }
        if (a->fd >= 0) close(a->fd);
        popcl_fetch_wipe(&a->job);
        a->fd = -1;
        a->is_over = 1;
        left--;
    } else if (a->connected) {
        uint32_t wanted = (state & POPCL_SEND ? (uint32_t)EPOLLOUT : 0) |
                          (state & POPCL_RECV ? (uint32_t)EPOLLIN : 0);
        struct epoll_event event = {.events = wanted, .data.ptr = a};
        if (wanted != a->wanted) epoll_ctl(epoll, EPOLL_CTL_MOD, a->fd, &event);
        a->wanted = wanted;
    }
}

/* Reads an account from the next line and starts its session; returns 0 after the last. */
static int start(struct account *a) {
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    a->fd = -1;
    if (scanf("%255s %hu %127s %127s", a->host, &a->port, a->user, a->password) != 4) return 0;
    a->config = (popcl_fetch_config){.session = {.host = a->host,
                                                 .port = a->port,
                                                 .user = a->user,
                                                 .iobuf = a->iobuf,
                                                 .iobuf_len = sizeof a->iobuf},
                                     .secret = {.octets = a->password},
                                     .plan = a->plan,
                                     .plan_len = sizeof a->plan,
                                     .passes = UINT16_MAX,
                                     .sink = &sink};
    popcl_fetch_start(&a->job, &a->config, now_ms());
    return 1;
}

/* One wait of the loop: each session gets its turn, and every 100 ms the time. */
static void loop_turn(uint32_t *ticked) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, 64, 100);
    uint32_t now = now_ms();
    for (int i = 0; i < n; i++) {
        struct account *a = events[i].data.ptr;
        size_t named; /* the pipe gives an account's place */
        if (a) {
            turn(a, now);
        } else if (read(pipe_of_names[0], &named, sizeof named) == sizeof named) {
            a = &accounts[named];
            if (a->is_over) continue; /* its name came too late */
            a->at = a->found;
            connect_next(a, a->found ? POPCL_ERR_CONNECT : POPCL_ERR_RESOLVE, 0);
        } else {
            continue;
        }
        settle(a);
    }
    if (now - *ticked < 100) return;
    *ticked = now;
    for (size_t i = 0; i < count; i++)
        if (!accounts[i].is_over) {
            popcl_tick(&accounts[i].job.session, now);
            settle(&accounts[i]);
        }
}

int main(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a descriptor for each session */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    accounts = calloc(ACCOUNTS, sizeof *accounts);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event names_event = {.events = EPOLLIN};
    if (!accounts || epoll < 0 || pipe(pipe_of_names) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_of_names[0], &names_event))
        return perror("many"), 71;
    while (count < ACCOUNTS && start(&accounts[count]))
        count++;
    left = count;
    pthread_t thread;
    for (int i = 0; i < LOOK_UPS; i++)
        if (pthread_create(&thread, NULL, look_up, NULL) || pthread_detach(thread))
            return fputs("many: no thread\n", stderr), 71;
    for (uint32_t ticked = now_ms(); left;)
        loop_turn(&ticked);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    long us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec +
              used.ru_stime.tv_usec;
    printf("%zu sessions, %lu failed; %lu messages, %lu octets; a session: %zu bytes, %ld us\n",
           count, failures, messages, octets, sizeof *accounts, count ? us / (long)count : 0);
    return failures != 0;
}
