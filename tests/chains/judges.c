/* SPDX-License-Identifier: MIT */
/* judges - asks popcl and up to three others about chains of certificates, many in one run. The
 * others are BearSSL (br_x509_minimal), OpenSSL (WITH_OPENSSL) and GnuTLS (WITH_GNUTLS).
 *
 *     judges [public] < cases
 *
 * popcl judges with its profile `host`. With an argument it judges with that profile, and no other
 * is asked. A case has these parts, with numbers in big-endian.
 *
 *    length of all that follows (4 octets); Unix time (8); length (1) and text of the host
 *    number of anchors (1), and each as length (4) and DER
 *    number of certificates (1), and each in the same way
 *
 * For each case one line is printed, with a word for each judge in the order above. A word is OK,
 * a reason without spaces, or "-" for a judge that is missing or not asked.
 * POPCL_ALONE leaves BearSSL's out too, for planted.py.
 *
 * Each judge trusts the anchors whatever they are, demands serverAuth and the host's name, and
 * keys of 112 bits of security. It may pass over certificates that it cannot read, except the
 * first. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/guard.h"
#include "../../src/tls/name.h"
#include "popcl_posix_trust.h"

#ifdef WITH_OPENSSL
#include <openssl/x509v3.h>
#endif
#ifdef WITH_GNUTLS
#include <gnutls/x509.h>
#include <time.h>
#endif

#define CERTS_MOST        64u
#define SECONDS_OF_YEAR_0 INT64_C(62167219200) /* before 1970: BearSSL counts days from there */

typedef struct octets {
    const unsigned char *p;
    size_t n;
} octets;

typedef struct chain_case {
    int64_t utc_s;
    char host[256];
    unsigned char address[16];
    size_t address_len;
    octets anchors[CERTS_MOST], certs[CERTS_MOST];
    size_t anchors_len, certs_len;
} chain_case;

/* ---- a case ---- */

static uint64_t number(octets *in, unsigned size) {
    uint64_t n = 0;
    for (; size && in->n; size--, in->p++, in->n--)
        n = n << 8 | *in->p;
    return n;
}

static octets piece(octets *in, size_t n) {
    octets all = {in->p, n < in->n ? n : in->n};
    in->p += all.n;
    in->n -= all.n;
    return all;
}

static size_t pieces(octets *in, octets *to) {
    size_t n = (size_t)number(in, 1);
    if (n > CERTS_MOST) n = CERTS_MOST;
    for (size_t i = 0; i < n; i++)
        to[i] = piece(in, (size_t)number(in, 4));
    return n;
}

static void read_case(octets in, chain_case *c) {
    c->utc_s = (int64_t)number(&in, 8);
    octets host = piece(&in, (size_t)number(&in, 1));
    memcpy(c->host, host.p, host.n);
    c->host[host.n] = 0;
    enum popcl_name_kind kind = popcl_name_kind(c->host, c->address);
    c->address_len = kind == POPCL_NAME_IPV4 ? 4 : kind == POPCL_NAME_IPV6 ? 16 : 0;
    c->anchors_len = pieces(&in, c->anchors);
    c->certs_len = pieces(&in, c->certs);
}

/* ---- popcl: a profile, and the loader of a program on POSIX ---- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_pem(FILE *f, octets der) {
    (void)fputs("-----BEGIN CERTIFICATE-----\n", f);
    for (size_t i = 0; i < der.n; i += 3) {
        size_t left = der.n - i;
        uint32_t bits = (uint32_t)der.p[i] << 16 | (uint32_t)(left > 1 ? der.p[i + 1] : 0) << 8 |
                        (left > 2 ? der.p[i + 2] : 0);
        char four[4] = {base64[bits >> 18], base64[bits >> 12 & 63],
                        left > 1 ? base64[bits >> 6 & 63] : '=',
                        left > 2 ? base64[bits & 63] : '='};
        (void)fwrite(four, 1, 4, f);
        if (i % 48 == 45) (void)fputc('\n', f);
    }
    (void)fputs("\n-----END CERTIFICATE-----\n", f);
}

static popcl_err ask_guard(const popcl_tls *t, const chain_case *c, const char *name) {
    void *state = (unsigned char *)t->storage + t->profile->state_at;
    popcl_err e = t->profile->x509->check(t);
    if (e) return e;
    const br_x509_class **x509 = t->profile->x509->open(state, t, name);
    (*x509)->start_chain(x509, name);
    for (size_t i = 0; i < c->certs_len; i++) {
        (*x509)->start_cert(x509, (uint32_t)c->certs[i].n);
        (*x509)->append(x509, c->certs[i].p, c->certs[i].n);
        (*x509)->end_cert(x509);
    }
    unsigned bearssl = (*x509)->end_chain(x509);
    e = t->profile->x509->verdict(state);
    return (bearssl == 0) == (e == POPCL_OK) ? e : POPCL_ERR_COUNT_;
}

/* The names of errors without their beginning, as in table.py. */
static const char *short_name(popcl_err e) {
    const char *name = popcl_err_name(e);
    return strncmp(name, "ERR_", 4) == 0 ? name + 4 : name;
}

