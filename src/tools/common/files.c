/* files - see files.h. Locks are flock's, which a process keeps through its open file: the kernel
 * frees them with the process. Linux makes them fcntl's on NFS, where a lock for writing wants a
 * descriptor for writing: hence O_RDWR where only a lock is wanted. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* flock */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "popcl_posix.h"

enum {
    INTERRUPTS_MAX = 1000, /* EINTR in a row before it counts as a failure */
    NAME_TRIES = 100,      /* for a name that nobody has, or a lock file that stays */
    RANDOM_DIGITS = 16,    /* in a temporary's name */
    NAME_SHOWN = 200,      /* bytes of the file's name in it */
    DEAD_S = 3600,         /* a temporary of that age is nobody's, where locks do not tell */
    LOCK_LOOK_MS = 100     /* between two looks at a lock that is held */
};

#define TAIL ".new"

static int interrupted(int *times) { return errno == EINTR && ++*times < INTERRUPTS_MAX; }

/* Repeats `call` while a signal interrupts it; -1 and errno. */
#define AGAIN(result, call)                                                                        \
    do {                                                                                           \
        int times_ = 0;                                                                            \
        do                                                                                         \
            (result) = (call);                                                                     \
        while ((result) < 0 && interrupted(&times_));                                              \
    } while (0)

/* ---- reading and writing ---- */

int tool_open(int dir, const char *name, int flags, mode_t mode) {
    int fd;
    AGAIN(fd, openat(dir, name, flags | O_CLOEXEC | O_NOCTTY, mode));
    return fd;
}

int tool_stat(int fd, struct stat *st) {
    int r;
    AGAIN(r, fstat(fd, st));
    return r;
}

/* What a name stands for, links not followed. */
static int stat_name(int dir, const char *name, struct stat *st) {
    int r;
    AGAIN(r, fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW));
    return r;
}

int tool_make_directory(const char *path, mode_t mode) {
    int r;
    AGAIN(r, mkdir(path, mode));
    return r < 0 && errno != EEXIST ? -1 : 0;
}

int tool_try_directory(int dir) {
    int r;
    AGAIN(r, faccessat(dir, ".", W_OK | X_OK, 0));
    return r;
}

static int remove_name(int dir, const char *name) {
    int r;
    AGAIN(r, unlinkat(dir, name, 0));
    return r;
}

