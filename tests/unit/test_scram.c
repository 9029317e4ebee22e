/* SPDX-License-Identifier: MIT */
/* test_scram - SCRAM without a session: the example of RFC 5802, the steps of the computation, the
 * key that a caller keeps, and the nonce. tests/transcripts/scram.txt has the sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results.h"
#include "scram_dialogue.h"

#define OURS  "fyko+d2lbbFgONRv9qkxdawL"
#define NONCE OURS "3rfcNHYJY1ZVvWVs7j"
#define FIRST "r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4096"
#define PROOF "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
#define LAST  "c=biws,r=" NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="

static dialogue d;

/* The dialogue up to the client's proof. */
static void prove(const popcl_mech *m, const char *user, const char *password, const char *first) {
    dialogue_begin(&d, m, user, password, OURS);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_int_equal(dialogue_challenge(&d, first), POPCL_MORE);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
}

static void the_example_of_rfc_5802(void **state) {
    (void)state;
    d.cfg.scram_key = NULL;
    dialogue_begin(&d, &popcl_mech_scram_sha_1, "user", "pencil", OURS);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent, "n,,n=user,r=" OURS);
    assert_int_equal(dialogue_challenge(&d, FIRST), POPCL_MORE);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent, LAST);
    assert_in_range(d.ticks, 32, 128); /* a bounded number of iterations each */
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_string_equal(d.sent, "");
    assert_int_equal(dialogue_take(&d, POPCL_STATUS_OK, NULL), POPCL_OK);
}

/* A session that has no room yet makes the same command a second time. */
static void a_command_that_is_made_again(void **state) {
    (void)state;
    d.cfg.scram_key = NULL;
    dialogue_begin(&d, &popcl_mech_scram_sha_1, "user", "pencil", OURS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dialogue_send(&d), POPCL_OK);
        assert_string_equal(d.sent, "n,,n=user,r=" OURS);
    }
    assert_int_equal(dialogue_challenge(&d, FIRST), POPCL_MORE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dialogue_send(&d), POPCL_OK);
        assert_string_equal(d.sent, LAST);
    }
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
}

static void a_wrong_bit_of_the_servers_proof(void **state) {
    unsigned char proof[32];
    char text[64] = "v=";
    (void)state;
    d.cfg.scram_key = NULL;
    assert_int_equal(unbase64(&PROOF[2], proof), 20);
    for (unsigned bit = 0; bit < 160; bit++) {
        popcl_scram_key kept = {.hash_len = 0};
        static popcl_scram_key once;
        d.cfg.scram_key = &kept;
        kept = once;
        prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
        if (bit == 0) {
            assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
            once = kept; /* the next ones need no computation */
            prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
        }
        proof[bit / 8] ^= (unsigned char)(1u << bit % 8);
        text[2 + popcl_scram_base64(text + 2, proof, 20)] = 0;
        proof[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(dialogue_challenge(&d, text), POPCL_ERR_SERVER_PROOF);
        d.cfg.scram_key = NULL;
    }
}

/* ---- the key that a caller keeps ---- */

static int is_zero(const popcl_scram_key *k) {
    static const popcl_scram_key none;
    return memcmp(k, &none, sizeof none) == 0;
}

static void a_kept_key_saves_the_computation(void **state) {
    popcl_scram_key kept = {.hash_len = 0};
    (void)state;
    d.cfg.scram_key = &kept;
    prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
    assert_true(d.ticks > 0);
    assert_true(is_zero(&kept)); /* not before the server has proved that it knows the password */
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
    assert_false(is_zero(&kept));
    prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST ",x=y");
    assert_int_equal(d.ticks, 0);
    prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
    assert_int_equal(d.ticks, 0);
    assert_string_equal(d.sent, LAST);
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
    assert_false(is_zero(&kept));
}

