/* SPDX-License-Identifier: MIT */
/* errors - the class of a result, and its row in the table of popcl_errors.h. Each column of text
 * is a file of its own, err_*.c. A program links only the columns that it asks for. */
#include "errors.h"

#include <string.h>

/* The numbers are 0 to POPCL_ERR_COUNT_ - 1. The switch below refuses a duplicate. The numbers fit
 * uint8_t, in which popcl keeps results. */
#define X(number, name, class_, what, cause, advice) &&(number) < POPCL_ERR_COUNT_
typedef char numbers_have_no_gap[1 POPCL_ERROR_TABLE(X) ? 1 : -1];
#undef X
typedef char numbers_fit_a_byte[POPCL_ERR_COUNT_ <= 255 ? 1 : -1];

#define X(number, name, class_, what, cause, advice)                                               \
    &&(POPCL_CLASS_##class_ == POPCL_CLASS_PROTOCOL) == (POPCL_ERR_IS_PROTOCOL(number) ? 1 : 0)
typedef char protocol_errors_are_known[1 POPCL_ERROR_TABLE(X) ? 1 : -1];
#undef X

popcl_class popcl_err_class(popcl_err e) {
    switch ((unsigned)e) {
#define X(number, name, class_, what, cause, advice)                                               \
    case number: return POPCL_CLASS_##class_;
        POPCL_ERROR_TABLE(X)
#undef X
    }
    return POPCL_CLASS_USAGE;
}

const char *popcl_err_text(popcl_err e, const void *texts) {
    static const unsigned char numbers[] = {
#define X(number, name, class_, what, cause, advice) number,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    const char *text = texts;
    if ((unsigned)e >= POPCL_ERR_COUNT_) return "unknown result";
    for (unsigned row = 0; numbers[row] != (unsigned)e; row++)
        text += strlen(text) + 1;
    return text;
}
