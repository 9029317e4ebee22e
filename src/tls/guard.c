/* SPDX-License-Identifier: MIT */
/* guard - see guard.h. BearSSL's validation follows the chain up to an anchor: signatures, names of
 * issuers, dates, path lengths. It accepts many chains that must not pass, and it explains a
 * refusal with a number only. So every octet also goes through leaf.c. Each certificate up to the
 * one that an anchor vouches for is judged here, by a table. Both have to agree. A chain is refused
 * if either refuses it, or if it was not judged to its end. Neither looks at a certificate after
 * the anchor's.
 *
 * A pin without anchors decides alone: the key and the dates of certificate 0 count, and no other
 * certificate is looked at.
 *
 * The fields of BearSSL's context are the same in all its releases. judge_cert reads err and the
 * hashes of subject and issuer (current_dn_hash, saved_dn_hash), and corrects num_certs. pkey is
 * the server's key if a pin decides. spare_of uses the room of cert_sig while it is free. */
#include "guard.h"

#include <string.h>

#include "leaf.h"
#include "name.h"

enum step { OPENED, READING, BETWEEN, VOUCHED, PINNED, REFUSED, ENDED };

/* ---- the rules ---- */

#define NOT 0x80

/* A certificate is refused if all facts of a row hold (NOT: if they do not). The first such row
 * names the error. */
static const struct {
    uint8_t error, facts[3];
} rules[] = {
    {POPCL_ERR_CERT_MALFORMED, {LEAF_MALFORMED}},
    {POPCL_ERR_CERT_UNCHECKED, {NOT | LEAF_READ}},
    {POPCL_ERR_CERT_MALFORMED, {LEAF_EXTENSIONS, NOT | LEAF_V3}},
    {POPCL_ERR_CERT_MALFORMED, {NOT | LEAF_ISSUER}},
    {POPCL_ERR_CERT_MALFORMED, {LEAF_PATH_LEN, NOT | LEAF_CA}},
    {POPCL_ERR_CERT_EXTENSION, {LEAF_CRITICAL}},
    {POPCL_ERR_CERT_CONSTRAINTS, {LEAF_CONSTRAINED}},
    {POPCL_ERR_CERT_WEAK, {LEAF_WEAK_KEY}},
    {POPCL_ERR_CERT_WEAK, {LEAF_WEAK_SIGNATURE}},
    {POPCL_ERR_CERT_UNSUPPORTED, {LEAF_ODD_KEY}},
    {POPCL_ERR_CERT_UNSUPPORTED, {LEAF_ODD_SIGNATURE}},
    {POPCL_ERR_CERT_NOT_YET, {LEAF_NOT_YET}},
    {POPCL_ERR_CERT_EXPIRED, {LEAF_EXPIRED}},
    {POPCL_ERR_CERT_NOT_CA, {NOT | LEAF_IS_FIRST, NOT | LEAF_CA}},
    {POPCL_ERR_CERT_USAGE, {LEAF_MISUSED}},
    {POPCL_ERR_CERT_USAGE, {LEAF_SIGNS, NOT | LEAF_CA}},
    {POPCL_ERR_CERT_USAGE, {LEAF_PURPOSE, NOT | LEAF_SERVER, NOT | LEAF_ANY}},
    /* the server's own */
    {POPCL_ERR_CERT_NO_SAN, {LEAF_IS_FIRST, NOT | LEAF_SAN}},
    {POPCL_ERR_CERT_USAGE, {LEAF_IS_FIRST, LEAF_ANY}},
    {POPCL_ERR_CERT_USAGE,
     {LEAF_IS_FIRST, LEAF_CA, NOT | LEAF_SELF_ISSUED}}, /* a CA's certificate is a server's only if
                                                           it is the anchor, see below */
    {POPCL_ERR_CERT_NAME, {LEAF_IS_FIRST, NOT | LEAF_MATCH}},
    {POPCL_ERR_CERT_UNTRUSTED, {LEAF_IS_FIRST, LEAF_CA, NOT | LEAF_VOUCHED}},
};

