/* SPDX-License-Identifier: MIT */
/* test_blob - signed sets of trust (popcl_blob.h): a golden one of openssl's, every bit and cut,
 * every field at its edges, places that fail or change at every call, and the verdicts on
 * certificates that follow from one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/profile.h"
#include "golden_blob.h"
#include "make_blob.h"
#include "make_cert.h"
#include "pki.h"
#include "stride.h"

#define DAY       86400
#define FLOOR_S   POPCL_CLOCK_FLOOR_S
#define LAST_S    INT64_C(253402300799) /* 9999-12-31 */
#define AS_PINS   const unsigned char(*)[POPCL_PIN_LEN]
#define HEAD_BITS (POPCL_BLOB_HEAD * 8)

enum { ROWS_MOST = 3 * 65535, ROOM = 4000 };

static unsigned char octets[ROOM];
static size_t len;
static blob_place place;
static blob_wish wish;
static popcl_blob_policy policy;
static popcl_blob blob;

/* Three anchors, of which two have one name; a pin; a denied key. */
static popcl_anchor anchors[3];
static const unsigned char other_entry[] = "\27\1\377\0\0\101 a point of no use",
                           third_entry[] = "\1";
static blob_pin pin;
static unsigned char denied[1][POPCL_PIN_LEN];

static void make(void) {
    len = blob_make(octets, &wish);
    assert_true(len <= sizeof octets);
    place = (blob_place){.octets = octets, .len = len};
}

static int begin(void **state) {
    (void)state;
    anchors[0] = *pki_anchor();
    anchors[1] = (popcl_anchor){.entry = other_entry, .entry_len = sizeof other_entry};
    memcpy(anchors[1].name, pki_anchor()->name, sizeof anchors[1].name);
    anchors[2] = (popcl_anchor){"another", third_entry, sizeof third_entry};
    memcpy(pin.hash, pki_pin(), sizeof pin.hash);
    pin.from = 0;
    pin.until = 65535;
    memset(denied, 0xd, sizeof denied);
    wish = (blob_wish){.sequence = 7,
                       .floor = 5,
                       .made_s = FLOOR_S,
                       .stale_s = FLOOR_S + 1000,
                       .anchors = anchors,
                       .anchors_len = 3,
                       .pins = &pin,
                       .pins_len = 1,
                       .denied = (AS_PINS)denied,
                       .denied_len = 1};
    policy = blob_policy();
    make();
    return 0;
}

static popcl_err opened(void) {
    static const popcl_blob zero;
    memset(&blob, 0xa5, sizeof blob);
    place.calls = 0;
    popcl_err e = popcl_blob_open(&blob, &policy, blob_place_read, &place, (uint32_t)place.len);
    if (e) assert_memory_equal(&blob, &zero, sizeof zero);
    return e;
}

static popcl_err made(void) {
    make();
    return opened();
}

static popcl_err sealed(void) {
    blob_seal(octets, wish.key);
    return opened();
}

/* The nth entry of a name; the room is exact. */
static popcl_err found(const popcl_anchor *a, unsigned nth, const unsigned char **entry,
                       size_t *entry_len) {
    static unsigned char *room;
    free(room);
    room = malloc(POPCL_ANCHOR_ROOM);
    assert_non_null(room);
    return blob.trust.find(&blob.trust, a->name, nth, room, entry, entry_len);
}

static void check_found(const popcl_anchor *name, unsigned nth, const popcl_anchor *want) {
    const unsigned char *entry;
    size_t n;
    assert_int_equal(found(name, nth, &entry, &n), POPCL_OK);
    if (!want) {
        assert_null(entry);
        return;
    }
    assert_non_null(entry);
    assert_int_equal(n, want->entry_len);
    assert_memory_equal(entry, want->entry, n);
}

static popcl_err looked_up(const unsigned char *hash, int64_t utc_s, unsigned *is) {
    *is = 0;
    return blob.trust.key(&blob.trust, hash, utc_s, is);
}

static unsigned key_is(const unsigned char *hash, int64_t utc_s) {
    unsigned is;
    assert_int_equal(looked_up(hash, utc_s, &is), POPCL_OK);
    return is;
}

/* ---- right ones ---- */

static void a_set_that_openssl_signed(void **state) { /* [H23] */
    static const struct {
        const char *name;
        unsigned kind;
        size_t n;
    } roots[] = {{"a root with RSA", 1, 12 + 256 + 3},
                 {"a root with P-256", 23, 12 + 65},
                 {"a root with P-384", 24, 12 + 97}};
    (void)state;
    policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])(const void *)golden_keys;
    policy.keys_len = 2;
    policy.scope = "golden device";
    place = (blob_place){.octets = golden_blob, .len = sizeof golden_blob};
    assert_int_equal(opened(), POPCL_OK);
    assert_int_equal(blob.len, sizeof golden_blob);
    assert_int_equal(blob.sequence, 7);
    assert_int_equal(blob.floor, 5);
    assert_int_equal(blob.retired, 1);
    assert_int_equal(blob.made_s, 1767225600);
    assert_int_equal(blob.stale_s, 1893456000);
    assert_int_equal(blob.anchors, 3);
    assert_int_equal(blob.pins, 1);
    assert_int_equal(blob.denied, 1);
    assert_int_equal(blob.key, 1);
    assert_int_equal(blob.trust.sequence, 7);
    assert_int_equal(blob.trust.clock_floor_s, 1767225600);
    assert_int_equal(blob.trust.key_pins, 1);
    assert_memory_equal(blob.trust.set, golden_blob + 72, POPCL_SET_LEN);
    assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
    for (size_t i = 0; i < 3; i++) {
        popcl_anchor a = {.name = {0}};
        unsigned char hash[32];
        const unsigned char *entry;
        size_t n;
        br_sha256_context h;
        br_sha256_init(&h);
        br_sha256_update(&h, roots[i].name, strlen(roots[i].name));
        br_sha256_out(&h, hash);
        memcpy(a.name, hash, sizeof a.name);
        assert_int_equal(found(&a, 0, &entry, &n), POPCL_OK);
        assert_int_equal(n, roots[i].n);
        assert_int_equal(entry[0], roots[i].kind);
        check_found(&a, 1, NULL);
    }
    unsigned char hash[2][32];
    for (int i = 0; i < 2; i++) {
        const char *text = i ? "a denied key" : "a pin";
        br_sha256_context h;
        br_sha256_init(&h);
        br_sha256_update(&h, text, strlen(text));
        br_sha256_out(&h, hash[i]);
    }
    assert_int_equal(key_is(hash[0], FLOOR_S), POPCL_KEY_PINNED);
    assert_int_equal(key_is(hash[0], FLOOR_S - 1), 0);
    assert_int_equal(key_is(hash[1], FLOOR_S), POPCL_KEY_DENIED);
}

