/* SPDX-License-Identifier: MIT */
/* test_anchor - certificates as trust anchors: every shape of file that is read right, and every
 * certificate that is refused, with its reason. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/entry.h"
#include "../../src/tls/key.h"
#include "anchor.h"
#include "make_cert.h"
#include "pem.h"
#include "stride.h"
#include "utc.h"

#define NOW INT64_C(1795600000) /* November 2026 */

static pop_anchors a;

static int begin(void **state) {
    (void)state;
    memset(&a, 0, sizeof a);
    a.utc_s = NOW;
    a.details = 1;
    return 0;
}

static int end(void **state) {
    (void)state;
    pop_anchors_free(&a);
    return 0;
}

static void again(void) { pop_anchors_free(&a); }

static void read_text(const char *text) {
    assert_int_equal(pop_anchors_read(&a, "t", (const unsigned char *)text, strlen(text)), 0);
}

/* Reads one certificate alone, as DER. */
static const pop_anchor *judge(const cert_wish *w) {
    static unsigned char der[CERT_MAX];
    again();
    assert_int_equal(pop_anchors_read(&a, "t", der, make_cert(der, w)), 0);
    assert_int_equal(a.len, 1);
    return &a.list[0];
}

static void is_judged(const cert_wish *w, pop_anchor_finding f) {
    const pop_anchor *one = judge(w);
    if (one->finding != f)
        fail_msg("\"%s\" instead of \"%s\"", pop_anchor_sentence(one->finding),
                 pop_anchor_sentence(f));
    assert_true(pop_anchor_sentence(f)[0] && pop_anchor_counted_as(f)[0]);
    if (f != POP_ANCHOR_USABLE) assert_null(one->anchor.entry);
}

/* Reads an anchor as a session does. */
static popcl_entry entry_of(const pop_anchor *one) {
    popcl_entry e;
    assert_int_equal(one->finding, POP_ANCHOR_USABLE);
    assert_true(popcl_entry_read(&e, one->anchor.entry, one->anchor.entry_len));
    assert_int_equal(popcl_key_fault(&e.key), KEY_SOUND);
    assert_int_equal(e.path_len, one->path_len);
    assert_int_equal(!(e.flags & POPCL_ANCHOR_CA), !pop_anchor_is_authority(one));
    return e;
}

#define JUDGED(f, ...) is_judged(&(cert_wish){__VA_ARGS__}, POP_ANCHOR_##f)

static void found(size_t at, pop_anchor_finding f, unsigned long line) {
    assert_true(at < a.len);
    assert_int_equal(a.list[at].finding, f);
    assert_int_equal(a.list[at].line, line);
}

static char *pem(const cert_wish *w) {
    static char texts[4][2 * CERT_MAX];
    static unsigned next;
    char *text = texts[next++ % 4];
    (void)make_pem(text, w);
    return text;
}

#define PEM(...) pem(&(cert_wish){__VA_ARGS__})

/* Some text, and one certificate as PEM, and some text. */
static void read_around(const char *before, const char *block, const char *behind) {
    static char text[8 * CERT_MAX];
    (void)snprintf(text, sizeof text, "%s%s%s", before, block, behind);
    read_text(text);
}

/* ---- what is read ---- */

static void a_root_becomes_an_anchor(void **state) { /* [H7 H21] */
    (void)state;
    const pop_anchor *one =
        judge(&(cert_wish){.name = "Root \xC3\xA4*/", .organization = "Some Org", .path_len = 3});
    assert_int_equal(one->finding, POP_ANCHOR_USABLE);
    popcl_entry e = entry_of(one);
    assert_int_equal(e.flags, POPCL_ANCHOR_CA);
    assert_int_equal(e.key.key_type, BR_KEYTYPE_RSA);
    assert_int_equal(e.key.key.rsa.nlen, 256);
    assert_int_equal(e.key.key.rsa.elen, 3);
    assert_memory_equal(one->anchor.entry, "\1\1\2\3\1\0\x47\x56\x63\xdf\0\0", 12);
    assert_int_equal(one->path_len, 2);
    assert_int_equal(one->not_before, pop_utc(2020, 1, 1, 0, 0, 0));
    assert_int_equal(one->not_after, pop_utc(2040, 1, 1, 0, 0, 0));
    assert_string_equal(one->subject, "CN=Root \\xc3\\xa4*/, O=Some Org");
    assert_string_equal(one->organization, "Some Org");
    assert_string_equal(one->common_name, "Root \xC3\xA4*/");
    assert_string_equal(one->key, "RSA 2048");
    assert_int_equal(one->anchor.entry_len, 12 + 256 + 3);
    assert_int_equal(pop_anchor_size(one), one->anchor.entry_len + 16);
}

