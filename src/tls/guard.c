/* SPDX-License-Identifier: MIT */
/* guard - see guard.h. A chain as it streams by, certificate by certificate (RFC 5280, 6):
 *
 *    the server's -> its issuer's -> that one's issuer's -> ... -> an anchor vouches for the newest
 *
 * The path grows at its tip. Each certificate after the server's is judged as the issuer of the tip
 * before the octets of its own signature come. Its rules are a table over the facts of leaf.c. Its
 * name must be the tip's issuer, and its key must have signed the tip. Then it is the new tip, and
 * its signature takes the place of the old one. A certificate that fails is passed over: servers
 * send such. The first reason for that is kept, for the case that no anchor is found. After each
 * new tip the anchors are looked at. Once one vouches, no other certificate is looked at.
 *
 * Of a certificate that streams by stay: its key, hashes of its names, the hash of the signed part,
 * its signature. A chain is refused unless everything was read and judged up to an anchor.
 *
 * A pin without anchors decides alone: the key and the dates of certificate 0 count, and no other
 * certificate is looked at. */
#include "guard.h"

#include <string.h>

#include "entry.h"
#include "key.h"
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
    {POPCL_ERR_CERT_MALFORMED, {LEAF_EXTENSIONS, NOT | LEAF_V3}},
    {POPCL_ERR_CERT_MALFORMED, {NOT | LEAF_ISSUER}},
    {POPCL_ERR_CERT_MALFORMED, {LEAF_PATH_LEN, NOT | LEAF_CA}},
    {POPCL_ERR_CERT_DENIED, {LEAF_DENIED}},
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
    {POPCL_ERR_CERT_USAGE, {LEAF_IS_FIRST, LEAF_ANY, NOT | LEAF_SERVER}},
    {POPCL_ERR_CERT_USAGE, {LEAF_IS_FIRST, LEAF_CA, NOT | LEAF_SELF_ISSUED}}, /* a CA's certificate
                                                           is a server's only if it is an anchor */
    {POPCL_ERR_CERT_NAME, {LEAF_IS_FIRST, NOT | LEAF_MATCH}},
};

/* If a pin decides alone, the facts of PIN_COUNTS count. Those of PIN_WAIVES are taken as true, so
 * that their rules pass. */
#define FACT(f) (1u << (f))
enum {
    PIN_COUNTS = FACT(LEAF_MALFORMED) | FACT(LEAF_WEAK_KEY) | FACT(LEAF_ODD_KEY) |
                 FACT(LEAF_NOT_YET) | FACT(LEAF_EXPIRED) | FACT(LEAF_DENIED),
    PIN_WAIVES = FACT(LEAF_IS_FIRST) | FACT(LEAF_ISSUER) | FACT(LEAF_SAN) | FACT(LEAF_MATCH)
};

static int guard_holds(uint32_t facts, unsigned fact) {
    return fact == LEAF_NOTHING || (facts >> (fact & 31) & 1) == (fact < NOT);
}

popcl_err popcl_guard_judge(uint32_t facts) {
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const uint8_t *f = rules[i].facts;
        if (guard_holds(facts, f[0]) && guard_holds(facts, f[1]) && guard_holds(facts, f[2]))
            return (popcl_err)rules[i].error;
    }
    return POPCL_OK;
}

/* The first reason stays. A certificate that is not the tip's issuer is the least of reasons. */
static void guard_note(popcl_guard *g, popcl_err e, unsigned cert) {
    if (g->result && g->result != POPCL_ERR_CERT_ORDER) return;
    if (g->result == (uint8_t)e) return;
    g->result = (uint8_t)e;
    g->fault_cert = (uint8_t)cert;
    g->fault_time = e == POPCL_ERR_CERT_EXPIRED || e == POPCL_ERR_CERT_NOT_YET ? g->leaf.time : 0;
}

static void guard_refuse(popcl_guard *g, popcl_err e) {
    g->result = 0;
    guard_note(g, e, g->certs);
    g->step = REFUSED;
}

/* The caller's place for anchors or keys cannot be read. Then no chain is taken any more, and no
 * certificate is to blame. A result that popcl does not have must not be cut to POPCL_OK. */