/* Every profile has the check of the signature. */
static void every_profile_opens_it(void **state) {
    static const popcl_tls_profile *const profiles[] = {
        &popcl_tls_public, &popcl_tls_small, &popcl_tls_ecdsa, &popcl_tls_pinned, &popcl_tls_host};
    (void)state;
    for (int has_anchors = 1; has_anchors >= 0; has_anchors--) {
        wish.anchors_len = has_anchors ? 3 : 0;
        make();
        for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
            int is_of_use = profiles[i] != &popcl_tls_pinned || !has_anchors;
            policy.profile = profiles[i];
            assert_int_equal(opened(), is_of_use ? POPCL_OK : POPCL_ERR_BLOB_PROFILE);
            octets[110] ^= 1;
            assert_int_equal(opened(),
                             is_of_use ? POPCL_ERR_BLOB_SIGNATURE : POPCL_ERR_BLOB_PROFILE);
            octets[110] ^= 1;
        }
    }
}

/* A header alone: the same verdicts, and nothing but the header is read. */
static void a_head_is_judged_alone(void **state) { /* [H23 H24] */
    static const popcl_blob zero;
    popcl_blob head;
    (void)state;
    assert_int_equal(opened(), POPCL_OK);
    place.len = POPCL_BLOB_HEAD; /* the place aborts if more is read */
    memset(&head, 0xa5, sizeof head);
    assert_int_equal(popcl_blob_judge_head(&head, &policy, blob_place_read, &place, (uint32_t)len),
                     POPCL_OK);
    assert_int_equal(head.len, len);
    assert_int_equal(head.sequence, 7);
    assert_int_equal(head.floor, 5);
    assert_int_equal(head.made_s, FLOOR_S);
    assert_int_equal(head.stale_s, FLOOR_S + 1000);
    assert_int_equal(head.anchors, 3);
    assert_int_equal(head.pins, 1);
    assert_int_equal(head.denied, 1);
    assert_int_equal(head.key, 0);
    assert_memory_equal(&head.trust, &zero.trust, sizeof zero.trust);
    for (unsigned bit = 0; bit < HEAD_BITS; bit += (unsigned)stride()) {
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
        place.len = len;
        popcl_err e = opened(), of_head;
        place.len = POPCL_BLOB_HEAD;
        of_head = popcl_blob_judge_head(&head, &policy, blob_place_read, &place, (uint32_t)len);
        assert_int_equal(of_head, e);
        assert_memory_equal(&head, &zero, sizeof zero);
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(
        popcl_blob_judge_head(&head, &policy, blob_place_read, &place, (uint32_t)len - 1),
        POPCL_ERR_BLOB_DAMAGED);
    for (unsigned call = 1; call <= 3; call++) { /* of 64 bytes each */
        place.calls = 0;
        place.fails_at = call;
        assert_int_equal(
            popcl_blob_judge_head(&head, &policy, blob_place_read, &place, (uint32_t)len),
            POPCL_ERR_BLOB_READ);
        assert_memory_equal(&head, &zero, sizeof zero);
    }
}

/* Anchors of which the profile can use none would refuse every server: check finds that. */
static void anchors_that_are_of_no_use(void **state) { /* [H23] */
    unsigned char rsa[12 + 256 + 3] = {1, 1, 255, 3, 1, 0, 0, 0, 255, 255, 0, 0, 0x80},
                                 p256[12 + 65] = {23, 1, 255, 0, 0, 65, 0, 0, 255, 255, 0, 0, 4},
                                 p521[12 + 133] = {25, 1, 255, 0, 0, 133, 0, 0, 255, 255, 0, 0, 4},
                                 weak[12 + 128 + 1] = {1, 1,   255, 1, 0, 128, 0,
                                                       0, 255, 255, 0, 0, 0x80},
                                 newer[12 + 65] = {23, 0x81, 255, 0, 0, 65, 0,
                                                   0,  255,  255, 0, 0, 4};
    rsa[12 + 255] = rsa[12 + 256 + 2] = rsa[12 + 256] = 1;
    weak[12 + 127] = 1, weak[12 + 128] = 3;
    const struct {
        const popcl_tls_profile *profile;
        const unsigned char *entry;
        size_t n;
        popcl_err want;
    } rows[] = {
        {&popcl_tls_ecdsa, rsa, sizeof rsa, POPCL_ERR_BLOB_PROFILE},
        {&popcl_tls_ecdsa, p256, sizeof p256, POPCL_OK},
        {&popcl_tls_small, rsa, sizeof rsa, POPCL_OK},
        {&popcl_tls_small, p521, sizeof p521, POPCL_ERR_BLOB_PROFILE},
        {&popcl_tls_host, p521, sizeof p521, POPCL_OK},
        {&popcl_tls_host, weak, sizeof weak, POPCL_ERR_BLOB_PROFILE},
        {&popcl_tls_host, newer, sizeof newer, POPCL_ERR_BLOB_PROFILE},
        {&popcl_tls_host, p256, sizeof p256 - 1, POPCL_ERR_BLOB_PROFILE},
    };
    (void)state;
    wish.anchors_len = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        popcl_anchor two[2] = {{"one", rows[i].entry, (uint16_t)rows[i].n},
                               {"two", p256, sizeof p256}};
        policy.profile = rows[i].profile;
        wish.anchors = two;
        wish.anchors_len = 1;
        assert_int_equal(made(), POPCL_OK);
        popcl_err e = popcl_blob_check(&blob);
        if (e != rows[i].want) fail_msg("row %zu: %s", i, popcl_err_name(e));
        wish.anchors_len = 2; /* one of two is enough */
        assert_int_equal(made(), POPCL_OK);
        assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
        octets[len - 1] ^= 1; /* damage comes first */
        assert_int_equal(popcl_blob_check(&blob), POPCL_ERR_BLOB_DAMAGED);
    }
    wish.anchors_len = 0; /* pins alone, with every profile */
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
}

static void anchors_and_keys_are_found(void **state) {
    unsigned char unknown[POPCL_PIN_LEN] = {1};
    popcl_anchor nobody = {.name = "nobody"};
    (void)state;
    assert_int_equal(opened(), POPCL_OK);
    assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
    /* two of one name, in the order of their digests */
    const unsigned char *entry;
    size_t n;
    assert_int_equal(found(&anchors[0], 0, &entry, &n), POPCL_OK);
    int first = n == anchors[0].entry_len ? 0 : 1;
    check_found(&anchors[0], 0, &anchors[first]);
    check_found(&anchors[0], 1, &anchors[1 - first]);
    check_found(&anchors[0], 2, NULL);
    check_found(&anchors[0], UINT32_MAX, NULL);
    check_found(&anchors[2], 0, &anchors[2]);
    check_found(&anchors[2], 1, NULL);
    check_found(&nobody, 0, NULL);
    /* the hash of a pin's row is no anchor's name, and the name of an anchor no key */
    memcpy(nobody.name, pin.hash, sizeof nobody.name);
    check_found(&nobody, 0, NULL);
    memcpy(unknown, octets + POPCL_BLOB_HEAD, sizeof unknown);
    assert_int_equal(key_is(unknown, FLOOR_S), 0);
    assert_int_equal(key_is(pin.hash, FLOOR_S), POPCL_KEY_PINNED);
    assert_int_equal(key_is(denied[0], FLOOR_S), POPCL_KEY_DENIED);
    /* both */
    memcpy(denied[0], pin.hash, sizeof denied[0]);
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(key_is(pin.hash, FLOOR_S), POPCL_KEY_PINNED | POPCL_KEY_DENIED);
}

/* ---- every octet and every cut ---- */

