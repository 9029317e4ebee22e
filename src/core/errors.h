/* SPDX-License-Identifier: MIT */
/* errors - the results of the protocol, and the part that the columns of text (err_*.c) share. A
 * column is a struct with an array for each row. So the texts follow each other without a table of
 * pointers, which would cost 4 bytes a row. A program that asks for a text is about to write it,
 * and has time to count rows. */
#ifndef POPCL_CORE_ERRORS_H
#define POPCL_CORE_ERRORS_H

#include "popcl_errors.h"

/* Returns whether e is of class PROTOCOL, without the table of popcl_err_class. errors.c checks
 * that both agree. */
#define POPCL_ERR_IS_PROTOCOL(e)                                                                   \
    ((e) >= POPCL_ERR_NOT_POP3 && (e) <= POPCL_ERR_GREETED_AGAIN && (e) != POPCL_ERR_CAPA)

/* Returns the text of the result e in a column, or "unknown result". */
const char *popcl_err_text(popcl_err e, const void *texts);

#endif
