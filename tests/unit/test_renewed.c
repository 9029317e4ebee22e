/* SPDX-License-Identifier: MIT */
/* test_renewed - the slots in which the firmware keeps signed trust: the power is cut at every
 * operation of the flash, in every state of the slots, and reads fail. Afterwards the old set is in
 * use, or the new one, and the next set can be installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "make_blob.h"

/* In one piece with its functions below: the chip and the console of this test. */
#define SIGNERS     "blob_signers.h"
#define TRUST_SCOPE BLOB_SCOPE
#include "../../examples/firmware/trust.c"
#include "stride.h"

const popcl_trust ca_trust = {.sequence = 1};
settings set = {.trust = "chip"};

/* ---- the chip ---- */

static struct {
    unsigned char octets[FILE_LEN];
    int power;       /* operations until it is cut off; < 0: it stays */
    int reads;       /* until they fail; < 0: none fails */
    unsigned erased; /* how often, of the sets */
} chip;

static unsigned char *place(void *ctx, unsigned slot, uint32_t at) {
    const flash_area *a = ctx;
    assert_true(at <= a->slot_len);
    return chip.octets + a->base + slot * a->slot_len + at;
}

/* An operation in which the power goes is half done. */
static size_t done_of(size_t n) {
    if (chip.power < 0) return n;
    if (chip.power == 0) return 0;
    chip.power--;
    return chip.power ? n : n / 2;
}

static int chip_erase(void *ctx, unsigned slot) {
    const flash_area *a = ctx;
    size_t n = done_of(a->slot_len);
    memset(place(ctx, slot, 0), 0xff, n);
    chip.erased += ctx == &sets;
    return n == a->slot_len ? 0 : -1;
}

static int chip_program(void *ctx, unsigned slot, uint32_t at, const void *p, size_t n) {
    unsigned char *to = place(ctx, slot, at);
    size_t done = done_of(n);
    assert_true(at % FLASH_UNIT == 0 && n % FLASH_UNIT == 0);
    for (size_t i = 0; i < done; i++)
        to[i] &= ((const unsigned char *)p)[i];
    return done == n ? 0 : -1;
}

static int chip_read(void *ctx, unsigned slot, uint32_t at, void *p, size_t n) {
    if (chip.reads == 0) return -1;
    if (chip.reads > 0) chip.reads--;
    memcpy(p, place(ctx, slot, at), n);
    return 0;
}

const flash flash_of_state = {FLASH_STATE_SLOT, chip_erase, chip_program, chip_read};
const flash flash_of_trust = {FLASH_TRUST_SLOT, chip_erase, chip_program, chip_read};

/* ---- the rest of the board ---- */

static char said[512];

void console_text(const char *text) {
    size_t n = strlen(said);
    (void)snprintf(said + n, sizeof said - n, "%s", text);
}

void console_number(uint32_t n) {
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%u", (unsigned)n);
    console_text(digits);
}

static uint32_t now_ms;
uint32_t clock_ms(void) { return now_ms; }
void watchdog_feed(void) {}
int file_open(const char *name, enum file_mode mode) { return (void)name, (void)mode, -1; }
int file_read(int file, void *p, size_t n) { return (void)file, (void)p, (void)n, -1; }
int file_close(int file) { return (void)file, 0; }

/* ---- sets, and boots ---- */

enum { ROOM = 4096 };

static blob_wish wish; /* of the sets that are made, beside their sequence */

static size_t make_set(unsigned char *to, uint32_t sequence) {
    static const unsigned char entry[12 + 65] = {23, 1, 255, 0, 0, 65, 0, 0, 0, 0, 0, 0, 4};
    static const popcl_anchor anchors[] = {{"name 1", entry, sizeof entry},
                                           {"name 2", entry, sizeof entry}};
    wish.sequence = sequence;
    wish.anchors = anchors;
    wish.anchors_len = sizeof anchors / sizeof anchors[0];
    return blob_make(to, &wish);
}

static void boot_with(const popcl_tls_profile *profile) {
    memset(&trust, 0, sizeof trust);
    said[0] = '\0';
    trust_start(profile);
}

static void boot(void) { boot_with(&popcl_tls_host); }

static uint32_t sequence_in_use(void) {
    assert_int_not_equal(trust.in_use, NOTHING);
    return trust_now(0)->sequence;
}

