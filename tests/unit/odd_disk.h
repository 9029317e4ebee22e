/* SPDX-License-Identifier: MIT */
/* odd_disk.h - the real disk, with calls that can be logged, interrupted, cut short, failed and
 * killed. For tests of the stores. */
#ifndef TESTS_UNIT_ODD_DISK_H
#define TESTS_UNIT_ODD_DISK_H

#include "popcl_posix_store.h"

enum { PAGE = 4096 };

/* One letter a call, in the log and in the sets of calls that fail. */
typedef struct odd_disk {
    char log[4096];
    size_t logged;
    int calls;
    int fail_at;          /* the call that fails, counted from 1; 0: none */
    int for_ever;         /* and all after it */
    int error;            /* how */
    const char *may_fail; /* which calls can fail so; NULL: all */
    int kill_at;          /* SIGKILL instead of this call */
    int interrupts;       /* every other call is interrupted first */
    size_t piece;         /* write and pread move at most so many octets; 0: any */
    int writes, uneven;   /* calls of write; those of them that are not whole pages */
    int in_memory;        /* the answer to that call */
    /* errno of a file system without them */
    int no_unnamed, no_link_open, no_proc, no_rename_new, no_link;
    int lock_error;        /* errno of the lock of fcntl; 0: the real one */
    int open, max_open;    /* files that are open; EMFILE above the maximum; 0: any number */
    const char *race;      /* a file of this name appears right before a link or a rename to it */
    const char *race_text; /* its octets; NULL: others than any message has */
    int turn;
} odd_disk;

extern const popcl_disk odd_disk_calls; /* for a store, with an odd_disk */

/* Returns how many descriptors below 256 this process has open: a store that leaks adds to them. */
int open_files(void);

#endif
