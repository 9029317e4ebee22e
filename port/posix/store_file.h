/* SPDX-License-Identifier: MIT */
/* store_file.h - the file of one message of a directory or Maildir, from its creation until it has
 * its final name. The file has no name until then if the directory allows that, and else a
 * temporary one. It knows no UID and does not choose names.
 *
 * The files after a kill at each point:
 *
 *                without a name         with a temporary name
 *     create     nothing                ".popcl-<random>.tmp", 0600, locked: the next open of the
 *                                       store removes it, since its lock is free
 *     written    nothing                the same
 *     placed     the whole message      the whole message; if rename_new does not work, perhaps a
 *                                       temporary that is another name of it
 *
 * A final name is never replaced: link fails if it exists, and so does rename_new
 * (renameat2, RENAME_NOREPLACE). If a file system has neither, an empty file of the name is made
 * with O_EXCL and replaced by rename. Only there can a kill between the two leave an empty file
 * under a final name. That file stays, and the message gets a further name in the next run.
 *
 * A function that returns int returns 0, or -1 with errno and *call. */
#ifndef POPCL_POSIX_STORE_FILE_H
#define POPCL_POSIX_STORE_FILE_H

#include "file_calls.h"
#include "store_names.h"

/* A directory, with the ways in which its file system takes files, as far as they are known. */
typedef struct pop_store_place {
    pop_disk disk;
    const pop_store_layout *layout; /* its names lead from dir */
    int dir;
    uid_t owner;     /* of files that this process makes, as the file system sees it */
    uint64_t number; /* of the last temporary name; 0 = there was none */
    int no_unnamed, no_link_open, no_rename_new, no_link;
    int wrong_mode; /* files without a name do not get 0600 at once: the umask takes away from it */
} pop_store_place;

typedef struct pop_store_file {
    int fd;                                      /* -1 = there is no file */
    char temporary[POP_STORE_TEMPORARY_MAX + 1]; /* "" = it has no name, or its final one */
    int durable;                                 /* its octets were synced */
} pop_store_file;

/* Finds out how files can be made in the directory: permission bits alone do not show that. */
int pop_store_file_try(pop_store_place *p, const char **call);

int pop_store_file_create(pop_store_place *p, pop_store_file *f, const char **call);

/* It is not repeated after a failure: the kernel reports a lost write once, and the next fsync
 * would report success. */
int pop_store_file_sync(const pop_store_place *p, pop_store_file *f, const char **call);

typedef enum pop_store_placed { POP_PLACED, POP_EXISTS, POP_NOT_PLACED } pop_store_placed;

/* Gives the file its final name. POP_NOT_PLACED: with errno and *call. */
pop_store_placed pop_store_file_name(pop_store_place *p, pop_store_file *f, const char *name,
                                     const char **call);

/* Removes the temporary name, and closes the file. Its lock is held until it has no name: another
 * run must not take it for one that a killed run left. A file with a final name stays. */
void pop_store_file_drop(const pop_store_place *p, pop_store_file *f);

#endif
