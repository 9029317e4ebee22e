/* SPDX-License-Identifier: MIT */
/* pki - see pki.h. DER is written backwards, from the end of a buffer to its front: what stands in
 * a TLV is written before its length. */
#include "pki.h"

#include <stdlib.h>
#include <string.h>

typedef struct key {
    br_ec_private_key secret;
    unsigned char secret_octets[BR_EC_KBUF_PRIV_MAX_SIZE], point[BR_EC_KBUF_PUB_MAX_SIZE];
} key;

typedef struct der {
    unsigned char octets[800];
    size_t at; /* what is written begins here */
} der;

/* ---- DER ---- */

enum {
    INTEGER = 0x02,
    BITS = 0x03,
    OCTETS = 0x04,
    UTF8 = 0x0c,
    UTC = 0x17,
    SEQUENCE = 0x30,
    SET = 0x31,
    VERSION = 0xa0,
    EXTENSIONS = 0xa3
};

static void put(der *d, const void *p, size_t n) {
    if (n > d->at) abort();
    d->at -= n;
    memcpy(d->octets + d->at, p, n);
}

/* Makes a TLV of what was written since `end` was d->at. */
static void wrap(der *d, unsigned tag, size_t end) {
    size_t n = end - d->at;
    unsigned char head[4] = {(unsigned char)tag, 0x82, (unsigned char)(n >> 8), (unsigned char)n};
    size_t head_n = n < 0x80 ? 2 : n < 0x100 ? 3 : 4;
    if (head_n < 4) head[head_n - 1] = (unsigned char)n;
    if (head_n == 3) head[1] = 0x81;
    put(d, head, head_n);
}

static void put_tlv(der *d, unsigned tag, const void *p, size_t n) {
    size_t end = d->at;
    put(d, p, n);
    wrap(d, tag, end);
}

static void put_text(der *d, unsigned tag, const char *text) {
    put_tlv(d, tag, text, strlen(text));
}

/* These are whole TLVs. */
static const char ecdsa_with_sha256[] = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
static const char ecdsa_with_sha384[] = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03";
static const char rsa_with_sha256[] =
    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