static void keys_that_bearssl_has(void **state) {
    static const struct {
        enum cert_key key;
        int curve;
        size_t len;
        const char *text;
    } rows[] = {{KEY_P256, BR_EC_secp256r1, 65, "P-256"},
                {KEY_P384, BR_EC_secp384r1, 97, "P-384"},
                {KEY_P521, BR_EC_secp521r1, 133, "P-521"}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const pop_anchor *one = judge(&(cert_wish){.key = rows[i].key});
        popcl_entry e = entry_of(one);
        assert_int_equal(e.key.key.ec.curve, rows[i].curve);
        assert_int_equal(e.key.key.ec.qlen, rows[i].len);
        assert_string_equal(one->key, rows[i].text);
    }
    JUDGED(USABLE, .rsa_bits = 3072);
    JUDGED(USABLE, .rsa_bits = 4096);
    JUDGED(USABLE, .exponent = 3);
}

static void keys_that_it_does_not_have(void **state) { /* [H14 H15] */
    (void)state;
    JUDGED(RSA_SHORT, .rsa_bits = 1024);
    JUDGED(RSA_SHORT, .rsa_bits = 2047);
    JUDGED(RSA_BAD, .even = 1);
    JUDGED(RSA_BAD, .exponent = 1);
    JUDGED(RSA_BAD, .exponent = 65536);
    JUDGED(RSA_LONG, .rsa_bits = 4097);
    JUDGED(RSA_LONG, .rsa_bits = 8192);
    JUDGED(KEY_KIND, .key = KEY_ED25519);
    JUDGED(KEY_KIND, .key = KEY_PSS);
    JUDGED(KEY_KIND, .key = KEY_BRAINPOOL);
    assert_string_equal(a.list[0].key, "brainpoolP256r1");
    JUDGED(KEY_KIND, .key = KEY_PARAMETERS); /* a curve by its parameters, in full */
    JUDGED(RSA_ODD, .rsa_bits = 2049);
    JUDGED(RSA_ODD, .rsa_bits = 4095);
    JUDGED(RSA_ODD, .exponent = 0x80000001);
    JUDGED(USABLE, .exponent = 0x7fffffff);
    JUDGED(EC_BAD, .key = KEY_P256, .off_curve = 1);
    JUDGED(EC_BAD, .key = KEY_P384, .off_curve = 1);
    JUDGED(EC_BAD, .key = KEY_P521, .off_curve = 1);
}

static void what_is_no_authority(void **state) { /* [H12] */
    (void)state;
    JUDGED(VERSION, .version = 1);
    JUDGED(VERSION, .version = 2);
    JUDGED(NOT_CA, .no_ca = 1);
    JUDGED(NOT_CA, .ca_false = 1);
    JUDGED(CERT_SIGN, .usage = 0x82);
    JUDGED(USABLE, .usage = 0x06);
    JUDGED(NO_NAME, .empty_name = 1);
}

static void a_leaf_is_trusted_directly_where_that_is_allowed(void **state) { /* [H12 D50] */
    (void)state;
    a.allow_leaf = 1;
    JUDGED(USABLE, .no_ca = 1);
    assert_int_equal(entry_of(&a.list[0]).flags, 0);
    JUDGED(USABLE, .ca_false = 1, .usage = 0x80);
    JUDGED(USABLE, .usage = 0x80); /* says CA, and may sign no certificate: no authority */
    assert_int_equal(entry_of(&a.list[0]).flags, 0);
    JUDGED(USABLE, .version = 1); /* its common name may be its host's */
    assert_int_equal(entry_of(&a.list[0]).flags, 0);
    JUDGED(USABLE, .usage = 0);
    assert_int_equal(entry_of(&a.list[0]).flags, POPCL_ANCHOR_CA);
    JUDGED(SERVER_AUTH, .no_ca = 1,
           .more = {{37, 0, "\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x02", 12}});
}

