/* SPDX-License-Identifier: MIT */
/* cert - see cert.h. A reader of DER. A `der` is the unread rest of the inside of an element;
 * taking an element moves it on. Every length is checked in cert_take(), the only place that reads
 * one. So no other function can leave the octets that it was given. */
#include "cert.h"

#include <stdio.h>
#include <string.h>

#include "utc.h"

/* ---- DER ---- */

typedef pop_span der;

enum tag {
    BOOLEAN = 0x01,
    INTEGER = 0x02,
    BIT_STRING = 0x03,
    OCTET_STRING = 0x04,
    DNS_NAME = 0x82,
    OID = 0x06,
    BMP_STRING = 0x1E,
    UTC_TIME = 0x17,
    GENERALIZED_TIME = 0x18,
    SEQUENCE = 0x30,
    SET = 0x31,
    ISSUER_ID = 0x81,
    SUBJECT_ID = 0x82,
    VERSION = 0xA0,
    PERMITTED = 0xA0,
    CURVE = 0xA0,
    EXTENSIONS = 0xA3
};

/* Takes the next element: its tag and its inside, which is another object than d. Lengths are
 * definite and as short as possible (X.690, 10.1). */
static int take_any(der *d, unsigned *tag, der *inside) {
    size_t n = 0, at = 2;
    if (d->n < 2 || (d->p[0] & 0x1F) == 0x1F) return -1;
    if (d->p[1] < 0x80) {
        n = d->p[1];
    } else {
        size_t octets = d->p[1] & 0x7F;
        if (octets < 1 || octets > 4 || d->n < 2 + octets || d->p[2] == 0) return -1;
        for (; at < 2 + octets; at++)
            n = n << 8 | d->p[at];
        if (n < 0x80) return -1;
    }
    if (n > d->n - at) return -1;
    *tag = d->p[0];
    inside->p = d->p + at;
    inside->n = n;
    d->p += at + n;
    d->n -= at + n;
    return 0;
}

static int cert_take(der *d, unsigned wanted, der *inside) {
    unsigned tag = 0;
    der before = *d;
    if (take_any(d, &tag, inside) == 0 && tag == wanted) return 0;
    *d = before;
    return -1;
}

/* Takes the next element with its tag and length. */
static int take_whole(der *d, unsigned wanted, der *whole) {
    der inside;
    const unsigned char *from = d->p;
    if (cert_take(d, wanted, &inside)) return -1;
    whole->p = from;
    whole->n = (size_t)(d->p - from);
    return 0;
}

static int next_is(const der *d, unsigned tag) { return d->n && d->p[0] == tag; }

static int take_boolean(der *d, int *value) {
    der inside;
    if (cert_take(d, BOOLEAN, &inside) || inside.n != 1 ||
        (inside.p[0] != 0 && inside.p[0] != 0xFF))
        return -1;
    *value = inside.p[0] != 0;
    return 0;
}

/* Takes an INTEGER of 0 or more, without its leading zero. */
static int take_unsigned(der *d, der *value) {
    if (cert_take(d, INTEGER, value) || value->n == 0 || value->p[0] & 0x80) return -1;
    if (value->p[0] != 0 || value->n == 1) return 0;
    value->p++;
    value->n--;
    return value->p[0] & 0x80 ? 0 : -1;
}

static int cert_is(der d, const char *octets, size_t n) {
    return d.n == n && memcmp(d.p, octets, n) == 0;
}

#define IS(span, literal) cert_is(span, literal, sizeof(literal) - 1)

/* ---- time ---- */

static int digits(const unsigned char *p, size_t n, unsigned *value) {
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    *value = v;
    return 0;
}

/* RFC 5280, 4.1.2.5: YYMMDDHHMMSSZ until 2049, YYYYMMDDHHMMSSZ, and no other form. */
static int take_time(der *d, int64_t *utc_s) {
    unsigned year = 0, part[5]; /* month, day, hour, minute, second */
    int is_short = next_is(d, UTC_TIME);
    size_t year_len = is_short ? 2 : 4;
    der t;
    if (cert_take(d, is_short ? UTC_TIME : GENERALIZED_TIME, &t)) return -1;
    if (t.n != year_len + 11 || t.p[t.n - 1] != 'Z' || digits(t.p, year_len, &year)) return -1;
    for (size_t i = 0; i < 5; i++)
        if (digits(t.p + year_len + 2 * i, 2, &part[i])) return -1;
    if (is_short) year += year < 50 ? 2000 : 1900;
    *utc_s = pop_utc(year, part[0], part[1], part[2], part[3], part[4]);
    return *utc_s == INT64_MIN || part[4] > 59 ? -1 : 0;
}

