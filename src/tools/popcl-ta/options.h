/* SPDX-License-Identifier: MIT */
/* options - the content of popcl-ta's command line, checked whole before anything is opened. */
#ifndef POPCL_TA_OPTIONS_H
#define POPCL_TA_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "select.h"

typedef enum ta_action { TA_NONE, TA_GEN, TA_LIST, TA_HELP, TA_VERSION } ta_action;
typedef enum ta_format { TA_C, TA_H, TA_C_AND_H, TA_PEM } ta_format;

#define TA_PREFIX_MAX 40

typedef struct ta_options {
    uint8_t action; /* ta_action */
    uint8_t format; /* ta_format */
    uint8_t keep_expired, allow_leaf, pins, quiet, verbose;
    int64_t min_days;
    int64_t now; /* Unix seconds; INT64_MIN = not given */
    uint32_t sequence;
    ta_selection selection;
    const char *prefix;          /* of every name in the output; a C identifier */
    const char *section;         /* NULL = none */
    const char *output, *verify; /* NULL = not given; an output of "-" is NULL too */
    const char *
        *inputs; /* inputs_len of them, at least one; "-" is standard input. They point into argv */
    size_t inputs_len;
    char error[160];    /* after a failed parse: the fault */
    const char *advice; /* and what to do instead */
    uint64_t given;     /* private: options seen, a bit each */
} ta_options;

/* Reads argv. Returns 0, or -1 with error and advice set: exit code 64. --help and --version end
 * the reading. */
int ta_options_parse(ta_options *o, int argc, char *const argv[]);

/* Makes the text of --help: lines of at most 80 columns. Calls put for each piece. */
void ta_options_help(void (*put)(void *ctx, const char *text), void *ctx);

/* Frees the memory that parse took. The caller calls it after a failure too. */
void ta_options_free(ta_options *o);

#endif
