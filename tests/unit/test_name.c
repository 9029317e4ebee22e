/* SPDX-License-Identifier: MIT */
/* test_name - what is an address, what only looks like one, what can be a host: against inet_pton
 * and inet_aton of this machine. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/name.h"

/* Both have to agree, in the octets too. */
static enum popcl_name_kind judged(const char *text) {
    unsigned char ours[16], theirs[16];
    enum popcl_name_kind kind = popcl_name_kind(text, ours);
    int is_v4 = inet_pton(AF_INET, text, theirs) == 1;
    int is_v6 = !is_v4 && inet_pton(AF_INET6, text, theirs) == 1;
    if (is_v4 != (kind == POPCL_NAME_IPV4) || is_v6 != (kind == POPCL_NAME_IPV6))
        fail_msg("%s: kind %d, inet_pton %d %d", text, (int)kind, is_v4, is_v6);
    if (is_v4 || is_v6) assert_memory_equal(ours, theirs, is_v4 ? 4 : 16);
    return kind;
}

static void addresses_are_what_inet_pton_takes(void **state) { /* [D26] */
    static const char *const texts[] = {
        "0.0.0.0",
        "255.255.255.255",
        "1.2.3.4",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.4.",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.a",
        "+1.2.3.4",
        "-1.2.3.4",
        "00.0.0.0",
        "1.2.3.00",
        "1.2.3.1000",
        "99999999999.1.1.1",
        "",
        ".",
        "...",
        "::",
        "::1",
        "1::",
        "1::1",
        ":::",
        "::1::",
        ":1",
        "1:",
        ":",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1:2:3::5:6:7:8",
        "12345::",
        "1234::",
        "g::",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::1.2.3.4:5",
        "::1.2.3",
        "::1.2.3.04",
        "::256.1.1.1",
        "1.2.3.4::",
        "::1.2.3.4.",
        "fe80::1%eth0",
        "[::1]",
        "::1/128",
        "ABCD:ef01::",
        "abcd:EF01:2345:6789:aBcD:ef01:2345:6789",
        "1::2::3",
        "::.1.2.3",
        "1:2:3:4:5:6::1.2.3.4",
        "0x1::",
        "::00001",
        "::0001",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7",
        "1: 2::",
        "::a.b.c.d",
        "1:::2",
        "::12345",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        judged(texts[i]);
}

/* Short texts of the letters that matter meet every branch. */
static void random_texts_agree_with_inet_pton(void **state) { /* [D26] */
    static const char *const letters[] = {"0123:::.", "1:.", "12.", "0fF::1.%x", "1:2:3:4:"};
    unsigned seed = 1;
    (void)state;
    for (unsigned n = 0; n < 400000; n++) {
        char text[48];
        const char *from = letters[n % 5];
        size_t len = (n / 5) % 26, kinds = strlen(from);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = from[(seed >> 16) % kinds];
        }
        text[len] = 0;
        judged(text);
    }
}

static void what_resolvers_of_old_take_matches_nothing(void **state) { /* [D26] */
    static const char *const texts[] = {
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0.0.0X1",
        "1.2.3",
        "0",
        "0x",
        "0177.0.0.1",
        "1.2.3.08",
        "127.0.0.1.",
        "a.1",
        "mail.example.0x1f",
        "mail.example.123",
        "1.2.3.4.5",
        "256.256.256.256",
        "00000000000000000000",
        "a.0x",
    };
    static const char *const hosts[] = {
        "localhost", "a.b1", "1.a", "0xg",      "x0",          "0y1", "a.0xg",
        "123.com",   "1-2",  "a",   "xn--p1ai", "0x1.example", "1e3",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(judged(texts[i]), POPCL_NAME_NUMBERS);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct in_addr old;
        assert_int_equal(judged(hosts[i]), POPCL_NAME_HOST);
        /* nothing that a resolver takes for an address is a host here */
        assert_int_equal(inet_aton(hosts[i], &old), 0);
    }
    assert_int_equal(judged("::1::2"), POPCL_NAME_NUMBERS);
}

/* No text that inet_aton takes may be compared with wildcards. */
static void no_text_that_inet_aton_takes_is_a_host(void **state) { /* [D26] */
    static const char letters[] = "0123456789xXabf...";
    unsigned seed = 7;
    (void)state;
    for (unsigned n = 0; n < 300000; n++) {
        char text[24];
        struct in_addr old;
        size_t len = 1 + n % 20;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        text[len] = 0;
        if (inet_aton(text, &old) && judged(text) == POPCL_NAME_HOST) fail_msg("%s", text);
    }
}

static char *repeated(char *to, char c, size_t n) {
    memset(to, c, n);
    to[n] = 0;
    return to + n;
}

static void hosts_have_labels_of_letters_digits_and_hyphens(void **state) {
    static const char *const good[] = {"a",   "A-b.C", "my_host.example", "xn--bcher-kva.example",
                                       "1.a", "a-b",   "_dmarc.example",  "0"};
    static const char *const bad[] = {
        "",    ".",   "a.",  ".a",        "a..b",  "-a",  "a-",  "a.-b.c", "a b", "a*",  "*.a",
        "a/b", "a:b", "a@b", "b\xc3\xbc", "a\x7f", "a\n", "a,b", "a~b",    "a[b", "a`b", "a{b",
    };
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!popcl_name_is_host(good[i])) fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (popcl_name_is_host(bad[i])) fail_msg("%s", bad[i]);
    repeated(text, 'a', 63);
    assert_true(popcl_name_is_host(text));
    repeated(text, 'a', 64);
    assert_false(popcl_name_is_host(text));
    char *end = text;
    for (int i = 0; i < 3; i++) {
        end = repeated(end, 'a', 63);
        *end++ = '.';
    }
    repeated(end, 'b', 61);
    assert_int_equal(strlen(text), 253);
    assert_true(popcl_name_is_host(text));
    repeated(end, 'b', 62);
    assert_false(popcl_name_is_host(text));
}

static void a_copy_has_no_trailing_dot_and_fits(void **state) { /* [D27 D28] */
    struct {
        char to[256], canary;
    } room = {.canary = 42};
    char text[300];
    (void)state;
    assert_true(popcl_name_copy(room.to, "mail.example.org."));
    assert_string_equal(room.to, "mail.example.org");
    assert_true(popcl_name_copy(room.to, "a"));
    assert_string_equal(room.to, "a");
    assert_true(popcl_name_copy(room.to, "127.0.0.1.")); /* no address: it stays none */
    assert_string_equal(room.to, "127.0.0.1.");
    assert_false(popcl_name_copy(room.to, ""));
    assert_false(popcl_name_copy(room.to, "."));
    repeated(text, 'a', 255);
    assert_true(popcl_name_copy(room.to, text));
    assert_int_equal(strlen(room.to), 255);
    repeated(text, 'a', 256);
    assert_false(popcl_name_copy(room.to, text));
    memcpy(text + 255, ".", 2);
    assert_true(popcl_name_copy(room.to, text));
    assert_int_equal(strlen(room.to), 255);
    assert_int_equal(room.canary, 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_what_inet_pton_takes),
        cmocka_unit_test(random_texts_agree_with_inet_pton),
        cmocka_unit_test(what_resolvers_of_old_take_matches_nothing),
        cmocka_unit_test(no_text_that_inet_aton_takes_is_a_host),
        cmocka_unit_test(hosts_have_labels_of_letters_digits_and_hyphens),
        cmocka_unit_test(a_copy_has_no_trailing_dot_and_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