/* ---- extensions ---- */

static int read_basic_constraints(pop_cert *c, der value) {
    der list, number;
    int ca = 0;
    if (cert_take(&value, SEQUENCE, &list) || value.n) return -1;
    if (next_is(&list, BOOLEAN) && take_boolean(&list, &ca)) return -1;
    if (ca) c->flags |= POP_CERT_CA;
    if (list.n == 0) return 0;
    if (take_unsigned(&list, &number) || list.n) return -1;
    c->path_len = number.n == 1 ? number.p[0]
                                : POP_CERT_PATH_ANY; /* no chain is so long as to need two octets */
    return 0;
}

static int read_key_usage(pop_cert *c, der value) {
    enum { KEY_CERT_SIGN = 0x04 }; /* bit 5, counted from the left */
    der bits;
    if (cert_take(&value, BIT_STRING, &bits) || value.n || bits.n < 1 || bits.n > 3 ||
        bits.p[0] > 7)
        return -1;
    if (bits.n < 2 || !(bits.p[1] & KEY_CERT_SIGN)) c->flags |= POP_CERT_NO_CERT_SIGN;
    return 0;
}

static int read_extended_key_usage(pop_cert *c, der value) {
    der list, oid;
    int for_servers = 0;
    if (cert_take(&value, SEQUENCE, &list) || value.n || list.n == 0) return -1;
    while (list.n) {
        if (cert_take(&list, OID, &oid)) return -1;
        if (IS(oid, "\x2B\x06\x01\x05\x05\x07\x03\x01") || IS(oid, "\x55\x1D\x25\x00"))
            for_servers = 1;
    }
    if (!for_servers) c->flags |= POP_CERT_NO_SERVER_AUTH;
    return 0;
}

int pop_cert_next_base(pop_span *permitted, pop_span *base) {
    der subtree;
    return cert_take(permitted, SEQUENCE, &subtree) || cert_take(&subtree, DNS_NAME, base) ||
                   subtree.n
               ? -1
               : 0;
}

/* Returns whether a base can be carried: it has an entry's length, and a form that the judge of
 * sessions takes (src/tls/constraints.c). */
static int is_plain_base(pop_span base) {
    for (size_t i = 0; i < base.n; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.",
                    base.p[i]) ||
            !base.p[i])
            return 0;
    return base.n <= UINT8_MAX && !(base.n > 1 && base.p[base.n - 1] == '.');
}

/* RFC 5280, 4.2.1.10. Constraints of any other form are not judged here, not even as DER. */
static int read_name_constraints(pop_cert *c, der value) {
    der list, permitted, rest, base;
    c->flags |= POP_CERT_NAME_CONSTRAINTS;
    if (cert_take(&value, SEQUENCE, &list) || value.n) return 0;
    if (cert_take(&list, PERMITTED, &permitted) || list.n || permitted.n == 0) return 0;
    for (rest = permitted; rest.n;)
        if (pop_cert_next_base(&rest, &base) || !is_plain_base(base)) return 0;
    c->permitted = permitted;
    c->flags = (c->flags & ~(unsigned)POP_CERT_NAME_CONSTRAINTS) | POP_CERT_PERMITTED;
    return 0;
}

/* Extensions below id-ce (2.5.29). known: popcl can handle it if it is critical. flag is set if the
 * extension is there, critical_flag if it is critical. */