/* In the header, before and after it was opened. In an entry it costs only that anchor. */
static void a_changed_bit_is_noticed(void **state) { /* [H22 H23] */
    const unsigned char *entry;
    size_t n, index_end = POPCL_BLOB_HEAD + 5 * BLOB_ROW;
    unsigned is;
    (void)state;
    for (size_t bit = 0; bit < 8 * index_end; bit += bit < HEAD_BITS ? (size_t)stride() : 9) {
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
        popcl_err e = opened();
        if (e < POPCL_ERR_BLOB_DAMAGED || e > POPCL_ERR_BLOB_OLD)
            fail_msg("octet %zu: %s", bit / 8, popcl_err_name(e));
        if (bit >= HEAD_BITS) assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(opened(), POPCL_OK);
    for (size_t bit = HEAD_BITS; bit < 8 * len; bit += (size_t)stride()) {
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(popcl_blob_check(&blob), POPCL_ERR_BLOB_DAMAGED);
        unsigned bad = 0;
        for (unsigned i = 0; i < 3; i++) {
            popcl_err e = found(&anchors[i == 2 ? 2 : 0], i == 2 ? 0 : i, &entry, &n);
            assert_int_equal(e == POPCL_OK, entry != NULL);
            bad += e == POPCL_ERR_BLOB_DAMAGED;
        }
        assert_int_equal(bad, bit < 8 * index_end ? 3 : 1);
        assert_int_equal(looked_up(pin.hash, FLOOR_S, &is),
                         bit < 8 * index_end ? POPCL_ERR_BLOB_DAMAGED : POPCL_OK);
        octets[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(opened(), POPCL_OK);
}

static void a_cut_set_is_refused(void **state) { /* [H23] */
    (void)state;
    for (size_t n = 0; n < len; n++) {
        unsigned char *exact = malloc(n ? n : 1);
        assert_non_null(exact);
        memcpy(exact, octets, n);
        place = (blob_place){.octets = exact, .len = n};
        assert_int_equal(opened(), POPCL_ERR_BLOB_DAMAGED);
        free(exact);
    }
    /* octets after its end do not count */
    place = (blob_place){.octets = octets, .len = sizeof octets};
    memset(octets + len, 0xa5, sizeof octets - len);
    assert_int_equal(opened(), POPCL_OK);
    assert_int_equal(blob.len, len);
}

/* ---- fields ---- */

static void set(size_t at, uint64_t value, unsigned n) { blob_put(octets + at, value, n); }

static void lengths(void **state) { /* [H23] */
    (void)state;
    size_t end = POPCL_BLOB_HEAD + 5 * BLOB_ROW, shortest = len;
    static const unsigned row_lens[] = {0, 1, 35, 36, 37, 40, 63, 64, 65, 100, 128, 129, 255};
    for (size_t i = 0; i < sizeof row_lens / sizeof row_lens[0]; i++) {
        wish.row_len = row_lens[i] < BLOB_ROW ? 0 : row_lens[i];
        make();
        if (row_lens[i] < BLOB_ROW) {
            octets[54] = (unsigned char)row_lens[i];
            assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
            continue;
        }
        assert_int_equal(opened(), POPCL_OK);
        assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
        check_found(&anchors[2], 0, &anchors[2]);
        assert_int_equal(key_is(denied[0], 0), POPCL_KEY_DENIED);
        octets[POPCL_BLOB_HEAD + row_lens[i] - 1u] ^= 1; /* also where nothing is known */
        assert_int_equal(opened(), POPCL_ERR_BLOB_DAMAGED);
    }
    wish.row_len = 0;
    make();
    /* longer than the place, shorter than the index; without the last entries */
    const uint64_t lens[] = {0, 1, POPCL_BLOB_HEAD, end - 1, len + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        set(4, lens[i], 4);
        assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
    }
    set(4, shortest - 1, 4);
    assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED); /* the last entry is outside */
    set(4, shortest, 4);
    assert_int_equal(sealed(), POPCL_OK);
    /* more rows than there is room for */
    for (unsigned at = 48; at < 54; at += 2) {
        make();
        set(at, 65535, 2);
        blob_sign(octets, 0);
        assert_int_equal(opened(), POPCL_ERR_BLOB_DAMAGED);
    }
}

static void sets_without_rows(void **state) {
    popcl_tls tls = {.trust = &blob.trust, .utc_s = FLOOR_S};
    (void)state;
    wish.anchors_len = wish.denied_len = 0;
    assert_int_equal(made(), POPCL_OK); /* pins alone */
    assert_null(blob.trust.find);
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_OK);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_OK);
    wish.pins_len = 0;
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(len, POPCL_BLOB_HEAD);
    assert_int_equal(popcl_blob_check(&blob), POPCL_OK);
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_NO_TRUST);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_NO_TRUST);
    wish.denied_len = 1; /* it trusts nobody either */
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_NO_TRUST);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_NO_TRUST);
    wish.denied_len = 0;
    wish.anchors_len = 1;
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(blob.trust.key_pins, 0);
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_OK);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_NO_TRUST);
    wish.pins_len = 1;
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_ARGUMENT);
}

/* As many rows as there can be. */
static void the_largest_index(void **state) {
    size_t rows_len = (size_t)ROWS_MOST * BLOB_ROW, end = POPCL_BLOB_HEAD + rows_len;
    unsigned char *large = calloc(end + sizeof third_entry, 1), hash[32];
    (void)state;
    assert_non_null(large);
    wish.anchors_len = 1;
    wish.anchors = &anchors[2];
    wish.pins_len = wish.denied_len = 0;
    make();
    memcpy(large, octets, POPCL_BLOB_HEAD);
    memcpy(hash, octets + POPCL_BLOB_HEAD + 8, 16); /* of its entry */
    blob_put(large + 4, end + sizeof third_entry, 4);
    memset(large + 48, 0xff, 6);
    for (uint32_t i = 0; i < ROWS_MOST; i++) {
        unsigned char *row = large + POPCL_BLOB_HEAD + (size_t)i * BLOB_ROW;
        blob_put(row + 4, i, 4);
        if (i >= 65535) continue; /* a pin of one day, a denied key */
        memcpy(row + 8, hash, 16);
        blob_put(row + 24, end, 4); /* all have one entry */
        blob_put(row + 28, sizeof third_entry, 2);
    }
    memcpy(large + end, third_entry, sizeof third_entry);
    blob_seal(large, 0);
    place = (blob_place){.octets = large, .len = end + sizeof third_entry};
    assert_int_equal(opened(), POPCL_OK);
    assert_int_equal(popcl_blob_check(&blob), POPCL_ERR_BLOB_PROFILE); /* whole, and of no use */
    static const uint32_t places[] = {0, 1, 65534, 65535};
    for (size_t i = 0; i < 4; i++) {
        popcl_anchor a = {.name = {0}};
        unsigned char key[POPCL_PIN_LEN] = {0};
        blob_put(a.name + 4, places[i], 4);
        check_found(&a, 0, places[i] < 65535 ? &anchors[2] : NULL);
        check_found(&a, 1, NULL);
        blob_put(key + 4, 65535 + places[i], 4);
        assert_int_equal(key_is(key, 0), places[i] < 65535 ? POPCL_KEY_PINNED : POPCL_KEY_DENIED);
        blob_put(key + 4, ROWS_MOST - 1 - places[i], 4);
        assert_int_equal(key_is(key, 0), places[i] < 65535 ? POPCL_KEY_DENIED : POPCL_KEY_PINNED);
    }
    free(large);
}

