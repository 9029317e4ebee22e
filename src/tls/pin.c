/* SPDX-License-Identifier: MIT */
/* pin - certificates for the profile `pinned`. The key of the first certificate is read as it goes
 * by; it has to be P-256. Its hash is compared with the pins. The rest of that certificate, and
 * every other one, is not looked at: the server proves that it holds the pinned key. */
#include <string.h>

#include "key.h"
#include "profile.h"

/* The way to the SubjectPublicKeyInfo (RFC 5280, 4.1). It goes into Certificate and TBSCertificate,
 * then past version, serial number, signature, issuer, validity and subject. */
enum step {
    ENTER_CERTIFICATE,
    ENTER_TBS,
    PASS_VERSION,
    PASS_SERIAL,
    PASS_SIGNATURE,
    PASS_ISSUER,
    PASS_VALIDITY,
    PASS_SUBJECT,
    READ_KEY,
    DONE
};
static const unsigned char tags[READ_KEY] = {0x30, 0x30, 0xa0, 0x02, 0x30, 0x30, 0x30, 0x30};

/* The octets before a P-256 point in a SubjectPublicKeyInfo (RFC 5480, 2), and the first octet of
 * the point, which means "uncompressed". */
static const unsigned char prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
#define PREFIX_LEN (sizeof prefix)

static popcl_pin *pin_of(const br_x509_class **ctx) { return (popcl_pin *)(void *)ctx; }

/* The header of an element is complete: the element is entered, or passed by. */
static void element(popcl_pin *x) {
    if (x->step > ENTER_TBS) x->pass = x->len;
    /* a version 1 certificate names no version */
    if (x->step == PASS_VERSION && x->tag == tags[PASS_SERIAL]) x->step = PASS_SERIAL;
    if (x->tag != tags[x->step]) x->result = POPCL_ERR_CERT_MALFORMED;
    x->step++;
    x->at = 0;
}

/* Tag, then length: one octet up to 127, otherwise 0x80 + n and n octets (X.690, 8.1.3). A
 * certificate has n up to 3. */
static void header(popcl_pin *x, unsigned octet) {
    unsigned at = x->at++;
    if (at == 0) {
        x->tag = (uint8_t)octet;
    } else if (at == 1) {
        x->more = (uint8_t)(octet < 0x80 ? 0 : octet - 0x80);
        x->len = octet < 0x80 ? octet : 0;
        if (x->more > 3 || octet == 0x80) x->result = POPCL_ERR_CERT_MALFORMED;
    } else {
        x->len = x->len << 8 | octet;
        x->more--;
    }
    if (at && !x->more) element(x);
}

static void key(popcl_pin *x, unsigned octet) {
    unsigned at = x->at++;
    if (at < PREFIX_LEN && octet != prefix[at]) x->result = POPCL_ERR_CERT_UNSUPPORTED;
    if (at >= PREFIX_LEN - 1) x->point[at - (PREFIX_LEN - 1)] = (unsigned char)octet;
    if (at == PREFIX_LEN - 2 + sizeof x->point) x->step = DONE;
}

static void pin_start_chain(const br_x509_class **ctx, const char *server_name) {
    (void)ctx;
    (void)server_name;
}

static void pin_start_cert(const br_x509_class **ctx, uint32_t length) {
    (void)ctx;
    (void)length;
}

static void pin_append(const br_x509_class **ctx, const unsigned char *p, size_t n) {
    popcl_pin *x = pin_of(ctx);
    while (n && x->step != DONE && !x->behind && !x->result) {
        size_t pass = n < x->pass ? n : x->pass;
        x->pass -= (uint32_t)pass;
        p += pass;
        n -= pass;
        if (n == 0) return;
        if (x->step == READ_KEY)
            key(x, *p);
        else
            header(x, *p);
        p++;
        n--;
    }
}

static void pin_end_cert(const br_x509_class **ctx) { pin_of(ctx)->behind = 1; }

/* Neither the clock nor days count. */
static popcl_err judge_pinned_key(const popcl_pin *x) {
    unsigned char hash[br_sha256_SIZE];
    unsigned is;
    br_sha256_context sha256;
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, prefix, PREFIX_LEN - 1);
    br_sha256_update(&sha256, x->point, sizeof x->point);
    br_sha256_out(&sha256, hash);
    popcl_err e = popcl_key_find(x->tls->trust, hash, -1, &is);
    if (e) return e;
    if (is & POPCL_KEY_DENIED) return POPCL_ERR_CERT_DENIED;
    return is & POPCL_KEY_PINNED ? POPCL_OK : POPCL_ERR_CERT_PIN;
}

static unsigned pin_end_chain(const br_x509_class **ctx) {
    popcl_pin *x = pin_of(ctx);
    if (!x->result && x->step != DONE) x->result = POPCL_ERR_CERT_MALFORMED;
    if (!x->result) x->result = (uint8_t)judge_pinned_key(x);
    x->judged = !x->result;
    return x->judged ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *pin_get_pkey(const br_x509_class *const *ctx, unsigned *usages) {
    const popcl_pin *x = (const popcl_pin *)(const void *)ctx;
    if (usages) *usages = BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX;
    return x->judged ? &x->key : NULL;
}

static const br_x509_class methods = {
    .context_size = sizeof(popcl_pin),
    .start_chain = pin_start_chain,
    .start_cert = pin_start_cert,
    .append = pin_append,
    .end_cert = pin_end_cert,
    .end_chain = pin_end_chain,
    .get_pkey = pin_get_pkey,
};

/* ---- the profile's side ---- */

static popcl_err pin_check(const popcl_tls *t) {
    const popcl_trust *trust = t->trust;
    if (!trust || (!(trust->pins && trust->pins_len) && !(trust->key && trust->key_pins)))
        return POPCL_ERR_NO_TRUST;
    /* anchors would have to hold too, and this profile cannot check them */
    return trust->anchors_len || trust->find ? POPCL_ERR_ARGUMENT : POPCL_OK;
}

static const br_x509_class **pin_open(void *state, const popcl_tls *t, const char *name) {
    popcl_pin *x = state;
    (void)name;
    memset(x, 0, sizeof *x);
    x->vtable = &methods;
    x->tls = t;
    x->key.key_type = BR_KEYTYPE_EC;
    x->key.key.ec.curve = BR_EC_secp256r1;
    x->key.key.ec.q = x->point;
    x->key.key.ec.qlen = sizeof x->point;
    return &x->vtable;
}

static popcl_err pin_verdict(const void *state) {
    const popcl_pin *x = state;
    return x->result ? (popcl_err)x->result : x->judged ? POPCL_OK : POPCL_ERR_CERT_UNCHECKED;
}

static void pin_tell(const void *state, popcl_tls_diag *d) {
    (void)state;
    (void)d;
}

static void *pin_spare(void *state, size_t *n) {
    (void)state;
    *n = 0;
    return NULL;
}

const popcl_x509 popcl_x509_pin = {
    .check = pin_check,
    .open = pin_open,
    .verdict = pin_verdict,
    .tell = pin_tell,
    .spare = pin_spare,
};
