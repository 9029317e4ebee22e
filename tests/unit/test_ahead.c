/* SPDX-License-Identifier: MIT */
/* Which sessions of a device send commands ahead. After one that could not be sure of its replies
 * some send one at a time. Then one tries it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ahead.h"

static const popcl_diag good = {.err = POPCL_OK}, more = {.err = POPCL_MORE},
                        late = {.err = POPCL_ERR_TIMEOUT_CONNECT},
                        shifted = {.err = POPCL_OK, .ahead = 1, .shifted = 1},
                        mixed_up = {.err = POPCL_ERR_REPLIES,
                                    .ahead = 1,
                                    .unsure = 1,
                                    .shifted = 1},
                        broken = {.err = POPCL_ERR_NET, .ahead = 1, .unsure = 1},
                        capa = {.err = POPCL_ERR_CAPA};

/* Returns how many sessions send one command at a time, if all succeed. */
static unsigned one_at_a_time(uint8_t left) {
    unsigned n = 0;
    for (; left && n < 1000; n++)
        left = ahead_next(left, n % 2 ? &more : &good);
    return n;
}

static void a_good_session_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(ahead_next(0, &good), 0);
    assert_int_equal(ahead_next(0, &more), 0);
    assert_int_equal(ahead_next(0, &late), 0);
}

static void an_unsure_one_is_followed_by_some_without_a_window(void **state) { /* [R49] */
    (void)state;
    assert_int_equal(one_at_a_time(ahead_next(0, &broken)), AHEAD_BROKEN);
    assert_int_equal(one_at_a_time(ahead_next(0, &shifted)), AHEAD_SHIFTED);
    assert_int_equal(one_at_a_time(ahead_next(0, &mixed_up)), AHEAD_SHIFTED);
}

static void a_failure_does_not_count_as_one_of_them(void **state) {
    (void)state;
    for (unsigned left = 1; left <= AHEAD_SHIFTED; left++) {
        assert_int_equal(ahead_next((uint8_t)left, &late), left);
        assert_int_equal(ahead_next((uint8_t)left, &good), left - 1);
    }
}

static void a_window_makes_no_server_fail_at_capa_for_ever(void **state) { /* [Q9] */
    (void)state;
    assert_int_equal(one_at_a_time(ahead_next(0, &capa)), AHEAD_SHIFTED);
    assert_int_equal(ahead_next(3, &capa), 3); /* it was not sent because of a window */
}

/* Each state that a reset may leave, each session after it. */
static void the_number_is_bounded(void **state) {
    static const popcl_diag *const all[] = {&good,     &more,   &late, &shifted,
                                            &mixed_up, &broken, &capa};
    (void)state;
    for (unsigned left = 0; left <= UINT8_MAX; left++) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            unsigned next = ahead_next((uint8_t)left, all[i]);
            assert_true(next <= left || next <= AHEAD_SHIFTED);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_session_changes_nothing),
        cmocka_unit_test(an_unsure_one_is_followed_by_some_without_a_window),
        cmocka_unit_test(a_failure_does_not_count_as_one_of_them),
        cmocka_unit_test(a_window_makes_no_server_fail_at_capa_for_ever),
        cmocka_unit_test(the_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