static const char *ask_popcl(const chain_case *c, const popcl_tls_profile *profile,
                             const char *path) {
    static popcl_tls_host_storage storage; /* of the same type in both profiles */
    char why[POPCL_POSIX_WHY], name[256];
    popcl_posix_trust store = {0};
    popcl_tls t = {.profile = profile,
                   .storage = &storage,
                   .storage_len = sizeof storage,
                   .trust = &store.trust,
                   .name = c->host,
                   .utc_s = c->utc_s};
    FILE *f = fopen(path, "w");
    if (!f) return "CANNOT_WRITE";
    for (size_t i = 0; i < c->anchors_len; i++)
        write_pem(f, c->anchors[i]);
    (void)fclose(f);
    if (!popcl_name_copy(name, c->host)) return short_name(POPCL_ERR_HOST);
    if (popcl_posix_trust_load(&store, path, NULL, c->utc_s, why, sizeof why))
        return short_name(POPCL_ERR_NO_TRUST);
    popcl_err e = ask_guard(&t, c, name);
    popcl_posix_trust_free(&store);
    return e == POPCL_ERR_COUNT_ ? "DISAGREES" : short_name(e);
}

/* ---- BearSSL: its own validator, which popcl does not use ---- */

typedef struct bear_anchor {
    br_x509_decoder_context decoder;
    unsigned char name[4096];
    size_t name_len;
} bear_anchor;

static void add_to_name(void *ctx, const void *p, size_t n) {
    bear_anchor *a = ctx;
    if (n > sizeof a->name - a->name_len) n = sizeof a->name - a->name_len;
    memcpy(a->name + a->name_len, p, n);
    a->name_len += n;
}

static size_t bear_anchors(const chain_case *c, br_x509_trust_anchor *to) {
    static bear_anchor read[CERTS_MOST];
    size_t n = 0;
    for (size_t i = 0; i < c->anchors_len; i++) {
        bear_anchor *a = &read[n];
        a->name_len = 0;
        br_x509_decoder_init(&a->decoder, add_to_name, a);
        br_x509_decoder_push(&a->decoder, c->anchors[i].p, c->anchors[i].n);
        br_x509_pkey *key = br_x509_decoder_get_pkey(&a->decoder);
        if (!key) continue;
        unsigned flags = br_x509_decoder_isCA(&a->decoder) ? BR_X509_TA_CA : 0;
        to[n++] = (br_x509_trust_anchor){{a->name, a->name_len}, flags, *key};
    }
    return n;
}

