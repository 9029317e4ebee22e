/* SPDX-License-Identifier: MIT */
/* mbox_lock.h - an mbox file, open under the two locks that mail programs know: that of fcntl, and
 * the file NAME.lock. It knows nothing of the file's octets.
 *
 * A killed run leaves its NAME.lock. The next run takes the lock of fcntl first. Then it removes
 * the file, if popcl wrote it on this host and its process is gone. */
#ifndef POPCL_POSIX_MBOX_LOCK_H
#define POPCL_POSIX_MBOX_LOCK_H

#include <signal.h>

#include "file_calls.h"

typedef struct pop_mbox_lock {
    pop_disk disk;
    int dir;              /* the directory of both files */
    const char *name;     /* of the mbox */
    const char *dot_name; /* NAME.lock */
    int no_dot_lock;      /* errno with which the dot lock cannot be made; 0 = it can */
    int no_fcntl_lock;    /* the same for that of fcntl */
    int has_replaced;     /* 1 = a NAME.lock that a killed run left was removed */
    int64_t held_s;       /* age of another program's dot lock; negative = not known */
    int fd;               /* private: the mbox; -1 = it is not open */
    int has_dot;          /* private: the dot lock is this one's */
} pop_mbox_lock;

/* Opens the mbox under both locks, or under the one that is possible. Creates the mbox if it is
 * missing. Waits at most so many milliseconds for other programs. Returns the descriptor, for
 * writes at the end; or -1 with errno and *call. ETIMEDOUT = another program has the lock. */
int pop_mbox_lock_take(pop_mbox_lock *l, uint32_t wait_ms, const volatile sig_atomic_t *stop,
                       const char **call);

/* Frees the locks, and closes the mbox. */
void pop_mbox_lock_give(pop_mbox_lock *l);

#endif