/* If a pin decides alone, the facts of PIN_COUNTS count. Those of PIN_WAIVES are taken as true, so
 * that their rules pass. */
#define FACT(f) (1u << (f))
enum {
    PIN_COUNTS = FACT(LEAF_MALFORMED) | FACT(LEAF_READ) | FACT(LEAF_WEAK_KEY) | FACT(LEAF_ODD_KEY) |
                 FACT(LEAF_NOT_YET) | FACT(LEAF_EXPIRED),
    PIN_WAIVES = FACT(LEAF_IS_FIRST) | FACT(LEAF_ISSUER) | FACT(LEAF_SAN) | FACT(LEAF_MATCH)
};

static int guard_holds(uint32_t facts, unsigned fact) {
    return fact == LEAF_NOTHING || (facts >> (fact & 31) & 1) == (fact < NOT);
}

static popcl_err guard_judge(uint32_t facts) {
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const uint8_t *f = rules[i].facts;
        if (guard_holds(facts, f[0]) && guard_holds(facts, f[1]) && guard_holds(facts, f[2]))
            return (popcl_err)rules[i].error;
    }
    return POPCL_OK;
}

/* The meaning of BearSSL's errors, if the rules above found nothing. */
static const struct {
    uint8_t bearssl, error;
} meanings[] = {
    {BR_ERR_X509_UNSUPPORTED, POPCL_ERR_CERT_UNSUPPORTED},
    {BR_ERR_X509_LIMIT_EXCEEDED, POPCL_ERR_CERT_UNSUPPORTED},
    {BR_ERR_X509_WRONG_KEY_TYPE, POPCL_ERR_CERT_SIGNATURE},
    {BR_ERR_X509_BAD_SIGNATURE, POPCL_ERR_CERT_SIGNATURE},
    {BR_ERR_X509_TIME_UNKNOWN, POPCL_ERR_CERT_UNCHECKED},
    {BR_ERR_X509_EXPIRED, POPCL_ERR_CERT_UNCHECKED},
    {BR_ERR_X509_DN_MISMATCH, POPCL_ERR_CERT_ORDER},
    {BR_ERR_X509_BAD_SERVER_NAME, POPCL_ERR_CERT_NAME},
    {BR_ERR_X509_CRITICAL_EXTENSION, POPCL_ERR_CERT_EXTENSION},
    {BR_ERR_X509_NOT_CA, POPCL_ERR_CERT_NOT_CA},
    {BR_ERR_X509_FORBIDDEN_KEY_USAGE, POPCL_ERR_CERT_USAGE},
    {BR_ERR_X509_WEAK_PUBLIC_KEY, POPCL_ERR_CERT_WEAK},
    {BR_ERR_X509_NOT_TRUSTED, POPCL_ERR_CERT_UNTRUSTED},
};

static popcl_err meaning(unsigned bearssl) {
    for (unsigned i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].bearssl == bearssl) return (popcl_err)meanings[i].error;
    return POPCL_ERR_CERT_MALFORMED;
}

/* ---- certificate 0 ---- */

static const br_hash_class *hash_class(const popcl_guard *g, unsigned id) {
    const br_hash_class *const *h = g->leaf.tls->profile->hashes;
    while (*h && (unsigned)popcl_tls_hash_id(*h) != id)
        h++;
    return *h;
}

/* The hash of the server's key, for the pins, is done before BearSSL reads the signature, which
 * comes after the key. Until then BearSSL's buffer for the signature is free. It holds the
 * certificate's first octets, and from the key on that hash. */
enum { SPARE_ALIGN = 8, HEAD_MAX = 64, KEY_BEGUN };
typedef char
    hash_fits_spare[sizeof(br_sha256_context) + SPARE_ALIGN <= BR_X509_BUFSIZE_SIG ? 1 : -1];