static void ask_bearssl(const chain_case *c, char *says, size_t says_len) {
    static br_x509_trust_anchor anchors[CERTS_MOST];
    br_x509_minimal_context x;
    int64_t seconds = c->utc_s + SECONDS_OF_YEAR_0;
    size_t n = bear_anchors(c, anchors);
    br_x509_minimal_init(&x, &br_sha256_vtable, anchors, n);
    /* the same arithmetic as in popcl: the validator is asked, and it shall not take long */
    br_x509_minimal_set_rsa(&x, popcl_tls_host.rsa);
    br_x509_minimal_set_ecdsa(&x, popcl_tls_host.ec, popcl_tls_host.ecdsa);
    br_x509_minimal_set_hash(&x, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_hash(&x, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(&x, br_sha512_ID, &br_sha512_vtable);
    br_x509_minimal_set_minrsa(&x, 256);
    br_x509_minimal_set_time(&x, (uint32_t)(seconds / 86400), (uint32_t)(seconds % 86400));
    const br_x509_class **x509 = &x.vtable;
    (*x509)->start_chain(x509, c->host);
    for (size_t i = 0; i < c->certs_len; i++) {
        (*x509)->start_cert(x509, (uint32_t)c->certs[i].n);
        (*x509)->append(x509, c->certs[i].p, c->certs[i].n);
        (*x509)->end_cert(x509);
    }
    unsigned e = (*x509)->end_chain(x509);
    (void)snprintf(says, says_len, e ? "%u" : "OK", e);
}

/* ---- OpenSSL ---- */

#ifdef WITH_OPENSSL
static X509 *read_for_openssl(octets der) {
    const unsigned char *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    if (x && p == der.p + der.n) return x;
    X509_free(x);
    return NULL;
}

static void ask_openssl(const chain_case *c, char *says, size_t says_len) {
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *leaf = c->certs_len ? read_for_openssl(c->certs[0]) : NULL;
    for (size_t i = 0; i < c->anchors_len; i++) {
        X509 *x = read_for_openssl(c->anchors[i]);
        if (x) X509_STORE_add_cert(store, x);
        X509_free(x);
    }
    for (size_t i = 1; i < c->certs_len; i++) {
        X509 *x = read_for_openssl(c->certs[i]);
        if (x) sk_X509_push(others, x);
    }
    if (!leaf || !X509_STORE_CTX_init(ctx, store, leaf, others)) {
        (void)snprintf(says, says_len, "unread");
    } else {
        X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
        X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
        X509_VERIFY_PARAM_set_time(p, (time_t)c->utc_s);
        X509_VERIFY_PARAM_set_auth_level(p, 2);
        X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (c->address_len)
            X509_VERIFY_PARAM_set1_ip(p, c->address, c->address_len);
        else
            X509_VERIFY_PARAM_set1_host(p, c->host, 0);
        int ok = X509_verify_cert(ctx);
        int e = X509_STORE_CTX_get_error(ctx);
        (void)snprintf(says, says_len, ok == 1 ? "OK" : "%d", e);
    }
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
}
#endif

/* ---- GnuTLS ---- */

#ifdef WITH_GNUTLS
static time_t time_for_gnutls;

static time_t tell_time_to_gnutls(time_t *to) {
    if (to) *to = time_for_gnutls;
    return time_for_gnutls;
}

static gnutls_x509_crt_t read_for_gnutls(octets der) {
    gnutls_datum_t d = {(unsigned char *)(uintptr_t)der.p, (unsigned)der.n};
    gnutls_x509_crt_t x;
    if (gnutls_x509_crt_init(&x)) return NULL;
    if (gnutls_x509_crt_import(x, &d, GNUTLS_X509_FMT_DER) == 0) return x;
    gnutls_x509_crt_deinit(x);
    return NULL;
}

static void ask_gnutls(const chain_case *c, char *says, size_t says_len) {
    gnutls_x509_trust_list_t list;
    gnutls_x509_crt_t certs[CERTS_MOST];
    unsigned n = 0, status = 0;
    gnutls_x509_trust_list_init(&list, 0);
    for (size_t i = 0; i < c->anchors_len; i++) {
        gnutls_x509_crt_t x = read_for_gnutls(c->anchors[i]);
        if (x) gnutls_x509_trust_list_add_cas(list, &x, 1, 0);
    }
    for (size_t i = 0; i < c->certs_len; i++) {
        certs[n] = read_for_gnutls(c->certs[i]);
        if (certs[n])
            n++;
        else if (i == 0)
            break;
    }
    gnutls_typed_vdata_st data[2] = {
        {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0},
        {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)c->host, 0}};
    if (c->address_len) {
        data[1].type = GNUTLS_DT_IP_ADDRESS;
        data[1].data = (unsigned char *)(uintptr_t)c->address;
        data[1].size = (unsigned)c->address_len;
    }
    time_for_gnutls = (time_t)c->utc_s;
    int e = GNUTLS_E_NO_CERTIFICATE_FOUND;
    if (n)
        e = gnutls_x509_trust_list_verify_crt2(list, certs, n, data, 2,
                                               GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM),
                                               &status, NULL);
    if (e || status)
        (void)snprintf(says, says_len, e ? "E%d" : "%x", e ? (unsigned)-e : status);
    else
        (void)snprintf(says, says_len, "OK");
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(certs[i]);
    gnutls_x509_trust_list_deinit(list, 1);
}
#endif

/* ---- all of them ---- */

typedef char word[16];

static void ask_others(const chain_case *c, word *says) {
    (void)c;
    (void)says;
#ifndef POPCL_ALONE
    ask_bearssl(c, says[0], sizeof says[0]);
#endif
#ifdef WITH_OPENSSL
    ask_openssl(c, says[1], sizeof says[1]);
#endif
#ifdef WITH_GNUTLS
    ask_gnutls(c, says[2], sizeof says[2]);
#endif
}

int main(int argc, char **argv) {
    static chain_case c;
    const popcl_tls_profile *profile = argc == 1 ? &popcl_tls_host : &popcl_tls_public;
    char path[] = "/tmp/popcl-judges-XXXXXX";
    word others[3] = {"-", "-", "-"};
    unsigned char head[4];
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "public") != 0)) {
        (void)fprintf(stderr, "usage: judges [public] < cases\n");
        return 2;
    }
    int fd = mkstemp(path);
    if (fd < 0) return 2;
#ifdef WITH_GNUTLS
    gnutls_global_set_time_function(tell_time_to_gnutls);
#endif
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        octets size = {head, sizeof head};
        size_t n = (size_t)number(&size, 4);
        unsigned char *p = malloc(n + 1);
        if (!p || fread(p, 1, n, stdin) != n) return 2;
        read_case((octets){p, n}, &c);
        const char *verdict = ask_popcl(&c, profile, path);
        if (argc == 1) ask_others(&c, others);
        printf("%s %s %s %s\n", verdict, others[0], others[1], others[2]);
        (void)fflush(stdout);
        free(p);
    }
    (void)remove(path);
    return 0;
}
