/* leaf - see leaf.h. A grammar in rows, and a reader that walks it with a small stack of its own:
 *
 *   TAG -> LENGTH [-> LENGTH_MORE] -> a row fits -+-> there is something inside: one level deeper, TAG
 *    ^                                            +-> BODY, its octets, the first of them kept in `value`
 *    `---- finished: the row's act; a level ends when its octets are used up, and what has not come by then must be optional
 *
 * What fits no row ends in FAILED, for good. Lengths are the shortest possible (DER), tags have one octet, a certificate up to 65535 octets. */
#include "leaf.h"

#include <string.h>

enum state { TAG, LENGTH, LENGTH_MORE, BODY, UNUSED_BITS, FAILED };

/* ---- the grammar: RFC 5280, 4.1 and 4.2 ---- */

enum { OPT = 1, MANY = 2, LAST = 4 }; /* may be missing; may come again; the last of its level */
enum { NO_TAG = 0x1f, ANY = 0x3f };   /* no tags of one octet */

enum act {
    NOTHING, VERSION, SERIAL, OID, PARAM, ALG_TBS, ALG_OUTER, RDN, NOT_BEFORE, NOT_AFTER, KEY_ALG, KEY_BITS, RSA_N, RSA_E, BITS,
    EXT_LIST, EXT_OID, EXT_CRITICAL, EXT_VALUE, IS_CA, PATH_LEN, USAGE, PURPOSE, NAME, KEY_ID, OWN_ID
};

/* name, tag, how, the first row of what is inside, what is done at its end */
#define GRAMMAR(R) \
    R(NONE, NO_TAG, LAST, NONE, NOTHING) \
    R(ANYTHING, ANY, OPT | MANY | LAST, ANYTHING, NOTHING) \
    R(WELL_FORMED, ANY, LAST, ANYTHING, NOTHING) \
    R(CERT, 0x30, LAST, TBS, NOTHING) \
      R(TBS, 0x30, 0, TBS_VERSION, NOTHING) \
      R(CERT_ALG, 0x30, 0, ALG_OID, ALG_OUTER) \
      R(SIGNATURE, 0x03, LAST, NONE, BITS) \
    R(TBS_VERSION, 0xa0, OPT, VERSION_NUMBER, NOTHING) \
      R(TBS_SERIAL, 0x02, 0, NONE, SERIAL) \
      R(TBS_ALG, 0x30, 0, ALG_OID, ALG_TBS) \
      R(ISSUER, 0x30, 0, RDNS, NOTHING) \
      R(VALIDITY, 0x30, 0, FROM, NOTHING) \
      R(SUBJECT, 0x30, 0, RDNS, NOTHING) \
      R(KEY, 0x30, 0, KEY_ALGORITHM, NOTHING) \
      R(ISSUER_ID, 0x81, OPT, NONE, NOTHING) \
      R(SUBJECT_ID, 0x82, OPT, NONE, NOTHING) \
      R(EXTENSIONS, 0xa3, OPT | LAST, EXTENSION_LIST, NOTHING) \
    R(VERSION_NUMBER, 0x02, LAST, NONE, VERSION) \
    R(ALG_OID, 0x06, 0, NONE, OID) \
      R(ALG_PARAM, ANY, OPT | LAST, NONE, PARAM) \
    R(RDNS, 0x31, OPT | MANY | LAST, RDN_FIRST, RDN) \
    R(RDN_FIRST, 0x30, 0, ATTRIBUTE, NOTHING) \
      R(RDN_MORE, 0x30, OPT | MANY | LAST, ATTRIBUTE, NOTHING) \
    R(ATTRIBUTE, 0x06, 0, NONE, NOTHING) \
      R(ATTRIBUTE_VALUE, ANY, LAST, ANYTHING, NOTHING) \
    R(FROM, ANY, 0, NONE, NOT_BEFORE) \
      R(TO, ANY, LAST, NONE, NOT_AFTER) \
    R(KEY_ALGORITHM, 0x30, 0, ALG_OID, KEY_ALG) \
      R(KEY_STRING, 0x03, LAST, NONE, KEY_BITS) \
    R(RSA_KEY, 0x30, LAST, MODULUS, NOTHING) \
    R(MODULUS, 0x02, 0, NONE, RSA_N) \
      R(EXPONENT, 0x02, LAST, NONE, RSA_E) \
    R(EXTENSION_LIST, 0x30, LAST, EXTENSION_FIRST, EXT_LIST) \
    R(EXTENSION_FIRST, 0x30, 0, EXTENSION_ID, NOTHING) \
      R(EXTENSION_MORE, 0x30, OPT | MANY | LAST, EXTENSION_ID, NOTHING) \
    R(EXTENSION_ID, 0x06, 0, NONE, EXT_OID) \
      R(EXTENSION_CRITICAL, 0x01, OPT, NONE, EXT_CRITICAL) \
      R(EXTENSION_VALUE, 0x04, LAST, NONE, EXT_VALUE) \
    R(BASIC, 0x30, LAST, BASIC_CA, NOTHING) \
    R(BASIC_CA, 0x01, OPT, NONE, IS_CA) \
      R(BASIC_PATH_LEN, 0x02, OPT | LAST, NONE, PATH_LEN) \
    R(KEY_USAGE, 0x03, LAST, NONE, USAGE) \
    R(PURPOSES, 0x30, LAST, PURPOSE_FIRST, NOTHING) \
    R(PURPOSE_FIRST, 0x06, 0, NONE, PURPOSE) \
      R(PURPOSE_MORE, 0x06, OPT | MANY | LAST, NONE, PURPOSE) \
    R(NAMES, 0x30, LAST, NAME_FIRST, NOTHING) \
    R(NAME_FIRST, ANY, 0, ANYTHING, NAME) \
      R(NAME_MORE, ANY, OPT | MANY | LAST, ANYTHING, NAME) \
    R(AUTHORITY, 0x30, LAST, AUTHORITY_KEY, NOTHING) \
    R(AUTHORITY_KEY, 0x80, OPT, NONE, KEY_ID) \
      R(AUTHORITY_ISSUER, 0xa1, OPT, ANYTHING, NOTHING) \
      R(AUTHORITY_SERIAL, 0x82, OPT | LAST, NONE, NOTHING) \
    R(SUBJECT_KEY, 0x04, LAST, NONE, OWN_ID)