static void entries_are_inside(void **state) { /* [H23] */
    size_t row = POPCL_BLOB_HEAD, end = row + BLOB_ROW;
    (void)state;
    wish.anchors_len = 1;
    wish.pins_len = wish.denied_len = 0;
    make();
    const struct {
        uint64_t at, n;
        popcl_err want;
    } rows[] = {
        {end, 77, POPCL_OK},
        {end - 1, 77, POPCL_ERR_BLOB_DAMAGED}, /* in the index */
        {0, 77, POPCL_ERR_BLOB_DAMAGED},
        {end + 1, 77, POPCL_ERR_BLOB_DAMAGED},
        {end + 1, 76, POPCL_OK},
        {end, 78, POPCL_ERR_BLOB_DAMAGED},
        {end + 77, 0, POPCL_OK}, /* nothing, at the end */
        {end + 78, 0, POPCL_ERR_BLOB_DAMAGED},
        {UINT32_MAX, 0, POPCL_ERR_BLOB_DAMAGED},
        {UINT32_MAX, 1, POPCL_ERR_BLOB_DAMAGED},
        {UINT32_MAX, 65535, POPCL_ERR_BLOB_DAMAGED},
        {UINT32_MAX - 76, 77, POPCL_ERR_BLOB_DAMAGED},
        {0x80000000, 77, POPCL_ERR_BLOB_DAMAGED},
        {end, 65535, POPCL_ERR_BLOB_DAMAGED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(row + 24, rows[i].at, 4);
        set(row + 28, rows[i].n, 2);
        popcl_err e = sealed();
        if (e != rows[i].want) fail_msg("row %zu: %s", i, popcl_err_name(e));
    }
    /* as long as can be read, and one more */
    set(4, end + POPCL_ANCHOR_ROOM + 1, 4);
    place.len = sizeof octets;
    set(row + 24, end, 4);
    for (unsigned more = 0; more < 2; more++) {
        set(row + 28, POPCL_ANCHOR_ROOM + more, 2);
        assert_int_equal(sealed(), more ? POPCL_ERR_BLOB_DAMAGED : POPCL_OK);
    }
}

/* Entries may lie in each other. */
static void entries_may_overlap(void **state) {
    popcl_anchor inner = {"inner", other_entry + 3, 5};
    (void)state;
    popcl_anchor two[2] = {anchors[1], inner};
    wish.anchors = two;
    wish.anchors_len = 2;
    make();
    for (unsigned i = 0; i < 2; i++) { /* the inner one's row: the place of the outer one and 3 */
        unsigned char *row = octets + POPCL_BLOB_HEAD + i * BLOB_ROW;
        if (memcmp(row, inner.name, 8) == 0)
            blob_put(row + 24, POPCL_BLOB_HEAD + 4 * BLOB_ROW + 3, 4);
    }
    assert_int_equal(sealed(), POPCL_OK);
    assert_int_equal(popcl_blob_check(&blob), POPCL_ERR_BLOB_PROFILE); /* whole, and of no use */
    check_found(&two[0], 0, &two[0]);
    check_found(&inner, 0, &inner);
}

static void anchors_are_in_order(void **state) { /* [H23] */
    unsigned char *first = octets + POPCL_BLOB_HEAD, kept[2 * BLOB_ROW];
    (void)state;
    memcpy(kept, first, sizeof kept);
    memcpy(first, kept + BLOB_ROW, BLOB_ROW);
    memcpy(first + BLOB_ROW, kept, BLOB_ROW);
    assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
    memcpy(first, kept, BLOB_ROW); /* twice the same */
    assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
    /* the same name and digest, and another place */
    blob_put(first + BLOB_ROW + 24, POPCL_BLOB_HEAD + 5 * BLOB_ROW, 4);
    assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
    memcpy(first, kept, sizeof kept);
    assert_int_equal(sealed(), POPCL_OK);
    /* the one name has two digests: their order counts */
    unsigned at = memcmp(first, first + BLOB_ROW, 8) == 0 ? 0 : BLOB_ROW;
    memcpy(kept, first + at, sizeof kept);
    assert_memory_equal(kept, kept + BLOB_ROW, 8);
    memcpy(first + at, kept + BLOB_ROW, BLOB_ROW);
    memcpy(first + at + BLOB_ROW, kept, BLOB_ROW);
    assert_int_equal(sealed(), POPCL_ERR_BLOB_DAMAGED);
    /* keys may come in any order, and again */
    static const blob_pin pins[] = {{"b", 1, 2}, {"a", 1, 2}, {"b", 1, 2}};
    static unsigned char keys[2][POPCL_PIN_LEN] = {"b", "a"};
    wish.pins = pins;
    wish.pins_len = 3;
    wish.denied = (AS_PINS)keys;
    wish.denied_len = 2;
    assert_int_equal(made(), POPCL_OK);
}

static void a_newer_form_is_refused(void **state) { /* [H23] */
    (void)state;
    for (unsigned at = 60; at < 72; at++) {
        make();
        octets[at] = 1;
        blob_sign(octets, 0);
        assert_int_equal(opened(), POPCL_ERR_BLOB_FEATURE);
    }
    for (unsigned at = 0; at < 5 * BLOB_ROW; at++) {
        unsigned row = at / BLOB_ROW, in = at % BLOB_ROW;
        make();
        unsigned char *p = octets + POPCL_BLOB_HEAD + at;
        if (row < 3 ? in < 30 : row == 3 || in < 32) continue; /* what is known */
        assert_int_equal(*p, 0);
        *p = 0x80;
        assert_int_equal(opened(), POPCL_ERR_BLOB_DAMAGED);
        assert_int_equal(sealed(), POPCL_ERR_BLOB_FEATURE);
        octets[POPCL_BLOB_HEAD] ^= 1; /* now the row proves nothing */
        assert_int_equal(opened(), POPCL_ERR_BLOB_DAMAGED);
    }
}

static void the_scope_is_the_products(void **state) { /* [H23] */
    static const char *const labels[] = {"", "popcl test devic", "popcl test device ",
                                         "popcl test Device"};
    (void)state;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        policy.scope = labels[i];
        assert_int_equal(opened(), POPCL_ERR_BLOB_SCOPE);
        wish.scope = labels[i];
        assert_int_equal(made(), POPCL_OK);
        policy.scope = BLOB_SCOPE;
        assert_int_equal(opened(), POPCL_ERR_BLOB_SCOPE);
        wish.scope = NULL;
        make();
    }
    for (unsigned at = 32; at < 48; at++) {
        octets[at] ^= 1;
        blob_sign(octets, 0);
        assert_int_equal(opened(), POPCL_ERR_BLOB_SCOPE);
        octets[at] ^= 1;
    }
}

