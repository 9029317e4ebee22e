/* SPDX-License-Identifier: MIT */
/* errors.h - the part that the columns of text (err_*.c) share. A column is a struct with an array
 * for each row. So the texts follow each other without a table of pointers, which would cost 4
 * bytes a row. A program that asks for a text is about to write it, and has time to count rows. */
#ifndef POPCL_CORE_ERRORS_H
#define POPCL_CORE_ERRORS_H

#include "popcl_errors.h"

/* Returns the text of the result e in a column, or "unknown result". */
const char *popcl_err_text(popcl_err e, const void *texts);

#endif