/* As base64 in a message. */
static int bring_in_session(const unsigned char *octets, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[2 * ROOM] = "Subject: new\r\n\r\n", *at = text + strlen(text);
    for (size_t i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t)octets[i] << 16 |
                         (i + 1 < n ? (uint32_t)octets[i + 1] << 8 : 0) |
                         (i + 2 < n ? octets[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++)
            *at++ = i + k > n ? '=' : digits[three >> (18 - 6 * k) & 63];
        if (i % 57 == 54) *at++ = '\r', *at++ = '\n';
    }
    trust_begin();
    for (char *p = text; p < at; p++)
        trust_octets(p, 1);
    return trust_end(1);
}

static void bring(const unsigned char *octets, size_t n) {
    (void)trust_now(0);
    (void)bring_in_session(octets, n);
}

static void bring_set(uint32_t sequence) {
    unsigned char octets[ROOM];
    bring(octets, make_set(octets, sequence));
}

/* A chip in which sets were installed one after the other. */
static void begin_with(const uint32_t *sequences) {
    memset(&chip, 0xff, sizeof chip); /* erased, with power, and reads do not fail */
    chip.erased = 0;
    for (boot(); *sequences; sequences++) {
        bring_set(*sequences);
        assert_int_equal(sequence_in_use(), *sequences);
    }
}

static const uint32_t histories[][4] = {{0}, {5}, {5, 6}, {5, 6, 7}};
enum { HISTORIES = sizeof histories / sizeof histories[0], NEW = 9 };

static uint32_t last_of(const uint32_t *sequences) {
    uint32_t last = ca_trust.sequence;
    while (*sequences)
        last = *sequences++;
    return last;
}

/* ---- tests ---- */

static void sets_follow_one_another(void **state) {
    (void)state;
    assert_memory_equal(ca_signers, blob_policy().keys, sizeof ca_signers);
    for (unsigned h = 0; h < HISTORIES; h++) {
        begin_with(histories[h]);
        boot();
        assert_int_equal(sequence_in_use(), last_of(histories[h]));
        bring_set(NEW);
        assert_int_equal(sequence_in_use(), NEW);
        boot();
        assert_int_equal(sequence_in_use(), NEW);
    }
}

/* Brings a set and cuts the power at an operation. Returns whether it was cut. */
static int bring_until(int power) {
    boot();
    uint32_t before = sequence_in_use();
    chip.power = power;
    bring_set(NEW);
    int was_cut = chip.power == 0;
    chip.power = -1;
    boot();
    uint32_t after = sequence_in_use();
    assert_true(after == NEW || (was_cut && after == before));
    bring_set(NEW + 1);
    assert_int_equal(sequence_in_use(), NEW + 1);
    return was_cut;
}

/* Also with a slot whose set is damaged. */
static void power_is_cut_at_every_operation(void **state) {
    static unsigned char whole[sizeof chip.octets];
    (void)state;
    for (unsigned h = 0; h < HISTORIES; h++) {
        begin_with(histories[h]);
        memcpy(whole, chip.octets, sizeof whole);
        for (int damaged = -1; damaged < (h == 2 ? 2 : 0); damaged++) {
            int power = 1 - stride(), was_cut;
            do {
                memcpy(chip.octets, whole, sizeof whole);
                if (damaged >= 0) chip.octets[(unsigned)damaged * FLASH_TRUST_SLOT + 300] ^= 1;
                power += stride();
                was_cut = bring_until(power);
            } while (was_cut);
            assert_true(power > 16);
        }
    }
}

/* The newest set that can be read is in use, and all of them once reads work again. */
static void reads_fail(void **state) {
    (void)state;
    for (int reads = 0;; reads += stride()) {
        begin_with(histories[2]);
        chip.reads = reads;
        boot();
        uint32_t now = sequence_in_use();
        assert_true(now == 6 || now == 5 || now == ca_trust.sequence);
        int failed = chip.reads == 0;
        chip.reads = -1;
        trust_concludes(POPCL_ERR_BLOB_READ);
        assert_int_equal(sequence_in_use(), 6);
        if (!failed) break;
        assert_true(reads < 1000);
    }
}

