/* SPDX-License-Identifier: MIT */
/* nearest - see nearest.h. The distance is the number of single changes: an octet more, one less,
 * another one, or two neighbours in the wrong order. A word that only lacks its end is as near as
 * one with a single change. */
#include "nearest.h"

#include <string.h>

int tool_is_word(const char *text, size_t n) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    return n <= TOOL_WORD_MAX && strspn(text, allowed) >= n;
}

static unsigned fewest(unsigned a, unsigned b) { return a < b ? a : b; }

/* Returns the number of changes from a to b. Both have TOOL_WORD_MAX octets at most. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    unsigned rows[3][TOOL_WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t k = 0; k <= b_len; k++)
        last[k] = before[k] = (unsigned)k;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = (unsigned)i;
        for (size_t k = 1; k <= b_len; k++) {
            int is_other = a[i - 1] != b[k - 1];
            now[k] = fewest(fewest(last[k], now[k - 1]) + 1, last[k - 1] + (is_other ? 1u : 0u));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                now[k] = fewest(now[k], before[k - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_len];
}

tool_nearest tool_nearest_begin(const char *text, size_t n) {
    tool_nearest s = {.text = text, .len = tool_is_word(text, n) ? n : 0};
    s.distance = (unsigned)s.len / 3 + 1; /* at most one change for every three octets */
    return s;
}

void tool_nearest_try(tool_nearest *s, const char *word) {
    size_t n = strlen(word);
    if (s->len < 2 || n > TOOL_WORD_MAX) return;
    int is_begin = s->len >= 3 && s->len < n && memcmp(s->text, word, s->len) == 0;
    unsigned found = is_begin ? 1 : distance(s->text, s->len, word, n);
    if (found >= s->distance) return;
    s->distance = found;
    s->name = word;
}
