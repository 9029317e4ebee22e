/* SPDX-License-Identifier: MIT */
/* What the firmware keeps in two flash slots: whatever is cut off, whenever, the old or the new is
 * there afterwards, whole; and what is damaged is called so. The flash here behaves like one: erase
 * sets bits, program clears them, and power may go at every octet of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slots.h"

#define SLOT_LEN 512u
#define ROOM     (SLOT_LEN - FLASH_UNIT) /* octets that a slot takes */

typedef struct chip {
    unsigned char octets[2][SLOT_LEN];
    long power;         /* octets that may still change; < 0: without end */
    unsigned erased[2]; /* how often */
    int twice;          /* a unit was programmed twice between two erases */
    int fails;          /* every call fails */
    int worn;           /* a bit of slot 1 stays set, and nobody says so */
} chip;

static int has_power(chip *c) {
    if (c->power == 0) return 0;
    if (c->power > 0) c->power--;
    return 1;
}

static int chip_erase(void *ctx, unsigned slot) {
    chip *c = ctx;
    c->erased[slot]++;
    for (unsigned i = 0; i < SLOT_LEN; i++) {
        if (!has_power(c)) return -1;
        c->octets[slot][i] = 0xff;
    }
    return c->fails ? -1 : 0;
}

static int chip_program(void *ctx, unsigned slot, uint32_t at, const void *p, size_t n) {
    chip *c = ctx;
    assert_true(at % FLASH_UNIT == 0 && n % FLASH_UNIT == 0 && at + n <= SLOT_LEN);
    for (size_t i = 0; i < n; i++) {
        if (!has_power(c)) return -1;
        if (i == 0 && c->octets[slot][at] != 0xff) c->twice = 1;
        c->octets[slot][at + i] &= ((const unsigned char *)p)[i];
        if (c->worn && slot == 1 && at + i == 40) c->octets[slot][40] |= 1u;
    }
    return c->fails ? -1 : 0;
}

static int chip_read(void *ctx, unsigned slot, uint32_t at, void *p, size_t n) {
    chip *c = ctx;
    assert_true(at + n <= SLOT_LEN);
    memcpy(p, c->octets[slot] + at, n);
    return c->fails ? -1 : 0;
}

static const flash driver = {SLOT_LEN, chip_erase, chip_program, chip_read};

static chip blank(void) {
    chip c = {.power = -1};
    memset(c.octets, 0xff, sizeof c.octets);
    return c;
}

/* Octets that tell which writing they are of, `len` of them. */
static unsigned char octet_of(unsigned writing, size_t i) {
    return (unsigned char)(writing * 37 + i * 11 + 1);
}

static int write_one(slots *s, unsigned writing, size_t len) {
    unsigned char p[SLOT_LEN * 2];
    for (size_t i = 0; i < len; i++)
        p[i] = octet_of(writing, i);
    slots_begin(s);
    for (size_t at = 0, n; at < len; at += n) {
        n = 1 + at % 23 < len - at ? 1 + at % 23 : len - at;
        slots_put(s, p + at, n);
    }
    return slots_end(s);
}

/* After a reset: which of the writings is there, whole and to its end; -1: none, and `found` says
 * why. */
static int read_back(chip *c, slots_found *found, size_t (*len_of)(unsigned), unsigned writings) {
    slots s = {.flash = &driver, .ctx = c};
    unsigned char p[SLOT_LEN];
    c->power = -1;
    *found = slots_open(&s);
    if (*found == SLOTS_EMPTY || *found == SLOTS_DAMAGED)
        return assert_int_equal(slots_get(&s, p, 1), -1), -1;
    for (unsigned w = 0; w < writings; w++) {
        size_t len = len_of(w), i = 0;
        if (slots_open(&s) != *found || slots_get(&s, p, len)) continue;
        while (i < len && p[i] == octet_of(w, i))
            i++;
        if (i == len && slots_get(&s, p, 1)) return (int)w;
    }
    fail_msg("what can be read is none of what was written");
    return -2;
}