static void a_servers_own_without_a_subject_alt_name_is_told_apart(void **state) { /* [D22 D50] */
    static unsigned char der[CERT_MAX];
    unsigned char hash[32];
    br_sha256_context sha256;
    cert_wish wish = {.name = "mail.example.org", .no_ca = 1};
    (void)state;
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, der, make_cert(der, &wish));
    br_sha256_out(&sha256, hash);
    assert_false(judge(&wish)->is_own); /* nobody asked for it */
    a.allow_leaf = 1;
    const pop_anchor *one = judge(&wish);
    assert_true(one->is_own && pop_anchor_is_own(one));
    assert_memory_equal(one->own_cert, hash, sizeof hash);
    size_t size = pop_anchor_size(one);
    a.allow_leaf = 0;
    wish.no_ca = 0;
    assert_int_equal(pop_anchor_size(judge(&wish)) + POPCL_OWN_CERT_LEN, size);
    a.allow_leaf = 1;
    assert_true(judge(&wish)->is_own); /* an authority too: `openssl req -x509` makes such */
    assert_int_equal(entry_of(&a.list[0]).flags, POPCL_ANCHOR_CA);
    assert_true(judge(&(cert_wish){.name = "localhost", .version = 1})->is_own);
    assert_false(judge(&(cert_wish){.name = "Some Root"})->is_own); /* no host's */
    assert_false(judge(&(cert_wish){.name = ""})->is_own);
    assert_false(judge(&(cert_wish){.name = "a.example",
                                    .more = {{17, 0,
                                              "\x30\x0B\x82\x09"
                                              "a.example",
                                              13}}})
                     ->is_own);
    assert_false(judge(&(cert_wish){.name = "a.example", .not_after = "210101000000Z"})->is_own);
}

#define EXTENSION(id, critical, value) .more = {{id, critical, value, sizeof(value) - 1}}

static void what_would_be_lost(void **state) { /* [H13] */
    (void)state;
    for (unsigned char critical = 0; critical < 2; critical++) {
        /* excluded: com */
        JUDGED(NAME_CONSTRAINTS,
               EXTENSION(30, critical, "\x30\x09\xA1\x07\x30\x05\x82\x03\x63\x6f\x6d"));
        JUDGED(POLICY_CONSTRAINTS, EXTENSION(36, critical, "\x30\x03\x80\x01\x00"));
        JUDGED(POLICY_CONSTRAINTS, EXTENSION(54, critical, "\x02\x01\x00"));
        JUDGED(SERVER_AUTH,
               EXTENSION(37, critical, "\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x02"));
        JUDGED(USABLE, EXTENSION(37, critical, "\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x01"));
        JUDGED(USABLE, EXTENSION(37, critical, "\x30\x06\x06\x04\x55\x1D\x25\x00"));
        JUDGED(USABLE, EXTENSION(32, critical, "\x30\x06\x30\x04\x06\x02\x2A\x03"));
    }
    JUDGED(CRITICAL, EXTENSION(0, 1, "\x05"));
    JUDGED(USABLE, EXTENSION(0, 0, "\x05"));
    JUDGED(CRITICAL, EXTENSION(14, 1, "\x04\x02\x01\x02"));
    JUDGED(USABLE, EXTENSION(14, 0, "\x04\x02\x01\x02"));
    JUDGED(POLICY_CONSTRAINTS, EXTENSION(33, 1, "\x30\x00"));
    JUDGED(USABLE, EXTENSION(33, 0, "\x30\x00"));
    JUDGED(BAD_DER, .usage = 0x06, EXTENSION(15, 1, "\x03\x02\x01\x06"));
    JUDGED(BAD_DER, .more = {{0, 0, "\x05", 1}, {14, 0, "\x04", 2}, {0, 0, "\x05", 1}});
}