/* Only a signed and newer header makes the device erase a sector, and that a few times a day. */
static void wear_of_the_flash(void **state) {
    unsigned char octets[ROOM];
    (void)state;
    begin_with(histories[2]);
    unsigned erased = chip.erased;
    size_t n = make_set(octets, NEW);
    for (size_t at = 0; at < POPCL_BLOB_HEAD; at++) {
        octets[at] ^= 1;
        bring(octets, n);
        octets[at] ^= 1;
    }
    for (uint32_t sequence = 0; sequence <= 6; sequence++)
        bring_set(sequence);
    bring(octets, POPCL_BLOB_HEAD - 1);
    assert_int_equal(chip.erased, erased);
    assert_int_equal(sequence_in_use(), 6);
    /* a right header and a wrong rest, again and again; the right set comes in the same poll */
    octets[n - 1] ^= 1;
    bring(octets, n);
    assert_int_equal(chip.erased, erased + 1);
    bring_set(NEW - 1);
    assert_int_equal(sequence_in_use(), NEW - 1);
    for (unsigned again = 0; again < 2 * ERASURES_MAX; again++)
        bring(octets, n);
    assert_int_equal(chip.erased, ERASURES_MAX);
    now_ms += DAY_MS;
    octets[n - 1] ^= 1;
    bring(octets, n);
    assert_int_equal(sequence_in_use(), NEW);
}

static void bring_at(const unsigned char *octets, size_t n, int64_t utc_s) {
    (void)trust_now(utc_s);
    (void)bring_in_session(octets, n);
}

/* The count of a day is the same after a restart, whichever slot has it. */
static void wear_over_restarts(void **state) {
    enum { NOON = POPCL_CLOCK_FLOOR_S + DAY_S / 2, DAYS = 3 };
    unsigned char right[ROOM], wrong[ROOM];
    (void)state;
    begin_with(histories[1]);
    size_t n = make_set(right, NEW);
    memcpy(wrong, right, n);
    wrong[n - 1] ^= 1;
    /* within a day, the sets of begin_with included: they came without a clock */
    bring_at(wrong, n, NOON);
    unsigned before = chip.erased;
    for (unsigned i = 1; i < 3 * ERASURES_MAX; i++) {
        if (i % 5 == 0 && i < ERASURES_MAX) boot();
        bring_at(wrong, n, NOON + i);
    }
    assert_int_equal(chip.erased - before, ERASURES_MAX - 1);
    assert_int_equal(trust.wear.total, chip.erased);
    /* a start leaves one, and no more; neither does a clock that goes back bring more */
    for (unsigned i = 0; i < 20; i++) {
        boot();
        before = chip.erased;
        for (unsigned k = 0; k < 3; k++)
            bring_at(wrong, n, NOON - (int64_t)i * DAY_S);
        assert_int_equal(chip.erased - before, 1);
    }
    /* a new day, with a restart in it and without one */
    for (int64_t day = 1; day <= DAYS; day++) {
        before = chip.erased;
        for (unsigned i = 0; i < 2 * ERASURES_MAX; i++) {
            if (day % 2 && i == ERASURES_MAX / 2) boot();
            bring_at(wrong, n, NOON + day * DAY_S);
        }
        assert_int_equal(chip.erased - before, ERASURES_MAX);
    }
    assert_int_equal(trust.wear.total, chip.erased);
    /* the set in use is untouched, and the right one is taken on the next day */
    assert_int_equal(sequence_in_use(), 5);
    bring_at(right, n, NOON + (DAYS + 1) * DAY_S);
    assert_int_equal(sequence_in_use(), NEW);
    boot();
    assert_int_equal(sequence_in_use(), NEW);
}

/* A damaged record counts as none; the other slot's is taken. */
static void a_record_of_wear_that_is_damaged(void **state) {
    (void)state;
    begin_with(histories[3]);
    assert_int_equal(trust.wear.total, 3);
    for (unsigned slot = 0; slot < 2; slot++)
        for (unsigned bit = 0; bit < 8 * FLASH_UNIT; bit += 7) {
            unsigned char *at = chip.octets + slot * FLASH_TRUST_SLOT + WEAR_AT + bit / 8;
            *at ^= (unsigned char)(1 << bit % 8);
            boot();
            assert_int_equal(sequence_in_use(), 7);
            assert_int_equal(trust.wear.total, slot ? 3 : 2); /* slot 0 was erased last */
            *at ^= (unsigned char)(1 << bit % 8);
        }
}