static const struct extension {
    unsigned char id;
    unsigned char known;
    uint8_t flag, critical_flag;
    int (*read)(pop_cert *c, der value);
} extensions[] = {
    {15, 1, 0, 0, read_key_usage},
    {17, 1, POP_CERT_SAN, 0, NULL}, /* subjectAltName: names of the authority itself */
    {19, 1, 0, 0, read_basic_constraints},
    {30, 1, 0, 0, read_name_constraints},
    /* certificatePolicies matter only to a caller that asks for a policy, and popcl does not */
    {32, 1, 0, 0, NULL},
    {33, 1, 0, POP_CERT_POLICY_CONSTRAINTS, NULL},
    {36, 1, POP_CERT_POLICY_CONSTRAINTS, 0, NULL},
    {37, 1, 0, 0, read_extended_key_usage},
    {54, 1, POP_CERT_POLICY_CONSTRAINTS, 0, NULL},
};

static int read_extension(pop_cert *c, der *list) {
    der extension, oid, value;
    int critical = 0;
    if (cert_take(list, SEQUENCE, &extension) || cert_take(&extension, OID, &oid)) return -1;
    if (next_is(&extension, BOOLEAN) && take_boolean(&extension, &critical)) return -1;
    if (cert_take(&extension, OCTET_STRING, &value) || extension.n) return -1;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        const struct extension *e = &extensions[i];
        if (oid.n != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1D || oid.p[2] != e->id) continue;
        c->flags |= e->flag;
        if (critical) c->flags |= e->critical_flag;
        return e->read ? e->read(c, value) : 0;
    }
    if (critical) c->flags |= POP_CERT_UNKNOWN_CRITICAL;
    return 0;
}

/* Returns whether an extension of the same OID comes before this one. There are few of them. */
static int stands_before(der all, const unsigned char *end, der oid) {
    der one, other;
    while (all.p < end && cert_take(&all, SEQUENCE, &one) == 0 && cert_take(&one, OID, &other) == 0)
        if (other.n == oid.n && memcmp(other.p, oid.p, oid.n) == 0) return 1;
    return 0;
}

static int read_extensions(pop_cert *c, der *tbs) {
    enum { EXTENSIONS_MAX = 100 };
    der outer, list, all;
    if (cert_take(tbs, EXTENSIONS, &outer) || cert_take(&outer, SEQUENCE, &list) || outer.n ||
        list.n == 0)
        return -1;
    all = list;
    for (unsigned count = 0; list.n; count++) {
        der rest = list, one, oid;
        const unsigned char *here = list.p;
        if (count == EXTENSIONS_MAX || read_extension(c, &list)) return -1;
        if (cert_take(&rest, SEQUENCE, &one) || cert_take(&one, OID, &oid)) return -1;
        if (stands_before(all, here, oid)) c->flags |= POP_CERT_REPEATED;
    }
    return 0;
}

/* ---- the certificate ---- */

/* Takes an AlgorithmIdentifier with a curve, if there is one. */
static int take_kind(pop_cert *c, der *key) {
    der algorithm;
    if (cert_take(key, SEQUENCE, &algorithm) || cert_take(&algorithm, OID, &c->key_oid)) return -1;
    return next_is(&algorithm, OID) ? cert_take(&algorithm, OID, &c->curve) : 0;
}

