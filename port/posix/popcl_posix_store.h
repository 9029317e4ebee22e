/* SPDX-License-Identifier: MIT */
/* popcl_posix_store.h - message stores on POSIX with one file a message: a directory, and a
 * Maildir. popcl_posix_mbox.h and popcl_posix_pipe.h have the others. A program may bring a sink of
 * its own instead.
 *
 * All of these stores, in the three headers, store a header (POPCL_HEADERS) as if it was a whole
 * message. A program that answers POPCL_HEADERS_FIRST puts a sink of its own before the store. This
 * sink keeps the headers, and passes only whole messages on. */
#ifndef POPCL_POSIX_STORE_H
#define POPCL_POSIX_STORE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "popcl_fetch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every system call on files that the stores make, so that a test can make each of them fail, or
 * simulate a disk. `sys` is the caller's. Each function returns what the system call of its name
 * returns: on a failure -1, with errno. popcl_posix_disk has the real system calls. Every member is
 * required. Only a popcl_disk for a directory or a Maildir may leave out those at the end. */
typedef struct popcl_disk {
    int (*mkdir)(void *sys, const char *path, mode_t mode);
    /* dir is AT_FDCWD for the store's own path, else the store's directory; name is ".." for its
     * parent. In a Maildir names lead from its directory: "tmp/NAME". */
    int (*openat)(void *sys, int dir, const char *name, int flags, mode_t mode);
    /* Of a file or the directory; st_mode, st_nlink, st_uid, st_size and st_mtime count. */
    int (*fstat)(void *sys, int fd, struct stat *st);
    int (*fchmod)(void *sys, int fd, mode_t mode);
    int (*lock)(void *sys, int fd); /* flock with LOCK_EX | LOCK_NB: freed by close; EWOULDBLOCK
                                       if another open file has it */
    ssize_t (*write)(void *sys, int fd, const void *p, size_t n);
    ssize_t (*pread)(void *sys, int fd, void *p, size_t n, off_t at);
    int (*fsync)(void *sys, int fd);
    /* sync_file_range: begins to write the file's data to the disk. A hint: its result is not
     * looked at, and nothing is durable before fsync. */
    int (*start_sync)(void *sys, int fd);
    /* fstatfs of the directory: returns 1 if its files are in memory alone, as with tmpfs.
     * start_sync is then never called. Any other value: it is called. */
    int (*in_memory)(void *sys, int fd);
    int (*close)(void *sys, int fd);
    /* close_range for the descriptors first to last, which are all the store's. On a failure it
     * must have closed none of them: the store then calls close for each. */
    int (*close_run)(void *sys, int first, int last);
    /* openat of the directory with O_TMPFILE and O_RDWR: a file without a name. If it fails while
     * the store is opened, the system has no such files, and files get temporary names. */
    int (*open_unnamed)(void *sys, int dir, mode_t mode);
    /* linkat with AT_EMPTY_PATH: gives such a file a name. EEXIST if `to` exists. ENOENT, EPERM,
     * EACCES, ENOTSUP, ENOSYS, EINVAL: not supported; link_unnamed is called. */
    int (*link_open)(void *sys, int fd, int dir, const char *to);
    /* linkat of /proc/self/fd/<fd>: does the same. */
    int (*link_unnamed)(void *sys, int fd, int dir, const char *to);
    int (*rename_new)(void *sys, int dir, const char *from,
                      const char *to); /* EEXIST if `to` exists; ENOSYS, EINVAL, ENOTSUP, EPERM: not
                                          supported; linkat is called */
    int (*linkat)(void *sys, int dir, const char *from,
                  const char *to); /* EPERM, ENOTSUP, ENOSYS: not supported */
    int (*rename_over)(void *sys, int dir, const char *from, const char *to);
    int (*unlinkat)(void *sys, int dir, const char *name);
    /* Calls name once for each entry of the directory; inside, that entry may be unlinked. */
    int (*list)(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx);
    /* The rest is for mbox, pipe and stream only. */
    ssize_t (*pwrite)(void *sys, int fd, const void *p, size_t n, off_t at);
    int (*ftruncate)(void *sys, int fd, off_t size);
    /* fcntl with F_SETLK and a lock for writing, on the whole file: freed by a close of any
     * descriptor of that file. EAGAIN or EACCES if another process has one. */
    int (*lock_whole)(void *sys, int fd);
    /* fstatat of a name that leads from dir; st_dev and st_ino count, which fstat has to set too */
    int (*stat_name)(void *sys, int dir, const char *name, struct stat *st);
} popcl_disk;
/* The real system calls. */
extern const popcl_disk popcl_posix_disk;

