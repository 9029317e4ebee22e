/* SPDX-License-Identifier: MIT */
/* fuzz_guard - chains of certificates: any octets are judged without a fault, and the same however
 * they are cut; what is taken has a leaf that another reader (src/host/cert.h) can read, of this
 * time, with the host's name in it, or the pinned key. Its key is not a denied one.
 *
 * Input: flags (bits 0-1: which host; bit 2: a pin follows; bit 3: the first of the chain is a
 * server's own, whose common name counts; bit 4: anchors keep their limits; bit 5: some keys are
 * denied), 32 octets of pin, the number of anchors, each anchor's certificate and then each of the
 * chain behind its length in two octets. Seeds: tests/x509check/run.py --seeds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/guard.h"
#include "anchor.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

#define NOW        INT64_C(1780272000) /* 2026-06-01, as in tests/x509check/table.py */
#define ANCHORS    2u
#define NAME_MAX_  1024u
#define CHAIN_MAX_ 16u

static const char *const hosts[] = {"mail.example.org", "192.0.2.1", "2001:db8::1",
                                    "a.b.example.org"};

typedef struct span {
    const uint8_t *p;
    size_t n;
} span;

typedef struct decoded {
    br_x509_decoder_context decoder;
    unsigned char name[NAME_MAX_];
    size_t name_len;
} decoded;

static void add_name(void *ctx, const void *p, size_t n) {
    decoded *d = ctx;
    if (n > sizeof d->name - d->name_len) n = sizeof d->name - d->name_len;
    memcpy(d->name + d->name_len, p, n);
    d->name_len += n;
}

/* The next certificate of the input; 0: there is none. */
static int next(span *in, span *to) {
    if (in->n < 2) return 0;
    size_t n = (size_t)in->p[0] << 8 | in->p[1];
    to->p = in->p + 2;
    to->n = n < in->n - 2 ? n : in->n - 2;
    in->p = to->p + to->n;
    in->n -= 2 + to->n;
    return 1;
}

static popcl_err judge(const popcl_tls *t, const char *host, const span *chain, size_t len,
                       size_t piece, popcl_tls_diag *d) {
    popcl_guard *guard = malloc(sizeof *guard); /* of its own, so that its edges are seen */
    MUST(guard);
    const br_x509_class **x = popcl_guard_open(guard, t, host);
    (*x)->start_chain(x, NULL);
    for (size_t i = 0; i < len; i++) {
        (*x)->start_cert(x, (uint32_t)chain[i].n);
        for (size_t at = 0; at < chain[i].n; at += piece)
            (*x)->append(x, chain[i].p + at, chain[i].n - at < piece ? chain[i].n - at : piece);
        (*x)->end_cert(x);
    }
    unsigned said = (*x)->end_chain(x);
    popcl_err e = popcl_guard_verdict(guard);
    MUST((said == 0) == (e == POPCL_OK) && ((*x)->get_pkey(x, NULL) != NULL) == (e == POPCL_OK));
    popcl_x509_guard.tell(guard, d);
    free(guard);
    return e;
}

/* An eighth of all keys is denied. */
static int is_denied(const unsigned char *pin) { return pin[0] % 8 == 0; }

static popcl_err find_key(const popcl_trust *t, const unsigned char *pin, int64_t utc_s,
                          unsigned *is) {
    MUST(t->key == find_key && utc_s == NOW && *is == 0);
    if (is_denied(pin)) *is = POPCL_KEY_DENIED;
    return POPCL_OK;
}

static void check_key(span leaf) {
    pop_cert c;
    br_sha256_context sha256;
    unsigned char pin[br_sha256_SIZE];
    MUST(pop_cert_read(&c, leaf.p, leaf.n) == 0);
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, c.key.p, c.key.n);
    br_sha256_out(&sha256, pin);
    MUST(!is_denied(pin));
}

static int holds(span s, const void *what, size_t n) {
    for (size_t i = 0; i + n <= s.n; i++) {
        size_t k = 0;
        while (k < n && (s.p[i + k] | 0x20) == (((const uint8_t *)what)[k] | 0x20))
            k++;
        if (k == n) return 1;
    }
    return 0;
}

static void check_pinned(span leaf, const popcl_tls *t, const popcl_tls_diag *d) {
    pop_cert c;
    br_sha256_context sha256;
    unsigned char pin[br_sha256_SIZE];
    MUST(pop_cert_read(&c, leaf.p, leaf.n) == 0);
    MUST(c.not_before <= NOW && NOW <= c.not_after && c.not_after == d->not_after);
    MUST(c.curve.n || (c.rsa_bits >= 2048 && c.rsa_bits <= 4096));
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, c.key.p, c.key.n);
    br_sha256_out(&sha256, pin);
    MUST(memcmp(pin, t->trust->pins[0], sizeof pin) == 0);
}