static void sequences(void **state) { /* [H24] */
    static const struct {
        uint32_t sequence, own, policys;
        popcl_err want;
    } rows[] = {
        {7, 7, 0, POPCL_OK},
        {7, 0, 7, POPCL_OK},
        {7, 7, 7, POPCL_OK},
        {6, 7, 0, POPCL_ERR_BLOB_OLD},
        {6, 0, 7, POPCL_ERR_BLOB_OLD},
        {0, 0, 0, POPCL_OK},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX, POPCL_OK},
        /* it does not begin again */
        {0, 0, UINT32_MAX, POPCL_ERR_BLOB_OLD},
        {0, UINT32_MAX, 0, POPCL_ERR_BLOB_OLD},
        {0x7fffffff, 0, 0x80000000, POPCL_ERR_BLOB_OLD},
        {0x80000000, 0, 0x7fffffff, POPCL_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wish.sequence = rows[i].sequence;
        wish.floor = rows[i].own;
        policy.floor = rows[i].policys;
        popcl_err e = made();
        if (e != rows[i].want) fail_msg("row %zu: %s", i, popcl_err_name(e));
        if (e) continue;
        assert_int_equal(blob.trust.sequence, wish.sequence);
        assert_int_equal(blob.floor, wish.floor);
    }
}

static void signers_and_retired_keys(void **state) { /* [H24] */
    (void)state;
    for (unsigned key = 0; key < 256; key++) {
        wish.key = key;
        assert_int_equal(made(), key < BLOB_SIGNERS ? POPCL_OK : POPCL_ERR_BLOB_KEY);
    }
    /* by the policy, and by the set itself */
    for (unsigned key = 0; key < BLOB_SIGNERS; key++)
        for (unsigned retired = 0; retired < BLOB_SIGNERS; retired++)
            for (int by_policy = 0; by_policy < 2; by_policy++) {
                wish.key = key;
                wish.retired = by_policy ? 0x80000000 : 1u << retired;
                policy.retired = by_policy ? 1u << retired : 0x40000000;
                assert_int_equal(made(), key == retired ? POPCL_ERR_BLOB_KEY : POPCL_OK);
                /* a set retires no key that outranks its signer */
                uint32_t counts = !by_policy && retired < key ? wish.retired : 0;
                if (key != retired) assert_int_equal(blob.retired, counts | policy.retired);
            }
    wish.retired = policy.retired = 0;
    /* the signature of another key */
    for (unsigned key = 0; key < BLOB_SIGNERS; key++)
        for (unsigned signer = 0; signer < BLOB_SIGNERS; signer++) {
            wish.key = key;
            make();
            blob_sign(octets, signer);
            assert_int_equal(opened(), key == signer ? POPCL_OK : POPCL_ERR_BLOB_SIGNATURE);
        }
    /* the last key that a policy can have */
    static unsigned char keys[POPCL_BLOB_KEYS_MAX][POPCL_BLOB_KEY_LEN];
    for (unsigned i = 0; i < POPCL_BLOB_KEYS_MAX; i++)
        memcpy(keys[i], policy.keys[31 % BLOB_SIGNERS], sizeof keys[i]);
    policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])keys;
    policy.keys_len = POPCL_BLOB_KEYS_MAX;
    wish.key = 31;
    assert_int_equal(made(), POPCL_OK);
    wish.retired = 0x7fffffff;
    assert_int_equal(made(), POPCL_OK);
    assert_int_equal(blob.retired, 0x7fffffff);
    policy.retired = 0x80000000;
    assert_int_equal(opened(), POPCL_ERR_BLOB_KEY);
    wish.key = 32;
    assert_int_equal(made(), POPCL_ERR_BLOB_KEY);
}

/* Zeros, the order of the curve, the largest numbers; and a key that is not on the curve. */
static void signatures_that_are_none(void **state) { /* [H23] */
    static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                            0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    static const popcl_tls_profile *const profiles[] = {&popcl_tls_public, &popcl_tls_small,
                                                        &popcl_tls_host};
    unsigned char numbers[5][32] = {{0}}, right[64];
    (void)state;
    memset(numbers[1], 0xff, 32);
    memcpy(numbers[2], order, 32);
    numbers[3][31] = 1;
    memcpy(right, octets + 104, sizeof right);
    for (size_t p = 0; p < 3; p++) {
        policy.profile = profiles[p];
        for (unsigned r = 0; r < 5; r++)
            for (unsigned s = 0; s < 5; s++) {
                memcpy(octets + 104, r == 4 ? right : numbers[r], 32);
                memcpy(octets + 136, s == 4 ? right + 32 : numbers[s], 32);
                assert_int_equal(opened(), r + s == 8 ? POPCL_OK : POPCL_ERR_BLOB_SIGNATURE);
            }
        static unsigned char keys[1][POPCL_BLOB_KEY_LEN];
        const popcl_blob_policy was = policy;
        for (unsigned at = 1; at < POPCL_BLOB_KEY_LEN; at += 31) {
            memcpy(keys[0], was.keys[0], sizeof keys[0]);
            keys[0][at] ^= 0x40;
            policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])keys;
            policy.keys_len = 1;
            assert_int_equal(opened(), POPCL_ERR_BLOB_SIGNATURE);
        }
        policy = was;
    }
}

static void policies_that_cannot_be_used(void **state) { /* [K1] */
    static unsigned char keys[2][POPCL_BLOB_KEY_LEN];
    const popcl_blob_policy right = policy;
    (void)state;
    assert_int_equal(popcl_blob_open(&blob, NULL, blob_place_read, &place, (uint32_t)len),
                     POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_blob_open(&blob, &policy, NULL, &place, (uint32_t)len),
                     POPCL_ERR_ARGUMENT);
    policy.keys = NULL;
    assert_int_equal(opened(), POPCL_ERR_ARGUMENT);
    policy = right;
    policy.scope = NULL;
    assert_int_equal(opened(), POPCL_ERR_ARGUMENT);
    policy = right;
    policy.profile = NULL;
    assert_int_equal(opened(), POPCL_ERR_ARGUMENT);
    policy = right;
    policy.keys_len = 0;
    assert_int_equal(opened(), POPCL_ERR_ARGUMENT);
    static unsigned char many[POPCL_BLOB_KEYS_MAX + 1][POPCL_BLOB_KEY_LEN];
    for (unsigned i = 0; i <= POPCL_BLOB_KEYS_MAX; i++)
        memcpy(many[i], right.keys[0], sizeof many[i]);
    policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])many;
    policy.keys_len = POPCL_BLOB_KEYS_MAX;
    assert_int_equal(opened(), POPCL_OK);
    policy.keys_len++;
    assert_int_equal(opened(), POPCL_ERR_ARGUMENT);
    /* a compressed point, beside the one that signed */
    memcpy(keys[0], right.keys[0], sizeof keys[0]);
    policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])keys;
    policy.keys_len = 2;
    for (unsigned form = 0; form < 256; form++) {
        keys[1][0] = (unsigned char)form;
        assert_int_equal(opened(), form == 4 ? POPCL_OK : POPCL_ERR_ARGUMENT);
    }
}

