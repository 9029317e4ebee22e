/* SPDX-License-Identifier: MIT */
/* shellword - a word for a command line that a person copies into a shell. */
#ifndef POPCL_TOOL_SHELLWORD_H
#define POPCL_TOOL_SHELLWORD_H

#include <stddef.h>

/* Writes the word as a POSIX shell reads it: in quotes if it has characters that mean something
 * there. Cut to fit. cap is at least 8 bytes. Returns to. */
const char *tool_shell_word(char *to, size_t cap, const char *word);

#endif