/* Limits of DNS names alone go into the entry, and any other limit of names refuses. */
static void limits_to_dns_names_are_carried(void **state) { /* [H13] */
    (void)state;
    for (unsigned char critical = 0; critical < 2; critical++) {
        JUDGED(USABLE, EXTENSION(30, critical,
                                 "\x30\x16\xA0\x14\x30\x05\x82\x03.gr\x30\x0b\x82\x09"
                                 "b.example"));
        popcl_entry e = entry_of(&a.list[0]);
        assert_int_equal(e.flags, POPCL_ANCHOR_CA | POPCL_ANCHOR_LIMITED);
        assert_int_equal(e.names_len, 14);
        assert_memory_equal(e.names, "\3.gr\11b.example", 14);
    }
#define REFUSED(value) JUDGED(NAME_CONSTRAINTS, EXTENSION(30, 1, value))
    REFUSED("\x30\x00");
    REFUSED("\x30\x02\xA0\x00");
    REFUSED("\x31\x08\xA0\x06\x30\x04\x82\x02gr");
    REFUSED("\x30\x08\xA0\x06\x30\x04\x81\x02gr");                           /* of mail */
    REFUSED("\x30\x08\xA0\x06\x30\x04\x86\x02gr");                           /* a URI */
    REFUSED("\x30\x06\xA0\x04\x30\x02\xA4\x00");                             /* a directory */
    REFUSED("\x30\x0E\xA0\x0C\x30\x0A\x87\x08\x0A\0\0\0\xFF\0\0\0");         /* addresses */
    REFUSED("\x30\x0E\xA0\x0C\x30\x04\x82\x02gr\x30\x04\x81\x02gr");         /* and mail */
    REFUSED("\x30\x10\xA0\x06\x30\x04\x82\x02gr\xA1\x06\x30\x04\x82\x02xx"); /* and excluded */
    REFUSED("\x30\x0B\xA0\x09\x30\x07\x82\x02gr\x80\x01\0");                 /* with a minimum */
    REFUSED("\x30\x0B\xA0\x09\x30\x07\x82\x02gr\x81\x01\1");                 /* with a maximum */
    REFUSED("\x30\x08\xA0\x06\x30\x04\x82\x02g!");
    REFUSED("\x30\x08\xA0\x06\x30\x04\x82\x02g\0");
    REFUSED("\x30\x08\xA0\x06\x30\x04\x82\x02g.");
    REFUSED("\x30\x08\xA0\x06\x30\x04\x82\x02gr\0");
    REFUSED("\x30\x08\xA0\x06\x30\x04\x82\x03gr");
    JUDGED(USABLE, EXTENSION(30, 1, "\x30\x06\xA0\x04\x30\x02\x82\x00")); /* any name */
    a.allow_leaf = 1; /* a server has nothing to limit */
    JUDGED(USABLE, .no_ca = 1, EXTENSION(30, 0, "\x30\x08\xA0\x06\x30\x04\x82\x02gr"));
    assert_int_equal(entry_of(&a.list[0]).flags, 0);
}

/* Limits without room in an entry are not cut, but refused. */
static void limits_have_a_room(void **state) {
    char value[300] = "\x30\x82\0\0\xA0\x82\0\0";
    (void)state;
    for (unsigned bases = 1; bases < 4; bases++)
        for (unsigned len = 20; len < 40; len++) {
            size_t n = 8;
            for (unsigned i = 0; i < bases; i++) {
                value[n++] = 0x30, value[n++] = (char)(len + 2);
                value[n++] = (char)0x82, value[n++] = (char)len;
                memset(value + n, 'x', len);
                n += len;
            }
            size_t from = n - 8 < 0x80 ? 4 : n - 8 < 0x100 ? 2 : 0;
            value[from] = 0x30; /* as short as DER wants its lengths */
            value[from + 1] = (char)(from == 4 ? n - 6 : 0x81);
            value[4] = (char)0xA0;
            if (from == 4) {
                value[4] = 0x30, value[5] = (char)(n - 6), value[6] = (char)0xA0;
                value[7] = (char)(n - 8);
            } else {
                value[2] = 0x30, value[3] = (char)0x81, value[4] = (char)(n - 5);
                value[5] = (char)0xA0, value[6] = (char)0x81, value[7] = (char)(n - 8);
            }
            cert_wish wish = {.rsa_bits = 4096, .more = {{30, 1, value + from, n - from}}};
            size_t names = bases * (1 + len);
            int fits = 12 + 512 + 3 + names <= POPCL_ANCHOR_ROOM;
            is_judged(&wish, fits ? POP_ANCHOR_USABLE : POP_ANCHOR_NAME_CONSTRAINTS);
            if (fits) assert_int_equal(entry_of(&a.list[0]).names_len, names);
        }
}

static void path_lengths_are_kept(void **state) { /* [H13] */
    (void)state;
    assert_int_equal(judge(&(cert_wish){.path_len = 0})->path_len, POPCL_PATH_ANY);
    assert_int_equal(judge(&(cert_wish){.path_len = 1})->path_len, 0);
    assert_int_equal(judge(&(cert_wish){.path_len = 128})->path_len, 127);
    JUDGED(BAD_DER, .path_len = 129); /* a negative INTEGER */
}

