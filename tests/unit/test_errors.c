/* SPDX-License-Identifier: MIT */
/* Tests of the results (popcl_errors.h): each has the class and the texts of its own row, and a
 * number that is no result has texts too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "popcl_errors.h"

static void each_result_has_its_own_row(void **state) {
    static const struct {
        popcl_err e;
        unsigned number;
        const char *name;
        popcl_class class_;
        const char *what, *cause, *advice;
    } rows[] = {
#define X(number, name, class_, what, cause, advice)                                               \
    {POPCL_##name, number, #name, POPCL_CLASS_##class_, what, cause, advice},
        POPCL_ERROR_TABLE(X)
#undef X
    };
    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], POPCL_ERR_COUNT_);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].e, rows[i].number);
        assert_string_equal(popcl_err_name(rows[i].e), rows[i].name);
        assert_int_equal(popcl_err_class(rows[i].e), rows[i].class_);
        assert_string_equal(popcl_err_what(rows[i].e), rows[i].what);
        assert_string_equal(popcl_err_cause(rows[i].e), rows[i].cause);
        assert_string_equal(popcl_err_advice(rows[i].e), rows[i].advice);
    }
}

static void a_number_that_is_no_result_has_texts(void **state) {
    static const int numbers[] = {POPCL_ERR_COUNT_, 255, 256, 65536, -1};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        popcl_err e = (popcl_err)numbers[i];
        assert_string_equal(popcl_err_name(e), "unknown result");
        assert_string_equal(popcl_err_what(e), "unknown result");
        assert_string_equal(popcl_err_cause(e), "unknown result");
        assert_string_equal(popcl_err_advice(e), "unknown result");
        assert_int_equal(popcl_err_class(e), POPCL_CLASS_USAGE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_has_its_own_row),
        cmocka_unit_test(a_number_that_is_no_result_has_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
