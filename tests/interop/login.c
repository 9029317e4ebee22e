/* SPDX-License-Identifier: MIT */
/* login - logs in with named mechanisms and fetches a maildrop to standard output, for tests of
 * mechanisms against real servers:
 *
 *     login HOST PORT USER [OPTION VALUE]...
 *
 *     --auth NAMES      mechanisms, with commas between them; default: popcl chooses
 *     --password FILE   the password is the first line of this file
 *     --token FILE      the token is the first line of this file
 *     --pull OCTETS     both come from a callback, in pieces of so many octets, after a wait
 *     --tls CA-FILE     POP3S, with the authorities of this file; --stls CA-FILE: STLS
 *     --tofu FILE       in place of the authorities, the key in this file, which first use stores
 *     --first-use HOW   any = first use may send the password; else it uses SCRAM alone
 *     --iobuf OCTETS    the record buffer, 541 to 16413 with TLS
 *     --mfln OCTETS     the fragment length that the server is asked for
 *     --window N        commands that may be in flight, up to 64
 *     --plan OCTETS     the plan, up to 65536
 *
 * Prints name=value pairs in one line on standard error: result, mechanism, messages, octets,
 * ahead, whether the fragment length was granted, and last the server's text. The exit code is 0 if
 * the result is OK. It deletes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"
#include "popcl_tofu.h"

#define WINDOW    64u
#define PLAN_LEN  65536u
#define IOBUF_LEN POPCL_IOBUF_SIZE(16384)
#define LINE_LEN  16384u

static const struct {
    const char *name;
    unsigned bit;
} mechanisms[] = {{"user", POPCL_AUTH_USER},
                  {"apop", POPCL_AUTH_APOP},
                  {"plain", POPCL_AUTH_PLAIN},
                  {"login", POPCL_AUTH_LOGIN},
                  {"cram-md5", POPCL_AUTH_CRAM_MD5},
                  {"scram-sha-1", POPCL_AUTH_SCRAM_SHA_1},
                  {"scram-sha-256", POPCL_AUTH_SCRAM_SHA_256},
                  {"scram-sha-1-plus", POPCL_AUTH_SCRAM_SHA_1_PLUS},
                  {"scram-sha-256-plus", POPCL_AUTH_SCRAM_SHA_256_PLUS},
                  {"xoauth2", POPCL_AUTH_XOAUTH2},
                  {"oauthbearer", POPCL_AUTH_OAUTHBEARER},
                  {"external", POPCL_AUTH_EXTERNAL}};
enum { MECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };

/* One session, and what the options give. */
typedef struct pulled {
    char line[LINE_LEN];
    size_t piece;
    int asked; /* the first call asks for time */
} pulled;

static pulled password, token;
static popcl_fetch_config config;
static popcl_tls tls;
static const char *ca_file, *tofu_file;
static popcl_tofu first_use;

static void wrong(const char *what, const char *value) {
    fprintf(stderr, "login: %s: %s\n", what, value);
    exit(64);
}

/* ---- the sink: standard output ---- */

static int begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }

static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}

static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }

static void cut(void *ctx, popcl_err why) {
    (void)ctx;
    (void)why;
}

/* ---- the options ---- */

static unsigned long number(const char *text, unsigned long most) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!*text || *end || n > most) wrong("no number, or too large", text);
    return n;
}

static unsigned named(char *names) {
    unsigned bits = 0;
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        size_t i = 0;
        while (i < MECHANISMS && strcmp(mechanisms[i].name, name) != 0)
            i++;
        if (i == MECHANISMS) wrong("no mechanism of this name", name);
        bits |= mechanisms[i].bit;
    }
    return bits;
}

static int pull(void *ctx, size_t off, char *buf, size_t cap) {
    pulled *p = ctx;
    if (!buf) return 0;
    if (!p->asked++) return POPCL_SECRET_AGAIN;
    size_t n = strlen(p->line) - off;
    if (n > p->piece) n = p->piece;
    if (n > cap) n = cap;
    memcpy(buf, p->line + off, n);
    return (int)n;
}

static void read_line(pulled *p, const char *name) {
    FILE *f = fopen(name, "r");
    if (!f || !fgets(p->line, sizeof p->line, f)) wrong("cannot read", name);
    fclose(f);
    p->line[strcspn(p->line, "\r\n")] = 0;
}

static void give(popcl_secret *s, pulled *p, unsigned long piece) {
    if (!p->line[0]) return;
    p->piece = piece;
    s->ctx = p;
    if (piece)
        s->get = pull;
    else
        s->octets = p->line;
}

static void secure(popcl_security security, const char *file) {
    config.session.security = (uint8_t)security;
    ca_file = file;
}