static void names_have_a_limit(void **state) { /* [H16] */
    static char name[1100];
    size_t fits = POP_ANCHOR_NAME_MAX - 21; /* tags and lengths around one attribute of that size */
    (void)state;
    memset(name, 'n', sizeof name);
    name[fits] = '\0';
    JUDGED(USABLE, .name = name);
    name[fits] = 'n';
    name[fits + 1] = '\0';
    JUDGED(NAME_LONG, .name = name);
    memset(name, '\n', 300);
    name[300] = '\0';
    JUDGED(USABLE, .name = name); /* as text it is cut */
    assert_string_equal(a.list[0].subject + strlen(a.list[0].subject) - 7, "\\x0a...");
}

static void time_decides(void **state) { /* [H11 J3] */
    (void)state;
    JUDGED(EXPIRED, .not_after = "251231235959Z");
    JUDGED(USABLE, .not_after = "99991231235959Z");
    assert_int_equal(a.list[0].not_after, INT64_C(253402300799));
    /* not valid yet, above 2^32 s: kept */
    JUDGED(USABLE, .not_before = "21060207062816Z", .not_after = "21500101000000Z");
    assert_int_equal(a.list[0].not_before, INT64_C(4294967296));
    JUDGED(BAD_DER, .not_after = "2601010000Z");
    JUDGED(BAD_DER, .not_after = "260101000000+0000");
    JUDGED(BAD_DER, .not_after = "261301000000Z");
    JUDGED(BAD_DER, .not_after = "260229000000Z");
    JUDGED(BAD_DER, .not_after = "2601010000 0Z");
    a.min_s = 30 * 86400;
    JUDGED(EXPIRES_SOON, .not_after = "261202000000Z");
    JUDGED(USABLE, .not_after = "270202000000Z");
    a.utc_s = -1; /* unknown: then nothing has expired */
    JUDGED(USABLE, .not_after = "251231235959Z");
}

/* ---- damage ---- */

static void cut_at_every_octet(void **state) { /* [H18 D11] */
    static unsigned char der[CERT_MAX];
    (void)state;
    size_t n = make_cert(der, &(cert_wish){.key = KEY_P256, .usage = 6, .path_len = 2});
    for (size_t cut = 0; cut < n; cut += (size_t)stride()) {
        unsigned char *exact = malloc(cut ? cut : 1);
        memcpy(exact, der, cut);
        again();
        assert_int_equal(pop_anchors_read(&a, "t", exact, cut), 0);
        assert_int_equal(a.len, cut < 2 ? 0 : 1);
        if (a.len) assert_int_equal(a.list[0].finding, POP_ANCHOR_BAD_DER);
        free(exact);
    }
    der[n] = 0;
    again();
    assert_int_equal(pop_anchors_read(&a, "t", der, n + 1), 0);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_BAD_DER);
}

/* Whatever octet is changed, to whatever: no crash, and what is still an anchor is one of
 * BearSSL's. */
static void every_octet_changed(void **state) {
    static unsigned char der[CERT_MAX];
    (void)state;
    size_t n = make_cert(
        der, &(cert_wish){.key = KEY_P256, .usage = 6, .path_len = 2, .organization = "Org"});
    for (size_t at = 2; at < n; at += (size_t)stride()) {
        unsigned char was = der[at];
        for (unsigned bit = 0; bit<8; bit += bit> 1 ? 5 : 1) { /* 0, 1, 2, 7 */
            der[at] = (unsigned char)(was ^ 1u << bit);
            again();
            assert_int_equal(pop_anchors_read(&a, "t", der, n), 0);
            assert_int_equal(a.len, 1);
            if (a.list[0].finding == POP_ANCHOR_USABLE)
                assert_int_equal(entry_of(&a.list[0]).key.key.ec.qlen, 65);
        }
        der[at] = was;
    }
}

static void nothing_in_it(void **state) { /* [H1 H2] */
    (void)state;
    read_text("");
    read_text("\xEF\xBB\xBF");
    read_text("hello\nworld\n-----BEG CERTIFICATE-----\n");
    read_text("0");
    assert_int_equal(a.len, 0);
}

static void a_block_without_an_end(void **state) { /* [H4] */
    (void)state;
    char *text = PEM(.name = "One");
    *strstr(text, "-----END") = '\0';
    read_around("a comment\n\n", text, "");
    assert_int_equal(a.len, 1);
    found(0, POP_ANCHOR_NO_END, 3);
    again();
    read_around(text, PEM(.name = "Two"), ""); /* the next block is read all the same */
    assert_int_equal(a.len, 2);
    found(0, POP_ANCHOR_NO_END, 1);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_USABLE);
    again();
    read_around(text, "-----END X-----\n", PEM(.name = "Two"));
    found(0, POP_ANCHOR_NO_END, 1);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_USABLE);
    again();
    read_text("x\n-----BEGIN CERTIFICATE\n");
    found(0, POP_ANCHOR_BAD_BEGIN, 2);
    again();
    read_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"); /* one that would be skipped, too */
    found(0, POP_ANCHOR_NO_END, 1);
}

