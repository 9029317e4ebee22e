/* SPDX-License-Identifier: MIT */
/* element - the meaning of a certificate's elements. It notes the facts of leaf.h that they show:
 * the names of the server, key and signature, dates, and extensions. */
#include <string.h>

#include "constraints.h"
#include "grammar.h"
#include "key.h"
#include "leaf.h"
#include "name.h"

/* ---- object identifiers: a prefix of the table and one octet more ---- */

enum {
    OID_OTHER,
    OID_RSA,
    OID_ECDSA,
    OID_ECDSA_SHA1,
    OID_EC,
    OID_PRIME,
    OID_CERTICOM,
    OID_PURPOSE,
    OID_ACCESS,
    OID_ANY_PURPOSE,
    OID_EXTENSION,
    OID_ATTRIBUTE
};
#define OID_OF(arc, last) ((arc) << 8 | (last))
enum { RSA = OID_OF(OID_RSA, 1), EC = OID_OF(OID_EC, 1), COMMON_NAME = OID_OF(OID_ATTRIBUTE, 3) };

static const unsigned char prefixes[] = {
    8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, /* pkcs-1 */
    7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,       /* ecdsa-with-SHA2 */
    6, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,             /* ecdsa-with-SHA1, and others */
    6, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,             /* id-publicKeyType */
    7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,       /* primeCurve */
    4, 0x2b, 0x81, 0x04, 0x00,                         /* certicom-arc curve */
    7, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,       /* id-kp */
    7, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01,       /* id-pe */
    3, 0x55, 0x1d, 0x25,                               /* anyExtendedKeyUsage */
    2, 0x55, 0x1d,                                     /* id-ce */
    2, 0x55, 0x04,                                     /* id-at */
};

static uint16_t find_oid(const popcl_leaf *r) {
    const unsigned char *p = prefixes;
    for (unsigned arc = OID_RSA; arc <= OID_ATTRIBUTE; arc++, p += p[0] + 1)
        if (r->len == p[0] + 1u && memcmp(p + 1, r->value, p[0]) == 0)
            return (uint16_t)OID_OF(arc, r->value[p[0]]);
    return OID_OTHER;
}

static void leaf_note(popcl_leaf *r, enum leaf_fact fact, int holds) {
    if (holds) r->facts |= 1u << fact;
}

/* FNV-1a. A hash is compared to find equal texts: a collision can only refuse too much. */
static uint32_t leaf_hash(uint32_t h, unsigned c) { return (h ^ c) * 16777619u; }

/* ---- extensions ---- */

/* DEMANDS: a critical one demands a check that is not made here. UNCRITICAL: RFC 5280 forbids it to
 * be critical. PASSED_OVER: its content is not used, so a critical one is refused. */
enum { DEMANDS = 1, UNCRITICAL = 2, PASSED_OVER = 4 };

static const struct {
    uint8_t arc, last, inside, how;
} extensions[] = {
    {OID_OTHER, 0, NONE, 0},
    {OID_EXTENSION, 17, NAMES, 0},                 /* subjectAltName */
    {OID_EXTENSION, 19, BASIC, 0},                 /* basicConstraints */
    {OID_EXTENSION, 15, USAGE, 0},                 /* keyUsage */
    {OID_EXTENSION, 37, PURPOSES, 0},              /* extKeyUsage */
    {OID_EXTENSION, 35, AUTHORITY, UNCRITICAL},    /* authorityKeyIdentifier */
    {OID_EXTENSION, 14, SUBJECT_KEY, UNCRITICAL},  /* subjectKeyIdentifier */
    {OID_EXTENSION, 30, CONSTRAINTS, 0},           /* nameConstraints */
    {OID_EXTENSION, 36, WELL_FORMED, DEMANDS},     /* policyConstraints */
    {OID_EXTENSION, 54, WELL_FORMED, DEMANDS},     /* inhibitAnyPolicy */
    {OID_EXTENSION, 32, WELL_FORMED, 0},           /* certificatePolicies */
    {OID_EXTENSION, 18, NAMES, PASSED_OVER},       /* issuerAltName */
    {OID_EXTENSION, 31, WELL_FORMED, PASSED_OVER}, /* cRLDistributionPoints */
    {OID_EXTENSION, 46, WELL_FORMED, UNCRITICAL},  /* freshestCRL */
    {OID_EXTENSION, 9, WELL_FORMED, UNCRITICAL},   /* subjectDirectoryAttributes */
    {OID_ACCESS, 1, WELL_FORMED, UNCRITICAL},      /* authorityInfoAccess */
    {OID_ACCESS, 11, WELL_FORMED, UNCRITICAL},     /* subjectInfoAccess */
};
enum { EXT_OTHER = 0, EXT_SAN = 1, EXT_CONSTRAINTS = 7 };

