/* SPDX-License-Identifier: MIT */
/* anchor - see anchor.h. A certificate is read twice, each time whole. BearSSL's decoder gives the
 * key of the anchor, so that a key that is accepted here is accepted on a device. cert.c reads
 * everything that BearSSL drops. anchor_judge() has the rules, in order: the first
 * broken rule is the one that is reported. */
#define _POSIX_C_SOURCE 200809L
#include "anchor.h"

#include <stdlib.h>
#include <string.h>

#include "cert.h"
#include "pem.h"

/* ---- the table ---- */

static const struct {
    pop_anchor_kind kind;
    const char *counted, *sentence;
} findings[] = {
#define ROW(name, kind, counted, sentence)                                                         \
    [POP_ANCHOR_##name] = {POP_ANCHOR_##kind, counted, sentence},
    POP_ANCHOR_FINDINGS(ROW)
#undef ROW
};

pop_anchor_kind pop_anchor_kind_of(pop_anchor_finding f) { return findings[f].kind; }

const char *pop_anchor_counted_as(pop_anchor_finding f) { return findings[f].counted; }

const char *pop_anchor_sentence(pop_anchor_finding f) { return findings[f].sentence; }

/* ---- the list ---- */

static pop_anchor *anchor_add(pop_anchors *a, const char *source, unsigned long line,
                              pop_anchor_finding f) {
    if (a->len == POP_ANCHORS_MAX) return NULL;
    if (a->len == a->room) {
        size_t room = a->room ? 2 * a->room : 16;
        pop_anchor *grown = realloc(a->list, room * sizeof *grown);
        if (!grown) return NULL;
        a->list = grown;
        a->room = room;
    }
    pop_anchor *one = &a->list[a->len++];
    memset(one, 0, sizeof *one);
    one->path_len = POPCL_PATH_ANY;
    one->source = source;
    one->line = line;
    one->in_directory = a->in_directory;
    one->finding = (uint8_t)f;
    return one;
}

size_t pop_anchors_count(const pop_anchors *a, pop_anchor_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < a->len; i++)
        count += findings[a->list[i].finding].kind == kind;
    return count;
}

void pop_anchors_free(pop_anchors *a) {
    for (size_t i = 0; i < a->len; i++) {
        free(a->list[i].memory);
        free(a->list[i].subject);
    }
    for (size_t i = 0; i < a->paths_len; i++)
        free(a->paths[i]);
    free(a->list);
    free(a->paths);
    a->list = NULL;
    a->paths = NULL;
    a->len = a->room = a->paths_len = 0;
}

/* ---- keys ---- */

static unsigned bits_of(const unsigned char *p, size_t n) {
    while (n && *p == 0) {
        p++;
        n--;
    }
    unsigned bits = (unsigned)n * 8;
    for (unsigned top = 0x80; n && top && !(*p & top); top >>= 1)
        bits--;
    return bits;
}

static pop_anchor_finding judge_rsa(const br_rsa_public_key *k) {
    unsigned bits = bits_of(k->n, k->nlen);
    if (bits < 2048) return POP_ANCHOR_RSA_SHORT;
    if (bits > 4096) return POP_ANCHOR_RSA_LONG;
    if (!(k->n[k->nlen - 1] & 1) || bits_of(k->e, k->elen) < 2 || !(k->e[k->elen - 1] & 1))
        return POP_ANCHOR_RSA_BAD;
    return bits % 8 || bits_of(k->e, k->elen) > 31 ? POP_ANCHOR_RSA_ODD : POP_ANCHOR_USABLE;
}