/* A set that would fill the place of the record is refused by its head. */
static void the_largest_set(void **state) {
    unsigned char octets[ROOM];
    (void)state;
    begin_with(histories[1]);
    size_t n = make_set(octets, NEW);
    unsigned before = chip.erased;
    blob_put(octets + 4, WEAR_AT + 1, 4);
    blob_sign(octets, 0);
    bring(octets, n);
    assert_non_null(strstr(said, "a new set refused, POPCL_ERR_BLOB_DAMAGED"));
    assert_int_equal(chip.erased, before);
    blob_put(octets + 4, WEAR_AT, 4); /* it fits: now only octets lack */
    blob_sign(octets, 0);
    bring(octets, n);
    assert_int_equal(chip.erased, before + 1);
    assert_int_equal(sequence_in_use(), 5);
}

/* A device takes no set that its profile cannot use: it could not reach its mail any more. */
static void a_set_for_another_profile(void **state) {
    static const unsigned char rsa[12 + 256 + 1] = {
        1, 1, 255, 1, 1, [12] = 0x80, [12 + 255] = 1, [12 + 256] = 3};
    static const popcl_anchor anchors[] = {{"name 1", rsa, sizeof rsa}};
    static const blob_pin pin = {"a key", 0, 65535};
    unsigned char octets[ROOM];
    (void)state;
    begin_with(histories[0]);
    boot_with(&popcl_tls_pinned);
    unsigned before = chip.erased;
    bring_set(NEW); /* anchors, and later pins beside them */
    assert_non_null(strstr(said, "a new set refused, POPCL_ERR_BLOB_PROFILE"));
    wish.pins = &pin;
    wish.pins_len = 1;
    said[0] = '\0';
    bring_set(NEW);
    assert_non_null(strstr(said, "a new set refused, POPCL_ERR_BLOB_PROFILE"));
    wish = (blob_wish){0};
    said[0] = '\0';
    bring(octets, blob_make(octets, &(blob_wish){.sequence = NEW})); /* it trusts nobody */
    assert_non_null(strstr(said, "a new set refused, POPCL_ERR_NO_TRUST"));
    assert_int_equal(chip.erased, before);
    const blob_wish of_pins = {.sequence = NEW, .pins = &pin, .pins_len = 1};
    bring(octets, blob_make(octets, &of_pins));
    assert_int_equal(sequence_in_use(), NEW);
    /* pins alone are for every profile, and anchors of RSA are of no use to `ecdsa` */
    boot_with(&popcl_tls_ecdsa);
    assert_int_equal(sequence_in_use(), NEW);
    const blob_wish of_rsa = {.sequence = NEW + 1, .anchors = anchors, .anchors_len = 1};
    bring(octets, blob_make(octets, &of_rsa));
    assert_non_null(strstr(said, "a new set refused, POPCL_ERR_BLOB_PROFILE"));
    assert_int_equal(sequence_in_use(), NEW);
    boot();
    bring(octets, blob_make(octets, &of_rsa));
    assert_int_equal(sequence_in_use(), NEW + 1);
    /* firmware with another profile: the older set counts, and the refusal is reported */
    boot_with(&popcl_tls_pinned);
    assert_int_equal(sequence_in_use(), NEW);
    assert_non_null(strstr(said, "refused, POPCL_ERR_BLOB_PROFILE"));
}

/* A device that was off for long gets several in one poll. */
static void several_in_one_poll(void **state) {
    (void)state;
    begin_with(histories[2]);
    (void)trust_now(0);
    for (uint32_t sequence = NEW; sequence < NEW + 3; sequence++) {
        unsigned char octets[ROOM];
        (void)bring_in_session(octets, make_set(octets, sequence));
    }
    assert_int_equal(sequence_in_use(), NEW + 2);
    boot();
    assert_int_equal(sequence_in_use(), NEW + 2);
}

/* A set of the second key retires the first. From then on no set of the first is taken, wherever
 * the power was cut, and if a slot of the limits is damaged. */
