/* SPDX-License-Identifier: MIT */
/* sentences - the three sentences of an error for a user of the command: the library's, with
 * options for its settings, or the command's own. The command has its own if the library's are
 * about parts that only a program has (a sink, a plan, a profile). It also has its own if the
 * system's error number is more exact. */
#ifndef POPCL_CMD_SENTENCES_H
#define POPCL_CMD_SENTENCES_H

#include "popcl_fetch.h"

typedef struct cmd_sentences {
    const char *what; /* the failure */
    char cause[512], advice[512];
} cmd_sentences;

/* `error`: the system's number of the failure (errno, or getaddrinfo's made negative); 0 = no
 * number. */
void cmd_sentences_find(cmd_sentences *s, popcl_err e, int error);

/* Replaces advice that is of no use with the set of --ta-blob: after cmd_sentences_find. */
void cmd_sentences_signed(cmd_sentences *s, popcl_err e);

/* Returns the sentence about the failure alone. */
const char *cmd_sentences_what(popcl_err e);

/* Why a directory or file cannot be written: cause and advice for an errno. */
typedef struct cmd_disk_words {
    int error;
    const char *cause, *advice;
} cmd_disk_words;
const cmd_disk_words *cmd_sentences_disk(int error);

/* The same, if the disk or its file system is the cause; otherwise NULL. For a file that is no
 * directory of messages. */
const cmd_disk_words *cmd_sentences_medium(int error);

#endif
