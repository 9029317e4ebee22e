/* SPDX-License-Identifier: MIT */
/* input - from the options to the certificates that are wanted: reading, selection, merging and
 * limits, in this order. src/host/anchor.c has the rules for certificates, for this program and for
 * the library's trust store alike. A function that returns int returns TA_DONE, or an exit code
 * whose reason it has reported. */
#ifndef POPCL_TA_INPUT_H
#define POPCL_TA_INPUT_H

#include "readback.h"

/* One run of the program. Zeroed = nothing; the caller frees the members. */
typedef struct ta_run {
    ta_options options;
    pop_anchors anchors; /* all certificates of the inputs */
    ta_set set;          /* those that are wanted */
    pop_signers keys;    /* of the command keys, or of --public */
} ta_run;

/* Returns the time for which certificates are judged: Unix seconds. */
int64_t ta_now(const ta_options *o);

/* Returns the name of an input for messages. */
const char *ta_input_name(const char *path);

/* Returns the whole of a small text file, which the caller frees; NULL and errno. */
char *ta_read_text(const char *path, size_t *len);

/* Reads the patterns of --filter. */
int ta_read_filter(ta_selection *s);

/* Sets how certificates are judged: before the first ta_read_input. */
void ta_prepare_reading(ta_run *r);

/* Reads an input. If it has certificates, they are added to the anchors. Otherwise *b is a set that
 * popcl-ta made, not yet read. The caller frees *b in any case. */
int ta_read_input(ta_run *r, const char *path, ta_back *b);

/* Selects, merges and limits: from `anchors` to `set`. */
int ta_choose(ta_run *r);

/* Reports each pattern that no certificate matched. */
int ta_check_patterns(const ta_selection *s);

/* Does all of the above for inputs of certificates. Damage is reported and is an error, but the set
 * has the rest all the same. */
int ta_gather(ta_run *r);

#endif
