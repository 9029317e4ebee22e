/* SPDX-License-Identifier: MIT */
/* count - fetches every message of a maildrop and only counts what comes: the cost of the library
 * and of the POSIX port, and nothing else.
 *
 *     count HOST PORT USER PASSWORD-FILE [IOBUF-OCTETS [CA-FILE|- [WINDOW]]]
 *
 * With a CA-FILE it uses POP3S, and checks the server's certificate as the command does. WINDOW is
 * the number of commands that may be in flight, up to 64. With a buffer of 541 and a window of 8
 * the session is a device's.
 *
 * Prints messages, octets, the processor time of this process and its peak resident memory, as
 * name=value. Nothing is stored or deleted. A test program of `make bench`: it must not know what
 * the server serves. */
#define _XOPEN_SOURCE 700 /* getrusage */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"

/* Larger buffers mean fewer system calls. The figures are of base64 over Linux's loopback (bench.py
 * --iobuf). 4 KB costs 3.5 times as much as 128 KB, 16 KB 1.7, 32 KB 1.4, 64 KB 1.1. From there to
 * 512 KB the differences are smaller than the spread, and only memory grows. */
#define IOBUF_LEN  131072u
#define IOBUF_MOST 1048576u /* untouched pages cost nothing */
#define PLAN_LEN   65536u
#define WINDOW     64u

static struct {
    unsigned long messages;
    unsigned long long octets;
} counted;

static int begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, (void)p, counted.octets += n, (int)n;
}
static int commit(void *ctx) { return (void)ctx, counted.messages++, 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

static double seconds(const struct timeval *t) {
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* In KB; 0: not known here. The kernel's own mark for this program: ru_maxrss would count the
 * program that started it, too. */
static unsigned long peak_kb(void) {
    char line[128];
    unsigned long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (!f) return 0;
    while (kb == 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lu", &kb) != 1) kb = 0;
    fclose(f);
    return kb;
}

static int fetch(popcl_fetch *job, const popcl_fetch_config *config) {
    struct rusage used;
    static unsigned char ahead[16384];
    popcl_posix_net net = {0};
    if (config->session.tls && config->session.iobuf_len > sizeof ahead) { /* it is no device */
        net.ahead = ahead;
        net.ahead_len = sizeof ahead;
    }
    popcl_fetch_start(job, config, 0);
    popcl_err e = popcl_run(&job->session, &popcl_posix, &net);
    if (e && e != POPCL_MORE)
        fprintf(stderr, "count: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_fetch_wipe(job);
    getrusage(RUSAGE_SELF, &used);
    printf("messages=%lu octets=%llu user=%.6f system=%.6f peak_kb=%lu\n", counted.messages,
           counted.octets, seconds(&used.ru_utime), seconds(&used.ru_stime), peak_kb());
    return e && e != POPCL_MORE;
}

/* POP3S. Returns 0, or prints why not. */
static int secure(popcl_fetch_config *config, const char *ca_file) {
    static popcl_tls_host_storage storage;
    static popcl_posix_trust store;
    static popcl_seed seed;
    static popcl_tls tls = {.profile = &popcl_tls_host,
                            .storage = &storage,
                            .storage_len = sizeof storage,
                            .trust = &store.trust};
    char why[POPCL_POSIX_WHY] = "no random seed";
    tls.utc_s = time(NULL);
    if (popcl_posix_seed(&seed, sizeof seed) ||
        popcl_posix_trust_load(&store, ca_file, NULL, tls.utc_s, why, sizeof why))
        return fprintf(stderr, "count: %s\n", why);
    config->session.security = POPCL_TLS;
    config->session.tls = &tls;
    config->session.seed = &seed;
    return 0;
}

int main(int argc, char **argv) {
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    static popcl_fetch job;
    static unsigned char iobuf[IOBUF_MOST], plan[PLAN_LEN];
    static popcl_flight window[WINDOW];
    static char password[256];
    size_t iobuf_len = argc > 5 ? strtoul(argv[5], NULL, 10) : IOBUF_LEN;
    unsigned long window_len = argc > 7 ? strtoul(argv[7], NULL, 10) : 0;
    FILE *f = argc >= 5 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1 || iobuf_len > sizeof iobuf ||
        window_len > WINDOW) {
        fprintf(stderr,
                "usage: count HOST PORT USER PASSWORD-FILE [IOBUF-OCTETS up to %u "
                "[CA-FILE|- [WINDOW up to %u]]]\n",
                IOBUF_MOST, WINDOW);
        return 64;
    }
    fclose(f);
    popcl_fetch_config config = {.session.host = argv[1],
                                 .session.port = (uint16_t)strtoul(argv[2], NULL, 10),
                                 .session.user = argv[3],
                                 .secret = {.octets = password},
                                 .session.iobuf = iobuf,
                                 .session.iobuf_len = iobuf_len,
                                 .session.window = window_len ? window : NULL,
                                 .session.window_len = (uint16_t)window_len,
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .passes = UINT16_MAX,
                                 .sink = &sink};
    if (argc > 6 && strcmp(argv[6], "-") != 0 && secure(&config, argv[6])) return 66;
    return fetch(&job, &config);
}
