/* SPDX-License-Identifier: MIT */
/* pop3s - fetches a maildrop to standard output over TLS:
 *
 *     pop3s HOST PORT USER PASSWORD-FILE CA-FILE [-S]
 *
 * Port 995 uses TLS from the first octet. With -S the session begins in clear text on port 110 and
 * changes to TLS before the login. A firmware does the same with compiled anchors from popcl-ta in
 * place of popcl_posix_trust_load, and with a seed and a time of its own. */
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

static void cut(void *ctx, popcl_err why) {
    (void)ctx;
    printf("--- cut: %s\n", popcl_err_name(why));
}

/* Everything that TLS needs beside the job: the memory of one session, and the trust. */
static popcl_err fetch(popcl_fetch_config *config, popcl_tls *tls) {
    static popcl_fetch job;
    static popcl_tls_public_storage storage;
    static unsigned char iobuf[POPCL_IOBUF_SIZE(4096)];
    static popcl_seed seed;
    popcl_posix_net net = {0};
    if (popcl_posix_seed(&seed, sizeof seed)) return POPCL_ERR_SEED;
    tls->profile = &popcl_tls_public;
    tls->storage = &storage;
    tls->storage_len = sizeof storage;
    tls->utc_s = time(NULL);
    config->session.tls = tls;
    config->session.seed = &seed;
    config->session.iobuf = iobuf; /* no plan: after the handshake it is in the storage */
    config->session.iobuf_len = sizeof iobuf;
    popcl_fetch_start(&job, config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &net);
    if (e)
        fprintf(stderr, "pop3s: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_fetch_wipe(&job);
    return e;
}

int main(int argc, char **argv) {
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    static char password[256];
    popcl_posix_trust store;
    char why[POPCL_POSIX_WHY];
    FILE *f = argc == 6 || (argc == 7 && strcmp(argv[6], "-S") == 0) ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: pop3s HOST PORT USER PASSWORD-FILE CA-FILE [-S]\n"), 64;
    fclose(f);
    if (popcl_posix_trust_load(&store, argv[5], NULL, time(NULL), why, sizeof why))
        return fprintf(stderr, "pop3s: %s\n", why), 66;
    popcl_tls tls = {.trust = &store.trust};
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .user = argv[3],
                                             .security = argc == 7 ? POPCL_STLS : POPCL_TLS},
                                 .secret = {.octets = password},
                                 .passes = UINT16_MAX,
                                 .sink = &sink};
    popcl_err e = fetch(&config, &tls);
    popcl_posix_trust_free(&store);
    memset(password, 0, sizeof password);
    return e && e != POPCL_MORE;
}
