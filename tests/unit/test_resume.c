/* SPDX-License-Identifier: MIT */
/* test_resume - the form in which a kept session goes to flash: the same octets everywhere, and
 * nothing but what save wrote is taken back. What sessions do with it stands in
 * tests/sim/test_resume.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_tls.h"

static popcl_resumable kept, back;
static unsigned char blob[POPCL_RESUME_LEN];
static const popcl_resumable zero;

static void fill(unsigned char *p, size_t n, unsigned char first) {
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(first + i);
}

static int begin(void **state) {
    (void)state;
    memset(&kept, 0, sizeof kept);
    kept.state = 1;
    kept.id_len = 32;
    kept.end_point_len = 48;
    kept.fragment = POPCL_FRAGMENT_IGNORED;
    kept.suite = 0xcca9;
    kept.made_s = INT64_C(1795608000);
    kept.not_after = INT64_C(0x0102030405060708);
    fill(kept.binding, sizeof kept.binding, 0x10);
    fill(kept.id, sizeof kept.id, 0x40);
    fill(kept.secret, sizeof kept.secret, 0x80);
    fill(kept.end_point, 48, 0xb0);
    memset(&back, 0xa5, sizeof back);
    popcl_resume_save(&kept, blob);
    return 0;
}

/* Another machine, or the next release, reads what this one wrote. */
static void form(void **state) {
    static const unsigned char head[] = {'P',  'R', 'S', '1', 32, 48,   2,    0,    0xcc,
                                         0xa9, 0,   0,   0,   0,  0x6b, 0x06, 0xcd, 0xc0,
                                         1,    2,   3,   4,   5,  6,    7,    8,    0x10};
    unsigned char digest[32];
    br_sha256_context sha256;
    (void)state;
    assert_memory_equal(blob, head, sizeof head);
    assert_memory_equal(blob + 26, kept.binding, 32);
    assert_memory_equal(blob + 58, kept.id, 32);
    assert_memory_equal(blob + 90, kept.secret, 48);
    assert_memory_equal(blob + 138, kept.end_point, 64);
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, blob, 202);
    br_sha256_out(&sha256, digest);
    assert_memory_equal(blob + 202, digest, 32);
    assert_int_equal(sizeof blob, 234);
}

static void comes_back(void **state) {
    unsigned char again[POPCL_RESUME_LEN];
    (void)state;
    assert_int_equal(popcl_resume_restore(&back, blob, sizeof blob), POPCL_OK);
    assert_memory_equal(&back, &kept, sizeof kept);
    popcl_resume_save(&back, again);
    assert_memory_equal(again, blob, sizeof blob);
}

static int holds(const void *p, size_t n, const void *what, size_t what_n) {
    for (size_t i = 0; i + what_n <= n; i++) {
        if (memcmp((const unsigned char *)p + i, what, what_n) == 0) return 1;
    }
    return 0;
}

/* An object without a session has a form, too, with nothing of an earlier one in it; one that is
 * being offered is in doubt, and counts as none. */
static void none(void **state) {
    (void)state;
    popcl_resume_save(&zero, blob);
    assert_int_equal(popcl_resume_restore(&back, blob, sizeof blob), POPCL_OK);
    assert_memory_equal(&back, &zero, sizeof zero);
    for (int not_kept = 0; not_kept < 256; not_kept++) {
        if (not_kept == 1) continue;
        kept.state = (uint8_t)not_kept;
        memset(blob, 0xa5, sizeof blob);
        popcl_resume_save(&kept, blob);
        assert_false(holds(blob, sizeof blob, kept.secret, 8));
        assert_int_equal(popcl_resume_restore(&back, blob, sizeof blob), POPCL_OK);
        assert_memory_equal(&back, &zero, sizeof zero);
    }
}

static void assert_damaged(const unsigned char *p, size_t n) {
    memset(&back, 0xa5, sizeof back);
    assert_int_equal(popcl_resume_restore(&back, p, n), POPCL_ERR_RESUME_DAMAGED);
    assert_memory_equal(&back, &zero, sizeof zero);
}

/* Every bit, every length, and nothing at all: damaged counts as none. */
static void damaged(void **state) {
    static unsigned char longer[POPCL_RESUME_LEN + 8];
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof blob; bit++) {
        blob[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_damaged(blob, sizeof blob);
        blob[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    memcpy(longer, blob, sizeof blob);
    for (size_t n = 0; n <= sizeof longer; n++) {
        if (n != sizeof blob) assert_damaged(longer, n);
    }
    assert_damaged(NULL, 0);
    assert_damaged(NULL, sizeof blob);
    memset(blob, 0, sizeof blob);
    assert_damaged(blob, sizeof blob);
    memset(blob, 0xff, sizeof blob); /* erased flash */
    assert_damaged(blob, sizeof blob);
    begin(NULL);
    assert_int_equal(popcl_resume_restore(&back, blob, sizeof blob), POPCL_OK);
}

static void seal(void) {
    br_sha256_context sha256;
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, blob, 202);
    br_sha256_out(&sha256, blob + 202);
}

/* Of another version, with lengths that no field has, or of a time in which no session was made,
 * under a checksum that is right. */
static void foreign(void **state) {
    static const struct {
        size_t at;
        unsigned char value;
    } rows[] = {{0, 'Q'}, {3, '2'},   {4, 33},    {4, 255},   {5, 65},
                {5, 255}, {10, 0x80}, {10, 0x7f}, {13, 0xff}, {14, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(NULL);
        blob[rows[i].at] = rows[i].value;
        seal();
        assert_damaged(blob, sizeof blob);
    }
    begin(NULL);
    seal();
    assert_int_equal(popcl_resume_restore(&back, blob, sizeof blob), POPCL_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(form, begin),    cmocka_unit_test_setup(comes_back, begin),
        cmocka_unit_test_setup(none, begin),    cmocka_unit_test_setup(damaged, begin),
        cmocka_unit_test_setup(foreign, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
