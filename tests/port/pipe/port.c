/* SPDX-License-Identifier: MIT */
/* port - a port over something else than sockets, written after docs/PORTING.md and port/TEMPLATE
 * alone: a pair of pipes to a relay process that makes the TCP connection, as a modem or a second
 * processor behind a serial line does. line.h has the frames that go over it, pipe_net.c the port,
 * relay.c the relay; this file is what the conformance suite has to know of them. */
#define _POSIX_C_SOURCE 200809L
#include "pipe_net.h"
#include "port_under_test.h"
#include "relay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A context is zeroed again and again, and its line lives on. */
#define LINES 4
static struct {
    void *ctx;
    pipe_line line;
} lines[LINES];

static volatile int stop_wanted;
static uint32_t skew_ms;

static void begin(uint16_t tcp_port) {
    signal(SIGPIPE, SIG_IGN);
    if (port_silence(RELAY_SILENT, tcp_port)) return;
    fprintf(stderr, RELAY_SILENT " cannot be made silent\n");
    exit(1);
}

static void prepare(void *ctx) {
    pipe_net *n = ctx;
    size_t i = 0;
    while (i < LINES - 1 && lines[i].ctx && lines[i].ctx != ctx)
        i++;
    if (!lines[i].ctx && !relay_start(&lines[i].line.to, &lines[i].line.from)) {
        perror("no relay");
        exit(1);
    }
    lines[i].ctx = ctx;
    n->line = &lines[i].line;
    n->stop = &stop_wanted;
    n->skew_ms = &skew_ms;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    stop_wanted = wanted;
}

static void clock_to(uint32_t ms) {
    pipe_net unset = {0};
    skew_ms = ms - popcl_pipe.now_ms(&unset);
}

const port_under_test port_tested = {
    .net = &popcl_pipe,
    .ctx_size = sizeof(pipe_net),
    .begin = begin,
    .prepare = prepare,
    .stop = stop,
    .clock_to = clock_to,
    .name = RELAY_NAME,
    .dead_first = RELAY_DEAD_FIRST,
    .silent_first = RELAY_SILENT_FIRST,
    .unknown = RELAY_UNKNOWN,
    .slow = RELAY_SLOW,
};