static void *spare_of(popcl_guard *g) {
    unsigned char *p = g->minimal.cert_sig;
    return p + (SPARE_ALIGN - (uintptr_t)p % SPARE_ALIGN);
}

/* tls-server-end-point (RFC 5929, 4.1) is the hash of the whole certificate, by the hash algorithm
 * of its own signature. That algorithm comes after the first octets, which are kept until then. */
static void begin_end_point(popcl_guard *g) {
    unsigned id = popcl_leaf_hash(&g->leaf);
    const br_hash_class *h = id ? hash_class(g, id) : NULL;
    if (!h) return;
    h->init(&g->first.hash.vtable);
    h->update(&g->first.hash.vtable, spare_of(g), g->head_len);
    g->end_point_len = (uint8_t)(h->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK);
    g->head_len = HEAD_MAX;
}

static void end_first(popcl_guard *g) {
    unsigned char value[64] = {0};
    const br_hash_class *h = g->first.hash.vtable;
    if (g->end_point_len) h->out(&g->first.hash.vtable, value);
    memcpy(g->first.told.end_point, value, sizeof value);
    g->first.told.not_after = g->leaf.time;
}

/* The whole key has gone by. */
static void compare_pins(popcl_guard *g) {
    const popcl_trust *trust = g->leaf.tls->trust;
    unsigned char key[POPCL_PIN_LEN];
    br_sha256_out(spare_of(g), key);
    for (size_t i = 0; i < trust->pins_len; i++)
        if (memcmp(trust->pins[i], key, sizeof key) == 0) g->pinned = 1;
}

/* The key's hash takes the place of the certificate's first octets. They are not needed any more:
 * the signature's hash algorithm comes before the key. So it is known by now, or the profile does
 * not have it. */
static void key_octet(popcl_guard *g, unsigned char c) {
    if (g->head_len != KEY_BEGUN) br_sha256_init(spare_of(g));
    g->head_len = KEY_BEGUN;
    br_sha256_update(spare_of(g), &c, 1);
    if (!popcl_leaf_at_key(&g->leaf)) compare_pins(g);
}

static void first_octet(popcl_guard *g, unsigned char c) {
    int of_key = popcl_leaf_at_key(&g->leaf);
    popcl_leaf_octet(&g->leaf, c);
    if (g->end_point_len) {
        g->first.hash.vtable->update(&g->first.hash.vtable, &c, 1);
    } else if (!of_key && g->head_len < HEAD_MAX) {
        ((unsigned char *)spare_of(g))[g->head_len++] = c;
        begin_end_point(g);
    }
    if (of_key) key_octet(g, c);
}

/* ---- each certificate ---- */

/* An anchor's certificate may limit how many issuers are below it, and BearSSL does not know this
 * limit. If several anchors have one name, the strictest limit counts. */
static int is_too_deep(const popcl_guard *g, uint32_t issuers) {
    const popcl_trust *trust = g->leaf.tls->trust;
    br_sha256_context hash;
    unsigned char name[br_sha256_SIZE];
    for (size_t i = 0; trust->path_len && i < trust->anchors_len; i++) {
        const br_x509_trust_anchor *anchor = &trust->anchors[i];
        if (!(anchor->flags & BR_X509_TA_CA) || trust->path_len[i] == POPCL_PATH_ANY ||
            trust->path_len[i] >= issuers)
            continue;
        br_sha256_init(&hash);
        br_sha256_update(&hash, anchor->dn.data, anchor->dn.len);
        br_sha256_out(&hash, name);
        if (memcmp(name, g->minimal.saved_dn_hash, sizeof name) == 0) return 1;
    }
    return 0;
}

/* The first error stays. */
static void guard_refuse(popcl_guard *g, popcl_err e) {
    g->result = (uint8_t)e;
    g->step = REFUSED;
}