static const char rsa_key[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
static const char p256_key[] =
    "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
static const char san_oid[] = "\x06\x03\x55\x1d\x11";
static const char server_auth[] =
    "\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
static const char ca_true[] =
    "\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
static const char digital_signature[] =
    "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80";
#define PUT(d, tlv) put(d, tlv, sizeof(tlv) - 1)

/* ---- keys and names ---- */

static void make_key(key *k, const char *seed, int curve) {
    br_hmac_drbg_context random;
    br_ec_public_key point;
    br_hmac_drbg_init(&random, &br_sha256_vtable, seed, strlen(seed));
    br_ec_keygen(&random.vtable, br_ec_get_default(), &k->secret, k->secret_octets, curve);
    br_ec_compute_pub(br_ec_get_default(), &point, k->point, &k->secret);
}

static void put_public_key(der *d, const key *k) {
    size_t end = d->at;
    put(d, k->point, 65);
    put(d, "", 1); /* no unused bits */
    wrap(d, BITS, end);
    PUT(d, p256_key);
    wrap(d, SEQUENCE, end);
}

/* The one RSA key, the server's and an authority's, made when it is first wanted: that takes a
 * tenth of a second. */
static struct {
    br_rsa_private_key secret;
    br_rsa_public_key public;
    unsigned char secret_octets[BR_RSA_KBUF_PRIV_SIZE(2048)],
        public_octets[BR_RSA_KBUF_PUB_SIZE(2048)];
} rsa;

static void make_rsa_key(void) {
    if (rsa.secret.plen) return;
    br_hmac_drbg_context random;
    br_hmac_drbg_init(&random, &br_sha256_vtable, "seed0", 5);
    br_rsa_keygen make = br_rsa_keygen_get_default();
    if (!make(&random.vtable, &rsa.secret, rsa.secret_octets, &rsa.public, rsa.public_octets, 2048,
              65537))
        abort();
}

/* A number without a sign: one whose first bit is set has a zero in front. */
static void put_number(der *d, const unsigned char *p, size_t n) {
    size_t end = d->at;
    put(d, p, n);
    if (p[0] & 0x80) put(d, "", 1);
    wrap(d, INTEGER, end);
}

static void put_rsa_key(der *d) {
    size_t end = d->at;
    put_number(d, rsa.public.e, rsa.public.elen);
    put_number(d, rsa.public.n, rsa.public.nlen);
    wrap(d, SEQUENCE, end);
    put(d, "", 1);
    wrap(d, BITS, end);
    PUT(d, rsa_key);
    wrap(d, SEQUENCE, end);
}

/* CN=text */
static void put_name(der *d, const char *text) {
    size_t end = d->at;
    put_text(d, UTF8, text);
    put(d, "\x06\x03\x55\x04\x03", 5);
    wrap(d, SEQUENCE, end);
    wrap(d, SET, end);
    wrap(d, SEQUENCE, end);
}

/* ---- certificates ---- */

/* By the key of their signature. */
enum authority { P256, RSA, P384, AUTHORITIES };
static const char *const authority[AUTHORITIES] = {
    "popcl test authority", "popcl test authority RSA", "popcl test authority P-384"};
#define PUT_ALGORITHM(d, by)                                                                       \
    ((by) == RSA    ? PUT(d, rsa_with_sha256)                                                      \
     : (by) == P384 ? PUT(d, ecdsa_with_sha384)                                                    \
                    : PUT(d, ecdsa_with_sha256))

typedef struct leaf {
    const char *san, *not_before, *not_after;
    int is_ca; /* its subject is the authority's name */
} leaf;

static void put_extensions(der *d, const leaf *l) {
    size_t end = d->at;
    if (l->is_ca) {
        PUT(d, ca_true);
    } else {
        PUT(d, digital_signature);
        PUT(d, server_auth);
    }
    if (l->san) {
        size_t san_end = d->at;
        put_text(d, 0x82, l->san); /* dNSName */
        wrap(d, SEQUENCE, san_end);
        wrap(d, OCTETS, san_end);
        PUT(d, san_oid);
        wrap(d, SEQUENCE, san_end);
    }
    wrap(d, SEQUENCE, end);
    wrap(d, EXTENSIONS, end);
}

static void put_to_be_signed(der *d, const leaf *l, const key *k, enum authority by) {
    size_t end = d->at;
    put_extensions(d, l);
    if (k)
        put_public_key(d, k);
    else
        put_rsa_key(d);
    put_name(d, l->is_ca ? authority[by] : PKI_HOST);
    size_t validity = d->at;
    put_text(d, UTC, l->not_after);
    put_text(d, UTC, l->not_before);
    wrap(d, SEQUENCE, validity);
    put_name(d, authority[by]);
    PUT_ALGORITHM(d, by);
    put_tlv(d, INTEGER, "\x4d\x61\x69\x6c", 4); /* serial number */
    size_t version = d->at;
    put_tlv(d, INTEGER, "\x02", 1); /* v3 */
    wrap(d, VERSION, version);
    wrap(d, SEQUENCE, end);
}

/* Writes a signature, with the issuer's key or with the one of RSA. Returns its length. */
static size_t sign_part(unsigned char *signature, enum authority by, const key *issuer,
                        const unsigned char *p, size_t n) {
    const br_hash_class *h = by == P384 ? &br_sha384_vtable : &br_sha256_vtable;
    br_hash_compat_context hash;
    unsigned char digest[48];
    h->init(&hash.vtable);
    h->update(&hash.vtable, p, n);
    h->out(&hash.vtable, digest);
    if (by != RSA)
        return br_ecdsa_i31_sign_asn1(br_ec_get_default(), h, digest, &issuer->secret, signature);
    return br_rsa_i31_pkcs1_sign(BR_HASH_OID_SHA256, digest, 32, &rsa.secret, signature) ? 256 : 0;
}

static void make_certificate(der *d, const leaf *l, const key *k, enum authority by,
                             const key *issuer) {
    der tbs = {{0}, sizeof tbs.octets};
    unsigned char signature[256];
    put_to_be_signed(&tbs, l, k, by);
    size_t n = sign_part(signature, by, issuer, tbs.octets + tbs.at, sizeof tbs.octets - tbs.at);
    if (n == 0) abort();
    size_t end = d->at = sizeof d->octets;
    put(d, signature, n);
    put(d, "", 1);
    wrap(d, BITS, end);
    PUT_ALGORITHM(d, by);
    put(d, tbs.octets + tbs.at, sizeof tbs.octets - tbs.at);
    wrap(d, SEQUENCE, end);
}

/* ---- what there is ---- */

static key authority_key, stranger_key, server_key, p384_key;
static der certificates[PKI_KINDS];
static br_x509_certificate shown[PKI_KINDS], issuer_shown;
static popcl_anchor anchors[AUTHORITIES];
static unsigned char pin[32];

static const leaf leaves[PKI_KINDS] = {
    [PKI_RIGHT] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
    [PKI_RSA] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
    [PKI_BY_RSA] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
    [PKI_BY_P384] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
    [PKI_OTHER_NAME] = {"imap.example", "200101000000Z", "400101000000Z", 0},
    [PKI_NO_SAN] = {NULL, "200101000000Z", "400101000000Z", 0},
    [PKI_EXPIRED] = {PKI_HOST, "200101000000Z", "260101000000Z", 0},
    [PKI_NOT_YET] = {PKI_HOST, "270101000000Z", "400101000000Z", 0},
    [PKI_UNTRUSTED] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
    [PKI_OTHER_KEY] = {PKI_HOST, "200101000000Z", "400101000000Z", 0},
};

static enum authority authority_of(int kind) {
    return kind == PKI_BY_RSA ? RSA : kind == PKI_BY_P384 ? P384 : P256;
}

static void make_shown(int kind, const key *k, const key *issuer) {
    der *d = &certificates[kind];
    make_certificate(d, &leaves[kind], k, authority_of(kind), issuer);
    shown[kind].data = d->octets + d->at;
    shown[kind].data_len = sizeof d->octets - d->at;
}

static void make_anchor(enum authority by, unsigned kind, const unsigned char *key_octets, size_t n,
                        const unsigned char *e, size_t e_len) {
    static unsigned char entries[AUTHORITIES][12 + 256 + 4];
    unsigned char hash[32], *entry = entries[by];
    der name = {{0}, sizeof name.octets};
    br_sha256_context sha256;
    put_name(&name, authority[by]);
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, name.octets + name.at, sizeof name.octets - name.at);
    br_sha256_out(&sha256, hash);
    memcpy(anchors[by].name, hash, sizeof anchors[by].name);
    entry[0] = (unsigned char)kind;
    entry[1] = POPCL_ANCHOR_CA;
    entry[2] = POPCL_PATH_ANY;
    entry[3] = (unsigned char)e_len;
    entry[4] = (unsigned char)(n >> 8);
    entry[5] = (unsigned char)n;
    memcpy(entry + 12, key_octets, n);
    if (e_len) memcpy(entry + 12 + n, e, e_len);
    anchors[by].entry = entry;
    anchors[by].entry_len = (uint16_t)(12 + n + e_len);
}

