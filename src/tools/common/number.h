/* SPDX-License-Identifier: MIT */
/* number - decimal numbers in arguments. It knows no option. */
#ifndef POPCL_TOOL_NUMBER_H
#define POPCL_TOOL_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Reads the digits at the start of text as a number up to max. Returns the text after them. Returns
 * NULL if the number is damaged, and no part of it may be read. It then has no digits, is above
 * max, has more digits than max, or has more than three leading zeros. */
const char *tool_number_read(const char *text, uint64_t max, uint64_t *value);

/* Returns a number from 1 to max, if text has nothing else; otherwise 0. */
uint64_t tool_number(const char *text, uint64_t max);

#endif
