/* SPDX-License-Identifier: MIT */
/* How long a device waits after failures: longer with each, never a storm, whatever the interval.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

#define DAY_MS 86400000u

static const uint32_t randoms[] = {0, 1, 12345, 0x7fffffff, 0x80000000, UINT32_MAX};
#define RANDOMS (sizeof randoms / sizeof randoms[0])

static void it_doubles_six_times(void **state) {
    (void)state;
    for (uint32_t failures = 0; failures < 100; failures++) {
        uint32_t ms = 1000u << (failures < 6 ? failures : 6), least = UINT32_MAX, most = 0;
        for (uint32_t random = 0; random < 100000; random++) {
            uint32_t wait = backoff_ms(1000, failures, random);
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
        }
        assert_int_equal(least, ms - ms / 8);
        assert_int_equal(most, ms - ms / 8 + ms / 4);
    }
}

/* For every interval a product may have: a second, 5 minutes, 18 hours (which doubles to 2^32 in
 * six times), a week, 49 days. */
static void a_failure_makes_no_pause_shorter(void **state) {
    static const uint32_t intervals[] = {
        0,        1,      7,          1000,     300000,    DAY_MS / 64, DAY_MS / 2, DAY_MS / 2 + 1,
        1u << 26, DAY_MS, 7 * DAY_MS, 1u << 31, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        for (size_t r = 0; r < RANDOMS; r++) {
            uint32_t before = 0, least = intervals[i] - intervals[i] / 8;
            for (uint32_t failures = 0; failures < 40; failures++) {
                uint32_t wait = backoff_ms(intervals[i], failures, randoms[r]);
                assert_true(wait >= least);
                if (r == 0) assert_true(wait >= before); /* the same share of a longer pause */
                if (intervals[i] <= DAY_MS) assert_true(wait <= DAY_MS + DAY_MS / 8);
                before = wait;
            }
        }
    }
}

/* What waiting does not mend: an hour at least, then longer, and never a storm on an account that
 * its server may lock. What a network does is tried as before. */
static void a_refused_login_waits_longer(void **state) {
    (void)state;
    for (int what = POPCL_CLASS_DONE; what <= POPCL_CLASS_STOPPED; what++) {
        const int refused = what == POPCL_CLASS_LOGIN || what == POPCL_CLASS_CONFIG;
        const uint32_t hour = 3600000u, day = 24 * hour;
        assert_int_equal(backoff_base_ms(1000, (popcl_class)what), refused ? hour : 1000);
        assert_int_equal(backoff_base_ms(day, (popcl_class)what), day);
        for (uint32_t failures = 0; failures < 10 && refused; failures++) {
            uint32_t wait = backoff_ms(backoff_base_ms(1000, (popcl_class)what), failures, 0);
            assert_true(wait >= hour - hour / 8 && wait <= day);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_six_times),
        cmocka_unit_test(a_failure_makes_no_pause_shorter),
        cmocka_unit_test(a_refused_login_waits_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
