/* SPDX-License-Identifier: MIT */
/* test_scram_7677 - the example of RFC 7677, 3. Its nonce is shorter than those of popcl, so this
 * program compiles scram.c with another length. */
#define POPCL_SCRAM_NONCE 20u
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/auth/scram.c"
#include "results.h"
#include "scram_dialogue.h"

#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

static void the_example_of_rfc_7677(void **state) {
    static dialogue d;
    (void)state;
    dialogue_begin(&d, &popcl_mech_scram_sha_256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    assert_int_equal(dialogue_challenge(&d, "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
                     POPCL_MORE);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent,
                        "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    assert_int_equal(dialogue_challenge(&d, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
                     POPCL_MORE);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent, "");
    assert_int_equal(dialogue_take(&d, POPCL_STATUS_OK, NULL), POPCL_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_example_of_rfc_7677)};
    return cmocka_run_group_tests_name("scram_7677", tests, NULL, NULL);
}