static void times(void **state) { /* [J1] */
    static const struct {
        uint64_t time;
        popcl_err want;
    } rows[] = {{0, POPCL_OK},
                {FLOOR_S, POPCL_OK},
                {(uint64_t)LAST_S, POPCL_OK},
                {UINT64_C(59) << 32, POPCL_ERR_BLOB_DAMAGED},
                {UINT64_MAX, POPCL_ERR_BLOB_DAMAGED},
                {UINT64_C(1) << 63, POPCL_ERR_BLOB_DAMAGED}};
    popcl_tls tls = {.trust = &blob.trust};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int is_stale = 0; is_stale < 2; is_stale++) {
            wish.made_s = is_stale ? 1 : rows[i].time;
            wish.stale_s = is_stale ? rows[i].time : 1;
            assert_int_equal(made(), rows[i].want);
            if (rows[i].want) continue;
            assert_int_equal(blob.made_s, wish.made_s);
            assert_int_equal(blob.stale_s, wish.stale_s);
        }
    /* the time of signing has certainly passed */
    wish.made_s = FLOOR_S + 1000;
    wish.stale_s = 0;
    assert_int_equal(made(), POPCL_OK);
    tls.utc_s = FLOOR_S + 999;
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    assert_int_equal(popcl_x509_collect.check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.utc_s = FLOOR_S + 1000;
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_OK);
    wish.made_s = 1000; /* it does not bring the library's floor down */
    assert_int_equal(made(), POPCL_OK);
    tls.utc_s = FLOOR_S - 1;
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_CLOCK_NOT_SET);
}

static void days_of_pins(void **state) { /* [H25] */
    static const struct {
        unsigned from, until;
        int64_t utc_s;
        unsigned want;
    } rows[] = {
        {20600, 20600, 20600 * INT64_C(86400), POPCL_KEY_PINNED},
        {20600, 20600, 20600 * INT64_C(86400) - 1, 0},
        {20600, 20600, 20601 * INT64_C(86400) - 1, POPCL_KEY_PINNED},
        {20600, 20600, 20601 * INT64_C(86400), 0},
        {20601, 20600, 20600 * INT64_C(86400), 0}, /* never */
        {20601, 20600, -1, POPCL_KEY_PINNED},      /* days do not count */
        {20600, 20600, INT64_MIN, POPCL_KEY_PINNED},
        {0, 0, 0, POPCL_KEY_PINNED},
        {0, 0, DAY - 1, POPCL_KEY_PINNED},
        {0, 0, DAY, 0},
        {0, 65534, 65535 * INT64_C(86400) - 1, POPCL_KEY_PINNED},
        {0, 65534, 65535 * INT64_C(86400), 0},
        {0, 65535, 65536 * INT64_C(86400), POPCL_KEY_PINNED}, /* for ever */
        {65535, 65535, 65535 * INT64_C(86400) - 1, 0},
        {65535, 65535, 65535 * INT64_C(86400), POPCL_KEY_PINNED},
        {0, 65535, LAST_S, POPCL_KEY_PINNED},
        {20600, 65534, LAST_S, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pin.from = rows[i].from;
        pin.until = rows[i].until;
        assert_int_equal(made(), POPCL_OK);
        unsigned is = key_is(pin.hash, rows[i].utc_s);
        if (is != rows[i].want) fail_msg("row %zu: %u", i, is);
        assert_int_equal(key_is(denied[0], rows[i].utc_s), POPCL_KEY_DENIED);
    }
    /* every second near each of many midnights, as a division has it */
    for (int64_t day = 1; day < 65535; day += 641) {
        pin.from = pin.until = (unsigned)day;
        assert_int_equal(made(), POPCL_OK);
        for (int64_t s = -2; s < 2; s++) {
            assert_int_equal(key_is(pin.hash, day * DAY + s), s >= 0 ? POPCL_KEY_PINNED : 0);
            assert_int_equal(key_is(pin.hash, day * DAY + DAY + s), s < 0 ? POPCL_KEY_PINNED : 0);
        }
    }
    /* two rows for one key: a gap */
    blob_pin two[2] = {pin, pin};
    two[0].from = two[0].until = 100;
    two[1].from = two[1].until = 102;
    wish.pins = two;
    wish.pins_len = 2;
    assert_int_equal(made(), POPCL_OK);
    for (unsigned day = 99; day <= 103; day++)
        assert_int_equal(key_is(pin.hash, (int64_t)day * DAY),
                         day == 100 || day == 102 ? POPCL_KEY_PINNED : 0);
}

/* ---- a place that fails or changes ---- */

static void reads_that_fail(void **state) { /* [H22] */
    const unsigned char *entry;
    unsigned is;
    size_t n;
    (void)state;
    wish.row_len = 70; /* of more than one read */
    make();
    assert_int_equal(opened(), POPCL_OK);
    unsigned calls = place.calls;
    assert_int_equal(calls, 3 + 5 * 2);
    for (place.fails_at = 1; place.fails_at <= calls; place.fails_at++)
        assert_int_equal(opened(), POPCL_ERR_BLOB_READ);
    place.fails_at = 0;
    for (int what = 0; what < 3; what++) {
        assert_int_equal(opened(), POPCL_OK);
        for (unsigned at = 1;; at++) {
            place.calls = 0;
            place.fails_at = at;
            popcl_err e = what == 0   ? popcl_blob_check(&blob)
                          : what == 1 ? found(&anchors[0], 1, &entry, &n)
                                      : looked_up(pin.hash, FLOOR_S, &is);
            if (at > place.calls) {
                assert_int_equal(e, POPCL_OK);
                assert_int_equal(place.calls, what == 0 ? 14 : what == 1 ? 11 + (n > 64) : 10);
                break;
            }
            assert_int_equal(e, POPCL_ERR_BLOB_READ);
            assert_int_equal(place.calls, at);
            if (what == 1) assert_null(entry);
        }
        place.fails_at = 0;
    }
}

/* Whichever octet of the index or of an entry changes, and whenever: what is found was signed, or
 * nothing is found. */
static void a_place_that_changes(void **state) { /* [H22 H23] */
    const unsigned char *entry;
    size_t n, index_end = POPCL_BLOB_HEAD + 5 * BLOB_ROW;
    unsigned is, seen = 0;
    (void)state;
    assert_int_equal(opened(), POPCL_OK);
    place.change_by = 0x10;
    for (place.change = POPCL_BLOB_HEAD; place.change < len; place.change += (size_t)stride())
        for (place.changes_at = 1; place.changes_at <= 8; place.changes_at++) {
            for (unsigned nth = 0; nth < 3; nth++) {
                place.calls = 0;
                popcl_err e = found(&anchors[0], nth, &entry, &n);
                if (e) {
                    assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
                    assert_null(entry);
                    seen++;
                } else if (nth == 2) {
                    assert_null(entry);
                } else {
                    int which = n != anchors[0].entry_len;
                    assert_int_equal(n, anchors[which].entry_len);
                    assert_memory_equal(entry, anchors[which].entry, n);
                }
                if (place.changes_at == 1 && place.change < index_end)
                    assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
            }
            place.calls = 0;
            popcl_err e = looked_up(pin.hash, FLOOR_S, &is);
            if (e == POPCL_OK)
                assert_int_equal(is, POPCL_KEY_PINNED);
            else
                assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
            place.calls = 0;
            e = looked_up(denied[0], FLOOR_S, &is);
            if (e == POPCL_OK)
                assert_int_equal(is, POPCL_KEY_DENIED);
            else
                assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
            /* opened again: it is refused, or all of it is right */
            unsigned changes_at = place.changes_at;
            place.calls = 0;
            e = popcl_blob_check(&blob);
            assert_true(e == POPCL_OK || e == POPCL_ERR_BLOB_DAMAGED);
            if (changes_at == 1) assert_int_equal(e, POPCL_ERR_BLOB_DAMAGED);
        }
    assert_true(seen > 1000u / (unsigned)stride());
    /* another set, also a signed one, in the same place */
    place.changes_at = 0;
    wish.pins_len = 0;
    blob_make(octets, &wish);
    assert_int_equal(found(&anchors[0], 0, &entry, &n), POPCL_ERR_BLOB_DAMAGED);
    assert_int_equal(looked_up(pin.hash, FLOOR_S, &is), POPCL_ERR_BLOB_DAMAGED);
    assert_int_equal(popcl_blob_check(&blob), POPCL_ERR_BLOB_DAMAGED);
}

/* ---- verdicts ---- */

static popcl_tls_host_storage storage;
static popcl_tls tls;
static pki_kind shown;
static popcl_tls_diag diag;
/* Certificates after the server's, with these names and key numbers; an issuer has the
 * authority's name. */
static struct {
    const char *name;
    unsigned key;
    int version;
} others[3];
static unsigned others_len;

static int begin_verdicts(void **state) {
    begin(state);
    shown = PKI_RIGHT;
    others_len = 0;
    tls = (popcl_tls){.profile = &popcl_tls_public,
                      .storage = &storage,
                      .storage_len = sizeof storage,
                      .trust = &blob.trust,
                      .utc_s = PKI_NOW};
    return 0;
}

static void give(const br_x509_class **x, const unsigned char *p, size_t n) {
    (*x)->start_cert(x, (uint32_t)n);
    (*x)->append(x, p, n);
    (*x)->end_cert(x);
}

static size_t other(unsigned char *der, unsigned i) {
    cert_wish w = {.name = others[i].name ? others[i].name : "popcl test authority",
                   .usage = 0x06,
                   .key_number = others[i].key,
                   .version = others[i].version};
    return make_cert(der, &w);
}

static popcl_err judged(void) {
    const popcl_x509 *way = tls.profile->x509;
    void *state = (unsigned char *)tls.storage + tls.profile->state_at;
    memset(&storage, 0xa5, sizeof storage);
    place.calls = 0;
    assert_int_equal(way->check(&tls), POPCL_OK);
    const br_x509_class **x = way->open(state, &tls, PKI_HOST);
    (*x)->start_chain(x, PKI_HOST);
    give(x, pki_certificate(shown)->data, pki_certificate(shown)->data_len);
    for (unsigned i = 0; i < others_len; i++) {
        unsigned char der[CERT_MAX];
        give(x, der, other(der, i));
    }
    unsigned said = (*x)->end_chain(x);
    popcl_err e = way->verdict(state);
    assert_int_equal(said == 0, e == POPCL_OK);
    assert_int_equal((*x)->get_pkey(x, NULL) != NULL, e == POPCL_OK);
    memset(&diag, 0, sizeof diag);
    way->tell(state, &diag);
    return e;
}

static popcl_err judged_by_new(void) {
    assert_int_equal(made(), POPCL_OK);
    return judged();
}

static const popcl_tls_profile *const judges[] = {&popcl_tls_public, &popcl_tls_small,
                                                  &popcl_tls_ecdsa, &popcl_tls_host};
enum { JUDGES = sizeof judges / sizeof judges[0] };

/* With anchors and pins the server needs both; a denied key counts before everything. */
static void anchors_pins_and_denied_keys(void **state) { /* [H25] */
    (void)state;
    for (size_t i = 0; i < JUDGES; i++) {
        tls.profile = judges[i];
        begin(state);
        assert_int_equal(judged_by_new(), POPCL_OK);
        pin.until = 20000; /* before PKI_NOW */
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_PIN);
        assert_int_equal(diag.cert, 1);
        /* a pin of the program beside those of the set */
        unsigned char pins[1][POPCL_PIN_LEN];
        memcpy(pins[0], pki_pin(), sizeof pins[0]);
        blob.trust.pins = (AS_PINS)pins;
        blob.trust.pins_len = 1;
        assert_int_equal(judged(), POPCL_OK);
        pins[0][0] ^= 1;
        assert_int_equal(judged(), POPCL_ERR_CERT_PIN);
        wish.pins_len = 0;
        assert_int_equal(judged_by_new(), POPCL_OK);
        shown = PKI_UNTRUSTED;
        assert_int_equal(judged(), POPCL_ERR_CERT_UNTRUSTED);
        shown = PKI_RIGHT;
        memcpy(denied[0], pki_pin(), sizeof denied[0]);
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
        assert_int_equal(diag.cert, 1);
        shown = PKI_EXPIRED;
        assert_int_equal(judged(), POPCL_ERR_CERT_DENIED);
        shown = PKI_RIGHT;
        wish.pins_len = 1; /* pinned and denied */
        pin.until = 65535;
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
    }
}