enum {
#define R(name, tag, how, inside, act) name,
    GRAMMAR(R)
#undef R
};

static const struct {
    uint8_t tag, how, inside, act;
} rows[] = {
#define R(name, tag, how, inside, act) {tag, how, inside, act},
    GRAMMAR(R)
#undef R
};

/* ---- object identifiers: those with a prefix of the table and one octet more ---- */

enum { OID_OTHER, OID_RSA, OID_ECDSA, OID_ECDSA_SHA1, OID_EC, OID_PURPOSE, OID_ACCESS, OID_ANY_PURPOSE, OID_EXTENSION };
#define OID_OF(arc, last) ((arc) << 8 | (last))

static const unsigned char prefixes[] = {
    8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, /* OID_RSA: pkcs-1 */
    7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,       /* OID_ECDSA: ecdsa-with-SHA2 */
    6, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,             /* OID_ECDSA_SHA1 */
    6, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,             /* OID_EC: id-publicKeyType */
    7, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,       /* OID_PURPOSE: id-kp */
    7, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01,       /* OID_ACCESS: id-pe */
    3, 0x55, 0x1d, 0x25,                               /* OID_ANY_PURPOSE */
    2, 0x55, 0x1d,                                     /* OID_EXTENSION: id-ce */
};

static uint16_t find_oid(const popcl_leaf *r) {
    const unsigned char *p = prefixes;
    for (uint8_t arc = OID_RSA; arc <= OID_EXTENSION; arc++, p += p[0] + 1)
        if (r->len == p[0] + 1u && memcmp(p + 1, r->value, p[0]) == 0) return (uint16_t)OID_OF(arc, r->value[p[0]]);
    return OID_OTHER;
}

/* ---- extensions ---- */

