/* SPDX-License-Identifier: MIT */
/* port - port/quectel over a modem that tests/interop/modem.py plays: a process for each context,
 * at the other end of a socket pair. With MODEM_NOISE (../quectel-noise) the modem reports things
 * between any two lines, and the line gives few octets at a time. */
#define _DEFAULT_SOURCE
#include "popcl_quectel.h"
#include "port_under_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef MODEM_NOISE
#define FAULTS "noise"
#define PIECE  50u
#else
#define FAULTS NULL
#define PIECE  4096u
#endif

#define SILENT "127.0.0.3"

static volatile int stop_wanted;
static uint32_t skew_ms;

/* ---- the line ---- */

/* A context is zeroed again and again, and its modem lives on. */
#define LINES 4
static struct uart {
    void *ctx;
    int fd;
} uarts[LINES];

static int32_t uart_read(void *line_ctx, void *p, size_t n, uint32_t limit_ms) {
    const struct uart *u = line_ctx;
    struct pollfd wish = {.fd = u->fd, .events = POLLIN};
    int ready = poll(&wish, 1, (int)limit_ms);
    if (ready <= 0) return ready == 0 || errno == EINTR ? 0 : -1;
    ssize_t got = read(u->fd, p, n < PIECE ? n : PIECE);
    return got > 0 ? (int32_t)got : -1;
}

static int32_t uart_write(void *line_ctx, const void *p, size_t n) {
    const struct uart *u = line_ctx;
    ssize_t written = send(u->fd, p, n < PIECE ? n : PIECE, MSG_NOSIGNAL | MSG_DONTWAIT);
    return written < 0 ? errno == EAGAIN || errno == EINTR ? 0 : -1 : (int32_t)written;
}

static uint32_t uart_now_ms(void *line_ctx) {
    struct timespec t;
    (void)line_ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000) + skew_ms;
}

static const popcl_quectel_line uart = {
    .read = uart_read,
    .write = uart_write,
    .now_ms = uart_now_ms,
};

/* The modem has the line as its standard input, and no other descriptor of this process except for
 * messages. Otherwise nobody would see the ends of connections. */
static void be_modem(int fd) {
    dup2(fd, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    for (int other = STDERR_FILENO + 1; other < 1024; other++)
        close(other);
    execlp("python3", "python3", "-SE", "tests/interop/modem.py", "0", FAULTS, (char *)NULL);
    perror("python3");
    _exit(1);
}

/* Returns the line to a modem that has reported its start; a busy machine takes seconds for that.
 */
static int start_modem(void) {
    int ends[2];
    char octet;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
    switch (fork()) {
    case 0: be_modem(ends[1]); break;
    case -1: return close(ends[0]), close(ends[1]), -1;
    default: break;
    }
    close(ends[1]);
    return recv(ends[0], &octet, 1, MSG_PEEK) == 1 ? ends[0] : -1;
}

/* ---- for the suite ---- */

static void begin(uint16_t tcp_port) {
    if (port_silence(SILENT, tcp_port)) return;
    fprintf(stderr, SILENT " cannot be made silent\n");
    exit(1);
}

static void prepare(void *ctx) {
    popcl_quectel *n = ctx;
    size_t i = 0;
    while (i < LINES - 1 && uarts[i].ctx && uarts[i].ctx != ctx)
        i++;
    if (!uarts[i].ctx && (uarts[i].fd = start_modem()) < 0) {
        perror("no modem");
        exit(1);
    }
    uarts[i].ctx = ctx;
    n->line = &uart;
    n->line_ctx = &uarts[i];
    n->stop = &stop_wanted;
}

/* The port's commands go on in its functions alone, as a superloop's stack does. */
static void idle(uint32_t ms) {
    const struct timespec moment = {0, 1000000};
    uint32_t began_ms = uart_now_ms(NULL);
    do {
        for (size_t i = 0; i < LINES; i++)
            if (uarts[i].ctx) (void)popcl_quectel_net.wait(uarts[i].ctx, 0, 0);
        (void)nanosleep(&moment, NULL);
    } while (uart_now_ms(NULL) - began_ms < ms);
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    stop_wanted = wanted;
}

static void clock_to(uint32_t ms) { skew_ms += ms - uart_now_ms(NULL); }

const port_under_test port_tested = {
    .net = &popcl_quectel_net,
    .ctx_size = sizeof(popcl_quectel),
    .begin = begin,
    .prepare = prepare,
    .idle = idle,
    .stop = stop,
    .clock_to = clock_to,
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = "unknown.test",
    .slow = "slow.test",
};