static void bad_base64(void **state) { /* [H5] */
    static const char *const bad[] = {"AAAA\nAA!A\n",       "AAAA\nA\xC3\xA4\n", "AAAA\nAA=A\n",
                                      "AAAA\nAA==\nAAAA\n", "AAAA\nAAB=\n",      "AAAA\n====\n",
                                      "AAAA\nA-AA\n"};
    char text[200];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        again();
        (void)snprintf(text, sizeof text,
                       "-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n", bad[i]);
        read_text(text);
        assert_int_equal(a.len, 1);
        found(0, POP_ANCHOR_BAD_BASE64, i == 3 ? 4 : 3);
    }
    again();
    /* seen at the END line */
    read_text("-----BEGIN CERTIFICATE-----\nAAAA\nAAA\n-----END CERTIFICATE-----\n");
    found(0, POP_ANCHOR_BAD_BASE64, 4);
    again();
    read_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    found(0, POP_ANCHOR_BAD_DER, 1);
}

/* ---- PEM as people have it ---- */

/* Every LF as CRLF, or as CR. */
static void with_line_ends(const char *text, const char *ends) {
    static char out[4 * CERT_MAX];
    size_t n = 0;
    for (; *text; text++) {
        if (*text != '\n') out[n++] = *text;
        for (const char *e = ends; *text == '\n' && *e; e++)
            out[n++] = *e;
    }
    out[n] = '\0';
    again();
    read_text(out);
    assert_int_equal(a.len, 2);
    found(0, POP_ANCHOR_USABLE, 3);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_USABLE);
}

static void odd_but_whole(void **state) { /* [H6] */
    static char two[6 * CERT_MAX];
    (void)state;
    (void)snprintf(
        two, sizeof two,
        "\xEF\xBB\xBF# comment\nsubject=/CN=x\n%s\nmore text -----BEGIN CERTIFICATE-----\n%s",
        PEM(.name = "One"), PEM(.name = "Two"));
    with_line_ends(two, "\n");
    with_line_ends(two, "\r\n");
    with_line_ends(two, "\r");
    with_line_ends(two, " \t\n  ");
    again();
    two[strlen(two) - 1] = '\0'; /* without the last line end */
    read_text(two);
    assert_int_equal(pop_anchors_count(&a, POP_ANCHOR_KEPT), 2);
}

static void any_width_of_lines(void **state) { /* [H6] */
    (void)state;
    const char *block = PEM(.name = "One"), *from = strchr(block, '\n') + 1,
               *behind = strstr(block, "-----END");
    for (unsigned width = 1; width < 200; width += width < 10 ? 1 : 37) {
        static char text[4 * CERT_MAX];
        size_t n = (size_t)sprintf(text, "-----BEGIN X509 CERTIFICATE-----\n"), column = 0;
        for (const char *c = from; c < behind; c++) {
            if (*c == '\n') continue;
            text[n++] = *c;
            if (++column % width == 0) text[n++] = '\n';
        }
        (void)strcpy(text + n, "\n-----END X509 CERTIFICATE-----");
        again();
        read_text(text);
        assert_int_equal(a.len, 1);
        assert_int_equal(a.list[0].finding, POP_ANCHOR_USABLE);
    }
}

static void other_blocks_are_passed_over(void **state) { /* [H6] */
    static char text[8 * CERT_MAX];
    static const unsigned char key[] = "\x30\x10 secret octets of a key";
    static const struct {
        const char *label;
        pop_anchor_finding finding;
    } rows[] = {{"PRIVATE KEY", POP_ANCHOR_PRIVATE_KEY},
                {"RSA PRIVATE KEY", POP_ANCHOR_PRIVATE_KEY},
                {"ENCRYPTED PRIVATE KEY", POP_ANCHOR_PRIVATE_KEY},
                {"X509 CRL", POP_ANCHOR_OTHER},
                {"TRUSTED CERTIFICATE", POP_ANCHOR_TRUSTED},
                {"PKCS7", POP_ANCHOR_OTHER},
                {"certificate", POP_ANCHOR_OTHER}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = make_block(text, key, sizeof key, "X");
        (void)sprintf(text + n,
                      "-----BEGIN %s-----\nProc-Type: 4,ENCRYPTED\n\n%s\n-----END %s-----\n",
                      rows[i].label, "c2VjcmV0", rows[i].label);
        again();
        read_around(PEM(.name = "One"), text, PEM(.name = "Two"));
        assert_int_equal(a.len, 4);
        assert_int_equal(a.list[1].finding, POP_ANCHOR_OTHER);
        assert_int_equal(a.list[2].finding, rows[i].finding);
        assert_int_equal(pop_anchor_kind_of(a.list[2].finding), POP_ANCHOR_SKIPPED);
        assert_string_equal(a.list[2].subject, rows[i].label);
        assert_null(a.list[2].der);
        assert_int_equal(pop_anchors_count(&a, POP_ANCHOR_KEPT), 2);
    }
}