/* Finds an extension's row. No extension may come twice (RFC 5280, 4.2). Of those without a row the
 * first and the newest are remembered. */
static int begin_extension(popcl_leaf *r) {
    uint16_t oid = find_oid(r);
    uint8_t i = sizeof extensions / sizeof extensions[0] - 1;
    while (i != EXT_OTHER && OID_OF(extensions[i].arc, extensions[i].last) != oid)
        i--;
    uint32_t seen = r->seen;
    r->extension = i;
    r->critical = 0;
    r->seen |= 1u << i;
    if (i != EXT_OTHER) return !(seen >> i & 1);
    uint32_t h = POPCL_HASH_BEGIN;
    if (r->len > sizeof r->value) return 1; /* too long to be compared with others */
    for (unsigned k = 0; k < r->len; k++)
        h = leaf_hash(h, r->value[k]);
    if (r->others[0] == h || r->others[1] == h) return 0;
    r->others[r->others[0] != 0] = h;
    return r->len != 0;
}

/* The value of an extension begins: by now it is known which one it is, and if it is critical. */
static int open_extension(popcl_leaf *r) {
    uint8_t how = extensions[r->extension].how;
    /* an issuer's constraints are judged; a server has nothing to constrain */
    leaf_note(r, LEAF_CONSTRAINED, r->extension == EXT_CONSTRAINTS && r->is_first);
    if (!r->critical) return 1;
    leaf_note(r, LEAF_CONSTRAINED, how & DEMANDS);
    leaf_note(r, LEAF_CRITICAL, r->extension == EXT_OTHER || how & PASSED_OVER);
    return !(how & UNCRITICAL);
}

/* ---- names: of the server, as they come ---- */

enum { NAME_DNS = 0x82, NAME_IP = 0x87, NO_MATCH = 0xff };

/* Adds a character to tls->names. */
static void leaf_tell(popcl_leaf *r, unsigned c) {
    const popcl_tls *t = r->tls;
    if (!t->names || r->names_at + 1u >= t->names_len || r->names_at == UINT16_MAX) return;
    t->names[r->names_at++] = (char)c;
    t->names[r->names_at] = 0;
}

static void tell_next(popcl_leaf *r) {
    if (!r->names_at) return;
    leaf_tell(r, ',');
    leaf_tell(r, ' ');
}

/* Adds the shortest digits of a number below 10000 in base 10, or below 65536 in base 16. */
static void leaf_tell_number(popcl_leaf *r, unsigned n, unsigned base) {
    unsigned unit = 1;
    while (n / unit >= base)
        unit *= base;
    for (; unit; n %= unit, unit /= base)
        leaf_tell(r, (unsigned char)"0123456789abcdef"[n / unit]);
}

static unsigned group(const popcl_leaf *r, unsigned i) {
    return (unsigned)r->value[2 * i] << 8 | r->value[2 * i + 1];
}

/* The form of RFC 5952, 4: the longest run of two or more groups that are 0 is "::", the first one
 * of several. */
static void tell_ipv6(popcl_leaf *r) {
    unsigned gap = 8, gap_len = 1, run = 0;
    for (unsigned i = 0; i < 8; i++) {
        run = group(r, i) ? 0 : run + 1;
        if (run > gap_len) {
            gap_len = run;
            gap = i + 1 - run;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == gap) {
            leaf_tell(r, ':');
            i += gap_len - 1;
            if (i == 7) leaf_tell(r, ':');
            continue;
        }
        if (i) leaf_tell(r, ':');
        leaf_tell_number(r, group(r, i), 16);
    }
}

