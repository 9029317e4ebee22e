/* SPDX-License-Identifier: MIT */
/* file_calls.h - system calls on files, as the store and the programs make them: each is repeated
 * after EINTR, and a write goes on until all is written. They go through a popcl_disk, so that a
 * test can make each of them fail. They know no message.
 *
 * What returns int returns 0 or a descriptor, else -1 with errno, except as it says. */
#ifndef POPCL_POSIX_FILE_CALLS_H
#define POPCL_POSIX_FILE_CALLS_H

#include <errno.h>

#include "popcl_posix_store.h"

/* Repeats `call` while a signal interrupts it, though not for ever; -1 and errno. */
#define POP_AGAIN(result, call)                                                                    \
    do {                                                                                           \
        int times_ = 0;                                                                            \
        do                                                                                         \
            (result) = (call);                                                                     \
        while ((result) < 0 && errno == EINTR && ++times_ < POP_INTERRUPTS_MAX);                   \
    } while (0)

/* EINTR in a row before it counts as a failure */
enum { POP_INTERRUPTS_MAX = 1000 };

typedef struct pop_disk {
    const popcl_disk *calls;
    void *sys;
} pop_disk;

extern const pop_disk pop_real_disk; /* that of popcl_posix_disk */

/* openat with O_CLOEXEC. */
int pop_file_open(const pop_disk *d, int dir, const char *name, int flags, mode_t mode);

int pop_file_stat(const pop_disk *d, int fd, struct stat *st);

int pop_file_lock(const pop_disk *d, int fd);

/* Whether another open file has the lock: of errno, after pop_file_lock failed. */
int pop_file_is_held(int error);

/* A close that was interrupted has closed (Linux, and POSIX of 2024): a second one could hit
 * another file. */
int pop_file_close(const pop_disk *d, int fd);

int pop_file_sync(const pop_disk *d, int fd);

/* The same of a directory. Some file systems know no such call, and say so: there is nothing more
 * to be had from them, and it counts as done. */
int pop_file_sync_directory(const pop_disk *d, int fd);

int pop_file_remove(const pop_disk *d, int dir, const char *name);

/* mkdir; that something has the name already counts as success. */
int pop_file_make_directory(const pop_disk *d, const char *path, mode_t mode);

int pop_file_write_all(const pop_disk *d, int fd, const void *p, size_t n);

/* Reads exactly n bytes. Returns 1, 0 if the file ends before, or -1 with errno. */
int pop_file_read_exactly(const pop_disk *d, int fd, void *p, size_t n, uint64_t at);

/* ---- temporaries ----
 *
 * A temporary has a random name, and is locked while somebody works on it: so another run sees
 * whether a killed one left it. */

/* n bytes as 2 n digits, in lower case: names must differ where case does not count. */
void pop_hex(char *digits, const unsigned char *p, size_t n);

#define POP_RANDOM_DIGITS 16

/* Process numbers would not do: two containers that share a directory have the same ones. */
int pop_random_digits(char digits[POP_RANDOM_DIGITS + 1]);

/* Whether a name goes on with such digits, and ends in `tail`. */
int pop_is_random(const char *rest, const char *tail);

/* Locks a new temporary, looks whether it is still there, and gives it its mode. Returns 1 with
 * *st; 0: another run took it for a left one, and removes it; -1. If locks do not work at all, they
 * do not work for the other run either. */
int pop_file_hold(const pop_disk *d, int fd, mode_t mode, struct stat *st);

/* Whether nobody works on a temporary, of which st is known. If nothing can be locked, its age
 * tells: nobody wrote to it for dead_s. */
int pop_file_is_left(const pop_disk *d, int fd, const struct stat *st, time_t dead_s);

#endif