/* ---- what is the same ---- */

static void the_same_certificate_twice(void **state) { /* [H8] */
    (void)state;
    const char *one = PEM(.name = "One");
    read_around(one, one, PEM(.name = "Two"));
    assert_int_equal(pop_anchors_merge(&a), 0);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_USABLE);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_REPEATED);
    assert_int_equal(a.list[2].finding, POP_ANCHOR_USABLE);
}

static void one_name_two_keys(void **state) { /* [H9] */
    (void)state;
    read_around(PEM(.key_number = 1), PEM(.key_number = 2), PEM(.key = KEY_P256));
    assert_int_equal(pop_anchors_merge(&a), 0);
    assert_int_equal(pop_anchors_count(&a, POP_ANCHOR_KEPT), 3);
}

static void one_name_one_key_two_certificates(void **state) { /* [H10] */
    (void)state;
    read_around(PEM(.serial = 1, .path_len = 4),
                PEM(.serial = 2, .not_after = "450101000000Z", .path_len = 2),
                PEM(.serial = 3, .not_after = "410101000000Z"));
    assert_int_equal(pop_anchors_merge(&a), 0);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_SAME_KEY);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_USABLE); /* valid longest */
    assert_int_equal(a.list[2].finding, POP_ANCHOR_SAME_KEY);
    assert_int_equal(a.list[1].path_len, POPCL_PATH_ANY); /* one of them allows any path */
    assert_int_equal(entry_of(&a.list[1]).path_len, POPCL_PATH_ANY);
}

/* Each vouches for its own names, so none of them is left out. */
static void one_name_one_key_several_limits(void **state) { /* [H10] */
    static const char gr[] = "\x30\x08\xA0\x06\x30\x04\x82\x02gr",
                      eu[] = "\x30\x08\xA0\x06\x30\x04\x82\x02"
                             "eu";
    (void)state;
    read_around(PEM(.serial = 1, .more = {{30, 1, gr, 10}}),
                PEM(.serial = 2, .more = {{30, 1, eu, 10}}), PEM(.serial = 3));
    read_text(PEM(.serial = 4, .more = {{30, 1, gr, 10}}, .not_after = "450101000000Z"));
    assert_int_equal(pop_anchors_merge(&a), 0);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_SAME_KEY);
    assert_int_equal(pop_anchors_count(&a, POP_ANCHOR_KEPT), 3);
}

static void what_is_refused_takes_nothing_with_it(void **state) { /* [H10 H11] */
    (void)state;
    read_around(PEM(.serial = 1, .not_after = "250101000000Z"), PEM(.serial = 2),
                PEM(.serial = 3, .usage = 0x80, .not_after = "450101000000Z"));
    assert_int_equal(pop_anchors_merge(&a), 0);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_EXPIRED);
    assert_int_equal(a.list[1].finding, POP_ANCHOR_USABLE);
    assert_int_equal(a.list[2].finding, POP_ANCHOR_CERT_SIGN);
}

static void texts_only_where_wanted(void **state) {
    (void)state;
    a.details = 0;
    read_text(PEM(.name = "One"));
    assert_int_equal(a.list[0].finding, POP_ANCHOR_USABLE);
    assert_null(a.list[0].subject);
    assert_null(a.list[0].der);
}

/* ---- time as text ---- */