static void tell_address(popcl_leaf *r) {
    tell_next(r);
    if (r->len == 16)
        tell_ipv6(r);
    else
        for (unsigned i = 0; i < 4; i++) {
            if (i) leaf_tell(r, '.');
            leaf_tell_number(r, r->value[i], 10);
        }
}

/* Goes on in the host if `c` is its next character; otherwise nothing can match any more. Letters
 * of either case are alike (RFC 9525, 6.3), except in the text of an address. */
static void leaf_compare(popcl_leaf *r, unsigned c) {
    unsigned wanted = (unsigned char)r->host[r->at];
    if (c && (c == wanted || (!r->address_len && popcl_name_lower(c) == popcl_name_lower(wanted))))
        r->at++;
    else
        r->at = NO_MATCH;
}

/* Returns whether the text was all of the host, and nothing else. */
static int is_host(const popcl_leaf *r) { return r->at != NO_MATCH && r->host[r->at] == 0; }

/* An octet of a dNSName, compared with the host as it comes (RFC 9525, 6.3). A wildcard is a first
 * label that is one star; it matches one label of the host. The host has letters, digits, dots,
 * hyphens and underscores alone, so that nothing else can match. An underscore is no part of a
 * dNSName. */
static void dns_octet(popcl_leaf *r, unsigned c, int first) {
    if (first) {
        tell_next(r);
        r->at = r->address_len ? NO_MATCH : 0;
        r->is_wild = c == '*';
    }
    leaf_tell(r, popcl_name_has(c) || c == '*' ? c : '?');
    if (r->at == NO_MATCH) return;
    if (first && c == '*') {
        const char *dot = strchr(r->host, '.');
        r->at = dot ? (uint8_t)(dot - r->host) : NO_MATCH;
    } else {
        leaf_compare(r, c == '_' ? 0 : c);
    }
}

/* Returns whether the element is a name of the server. */
static int is_certified(const popcl_leaf *r) {
    return r->extension == EXT_SAN && r->is_first && r->act == NAME;
}

/* A GeneralName of subjectAltName or issuerAltName (RFC 5280, 4.2.1.6). */
static int end_name(popcl_leaf *r) {
    int is_ip = r->tag == NAME_IP, matches;
    if (is_ip && r->len != 4 && r->len != 16) return 0;
    if (!is_ip && r->tag != NAME_DNS) return 1;
    if (r->len == 0) return 0;
    if (!is_certified(r)) return 1;
    if (is_ip) {
        tell_address(r);
        matches = r->len == r->address_len && memcmp(r->value, r->address, r->len) == 0;
    } else {
        matches = is_host(r);
    }
    if (!matches || r->is_wild) popcl_certified_end(r, r->tag & 0x1f);
    leaf_note(r, LEAF_SAN, 1);
    leaf_note(r, LEAF_MATCH, matches);
    return 1;
}

static int is_name_tag(unsigned tag) {
    unsigned n = tag & 0x1f;
    /* 0, 3, 4 and 5 are constructed */
    return n <= 8 && (tag & 0xe0) == (0x39u >> n & 1 ? 0xa0 : 0x80);
}

/* ---- the subject's common name: read for LEAF_CN alone ---- */

enum { CN_NONE, CN_HOST, CN_OTHER };
/* the types that it may have (RFC 5280, 4.1.2.6) */
enum { UTF8_STRING = 0x0c, PRINTABLE_STRING = 0x13 };

static int is_cn(const popcl_leaf *r) {
    return r->oid == COMMON_NAME && r->row[2] == SUBJECT && r->is_first &&
           r->row[r->depth] == ATTRIBUTE_VALUE;
}

/* If there are several, none is the host's. */
static void end_cn(popcl_leaf *r) {
    int is_text = r->tag == UTF8_STRING || r->tag == PRINTABLE_STRING;
    r->cn = r->cn == CN_NONE && is_text && r->at && is_host(r) ? CN_HOST : CN_OTHER;
}

/* ---- acts, at the end of an element: its first octets are in `value`. They return 0 to refuse it
 * ---- */

