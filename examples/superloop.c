/* SPDX-License-Identifier: MIT */
/* superloop - fetches mail from a main loop that never blocks, as firmware without an operating
 * system does. Each turn does a little of everything and returns.
 *
 *     superloop ADDRESS PORT USER PASSWORD-FILE   (an address: looking up a name would block)
 *
 * The sink is slow on purpose: it takes 64 octets a turn, as a flash memory might. popcl waits for
 * it and needs no buffer: TCP's window holds the server back. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "popcl_fetch.h"

static struct {
    unsigned long octets, messages, turns;
    size_t room; /* octets that the slow memory takes in this turn */
} device;

static int begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    printf("message %lu (%s)\n", (unsigned long)m->number, m->uid);
    return 0;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx, (void)p; /* a device would write p to its flash here */
    size_t taken = n < device.room ? n : device.room;
    device.room -= taken;
    device.octets += taken;
    return (int)taken;
}

static int commit(void *ctx) {
    (void)ctx;
    device.messages++;
    return 0;
}

static void cut(void *ctx, popcl_err why) {
    (void)ctx;
    printf("cut: %s\n", popcl_err_what(why));
}

static uint32_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

/* Begins to connect, and does not wait for it. */
static int begin_connect(const char *address, const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = inet_pton(AF_INET, address, &to.sin_addr) == 1 ? socket(AF_INET, SOCK_STREAM, 0) : -1;
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK)) return -1;
    return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS ? fd : -1;
}

/* One turn while the connection comes up. A socket that has a peer is connected; one with an error
 * never will be. */
static void connect_turn(popcl *session, int fd, int *connected) {
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    int error = 0;
    if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0) {
        popcl_connected(session, now_ms());
        *connected = 1;
        return;
    }
    n = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (error) popcl_fail(session, POPCL_ERR_CONNECT, error);
}

/* One turn of an open connection: at most one send and one receive. */
static void network_turn(popcl *session, int fd) {
    size_t n;
    const unsigned char *out = popcl_send_buf(session, &n);
    ssize_t moved = n ? send(fd, out, n, MSG_NOSIGNAL) : 0;
    if (moved > 0)
        popcl_send_ack(session, (size_t)moved);
    else if (moved < 0 && errno != EAGAIN && errno != EINTR)
        popcl_send_failed(session); /* octets that came before can still be read */
    unsigned char *in = popcl_recv_buf(session, &n);
    if (n == 0) return; /* not now: the memory is busy, and TCP's window holds the server back */
    moved = recv(fd, in, n, 0);
    if (moved > 0)
        popcl_recv_ack(session, (size_t)moved);
    else if (moved == 0)
        popcl_recv_eof(session);
    else if (errno != EAGAIN && errno != EINTR)
        popcl_fail(session, POPCL_ERR_NET, errno);
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[1024], plan[512];
    static char password[256];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    FILE *f = argc == 5 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: superloop ADDRESS PORT USER PASSWORD-FILE\n"), 64;
    fclose(f);
    popcl_fetch_config config = {
        .session = {.host = argv[1], .user = argv[3], .iobuf = iobuf, .iobuf_len = sizeof iobuf},
        .secret = {.octets = password},
        .plan = plan,
        .plan_len = sizeof plan,
        .passes = UINT16_MAX,
        .sink = &sink};
    popcl_err e = popcl_fetch_start(&job, &config, now_ms());
    popcl *session = &job.session;
    int fd = e ? -1 : begin_connect(argv[1], argv[2]), connected = 0;
    if (fd < 0) popcl_fail(session, POPCL_ERR_CONNECT, errno);
    while (!(popcl_state(session) & POPCL_DONE)) {
        if (connected)
            network_turn(session, fd);
        else
            connect_turn(session, fd, &connected);
        popcl_tick(session, now_ms());
        device.room = 64;
        if (popcl_state(session) & POPCL_PAUSED) popcl_resume(session);
        device.turns++; /* the rest of the device's work goes here */
        sched_yield();
    }
    if (fd >= 0) close(fd);
    e = popcl_result(session);
    printf("%lu messages, %lu octets, in %lu turns: %s\n", device.messages, device.octets,
           device.turns, popcl_err_what(e));
    popcl_fetch_wipe(&job);
    memset(password, 0, sizeof password);
    return e != POPCL_OK;
}
