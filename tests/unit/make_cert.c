/* SPDX-License-Identifier: MIT */
/* make_cert - see make_cert.h. DER is written from its end to its beginning: then every length is
 * known when it is due. */
#include "make_cert.h"

#include <stdio.h>
#include <string.h>

#include <bearssl.h>

typedef struct writer {
    unsigned char b[CERT_MAX];
    size_t at; /* what is written begins here */
} writer;

static void put(writer *w, const void *p, size_t n) {
    w->at -= n;
    memcpy(w->b + w->at, p, n);
}

static void put_octet(writer *w, unsigned c) {
    unsigned char octet = (unsigned char)c;
    put(w, &octet, 1);
}

/* Puts tag and length before what was written since `end`. */
static void close_tag(writer *w, unsigned tag, size_t end) {
    size_t n = end - w->at;
    if (n > 0xFF) {
        put_octet(w, n & 0xFF);
        put_octet(w, (unsigned)(n >> 8));
        put_octet(w, 0x82);
    } else {
        put_octet(w, (unsigned)n);
        if (n > 0x7F) put_octet(w, 0x81);
    }
    put_octet(w, tag);
}

static void put_tlv(writer *w, unsigned tag, const void *p, size_t n) {
    size_t end = w->at;
    put(w, p, n);
    close_tag(w, tag, end);
}

static void put_oid(writer *w, const char *oid, size_t n) { put_tlv(w, 0x06, oid, n); }

#define OID(w, literal) put_oid(w, literal, sizeof(literal) - 1)

/* ---- the key ---- */

/* Octets that differ from key to key, and mean nothing. */
static void fill(unsigned char *p, size_t n, unsigned number) {
    br_sha256_context sha;
    unsigned char block[32];
    for (size_t i = 0; i < n; i += sizeof block) {
        unsigned char seed[8] = {(unsigned char)number, (unsigned char)(number >> 8),
                                 (unsigned char)(number >> 16), (unsigned char)i,
                                 (unsigned char)(i >> 8)};
        br_sha256_init(&sha);
        br_sha256_update(&sha, seed, sizeof seed);
        br_sha256_out(&sha, block);
        memcpy(p + i, block, n - i < sizeof block ? n - i : sizeof block);
    }
}

static void put_integer(writer *w, const unsigned char *p, size_t n) {
    size_t end = w->at;
    put(w, p, n);
    if (p[0] & 0x80) put_octet(w, 0);
    close_tag(w, 0x02, end);
}

static void put_rsa_key(writer *w, const cert_wish *wish) {
    unsigned char n[1040], e[4];
    unsigned bits = wish->rsa_bits ? wish->rsa_bits : 2048,
             exponent = wish->exponent ? wish->exponent : 65537;
    size_t len = (bits + 7) / 8, e_at = 0;
    fill(n, len, wish->key_number);
    unsigned top = (bits - 1) % 8;
    n[0] = (unsigned char)((n[0] & ((1u << top) - 1)) | 1u << top);
    n[len - 1] = (unsigned char)(wish->even ? n[len - 1] & 0xFE : n[len - 1] | 1);
    for (size_t i = 0; i < 4; i++)
        e[i] = (unsigned char)(exponent >> (24 - 8 * i));
    while (e_at < 3 && e[e_at] == 0)
        e_at++;
    size_t end = w->at;
    put_integer(w, e + e_at, 4 - e_at);
    put_integer(w, n, len);
    close_tag(w, 0x30, end);
}

/* A point of the curve: the generator times a number. */
static void put_point(writer *w, const cert_wish *wish, int curve) {
    unsigned char q[133], k[2] = {(unsigned char)((wish->key_number + 1) >> 8),
                                  (unsigned char)(wish->key_number + 1)};
    size_t n = br_ec_prime_i31.mulgen(q, k, sizeof k, curve);
    if (wish->off_curve) q[n - 1] ^= 1;
    put(w, q, n);
}