/* Signature algorithms. The first six are accepted. The others are known to be weak; those with MD5
 * and SHA-1 come first. */
static const uint16_t algorithms[] = {
    OID_OF(OID_RSA, 11),       OID_OF(OID_RSA, 12),  OID_OF(OID_RSA, 13), OID_OF(OID_ECDSA, 2),
    OID_OF(OID_ECDSA, 3),      OID_OF(OID_ECDSA, 4), OID_OF(OID_RSA, 4),  OID_OF(OID_RSA, 5),
    OID_OF(OID_ECDSA_SHA1, 1), OID_OF(OID_RSA, 2),   OID_OF(OID_RSA, 14), OID_OF(OID_ECDSA, 1),
};
enum {
    GOOD_ALGORITHMS = 6,
    HASHED_ALGORITHMS = 9,
    ALGORITHMS = sizeof algorithms / sizeof algorithms[0]
};

static unsigned find_algorithm(const popcl_leaf *r) {
    unsigned i = 0;
    while (i < ALGORITHMS && algorithms[i] != r->alg)
        i++;
    return i;
}

/* The algorithm of the signature. The certificate has it in two places, which must be the same (RFC
 * 5280, 4.1.1.2). RSA has NULL or no parameters (RFC 4055, 5), ECDSA has none (RFC 5758, 3.2). */
static int end_algorithm(popcl_leaf *r) {
    if (r->depth == 2) {
        r->alg = r->oid;
        r->alg_param = r->param;
    }
    unsigned i = find_algorithm(r);
    leaf_note(r, LEAF_ODD_SIGNATURE, i == ALGORITHMS);
    leaf_note(r, LEAF_WEAK_SIGNATURE, i >= GOOD_ALGORITHMS && i < ALGORITHMS);
    if (r->oid != r->alg || r->param != r->alg_param) return 0;
    return i >= GOOD_ALGORITHMS || r->param == 0 || (i < 3 && r->param == NULL_TAG);
}

static unsigned days_of(unsigned month, unsigned year) {
    if (month == 2) return (year % 4 == 0 && year % 100) || year % 400 == 0 ? 29 : 28;
    return 30 + ((month + (month >> 3)) & 1);
}

/* A UTCTime or a GeneralizedTime, each with seconds and Z (RFC 5280, 4.1.2.5). r->time becomes its
 * Unix seconds. After a notBefore in the future r->time keeps that one. */
static int end_time(popcl_leaf *r) {
    static const uint8_t most[] = {99, 99, 12, 31, 23, 59, 59};
    unsigned field[7], is_utc = r->tag == 0x17, is_from = r->row[r->depth] == FROM;
    const unsigned char *p = r->value;
    if ((!is_utc && r->tag != 0x18) || r->len != (is_utc ? 13 : 15)) return 0;
    field[0] = p[0] < '5' ? 20 : 19;
    for (unsigned i = is_utc; i < 7; i++, p += 2) {
        unsigned tens = p[0] - '0', ones = p[1] - '0';
        field[i] = tens * 10 + ones;
        if (tens > 9 || ones > 9 || field[i] > most[i]) return 0;
    }
    unsigned year = field[0] * 100 + field[1], month = field[2], day = field[3];
    if (*p != 'Z' || month == 0 || day == 0 || day > days_of(month, year)) return 0;
    if (month < 3) { /* if a year begins in March, its leap day is its last */
        year--;
        month += 12;
    }
    year += 400; /* the year 0 may be that of before March */
    uint32_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + day;
    int64_t time = ((int64_t)days - 719469 - 146097) * 86400 +
                   (int32_t)(field[4] * 3600 + field[5] * 60 + field[6]);
    if (!is_from && r->time > time) return 0; /* notAfter is before notBefore */
    if (!(r->facts >> LEAF_NOT_YET & 1)) r->time = time;
    leaf_note(r, is_from ? LEAF_NOT_YET : LEAF_EXPIRED,
              is_from ? r->tls->utc_s < time : r->tls->utc_s > time);
    return 1;
}

