/* SPDX-License-Identifier: MIT */
/* port - port/posix under the conformance suite, also with the resolver for systems without fork
 * (../posix-no-fork), and with memory to read ahead (../posix-ahead). Name service is played by a
 * getaddrinfo of our own, so that no test asks a name server; the clock by a clock_gettime that can
 * be set. */
#define _GNU_SOURCE /* RTLD_NEXT, syscall */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "popcl_posix.h"
#include "port_under_test.h"

/* ---- names ---- */

static const struct {
    const char *name, *address[2];
} hosts[] = {
    {"peer.test", {"127.0.0.1", NULL}},
    {"dead-first.test", {"127.0.0.2", "127.0.0.1"}},
    {"silent-first.test", {"127.0.0.3", "127.0.0.1"}},
};

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **list) {
    look_up_fn *look_up;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    /* ISO C knows no cast between the two kinds of pointers */
    memcpy(&look_up, &symbol, sizeof look_up);
    if (hints->ai_flags & AI_NUMERICHOST) return look_up(name, service, hints, list);
    while (strcmp(name, "slow.test") == 0)
        pause();
    *list = NULL;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        for (int k = 1; k >= 0 && strcmp(name, hosts[i].name) == 0; k--) {
            struct addrinfo numeric = *hints, *one;
            numeric.ai_flags |= AI_NUMERICHOST;
            if (hosts[i].address[k] && look_up(hosts[i].address[k], service, &numeric, &one) == 0)
                one->ai_next = *list, *list = one;
        }
    }
    return *list ? 0 : EAI_NONAME;
}

static void begin(uint16_t tcp_port) { (void)port_silence("127.0.0.3", tcp_port); }

/* ---- the clock ---- */

static uint32_t shift_ms;

int clock_gettime(clockid_t id, struct timespec *t) {
    if (syscall(SYS_clock_gettime, id, t) != 0) return -1;
    if (id == CLOCK_MONOTONIC)
        t->tv_sec += shift_ms / 1000, t->tv_nsec += (long)(shift_ms % 1000) * 1000000L;
    if (t->tv_nsec >= 1000000000L) t->tv_sec++, t->tv_nsec -= 1000000000L;
    return 0;
}

static void clock_to(uint32_t ms) { shift_ms += ms - popcl_posix.now_ms(NULL); }

/* ---- the rest ---- */

static volatile sig_atomic_t wanted_end;

/* With memory, a context reads ahead from its first recv of 64 octets or fewer on. */
static void prepare(void *ctx) {
    popcl_posix_net *n = ctx;
    n->stop = &wanted_end;
#ifdef POSIX_AHEAD
    static unsigned char ahead[16][1000]; /* a case has fewer contexts at a time */
    static size_t turn;
    n->ahead = ahead[turn++ % (sizeof ahead / sizeof ahead[0])];
    n->ahead_len = sizeof ahead[0];
#endif
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_posix,
    .ctx_size = sizeof(popcl_posix_net),
    .begin = begin,
    .prepare = prepare,
    .stop = stop,
    .clock_to = clock_to,
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = "unknown.test",
#ifndef POPCL_NO_FORK /* there a getaddrinfo that hangs cannot be broken off */
    .slow = "slow.test",
#endif
};
