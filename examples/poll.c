/* SPDX-License-Identifier: MIT */
/* poll - a task that looks for mail again and again, over POP3S, as a device does:
 *
 *     poll HOST PORT USER PASSWORD-FILE CA-FILE EVERY-MS [SESSIONS]
 *
 * After a failure it waits longer (firmware/backoff.h), and after a refused login an hour or more.
 * It keeps the TLS session in RAM, so that the next handshake is short. It keeps UIDs, and counts
 * a message once. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "firmware/backoff.h"
#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"
#include "popcl_seen.h"

static popcl_seen seen;
static unsigned long stored;

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)stage;
    return popcl_seen_get(&seen, m->uid, m->uid_len) ? POPCL_SKIP : POPCL_FETCH;
}
static void listed(void *ctx, const popcl_msg *m) {
    (void)ctx;
    popcl_seen_listed(&seen, m ? m->uid : NULL, m ? m->uid_len : 0);
}
static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx, (void)why;
    if (what != POPCL_STORED) return;
    stored++;
    popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED);
}
static int begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, (void)p, (int)n; /* a device would keep p here */
}
static int commit(void *ctx) { return (void)ctx, 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

/* One session. Each needs a seed and the time of its own. */
static popcl_err session(popcl_fetch_config *config, popcl_tls *tls, int *resumed) {
    static popcl_fetch job;
    static popcl_seed seed;
    popcl_tls_diag diag;
    if (popcl_posix_seed(&seed, sizeof seed)) return POPCL_ERR_SEED;
    tls->utc_s = time(NULL);
    config->session.tls = tls;
    config->session.seed = &seed;
    stored = 0;
    popcl_fetch_start(&job, config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &(popcl_posix_net){0});
    popcl_tls_get_diag(tls, &diag);
    *resumed = diag.resumed;
    popcl_fetch_wipe(&job);
    return e;
}

int main(int argc, char **argv) {
    static unsigned char iobuf[POPCL_IOBUF_SIZE(4096)], memory[POPCL_SEEN_SIZE(500)], key[16];
    static popcl_tls_public_storage storage;
    static popcl_resumable kept;
    static char password[256], why[POPCL_POSIX_WHY];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    popcl_posix_trust trust;
    FILE *f = argc == 7 || argc == 8 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1 || popcl_posix_seed(key, sizeof key))
        return fputs("usage: poll HOST PORT USER PASSWORD-FILE CA-FILE EVERY-MS [SESSIONS]\n",
                     stderr),
               64;
    fclose(f);
    if (popcl_posix_trust_load(&trust, argv[5], NULL, time(NULL), why, sizeof why))
        return fprintf(stderr, "poll: %s\n", why), 66;
    popcl_seen_init(&seen, memory, sizeof memory, key);
    popcl_tls tls = {.profile = &popcl_tls_public,
                     .storage = &storage,
                     .storage_len = sizeof storage,
                     .trust = &trust.trust,
                     .resume = &kept,
                     .resumption = &popcl_tls_resumption};
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .user = argv[3],
                                             .security = POPCL_TLS,
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .passes = UINT16_MAX,
                                 .uids = POPCL_UIDS_REQUIRED,
                                 .decide = decide,
                                 .listed = listed,
                                 .fate = fate,
                                 .sink = &sink};
    uint32_t every_ms = (uint32_t)strtoul(argv[6], NULL, 10), failures = 0;
    for (long left = argc == 8 ? atol(argv[7]) : -1; left; left -= left > 0) {
        int resumed = 0;
        uint32_t chance = 0;
        popcl_err e = session(&config, &tls, &resumed);
        failures = e && e != POPCL_MORE ? failures + 1 : 0;
        popcl_posix_seed(&chance, sizeof chance);
        uint32_t ms = backoff_ms(backoff_base_ms(every_ms, popcl_err_class(e)), failures, chance);
        printf("%s; %lu new, %s handshake; next in %lu ms\n", popcl_err_what(e), stored,
               resumed ? "short" : "full", (unsigned long)ms);
        fflush(stdout);
        if (left != 1)
            nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L},
                      NULL);
    }
    popcl_posix_trust_free(&trust);
    return failures != 0;
}
