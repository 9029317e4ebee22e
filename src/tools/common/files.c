/* SPDX-License-Identifier: MIT */
/* files - see files.h. The calls themselves, and temporaries, are in port/posix/file_calls.h. A
 * lock on NFS needs a descriptor for writing, so a file is opened with O_RDWR even if only a lock
 * is wanted. */
#define _POSIX_C_SOURCE 200809L
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file_calls.h"

enum {
    NAME_TRIES = 100,  /* tries for an unused name, or for a lock file that stays */
    NAME_SHOWN = 200,  /* bytes of the file's name in the name of its temporary */
    DEAD_S = 3600,     /* seconds: if locks do not work, a temporary of that age is left over */
    LOCK_LOOK_MS = 100 /* between two looks at a lock that is held */
};

#define TAIL ".new"

static const pop_disk *const disk = &pop_real_disk;

/* ---- reading and writing ---- */

int tool_open(int dir, const char *name, int flags, mode_t mode) {
    return pop_file_open(disk, dir, name, flags | O_NOCTTY, mode);
}

int tool_stat(int fd, struct stat *st) { return pop_file_stat(disk, fd, st); }

/* Looks at the file of a name; links are not followed. */
static int stat_name(int dir, const char *name, struct stat *st) {
    int r;
    POP_AGAIN(r, fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW));
    return r;
}

