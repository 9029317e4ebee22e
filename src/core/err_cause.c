/* SPDX-License-Identifier: MIT */
/* err_cause - the likely cause of each result (errors.h). */
#include "errors.h"

static const struct {
#define X(number, name, class_, what, cause, advice) char name[sizeof cause];
    POPCL_ERROR_TABLE(X)
#undef X
} texts = {
#define X(number, name, class_, what, cause, advice) cause,
    POPCL_ERROR_TABLE(X)
#undef X
};

const char *popcl_err_cause(popcl_err e) { return popcl_err_text(e, &texts); }
