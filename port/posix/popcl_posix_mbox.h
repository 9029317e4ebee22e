/* SPDX-License-Identifier: MIT */
/* popcl_posix_mbox.h - a message store on POSIX that appends to an mbox file, which mail programs
 * may use at the same time. */
#ifndef POPCL_POSIX_MBOX_H
#define POPCL_POSIX_MBOX_H

#include <signal.h>

#include "popcl_posix_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The settings of a store. */
typedef struct popcl_store_mbox_config {
    const char *path;     /* the file's name; borrowed until the store is closed */
    const char *line_end; /* "\n" or "\r\n": the end of the lines that mboxrd adds; required, and
                             borrowed as path. "\n" is usual, with popcl_line_ends_sink before this
                             sink */
    uint32_t lock_ms;     /* the most ms that a sync waits for the locks of other programs, any
                             value; 0 = it tries once */
    uint32_t total_ms; /* ms from open on, after which no sync waits any more; 0 = no such limit */
    const volatile sig_atomic_t *stop; /* nonzero: the program is to end, and no sync waits any
                                          more. NULL = never */
} popcl_store_mbox_config;

/* A message store: one mbox file in the form mboxrd. A message has a line `From SENDER DATE` before
 * it, from its Return-Path and the time in UTC, and an empty line after it. Each line of it that
 * begins with `From `, after any number of `>`, gets one `>` more. All other octets are those of
 * the message.
 *
 * commit returns POPCL_STAGED: the whole message is in a file without a name. sync then works in
 * this order: it takes the locks, appends all staged messages, syncs the file, and frees the locks.
 * So a cut message never reaches the mbox.
 *
 * There are two locks: that of fcntl on the file, and the file PATH.lock (the dot lock). If the
 * latter cannot be made, as in /var/mail, the former alone is taken. The lock of fcntl excludes
 * other processes only, and a close of the file in this process frees it. So have one store for a
 * file in a process, and do not open the file elsewhere while a sync runs. A lock that another
 * program holds is never broken: see popcl_store_mbox_held_s. A PATH.lock that a killed run of
 * popcl left on this host is removed: see popcl_store_mbox_has_replaced.
 *
 * If the append fails, the file is cut back to its old size, under the same locks. If the file has
 * grown by more or less than this store wrote, another program wrote too, and nothing is cut. A
 * kill in the append leaves a part of a message at the end. Nothing is cut then. The next append
 * begins a new line, and the message is still on the server.
 *
 * A header (POPCL_HEADERS) is stored as a message of its own: see popcl_posix_store.h.
 *
 * Uses about 50 KB of the heap. */
typedef struct popcl_store_mbox popcl_store_mbox;

/* Creates the file if it is missing (0600), and finds out whether the dot lock can be made. Waits
 * for no lock. The messages of a group are kept in a file beside it, else in the directory of
 * TMPDIR, else in /tmp. `sys` is for the functions of `disk`, which is borrowed until the store is
 * closed; NULL = popcl_posix_disk. config is copied. Returns NULL with errno if the file cannot
 * be written, is no regular file (EINVAL), or if there is no memory. */
popcl_store_mbox *popcl_store_mbox_open(const popcl_store_mbox_config *config,
                                        const popcl_disk *disk, void *sys);

/* The sink of such a store, which is its context. A message that is too large (EFBIG) for the file
 * without a name fails alone. Every other failure returns POPCL_SINK_STOP. After a sync that failed
 * the store takes no more messages: open another one. */
extern const popcl_sink popcl_store_mbox_sink;

/* Returns the errno of a failure, 0 = no failure. ETIMEDOUT: another program has a lock. *call
 * becomes the name of the call that failed, "" without a failure. Two names are not of system
 * calls: "lock" for the lock of fcntl, and "dot lock" for PATH.lock. call may be NULL. The text is
 * valid until the next begin. */
int popcl_store_mbox_error(const popcl_store_mbox *s, const char **call);

/* After a failure of "dot lock": returns the age in seconds of the other program's PATH.lock, by
 * the file's time; negative = not known. After some minutes it is probably left over: a person may
 * remove it. */
int64_t popcl_store_mbox_held_s(const popcl_store_mbox *s);

/* Returns 1 if this store removed a PATH.lock that a killed run of popcl left. Else returns 0. */
int popcl_store_mbox_has_replaced(const popcl_store_mbox *s);

/* Returns the errno with which open could not make the dot lock; 0 = it could, or another program
 * had a lock just then. */
int popcl_store_mbox_no_dot_lock(const popcl_store_mbox *s);

/* Drops what was staged since the last sync, and frees the store. NULL is harmless. */
void popcl_store_mbox_close(popcl_store_mbox *s);

#ifdef __cplusplus
}
#endif
#endif