ssize_t tool_read_all(int fd, void *p, size_t room) {
    size_t n = 0;
    while (n < room) {
        ssize_t got;
        AGAIN(got, read(fd, (char *)p + n, room - n));
        if (got < 0) return -1;
        if (got == 0) break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int tool_write_all(int fd, const void *p, size_t n) {
    const char *from = p;
    while (n) {
        ssize_t done;
        AGAIN(done, write(fd, from, n));
        if (done == 0) errno = EIO;
        if (done <= 0) return -1;
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

static int sync_file(int fd) {
    int r;
    AGAIN(r, fsync(fd));
    return r;
}

int tool_sync_directory(int dir) {
    if (sync_file(dir) == 0) return 0;
    return errno == EINVAL || errno == ENOTSUP || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

int tool_is_mine_alone(const struct stat *st) {
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* A close that was interrupted has closed: a second one could hit another file. */
static void close_quietly(int fd) {
    int error = errno;
    if (fd >= 0) (void)close(fd);
    errno = error;
}

static int lock(int fd) {
    int r;
    AGAIN(r, flock(fd, LOCK_EX | LOCK_NB));
    return r;
}

static int is_held(int error) { return error == EWOULDBLOCK || error == EAGAIN; }

/* ---- replacing a file ---- */

/* ".NAME.", of a NAME that leaves no room for more its beginning. Returns its length. */
static size_t temporary_head(char out[TOOL_NAME_MAX + 1], const char *name) {
    return (size_t)snprintf(out, TOOL_NAME_MAX + 1, ".%.*s.", (int)NAME_SHOWN, name);
}

/* Process numbers would not do: two containers that share a directory have the same ones. */
static int name_temporary(tool_new *f) {
    unsigned char random[RANDOM_DIGITS / 2];
    char text[TOOL_NAME_MAX + 1];
    if (popcl_posix_seed(random, sizeof random)) return -1;
    size_t n = temporary_head(text, f->name);
    for (size_t i = 0; i < sizeof random; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", (unsigned)random[i]);
    (void)snprintf(text + n, sizeof text - n, TAIL);
    memcpy(f->temporary, text, sizeof f->temporary);
    return 0;
}

static int is_temporary(const char *entry, const char *name) {
    char head[TOOL_NAME_MAX + 1];
    size_t n = temporary_head(head, name);
    return strncmp(entry, head, n) == 0 && strspn(entry + n, "0123456789abcdef") == RANDOM_DIGITS &&
           strcmp(entry + n + RANDOM_DIGITS, TAIL) == 0;
}

/* Locks the new temporary. Returns 1, 0 where a tidy took it for a left one and removes it, -1.
 * Where nothing can be locked, tidy goes by age. */
static int hold(const tool_new *f, mode_t mode) {
    struct stat st;
    if (lock(f->fd) < 0 && is_held(errno)) return 0;
    if (tool_stat(f->fd, &st)) return -1;
    if (st.st_nlink == 0) return 0;
    /* some file systems know one mode for all: there nothing can be changed */
    int r = 0;
    if ((st.st_mode & 07777) != mode) AGAIN(r, fchmod(f->fd, mode));
    return 1;
}

void tool_new_drop(const tool_new *f) {
    int error = errno;
    if (f->temporary[0]) (void)remove_name(f->dir, f->temporary);
    errno = error;
    close_quietly(f->fd);
}

static void forget(tool_new *f) {
    tool_new_drop(f);
    f->temporary[0] = '\0';
    f->fd = -1;
}

int tool_new_begin(tool_new *f, int dir, const char *name, mode_t mode) {
    f->fd = -1;
    f->dir = dir;
    f->name = name;
    f->temporary[0] = '\0';
    for (int i = 0; i < NAME_TRIES; i++) {
        if (name_temporary(f)) break; /* before it exists: no signal may come between */
        f->fd = tool_open(dir, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (f->fd < 0) {
            f->temporary[0] = '\0'; /* what has this name is not ours */
            if (errno == EEXIST) continue;
            return -1;
        }
        int held = hold(f, mode);
        if (held > 0) return 0;
        forget(f);
        if (held < 0) return -1;
        errno = EEXIST;
    }
    return -1;
}

int tool_new_sync(const tool_new *f) { return sync_file(f->fd); }

/* A rename that was interrupted may have been done: then the temporary's file has the new name. */
static int is_put(const tool_new *f) {
    struct stat ours, there;
    return errno == ENOENT && tool_stat(f->fd, &ours) == 0 &&
           stat_name(f->dir, f->name, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

int tool_new_put(tool_new *f) {
    int r = sync_file(f->fd);
    if (r == 0) {
        AGAIN(r, renameat(f->dir, f->temporary, f->dir, f->name));
        if (r < 0 && is_put(f)) r = 0;
    }
    if (r == 0) {
        f->temporary[0] = '\0';
        r = tool_sync_directory(f->dir);
    }
    forget(f);
    return r;
}

static int replace_once(int dir, const char *name, const void *p, size_t n) {
    tool_new f;
    if (tool_new_begin(&f, dir, name, 0600)) return -1;
    if (tool_write_all(f.fd, p, n)) {
        forget(&f);
        return -1;
    }
    return tool_new_put(&f);
}

int tool_replace(int dir, const char *name, const void *p, size_t n) {
    tool_tidy(dir, name);
    if (replace_once(dir, name, p, n) == 0) return 0;
    /* Where locks hold on one machine only (NFS mounted with nolock), another one's tidy may have
     * taken the temporary. */
    return errno == ENOENT ? replace_once(dir, name, p, n) : -1;
}

/* Whether nobody works on this temporary. */
static int is_left(int fd) {
    struct stat st;
    if (tool_stat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) return 0;
    if (lock(fd) == 0) return tool_stat(fd, &st) == 0 && st.st_nlink > 0;
    if (is_held(errno)) return 0;
    time_t now = time(NULL);
    return now != (time_t)-1 && st.st_mtime < now - DEAD_S;
}

void tool_tidy(int dir, const char *name) {
    int error = errno, at = tool_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *d = at < 0 ? NULL : fdopendir(at);
    if (!d) close_quietly(at);
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (!is_temporary(e->d_name, name)) continue;
        int fd = tool_open(dir, e->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
        if (fd >= 0 && is_left(fd)) (void)remove_name(dir, e->d_name);
        close_quietly(fd);
    }
    if (d) (void)closedir(d);
    errno = error;
}

/* ---- a lock file ---- */

/* Whether the name still leads to the file that was opened: its last holder may have removed it
 * meanwhile. */
static int is_named(const tool_lock *l) {
    struct stat ours, there;
    return tool_stat(l->fd, &ours) == 0 && stat_name(l->dir, l->name, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static void read_holder(tool_lock *l) {
    ssize_t n;
    AGAIN(n, pread(l->fd, l->holder, sizeof l->holder - 1, 0));
    l->holder[n > 0 ? n : 0] = '\0';
    l->holder[strcspn(l->holder, "\r\n")] = '\0';
}

/* The line is a help for people: a disk that is full must not keep mail from being fetched. */
static void write_holder(const tool_lock *l, const char *text) {
    int r;
    AGAIN(r, ftruncate(l->fd, 0));
    if (r == 0 && tool_write_all(l->fd, text, strlen(text)) == 0)
        (void)tool_write_all(l->fd, "\n", 1);
}

static tool_locked not_locked(tool_lock *l, int error) {
    int held = is_held(error);
    l->error = error;
    if (held) read_holder(l);
    close_quietly(l->fd);
    return held ? TOOL_LOCK_HELD : TOOL_LOCK_IMPOSSIBLE;
}

static tool_locked take_once(tool_lock *l) {
    for (int i = 0; i < NAME_TRIES; i++) {
        l->fd = tool_open(l->dir, l->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (l->fd < 0 || lock(l->fd) < 0) return not_locked(l, errno);
        l->is_held = is_named(l);
        if (l->is_held) return TOOL_LOCKED;
        close_quietly(l->fd);
    }
    l->error = EAGAIN;
    return TOOL_LOCK_IMPOSSIBLE;
}

static uint64_t now_ms(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

tool_locked tool_lock_take(tool_lock *l, int dir, const char *name, const char *text,
                           uint32_t wait_ms, const volatile sig_atomic_t *stop) {
    uint64_t began = now_ms();
    memset(l, 0, sizeof *l);
    l->dir = dir;
    l->name = name;
    for (;;) {
        tool_locked r = take_once(l);
        if (r == TOOL_LOCKED) write_holder(l, text);
        if (r != TOOL_LOCK_HELD) return r;
        uint64_t passed = now_ms() - began;
        if (stop && *stop) return TOOL_LOCK_STOPPED;
        if (passed >= wait_ms) return TOOL_LOCK_HELD;
        uint64_t left = wait_ms - passed;
        (void)poll(NULL, 0, (int)(left < LOCK_LOOK_MS ? left : LOCK_LOOK_MS));
    }
}

void tool_unlock(tool_lock *l) {
    if (!l->is_held) return;
    (void)remove_name(l->dir, l->name); /* while it is locked: the next one makes its own */
    close_quietly(l->fd);
    l->is_held = 0;
}