/* Pins alone: no name and no chain; the dates count, and the days of the pin. */
static void pins_alone(void **state) { /* [H25] */
    (void)state;
    for (size_t i = 0; i < JUDGES; i++) {
        tls.profile = judges[i];
        begin(state);
        wish.anchors_len = 0;
        shown = PKI_OTHER_NAME;
        assert_int_equal(judged_by_new(), POPCL_OK);
        shown = PKI_EXPIRED;
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_EXPIRED);
        shown = PKI_UNTRUSTED;
        pin.from = 65534;
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_PIN);
        pin.from = 0;
        memcpy(denied[0], pki_pin(), sizeof denied[0]);
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
        assert_int_equal(diag.cert, 1);
        shown = PKI_RIGHT;
    }
    /* the profile that looks at no clock */
    begin(state);
    tls.profile = &popcl_tls_pinned;
    tls.utc_s = -1;
    wish.anchors_len = 0;
    pin.from = 65534;
    pin.until = 65534;
    shown = PKI_EXPIRED;
    assert_int_equal(judged_by_new(), POPCL_OK);
    pin.hash[31] ^= 1;
    assert_int_equal(judged_by_new(), POPCL_ERR_CERT_PIN);
    memcpy(denied[0], pki_pin(), sizeof denied[0]);
    assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
    pin.hash[31] ^= 1;
    assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
    /* a place that fails */
    memset(denied, 0, sizeof denied);
    assert_int_equal(judged_by_new(), POPCL_OK);
    unsigned calls = place.calls;
    for (place.fails_at = 1; place.fails_at <= calls; place.fails_at++)
        assert_int_equal(judged(), POPCL_ERR_BLOB_READ);
    place.fails_at = 0;
    place.change = POPCL_BLOB_HEAD;
    place.change_by = 1;
    place.changes_at = 1;
    assert_int_equal(judged(), POPCL_ERR_BLOB_DAMAGED);
}