#define POPCL_STORE_NAME_MAX 255 /* bytes of the longest name of a file */
#define POPCL_STORE_GROUP    64  /* messages whose files are open at a time, at most */

/* A message store: one directory, with one file a message, mode 0600. Messages become durable in
 * groups. commit returns POPCL_STAGED: the message is written to an open file, without its final
 * name. sync then works in this order for all staged messages: it syncs their files, gives them
 * their final names, and syncs the directory. So a final name always has a whole message, also
 * after a loss of power. No file is ever replaced.
 *
 * popcl_fetch_config.group_messages is the size of a group: 1 makes each message durable alone, and
 * POPCL_STORE_GROUP is the most that is of use. The store keeps the files of a group open, but
 * never more than a quarter of the number of files that the process may open. If a group grows
 * beyond that quarter, its files are synced and named before sync is called.
 *
 * The final name comes from the UID, else from number and content (docs/DESIGN.md). If a file with
 * the same message has this name already, it is kept as it is. Two stores may work in one directory
 * at a time.
 *
 * Uses about 100 KB of the heap for itself. Two thirds of it are the buffer that turns small spans
 * into large writes. The names given in this run take about 10 bytes more for each message. */
typedef struct popcl_store_dir popcl_store_dir;

/* Opens the directory, and creates it if it is missing (0700; not its parents). Removes temporary
 * files that a killed run left. path is read during the call only. `sys` is for the functions of
 * `disk`, which is borrowed until the store is closed; NULL = popcl_posix_disk. Returns NULL if it
 * is no directory, if no file can be made in it, or if there is no memory. errno is then ENOTDIR,
 * ENOENT, EACCES, EROFS, ENOMEM, ... */
popcl_store_dir *popcl_store_dir_open(const char *path, const popcl_disk *disk, void *sys);

/* The same for a Maildir: the messages are files in its directory new, for mail programs to
 * find. tmp, new and cur are made if they are missing (0700). Returns NULL with ENOTEMPTY if the
 * directory has other things and no new: it is no Maildir then.
 *
 * The final name is used once only, and comes from time, process, random digits and host
 * (https://cr.yp.to/proto/maildir.html). It does not come from the UID. So the same message, stored
 * a second time, is a second file: the caller keeps UIDs. All else is as for a directory. */
popcl_store_dir *popcl_store_maildir_open(const char *path, const popcl_disk *disk, void *sys);

/* The sink of such a store, which is its context. A message that is too large for the file system
 * (EFBIG) fails alone, with -EFBIG. Every other failure returns POPCL_SINK_STOP: the next message
 * would meet it too. After a sync that failed the store takes no more messages: open another one.
 */
extern const popcl_sink popcl_store_dir_sink;

/* Returns the errno of a failure, 0 = no failure. *call becomes the call that failed, *name the
 * name of the file, both "" without a failure; either pointer may be NULL. Valid until the next
 * begin. */
int popcl_store_dir_error(const popcl_store_dir *s, const char **call, const char **name);

/* Returns the final name of the last committed message (in a Maildir with "new/"), "" before. The
 * text changes with commit and sync, and is valid until the store is closed. The message gets its
 * name with sync. If another program takes the name before the sync, sync chooses a further name,
 * which is returned from then on. */
const char *popcl_store_dir_name(const popcl_store_dir *s);

/* Aborts an open message, drops those that were staged since the last sync, closes the directory
 * and frees the store. NULL is harmless. */
void popcl_store_dir_close(popcl_store_dir *s);

#ifdef __cplusplus
}
#endif
#endif