static int has_pins_alone(const popcl_guard *g) {
    const popcl_trust *trust = g->leaf.tls->trust;
    return trust->anchors_len == 0 && trust->pins_len != 0;
}

/* Returns whether certificate 0 is one of those whose common name counts, octet for octet. */
static int is_own(const popcl_guard *g) {
    const popcl_trust *trust = g->leaf.tls->trust;
    for (size_t i = 0; g->end_point_len && i < trust->own_certs_len; i++)
        if (memcmp(trust->own_certs[i], g->first.told.end_point, POPCL_OWN_CERT_LEN) == 0) return 1;
    return 0;
}

/* Certificate 0, if a pin decides alone. BearSSL has copied its key by now, unless the certificate
 * cannot be read. */
static void judge_pinned(popcl_guard *g, uint32_t facts) {
    popcl_err e = guard_judge((facts & PIN_COUNTS) | PIN_WAIVES);
    if (!e && !g->pinned) e = POPCL_ERR_CERT_PIN;
    if (!e && !g->minimal.pkey.key_type) e = meaning((unsigned)g->minimal.err);
    g->result = (uint8_t)e;
    g->step = e ? REFUSED : PINNED;
}

static void judge_cert(popcl_guard *g) {
    br_x509_minimal_context *m = &g->minimal;
    uint32_t facts = popcl_leaf_end(&g->leaf);
    int is_vouched = m->err == BR_ERR_X509_OK,
        is_self_issued = memcmp(m->current_dn_hash, m->saved_dn_hash, br_sha256_SIZE) == 0;
    if (g->leaf.is_first) {
        facts |= FACT(LEAF_IS_FIRST);
        end_first(g);
        if (has_pins_alone(g)) {
            judge_pinned(g, facts);
            return;
        }
        if (is_vouched && facts & FACT(LEAF_CN) && is_own(g))
            facts |= FACT(LEAF_SAN) | FACT(LEAF_MATCH);
    }
    if (is_self_issued) facts |= FACT(LEAF_SELF_ISSUED);
    if (is_vouched) facts |= FACT(LEAF_VOUCHED);
    /* A self-issued certificate of an issuer does not count for the length of a path (RFC 5280,
     * 6.1.4, l). */
    if (is_self_issued && !g->leaf.is_first) m->num_certs--;
    popcl_err e = guard_judge(facts);
    /* it is not the issuer's certificate: its faults do not matter */
    if (m->err == BR_ERR_X509_DN_MISMATCH && facts & FACT(LEAF_READ)) e = POPCL_ERR_CERT_ORDER;
    if (e)
        guard_refuse(g, e);
    else if (is_vouched && is_too_deep(g, m->num_certs - 1))
        guard_refuse(g, POPCL_ERR_CERT_NOT_CA);
    else if (is_vouched)
        g->step = VOUCHED;
    else if (m->err)
        guard_refuse(g, meaning((unsigned)m->err));
    else
        g->step = BETWEEN;
}

/* ---- BearSSL's calls. None is passed on after a refusal, nor once a pin has decided: a server
 * must not make a device check signatures without end ---- */

/* The most certificates that are looked at. Real chains have up to four. Each costs a signature
 * check, and a server may send any number. */
#define CHAIN_MAX 10

static popcl_guard *guard_of(const br_x509_class **ctx) { return (popcl_guard *)(void *)ctx; }

static void guard_start_chain(const br_x509_class **ctx, const char *server_name) {
    popcl_guard *g = guard_of(ctx);
    (void)server_name; /* the name that is sent as SNI: the guard has its own */
    br_x509_minimal_vtable.start_chain(&g->minimal.vtable,
                                       g->leaf.address_len ? NULL : g->leaf.host);
    g->result = POPCL_ERR_CERT_UNCHECKED;
    g->step = BETWEEN;
    g->head_len = 0;
    g->end_point_len = 0;
    g->pinned = 0;
    g->certs = 0;
    g->leaf.names_at = 0;
}