enum { REFUSED = 1, UNCRITICAL = 2 }; /* popcl cannot check what it demands; RFC 5280 forbids it to be critical */

static const struct {
    uint8_t arc, last, inside, how;
} extensions[] = {
    {OID_OTHER, 0, NONE, 0},
    {OID_EXTENSION, 17, NAMES, 0},                /* subjectAltName */
    {OID_EXTENSION, 19, BASIC, 0},                /* basicConstraints */
    {OID_EXTENSION, 15, KEY_USAGE, 0},            /* keyUsage */
    {OID_EXTENSION, 37, PURPOSES, 0},             /* extKeyUsage */
    {OID_EXTENSION, 35, AUTHORITY, UNCRITICAL},   /* authorityKeyIdentifier */
    {OID_EXTENSION, 14, SUBJECT_KEY, UNCRITICAL}, /* subjectKeyIdentifier */
    {OID_EXTENSION, 30, WELL_FORMED, REFUSED},    /* nameConstraints */
    {OID_EXTENSION, 36, WELL_FORMED, REFUSED},    /* policyConstraints */
    {OID_EXTENSION, 54, WELL_FORMED, REFUSED},    /* inhibitAnyPolicy */
    {OID_EXTENSION, 32, WELL_FORMED, 0},          /* certificatePolicies */
    {OID_EXTENSION, 18, NAMES, 0},                /* issuerAltName */
    {OID_EXTENSION, 31, WELL_FORMED, 0},          /* cRLDistributionPoints */
    {OID_EXTENSION, 46, WELL_FORMED, UNCRITICAL}, /* freshestCRL */
    {OID_EXTENSION, 9, WELL_FORMED, UNCRITICAL},  /* subjectDirectoryAttributes */
    {OID_ACCESS, 1, WELL_FORMED, UNCRITICAL},     /* authorityInfoAccess */
    {OID_ACCESS, 11, WELL_FORMED, UNCRITICAL},    /* subjectInfoAccess */
};
enum { EXT_SAN = 1, EXT_COUNT = sizeof extensions / sizeof extensions[0] };

/* The row of an extension. None may come twice (RFC 5280, 4.2); of those that have no row, the first few are remembered by a hash. */
static void begin_extension(popcl_leaf *r) {
    uint16_t oid = find_oid(r);
    uint8_t i;
    for (i = EXT_COUNT - 1; i && OID_OF(extensions[i].arc, extensions[i].last) != oid; i--) {}
    r->extension = i;
    r->critical = 0;
    if (i) {
        if (r->seen >> i & 1) r->facts |= LEAF_MALFORMED;
        r->seen |= 1u << i;
        return;
    }
    uint32_t hash = 2166136261u ^ r->len; /* FNV-1a */
    for (unsigned k = 0; k < r->len && k < sizeof r->value; k++) hash = (hash ^ r->value[k]) * 16777619u;
    for (unsigned k = 0; k < sizeof r->others / sizeof r->others[0]; k++) {
        if (r->others[k] == hash) r->facts |= LEAF_MALFORMED;
        if (r->others[k] == 0) {
            r->others[k] = hash;
            break;
        }
    }
}

/* ---- acts: each at the end of its element, whose first octets are in `value` ---- */

static void need(popcl_leaf *r, int holds) {
    if (!holds) r->facts |= LEAF_MALFORMED;
}

static void note(popcl_leaf *r, uint32_t fact, int holds) {
    if (holds) r->facts |= fact;
}

/* An INTEGER that is not negative, in the shortest form. */
static int is_natural(const popcl_leaf *r) {
    return r->len && r->value[0] < 0x80 && (r->len == 1 || r->value[0] || r->value[1] >= 0x80);
}

static int is_rsa(const popcl_leaf *r) {
    return r->oid == OID_OF(OID_RSA, 1);
}