/* SHA-256 of the public key of other(i). */
static void other_pin(unsigned i, unsigned char to[POPCL_PIN_LEN]) {
    static const unsigned char rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    unsigned char der[CERT_MAX];
    size_t n = other(der, i), at = 4;
    br_sha256_context h;
    while (at + sizeof rsa < n && memcmp(der + at, rsa, sizeof rsa) != 0)
        at++;
    assert_true(at + sizeof rsa < n);
    at -= 4; /* a SEQUENCE of 256 octets and more */
    assert_int_equal(der[at], 0x30);
    assert_int_equal(der[at + 1], 0x82);
    br_sha256_init(&h);
    br_sha256_update(&h, der + at, 4 + ((size_t)der[at + 2] << 8 | der[at + 3]));
    br_sha256_out(&h, to);
}

/* An issuer with a denied key is passed over as any other that does not fit. */
static void denied_issuers(void **state) { /* [H25] */
    (void)state;
    for (size_t i = 0; i < JUDGES; i++) {
        tls.profile = judges[i];
        begin(state);
        wish.pins_len = 0;
        shown = PKI_UNTRUSTED; /* no anchor vouches for it: its issuers are looked at */
        memset(others, 0, sizeof others);
        others_len = 1;
        popcl_err else_ = tls.profile->rsa ? POPCL_ERR_CERT_SIGNATURE : POPCL_ERR_CERT_UNSUPPORTED;
        assert_int_equal(judged_by_new(), else_);
        other_pin(0, denied[0]);
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
        assert_int_equal(diag.cert, 2);
        /* the first reason stays */
        others_len = 2;
        others[1].key = 1;
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_DENIED);
        others[0].key = 1;
        others[1].key = 0;
        assert_int_equal(judged_by_new(), else_);
        /* one that does not belong is not looked up, and does not count */
        others[0] = (__typeof__(others[0])){"somebody", 0, 0};
        others_len = 1;
        other_pin(0, denied[0]);
        assert_int_equal(judged_by_new(), POPCL_ERR_CERT_ORDER);
        shown = PKI_RIGHT;
        assert_int_equal(judged_by_new(), POPCL_OK);
        assert_int_equal(judged_by_new(), POPCL_OK);
    }
}

/* A chain ends with the error of the place, at whatever call it fails. */
static void a_place_that_fails_in_a_chain(void **state) { /* [H22] */
    (void)state;
    for (size_t i = 0; i < JUDGES; i++)
        for (int is_right = 0; is_right < 2; is_right++) {
            tls.profile = judges[i];
            begin(state);
            shown = is_right ? PKI_RIGHT : PKI_UNTRUSTED;
            memset(others, 0, sizeof others);
            others[1].version = 1; /* a certificate without extensions ends with its key */
            others[2].key = 2;
            others_len = 3;
            assert_int_equal(judged_by_new() == POPCL_OK, is_right);
            unsigned calls = place.calls;
            assert_true(calls >= 10);
            for (unsigned at = 1; at <= calls; at += (unsigned)stride()) {
                place.fails_at = at;
                assert_int_equal(judged(), POPCL_ERR_BLOB_READ);
                assert_int_equal(diag.cert, 0);
                assert_int_equal(place.calls, at);
            }
            place.fails_at = 0;
        }
}

/* popcl_trust.key of a program's own: results that popcl does not have, and a server's certificate
 * that ends with its key. */
static popcl_err key_result;
static unsigned key_found;
static int64_t key_time;

static popcl_err own_key(const popcl_trust *t, const unsigned char *hash, int64_t utc_s,
                         unsigned *is) {
    assert_ptr_equal(t, tls.trust);
    assert_non_null(hash);
    assert_int_equal(*is, 0);
    *is = key_found;
    key_time = utc_s;
    return key_result;
}

static void results_of_any_function(void **state) { /* [H22 H25] */
    static const int odd[] = {256, 512, -1, -256, 255, POPCL_ERR_COUNT_};
    static const popcl_tls_profile *const all[] = {&popcl_tls_public, &popcl_tls_host,
                                                   &popcl_tls_pinned};
    popcl_trust trust = {.key = own_key, .key_pins = 1};
    (void)state;
    tls.trust = &trust;
    for (size_t i = 0; i < 3; i++) {
        tls.profile = all[i];
        key_result = POPCL_OK;
        key_found = POPCL_KEY_PINNED;
        assert_int_equal(judged(), POPCL_OK);
        assert_int_equal(key_time, i == 2 ? -1 : PKI_NOW);
        key_found = 0;
        assert_int_equal(judged(), POPCL_ERR_CERT_PIN);
        key_found = POPCL_KEY_DENIED | POPCL_KEY_PINNED;
        assert_int_equal(judged(), POPCL_ERR_CERT_DENIED);
        for (unsigned found_ = 0; found_ < 4; found_++) {
            key_found = found_;
            key_result = POPCL_ERR_NET;
            assert_int_equal(judged(), POPCL_ERR_NET);
            for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++) {
                key_result = (popcl_err)odd[k];
                assert_int_equal(judged(), POPCL_ERR_CERT_UNCHECKED);
            }
        }
    }
    /* without the function its flag means nothing */
    trust.key = NULL;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(all[i]->x509->check(&tls), POPCL_ERR_NO_TRUST);
    /* the server's own certificate ends with its key: nothing makes the failure undone */
    unsigned char der[CERT_MAX];
    cert_wish old = {.version = 1, .key = KEY_P256};
    size_t n = make_cert(der, &old);
    trust.key = own_key;
    key_found = POPCL_KEY_PINNED;
    for (size_t i = 0; i < 2; i++) {
        tls.profile = all[i];
        void *judge = (unsigned char *)&storage + tls.profile->state_at;
        for (int fails = 0; fails < 2; fails++) {
            key_result = fails ? POPCL_ERR_NET : POPCL_OK;
            const br_x509_class **x = tls.profile->x509->open(judge, &tls, PKI_HOST);
            (*x)->start_chain(x, PKI_HOST);
            give(x, der, n);
            (void)(*x)->end_chain(x);
            assert_int_equal(tls.profile->x509->verdict(judge), key_result);
        }
    }
}

int main(void) {
#define TEST(name)    cmocka_unit_test_setup(name, begin)
#define VERDICT(name) cmocka_unit_test_setup(name, begin_verdicts)
    const struct CMUnitTest tests[] = {
        TEST(a_set_that_openssl_signed),
        TEST(every_profile_opens_it),
        TEST(a_head_is_judged_alone),
        TEST(anchors_that_are_of_no_use),
        TEST(anchors_and_keys_are_found),
        TEST(a_changed_bit_is_noticed),
        TEST(a_cut_set_is_refused),
        TEST(lengths),
        TEST(sets_without_rows),
        TEST(the_largest_index),
        TEST(entries_are_inside),
        TEST(entries_may_overlap),
        TEST(anchors_are_in_order),
        TEST(a_newer_form_is_refused),
        TEST(the_scope_is_the_products),
        TEST(sequences),
        TEST(signers_and_retired_keys),
        TEST(signatures_that_are_none),
        TEST(policies_that_cannot_be_used),
        TEST(times),
        TEST(days_of_pins),
        TEST(reads_that_fail),
        TEST(a_place_that_changes),
        VERDICT(anchors_pins_and_denied_keys),
        VERDICT(pins_alone),
        VERDICT(denied_issuers),
        VERDICT(a_place_that_fails_in_a_chain),
        VERDICT(results_of_any_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
