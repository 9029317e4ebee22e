/* SPDX-License-Identifier: MIT */
/* x509check - the verdict on a chain of certificates as a client would give it: by the same
 * profile, guard and trust store, without a server.
 *
 *     x509check --host H --time RFC3339 [--anchors a.pem] --chain c.pem [--pin
 *         sha256:HEX]... [--deny sha256:HEX]... [--profile public|small|ecdsa|host]
 *
 * --deny: a key with which no certificate counts (popcl_trust.key). c.pem: the server's certificate
 * first, then each one's issuer. Prints "accepted OK" or "refused ERR_...: sentence", and in
 * further lines tls-server-end-point of what was accepted, the names of a certificate that has not
 * the right one, and which certificate was refused, with its date where that is the reason. Exit 0:
 * accepted, 1: refused, 2: usage. Each chain is read whole and octet by octet; should the two
 * disagree, it says so and ends with 3. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/guard.h"
#include "../../src/tls/name.h"
#include "pem.h"
#include "pin.h"
#include "popcl_posix_trust.h"
#include "utc.h"

#define PINS_MAX  16u
#define CHAIN_MAX 1024u

static struct {
    const char *host, *time, *anchors, *chain, *profile;
    unsigned char pins[PINS_MAX][POPCL_PIN_LEN], denied[PINS_MAX][POPCL_PIN_LEN];
    size_t pins_len, denied_len;
} args;

static struct {
    unsigned char *der[CHAIN_MAX];
    size_t len[CHAIN_MAX], n;
} chain;

/* of the same type in all profiles that can be chosen here */
static popcl_tls_host_storage storage;

static int usage(const char *what) {
    fprintf(stderr,
            "x509check: %s\nusage: x509check --host H --time RFC3339 [--anchors a.pem] --chain "
            "c.pem [--pin sha256:HEX]... [--deny sha256:HEX]... [--profile P]\n",
            what);
    return 2;
}

/* ---- arguments ---- */

static int add_pin(const char *text, unsigned char (*to)[POPCL_PIN_LEN], size_t *len) {
    return *len < PINS_MAX && tool_pin_read(text, strlen(text), to[(*len)++]) == 0;
}

static const popcl_tls_profile *parse_profile(const char *name) {
    if (!name || strcmp(name, "host") == 0) return &popcl_tls_host;
    if (strcmp(name, "public") == 0) return &popcl_tls_public;
    if (strcmp(name, "small") == 0) return &popcl_tls_small;
    if (strcmp(name, "ecdsa") == 0) return &popcl_tls_ecdsa;
    return NULL;
}

/* Returns 0, or what is wrong. */
static const char *parse(int argc, char **argv) {
    static const struct {
        const char *name, **to;
    } options[] = {{"--host", &args.host},
                   {"--time", &args.time},
                   {"--anchors", &args.anchors},
                   {"--chain", &args.chain},
                   {"--profile", &args.profile}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        if (i + 1 == argc) return "an option without a value";
        int is_pin = strcmp(argv[i], "--pin") == 0;
        if (is_pin || strcmp(argv[i], "--deny") == 0) {
            if (!add_pin(argv[i + 1], is_pin ? args.pins : args.denied,
                         is_pin ? &args.pins_len : &args.denied_len))
                return "--pin and --deny want sha256: and 64 hexadecimal digits, at most 16 times";
            continue;
        }
        while (k < sizeof options / sizeof options[0] && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == sizeof options / sizeof options[0]) return "unknown option";
        *options[k].to = argv[i + 1];
    }
    return args.host && args.time && args.chain ? NULL : "--host, --time and --chain are required";
}

/* ---- the chain ---- */

static int is_certificate(const char *label) {
    return strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0;
}

static unsigned char *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    unsigned char *p = NULL;
    *n = 0;
    for (size_t room = 1u << 16, got = 1; f && got; room *= 2) {
        unsigned char *larger = realloc(p, room);
        if (!larger) break;
        p = larger;
        got = fread(p + *n, 1, room - *n, f);
        *n += got;
    }
    if (f) fclose(f);
    return p;
}

/* Returns 0, or an exit status. A block that cannot be decoded is a certificate of no octets: a
 * server can send such. */
static int read_chain(void) {
    size_t n;
    unsigned char *text = read_file(args.chain, &n);
    if (!text) return usage("the chain's file cannot be read");
    pop_pem pem = {.at = text, .left = n};
    for (enum pop_pem_state s; (s = pop_pem_next(&pem, is_certificate)) != POP_PEM_END;) {
        if (s == POP_PEM_WHOLE && !is_certificate(pem.label)) continue;
        size_t len = s == POP_PEM_WHOLE ? pem.octets_len : 0;
        unsigned char *der = malloc(len + 1);
        if (s == POP_PEM_NO_MEMORY || !der || chain.n == CHAIN_MAX)
            return usage("more certificates than there is room for");
        if (len) memcpy(der, pem.octets, len);
        chain.der[chain.n] = der;
        chain.len[chain.n++] = len;
    }
    pop_pem_done(&pem);
    free(text);
    return 0;
}

