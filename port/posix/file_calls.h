/* SPDX-License-Identifier: MIT */
/* file_calls.h - system calls on files for the store and the programs. Each is repeated after
 * EINTR, and a write goes on until all is written. They go through a popcl_disk, so that a test can
 * make each of them fail. They know no message.
 *
 * A function that returns int returns 0 or a descriptor, or -1 with errno, unless its comment has
 * other values. */
#ifndef POPCL_POSIX_FILE_CALLS_H
#define POPCL_POSIX_FILE_CALLS_H

#include <errno.h>

#include "popcl_posix_store.h"

/* Repeats `call` while a signal interrupts it, up to a limit; then -1 and errno. */
#define POP_AGAIN(result, call)                                                                    \
    do {                                                                                           \
        int times_ = 0;                                                                            \
        do                                                                                         \
            (result) = (call);                                                                     \
        while ((result) < 0 && errno == EINTR && ++times_ < POP_INTERRUPTS_MAX);                   \
    } while (0)

/* so many EINTR in a row count as a failure */
enum { POP_INTERRUPTS_MAX = 1000 };

typedef struct pop_disk {
    const popcl_disk *calls;
    void *sys;
} pop_disk;

extern const pop_disk pop_real_disk; /* the one of popcl_posix_disk */

/* openat with O_CLOEXEC. */
int pop_file_open(const pop_disk *d, int dir, const char *name, int flags, mode_t mode);

/* Opens a new file without a name, in the file system of the directory. It is gone once its last
 * descriptor is closed. */
int pop_file_open_unnamed(const pop_disk *d, int dir, mode_t mode);

int pop_file_stat(const pop_disk *d, int fd, struct stat *st);

/* Returns 1 if the name is that of the open file with this *st; 0 if it is not, or is missing; or
 * -1. */
int pop_file_has_name(const pop_disk *d, const struct stat *st, int dir, const char *name);

int pop_file_lock(const pop_disk *d, int fd);

/* Returns whether another open file has the lock. `error` is errno after pop_file_lock failed. */
int pop_file_is_held(int error);

/* A close that was interrupted has closed the file (Linux, and POSIX of 2024): a second one could
 * close another file. */
int pop_file_close(const pop_disk *d, int fd);

/* Closes the descriptors first to last, which all have to be the caller's. Returns 0, or -1: then
 * none was closed. */
int pop_file_close_run(const pop_disk *d, int first, int last);

int pop_file_sync(const pop_disk *d, int fd);

/* Begins to write the file's data to the disk, and does not wait. */
void pop_file_start_sync(const pop_disk *d, int fd);

/* Returns whether a directory's files are in memory alone. */
int pop_file_in_memory(const pop_disk *d, int fd);

/* As pop_file_sync, for a directory. If the file system reports that it has no such call, this
 * counts as a success: nothing more can be done. */
int pop_file_sync_directory(const pop_disk *d, int fd);

int pop_file_remove(const pop_disk *d, int dir, const char *name);

/* Calls mkdir. It is a success too if the name exists already. */
int pop_file_make_directory(const pop_disk *d, const char *path, mode_t mode);

int pop_file_write_all(const pop_disk *d, int fd, const void *p, size_t n);

/* As pop_file_write_all, and adds to *written how many octets were written, also if it fails. */
int pop_file_append(const pop_disk *d, int fd, const void *p, size_t n, uint64_t *written);

/* As pop_file_write_all, at a place of the file. The file's own position stays. */
int pop_file_write_at(const pop_disk *d, int fd, const void *p, size_t n, uint64_t at);

int pop_file_truncate(const pop_disk *d, int fd, uint64_t size);

/* Takes the lock of fcntl on the whole file, and does not wait. */
int pop_file_lock_whole(const pop_disk *d, int fd);

/* Reads exactly n bytes. Returns 1, 0 if the file ends before, or -1 with errno. */
int pop_file_read_exactly(const pop_disk *d, int fd, void *p, size_t n, uint64_t at);

/* ---- temporaries ----
 *
 * A temporary has a random name, and is locked while a run works on it. So another run can see
 * whether a killed one left it. */

/* Writes n bytes as 2 n digits, in lower case: names must also differ on file systems that ignore
 * case. */
void pop_hex(char *digits, const unsigned char *p, size_t n);

#define POP_RANDOM_DIGITS 16

/* Random and not process numbers: two containers that share a directory have the same ones. */
int pop_random_digits(char digits[POP_RANDOM_DIGITS + 1]);

/* Returns whether a name goes on with such digits, and ends in `tail`. */
int pop_is_random(const char *rest, const char *tail);

/* Locks a new temporary, checks that it is still there, and gives it its mode. Returns 1 with *st;
 * 0 if another run took it for a left one, and removes it; -1. If locks do not work at all, they do
 * not work for the other run either. */
int pop_file_hold(const pop_disk *d, int fd, mode_t mode, struct stat *st);

/* Returns whether no run works on a temporary with this *st. If nothing can be locked, its age
 * decides: it was not written for dead_s seconds. */
int pop_file_is_left(const pop_disk *d, int fd, const struct stat *st, time_t dead_s);

#endif
