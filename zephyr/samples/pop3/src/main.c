/* SPDX-License-Identifier: MIT */
/* main - looks for mail every few minutes, and prints each new message on the console. UIDs of
 * printed messages are in RAM. prj.conf is clear text, tls.conf TLS of popcl, and tls_below.conf
 * TLS of Zephyr's secure sockets. */
#include <zephyr/kernel.h>
#include <zephyr/random/random.h>
#include <zephyr/sys/printk.h>
#if defined(CONFIG_POPCL_TLS) || defined(CONFIG_POPCL_TLS_BELOW)
#include <zephyr/net/sntp.h>
#endif
#ifdef CONFIG_POPCL_TLS_BELOW
#include <errno.h>
#include <time.h>
#include <zephyr/net/tls_credentials.h>
#endif

#include "popcl_fetch.h"
#include "popcl_seen.h"
#include "popcl_zephyr.h"
#ifdef CONFIG_POPCL_TLS
#include "popcl_tls.h"
extern const popcl_trust ca_trust; /* anchors.c, from popcl-ta */
#define RECORD POPCL_IOBUF_SIZE(4096)
#else
#define RECORD 1024
#endif

enum { MESSAGES = 64, SNTP_MS = 5000 };

static popcl_fetch job;
static popcl_zephyr_net net;
static unsigned char iobuf[RECORD], plan[2048];
static unsigned char uids[POPCL_SEEN_SIZE(MESSAGES)];
static popcl_seen seen;

/* ---- messages ---- */

static int print_begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    printk("--- %u %s\n", (unsigned)m->number, m->uid);
    return 0;
}

static int print_data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    printk("%.*s", (int)n, (const char *)p);
    return (int)n;
}

static int print_commit(void *ctx) {
    (void)ctx;
    printk("--- end\n");
    return 0;
}

static void print_abort(void *ctx, popcl_err why) {
    (void)ctx;
    printk("--- cut: %s\n", popcl_err_name(why));
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)stage;
    return popcl_seen_get(&seen, m->uid, m->uid_len) ? POPCL_SKIP : POPCL_FETCH;
}

static void listed(void *ctx, const popcl_msg *m) {
    popcl_diag diag;
    (void)ctx;
    popcl_fetch_get_diag(&job, &diag);
    if (m || !diag.no_uids) popcl_seen_listed(&seen, m ? m->uid : NULL, m ? m->uid_len : 0);
}

static void note_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx, (void)why;
    if (what == POPCL_STORED) (void)popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED);
}

static const popcl_sink sink = {
    .begin = print_begin, .data = print_data, .commit = print_commit, .abort = print_abort};

static popcl_fetch_config config = {
    .session = {.host = CONFIG_SAMPLE_POP3_HOST,
                .port = CONFIG_SAMPLE_POP3_PORT,
                .user = CONFIG_SAMPLE_POP3_USER,
                .iobuf = iobuf,
                .iobuf_len = sizeof iobuf},
    .secret = {.octets = CONFIG_SAMPLE_POP3_PASSWORD},
    .plan = plan,
    .plan_len = sizeof plan,
    .decide = decide,
    .listed = listed,
    .fate = note_fate,
    .sink = &sink,
};

/* ---- the two ways to TLS ---- */

#if defined(CONFIG_POPCL_TLS) || defined(CONFIG_POPCL_TLS_BELOW)
/* Returns Unix seconds, or -1: then a session with TLS does not start. */
static int64_t ask_time(void) {
    struct sntp_time now;
    return sntp_simple(CONFIG_SAMPLE_POP3_SNTP, SNTP_MS, &now) == 0 ? (int64_t)now.seconds : -1;
}
#endif

#if defined(CONFIG_POPCL_TLS_BELOW)

#define PORT popcl_zephyr_tls

static int prepare(void) {
    static const unsigned char authority[] = {
#include "authority.inc"
    };
    static const int tags[] = {CONFIG_SAMPLE_POP3_TAG};
    struct timespec now = {.tv_sec = ask_time()};
    if (now.tv_sec < 0 || clock_settime(CLOCK_REALTIME, &now) != 0) return -1;
    net.tags = tags;
    net.tags_len = 1;
    config.session.security = POPCL_TLS_BELOW;
    int e = tls_credential_add(tags[0], TLS_CREDENTIAL_CA_CERTIFICATE, authority, sizeof authority);
    return e == -EEXIST ? 0 : e;
}

#elif defined(CONFIG_POPCL_TLS)

#define PORT popcl_zephyr

static int prepare(void) {
    static popcl_tls_public_storage storage;
    static popcl_seed seed;
    static popcl_tls tls = {.profile = &popcl_tls_public,
                            .storage = &storage,
                            .storage_len = sizeof storage,
                            .trust = &ca_trust};
    config.session.security = POPCL_TLS;
    config.session.tls = &tls;
    config.session.seed = NULL; /* never the one of an earlier session */
    if (sys_csrand_get(seed.bytes, sizeof seed.bytes) != 0) return -1;
    config.session.seed = &seed;
    tls.utc_s = ask_time();
    return 0;
}

#else

#define PORT popcl_zephyr

static int prepare(void) { return 0; }

#endif

/* ---- the loop ---- */

static void look(void) {
    popcl_diag diag;
    if (prepare() != 0) {
        printk("popcl: no seed, no time or no certificate\n");
        return;
    }
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &PORT, &net);
    popcl_fetch_get_diag(&job, &diag);
    popcl_fetch_wipe(&job);
    if (e && e != POPCL_MORE)
        printk("popcl: %s: %s; %s (%d)\n", popcl_err_what(e), popcl_err_cause(e),
               popcl_err_advice(e), diag.net_code);
    else
        printk("popcl: %u new, %u in the maildrop\n", (unsigned)diag.stored,
               (unsigned)diag.in_maildrop);
}

int main(void) {
    unsigned char key[16];
    sys_rand_get(key, sizeof key); /* better from sys_csrand_get, if the board has entropy */
    (void)popcl_seen_init(&seen, uids, sizeof uids, key);
    for (;;) {
        look();
        (void)k_sleep(K_SECONDS(60 * CONFIG_SAMPLE_POP3_MINUTES));
    }
}
