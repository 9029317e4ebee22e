/* SPDX-License-Identifier: MIT */
/* store_names.h - the names of the files of directory and Maildir: of messages, and of temporaries.
 * It makes and reads text, and makes no system call except for random digits. */
#ifndef POPCL_POSIX_STORE_NAMES_H
#define POPCL_POSIX_STORE_NAMES_H

#include <bearssl.h>

#include "popcl_posix_store.h"

/* The parts of a store's names that all of them share. */
typedef struct pop_store_layout {
    const char *temporary; /* before the name of a temporary: "", or a directory with its slash */
    const char *final;     /* the same before a final name; up to 4 letters each */
    const char *tail;      /* of a final name; up to 4 letters */
} pop_store_layout;

#define POP_STORE_TEMPORARY_MAX 31  /* letters of a temporary's name, with its directory */
#define POP_STORE_HASH_DIGITS   16  /* of SHA-256, in a name */
#define POP_STORE_PLAIN_MAX     200 /* a UID of more octets is cut and hashed */
#define POP_STORE_BASE_MAX      (POP_STORE_PLAIN_MAX + 7)

/* Writes the first digits of a SHA-256. */
void pop_store_hash(const br_sha256_context *sha, char digits[POP_STORE_HASH_DIGITS + 1]);

/* Makes the base of a message's names: the part that all its names share. Headers alone are no
 * message: their names never meet those of a whole one. */
void pop_store_base(char base[POP_STORE_BASE_MAX + 1], const popcl_msg *m);

/* Makes the base of a name in a Maildir: seconds, process, random digits, the number of the message
 * in this store, and the host. The host is cut to fit. Octets that the format forbids become a
 * backslash and three octal digits. No other message of any machine has this base. */
void pop_store_maildir_base(char base[POP_STORE_BASE_MAX + 1], uint64_t seconds, unsigned long pid,
                            const char *random, unsigned long number, const char *host);

/* Makes the k-th name for a message: the base; with the hash of its content; that with -2, -3, ...
 * `hash` is not looked at if k is 0. */
void pop_store_name(char name[POPCL_STORE_NAME_MAX + 1], const pop_store_layout *layout,
                    const char *base, const char *hash, unsigned k);

/* Makes a new temporary's name, after `directory`, from the number after *number, or from a random
 * one if that is 0. So only the first name of many needs a system call. Returns 0, or -1 with
 * errno. */
int pop_store_temporary(char name[POP_STORE_TEMPORARY_MAX + 1], const char *directory,
                        uint64_t *number);

/* Returns whether an entry of the directory has such a name. */
int pop_store_is_temporary(const char *name);

/* Returns whether an NFS client gave this name to a file that was removed while it was open there.
 * Such a file is left if that machine dies. */
int pop_store_is_nfs_left(const char *name);

#endif