static void retired_keys_stay_retired(void **state) {
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++)
        for (int power = 1, was_cut = 1; was_cut; power++) {
            wish = (blob_wish){0};
            begin_with(histories[1]);
            wish.key = 1;
            wish.retired = 1;
            wish.floor = 6;
            chip.power = power;
            bring_set(6);
            was_cut = chip.power == 0;
            chip.power = -1;
            boot();
            if (sequence_in_use() == 6) {
                wish.retired = wish.floor = 0; /* the next ones do not repeat it */
                bring_set(7);
                bring_set(8);
                if (damaged) chip.octets[2 * FLASH_TRUST_SLOT + 20] ^= 1;
                boot();
                wish.key = 0;
                bring_set(9);
                assert_int_equal(sequence_in_use(), 8);
                assert_int_equal(trust.kept.floor, 6);
                /* and what is kept is whole again */
                if (damaged) chip.octets[2 * FLASH_TRUST_SLOT + FLASH_STATE_SLOT + 20] ^= 1;
                boot();
                bring_set(9);
                assert_int_equal(sequence_in_use(), 8);
            }
        }
    wish = (blob_wish){0};
}

/* Nothing of the set is at fault: its message comes again. */
static void a_set_that_comes_again(void **state) {
    unsigned char octets[ROOM];
    (void)state;
    begin_with(histories[1]);
    wish.made_s = POPCL_CLOCK_FLOOR_S + 100;
    size_t n = make_set(octets, NEW);
    (void)trust_now(POPCL_CLOCK_FLOOR_S + 99);
    assert_int_equal(bring_in_session(octets, n), 1);
    assert_int_equal(sequence_in_use(), 5);
    (void)trust_now(POPCL_CLOCK_FLOOR_S + 100);
    chip.power = 1;
    assert_int_equal(bring_in_session(octets, n), 1);
    chip.power = -1;
    assert_int_equal(sequence_in_use(), 5);
    (void)trust_now(POPCL_CLOCK_FLOOR_S + 100);
    assert_int_equal(bring_in_session(octets, n), 0);
    assert_int_equal(sequence_in_use(), NEW);
    assert_int_equal(bring_in_session(octets, n), 0); /* older: its own fault */
    /* not for ever: other mail must not wait for it */
    wish.made_s = POPCL_CLOCK_FLOOR_S + INT64_C(1000000000);
    n = make_set(octets, NEW + 1);
    (void)trust_now(POPCL_CLOCK_FLOOR_S + 100);
    unsigned again = 0;
    while (bring_in_session(octets, n))
        again++;
    assert_int_equal(again, AGAIN_MAX);
    wish = (blob_wish){0};
    /* without an anchor or a pin nothing could be trusted any more */
    n = blob_make(octets, &(blob_wish){.sequence = NEW + 1});
    bring(octets, n);
    assert_int_equal(sequence_in_use(), NEW);
}

/* The flash of the set in use fails while the board runs. */
static void a_slot_that_is_erased_at_run_time(void **state) {
    (void)state;
    begin_with(histories[1]);
    memset(chip.octets, 0xff, 2 * FLASH_TRUST_SLOT);
    trust_concludes(POPCL_ERR_BLOB_DAMAGED);
    assert_int_equal(trust.in_use, COMPILED_IN);
}

static void a_message_that_is_not_whole_installs_nothing(void **state) {
    (void)state;
    begin_with(histories[1]);
    trust_begin();
    trust_octets("\n\nUFRCMQAA", 10);
    assert_int_equal(trust_end(0), 0);
    assert_null(strstr(said, "refused"));
    assert_int_equal(sequence_in_use(), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_follow_one_another),
        cmocka_unit_test(power_is_cut_at_every_operation),
        cmocka_unit_test(reads_fail),
        cmocka_unit_test(wear_of_the_flash),
        cmocka_unit_test(wear_over_restarts),
        cmocka_unit_test(a_record_of_wear_that_is_damaged),
        cmocka_unit_test(the_largest_set),
        cmocka_unit_test(a_set_for_another_profile),
        cmocka_unit_test(several_in_one_poll),
        cmocka_unit_test(retired_keys_stay_retired),
        cmocka_unit_test(a_set_that_comes_again),
        cmocka_unit_test(a_slot_that_is_erased_at_run_time),
        cmocka_unit_test(a_message_that_is_not_whole_installs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