static int read_key(pop_cert *c) {
    der whole = c->key, key, bits, numbers, n;
    if (cert_take(&whole, SEQUENCE, &key) || take_kind(c, &key)) return -1;
    if (cert_take(&key, BIT_STRING, &bits) || key.n || bits.n < 1) return -1;
    if (IS(c->key_oid, "\x2A\x86\x48\xCE\x3D\x02\x01") && !c->curve.n)
        c->flags |= POP_CERT_ODD_CURVE;
    if (!IS(c->key_oid, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01")) return 0;
    bits.p++;
    bits.n--;
    if (cert_take(&bits, SEQUENCE, &numbers) || bits.n || take_unsigned(&numbers, &n)) return -1;
    c->rsa_bits = (unsigned)n.n * 8;
    for (unsigned top = 0x80; top && !(n.p[0] & top); top >>= 1)
        c->rsa_bits--;
    return 0;
}

static int read_tbs(pop_cert *c, der tbs) {
    der part, number, dates;
    c->version = 1;
    if (next_is(&tbs, VERSION)) {
        if (cert_take(&tbs, VERSION, &part) || take_unsigned(&part, &number) || part.n ||
            number.n != 1 || number.p[0] > 2)
            return -1;
        c->version = number.p[0] + 1u;
    }
    if (cert_take(&tbs, INTEGER, &part) || part.n == 0) return -1; /* serialNumber */
    /* signature */
    if (cert_take(&tbs, SEQUENCE, &part) || take_whole(&tbs, SEQUENCE, &c->issuer)) return -1;
    if (cert_take(&tbs, SEQUENCE, &dates) || take_time(&dates, &c->not_before) ||
        take_time(&dates, &c->not_after) || dates.n)
        return -1;
    if (take_whole(&tbs, SEQUENCE, &c->subject) || take_whole(&tbs, SEQUENCE, &c->key) ||
        read_key(c))
        return -1;
    if (next_is(&tbs, ISSUER_ID) && cert_take(&tbs, ISSUER_ID, &part)) return -1;
    if (next_is(&tbs, SUBJECT_ID) && cert_take(&tbs, SUBJECT_ID, &part)) return -1;
    if (tbs.n && read_extensions(c, &tbs)) return -1;
    return tbs.n ? -1 : 0;
}

int pop_cert_read(pop_cert *c, const unsigned char *p, size_t n) {
    der all = {p, n}, certificate, tbs, algorithm, part;
    memset(c, 0, sizeof *c);
    c->path_len = POP_CERT_PATH_ANY;
    if (cert_take(&all, SEQUENCE, &certificate) || all.n) return -1;
    if (cert_take(&certificate, SEQUENCE, &tbs) || cert_take(&certificate, SEQUENCE, &algorithm) ||
        cert_take(&algorithm, OID, &c->signed_by))
        return -1;
    if (cert_take(&certificate, BIT_STRING, &part) || part.n < 2 || certificate.n) return -1;
    return read_tbs(c, tbs);
}

int pop_cert_read_public(pop_cert *c, const unsigned char *p, size_t n) {
    memset(c, 0, sizeof *c);
    c->key = (pop_span){p, n};
    return read_key(c);
}

int pop_cert_read_private(pop_cert *c, const unsigned char *p, size_t n) {
    der whole = {p, n}, key, part, curve;
    memset(c, 0, sizeof *c);
    if (cert_take(&whole, SEQUENCE, &key) || cert_take(&key, INTEGER, &part)) return -1;
    if (next_is(&key, SEQUENCE)) return take_kind(c, &key);
    return cert_take(&key, OCTET_STRING, &part) || cert_take(&key, CURVE, &curve) ||
                   cert_take(&curve, OID, &c->curve)
               ? -1
               : 0;
}

/* ---- names ---- */

static const struct {
    unsigned char id;
    const char *letters;
} attributes[] = {{3, "CN"},
                  {6, "C"},
                  {7, "L"},
                  {8, "ST"},
                  {9, "street"},
                  {10, "O"},
                  {11, "OU"},
                  {5, "serialNumber"},
                  {97, "organizationIdentifier"}};

typedef struct writer {
    char *text;
    size_t cap, len;
    int cut;
} writer;

static void cert_put(writer *w, const char *text) {
    size_t n = strlen(text);
    if (w->cut || n >= w->cap - w->len) {
        w->cut = 1;
        return;
    }
    memcpy(w->text + w->len, text, n + 1);
    w->len += n;
}

static void put_octet(writer *w, unsigned char octet) {
    char text[5] = {(char)octet, '\0'};
    if (octet == '\\')
        memcpy(text, "\\\\", 3);
    else if (octet < 0x20 || octet > 0x7E)
        (void)snprintf(text, sizeof text, "\\x%02x", octet);
    cert_put(w, text);
}

/* Takes the next attribute of a name: its type's OID and its value. Returns -1 at the end, or if it
 * is damaged. */
static int next_attribute(der *rdns, der *set, der *oid, unsigned *tag, der *value) {
    der pair;
    if (set->n == 0 && cert_take(rdns, SET, set)) return -1;
    return cert_take(set, SEQUENCE, &pair) || cert_take(&pair, OID, oid) ||
                   take_any(&pair, tag, value)
               ? -1
               : 0;
}

static void put_attribute(writer *w, der oid, unsigned tag, der value) {
    const char *letters = NULL;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x04 && oid.p[2] == attributes[i].id)
            letters = attributes[i].letters;
    if (IS(oid, "\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x19")) letters = "DC";
    if (IS(oid, "\x2A\x86\x48\x86\xF7\x0D\x01\x09\x01")) letters = "emailAddress";
    if (w->len) cert_put(w, ", ");
    cert_put(w, letters ? letters : "?");
    cert_put(w, "=");
    for (size_t i = 0; i < value.n; i++)
        if (tag != BMP_STRING || i % 2 || value.p[i]) put_octet(w, value.p[i]);
}

void pop_cert_name_text(pop_span name, char *text, size_t cap) {
    enum { PARTS = 32 };
    struct {
        der oid, value;
        unsigned tag;
    } parts[PARTS];
    size_t count = 0;
    der rdns = {NULL, 0}, set = {NULL, 0};
    writer w = {text, cap - 3, 0, 0};
    text[0] = '\0';
    if (cert_take(&name, SEQUENCE, &rdns)) return;
    while (count < PARTS && next_attribute(&rdns, &set, &parts[count].oid, &parts[count].tag,
                                           &parts[count].value) == 0)
        count++;
    while (count) {
        count--;
        put_attribute(&w, parts[count].oid, parts[count].tag, parts[count].value);
    }
    if (w.cut) memcpy(text + w.len, "...", 4);
}

size_t pop_cert_name_part(pop_span name, unsigned char attribute, char *text, size_t cap) {
    der rdns = {NULL, 0}, set = {NULL, 0}, oid, value;
    unsigned tag = 0;
    size_t len = 0;
    text[0] = '\0';
    if (cert_take(&name, SEQUENCE, &rdns)) return 0;
    while (next_attribute(&rdns, &set, &oid, &tag, &value) == 0) {
        if (oid.n != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x04 || oid.p[2] != attribute) continue;
        len = 0;
        for (size_t i = 0; i < value.n && len + 1 < cap; i++)
            if (value.p[i] && (tag != BMP_STRING || i % 2 || value.p[i]))
                text[len++] = (char)value.p[i];
        text[len] = '\0';
    }
    return len;
}

/* ---- keys ---- */

void pop_cert_key_text(const pop_cert *c, char *text, size_t cap) {
    static const struct {
        const char *oid;
        size_t n;
        const char *name;
    } kinds[] = {
#define ROW(oid, name) {oid, sizeof(oid) - 1, name}
        ROW("\x2A\x86\x48\xCE\x3D\x03\x01\x07", "P-256"),
        ROW("\x2B\x81\x04\x00\x22", "P-384"),
        ROW("\x2B\x81\x04\x00\x23", "P-521"),
        ROW("\x2B\x81\x04\x00\x21", "P-224"),
        ROW("\x2A\x86\x48\xCE\x3D\x03\x01\x01", "P-192"),
        ROW("\x2B\x81\x04\x00\x0A", "secp256k1"),
        ROW("\x2B\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1"),
        ROW("\x2B\x24\x03\x03\x02\x08\x01\x01\x0B", "brainpoolP384r1"),
        ROW("\x2B\x24\x03\x03\x02\x08\x01\x01\x0D", "brainpoolP512r1"),
        ROW("\x2B\x65\x70", "Ed25519"),
        ROW("\x2B\x65\x71", "Ed448"),
        ROW("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A", "RSA-PSS"),
        ROW("\x2A\x86\x48\xCE\x38\x04\x01", "DSA"),
        ROW("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01", "RSA"),
        ROW("\x2A\x86\x48\xCE\x3D\x02\x01", "EC on an unknown curve"),
#undef ROW
    };
    der oid = c->curve.n ? c->curve : c->key_oid;
    (void)snprintf(text, cap, "of an unknown kind");
    if (c->rsa_bits) (void)snprintf(text, cap, "RSA %u", c->rsa_bits);
    for (size_t i = 0; !c->rsa_bits && i < sizeof kinds / sizeof *kinds; i++)
        if (cert_is(oid, kinds[i].oid, kinds[i].n)) (void)snprintf(text, cap, "%s", kinds[i].name);
}
