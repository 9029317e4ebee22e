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

/* Every system call that the store makes, so that a test can make each of them fail, or be a disk
 * of its own. `sys` is the caller's. All return as their namesakes (-1 and errno). popcl_posix_disk
 * is the real ones. */
typedef struct popcl_disk {
    int (*mkdir)(void *sys, const char *path, mode_t mode);
    /* dir is AT_FDCWD for the store's own path, else the store's directory; name is ".." for its
     * parent. */
    int (*openat)(void *sys, int dir, const char *name, int flags, mode_t mode);
    /* Of a file or the directory; st_mode, st_nlink, st_uid, st_size and st_mtime count. */
    int (*fstat)(void *sys, int fd, struct stat *st);
    int (*fchmod)(void *sys, int fd, mode_t mode);
    int (*lock)(void *sys, int fd); /* flock with LOCK_EX | LOCK_NB: freed by close; EWOULDBLOCK
                                       where another open file has it */
    ssize_t (*write)(void *sys, int fd, const void *p, size_t n);
    ssize_t (*pread)(void *sys, int fd, void *p, size_t n, off_t at);
    int (*fsync)(void *sys, int fd);
    int (*close)(void *sys, int fd);
    int (*linkat)(void *sys, int dir, const char *from,
                  const char *to); /* EPERM, ENOTSUP, ENOSYS: cannot, rename_new is tried */
    int (*rename_new)(void *sys, int dir, const char *from,
                      const char *to); /* EEXIST if `to` exists; ENOSYS or EINVAL: cannot */
    int (*rename_over)(void *sys, int dir, const char *from, const char *to);
    int (*unlinkat)(void *sys, int dir, const char *name);
    /* Calls name once for each entry of the directory; inside, that entry may be unlinked. */
    int (*list)(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx);
} popcl_disk;
extern const popcl_disk popcl_posix_disk;

#define POPCL_STORE_NAME_MAX 255

/* A message store: a file a message in one directory, mode 0600, written under a temporary name,
 * synced, given its final name without ever replacing a file, and durable once the directory is
 * synced too (commit returns POPCL_STAGED, sync syncs the directory). The final name comes from the
 * UID, else from number and content (docs/DESIGN.md); a message that is there already under its
 * name is kept as it is. Uses the heap for itself (64 KB, most of it the buffer that turns small
 * spans into large writes) and for the names given in this run, about 10 octets a message. Two
 * stores may work in one directory at a time. */
typedef struct popcl_store_dir popcl_store_dir;

/* Opens the directory, and creates it if need be (0700; not its parents). Returns NULL and sets
 * errno: ENOTDIR, ENOENT, EACCES, EROFS,
 * ... where it is no directory or no file can be made in it. Removes temporary files that a killed
 * run left behind. `disk` NULL: popcl_posix_disk. */
popcl_store_dir *popcl_store_dir_open(const char *path, const popcl_disk *disk, void *sys);

/* With a popcl_store_dir as its context. A message that is too large for the file system (EFBIG)
 * fails alone, with -EFBIG. Every other failure returns POPCL_SINK_STOP: the next message would
 * meet it too. After a sync that failed the store takes no message any more: open another. */
extern const popcl_sink popcl_store_dir_sink;

/* After a failure: the errno behind it, the call that failed, and the name of the file (each of the
 * two may be NULL); valid until the next begin. 0 and "" if none. */
int popcl_store_dir_error(const popcl_store_dir *s, const char **call, const char **name);

/* The final name of the last committed message, "" before; valid until the next commit. */
const char *popcl_store_dir_name(const popcl_store_dir *s);

/* Drops what is open, and frees. NULL is harmless. */
void popcl_store_dir_close(popcl_store_dir *s);

#ifdef __cplusplus
}
#endif
#endif
