/* SPDX-License-Identifier: MIT */
/* options - the content of popcl-ta's command line, checked whole before anything is opened. */
#ifndef POPCL_TA_OPTIONS_H
#define POPCL_TA_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "select.h"

typedef enum ta_action {
    TA_NONE,
    TA_GEN,
    TA_LIST,
    TA_CHECK,
    TA_DIFF,
    TA_SIGN,
    TA_KEYS,
    TA_FOR_HOST,
    TA_FOR_CHAIN,
    TA_HELP,
    TA_VERSION
} ta_action;
typedef enum ta_format { TA_C, TA_H, TA_C_AND_H, TA_PEM, TA_BLOB } ta_format;

#define TA_PREFIX_MAX 40
#define TA_DAY_MAX    65535u /* days since 1970; as the end of a pin: for ever */

/* The SHA-256 of a key's SubjectPublicKeyInfo: of a pin, or of a denied key. The days are the first
 * and the last one on which a pin counts, since 1970. Of a denied key they are not used. */
typedef struct ta_named_key {
    unsigned char hash[32];
    uint16_t from, until;
} ta_named_key;

typedef struct ta_named_keys {
    ta_named_key *list;
    size_t len;
} ta_named_keys;

typedef struct ta_options {
    uint8_t action; /* ta_action */
    uint8_t format; /* ta_format */
    uint8_t keep_expired, allow_leaf, pins, stls, quiet, verbose;
    int64_t min_days;
    int64_t now; /* Unix seconds; INT64_MIN = not given */
    uint32_t sequence;
    ta_selection selection;
    /* of a blob */
    uint32_t floor, retired;            /* retired: bit n is key n */
    uint8_t key_number, has_key_number; /* has: it was given */
    const char *scope;                  /* NULL = not given */
    int64_t made;                       /* Unix seconds; INT64_MIN = not given */
    int64_t stale;                      /* Unix seconds; 0 = never */
    int64_t stale_days;                 /* days after `made`, in place of stale; 0 = not given */
    ta_named_keys pinned, denied;
    const char *key_file, *sign_with; /* NULL = not given */
    const char **publics;             /* files of public keys, publics_len of them */
    size_t publics_len;
    int64_t days;                /* of check */
    const char *prefix;          /* of every name in the output; a C identifier */
    const char *section;         /* NULL = none */
    const char *bundle;          /* of for-host and for-chain */
    const char *output, *verify; /* NULL = not given; an output of "-" is NULL too */
    const char *
        *inputs; /* inputs_len of them, at least one; "-" is standard input. They point into argv */
    size_t inputs_len;
    char error[160];    /* after a failed parse: the fault */
    const char *advice; /* and what to do instead */
    char hint[112];     /* private: the memory of some advice */
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