static size_t some_len(unsigned writing) {
    static const size_t lens[] = {100, 1, 0, 16, 17, 300, ROOM, 33};
    return lens[writing % 8];
}

static void what_was_written_is_read(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    slots_found found;
    assert_int_equal(slots_open(&s), SLOTS_EMPTY);
    for (unsigned w = 0; w < 64; w++) {
        assert_int_equal(write_one(&s, w, some_len(w)), 0);
        /* those 8 writings apart may be equal where they are short */
        assert_int_equal(read_back(&c, &found, some_len, 64) % 8, (int)(w % 8));
        assert_int_equal(found, SLOTS_WHOLE);
    }
    assert_int_equal(c.erased[0], 32); /* the two take turns: the wear is the same */
    assert_int_equal(c.erased[1], 32);
    assert_false(c.twice);
}

static void a_loss_of_power_at_any_octet_leaves_the_old_or_the_new(void **state) {
    (void)state;
    unsigned old = 0, new = 0;
    for (unsigned w = 0; w < 8; w++) { /* the one that is cut */
        for (long power = 0; power <= 3 * (long)SLOT_LEN; power++) {
            chip c = blank();
            slots s = {.flash = &driver, .ctx = &c};
            slots_found found;
            (void)slots_open(&s);
            for (unsigned before = 0; before < w; before++)
                assert_int_equal(write_one(&s, before, some_len(before)), 0);
            c.power = power;
            int written = write_one(&s, w, some_len(w)) == 0;
            int there = read_back(&c, &found, some_len, 8);
            if (there == (int)w)
                new ++;
            else if (w == 0)
                assert_true(there == -1 && !written);
            else
                assert_true(there == (int)w - 1 && !written), old++;
            if (w > 0) assert_true(found == SLOTS_WHOLE || (found == SLOTS_ONE && !written));
            if (written) break;
            assert_true(power < 3 * (long)SLOT_LEN);
        }
    }
    assert_true(old > 1000 && new >= 8);
}

static void after_a_loss_of_power_the_next_writing_succeeds(void **state) {
    (void)state;
    for (long power = 0; power < 2 * (long)SLOT_LEN; power++) {
        chip c = blank();
        slots s = {.flash = &driver, .ctx = &c};
        slots_found found;
        (void)slots_open(&s);
        assert_int_equal(write_one(&s, 0, 100), 0);
        c.power = power;
        (void)write_one(&s, 5, 300);
        c.power = -1;
        slots again = {.flash = &driver, .ctx = &c};
        assert_int_not_equal(slots_open(&again), SLOTS_DAMAGED);
        assert_int_equal(write_one(&again, 7, 33), 0);
        assert_int_equal(read_back(&c, &found, some_len, 8), 7);
    }
}

