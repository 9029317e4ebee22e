/* SPDX-License-Identifier: MIT */
/* err_name - the name of each result (errors.h). A firmware that prints no sentence links 2.0 KB of
 * names. */
#include "errors.h"

static const struct {
#define X(number, name, class_, what, cause, advice) char name[sizeof #name];
    POPCL_ERROR_TABLE(X)
#undef X
} texts = {
#define X(number, name, class_, what, cause, advice) #name,
    POPCL_ERROR_TABLE(X)
#undef X
};

const char *popcl_err_name(popcl_err e) { return popcl_err_text(e, &texts); }