static void guard_start_cert(const br_x509_class **ctx, uint32_t length) {
    popcl_guard *g = guard_of(ctx);
    if (g->step == BETWEEN && g->certs == CHAIN_MAX) guard_refuse(g, POPCL_ERR_CERT_UNSUPPORTED);
    if (g->step >= PINNED) return;
    br_x509_minimal_vtable.start_cert(&g->minimal.vtable, length);
    if (g->step == BETWEEN) {
        popcl_leaf_begin(&g->leaf, length, g->certs == 0);
        g->certs++;
        g->step = READING;
    }
}

static void guard_append(const br_x509_class **ctx, const unsigned char *buf, size_t len) {
    popcl_guard *g = guard_of(ctx);
    /* before BearSSL, because spare_of uses a buffer of BearSSL */
    for (size_t i = 0; g->step == READING && i < len; i++) {
        if (g->leaf.is_first)
            first_octet(g, buf[i]);
        else
            popcl_leaf_octet(&g->leaf, buf[i]);
    }
    if (g->step < PINNED) br_x509_minimal_vtable.append(&g->minimal.vtable, buf, len);
}

static void guard_end_cert(const br_x509_class **ctx) {
    popcl_guard *g = guard_of(ctx);
    if (g->step >= PINNED) return;
    br_x509_minimal_vtable.end_cert(&g->minimal.vtable);
    if (g->step == READING) judge_cert(g);
}

/* Returns the chain's result; `said` is BearSSL's. */
static popcl_err sum(const popcl_guard *g, unsigned said) {
    const popcl_trust *trust = g->leaf.tls->trust;
    if (g->step == REFUSED) return (popcl_err)g->result;
    if (g->step == PINNED) return POPCL_OK;
    if (g->step == VOUCHED && said == 0)
        return trust->pins_len && !g->pinned ? POPCL_ERR_CERT_PIN : POPCL_OK;
    if (g->step != BETWEEN || said == 0) return POPCL_ERR_CERT_UNCHECKED;
    return meaning(said);
}

