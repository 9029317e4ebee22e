/* SPDX-License-Identifier: MIT */
/* err_advice - what to try, for each result (errors.h). */
#include "errors.h"

static const struct {
#define X(number, name, class_, what, cause, advice) char name[sizeof advice];
    POPCL_ERROR_TABLE(X)
#undef X
} texts = {
#define X(number, name, class_, what, cause, advice) advice,
    POPCL_ERROR_TABLE(X)
#undef X
};

const char *popcl_err_advice(popcl_err e) { return popcl_err_text(e, &texts); }
