/* SPDX-License-Identifier: MIT */
/* err_what - what failed, for each result (errors.h). */
#include "errors.h"

static const struct {
#define X(number, name, class_, what, cause, advice) char name[sizeof what];
    POPCL_ERROR_TABLE(X)
#undef X
} texts = {
#define X(number, name, class_, what, cause, advice) what,
    POPCL_ERROR_TABLE(X)
#undef X
};

const char *popcl_err_what(popcl_err e) { return popcl_err_text(e, &texts); }
