/* errors - the strings of popcl_errors.h's table. The names are an array of their own, so that a
 * firmware which shows nothing else links 1.6 KB of them; the sentences are literals, and one of
 * them brings all. */
#include "popcl_errors.h"

#include <string.h>

#define LOOK_UP(array, e) ((unsigned)(e) < POPCL_ERR_COUNT_ ? array[e] : "unknown result")

/* The numbers are 0 to POPCL_ERR_COUNT_ - 1: a switch refuses a duplicate. They fit uint8_t, in
 * which popcl keeps results. */
#define X(number, name, class_, what, cause, advice) &&(number) < POPCL_ERR_COUNT_
typedef char numbers_have_no_gap[1 POPCL_ERROR_TABLE(X) ? 1 : -1];
#undef X
typedef char numbers_fit_a_byte[POPCL_ERR_COUNT_ <= 255 ? 1 : -1];

/* One after the other, in the order of the rows, without a table of pointers: a program that asks
 * for a name is about to write it. */
const char *popcl_err_name(popcl_err e) {
    static const unsigned char numbers[] = {
#define X(number, name, class_, what, cause, advice) number,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    static const char names[] =
#define X(number, name, class_, what, cause, advice) #name "\0"
        POPCL_ERROR_TABLE(X)
#undef X
            "unknown result";
    const char *name = names;
    for (unsigned row = 0; row < POPCL_ERR_COUNT_ && numbers[row] != (unsigned)e; row++)
        name += strlen(name) + 1;
    return name;
}

const char *popcl_err_what(popcl_err e) {
    static const char *const whats[] = {
#define X(number, name, class_, what, cause, advice) [number] = what,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(whats, e);
}

const char *popcl_err_cause(popcl_err e) {
    static const char *const causes[] = {
#define X(number, name, class_, what, cause, advice) [number] = cause,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(causes, e);
}

const char *popcl_err_advice(popcl_err e) {
    static const char *const advices[] = {
#define X(number, name, class_, what, cause, advice) [number] = advice,
        POPCL_ERROR_TABLE(X)
#undef X
    };
    return LOOK_UP(advices, e);
}

popcl_class popcl_err_class(popcl_err e) {
    switch ((unsigned)e) {
#define X(number, name, class_, what, cause, advice)                                               \
    case number: return POPCL_CLASS_##class_;
        POPCL_ERROR_TABLE(X)
#undef X
    }
    return POPCL_CLASS_USAGE;
}
