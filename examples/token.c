/* SPDX-License-Identifier: MIT */
/* token - fetches a maildrop by a token of OAuth 2.0, with the memory of a small device:
 *
 *     token HOST PORT USER TOKEN-FILE CA-FILE
 *
 * XOAUTH2 is the only mechanism that it names. The record buffer has 541 bytes, which is enough if
 * the server grants small records. The token has any length, and is never in memory as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"

static int begin(void *ctx, const popcl_msg *m) {
    return (void)ctx, printf("--- %lu %s\n", (unsigned long)m->number, m->uid) < 0 ? -1 : 0;
}
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}
static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why, puts("--- cut"); }

/* Gives a piece of the token: the first line of the file, as a device would read it from flash. A
 * program that is still waiting for its token returns POPCL_SECRET_AGAIN. */
static int token_piece(void *ctx, size_t off, char *buf, size_t cap) {
    FILE *f = ctx;
    if (!buf) return 0; /* the last call; there is nothing to release */
    if (fseek(f, (long)off, SEEK_SET)) return -1;
    size_t n = fread(buf, 1, cap, f);
    const char *end = memchr(buf, '\n', n);
    return ferror(f) ? -1 : (int)(end ? (size_t)(end - buf) : n);
}

static popcl_err fetch(popcl_fetch_config *config, popcl_tls *tls) {
    static popcl_fetch job;
    static popcl_tls_public_storage storage;
    static unsigned char iobuf[POPCL_IOBUF_SIZE(512)];
    static popcl_seed seed;
    popcl_posix_net net = {0};
    if (popcl_posix_seed(&seed, sizeof seed)) return POPCL_ERR_SEED;
    tls->profile = &popcl_tls_public;
    tls->storage = &storage;
    tls->storage_len = sizeof storage;
    tls->utc_s = time(NULL);
    config->session.security = POPCL_TLS; /* a token is never sent in clear text */
    config->session.tls = tls;
    config->session.seed = &seed;
    config->session.iobuf = iobuf; /* no plan: after the handshake it is in the storage */
    config->session.iobuf_len = sizeof iobuf;
    popcl_fetch_start(&job, config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &net);
    if (e == POPCL_ERR_ARGUMENT)
        fprintf(stderr, "token: this setting is wrong: %s\n", popcl_bad_field(&job.session));
    popcl_fetch_wipe(&job);
    return e;
}

int main(int argc, char **argv) {
    static const popcl_mech *const mechs[] = {&popcl_mech_xoauth2, NULL};
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    popcl_posix_trust store;
    char why[POPCL_POSIX_WHY];
    if (argc != 6) return fprintf(stderr, "usage: token HOST PORT USER TOKEN-FILE CA-FILE\n"), 64;
    if (popcl_posix_trust_load(&store, argv[5], NULL, time(NULL), why, sizeof why))
        return fprintf(stderr, "token: %s\n", why), 66;
    FILE *f = fopen(argv[4], "r");
    if (!f) return fprintf(stderr, "token: TOKEN-FILE cannot be opened\n"), 66;
    popcl_tls tls = {.trust = &store.trust};
    popcl_fetch_config config = {
        .session = {.host = argv[1], .port = (uint16_t)atoi(argv[2]), .user = argv[3]},
        .token = {.get = token_piece, .ctx = f},
        .mechs = mechs,
        .passes = UINT16_MAX,
        .sink = &sink};
    popcl_err e = fetch(&config, &tls);
    /* After POPCL_ERR_TOKEN a device gets a new token and begins again, once and not in a loop:
     * servers block an address after many refusals. */
    if (e)
        fprintf(stderr, "token: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_posix_trust_free(&store);
    fclose(f);
    return e && e != POPCL_MORE;
}
