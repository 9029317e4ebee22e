/* errors - the strings of popcl_errors.h's table. The names are an array of their own, so that a
 * firmware which shows nothing else links 1.6 KB of them; the sentences are literals, and one of
 * them brings all. */
#include "popcl_errors.h"

#include <string.h>

#define LOOK_UP(array, e) ((unsigned)(e) < POPCL_ERR_COUNT_ ? array[e] : "unknown result")

/* One behind the other, without a table of pointers: who asks for a name is about to write it. */
const char *popcl_err_name(popcl_err e) {
    static const char names[] =
#define X(name, class_, what, cause, advice) #name "\0"
        POPCL_ERROR_TABLE(X)
#undef X
            "unknown result";
    const char *name = names;
    for (unsigned n = (unsigned)e < POPCL_ERR_COUNT_ ? (unsigned)e : POPCL_ERR_COUNT_; n; n--)
        name += strlen(name) + 1;
    return name;
}

const char *popcl_err_what(popcl_err e) {
    static const char *const whats[] = {
#define X(name, class_, what, cause, advice) what,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(whats, e);
}

const char *popcl_err_cause(popcl_err e) {
    static const char *const causes[] = {
#define X(name, class_, what, cause, advice) cause,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(causes, e);
}

const char *popcl_err_advice(popcl_err e) {
    static const char *const advices[] = {
#define X(name, class_, what, cause, advice) advice,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(advices, e);
}

popcl_class popcl_err_class(popcl_err e) {
    static const unsigned char classes[] = {
#define X(name, class_, what, cause, advice) POPCL_CLASS_##class_,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return (unsigned)e < POPCL_ERR_COUNT_ ? (popcl_class)classes[e] : POPCL_CLASS_USAGE;
}