static void put_key(writer *w, const cert_wish *wish) {
    unsigned char other[65] = {4};
    size_t end = w->at;
    if (wish->key == KEY_RSA || wish->key == KEY_PSS)
        put_rsa_key(w, wish);
    else if (wish->key == KEY_BRAINPOOL)
        put(w, other, sizeof other);
    else if (wish->key == KEY_ED25519)
        put(w, other, 32);
    else
        put_point(w, wish,
                  wish->key == KEY_P256 || wish->key == KEY_PARAMETERS ? BR_EC_secp256r1
                  : wish->key == KEY_P384                              ? BR_EC_secp384r1
                                                                       : BR_EC_secp521r1);
    put_octet(w, 0);
    close_tag(w, 0x03, end);
    size_t algorithm = w->at;
    switch (wish->key) {
    case KEY_RSA:
        put(w, "\x05", 2);
        OID(w, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01");
        break;
    case KEY_PSS: OID(w, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"); break;
    case KEY_ED25519: OID(w, "\x2B\x65\x70"); break;
    case KEY_PARAMETERS: /* ecParameters of some field (RFC 3279, 2.3.5) */
        put(w, "\x30\x06\x02\x01\x01\x02\x01\x07", 8);
        OID(w, "\x2A\x86\x48\xCE\x3D\x02\x01");
        break;
    case KEY_P256: OID(w, "\x2A\x86\x48\xCE\x3D\x03\x01\x07"); break;
    case KEY_P384: OID(w, "\x2B\x81\x04\x00\x22"); break;
    case KEY_P521: OID(w, "\x2B\x81\x04\x00\x23"); break;
    default: OID(w, "\x2B\x24\x03\x03\x02\x08\x01\x01\x07"); break;
    }
    if (wish->key >= KEY_P256 && wish->key <= KEY_BRAINPOOL) OID(w, "\x2A\x86\x48\xCE\x3D\x02\x01");
    close_tag(w, 0x30, algorithm);
    close_tag(w, 0x30, end);
}

/* ---- extensions ---- */

static void put_extension(writer *w, unsigned char id, int critical, const void *value, size_t n) {
    const unsigned char oid[] = {0x55, 0x1D, id}, other[] = {0x2A, 0x03, 0x04};
    size_t end = w->at;
    put_tlv(w, 0x04, value, n);
    if (critical) put(w, "\x01\x01\xFF", 3);
    put_tlv(w, 0x06, id ? oid : other, 3);
    close_tag(w, 0x30, end);
}

static void put_extensions(writer *w, const cert_wish *wish) {
    size_t end = w->at, count = 0;
    while (count < 4 && wish->more[count].value)
        count++;
    while (count--)
        put_extension(w, wish->more[count].id, wish->more[count].critical, wish->more[count].value,
                      wish->more[count].value_len);
    if (wish->usage) {
        const unsigned char usage[] = {0x03, 0x02, 0x00, (unsigned char)wish->usage};
        put_extension(w, 15, 1, usage, sizeof usage);
    }
    if (!wish->no_ca) {
        const unsigned char path[] = {0x30, 0x06, 0x01, 0x01,
                                      0xFF, 0x02, 0x01, (unsigned char)(wish->path_len - 1)};
        if (wish->ca_false)
            put_extension(w, 19, 1, "\x30", 2);
        else
            put_extension(w, 19, 1, wish->path_len ? (const void *)path : "\x30\x03\x01\x01\xFF",
                          wish->path_len ? 8 : 5);
    }
    if (w->at == end) return;
    close_tag(w, 0x30, end);
    close_tag(w, 0xA3, end);
}

/* ---- the rest ---- */

static void put_attribute(writer *w, unsigned char id, const char *value) {
    const unsigned char oid[] = {0x55, 0x04, id};
    size_t end = w->at;
    put_tlv(w, 0x0C, value, strlen(value));
    put_tlv(w, 0x06, oid, sizeof oid);
    close_tag(w, 0x30, end);
    close_tag(w, 0x31, end);
}

static void put_name(writer *w, const cert_wish *wish) {
    size_t end = w->at;
    if (!wish->empty_name) {
        put_attribute(w, 3, wish->name ? wish->name : "Test Root");
        if (wish->organization) put_attribute(w, 10, wish->organization);
    }
    close_tag(w, 0x30, end);
}

static void put_time(writer *w, const char *time) {
    put_tlv(w, strlen(time) == 15 ? 0x18 : 0x17, time, strlen(time));
}

static void put_algorithm(writer *w) {
    size_t end = w->at;
    put(w, "\x05", 2);
    OID(w, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B");
    close_tag(w, 0x30, end);
}

size_t make_cert(unsigned char *to, const cert_wish *wish) {
    static writer w;
    const unsigned char serial[] = {0x40, (unsigned char)(wish->serial >> 16),
                                    (unsigned char)(wish->serial >> 8),
                                    (unsigned char)wish->serial};
    int version = wish->version ? wish->version : 3;
    const unsigned char version_octets[] = {0x02, 0x01, (unsigned char)(version - 1)};
    w.at = sizeof w.b;
    put_tlv(&w, 0x03, "\0no signature", 13);
    put_algorithm(&w);
    size_t tbs = w.at;
    if (version == 3) put_extensions(&w, wish);
    put_key(&w, wish);
    put_name(&w, wish);
    size_t dates = w.at;
    put_time(&w, wish->not_after ? wish->not_after : "400101000000Z");
    put_time(&w, wish->not_before ? wish->not_before : "200101000000Z");
    close_tag(&w, 0x30, dates);
    put_name(&w, wish);
    put_algorithm(&w);
    put_tlv(&w, 0x02, serial, sizeof serial);
    if (version > 1) put_tlv(&w, 0xA0, version_octets, sizeof version_octets);
    close_tag(&w, 0x30, tbs);
    close_tag(&w, 0x30, sizeof w.b);
    memcpy(to, w.b + w.at, sizeof w.b - w.at);
    return sizeof w.b - w.at;
}

size_t make_block(char *to, const unsigned char *p, size_t n, const char *label) {
    return br_pem_encode(to, p, n, label, BR_PEM_LINE64);
}

size_t make_pem(char *to, const cert_wish *wish) {
    unsigned char der[CERT_MAX];
    return make_block(to, der, make_cert(der, wish), "CERTIFICATE");
}
