/* SPDX-License-Identifier: MIT */
/* nearest - finds the known word that is most like a mistyped one. It prints nothing, and never
 * repeats a word that may be a secret in the wrong place. */
#ifndef POPCL_TOOL_NEAREST_H
#define POPCL_TOOL_NEAREST_H

#include <stddef.h>

#define TOOL_WORD_MAX 32 /* octets of a word that may be repeated */

/* A search. `name` is the nearest word up to now; NULL = no word is near. */
typedef struct tool_nearest {
    const char *name;
    /* private */
    const char *text;
    size_t len;
    unsigned distance;
} tool_nearest;

/* Returns whether n octets look like the name of an option: letters, digits and -, TOOL_WORD_MAX at
 * most. Other text may be a secret, and must not be shown. */
int tool_is_word(const char *text, size_t n);

/* Begins a search for text, n octets. If it is no word, no name will be near. */
tool_nearest tool_nearest_begin(const char *text, size_t n);

/* Compares with one known word, NUL-terminated, which must stay. */
void tool_nearest_try(tool_nearest *s, const char *word);

#endif
