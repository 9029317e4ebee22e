/* SPDX-License-Identifier: MIT */
/* number - decimal numbers in arguments. Knows no option. */
#ifndef POPCL_TOOL_NUMBER_H
#define POPCL_TOOL_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Reads the digits that text begins with, as a number up to max. Returns what follows them; or NULL
 * where there are none, the number is above max, there are more digits than max has, or more than
 * three zeros lead: such a number is damaged, and reading a part of it would be worse. */
const char *tool_number_read(const char *text, uint64_t max, uint64_t *value);

/* A number from 1 to max and nothing else; 0 for anything else. */
uint64_t tool_number(const char *text, uint64_t max);

#endif
