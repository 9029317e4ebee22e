/* SPDX-License-Identifier: MIT */
/* files - small files of the programs' own: read and write whole, replace, lock, and judge whether
 * a file can be believed. It knows nothing of their content, prints nothing, and uses no heap. A
 * file is named by an open directory and a name in it.
 *
 * Every call is repeated after EINTR. A function that returns int returns 0, or -1 with errno. */
#ifndef POPCL_TOOL_FILES_H
#define POPCL_TOOL_FILES_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* ---- reading and writing ---- */

/* Calls openat with O_CLOEXEC and O_NOCTTY. Returns the descriptor, or -1 with errno. */
int tool_open(int dir, const char *name, int flags, mode_t mode);

/* Opens the directory of a file. *name becomes the file's name in it, a part of path. Returns the
 * descriptor, or -1 with errno: EISDIR if the path has no name at its end. */
int tool_open_parent(const char *path, const char **name);

int tool_stat(int fd, struct stat *st);

/* Calls mkdir. It is a success too if the name exists already. */
int tool_make_directory(const char *path, mode_t mode);

/* Tests that files can be made in an open directory: 0, or -1 with errno. */
int tool_try_directory(int dir);

/* Reads until the file ends or `room` bytes are full. Give one byte more than the file may have, to
 * see that a file is longer. Returns bytes, or -1 with errno. */
ssize_t tool_read_all(int fd, void *p, size_t room);

int tool_write_all(int fd, const void *p, size_t n);

/* Returns whether only this user can change it. It belongs to the effective user, and its mode lets
 * nobody else write (with an ACL, the group's bits are its mask). For a file, also check its
 * directory. */
int tool_is_mine_alone(const struct stat *st);

/* ---- replacing a file ----
 *
 *     begin    ".NAME.<random>.new" beside the file, 0600, locked   (removed by a later tidy)
 *     sync     its bytes are on the disk                            (the same)
 *     put      renamed to NAME, and the directory is synced         the new file
 *     drop     the temporary is removed; after put there is none    the old file
 *
 * A reader sees the old file or the new one, also after a kill and after a loss of power. */

enum { TOOL_NAME_MAX = 255 };

typedef struct tool_new {
    int fd;  /* write the new bytes here; -1 = not open */
    int dir; /* private, as are the fields below: borrowed from begin */
    const char *name;
    char temporary[TOOL_NAME_MAX + 1]; /* "" once the temporary is gone */
} tool_new;

/* Makes the temporary. `mode` is the mode of the new file, with any umask. After a failure there is
 * no temporary, and drop is harmless. `dir` and `name` must stay until put or drop. */
int tool_new_begin(tool_new *f, int dir, const char *name, mode_t mode);

/* Syncs the bytes written to f->fd. put does it too. Call it if several files are to change
 * together, so that a full disk shows before the first one changes. */
int tool_new_sync(const tool_new *f);

/* Syncs, renames and syncs the directory. After a failure the file is the old one, except if the
 * sync of the directory failed. Then it is the new one, which a loss of power may undo. */
int tool_new_put(tool_new *f);

/* Gives up a file that put did not finish. May be called in a signal handler, at any time. Keeps
 * errno. */
void tool_new_drop(const tool_new *f);

/* Does all of it at once, with mode 0600; tidies first. */
int tool_replace(int dir, const char *name, const void *p, size_t n);

/* Renames a damaged file to NAME.damaged, for a person to look at. */
int tool_put_aside(int dir, const char *name);

/* Removes temporaries for this file that killed runs left. They are this user's and their lock is
 * free. If no file can be locked, they are those that were not written for an hour. */
void tool_tidy(int dir, const char *name);

/* ---- a lock file ----
 *
 * A file that exists while a program works on something, with a line that names the program. The
 * lock itself is the kernel's: it ends with the process, even after a kill. */

typedef enum tool_locked {
    TOOL_LOCKED,         /* until tool_unlock */
    TOOL_LOCK_HELD,      /* another process still has it: `holder` names it */
    TOOL_LOCK_STOPPED,   /* the stop flag was set while another process had it */
    TOOL_LOCK_IMPOSSIBLE /* no file can be made or locked here: `error` has the reason */
} tool_locked;

/* Zeroed is valid: no lock is held. */
typedef struct tool_lock {
    int is_held, fd, dir; /* private, as is name; dir and name are borrowed */
    const char *name;
    int error;        /* errno */
    char holder[128]; /* the line that the holder gave; "" if it cannot be read. Any bytes except
                         NUL and line ends: escape them before they are shown */
} tool_lock;

/* Takes the lock; waits at most wait_ms (0 = does not wait) for another holder. `text` is one line,
 * for others to read. `stop` is NULL, or a flag that ends the waiting. `dir` and `name` must stay
 * until tool_unlock. */
tool_locked tool_lock_take(tool_lock *l, int dir, const char *name, const char *text,
                           uint32_t wait_ms, const volatile sig_atomic_t *stop);

/* Removes the file and frees the lock. Harmless if no lock is held. */
void tool_unlock(tool_lock *l);

#endif
