/* SPDX-License-Identifier: MIT */
/* files - what the programs do with small files of their own: read and write all, replace whole,
 * lock, and judge whether a file can be believed. It knows nothing of what is in them, prints
 * nothing, and uses no heap. A file is named by an open directory and a name in it.
 *
 * Every call is repeated after EINTR. The functions that return int return 0, or -1 with errno. */
#ifndef POPCL_TOOL_FILES_H
#define POPCL_TOOL_FILES_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* ---- reading and writing ---- */

/* openat with O_CLOEXEC and O_NOCTTY. Returns the descriptor, or -1 with errno. */
int tool_open(int dir, const char *name, int flags, mode_t mode);

int tool_stat(int fd, struct stat *st);

/* mkdir; that there is something of that name already counts as success. */
int tool_make_directory(const char *path, mode_t mode);

/* Whether files can be made in an open directory: 0, or -1 with errno. */
int tool_try_directory(int dir);

/* Reads until the file ends or `room` bytes are full: give one more than the file may have, and a
 * longer one shows. Returns bytes, or -1 with errno. */
ssize_t tool_read_all(int fd, void *p, size_t room);

int tool_write_all(int fd, const void *p, size_t n);

/* Whether only this user can change it: it belongs to the effective user, and its mode lets nobody
 * else write (with an ACL, the group's bits are its mask). For a file, ask its directory too. */
int tool_is_mine_alone(const struct stat *st);

/* ---- replacing a file ----
 *
 *     begin    ".NAME.<random>.new" beside the file, 0600, locked   (removed by a later tidy)
 *     sync     its bytes are on the disk                            (the same)
 *     put      renamed to NAME, and the directory is synced         the new file
 *     drop     the temporary is removed; after put nothing is       the old file
 *
 * A reader sees the old file or the new one, also after a kill and after a loss of power. */

enum { TOOL_NAME_MAX = 255 };

typedef struct tool_new {
    int fd;  /* write the new bytes here; -1: none is open */
    int dir; /* private, and the rest too: borrowed from begin */
    const char *name;
    char temporary[TOOL_NAME_MAX + 1]; /* "" once there is none */
} tool_new;

/* Makes the temporary. `mode` is what the file gets, whatever the umask is. After a failure nothing
 * is there, and drop is harmless. `dir` and `name` must stay until put or drop. */
int tool_new_begin(tool_new *f, int dir, const char *name, mode_t mode);

/* Syncs what was written to f->fd. Put does it too: this is for several files that are to change
 * together, where a full disk must show before the first one changes. */
int tool_new_sync(const tool_new *f);

/* Syncs, renames and syncs the directory. After a failure the file is the old one, except where the
 * sync of the directory failed: then it is the new one, which a loss of power may undo. */
int tool_new_put(tool_new *f);

/* Gives up what put did not finish. May be called in a signal handler, at any time. Keeps errno. */
void tool_new_drop(const tool_new *f);

/* All of it at once, mode 0600; tidies first. */
int tool_replace(int dir, const char *name, const void *p, size_t n);

/* Renames a damaged file to NAME.damaged, for a person to look at. */
int tool_put_aside(int dir, const char *name);

/* Removes what killed runs left of replacing this file: temporaries of this user whose lock is
 * free, and, where no file can be locked, those that nobody wrote to for an hour. */
void tool_tidy(int dir, const char *name);

/* ---- a lock file ----
 *
 * A file that exists while a program works on something, with a line that says which program. The
 * lock itself is the kernel's: it ends with the process, however that ends. */

typedef enum tool_locked {
    TOOL_LOCKED,         /* until tool_unlock */
    TOOL_LOCK_HELD,      /* another process has it still: `holder` says who */
    TOOL_LOCK_STOPPED,   /* the stop flag was set while another process had it */
    TOOL_LOCK_IMPOSSIBLE /* no file can be made or locked here: `error` says why */
} tool_locked;

/* Zeroed is valid: nothing is held. */
typedef struct tool_lock {
    int is_held, fd, dir; /* private, and name too; dir and name are borrowed */
    const char *name;
    int error;        /* errno */
    char holder[128]; /* the line that the holder gave; "" where it cannot be read. Any bytes but
                         NUL and line ends: escape them before they are shown */
} tool_lock;

/* Takes the lock; waits at most wait_ms (0: not at all) for whoever has it. `text`: one line, for
 * others to read. stop: NULL, or a flag that ends the waiting. `dir` and `name` must stay until
 * tool_unlock. */
tool_locked tool_lock_take(tool_lock *l, int dir, const char *name, const char *text,
                           uint32_t wait_ms, const volatile sig_atomic_t *stop);

/* Removes the file and frees the lock. Harmless where none is held. */
void tool_unlock(tool_lock *l);

#endif