/* The signature's algorithm, judged by RFC 5280, 4.1.1.2: RSA with NULL (RFC 4055, 5), ECDSA with nothing (RFC 5758, 3.2). */
static void judge_algorithm(popcl_leaf *r) {
    unsigned last = r->oid & 0xff;
    r->alg = r->oid;
    r->alg_param = r->param;
    switch (r->oid >> 8) {
    case OID_RSA:
        note(r, LEAF_WEAK, last == 14 || (last >= 2 && last <= 5));
        note(r, LEAF_UNSUPPORTED, last == 1 || (last >= 6 && last <= 10) || last > 14);
        need(r, r->param == 5 || last == 10);
        break;
    case OID_ECDSA:
    case OID_ECDSA_SHA1:
        note(r, LEAF_WEAK, last == 1);
        note(r, LEAF_UNSUPPORTED, last == 0 || last > 4);
        need(r, r->param == 0);
        break;
    default: r->facts |= LEAF_UNSUPPORTED;
    }
}

/* 2048 to 4096 bits in whole octets (CA/Browser Forum, Baseline Requirements, 6.1.5), and odd. */
static void judge_modulus(popcl_leaf *r) {
    unsigned octets = r->len - 1u;
    need(r, is_natural(r));
    note(r, LEAF_WEAK, octets < 256 || !(r->last & 1));
    note(r, LEAF_UNSUPPORTED, octets > 512 || r->value[0]);
}

/* Odd, from 3 to 2^32 - 1: a larger one is of no use, and makes work. */
static void judge_exponent(popcl_leaf *r) {
    need(r, is_natural(r));
    note(r, LEAF_WEAK, !(r->last & 1) || (r->len == 1 && r->value[0] < 3));
    note(r, LEAF_UNSUPPORTED, r->len > 5 || (r->len == 5 && r->value[0]));
}

/* Unix seconds of a UTCTime until 2049 or a GeneralizedTime after it, each with seconds and Z (RFC 5280, 4.1.2.5). */
static int64_t moment(popcl_leaf *r) {
    static const uint8_t most[] = {99, 99, 12, 31, 23, 59, 59}, least[] = {0, 0, 1, 1, 0, 0, 0};
    unsigned field[7], from = r->tag == 0x17;
    const unsigned char *p = r->value;
    need(r, (r->tag == 0x17 && r->len == 13) || (r->tag == 0x18 && r->len == 15));
    for (unsigned i = from; i < 7; i++, p += 2) {
        unsigned tens = p[0] - '0', ones = p[1] - '0';
        field[i] = tens * 10 + ones;
        need(r, tens < 10 && ones < 10 && field[i] >= least[i] && field[i] <= most[i]);
    }
    need(r, *p == 'Z');
    if (r->facts & LEAF_MALFORMED) return 0;
    if (from) field[0] = field[1] < 50 ? 20 : 19;
    unsigned year = field[0] * 100 + field[1], month = field[2], day = field[3];
    unsigned leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    need(r, from || year >= 2050);
    need(r, day <= (month == 2 ? 28 + leap : 30 + ((month + (month >> 3)) & 1)));
    if (month < 3) { /* years that begin in March have the odd day at their end */
        year--;
        month += 12;
    }
    int32_t days = (int32_t)(365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day) - 719469;
    return (int64_t)days * 86400 + (int32_t)(field[4] * 3600 + field[5] * 60 + field[6]);
}

/* A BIT STRING of named bits: those that are 0 at its end are not sent (X.690, 11.2.2), and one is 1. */
static void judge_usage(popcl_leaf *r) {
    unsigned unused = r->value[0];
    need(r, r->len >= 2 && unused < 8 && (r->last >> unused & 1) && !(r->last & ((1u << unused) - 1)));
    r->facts |= LEAF_USAGE;
    note(r, LEAF_USAGE_SIGN, r->value[1] & 0x80);
    note(r, LEAF_USAGE_CERT, r->value[1] & 0x04);
}

/* ---- names ---- */

enum { NAME_MAIL = 0x81, NAME_DNS = 0x82, NAME_URI = 0x86, NAME_IP = 0x87, NAME_ID = 0x88, NO_MATCH = 0xff };