static void check_taken(span leaf, unsigned host, int is_own, const popcl_tls_diag *d) {
    static const uint8_t v4[] = {0x87, 4, 192, 0, 2, 1},
                         v6[] = {0x87, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    pop_cert c;
    MUST(pop_cert_read(&c, leaf.p, leaf.n) == 0);
    MUST(c.not_before <= NOW && NOW <= c.not_after && c.not_after == d->not_after);
    MUST(is_own || (c.version == 3 && c.flags & POP_CERT_SAN));
    if (!(c.flags & POP_CERT_SAN)) {
        char cn[64];
        size_t n = pop_cert_name_part(c.subject, 3, cn, sizeof cn);
        MUST(n == strlen(hosts[host]) && holds((span){(const uint8_t *)cn, n}, hosts[host], n));
        return;
    }
    MUST(!(c.flags & (POP_CERT_UNKNOWN_CRITICAL | POP_CERT_NAME_CONSTRAINTS | POP_CERT_PERMITTED |
                      POP_CERT_POLICY_CONSTRAINTS | POP_CERT_NO_SERVER_AUTH)));
    MUST(c.curve.n || (c.rsa_bits >= 2048 && c.rsa_bits <= 4096));
    MUST(d->end_point_len == 32 || d->end_point_len == 48 || d->end_point_len == 64);
    if (host == 1)
        MUST(holds(leaf, v4, sizeof v4));
    else if (host == 2)
        MUST(holds(leaf, v6, sizeof v6));
    else
        MUST(holds(leaf, hosts[host], strlen(hosts[host])) ||
             holds(leaf, strchr(hosts[host], '.'), strlen(strchr(hosts[host], '.'))));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static decoded roots[ANCHORS];
    static unsigned char entries[ANCHORS][POPCL_ANCHOR_ROOM];
    popcl_anchor anchors[ANCHORS];
    unsigned char pin[1][POPCL_PIN_LEN];
    char names[40];
    span in = {p, n}, chain[CHAIN_MAX_], one;
    size_t len = 0;
    popcl_trust trust = {.anchors = anchors};
    popcl_tls tls = {.profile = &popcl_tls_host,
                     .trust = &trust,
                     .utc_s = NOW,
                     .names = names,
                     .names_len = n % sizeof names};
    if (in.n < 2 + POPCL_PIN_LEN) return 0;
    unsigned flags = *in.p;
    if (flags & 4) {
        memcpy(pin[0], in.p + 1, sizeof pin[0]);
        trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])pin;
        trust.pins_len = 1;
    }
    if (flags & 32) trust.key = find_key;
    unsigned wanted = in.p[1 + POPCL_PIN_LEN];
    in.p += 2 + POPCL_PIN_LEN;
    in.n -= 2 + POPCL_PIN_LEN;
    while (wanted-- && trust.anchors_len < ANCHORS && next(&in, &one)) {
        decoded *d = &roots[trust.anchors_len];
        d->name_len = 0;
        br_x509_decoder_init(&d->decoder, add_name, d);
        br_x509_decoder_push(&d->decoder, one.p, one.n);
        br_x509_pkey *key = br_x509_decoder_get_pkey(&d->decoder);
        if (!key) continue;
        pop_cert c = {.path_len = POPCL_PATH_ANY};
        unsigned ca = br_x509_decoder_isCA(&d->decoder) ? POPCL_ANCHOR_CA : 0;
        if (flags & 16 && pop_cert_read(&c, one.p, one.n) == 0 && c.flags & POP_CERT_PERMITTED)
            ca |= POPCL_ANCHOR_LIMITED;
        popcl_anchor *anchor = &anchors[trust.anchors_len];
        anchor->entry = entries[trust.anchors_len];
        anchor->entry_len = (uint16_t)pop_anchor_entry(entries[trust.anchors_len], key, ca, &c);
        pop_anchor_name(anchor->name, d->name, d->name_len);
        trust.anchors_len += anchor->entry_len != 0;
    }
    while (len < CHAIN_MAX_ && next(&in, &chain[len]))
        len++;
    unsigned char own[1][POPCL_OWN_CERT_LEN];
    if (flags & 8 && len) {
        br_sha256_context sha256;
        br_sha256_init(&sha256);
        br_sha256_update(&sha256, chain[0].p, chain[0].n);
        br_sha256_out(&sha256, own[0]);
        trust.own_certs = (const unsigned char(*)[POPCL_OWN_CERT_LEN])own;
        trust.own_certs_len = 1;
    }
    popcl_tls_diag whole = {0}, cut = {0};
    popcl_err e = judge(&tls, hosts[flags & 3], chain, len, SIZE_MAX / 2, &whole);
    MUST(judge(&tls, hosts[flags & 3], chain, len, 1, &cut) == e);
    MUST(whole.not_after == cut.not_after && whole.end_point_len == cut.end_point_len);
    MUST(memcmp(whole.end_point, cut.end_point, sizeof cut.end_point) == 0);
    MUST(judge(&tls, hosts[flags & 3], chain, len, 61, &cut) == e);
    if (e == POPCL_OK) {
        if (trust.key) check_key(chain[0]);
        MUST(len > 0 && (trust.anchors_len || trust.pins_len));
        if (trust.anchors_len)
            check_taken(chain[0], flags & 3, trust.own_certs_len != 0, &whole);
        else
            check_pinned(chain[0], &tls, &whole);
    }
    return 0;
}
