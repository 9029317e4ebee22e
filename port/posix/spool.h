/* SPDX-License-Identifier: MIT */
/* spool.h - a file without a name that holds messages until they are whole. Each message is written
 * at the end of the whole ones, so that a cut message is simply written over. The file is gone with
 * the process. It knows no form of a message.
 *
 * A function that returns int returns 0, or -1 with errno and *call. */
#ifndef POPCL_POSIX_SPOOL_H
#define POPCL_POSIX_SPOOL_H

#include "store_file.h"

enum { POP_SPOOL_BUFFER = 32768 }; /* bytes: octets are gathered into writes of this size */

typedef struct pop_spool {
    pop_store_place place; /* private: its directory */
    pop_store_file file;   /* fd is -1 until the first message, and has its position at 0 */
    uint64_t whole;        /* octets of whole messages */
    uint64_t end;          /* private: octets in the file */
    size_t buffered;       /* private */
    unsigned char buffer[POP_SPOOL_BUFFER];
} pop_spool;

/* Chooses the directory of the file: `directory`, or if no file can be made there, that of TMPDIR,
 * else /tmp. NULL = the latter at once. Proves that a file can be made. *s is zeroed, except
 * for place.disk. */
int pop_spool_open(pop_spool *s, const char *directory, const char **call);

/* Begins a message after the whole ones. */
int pop_spool_begin(pop_spool *s, const char **call);

int pop_spool_add(pop_spool *s, const void *p, size_t n, const char **call);

/* The message is whole. */
int pop_spool_keep(pop_spool *s, const char **call);

/* Drops the message that is not whole. */
void pop_spool_back(pop_spool *s);

/* Appends all whole messages to fd, and adds to *written how many octets were written. */
int pop_spool_copy(pop_spool *s, int fd, uint64_t *written, const char **call);

/* Drops everything. The next message gets a file of its own: a program may still have this one. */
void pop_spool_drop(pop_spool *s);

void pop_spool_close(pop_spool *s);

#endif