/* A character of tls->names; what is not printable, or would read as two names, becomes '?'. */
static void tell(popcl_leaf *r, unsigned c) {
    const popcl_tls *t = r->tls;
    if (!t->names || r->names_at + 1u >= t->names_len || r->names_at == UINT16_MAX) return;
    t->names[r->names_at++] = (char)c;
    t->names[r->names_at] = 0;
}

static void tell_next(popcl_leaf *r) {
    if (!r->names_at) return;
    tell(r, ',');
    tell(r, ' ');
}

static void tell_decimal(popcl_leaf *r, unsigned n) {
    if (n >= 100) tell(r, '0' + n / 100);
    if (n >= 10) tell(r, '0' + n / 10 % 10);
    tell(r, '0' + n % 10);
}

static void tell_address(popcl_leaf *r) {
    tell_next(r);
    for (unsigned i = 0; i < r->len; i++) {
        if (r->len == 4) {
            if (i) tell(r, '.');
            tell_decimal(r, r->value[i]);
        } else {
            if (i && i % 2 == 0) tell(r, ':');
            tell(r, (unsigned char)"0123456789abcdef"[r->value[i] >> 4]);
            tell(r, (unsigned char)"0123456789abcdef"[r->value[i] & 15]);
        }
    }
}

static unsigned lower(unsigned c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* One octet of a dNSName of the leaf, compared with the host as it comes (RFC 9525, 6.3). A wildcard is a first label that is one star; it
 * stands for one label of the host. The host has letters, digits, dots, hyphens and underscores alone, so that nothing else can match; an
 * underscore is no part of a dNSName. */
static void name_octet(popcl_leaf *r, unsigned c) {
    unsigned first = r->body == r->len;
    if (first) tell_next(r);
    tell(r, (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '-' && c <= '9' && c != '/') || c == '*' || c == '_' ? c : '?');
    if (first) r->at = r->host ? 0 : NO_MATCH;
    if (r->at == NO_MATCH) return;
    if (first && c == '*') {
        const char *dot = strchr(r->host, '.');
        r->at = dot ? (uint8_t)(dot - r->host) : NO_MATCH;
    } else if (c && c != '_' && lower((unsigned char)r->host[r->at]) == lower(c)) {
        r->at++;
    } else {
        r->at = NO_MATCH;
    }
}

/* A GeneralName of subjectAltName or issuerAltName (RFC 5280, 4.2.1.6). */
static void judge_name(popcl_leaf *r) {
    if (r->tag == NAME_DNS) need(r, r->len > 0);
    if (r->tag == NAME_IP) need(r, r->len == 4 || r->len == 16);
    if (r->extension != EXT_SAN || !r->is_leaf || r->facts & LEAF_MALFORMED) return;
    note(r, LEAF_SAN, r->tag == NAME_DNS || r->tag == NAME_IP);
    if (r->tag == NAME_DNS) note(r, LEAF_MATCH, r->at != NO_MATCH && r->host[r->at] == 0);
    if (r->tag != NAME_IP) return;
    note(r, LEAF_MATCH, !r->host && r->len == r->address_len && memcmp(r->value, r->address, r->len) == 0);
    tell_address(r);
}

static int is_name_tag(unsigned tag) {
    unsigned n = tag & 0x1f;
    unsigned constructed = n == 0 || (n >= 3 && n <= 5);
    return n <= 8 && (tag & 0xe0) == (constructed ? 0xa0 : 0x80);
}

static int is_true(const popcl_leaf *r) { /* FALSE is the default, and not sent (X.690, 11.5) */
    return r->len == 1 && r->value[0] == 0xff;
}

static void act(popcl_leaf *r, enum act what) {
    switch (what) {
    case NOTHING: break;
    case VERSION: /* 0, version 1, is the default, and not sent */
        need(r, r->len == 1 && (r->value[0] == 1 || r->value[0] == 2));
        note(r, LEAF_V3, r->value[0] == 2);
        break;
    case SERIAL: need(r, is_natural(r) && r->len <= 20 && (r->len > 1 || r->value[0])); break; /* 4.1.2.2 */
    case OID:
        r->oid = find_oid(r);
        r->param = 0;
        break;
    case PARAM:
        r->param = r->tag;
        need(r, r->tag != 5 || r->len == 0);
        break;
    case ALG_TBS: judge_algorithm(r); break;
    case ALG_OUTER: need(r, r->oid == r->alg && r->param == r->alg_param); break;
    case RDN: r->facts |= r->row[2] == SUBJECT ? LEAF_SUBJECT : LEAF_ISSUER; break;
    case NOT_BEFORE:
        r->time = moment(r);
        note(r, LEAF_NOT_YET, r->tls->utc_s < r->time);
        break;
    case NOT_AFTER: {
        int64_t from = r->time;
        r->time = moment(r);
        need(r, from <= r->time);
        note(r, LEAF_EXPIRED, r->tls->utc_s > r->time);
        break;
    }
    case KEY_ALG:
        need(r, !is_rsa(r) || r->param == 5);
        note(r, LEAF_UNSUPPORTED, !is_rsa(r) && (r->oid != OID_OF(OID_EC, 1) || r->param != 6));
        break;
    case KEY_BITS: note(r, LEAF_UNSUPPORTED, !is_rsa(r) && r->value[1] != 4); /* fallthrough */
    case BITS: need(r, is_rsa(r) || (r->len > 1 && r->value[0] == 0)); break;
    case RSA_N: judge_modulus(r); break;
    case RSA_E: judge_exponent(r); break;
    case EXT_LIST: r->facts |= LEAF_EXTENSIONS; break;
    case EXT_OID: begin_extension(r); break;
    case EXT_CRITICAL:
        need(r, is_true(r));
        r->critical = 1;
        break;
    case EXT_VALUE: break;
    case IS_CA:
        need(r, is_true(r));
        r->facts |= LEAF_CA;
        break;
    case PATH_LEN:
        need(r, is_natural(r));
        r->facts |= LEAF_PATH_LEN;
        break;
    case USAGE: judge_usage(r); break;
    case PURPOSE: {
        uint16_t purpose = find_oid(r);
        r->facts |= LEAF_PURPOSE;
        note(r, LEAF_SERVER, purpose == OID_OF(OID_PURPOSE, 1));
        note(r, LEAF_ANY, purpose == OID_OF(OID_ANY_PURPOSE, 0));
        break;
    }
    case NAME: judge_name(r); break;
    case KEY_ID: r->facts |= LEAF_AKI; break;
    case OWN_ID: r->facts |= LEAF_SKI; break;
    }
}

/* ---- the reader ---- */

static void fail(popcl_leaf *r) {
    r->facts |= LEAF_MALFORMED;
    r->state = FAILED;
}

/* The value of an extension is an element of its own; what was said of it in front of it counts now. Returns what is inside. */
static uint8_t open_extension(popcl_leaf *r) {
    uint8_t how = extensions[r->extension].how;
    if (r->critical) {
        note(r, LEAF_CRITICAL, r->extension == 0);
        need(r, !(how & UNCRITICAL));
        note(r, LEAF_SAN_CRITICAL, r->extension == EXT_SAN);
    }
    note(r, LEAF_CONSTRAINED, how & REFUSED);
    return extensions[r->extension].inside;
}

/* An element has ended, and with it perhaps those around it. */
static void finish(popcl_leaf *r, int is_level) {
    for (;;) {
        uint8_t *at = &r->row[r->depth];
        if (!is_level) {
            act(r, (enum act)rows[*at].act);
            if (!(rows[*at].how & MANY)) *at = rows[*at].how & LAST ? NONE : (uint8_t)(*at + 1);
        }
        r->state = TAG;
        if (r->depth == 0 || r->left[r->depth]) return;
        for (uint8_t i = *at; i != NONE; i = rows[i].how & LAST ? NONE : (uint8_t)(i + 1)) {
            if (rows[i].how & OPT) continue;
            fail(r);
            return;
        }
        r->depth--;
        r->tag = 0; /* no more that of the element whose act follows */
        is_level = 0;
    }
}

/* Tag and length of an element are known: finds its row, and goes into it or over it. */
static void begin(popcl_leaf *r) {
    uint8_t *at = &r->row[r->depth];
    for (; rows[*at].tag != ANY && rows[*at].tag != r->tag; *at = (uint8_t)(*at + 1))
        if (rows[*at].how & LAST || !(rows[*at].how & OPT)) {
            fail(r);
            return;
        }
    if (r->len > r->left[r->depth]) {
        fail(r);
        return;
    }
    r->left[r->depth] = (uint16_t)(r->left[r->depth] - r->len);
    uint8_t inside = r->tag & 0x20 ? rows[*at].inside : NONE;
    r->state = BODY;
    switch (rows[*at].act) {
    case NAME: need(r, is_name_tag(r->tag)); break;
    case EXT_VALUE: inside = open_extension(r); break;
    case KEY_BITS:
        if (!is_rsa(r)) break;
        inside = RSA_KEY;
        r->state = UNUSED_BITS;
        break;
    default: break;
    }
    r->body = r->len;
    if (inside != NONE && r->depth + 1 < POPCL_LEAF_DEPTH) {
        if (r->state == BODY) r->state = TAG;
        r->depth++;
        r->row[r->depth] = inside;
        r->left[r->depth] = r->len;
        if (r->len == 0) finish(r, 1);
    } else if (r->len == 0) {
        finish(r, 0);
    }
}

static void length(popcl_leaf *r, unsigned char c) {
    if (r->state == LENGTH) {
        r->len = c;
        r->length_left = c & 0x7f;
        if (c < 0x80) begin(r);
        else if (c == 0x81 || c == 0x82) r->state = LENGTH_MORE;
        else fail(r);
        if (r->state == LENGTH_MORE) r->len = 0;
        return;
    }
    r->len = (uint16_t)(r->len << 8 | c);
    if (r->len == 0) fail(r); /* the first of two */
    else if (--r->length_left == 0 && r->len < 0x80) fail(r);
    else if (r->length_left == 0) begin(r);
}

static void body(popcl_leaf *r, unsigned char c) {
    unsigned at = (unsigned)r->len - r->body;
    if (at < sizeof r->value) r->value[at] = c;
    r->last = c;
    if (r->tag == NAME_DNS && rows[r->row[r->depth]].act == NAME && r->extension == EXT_SAN && r->is_leaf) name_octet(r, c);
    if (--r->body == 0) finish(r, 0);
}

void popcl_leaf_octet(popcl_leaf *r, unsigned char c) {
    if (r->state == FAILED) return;
    if (r->state == BODY) {
        body(r, c);
        return;
    }
    if (r->left[r->depth] == 0) {
        fail(r);
        return;
    }
    r->left[r->depth]--;
    switch (r->state) {
    case TAG:
        r->tag = c;
        r->state = LENGTH;
        if ((c & 0x1f) == 0x1f) fail(r);
        break;
    case UNUSED_BITS:
        r->state = TAG;
        if (c) fail(r);
        break;
    default: length(r, c);
    }
}

int popcl_leaf_at_key(const popcl_leaf *r) {
    return r->depth >= 2 && r->row[2] == KEY;
}

void popcl_leaf_begin(popcl_leaf *r, uint32_t len, int is_leaf) {
    memset(&r->time, 0, sizeof *r - offsetof(popcl_leaf, time));
    r->is_leaf = is_leaf != 0;
    r->row[0] = CERT;
    if (len > UINT16_MAX) fail(r);
    r->left[0] = (uint16_t)len;
}

uint32_t popcl_leaf_end(popcl_leaf *r) {
    if (r->state != TAG || r->depth || r->left[0] || r->row[0] != NONE) fail(r);
    return r->facts | LEAF_READ;
}

unsigned popcl_leaf_hash(const popcl_leaf *r) {
    unsigned last = r->alg & 0xff;
    if (r->facts & (LEAF_WEAK | LEAF_UNSUPPORTED) || !r->alg) return 0;
    return r->alg >> 8 == OID_RSA ? last - 11 + br_sha256_ID : last - 2 + br_sha256_ID;
}