/* Gives the chain to the guard in pieces of `piece` octets, as BearSSL's engine does. */
static popcl_err judge(const popcl_tls *t, size_t piece) {
    char name[256];
    if (!popcl_name_copy(name, t->name)) return POPCL_ERR_HOST;
    popcl_err e = t->profile->x509->check(t);
    if (e) return e;
    void *state = (unsigned char *)t->storage + t->profile->state_at;
    const br_x509_class **x509 = t->profile->x509->open(state, t, name);
    (*x509)->start_chain(x509, name);
    for (size_t i = 0; i < chain.n; i++) {
        (*x509)->start_cert(x509, (uint32_t)chain.len[i]);
        for (size_t at = 0; at < chain.len[i]; at += piece)
            (*x509)->append(x509, chain.der[i] + at,
                            chain.len[i] - at < piece ? chain.len[i] - at : piece);
        (*x509)->end_cert(x509);
    }
    unsigned bearssl = (*x509)->end_chain(x509);
    e = t->profile->x509->verdict(state);
    /* never: the engine would go on where the verdict is no */
    if ((bearssl == 0) != (e == POPCL_OK)) return POPCL_ERR_COUNT_;
    return e;
}

static popcl_err find_denied(const popcl_trust *trust, const unsigned char *pin, int64_t utc_s,
                             unsigned *is) {
    (void)trust;
    (void)utc_s;
    for (size_t i = 0; i < args.denied_len; i++)
        if (memcmp(args.denied[i], pin, POPCL_PIN_LEN) == 0) *is = POPCL_KEY_DENIED;
    return POPCL_OK;
}

static void tell_accepted(const popcl_tls *t) {
    popcl_tls_diag d = {0};
    t->profile->x509->tell((unsigned char *)t->storage + t->profile->state_at, &d);
    printf("accepted %s\nend-point ", popcl_err_name(POPCL_OK));
    for (unsigned i = 0; i < d.end_point_len; i++)
        printf("%02x", d.end_point[i]);
    printf("\n");
}

static void tell_refused(const popcl_tls *t) {
    popcl_tls_diag d = {0};
    char when[POP_UTC_TEXT];
    t->profile->x509->tell((unsigned char *)t->storage + t->profile->state_at, &d);
    if (!d.cert) return;
    pop_utc_text(d.cert_time, when);
    printf("certificate %u%s%s\n", (unsigned)d.cert, d.cert_time ? " " : "",
           d.cert_time ? when : "");
}

int main(int argc, char **argv) {
    static char names[70000]; /* more than a certificate can fill */
    popcl_posix_trust store = {0};
    popcl_trust pins_alone = {0};
    char why[POPCL_POSIX_WHY];
    const char *wrong = parse(argc, argv);
    if (wrong) return usage(wrong);
    popcl_tls t = {.profile = parse_profile(args.profile),
                   .storage = &storage,
                   .storage_len = sizeof storage,
                   .trust = &pins_alone,
                   .name = args.host,
                   .names = names,
                   .names_len = sizeof names};
    if (!t.profile) return usage("unknown profile");
    if (pop_utc_read(args.time, &t.utc_s) || t.utc_s < 0)
        return usage("--time wants a time like 2026-11-25T03:19:46Z, from 1970 on");
    int status = read_chain();
    if (status) return status;
    if (args.anchors) {
        popcl_posix_trust_error e =
            popcl_posix_trust_load(&store, args.anchors, NULL, t.utc_s, why, sizeof why);
        if (e == POPCL_POSIX_TRUST_MISSING || e == POPCL_POSIX_TRUST_UNREADABLE) return usage(why);
        if (e) {
            printf("refused %s: %s\n", popcl_err_name(POPCL_ERR_NO_TRUST), why);
            return 1;
        }
        t.trust = &store.trust;
    }
    popcl_trust *trust = args.anchors ? &store.trust : &pins_alone;
    trust->pins = (const unsigned char(*)[POPCL_PIN_LEN])args.pins;
    trust->pins_len = args.pins_len;
    if (args.denied_len) trust->key = find_denied;
    popcl_err by_octet = judge(&t, 1), e = judge(&t, 1000000);
    if (by_octet != e || e == POPCL_ERR_COUNT_) {
        printf("disagree %s %s\n", popcl_err_name(e), popcl_err_name(by_octet));
        status = 3;
    } else {
        status = e != POPCL_OK;
        if (e)
            printf("refused %s: %s\n", popcl_err_name(e), popcl_err_what(e));
        else
            tell_accepted(&t);
        if (names[0]) printf("names %s\n", names);
        if (e) tell_refused(&t);
    }
    for (size_t i = 0; i < chain.n; i++)
        free(chain.der[i]);
    popcl_posix_trust_free(&store);
    return status;
}