static void times_are_read_and_written(void **state) { /* [J3] */
    static const struct {
        const char *text, *written;
        int64_t utc_s;
    } rows[] = {{"1970-01-01T00:00:00Z", NULL, 0},
                {"2026-11-25", "2026-11-25T00:00:00Z", INT64_C(1795564800)},
                {"2026-11-25T12:00:00.75+01:30", "2026-11-25T10:30:00Z", INT64_C(1795602600)},
                {"2026-11-25 12:00:00z", "2026-11-25T12:00:00Z", INT64_C(1795608000)},
                {"2038-01-19T03:14:08Z", NULL, INT64_C(2147483648)},
                {"2106-02-07T06:28:16Z", NULL, INT64_C(4294967296)},
                {"2000-02-29T23:59:60Z", "2000-03-01T00:00:00Z", INT64_C(951868800)},
                {"0000-01-01T00:00:00Z", NULL, INT64_C(-62167219200)},
                {"9999-12-31T23:59:59Z", NULL, INT64_C(253402300799)}};
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-25T",
                                      "2026-11-25T12:00Z",
                                      "2026-11-25T12:00:00",
                                      "2026-13-01",
                                      "2026-02-29",
                                      "2100-02-29",
                                      "2026-11-25T24:00:00Z",
                                      "2026-11-25T12:00:00Zx",
                                      "2026-11-25T12:00:00.Z",
                                      "26-11-25",
                                      "now",
                                      "2026-11-25T12:00:00+1:00"};
    char text[POP_UTC_TEXT];
    int64_t utc_s = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(pop_utc_read(rows[i].text, &utc_s), 0);
        assert_int_equal(utc_s, rows[i].utc_s);
        pop_utc_text(utc_s, text);
        assert_string_equal(text, rows[i].written ? rows[i].written : rows[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pop_utc_read(bad[i], &utc_s) == 0) fail_msg("\"%s\" is taken", bad[i]);
    for (int64_t t = INT64_C(-62167219200); t <= INT64_C(253402300799);
         t += (INT64_C(86400) * 13 + 3607) * stride()) {
        pop_utc_text(t, text);
        assert_int_equal(pop_utc_read(text, &utc_s), 0);
        assert_int_equal(utc_s, t);
    }
    pop_utc_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    pop_utc_text(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static int every_block(const char *label) { return label[0] != '\0'; }

/* A group of four characters fills across lines, and all its octets come with the last: short lines
 * are no reason to write behind the memory. */
static void base64_in_lines_of_any_width_keeps_to_its_memory(void **state) {
    enum { CHARS = 4 * 1400, ROOM = 2 * CHARS + 100 };
    static char text[ROOM];
    (void)state;
    for (size_t width = 1; width <= 9; width++) {
        /* 4096 octets are the first room */
        for (size_t chars = 4 * 1360; chars <= CHARS; chars += 4) {
            size_t n = (size_t)snprintf(text, sizeof text, "-----BEGIN X-----\n");
            for (size_t i = 1; i <= chars; i++) {
                text[n++] = 'A';
                if (i % width == 0 || i == chars) text[n++] = '\n';
            }
            n += (size_t)snprintf(text + n, sizeof text - n, "-----END X-----\n");
            pop_pem p = {.at = (const unsigned char *)text, .left = n};
            assert_int_equal(pop_pem_next(&p, every_block), POP_PEM_WHOLE);
            assert_int_equal(p.octets_len, chars / 4 * 3);
            assert_true(p.octets_len <= p.octets_room);
            pop_pem_done(&p);
        }
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_root_becomes_an_anchor),
        TEST(keys_that_bearssl_has),
        TEST(keys_that_it_does_not_have),
        TEST(what_is_no_authority),
        TEST(a_leaf_is_trusted_directly_where_that_is_allowed),
        TEST(a_servers_own_without_a_subject_alt_name_is_told_apart),
        TEST(what_would_be_lost),
        TEST(limits_to_dns_names_are_carried),
        TEST(limits_have_a_room),
        TEST(path_lengths_are_kept),
        TEST(names_have_a_limit),
        TEST(time_decides),
        TEST(base64_in_lines_of_any_width_keeps_to_its_memory),
        TEST(cut_at_every_octet),
        TEST(every_octet_changed),
        TEST(nothing_in_it),
        TEST(a_block_without_an_end),
        TEST(bad_base64),
        TEST(odd_but_whole),
        TEST(any_width_of_lines),
        TEST(other_blocks_are_passed_over),
        TEST(the_same_certificate_twice),
        TEST(one_name_two_keys),
        TEST(one_name_one_key_two_certificates),
        TEST(one_name_one_key_several_limits),
        TEST(what_is_refused_takes_nothing_with_it),
        TEST(texts_only_where_wanted),
        TEST(times_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
