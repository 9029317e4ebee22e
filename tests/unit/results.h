/* SPDX-License-Identifier: MIT */
/* results - how cmocka reports in each program that is linked with results.c: as TAP, unless
 * CMOCKA_MESSAGE_OUTPUT names another form. With POPCL_TEST=PATTERN in the environment a program
 * runs only the tests whose names match; `*` is any text and `?` any character. */
#ifndef TESTS_RESULTS_H
#define TESTS_RESULTS_H

/* Ends the test that runs, as cmocka's skip() does, with a reason. */
void skip_test(const char *why);

#endif