/* A part of a key that has more octets than there is room for leaves it without a kind. */
static void end_modulus(popcl_leaf *r) {
    popcl_key *k = r->key;
    k->len = (uint16_t)(r->len - (r->value[0] == 0));
    k->kind = k->len <= sizeof k->octets ? BR_KEYTYPE_RSA : 0;
}

/* The key is complete. */
static void note_key(popcl_leaf *r) {
    br_x509_pkey view;
    enum key_fault fault = popcl_key_fault(popcl_key_view(r->key, &view));
    leaf_note(r, LEAF_WEAK_KEY, fault == KEY_WEAK);
    leaf_note(r, LEAF_ODD_KEY, fault == KEY_ODD);
}

static void end_exponent(popcl_leaf *r) {
    r->key->e_len = (uint8_t)r->len;
    if (r->len > sizeof r->key->e) r->key->kind = 0;
    note_key(r);
}

static int end_point(popcl_leaf *r) {
    popcl_key *k = r->key;
    k->len = (uint16_t)(r->len - 1);
    k->curve = r->curve;
    k->kind = k->len && k->len <= sizeof k->octets ? BR_KEYTYPE_EC : 0;
    note_key(r);
    return r->len > 1 && r->value[0] == 0;
}

/* Returns BearSSL's number of the curve in `value`, 0 = another. */
static uint8_t find_curve(const popcl_leaf *r) {
    switch (find_oid(r)) {
    case OID_OF(OID_PRIME, 7): return BR_EC_secp256r1;
    case OID_OF(OID_CERTICOM, 0x22): return BR_EC_secp384r1;
    case OID_OF(OID_CERTICOM, 0x23): return BR_EC_secp521r1;
    default: return 0;
    }
}

/* Keeps an octet of the key or of the signature. */
static void leaf_keep(popcl_leaf *r, unsigned at, unsigned char c) {
    popcl_key *k = r->key;
    switch (r->act) {
    case RSA_N: /* without the zero before it, if there is one */
        at -= at && r->value[0] == 0;
        if (at < sizeof k->octets) k->octets[at] = c;
        break;
    case RSA_E:
        if (at < sizeof k->e) k->e[at] = c;
        break;
    case KEY_BITS:
        if (at && at <= sizeof k->octets) k->octets[at - 1] = c;
        break;
    case SIGNED:
        if (at && at <= POPCL_SIGNATURE_MAX && r->signature) r->signature[at - 1] = c;
        break;
    default: break;
    }
}

/* A BIT STRING whose unused bits are 0. Used bits that are 0 at its end should not be sent (X.690,
 * 11.2.2), but some authorities send them. */
static int end_usage(popcl_leaf *r) {
    unsigned unused = r->value[0], bits = r->value[1];
    leaf_note(r, LEAF_MISUSED, !(bits & (r->is_first ? 0x80 : 0x04)));
    leaf_note(r, LEAF_SIGNS, bits & 0x04);
    return r->len >= 2 && unused < 8 && (r->last & ((1u << unused) - 1)) == 0;
}

static int end_purpose(popcl_leaf *r) {
    uint16_t purpose = find_oid(r);
    leaf_note(r, LEAF_SERVER, purpose == OID_OF(OID_PURPOSE, 1));
    leaf_note(r, LEAF_ANY, purpose == OID_OF(OID_ANY_PURPOSE, 0));
    return 1;
}