static void a_kept_key_is_never_stale(void **state) {
    static const struct {
        const popcl_mech *mech;
        const char *user, *password, *first;
    } rows[] = {
        {&popcl_mech_scram_sha_1, "user", "pencil", FIRST},
        {&popcl_mech_scram_sha_1, "user", "pencil2", FIRST},
        {&popcl_mech_scram_sha_1, "user2", "pencil", FIRST},
        {&popcl_mech_scram_sha_256, "user", "pencil", FIRST},
        {&popcl_mech_scram_sha_1, "user", "pencil", "r=" NONCE ",s=QSXCR+Q6sek8bf93,i=4096"},
        {&popcl_mech_scram_sha_1, "user", "pencil", "r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4097"},
    };
    popcl_scram_key right = {.hash_len = 0}, kept;
    char without[1024];
    (void)state;
    d.cfg.scram_key = &right;
    prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        d.cfg.scram_key = NULL;
        prove(rows[i].mech, rows[i].user, rows[i].password, rows[i].first);
        strcpy(without, d.sent);
        kept = right;
        d.cfg.scram_key = &kept;
        prove(rows[i].mech, rows[i].user, rows[i].password, rows[i].first);
        assert_string_equal(d.sent, without);
        assert_int_equal(d.ticks == 0, i == 0);
        if (i) continue;
        kept.salted[3] ^= 1; /* it was the key that was used */
        prove(rows[i].mech, rows[i].user, rows[i].password, rows[i].first);
        assert_string_not_equal(d.sent, without);
    }
    d.cfg.scram_key = NULL;
}

static void a_kept_key_goes_with_a_refusal(void **state) {
    popcl_scram_key right = {.hash_len = 0}, kept;
    (void)state;
    d.cfg.scram_key = &right;
    prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
    assert_int_equal(dialogue_challenge(&d, PROOF), POPCL_MORE);
    for (int how = 0; how < 4; how++) {
        kept = right;
        d.cfg.scram_key = &kept;
        prove(&popcl_mech_scram_sha_1, "user", "pencil", FIRST);
        popcl_err e = how == 0   ? dialogue_take(&d, POPCL_STATUS_ERR, NULL)
                      : how == 1 ? dialogue_challenge(&d, "e=invalid-proof")
                      : how == 2 ? dialogue_challenge(&d, "v=AAAA")
                                 : dialogue_take(&d, POPCL_STATUS_OK, NULL);
        assert_int_equal(e, how < 2 ? POPCL_ERR_DIGEST_REFUSED : POPCL_ERR_SERVER_PROOF);
        assert_true(is_zero(&kept));
    }
    /* a challenge that the login does not get past does not concern the key */
    kept = right;
    dialogue_begin(&d, &popcl_mech_scram_sha_1, "user", "pencil", OURS);
    assert_int_equal(dialogue_send(&d), POPCL_OK);
    assert_int_equal(dialogue_challenge(&d, "r=x"), POPCL_ERR_CHALLENGE);
    assert_memory_equal(&kept, &right, sizeof kept);
    d.cfg.scram_key = NULL;
}

/* ---- the nonce ---- */

static void the_nonce_is_of_the_seed(void **state) {
    popcl_seed seed;
    unsigned char a[POPCL_NONCE_LEN], b[POPCL_NONCE_LEN];
    (void)state;
    assert_int_equal(popcl_scram_nonce(a, NULL), POPCL_ERR_SEED);
    for (int octet = 0; octet < 256; octet++) {
        memset(&seed, octet, sizeof seed);
        assert_int_equal(popcl_scram_nonce(a, &seed), POPCL_ERR_SEED); /* [J6] */
    }
    for (size_t i = 0; i < sizeof seed.bytes; i++)
        seed.bytes[i] = (unsigned char)i;
    assert_int_equal(popcl_scram_nonce(a, &seed), POPCL_OK);
    for (size_t i = 0; i < sizeof seed.bytes; i++) { /* [R80] */
        seed.bytes[i] ^= 0x40;
        assert_int_equal(popcl_scram_nonce(b, &seed), POPCL_OK);
        seed.bytes[i] ^= 0x40;
        assert_memory_not_equal(a, b, sizeof a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_5802),
        cmocka_unit_test(a_command_that_is_made_again),
        cmocka_unit_test(a_wrong_bit_of_the_servers_proof),
        cmocka_unit_test(a_kept_key_saves_the_computation),
        cmocka_unit_test(a_kept_key_is_never_stale),
        cmocka_unit_test(a_kept_key_goes_with_a_refusal),
        cmocka_unit_test(the_nonce_is_of_the_seed),
    };
    return cmocka_run_group_tests_name("scram", tests, NULL, NULL);
}