static void refuse_all(popcl_guard *g, popcl_err e) {
    g->unread = (unsigned)e < POPCL_ERR_COUNT_ ? (uint8_t)e : POPCL_ERR_CERT_UNCHECKED;
    g->result = g->unread;
    g->fault_cert = 0;
    g->step = REFUSED;
}

/* ---- signatures ---- */

static const br_hash_class *hash_class(const popcl_guard *g, unsigned id) {
    const br_hash_class *const *h = g->leaf.tls->profile->hashes;
    while (*h && (unsigned)popcl_tls_hash_id(*h) != id)
        h++;
    return *h;
}

static void hash_more(br_hash_compat_context *h, const unsigned char *p, size_t n) {
    h->vtable->update(&h->vtable, p, n);
}

static void hash_out(const br_hash_compat_context *h, unsigned char *to) {
    h->vtable->out(&h->vtable, to);
}

static size_t hash_len(const br_hash_class *h) {
    return h->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

/* The object identifiers of SHA-256, SHA-384 and SHA-512 (RFC 8017, B.1), with their length. They
 * differ in the last octet. */
static void hash_oid(unsigned id, unsigned char oid[10]) {
    memcpy(oid, BR_HASH_OID_SHA256, 10);
    oid[9] = (unsigned char)(id - br_sha256_ID + 1);
}

static int is_signed(const popcl_guard *g, const br_x509_pkey *key, size_t len) {
    const popcl_tls_profile *p = g->leaf.tls->profile;
    unsigned char oid[10], digest[64];
    if (!g->is_rsa)
        return p->ecdsa(p->ec, g->digest, len, &key->key.ec, g->signature, g->signature_len) == 1;
    hash_oid(g->signed_hash, oid);
    return p->rsa(g->signature, g->signature_len, oid, len, &key->key.rsa, digest) == 1 &&
           memcmp(digest, g->digest, len) == 0;
}

/* Checks the tip's signature by a key. A server must not make a device check signatures without
 * end. */
static popcl_err check_signature(popcl_guard *g, const br_x509_pkey *key) {
    const popcl_tls *t = g->leaf.tls;
    const popcl_tls_profile *p = t->profile;
    const br_hash_class *h = hash_class(g, g->signed_hash);
    if (!h || !popcl_tls_can_use(p, key)) return POPCL_ERR_CERT_UNSUPPORTED;
    if (key->key_type != (g->is_rsa ? BR_KEYTYPE_RSA : BR_KEYTYPE_EC))
        return POPCL_ERR_CERT_SIGNATURE;
    if (g->checks == p->checks_max) return POPCL_ERR_CERT_UNSUPPORTED;
    g->checks++;
    if (t->breathe) t->breathe(t->breathe_ctx);
    return is_signed(g, key, hash_len(h)) ? POPCL_OK : POPCL_ERR_CERT_SIGNATURE;
}

/* ---- parts of a certificate ---- */

/* The algorithm of the signature is known. The octets before it were kept, and are hashed now.
 * tls-server-end-point (RFC 5929, 4.1) is the hash of the whole certificate 0, by the hash
 * algorithm of its own signature. */
static void end_head(popcl_guard *g) {
    const unsigned char *head = g->issuing.first.head;
    const br_hash_class *h = hash_class(g, popcl_leaf_hash(&g->leaf));
    size_t header = head[1] < 0x80 ? 2 : 2 + (head[1] & 0x7f);
    if (!h || g->head_len > sizeof g->issuing.first.head) return;
    g->hash = (uint8_t)popcl_tls_hash_id(h);
    h->init(&g->tbs.vtable);
    hash_more(&g->tbs, head + header, g->head_len - header);
    if (!g->leaf.is_first) return;
    g->end_point_len = (uint8_t)hash_len(h);
    h->init(&g->issuing.first.end_point.vtable);
    hash_more(&g->issuing.first.end_point, head, g->head_len);
}

static int is_issuer_of_tip(const popcl_guard *g) {
    return memcmp(g->subject, g->wanted, sizeof g->subject) == 0;
}

/* The whole key has gone by. That of a certificate that is passed over anyway is not looked up. */
static void look_up_key(popcl_guard *g) {
    unsigned char pin[POPCL_PIN_LEN];
    unsigned is;
    if (!g->leaf.is_first && !is_issuer_of_tip(g)) return;
    br_sha256_out(&g->name, pin);
    popcl_err e = popcl_key_find(g->leaf.tls->trust, pin, g->leaf.tls->utc_s, &is);
    if (e) refuse_all(g, e);
    if (is & POPCL_KEY_DENIED) g->leaf.facts |= FACT(LEAF_DENIED);
    if (is & POPCL_KEY_PINNED && g->leaf.is_first) g->pinned = 1;
}

static void keep_name(popcl_guard *g, enum leaf_part part) {
    unsigned char hash[br_sha256_SIZE];
    br_sha256_out(&g->name, hash);
    memcpy(part == LEAF_PART_ISSUER ? g->issuer : g->subject, hash, POPCL_NAME_HASH);
}

/* The certificate becomes the tip. Its signature is the next part to come. */
static void grow(popcl_guard *g) {
    memset(g->digest, 0, sizeof g->digest);
    if (g->hash) hash_out(&g->tbs, g->digest);
    g->signed_hash = g->hash;
    g->is_rsa = (uint8_t)popcl_leaf_is_rsa(&g->leaf);
    memcpy(g->wanted, g->issuer, sizeof g->wanted);
    g->leaf.signature = g->signature;
    g->is_tip = 1;
    g->tip_cert = g->certs;
    if (g->result != POPCL_ERR_CERT_ORDER) g->result = 0; /* another one took the place */
    g->path++;
}

static int is_self_issued(const popcl_guard *g) {
    return memcmp(g->subject, g->issuer, sizeof g->subject) == 0;
}

/* Returns whether the signature of the certificate could be checked: there is its hash, and room
 * for it. */
static int is_checkable(const popcl_guard *g) {
    return hash_class(g, g->hash) && g->leaf.signature_len <= sizeof g->signature;
}

/* Everything of an issuer's certificate has come except its signature. Returns why it cannot be the
 * tip's issuer. The tip's signature is checked last, since it costs most. */
static popcl_err judge_issuer(popcl_guard *g) {
    br_x509_pkey view;
    if (!is_issuer_of_tip(g)) return POPCL_ERR_CERT_ORDER;
    popcl_err e = popcl_guard_judge(g->leaf.facts);
    if (e) return e;
    if (g->leaf.path_len < g->below) return POPCL_ERR_CERT_NOT_CA;
    if (g->path == g->leaf.tls->profile->path_max || !is_checkable(g))
        return POPCL_ERR_CERT_UNSUPPORTED;
    return check_signature(g, popcl_key_view(&g->issuing.key, &view));
}

/* The octets of the signature are next. */
static void begin_signature(popcl_guard *g) {
    popcl_err e = POPCL_OK;
    if (!g->leaf.is_first) e = judge_issuer(g);
    if (e) {
        /* a signature is checked with the key of the next certificate */
        guard_note(g, e, e == POPCL_ERR_CERT_SIGNATURE ? g->tip_cert : g->certs);
        return;
    }
    /* a self-issued certificate of an issuer does not count for the length of a path (RFC 5280,
     * 6.1.4, l) */
    g->below = (uint8_t)(g->below + (!g->leaf.is_first && !is_self_issued(g)));
    grow(g);
}

static void end_part(popcl_guard *g, enum leaf_part part) {
    switch (part) {
    case LEAF_PART_HEAD: end_head(g); break;
    case LEAF_PART_ISSUER:
    case LEAF_PART_SUBJECT: keep_name(g, part); break;
    case LEAF_PART_KEY: look_up_key(g); break;
    default: break;
    }
}

static void hash_part(popcl_guard *g, enum leaf_part part, const unsigned char *p, size_t n) {
    if (part == LEAF_PART_HEAD) {
        size_t room = sizeof g->issuing.first.head;
        for (size_t i = 0; i < n && g->head_len <= room; i++, g->head_len++)
            if (g->head_len < room) g->issuing.first.head[g->head_len] = p[i];
        return;
    }
    if (g->hash && part < LEAF_PART_TAIL) hash_more(&g->tbs, p, n);
    if (g->hash && g->leaf.is_first) hash_more(&g->issuing.first.end_point, p, n);
    if (part == LEAF_PART_ISSUER || part == LEAF_PART_SUBJECT || part == LEAF_PART_KEY)
        br_sha256_update(&g->name, p, n);
}

/* ---- anchors ---- */

/* Finds the nth anchor of a name, as popcl_trust.find does. */
static popcl_err nth_anchor(popcl_guard *g, const unsigned char *name, unsigned nth,
                            const unsigned char **entry, size_t *len) {
    const popcl_trust *trust = g->leaf.tls->trust;
    *entry = NULL;
    *len = 0;
    if (trust->find) return trust->find(trust, name, nth, g->issuing.room, entry, len);
    for (size_t i = 0; i < trust->anchors_len; i++) {
        const popcl_anchor *anchor = &trust->anchors[i];
        if (memcmp(anchor->name, name, sizeof anchor->name) != 0 || nth--) continue;
        *entry = anchor->entry;
        *len = anchor->entry_len;
        break;
    }
    return POPCL_OK;
}

/* Returns whether an anchor of the right name may vouch for the tip. */
static int is_fit(popcl_guard *g, const popcl_entry *anchor) {
    if (anchor->flags & POPCL_ANCHOR_CA && anchor->path_len < g->below) {
        guard_note(g, POPCL_ERR_CERT_NOT_CA, g->tip_cert);
        return 0;
    }
    if (!popcl_entry_permits(anchor, &g->leaf)) {
        guard_note(g, POPCL_ERR_CERT_CONSTRAINTS, g->tip_cert);
        return 0;
    }
    return 1;
}

/* Finds the next anchor of this name that may vouch for the tip, from *nth on. as: POPCL_ANCHOR_CA,
 * or 0. Its key is in g->pkey. Returns 0 if no anchor is left. */
static int next_anchor(popcl_guard *g, const unsigned char *name, unsigned as, unsigned *nth) {
    popcl_entry anchor = {0}; /* its key is kept whole: nothing else of the stack goes with it */
    const unsigned char *entry;
    size_t len;
    for (;;) {
        popcl_err e = nth_anchor(g, name, (*nth)++, &entry, &len);
        if (e) refuse_all(g, e);
        if (e || !entry) return 0;
        if (popcl_entry_read(&anchor, entry, len) && (anchor.flags & POPCL_ANCHOR_CA) == as &&
            is_fit(g, &anchor)) {
            g->pkey = anchor.key;
            return 1;
        }
    }
}

/* A server's certificate that is an anchor itself is taken by its name and key, and an authority
 * vouches by its signature. */
static int is_vouched(popcl_guard *g) {
    br_x509_pkey view;
    unsigned nth = 0;
    while (g->leaf.is_first && next_anchor(g, g->subject, 0, &nth))
        if (popcl_key_equal(&g->pkey, popcl_key_view(&g->server, &view))) return 1;
    nth = 0;
    while (g->step == BETWEEN && next_anchor(g, g->wanted, POPCL_ANCHOR_CA, &nth))
        if (check_signature(g, &g->pkey) == POPCL_OK) return 1;
    return 0;
}

/* ---- the end of a certificate ---- */

static int has_anchors(const popcl_trust *t) { return t->anchors_len || t->find; }

static int has_pins(const popcl_trust *t) { return t->pins_len || (t->key && t->key_pins); }

static int has_pins_alone(const popcl_trust *t) { return !has_anchors(t) && has_pins(t); }

/* Returns whether certificate 0 is one of those whose common name counts, octet for octet. */
static int is_own(const popcl_guard *g) {
    const popcl_trust *trust = g->leaf.tls->trust;
    for (size_t i = 0; g->end_point_len && i < trust->own_certs_len; i++)
        if (memcmp(trust->own_certs[i], g->end_point, POPCL_OWN_CERT_LEN) == 0) return 1;
    return 0;
}

/* The server's key has to be one that the profile has. */
static int has_key(popcl_guard *g) {
    br_x509_pkey view;
    return popcl_tls_can_use(g->leaf.tls->profile, popcl_key_view(&g->server, &view));
}

/* Certificate 0, if a pin decides alone. */
static void judge_pinned(popcl_guard *g, uint32_t facts) {
    popcl_err e = popcl_guard_judge((facts & PIN_COUNTS) | PIN_WAIVES);
    if (!e && !g->pinned) e = POPCL_ERR_CERT_PIN;
    if (!e && !has_key(g)) e = POPCL_ERR_CERT_UNSUPPORTED;
    if (e)
        guard_refuse(g, e);
    else
        g->step = PINNED;
}

/* Certificate 0. Sets *error to the reason for refusal if no anchor vouches for it. */
static popcl_err judge_first(popcl_guard *g, uint32_t facts, popcl_err *error) {
    if (is_self_issued(g)) facts |= FACT(LEAF_SELF_ISSUED);
    if (facts & FACT(LEAF_CA)) *error = POPCL_ERR_CERT_UNTRUSTED;
    if (facts & FACT(LEAF_CN) && is_own(g)) {
        facts |= FACT(LEAF_SAN) | FACT(LEAF_MATCH);
        *error = POPCL_ERR_CERT_NO_SAN;
    }
    popcl_err e = popcl_guard_judge(facts | FACT(LEAF_IS_FIRST));
    if (!e && (!has_key(g) || !is_checkable(g))) e = POPCL_ERR_CERT_UNSUPPORTED;
    return e;
}

static void judge_cert(popcl_guard *g) {
    uint32_t facts = popcl_leaf_end(&g->leaf);
    popcl_err e = POPCL_OK, otherwise = POPCL_OK;
    int is_damaged = (facts & (FACT(LEAF_MALFORMED) | FACT(LEAF_READ))) != FACT(LEAF_READ);
    if (g->leaf.is_first) {
        if (g->end_point_len) hash_out(&g->issuing.first.end_point, g->end_point);
        g->not_after = g->leaf.time;
    }
    if (g->leaf.is_first && has_pins_alone(g->leaf.tls->trust)) {
        judge_pinned(g, facts);
        return;
    }
    if (g->leaf.is_first) e = judge_first(g, facts, &otherwise);
    g->step = BETWEEN;
    if (e || (is_damaged && g->is_tip)) { /* a tip is damaged only if octets of it did not come */
        guard_refuse(g, e ? e : POPCL_ERR_CERT_MALFORMED);
    } else if (is_damaged) {
        guard_note(g, POPCL_ERR_CERT_MALFORMED, g->certs);
    } else if (g->is_tip) {
        g->signature_len = g->leaf.signature_len;
        if (is_vouched(g))
            g->step = VOUCHED;
        else if (otherwise && g->step == BETWEEN)
            guard_refuse(g, otherwise);
    }
}

/* ---- BearSSL's calls ---- */

static popcl_guard *guard_of(const br_x509_class **ctx) { return (popcl_guard *)(void *)ctx; }

static void guard_start_chain(const br_x509_class **ctx, const char *server_name) {
    popcl_guard *g = guard_of(ctx);
    (void)server_name; /* the name that is sent as SNI: the guard has its own */
    /* the fields before result stay: they are those of several chains together */
    memset(&g->result, 0, offsetof(popcl_guard, leaf) - offsetof(popcl_guard, result));
    br_sha256_init(&g->name);
    g->leaf.names_at = 0;
    g->result = g->unread;
    g->step = g->unread ? REFUSED : BETWEEN;
}

static void guard_start_cert(const br_x509_class **ctx, uint32_t length) {
    popcl_guard *g = guard_of(ctx);
    if (g->step == READING) guard_refuse(g, POPCL_ERR_CERT_UNCHECKED);
    if (g->step == BETWEEN && g->certs == g->leaf.tls->profile->certs_max)
        guard_refuse(g, POPCL_ERR_CERT_UNSUPPORTED);
    if (g->step != BETWEEN) return;
    g->certs++;
    g->is_tip = 0;
    g->head_len = 0;
    g->hash = 0;
    g->leaf.key = g->certs == 1 ? &g->server : &g->issuing.key;
    g->leaf.signature = NULL;
    popcl_leaf_begin(&g->leaf, length, g->certs == 1);
    g->step = READING;
}

static void guard_append(const br_x509_class **ctx, const unsigned char *buf, size_t len) {
    popcl_guard *g = guard_of(ctx);
    while (g->step == READING && len) {
        enum leaf_part part = popcl_leaf_part(&g->leaf), next;
        size_t n = popcl_leaf_take(&g->leaf, buf, len);
        hash_part(g, part, buf, n);
        next = popcl_leaf_part(&g->leaf);
        if (next != part) {
            end_part(g, part);
            br_sha256_init(&g->name);
            if (next == LEAF_PART_SIGNATURE && g->step == READING) begin_signature(g);
        }
        buf += n;
        len -= n;
    }
}

static void guard_end_cert(const br_x509_class **ctx) {
    popcl_guard *g = guard_of(ctx);
    if (g->step == READING) judge_cert(g);
}

/* Returns the verdict on the chain. */
static popcl_err sum(const popcl_guard *g) {
    const popcl_trust *trust = g->leaf.tls->trust;
    switch (g->step) {
    case PINNED: return POPCL_OK;
    case VOUCHED: return has_pins(trust) && !g->pinned ? POPCL_ERR_CERT_PIN : POPCL_OK;
    case REFUSED: return (popcl_err)g->result;
    case BETWEEN:
        if (g->certs == 0) return POPCL_ERR_CERT_MALFORMED;
        return g->result ? (popcl_err)g->result : POPCL_ERR_CERT_UNTRUSTED;
    default: return POPCL_ERR_CERT_UNCHECKED;
    }
}

static unsigned guard_end_chain(const br_x509_class **ctx) {
    popcl_guard *g = guard_of(ctx);
    const popcl_tls *t = g->leaf.tls;
    popcl_err e = sum(g);
    if (e == POPCL_ERR_CERT_PIN || (e && !g->result)) { /* nothing was noted of it */
        g->fault_cert = e == POPCL_ERR_CERT_PIN ? 1 : g->tip_cert;
        g->fault_time = 0;
    }
    g->result = (uint8_t)e;
    g->step = ENDED;
    if (t->names && t->names_len && e != POPCL_ERR_CERT_NAME && e != POPCL_ERR_CERT_NO_SAN)
        t->names[0] = 0;
    if (e == POPCL_OK) popcl_key_view(&g->server, &g->pkey);
    return e ? BR_ERR_X509_NOT_TRUSTED : 0;
}

static const br_x509_pkey *guard_get_pkey(const br_x509_class *const *ctx, unsigned *usages) {
    const popcl_guard *g = (const popcl_guard *)(const void *)ctx;
    if (popcl_guard_verdict(g) != POPCL_OK) return NULL;
    if (usages) *usages = BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX;
    return &g->pkey;
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

/* 9999-12-31, the last day that a certificate can name (RFC 5280, 4.1.2.5.2) */
#define LAST_UTC_S 253402300799

const br_x509_class **popcl_guard_open(popcl_guard *g, const popcl_tls *t, const char *name) {
    memset(g, 0, sizeof *g);
    g->vtable = &vtable;
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
    return &g->vtable;
}

popcl_err popcl_guard_verdict(const popcl_guard *g) {
    return g->step == ENDED ? (popcl_err)g->result : POPCL_ERR_CERT_UNCHECKED;
}

static popcl_err guard_check(const popcl_tls *t) {
    const popcl_trust *trust = t->trust;
    if (!trust || (!has_anchors(trust) && !has_pins(trust))) return POPCL_ERR_NO_TRUST;
    if (t->utc_s < 0 || t->utc_s > LAST_UTC_S) return POPCL_ERR_CLOCK_UNKNOWN;
    return t->utc_s < POPCL_CLOCK_FLOOR_S || t->utc_s < trust->clock_floor_s
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
        d->cert = g->fault_cert;
        d->cert_time = g->fault_time;
        return;
    }
    d->not_after = g->not_after;
    d->end_point_len = g->end_point_len;
    memcpy(d->end_point, g->end_point, sizeof d->end_point);
}

static void *guard_spare(void *state, size_t *n) {
    popcl_guard *g = state;
    *n = sizeof *g - offsetof(popcl_guard, leaf);
    return &g->leaf;
}

const popcl_x509 popcl_x509_guard = {
    .check = guard_check,
    .open = guard_open,
    .verdict = guard_verdict,
    .tell = guard_tell,
    .spare = guard_spare,
};