int popcl_element_end(popcl_leaf *r) {
    switch (r->act) {
    case VERSION: /* version 1 is 0, the default, and is not sent */
        leaf_note(r, LEAF_V3, r->value[0] == 2);
        return r->len == 1 && (r->value[0] == 1 || r->value[0] == 2);
    /* 20 octets (4.1.2.2), and one more as some authorities have it */
    case SERIAL: return r->len <= 21;
    case OID:
        r->oid = find_oid(r);
        r->param = 0;
        return 1;
    case PARAM:
        r->param = r->tag;
        if (r->tag == OID_TAG) r->curve = find_curve(r);
        return r->tag != 0 && (r->tag != NULL_TAG || r->len == 0); /* 0: none came */
    case SIGNED_BY: return end_algorithm(r);
    case RELATIVE_NAME:
        leaf_note(r, LEAF_ISSUER, r->row[2] == ISSUER);
        if (r->is_first && r->row[2] == SUBJECT) popcl_subject_part(r);
        return 1;
    case ATTRIBUTE_END:
        if (is_cn(r)) end_cn(r);
        r->at = 0;
        return 1;
    case TIME: return end_time(r);
    case KEY_ALG:
        if (r->oid != EC || r->param != OID_TAG) r->curve = 0;
        leaf_note(r, LEAF_ODD_KEY, r->oid != RSA && !r->curve);
        return r->oid != RSA || r->param == NULL_TAG;
    case KEY_BITS: return r->oid == RSA || end_point(r);
    case SIGNED: return r->len > 1 && r->value[0] == 0;
    case RSA_N: end_modulus(r); return 1;
    case RSA_E: end_exponent(r); return 1;
    case EXT_OID: return begin_extension(r);
    case EXT_CRITICAL: /* FALSE is the default, and is not sent (X.690, 11.5) */
        r->critical = 1;
        return r->len == 1 && r->value[0] == 0xff;
    case CA: /* FALSE is the default here too, but some send it */
        leaf_note(r, LEAF_CA, r->value[0]);
        return r->len == 1 && (r->value[0] == 0 || r->value[0] == 0xff);
    case PATH_LEN: /* of more than 254 issuers: as good as none */
        leaf_note(r, LEAF_PATH_LEN, 1);
        r->path_len = r->len > 1 ? POPCL_PATH_ANY : r->value[0];
        return r->len <= 4;
    case EXT_VALUE: return 1;
    case KEY_USAGE: return end_usage(r);
    case PURPOSE: return end_purpose(r);
    case NAME: return end_name(r);
    case SUBTREES: leaf_note(r, LEAF_CONSTRAINED, !popcl_subtrees_end(r)); return 1;
    case BASE: return popcl_base_end(r, r->tag & 0x1f);
    case MINIMUM: return r->len == 1 && r->value[0] == 0;
    default: r->facts |= 1u << r->act; return 1;
    }
}

int popcl_element_begin(popcl_leaf *r, uint8_t *inside) {
    switch (r->act) {
    case NAME:
        if (!is_name_tag(r->tag)) return 0;
        if (is_certified(r)) popcl_certified_begin(r, r->tag & 0x1f);
        break;
    case SUBTREES:
        if ((r->tag != 0xa0 && r->tag != 0xa1) ||
            (r->row[r->depth] == SUBTREES_MORE && r->are_excluded))
            return 0;
        popcl_subtrees_begin(r, r->tag & 1);
        break;
    case BASE:
        if (!is_name_tag(r->tag)) return 0;
        popcl_base_begin(r, r->tag & 0x1f);
        break;
    case EXT_VALUE:
        *inside = extensions[r->extension].inside;
        if (!open_extension(r)) return 0;
        break;
    case KEY_BITS:
        if (r->oid == RSA) *inside = RSA_KEY;
        break;
    case SIGNED: r->signature_len = (uint16_t)(r->len - 1); break;
    default: break;
    }
    return 1;
}

void popcl_element_octet(popcl_leaf *r, unsigned at, unsigned char c) {
    leaf_keep(r, at, c);
    if (is_certified(r)) {
        popcl_certified_octet(r, c);
        if (r->tag == NAME_DNS) dns_octet(r, c, at == 0);
    }
    if (r->act == BASE) popcl_base_octet(r, r->tag & 0x1f, at, c);
    if (is_cn(r) && r->at != NO_MATCH) leaf_compare(r, c);
}

uint32_t popcl_element_cn(const popcl_leaf *r) {
    return r->cn == CN_HOST && !(r->seen >> EXT_SAN & 1) ? 1u << LEAF_CN : 0;
}

unsigned popcl_leaf_hash(const popcl_leaf *r) {
    unsigned i = find_algorithm(r);
    if (i >= HASHED_ALGORITHMS) return 0;
    return i < GOOD_ALGORITHMS ? i % 3 + br_sha256_ID : br_sha256_ID;
}

int popcl_leaf_is_rsa(const popcl_leaf *r) { return find_algorithm(r) < 3; }
