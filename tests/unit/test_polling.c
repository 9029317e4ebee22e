/* SPDX-License-Identifier: MIT */
/* test_polling - when the next run of --poll is due, and which of several exit codes is the worst.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "outlet.h"
#include "polling.h"

static uint64_t wait_after(cmd_polling *p, int code, uint32_t poll_ms, uint32_t delay_s) {
    cmd_polling_after(p, code, poll_ms, delay_s, 1000000);
    return p->due_ms - 1000000;
}

static void success_keeps_the_pace(void **state) {
    cmd_polling p = {0};
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(wait_after(&p, i % 2, 60000, 0) == 60000);
    assert_false(p.is_over);
}

static void failures_double_the_time_up_to_an_hour(void **state) {
    static const uint32_t minutes[] = {2, 4, 8, 16, 32, 60, 60, 60};
    cmd_polling p = {0};
    (void)state;
    for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++)
        assert_true(wait_after(&p, i % 2 ? 75 : 69, 60000, 0) == minutes[i] * 60000u);
    assert_true(wait_after(&p, 0, 60000, 0) == 60000);
    assert_true(wait_after(&p, 75, 60000, 0) == 120000);
    /* never sooner than it was asked for, and the count never overflows */
    for (int i = 0; i < 100; i++)
        assert_true(wait_after(&p, 79, 7200000, 0) == 7200000);
    p.failures = UINT32_MAX - 1;
    assert_true(wait_after(&p, 80, 1000, 0) == 3600000);
}

/* [R47] */
static void the_delay_of_the_server_counts(void **state) {
    cmd_polling p = {0};
    (void)state;
    assert_true(wait_after(&p, 0, 60000, 300) == 300000);
    assert_true(wait_after(&p, 0, 60000, 30) == 60000);
    assert_true(wait_after(&p, 75, 60000, 7200) == 7200000);
}

static void a_person_is_needed(void **state) {
    static const int codes[] = {77, 64, 66, 78};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        cmd_polling p = {0};
        (void)wait_after(&p, codes[i], 1000, 0);
        assert_true(p.is_over);
    }
}

static void the_worst_code(void **state) {
    static const int order[] = {1, 0, 75, 69, 68, 76, 80, 66, 64, 78, 77, 73, 74, 79, 130};
    enum { N = sizeof order / sizeof *order };
    (void)state;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            assert_int_equal(cmd_polling_worse(order[i], order[k]), order[i > k ? i : k]);
}

static volatile sig_atomic_t stop_flag;

static void on_alarm(int number) { stop_flag = number; }

static void a_signal_ends_the_sleep(void **state) {
    struct sigaction act = {.sa_handler = on_alarm};
    sigset_t blocked, before;
    (void)state;
    uint64_t began = cmd_outlet_now_ms();
    cmd_polling_sleep(began + 30, &stop_flag);
    assert_true(cmd_outlet_now_ms() >= began + 30);
    cmd_polling_sleep(0, &stop_flag);
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(alarm(1), 0);
    cmd_polling_sleep(began + 3600000, &stop_flag);
    assert_int_equal(stop_flag, SIGALRM);
    cmd_polling_sleep(began + 3600000, &stop_flag); /* it is set already */
    /* the mask is what it was */
    (void)sigemptyset(&blocked);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    assert_false(sigismember(&before, SIGALRM));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_keeps_the_pace),
        cmocka_unit_test(failures_double_the_time_up_to_an_hour),
        cmocka_unit_test(the_delay_of_the_server_counts),
        cmocka_unit_test(a_person_is_needed),
        cmocka_unit_test(the_worst_code),
        cmocka_unit_test(a_signal_ends_the_sleep),
    };
    return cmocka_run_group_tests_name("polling", tests, NULL, NULL);
}
