/* SPDX-License-Identifier: MIT */
/* sentences - the three sentences of an error as a user of the command gets them: the library's
 * with options for its settings, or the command's own, where the library speaks of what only a
 * program has (a sink, a plan, a profile), or where the system's error number says more. */
#ifndef POPCL_CMD_SENTENCES_H
#define POPCL_CMD_SENTENCES_H

#include "popcl_fetch.h"

typedef struct cmd_sentences {
    const char *what; /* what failed */
    char cause[512], advice[512];
} cmd_sentences;

/* `error`: the system's number behind it (errno, or getaddrinfo's made negative); 0: none. */
void cmd_sentences_find(cmd_sentences *s, popcl_err e, int error);

/* What failed, alone. */
const char *cmd_sentences_what(popcl_err e);

/* Why a directory or file cannot be written: cause and advice for an errno. */
typedef struct cmd_disk_words {
    int error;
    const char *cause, *advice;
} cmd_disk_words;
const cmd_disk_words *cmd_sentences_disk(int error);

/* The same, where the disk or its file system is the cause; else NULL. For what is no directory of
 * messages. */
const cmd_disk_words *cmd_sentences_medium(int error);

#endif
