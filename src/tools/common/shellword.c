/* SPDX-License-Identifier: MIT */
/* shellword - see shellword.h. */
#include "shellword.h"

#include <string.h>

const char *tool_shell_word(char *to, size_t cap, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+,@%:=",
                      quote[] = "'\"'\"'"; /* no backslash, which reports escape */
    int is_plain = *word && !word[strspn(word, plain)];
    size_t n = 0;
    if (!is_plain) to[n++] = '\'';
    for (; *word && n + sizeof quote + 1 < cap; word++) {
        size_t len = *word == '\'' ? sizeof quote - 1 : 1;
        memcpy(to + n, len > 1 ? quote : word, len);
        n += len;
    }
    if (!is_plain) to[n++] = '\'';
    to[n] = '\0';
    return to;
}