/* Checks a point by multiplying it by one: BearSSL refuses a point that is not on the curve. */
static pop_anchor_finding judge_ec(const br_ec_public_key *k) {
    static const struct {
        int curve;
        size_t len;
    } points[] = {{BR_EC_secp256r1, 65}, {BR_EC_secp384r1, 97}, {BR_EC_secp521r1, 133}};
    static const unsigned char one[] = {1};
    unsigned char point[133];
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        if (k->curve != points[i].curve) continue;
        if (k->qlen != points[i].len || k->q[0] != 4) return POP_ANCHOR_EC_BAD;
        memcpy(point, k->q, k->qlen);
        return br_ec_prime_i31.mul(point, k->qlen, one, sizeof one, k->curve) ? POP_ANCHOR_USABLE
                                                                              : POP_ANCHOR_EC_BAD;
    }
    return POP_ANCHOR_KEY_KIND;
}

static pop_anchor_finding judge_key(const br_x509_pkey *k) {
    return k->key_type == BR_KEYTYPE_RSA ? judge_rsa(&k->key.rsa) : judge_ec(&k->key.ec);
}

/* ---- the judge ---- */

/* Rules about an authority's certificate: flags of cert.h, and the finding of each. */
static const struct {
    unsigned flag;
    pop_anchor_finding finding;
} rules[] = {
    {POP_CERT_REPEATED, POP_ANCHOR_BAD_DER},
    {POP_CERT_NAME_CONSTRAINTS, POP_ANCHOR_NAME_CONSTRAINTS},
    {POP_CERT_POLICY_CONSTRAINTS, POP_ANCHOR_POLICY_CONSTRAINTS},
    {POP_CERT_UNKNOWN_CRITICAL, POP_ANCHOR_CRITICAL},
    {POP_CERT_NO_SERVER_AUTH, POP_ANCHOR_SERVER_AUTH},
};

/* A server's own certificate, trusted directly, is judged with every session's chain. Only flags
 * that would make it useless count here. */
enum { LEAF_RULES = POP_CERT_REPEATED | POP_CERT_NO_SERVER_AUTH };

/* Returns whether it is an authority's certificate: it has cA TRUE, and its key usage, if there is
 * one, agrees. `openssl req -x509` often makes a server's certificate with cA TRUE that must not
 * sign certificates. Such a one is the server's own. */
static int anchor_is_authority(const pop_cert *c) {
    return (c->flags & (POP_CERT_CA | POP_CERT_NO_CERT_SIGN)) == POP_CERT_CA;
}

static pop_anchor_finding anchor_judge(const pop_anchors *a, const pop_cert *c) {
    unsigned flags = c->flags;
    if (c->version < 3 && !a->allow_leaf) return POP_ANCHOR_VERSION;
    if (!anchor_is_authority(c)) {
        if (!a->allow_leaf) return flags & POP_CERT_CA ? POP_ANCHOR_CERT_SIGN : POP_ANCHOR_NOT_CA;
        flags &= LEAF_RULES;
    } else if (c->subject.n <= 2) {
        return POP_ANCHOR_NO_NAME;
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (flags & rules[i].flag) return rules[i].finding;
    if (c->subject.n > POP_ANCHOR_NAME_MAX) return POP_ANCHOR_NAME_LONG;
    if (a->utc_s >= 0 && c->not_after < a->utc_s) return POP_ANCHOR_EXPIRED;
    if (a->utc_s >= 0 && c->not_after - a->utc_s < a->min_s) return POP_ANCHOR_EXPIRES_SOON;
    return POP_ANCHOR_USABLE;
}

/* ---- a server's own ---- */

/* Keeps the first octets of tls-server-end-point (RFC 5929, 4.1): the hash of the certificate by
 * the hash algorithm of its signature, which a session knows too. A certificate with another hash
 * algorithm is refused in the session. */
static void hash_own(pop_anchor *one, const pop_cert *c, const unsigned char *p, size_t n) {
    static const struct {
        const br_hash_class *hash;
        const char *rsa, *ecdsa;
    } rows[] = {{&br_sha256_vtable, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B",
                 "\x2A\x86\x48\xCE\x3D\x04\x03\x02"},
                {&br_sha384_vtable, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C",
                 "\x2A\x86\x48\xCE\x3D\x04\x03\x03"},
                {&br_sha512_vtable, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D",
                 "\x2A\x86\x48\xCE\x3D\x04\x03\x04"}};
    unsigned char value[64];
    char common_name[256];
    br_hash_compat_context hash;
    if (!pop_cert_name_part(c->subject, 3, common_name, sizeof common_name) ||
        strchr(common_name, ' '))
        return; /* not a host's name: most authorities */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!(c->signed_by.n == 9 && memcmp(c->signed_by.p, rows[i].rsa, 9) == 0) &&
            !(c->signed_by.n == 8 && memcmp(c->signed_by.p, rows[i].ecdsa, 8) == 0))
            continue;
        rows[i].hash->init(&hash.vtable);
        hash.vtable->update(&hash.vtable, p, n);
        hash.vtable->out(&hash.vtable, value);
        memcpy(one->own_cert, value, sizeof one->own_cert);
        one->is_own = 1;
    }
}