static unsigned guard_end_chain(const br_x509_class **ctx) {
    popcl_guard *g = guard_of(ctx);
    const popcl_tls *t = g->leaf.tls;
    unsigned said = br_x509_minimal_vtable.end_chain(&g->minimal.vtable);
    g->result = (uint8_t)sum(g, said);
    g->step = ENDED;
    if (t->names && t->names_len && g->result != POPCL_ERR_CERT_NAME &&
        g->result != POPCL_ERR_CERT_NO_SAN)
        t->names[0] = 0;
    if (g->result == POPCL_OK) return 0;
    return said ? said : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *guard_get_pkey(const br_x509_class *const *ctx, unsigned *usages) {
    const popcl_guard *g = (const popcl_guard *)(const void *)ctx;
    if (popcl_guard_verdict(g) != POPCL_OK) return NULL;
    if (has_pins_alone(g)) {
        if (usages) *usages = BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX;
        return &g->minimal.pkey;
    }
    return br_x509_minimal_vtable.get_pkey((const br_x509_class *const *)&g->minimal.vtable,
                                           usages);
}

static const br_x509_class vtable = {
    .context_size = sizeof(popcl_guard),
    .start_chain = guard_start_chain,
    .start_cert = guard_start_cert,
    .append = guard_append,
    .end_cert = guard_end_cert,
    .end_chain = guard_end_chain,
    .get_pkey = guard_get_pkey,
};

/* ---- set-up and diagnosis ---- */

/* BearSSL counts days from the year 0. */
#define DAYS_1970 719528
/* 9999-12-31, the last day that a certificate can name (RFC 5280, 4.1.2.5.2) */
#define LAST_UTC_S 253402300799

/* Avoids a division of 64 bits, for which the compiler's library has 868 bytes. A day has 128 * 675
 * seconds. */
static void set_time(br_x509_minimal_context *m, int64_t utc_s) {
    uint32_t days = (uint32_t)(utc_s >> 7) / 675;
    br_x509_minimal_set_time(m, days + DAYS_1970, (uint32_t)(utc_s - (int64_t)days * 86400));
}

const br_x509_class **popcl_guard_open(popcl_guard *g, const popcl_tls *t, const char *name) {
    const popcl_tls_profile *profile = t->profile;
    br_x509_minimal_context *m = &g->minimal;
    memset(g, 0, offsetof(popcl_guard, minimal));
    g->vtable = &vtable;
    g->result = POPCL_ERR_CERT_UNCHECKED;
    g->leaf.tls = t;
    if (t->names && t->names_len) t->names[0] = 0;
    unsigned char address[16] = {0};
    enum popcl_name_kind kind = popcl_name_kind(name, address);
    if (kind == POPCL_NAME_IPV4) g->leaf.address_len = 4;
    if (kind == POPCL_NAME_IPV6) g->leaf.address_len = 16;
    memcpy(g->leaf.address, address, sizeof address);
    g->leaf.host = g->leaf.address_len || (kind == POPCL_NAME_HOST && popcl_name_is_host(name))
                       ? name
                       : ""; /* no certificate has this name */
    br_x509_minimal_init(m, &br_sha256_vtable, t->trust->anchors, t->trust->anchors_len);
    for (const br_hash_class *const *h = profile->hashes; *h; h++)
        br_x509_minimal_set_hash(m, popcl_tls_hash_id(*h), *h);
    br_x509_minimal_set_ecdsa(m, profile->ec, profile->ecdsa);
    if (profile->rsa) br_x509_minimal_set_rsa(m, profile->rsa);
    br_x509_minimal_set_minrsa(m, 256);
    set_time(m, t->utc_s);
    return &g->vtable;
}

popcl_err popcl_guard_verdict(const popcl_guard *g) {
    return g->step == ENDED ? (popcl_err)g->result : POPCL_ERR_CERT_UNCHECKED;
}

static popcl_err guard_check(const popcl_tls *t) {
    const popcl_trust *trust = t->trust;
    if (!trust || (!trust->anchors_len && !trust->pins_len)) return POPCL_ERR_NO_TRUST;
    if (t->utc_s < 0 || t->utc_s > LAST_UTC_S) return POPCL_ERR_CLOCK_UNKNOWN;
    return t->utc_s < POPCL_CLOCK_FLOOR_S || t->utc_s < trust->newest_not_before
               ? POPCL_ERR_CLOCK_NOT_SET
               : POPCL_OK;
}

static const br_x509_class **guard_open(void *state, const popcl_tls *t, const char *name) {
    return popcl_guard_open(state, t, name);
}

static popcl_err guard_verdict(const void *state) { return popcl_guard_verdict(state); }

static void guard_tell(const void *state, popcl_tls_diag *d) {
    const popcl_guard *g = state;
    if (g->step != ENDED) return;
    if (g->result) {
        /* a signature is checked with the key of the next certificate */
        d->cert = (uint8_t)(g->certs - (g->result == POPCL_ERR_CERT_SIGNATURE));
        if (g->result == POPCL_ERR_CERT_EXPIRED || g->result == POPCL_ERR_CERT_NOT_YET)
            d->cert_time = g->leaf.time;
        return;
    }
    d->not_after = g->first.told.not_after;
    d->end_point_len = g->end_point_len;
    memcpy(d->end_point, g->first.told.end_point, sizeof d->end_point);
}

static void *guard_spare(void *state, size_t *n) {
    popcl_guard *g = state;
    *n = sizeof g->minimal;
    return &g->minimal;
}

const popcl_x509 popcl_x509_guard = {
    .check = guard_check,
    .open = guard_open,
    .verdict = guard_verdict,
    .tell = guard_tell,
    .spare = guard_spare,
};