/* Returns whether a name leads to the open file. */
static int leads_to(int fd, int dir, const char *name) {
    struct stat ours, there;
    return tool_stat(fd, &ours) == 0 && stat_name(dir, name, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int tool_make_directory(const char *path, mode_t mode) {
    return pop_file_make_directory(disk, path, mode);
}

int tool_open_parent(const char *path, const char **name) {
    char dir[1024];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    *name = path + n;
    if (n >= sizeof dir || !**name || strlen(*name) > TOOL_NAME_MAX) {
        errno = **name ? ENAMETOOLONG : EISDIR;
        return -1;
    }
    memcpy(dir, path, n);
    dir[n] = '\0';
    return tool_open(AT_FDCWD, n ? dir : ".", O_RDONLY | O_DIRECTORY, 0);
}

int tool_try_directory(int dir) {
    int r;
    POP_AGAIN(r, faccessat(dir, ".", W_OK | X_OK, 0));
    return r;
}

ssize_t tool_read_all(int fd, void *p, size_t room) {
    size_t n = 0;
    while (n < room) {
        ssize_t got;
        POP_AGAIN(got, read(fd, (char *)p + n, room - n));
        if (got < 0) return -1;
        if (got == 0) break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int tool_write_all(int fd, const void *p, size_t n) { return pop_file_write_all(disk, fd, p, n); }

int tool_is_mine_alone(const struct stat *st) {
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* A close that was interrupted has closed the file: a second one could close another file. */
static void close_quietly(int fd) {
    int error = errno;
    if (fd >= 0) (void)close(fd);
    errno = error;
}

/* ---- replacing a file ---- */

/* Writes ".NAME.", or the beginning of it if NAME is too long. Returns its length. */
static size_t temporary_head(char out[TOOL_NAME_MAX + 1], const char *name) {
    return (size_t)snprintf(out, TOOL_NAME_MAX + 1, ".%.*s.", (int)NAME_SHOWN, name);
}

static int name_temporary(tool_new *f) {
    char text[TOOL_NAME_MAX + 1], digits[POP_RANDOM_DIGITS + 1];
    if (pop_random_digits(digits)) return -1;
    size_t n = temporary_head(text, f->name);
    (void)snprintf(text + n, sizeof text - n, "%s" TAIL, digits);
    memcpy(f->temporary, text, sizeof f->temporary);
    return 0;
}

static int is_temporary(const char *entry, const char *name) {
    char head[TOOL_NAME_MAX + 1];
    size_t n = temporary_head(head, name);
    return strncmp(entry, head, n) == 0 && pop_is_random(entry + n, TAIL);
}

void tool_new_drop(const tool_new *f) {
    int error = errno;
    if (f->temporary[0]) (void)pop_file_remove(disk, f->dir, f->temporary);
    errno = error;
    close_quietly(f->fd);
}

static void new_forget(tool_new *f) {
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
        struct stat st;
        if (name_temporary(f)) break; /* noted before the file exists: no signal may come between */
        f->fd = tool_open(dir, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (f->fd < 0) {
            f->temporary[0] = '\0'; /* the file with this name is not this program's */
            if (errno == EEXIST) continue;
            return -1;
        }
        int held = pop_file_hold(disk, f->fd, mode, &st);
        if (held > 0) return 0;
        new_forget(f);
        if (held < 0) return -1;
        errno = EEXIST;
    }
    return -1;
}

int tool_new_sync(const tool_new *f) { return pop_file_sync(disk, f->fd); }

int tool_new_put(tool_new *f) {
    int r = pop_file_sync(disk, f->fd);
    if (r == 0) {
        POP_AGAIN(r, renameat(f->dir, f->temporary, f->dir, f->name));
        /* a rename that was interrupted may have been done: then the file has the new name */
        if (r < 0 && errno == ENOENT && leads_to(f->fd, f->dir, f->name)) r = 0;
    }
    if (r == 0) {
        f->temporary[0] = '\0';
        r = pop_file_sync_directory(disk, f->dir);
    }
    new_forget(f);
    return r;
}

static int replace_once(int dir, const char *name, const void *p, size_t n) {
    tool_new f;
    if (tool_new_begin(&f, dir, name, 0600)) return -1;
    if (tool_write_all(f.fd, p, n)) {
        new_forget(&f);
        return -1;
    }
    return tool_new_put(&f);
}

int tool_replace(int dir, const char *name, const void *p, size_t n) {
    tool_tidy(dir, name);
    if (replace_once(dir, name, p, n) == 0) return 0;
    /* If locks hold on one machine only (NFS mounted with nolock), a tidy on another machine may
     * have taken the temporary. */
    return errno == ENOENT ? replace_once(dir, name, p, n) : -1;
}

int tool_put_aside(int dir, const char *name) {
    char aside[TOOL_NAME_MAX + 1];
    int r, n = snprintf(aside, sizeof aside, "%s.damaged", name);
    if (n < 0 || (size_t)n >= sizeof aside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    POP_AGAIN(r, renameat(dir, name, dir, aside));
    return r;
}

typedef struct tidied {
    int dir;
    const char *name;
} tidied;

static void tidy_entry(void *ctx, const char *entry) {
    const tidied *t = ctx;
    struct stat st;
    if (!is_temporary(entry, t->name)) return;
    int fd = tool_open(t->dir, entry, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    int can_be_ours =
        fd >= 0 && tool_stat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
    if (can_be_ours && pop_file_is_left(disk, fd, &st, DEAD_S))
        (void)pop_file_remove(disk, t->dir, entry);
    close_quietly(fd);
}

void tool_tidy(int dir, const char *name) {
    int error = errno;
    tidied t = {.dir = dir, .name = name};
    (void)disk->calls->list(disk->sys, dir, tidy_entry, &t);
    errno = error;
}

/* ---- a lock file ---- */

static void read_holder(tool_lock *l) {
    ssize_t n;
    POP_AGAIN(n, pread(l->fd, l->holder, sizeof l->holder - 1, 0));
    l->holder[n > 0 ? n : 0] = '\0';
    l->holder[strcspn(l->holder, "\r\n")] = '\0';
}

/* The line is for a person to read: a full disk must not keep mail from being fetched. */
static void write_holder(const tool_lock *l, const char *text) {
    int r;
    POP_AGAIN(r, ftruncate(l->fd, 0));
    if (r == 0 && tool_write_all(l->fd, text, strlen(text)) == 0)
        (void)tool_write_all(l->fd, "\n", 1);
}

static tool_locked not_locked(tool_lock *l, int error) {
    int held = pop_file_is_held(error);
    l->error = error;
    if (held) read_holder(l);
    close_quietly(l->fd);
    return held ? TOOL_LOCK_HELD : TOOL_LOCK_IMPOSSIBLE;
}

static tool_locked take_once(tool_lock *l) {
    for (int i = 0; i < NAME_TRIES; i++) {
        l->fd = tool_open(l->dir, l->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (l->fd < 0 || pop_file_lock(disk, l->fd) < 0) return not_locked(l, errno);
        /* its last holder may have removed it after it was opened */
        l->is_held = leads_to(l->fd, l->dir, l->name);
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
    /* removed while it is locked: the next run makes its own */
    (void)pop_file_remove(disk, l->dir, l->name);
    close_quietly(l->fd);
    l->is_held = 0;
}