int pop_anchor_is_own(const pop_anchor *a) {
    return a->is_own && (a->finding == POP_ANCHOR_USABLE || a->finding == POP_ANCHOR_SAME_KEY);
}

popcl_trust pop_anchor_trust(const pop_anchor *a) {
    popcl_trust alone = {.anchors = &a->anchor, .anchors_len = 1};
    if (pop_anchor_is_own(a)) {
        alone.own_certs = (const unsigned char(*)[POPCL_OWN_CERT_LEN])a->own_cert;
        alone.own_certs_len = 1;
    }
    return alone;
}

/* ---- one certificate ---- */

typedef struct name_buffer {
    unsigned char octets[POP_ANCHOR_NAME_MAX];
    size_t len; /* may be more than the room */
} name_buffer;

static void take_name(void *ctx, const void *p, size_t n) {
    name_buffer *b = ctx;
    if (b->len <= sizeof b->octets && n <= sizeof b->octets - b->len)
        memcpy(b->octets + b->len, p, n);
    b->len += n;
}

static void put_number(unsigned char *to, size_t value) {
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

static size_t day_of(int64_t utc_s) {
    int64_t day = utc_s / 86400;
    return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (size_t)day;
}

/* Writes the permitted names. Returns the octets of all, whether they fit or not. */
static size_t put_bases(unsigned char *to, size_t room, pop_span permitted) {
    size_t at = 0;
    for (pop_span base; pop_cert_next_base(&permitted, &base) == 0; at += 1 + base.n) {
        if (at >= room || base.n >= room - at) continue;
        to[at] = (unsigned char)base.n;
        if (base.n) memcpy(to + at + 1, base.p, base.n);
    }
    return at;
}

size_t pop_anchor_entry(unsigned char to[POPCL_ANCHOR_ROOM], const br_x509_pkey *k, unsigned flags,
                        const pop_cert *c) {
    enum { RSA = 1, HEAD = 12 };
    int is_rsa = k->key_type == BR_KEYTYPE_RSA;
    const unsigned char *key = is_rsa ? k->key.rsa.n : k->key.ec.q,
                        *e = is_rsa ? k->key.rsa.e : NULL;
    size_t key_len = is_rsa ? k->key.rsa.nlen : k->key.ec.qlen,
           e_len = is_rsa ? k->key.rsa.elen : 0;
    for (; is_rsa && key_len && *key == 0; key_len--)
        key++;
    for (; e_len && *e == 0; e_len--)
        e++;
    if (key_len > POPCL_ANCHOR_ROOM || e_len > UINT8_MAX ||
        HEAD + key_len + e_len > POPCL_ANCHOR_ROOM)
        return 0;
    size_t at = HEAD + key_len + e_len, names_len = 0, room = POPCL_ANCHOR_ROOM - at;
    if (flags & POPCL_ANCHOR_LIMITED) names_len = put_bases(to + at, room, c->permitted);
    if (names_len > room) return 0;
    to[0] = is_rsa ? RSA : (unsigned char)k->key.ec.curve;
    to[1] = (unsigned char)flags;
    to[2] = c->path_len;
    to[3] = (unsigned char)e_len;
    put_number(to + 4, key_len);
    put_number(to + 6, day_of(c->not_before));
    put_number(to + 8, day_of(c->not_after));
    put_number(to + 10, names_len);
    if (key_len) memcpy(to + HEAD, key, key_len);
    if (e_len) memcpy(to + HEAD + key_len, e, e_len);
    return at + names_len;
}

void pop_anchor_name(unsigned char name[POPCL_ANCHOR_NAME], const void *subject, size_t n) {
    br_sha256_context sha;
    unsigned char hash[br_sha256_SIZE];
    br_sha256_init(&sha);
    br_sha256_update(&sha, subject, n);
    br_sha256_out(&sha, hash);
    memcpy(name, hash, POPCL_ANCHOR_NAME);
}

int pop_anchor_is_authority(const pop_anchor *a) {
    return a->finding == POP_ANCHOR_USABLE && a->anchor.entry[1] & POPCL_ANCHOR_CA;
}

/* Makes the anchor, in memory of its own. Returns 0, or -1: out of memory. */
static int keep_anchor(pop_anchor *one, const br_x509_pkey *k, const pop_cert *c) {
    unsigned char entry[POPCL_ANCHOR_ROOM];
    unsigned flags = anchor_is_authority(c) ? POPCL_ANCHOR_CA : 0;
    if (flags && c->flags & POP_CERT_PERMITTED) flags |= POPCL_ANCHOR_LIMITED;
    size_t n = pop_anchor_entry(entry, k, flags, c);
    if (n == 0) { /* a key alone always fits */
        one->finding = POP_ANCHOR_NAME_CONSTRAINTS;
        return 0;
    }
    one->memory = malloc(n);
    if (!one->memory) return -1;
    memcpy(one->memory, entry, n);
    pop_anchor_name(one->anchor.name, c->subject.p, c->subject.n);
    one->anchor.entry = one->memory;
    one->anchor.entry_len = (uint16_t)n;
    return 0;
}

static void hash_span(unsigned char hash[br_sha256_SIZE], pop_span s) {
    br_sha256_context sha;
    br_sha256_init(&sha);
    br_sha256_update(&sha, s.p, s.n);
    br_sha256_out(&sha, hash);
}

/* Keeps texts and octets of the certificate, in one piece of memory that begins with the
 * subject. */
static int keep_details(pop_anchor *one, const pop_cert *c, const unsigned char *p, size_t n) {
    enum { SUBJECT = 1024, PART = 256 };
    char *to = malloc(SUBJECT + 2 * PART + n);
    if (!to) return -1;
    one->subject = to;
    one->organization = to + SUBJECT;
    one->common_name = to + SUBJECT + PART;
    one->der = (unsigned char *)to + SUBJECT + 2 * PART;
    one->der_len = n;
    memcpy(one->der, p, n);
    pop_cert_name_text(c->subject, one->subject, SUBJECT);
    (void)pop_cert_name_part(c->subject, 10, one->organization, PART);
    (void)pop_cert_name_part(c->subject, 3, one->common_name, PART);
    hash_span(one->pin, c->key);
    hash_span(one->subject_hash, c->subject);
    hash_span(one->issuer_hash, c->issuer);
    return 0;
}

/* Returns how BearSSL's decoder judges the octets: USABLE with the key, or why not. */
static pop_anchor_finding decode(br_x509_decoder_context *d, name_buffer *name,
                                 const unsigned char *p, size_t n, const pop_cert *c) {
    name->len = 0;
    br_x509_decoder_init(d, take_name, name);
    br_x509_decoder_push(d, p, n);
    int error = br_x509_decoder_last_error(d);
    if (c->rsa_bits > 4096) return POP_ANCHOR_RSA_LONG;
    if (error == BR_ERR_X509_UNSUPPORTED || c->flags & POP_CERT_ODD_CURVE)
        return POP_ANCHOR_KEY_KIND;
    if (error || name->len != c->subject.n || !br_x509_decoder_isCA(d) != !(c->flags & POP_CERT_CA))
        return POP_ANCHOR_BAD_DER;
    return judge_key(br_x509_decoder_get_pkey(d));
}

static int add_certificate(pop_anchors *a, const char *source, unsigned long line,
                           const unsigned char *p, size_t n) {
    pop_cert c;
    br_x509_decoder_context decoder;
    name_buffer name;
    br_sha256_context sha;
    pop_anchor *one = anchor_add(a, source, line, POP_ANCHOR_BAD_DER);
    if (!one) return -1;
    br_sha256_init(&sha);
    br_sha256_update(&sha, p, n);
    br_sha256_out(&sha, one->sha256);
    if (pop_cert_read(&c, p, n)) {
        if (a->in_directory && line == 0) one->finding = POP_ANCHOR_ODD_FILE;
        return 0;
    }
    one->not_before = c.not_before;
    one->not_after = c.not_after;
    one->path_len = c.path_len;
    pop_cert_key_text(&c, one->key, sizeof one->key);
    if (a->details && keep_details(one, &c, p, n)) return -1;
    pop_anchor_finding key = decode(&decoder, &name, p, n, &c);
    one->finding = (uint8_t)(key == POP_ANCHOR_USABLE ? anchor_judge(a, &c) : key);
    if (one->finding != POP_ANCHOR_USABLE) return 0;
    if (a->allow_leaf && !(c.flags & POP_CERT_SAN)) hash_own(one, &c, p, n);
    return keep_anchor(one, br_x509_decoder_get_pkey(&decoder), &c);
}

size_t pop_anchor_size(const pop_anchor *a) {
    enum { STRUCT = 16 }; /* bytes of popcl_anchor with pointers of 32 bits */
    return STRUCT + a->anchor.entry_len + (a->is_own ? POPCL_OWN_CERT_LEN : 0);
}

/* ---- a file ---- */

static int anchor_is_certificate(const char *label) {
    return strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0 ||
           strcmp(label, "X.509 CERTIFICATE") == 0;
}

static pop_anchor_finding other_block(const char *label) {
    size_t n = strlen(label);
    if (strcmp(label, "TRUSTED CERTIFICATE") == 0) return POP_ANCHOR_TRUSTED;
    return n >= 11 && strcmp(label + n - 11, "PRIVATE KEY") == 0 ? POP_ANCHOR_PRIVATE_KEY
                                                                 : POP_ANCHOR_OTHER;
}

/* If a block is no certificate, its label takes the place of the subject. */
static int add_block(pop_anchors *a, const char *source, unsigned long line, const char *label,
                     pop_anchor_finding f) {
    pop_anchor *one = anchor_add(a, source, line, f);
    if (!one) return -1;
    if (!a->details || !*label) return 0;
    one->subject = malloc(strlen(label) + 1);
    if (!one->subject) return -1;
    char *to = one->subject;
    for (const char *c = label; *c; c++)
        *to++ = *c >= 0x20 && *c < 0x7F ? *c : '?';
    *to = '\0';
    return 0;
}

static int read_pem(pop_anchors *a, const char *source, const unsigned char *p, size_t n) {
    static const pop_anchor_finding damage[] = {[POP_PEM_NO_END] = POP_ANCHOR_NO_END,
                                                [POP_PEM_BAD_BASE64] = POP_ANCHOR_BAD_BASE64,
                                                [POP_PEM_BAD_BEGIN] = POP_ANCHOR_BAD_BEGIN};
    enum pop_pem_state state;
    pop_pem pem = {.at = p, .left = n};
    int failed = 0;
    while (!failed && (state = pop_pem_next(&pem, anchor_is_certificate)) != POP_PEM_END) {
        if (state == POP_PEM_NO_MEMORY)
            failed = -1;
        else if (state != POP_PEM_WHOLE)
            failed = add_block(a, source, pem.line, pem.label, damage[state]);
        else if (anchor_is_certificate(pem.label))
            failed = add_certificate(a, source, pem.line, pem.octets, pem.octets_len);
        else
            failed = add_block(a, source, pem.line, pem.label, other_block(pem.label));
    }
    pop_pem_done(&pem);
    return failed;
}

int pop_anchors_read(pop_anchors *a, const char *source, const unsigned char *p, size_t n) {
    int der = n >= 2 && p[0] == 0x30 &&
              p[1] >= 0x80; /* no text begins so, and no certificate has under 128 octets */
    return der ? add_certificate(a, source, 0, p, n) : read_pem(a, source, p, n);
}

/* ---- merging ---- */

/* By fingerprint, then in the order in which they came. */
static int by_fingerprint(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    int order = memcmp(l->sha256, r->sha256, sizeof l->sha256);
    return order ? order : (l > r) - (l < r);
}

/* By all that decides which chains an anchor vouches for, except the path length. */
static int compare_anchors(const popcl_anchor *l, const popcl_anchor *r) {
    static const struct {
        size_t from, until;
    } parts[] = {{0, 2}, {3, 6}, {10, 12}}; /* without the path length and the days */
    int order = memcmp(l->name, r->name, sizeof l->name);
    for (size_t i = 0; order == 0 && i < sizeof parts / sizeof *parts; i++)
        order = memcmp(l->entry + parts[i].from, r->entry + parts[i].from,
                       parts[i].until - parts[i].from);
    /* the heads are the same, and so are the lengths */
    return order ? order : memcmp(l->entry + 12, r->entry + 12, l->entry_len - 12u);
}

/* By name and key; of the same ones, that with the latest notAfter first, then the newest. */
static int by_anchor(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    int order = compare_anchors(&l->anchor, &r->anchor);
    if (order) return order;
    if (l->not_after != r->not_after) return l->not_after > r->not_after ? -1 : 1;
    if (l->not_before != r->not_before) return l->not_before > r->not_before ? -1 : 1;
    return memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

static size_t anchor_collect(pop_anchors *a, pop_anchor **out, int only_usable) {
    size_t count = 0;
    for (size_t i = 0; i < a->len; i++) {
        pop_anchor *one = &a->list[i];
        pop_anchor_kind kind = findings[one->finding].kind;
        if (only_usable ? one->finding == POP_ANCHOR_USABLE
                        : kind == POP_ANCHOR_KEPT || kind == POP_ANCHOR_REFUSED)
            out[count++] = one;
    }
    return count;
}

int pop_anchors_merge(pop_anchors *a) {
    enum { ROW = sizeof(pop_anchor *) };
    pop_anchor **order = malloc((a->len + 1) * ROW);
    if (!order) return -1;
    size_t count = anchor_collect(a, order, 0);
    qsort(order, count, ROW, by_fingerprint);
    for (size_t i = 1; i < count; i++)
        if (memcmp(order[i]->sha256, order[i - 1]->sha256, sizeof order[i]->sha256) == 0)
            order[i]->finding = POP_ANCHOR_REPEATED;
    count = anchor_collect(a, order, 1);
    qsort(order, count, ROW, by_anchor);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (compare_anchors(&order[first]->anchor, &order[i]->anchor) != 0) {
            first = i;
            continue;
        }
        order[i]->finding = POP_ANCHOR_SAME_KEY;
        if (order[i]->path_len > order[first]->path_len) {
            order[first]->path_len = order[i]->path_len;
            ((unsigned char *)order[first]->memory)[2] = order[i]->path_len;
        }
    }
    free(order);
    return 0;
}