static void a_flipped_bit_is_damage_or_does_no_harm(void **state) {
    (void)state;
    unsigned damaged = 0, older = 0, harmless = 0;
    for (unsigned bit = 0; bit < 8 * SLOT_LEN; bit++) {
        chip c = blank(); /* one slot is written */
        slots s = {.flash = &driver, .ctx = &c};
        slots_found found;
        (void)slots_open(&s);
        assert_int_equal(write_one(&s, 0, 100), 0);
        c.octets[0][bit / 8] ^= (unsigned char)(1u << bit % 8);
        int there = read_back(&c, &found, some_len, 8);
        assert_true(there == 0 ? found == SLOTS_WHOLE : found == SLOTS_DAMAGED);
        if (there == 0)
            harmless++;
        else
            damaged++;
        c.octets[0][bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(write_one(&s, 5, 300), 0); /* now both are, and the newer is hit */
        c.octets[1][bit / 8] ^= (unsigned char)(1u << bit % 8);
        there = read_back(&c, &found, some_len, 8);
        assert_true(there == 5 || there == 0);
        assert_int_equal(found, there == 0 ? SLOTS_ONE : SLOTS_WHOLE);
        if (there == 0) older++;
    }
    assert_int_equal(damaged, 8 * (12 + 100)); /* the head but for its spare word, and the octets */
    assert_int_equal(harmless, 8 * SLOT_LEN - damaged);
    assert_int_equal(older, 8 * (12 + 300));
}

static void garbage_is_damage(void **state) {
    (void)state;
    srand(20261125);
    for (unsigned turn = 0; turn < 2000; turn++) {
        chip c = blank();
        slots_found found;
        for (unsigned i = 0; i < sizeof c.octets; i++)
            c.octets[i / SLOT_LEN][i % SLOT_LEN] = (unsigned char)(turn ? rand() : 0);
        assert_int_equal(read_back(&c, &found, some_len, 8), -1);
        assert_int_equal(found, SLOTS_DAMAGED);
    }
}

static void a_length_beyond_the_slot_is_damage(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    (void)slots_open(&s);
    assert_int_equal(write_one(&s, 0, 100), 0);
    memset(c.octets[0] + 4, 0xff, 4);
    assert_int_equal(slots_open(&s), SLOTS_DAMAGED);
}

static void what_does_not_fit_is_not_written(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    slots_found found;
    (void)slots_open(&s);
    assert_int_equal(write_one(&s, 0, 100), 0);
    assert_int_equal(write_one(&s, 1, ROOM + 1), -1);
    assert_int_equal(write_one(&s, 1, 2 * ROOM), -1);
    assert_int_equal(read_back(&c, &found, some_len, 8), 0);
    assert_int_equal(write_one(&s, 5, 300), 0);
    assert_int_equal(read_back(&c, &found, some_len, 8), 5);
}

static void a_flash_that_fails_is_told(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    slots_found found;
    unsigned char p;
    (void)slots_open(&s);
    assert_int_equal(write_one(&s, 0, 100), 0);
    c.fails = 1;
    assert_int_equal(write_one(&s, 5, 300), -1);
    assert_int_equal(slots_get(&s, &p, 1), -1);
    assert_int_equal(slots_open(&s), SLOTS_DAMAGED);
    c.fails = 0;
    assert_int_equal(read_back(&c, &found, some_len, 8), 0);
}

static void a_writing_that_did_not_take_is_found_out(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    slots_found found;
    (void)slots_open(&s);
    assert_int_equal(write_one(&s, 0, 100), 0);
    c.worn = 1;
    assert_int_equal(octet_of(5, 40 - FLASH_UNIT) & 1, 0); /* the bit is to be cleared */
    assert_int_equal(write_one(&s, 5, 300), -1);
    assert_int_equal(read_back(&c, &found, some_len, 8), 0);
}

static void the_sequence_may_wrap(void **state) {
    (void)state;
    chip c = blank();
    slots s = {.flash = &driver, .ctx = &c};
    slots_found found;
    (void)slots_open(&s);
    s.sequence = 0xfffffffdu;
    for (unsigned w = 0; w < 8; w++) {
        assert_int_equal(write_one(&s, w, some_len(w)), 0);
        assert_int_equal(read_back(&c, &found, some_len, 8), (int)w);
    }
}

static void the_checksum_is_the_one_of_the_standard(void **state) {
    (void)state;
    assert_int_equal(slots_crc(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(slots_crc(slots_crc(0, "1234", 4), "56789", 5), 0xcbf43926u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_loss_of_power_at_any_octet_leaves_the_old_or_the_new),
        cmocka_unit_test(after_a_loss_of_power_the_next_writing_succeeds),
        cmocka_unit_test(a_flipped_bit_is_damage_or_does_no_harm),
        cmocka_unit_test(garbage_is_damage),
        cmocka_unit_test(a_length_beyond_the_slot_is_damage),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(a_flash_that_fails_is_told),
        cmocka_unit_test(a_writing_that_did_not_take_is_found_out),
        cmocka_unit_test(the_sequence_may_wrap),
        cmocka_unit_test(the_checksum_is_the_one_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