static void read_options(char **argv) {
    static popcl_flight window[WINDOW];
    unsigned long piece = 0;
    for (; argv[0]; argv += 2) {
        const char *option = argv[0];
        char *value = argv[1];
        if (!value) wrong("no value", option);
        if (strcmp(option, "--auth") == 0)
            config.auth = (uint16_t)named(value);
        else if (strcmp(option, "--password") == 0)
            read_line(&password, value);
        else if (strcmp(option, "--token") == 0)
            read_line(&token, value);
        else if (strcmp(option, "--pull") == 0)
            piece = number(value, LINE_LEN);
        else if (strcmp(option, "--tls") == 0)
            secure(POPCL_TLS, value);
        else if (strcmp(option, "--stls") == 0)
            secure(POPCL_STLS, value);
        else if (strcmp(option, "--tofu") == 0)
            tofu_file = value;
        else if (strcmp(option, "--first-use") == 0)
            first_use.password_to_unknown_server = strcmp(value, "any") == 0;
        else if (strcmp(option, "--iobuf") == 0)
            config.session.iobuf_len = number(value, IOBUF_LEN);
        else if (strcmp(option, "--mfln") == 0)
            tls.fragment = (uint16_t)number(value, 4096);
        else if (strcmp(option, "--window") == 0)
            config.session.window_len = (uint16_t)number(value, WINDOW);
        else if (strcmp(option, "--plan") == 0)
            config.plan_len = number(value, PLAN_LEN);
        else
            wrong("no option", option);
    }
    config.session.window = config.session.window_len ? window : NULL;
    give(&config.secret, &password, piece);
    give(&config.token, &token, piece);
}

/* ---- the session ---- */

static int keep_key(void *ctx, const unsigned char pin[POPCL_PIN_LEN]) {
    (void)ctx;
    FILE *f = fopen(tofu_file, "wb");
    int failed = !f || fwrite(pin, 1, POPCL_PIN_LEN, f) != POPCL_PIN_LEN;
    if (f && fclose(f)) failed = 1;
    return failed;
}

/* Trust on first use, in place of the authorities. */
static void trust_first_use(void) {
    FILE *f = fopen(tofu_file, "rb");
    first_use.known = f && fread(first_use.pin, 1, POPCL_PIN_LEN, f) == POPCL_PIN_LEN;
    if (f) fclose(f);
    first_use.store = keep_key;
    tls.trust = &first_use.trust;
}

static void make_secure(popcl_posix_trust *store) {
    static popcl_tls_public_storage storage;
    char why[POPCL_POSIX_WHY];
    tls.profile = &popcl_tls_public;
    tls.storage = &storage;
    tls.storage_len = sizeof storage;
    tls.trust = &store->trust;
    tls.utc_s = time(NULL);
    if (tofu_file)
        trust_first_use();
    else if (popcl_posix_trust_load(store, ca_file, NULL, tls.utc_s, why, sizeof why))
        wrong("no trust", why);
    config.session.tls = &tls;
}

static const char *mechanism_name(unsigned bit) {
    for (size_t i = 0; i < MECHANISMS; i++)
        if (mechanisms[i].bit == bit) return mechanisms[i].name;
    return "-";
}

static void print(const popcl_fetch *job, popcl_err started) {
    popcl_tls_diag t = {0};
    popcl_diag d;
    popcl_fetch_get_diag(job, &d);
    if (ca_file) popcl_tls_get_diag(&tls, &t);
    fprintf(stderr, "result=%s mechanism=%s messages=%lu octets=%llu ahead=%d granted=%d text=",
            popcl_err_name(started ? started : d.err), mechanism_name(d.mechanism),
            (unsigned long)d.stored, (unsigned long long)d.received, d.ahead,
            t.fragment == POPCL_FRAGMENT_GRANTED);
    for (const char *c = d.reply.text; *c; c++)
        fputc(*c >= ' ' && *c <= '~' ? *c : '?', stderr);
    fputc('\n', stderr);
}

int main(int argc, char **argv) {
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    static unsigned char iobuf[IOBUF_LEN], plan[PLAN_LEN];
    static popcl_fetch job;
    static popcl_seed seed; /* of TLS, and of the nonces of mechanisms */
    popcl_posix_trust store = {0};
    popcl_posix_net net = {0};
    if (argc < 4) wrong("usage", "login HOST PORT USER [OPTION VALUE]...");
    config.session.host = argv[1];
    config.session.port = (uint16_t)number(argv[2], UINT16_MAX);
    config.session.user = argv[3];
    if (popcl_posix_seed(&seed, sizeof seed)) wrong("no random bytes", "from the system");
    config.session.seed = &seed;
    config.session.iobuf = iobuf;
    config.session.iobuf_len = sizeof iobuf;
    config.plan = plan;
    config.plan_len = sizeof plan;
    config.passes = UINT16_MAX;
    config.mechs = popcl_mechs_all;
    config.sink = &sink;
    read_options(argv + 4);
    if (ca_file) make_secure(&store);
    popcl_diag d;
    popcl_err refused = tofu_file ? popcl_tofu_begin(&first_use, &config) : POPCL_OK, e = refused;
    if (!e) e = popcl_fetch_start(&job, &config, 0);
    if (!e) e = popcl_run(&job.session, &popcl_posix, &net);
    print(&job, refused);
    popcl_fetch_get_diag(&job, &d);
    if (tofu_file && !refused) fprintf(stderr, "stored=%d\n", popcl_tofu_end(&first_use, &d));
    popcl_fetch_wipe(&job);
    if (ca_file) popcl_posix_trust_free(&store);
    return e && e != POPCL_MORE;
}
