/* errors - the strings of popcl_errors.h's table. Each kind is an array of its own, so that a firmware links only the kinds it shows. */
#include "popcl_errors.h"

#define LOOK_UP(array, e) ((unsigned)(e) < POPCL_ERR_COUNT_ ? array[e] : "unknown result")

const char *popcl_err_name(popcl_err e) {
    static const char *const names[] = {
#define X(name, class_, what, cause, advice) #name,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(names, e);
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
