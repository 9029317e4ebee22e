/* SPDX-License-Identifier: MIT */
/* popcl_posix_store.h - a message store on POSIX: a directory with one file a message. A program
 * may bring a sink of its own instead. */
#ifndef POPCL_POSIX_STORE_H
#define POPCL_POSIX_STORE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "popcl_fetch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every system call that the store makes, so that a test can make each of them fail, or simulate a
 * disk. `sys` is the caller's. Each returns as the system call of its name (-1 and errno).
 * popcl_posix_disk has the real system calls. */
typedef struct popcl_disk {
    int (*mkdir)(void *sys, const char *path, mode_t mode);
    /* dir is AT_FDCWD for the store's own path, else the store's directory; name is ".." for its
     * parent. */
    int (*openat)(void *sys, int dir, const char *name, int flags, mode_t mode);
    /* Of a file or the directory; st_mode, st_nlink, st_uid, st_size and st_mtime count. */
    int (*fstat)(void *sys, int fd, struct stat *st);
    int (*fchmod)(void *sys, int fd, mode_t mode);
    int (*lock)(void *sys, int fd); /* flock with LOCK_EX | LOCK_NB: freed by close; EWOULDBLOCK
                                       if another open file has it */
    ssize_t (*write)(void *sys, int fd, const void *p, size_t n);
    ssize_t (*pread)(void *sys, int fd, void *p, size_t n, off_t at);
    int (*fsync)(void *sys, int fd);
    int (*close)(void *sys, int fd);
    int (*linkat)(void *sys, int dir, const char *from,
                  const char *to); /* EPERM, ENOTSUP, ENOSYS: not supported; rename_new is called */
    int (*rename_new)(void *sys, int dir, const char *from,
                      const char *to); /* EEXIST if `to` exists; ENOSYS, EINVAL: not supported */
    int (*rename_over)(void *sys, int dir, const char *from, const char *to);
    int (*unlinkat)(void *sys, int dir, const char *name);
    /* Calls name once for each entry of the directory; inside, that entry may be unlinked. */
    int (*list)(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx);
} popcl_disk;
extern const popcl_disk popcl_posix_disk;

#define POPCL_STORE_NAME_MAX 255
#define POPCL_STORE_GROUP    64 /* messages between two syncs: more would hardly be faster */

/* A message store: one directory, with one file a message, mode 0600. A file is written under a
 * temporary name, synced, and given its final name; it never replaces another file. It is durable
 * once the directory is synced too: commit returns POPCL_STAGED, and sync syncs the directory.
 *
 * The final name comes from the UID, else from number and content (docs/DESIGN.md). If a file with
 * the same message has this name already, it is kept as it is. Two stores may work in one directory
 * at a time.
 *
 * Uses 64 KB of the heap for itself, most of it the buffer that turns small spans into large
 * writes. The names given in this run take about 10 bytes more for each message. */
typedef struct popcl_store_dir popcl_store_dir;

/* Opens the directory, and creates it if it is missing (0700; not its parents). Removes temporary
 * files that a killed run left. `disk` NULL = popcl_posix_disk. Returns NULL if it is no directory,
 * or if no file can be made in it. errno is then ENOTDIR, ENOENT, EACCES, EROFS, ... */
popcl_store_dir *popcl_store_dir_open(const char *path, const popcl_disk *disk, void *sys);

/* With a popcl_store_dir as its context. A message that is too large for the file system (EFBIG)
 * fails alone, with -EFBIG. Every other failure returns POPCL_SINK_STOP: the next message would
 * meet it too. After a sync that failed the store takes no more messages: open another one. */
extern const popcl_sink popcl_store_dir_sink;

/* Returns the errno of a failure, 0 = no failure. *call becomes the call that failed, *name the
 * name of the file, both "" without a failure; either pointer may be NULL. Valid until the next
 * begin. */
int popcl_store_dir_error(const popcl_store_dir *s, const char **call, const char **name);

/* Returns the final name of the last committed message, "" before; valid until the next commit. */
const char *popcl_store_dir_name(const popcl_store_dir *s);

/* Aborts an open message, closes the directory and frees the store. NULL is harmless. */
void popcl_store_dir_close(popcl_store_dir *s);

#ifdef __cplusplus
}
#endif
#endif
