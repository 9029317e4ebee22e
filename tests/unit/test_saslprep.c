/* SPDX-License-Identifier: MIT */
/* test_saslprep - every character in UTF-8, whole and in pieces, and what is no UTF-8. With the
 * argument `list` it prints the numbers of the characters that are kept: tests/unit/saslprep.py
 * compares them with Unicode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "results.h"
#include "saslprep.h"

static size_t utf8(uint32_t code, unsigned char *to) {
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6)
        to[i] = (unsigned char)(0x80 | (code & 0x3f));
    to[0] = (unsigned char)(lead[n] | code);
    return n;
}

/* In pieces of so many octets. */
static int is_kept(const void *text, size_t n, size_t piece) {
    popcl_saslprep x = {0};
    const unsigned char *p = text;
    for (size_t at = 0; at < n; at += piece)
        popcl_saslprep_take(&x, p + at, n - at < piece ? n - at : piece);
    return popcl_saslprep_keeps(&x);
}

static int is_char_kept(uint32_t code) {
    unsigned char text[4];
    return is_kept(text, utf8(code, text), 4);
}

static void cuts_change_nothing(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 251) {
        unsigned char text[16] = "ab";
        size_t n = 2 + utf8(code, text + 2);
        text[n++] = 'c';
        n += utf8(code, text + n);
        int kept = is_kept(text, n, n);
        assert_int_equal(kept, is_char_kept(code));
        for (size_t piece = 1; piece < n; piece++)
            assert_int_equal(is_kept(text, n, piece), kept);
    }
}

static void ascii_is_exact(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 0x80; code++)
        assert_int_equal(is_char_kept(code), code >= 0x20 && code <= 0x7e);
}

static void what_is_no_utf_8(void **state) {
    static const char *const texts[] = {"\xc1\xa1",     "\xc0\x80",     "\xc3",         "\xc3z",
                                        "\xa9",         "\xc3\xc3\xa9", "\xff",         "\xc3(",
                                        "\xe0\x83\xa9", "\xe0\xa9z",    "\xf0\x80\x83", "a\xc3"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t piece = 1; piece < 4; piece++)
            assert_false(is_kept(texts[i], strlen(texts[i]), piece));
    assert_true(is_kept("", 0, 1));
    assert_true(is_kept("J\xc3\xb6rg \xce\xbb\xd0\x96", 10, 3));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_change_nothing),
        cmocka_unit_test(ascii_is_exact),
        cmocka_unit_test(what_is_no_utf_8),
    };
    if (argc < 2 || strcmp(argv[1], "list") != 0)
        return cmocka_run_group_tests_name("saslprep", tests, NULL, NULL);
    for (uint32_t code = 0; code <= 0x10ffff; code++)
        if (is_char_kept(code)) printf("%x\n", (unsigned)code);
    return 0;
}