static void make_all(void) {
    if (anchors[P256].entry) return;
    make_key(&authority_key, "authority", BR_EC_secp256r1);
    make_key(&stranger_key, "stranger", BR_EC_secp256r1);
    make_key(&server_key, "server", BR_EC_secp256r1);
    for (int i = 0; i < PKI_KINDS; i++) {
        if (i < PKI_RSA || i > PKI_BY_P384)
            make_shown(i, &server_key, i == PKI_UNTRUSTED ? &stranger_key : &authority_key);
    }
    make_anchor(P256, BR_EC_secp256r1, authority_key.point, 65, NULL, 0);
    der spki = {{0}, sizeof spki.octets};
    br_sha256_context hash;
    put_public_key(&spki, &server_key);
    br_sha256_init(&hash);
    br_sha256_update(&hash, spki.octets + spki.at, sizeof spki.octets - spki.at);
    br_sha256_out(&hash, pin);
}

const br_x509_certificate *pki_certificate(pki_kind kind) {
    make_all();
    if (shown[kind].data) return &shown[kind];
    if (kind == PKI_RSA || kind == PKI_BY_RSA) make_rsa_key();
    if (kind == PKI_BY_RSA)
        make_anchor(RSA, 1, rsa.public.n, rsa.public.nlen, rsa.public.e, rsa.public.elen);
    if (kind == PKI_BY_P384) {
        make_key(&p384_key, "authority", BR_EC_secp384r1);
        make_anchor(P384, BR_EC_secp384r1, p384_key.point, 97, NULL, 0);
    }
    make_shown((int)kind, kind == PKI_RSA ? NULL : &server_key,
               kind == PKI_BY_P384 ? &p384_key : &authority_key);
    return &shown[kind];
}

const br_x509_certificate *pki_issuer(void) {
    static const leaf issuer = {
        .not_before = "200101000000Z", .not_after = "400101000000Z", .is_ca = 1};
    static der d;
    make_all();
    if (!issuer_shown.data) {
        make_certificate(&d, &issuer, &stranger_key, P256, &authority_key);
        issuer_shown.data = d.octets + d.at;
        issuer_shown.data_len = sizeof d.octets - d.at;
    }
    return &issuer_shown;
}

const br_ec_private_key *pki_key(pki_kind kind) {
    make_all();
    return kind == PKI_OTHER_KEY ? &stranger_key.secret : &server_key.secret;
}

const br_rsa_private_key *pki_rsa_key(void) {
    pki_certificate(PKI_RSA);
    return &rsa.secret;
}

const popcl_anchor *pki_anchor_of(pki_kind kind) {
    pki_certificate(kind);
    return &anchors[authority_of((int)kind)];
}

const popcl_anchor *pki_anchor(void) { return pki_anchor_of(PKI_RIGHT); }

const unsigned char *pki_pin(void) {
    make_all();
    return pin;
}
