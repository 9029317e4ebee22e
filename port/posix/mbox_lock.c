/* SPDX-License-Identifier: MIT */
/* mbox_lock - see mbox_lock.h. The order is that of Debian's policy: first fcntl, then the dot
 * lock. No lock is held while the other is waited for, so the order of other programs is no danger.
 * A close of any descriptor of the mbox would free the lock of fcntl: there is one. */
#define _POSIX_C_SOURCE 200809L
#include "mbox_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "store_file.h"

enum { LOCK_NAP_MAX_MS = 200, DOT_TEXT_MAX = 96, DOT_MODE = 0644 };

/* TRIED_HELD: another program has it. */
typedef enum tried { TRIED_TAKEN, TRIED_HELD, TRIED_FAILED } tried;

static tried not_tried(const char **call, const char *which) {
    *call = which;
    return TRIED_FAILED;
}

/* Opens the mbox, and locks it with fcntl. */
static tried take_fcntl(pop_mbox_lock *l, const char **call) {
    struct stat st;
    l->fd =
        pop_file_open(&l->disk, l->dir, l->name, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, 0600);
    if (l->fd < 0) return not_tried(call, "open");
    *call = "lock";
    if (pop_file_lock_whole(&l->disk, l->fd) < 0) {
        if (errno == EAGAIN || errno == EACCES) return TRIED_HELD;
        l->no_fcntl_lock = errno;
    }
    if (pop_file_stat(&l->disk, l->fd, &st) < 0) return not_tried(call, "fstat");
    errno = EINVAL;
    if (!S_ISREG(st.st_mode)) return not_tried(call, "open");
    return TRIED_TAKEN;
}

/* Another program may have put a new file in the place of the mbox before both locks were taken.
 * Nobody would read what is appended to the old one, which may still have another name. */
static tried check_name(const pop_mbox_lock *l, const char **call) {
    struct stat st;
    *call = "fstat";
    int r = pop_file_stat(&l->disk, l->fd, &st);
    if (r == 0) r = pop_file_has_name(&l->disk, &st, l->dir, l->name);
    if (r < 0) return TRIED_FAILED;
    *call = "lock";
    return r ? TRIED_TAKEN : TRIED_HELD;
}

/* Reads the age of another program's dot lock, if the file may be opened. */
static void read_age(pop_mbox_lock *l) {
    struct stat st;
    time_t now = time(NULL);
    int fd = pop_file_open(&l->disk, l->dir, l->dot_name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
    l->held_s = -1;
    if (fd < 0) return;
    if (pop_file_stat(&l->disk, fd, &st) == 0 && now != (time_t)-1 && st.st_mtime <= now)
        l->held_s = (int64_t)(now - st.st_mtime);
    (void)pop_file_close(&l->disk, fd);
}

/* Writes the text of popcl's NAME.lock. Other programs read the number at its start, to find out
 * whether its owner still runs. Returns its length. */
static size_t make_dot_text(char text[DOT_TEXT_MAX], long pid) {
    char host[64] = "";
    (void)gethostname(host, sizeof host - 1);
    return (size_t)snprintf(text, DOT_TEXT_MAX, "%ld\npopcl on %s\n", pid, host);
}

/* Returns whether a killed run left NAME.lock. The lock of fcntl is held. */
static int is_left(const pop_mbox_lock *l) {
    char found[DOT_TEXT_MAX] = "", ours[DOT_TEXT_MAX];
    int fd = pop_file_open(&l->disk, l->dir, l->dot_name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
    if (fd < 0) return 0;
    struct stat st = {0};
    int is_read = pop_file_stat(&l->disk, fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
                  st.st_size < (off_t)sizeof found &&
                  pop_file_read_exactly(&l->disk, fd, found, (size_t)st.st_size, 0) == 1;
    (void)pop_file_close(&l->disk, fd);
    long pid = is_read ? strtol(found, NULL, 10) : 0;
    (void)make_dot_text(ours, pid);
    return pid > 0 && strcmp(found, ours) == 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void write_dot_text(const pop_mbox_lock *l, int fd) {
    char text[DOT_TEXT_MAX];
    size_t n = make_dot_text(text, (long)getpid());
    (void)pop_file_write_all(&l->disk, fd, text, n); /* without it the lock is as good */
}

/* Makes NAME.lock. Its text comes before its name, if the file system allows that. A run that is
 * killed between name and text leaves a lock that no run removes. Returns 0, or -1 with errno. */
static int make_dot(const pop_mbox_lock *l) {
    pop_store_place place = {.disk = l->disk, .dir = l->dir};
    pop_store_file f = {.fd = pop_file_open_unnamed(&l->disk, l->dir, DOT_MODE)};
    pop_store_placed placed = POP_NOT_PLACED;
    const char *call;
    if (f.fd >= 0) {
        write_dot_text(l, f.fd);
        placed = pop_store_file_name(&place, &f, l->dot_name, &call);
        (void)pop_file_close(&l->disk, f.fd);
    }
    if (placed == POP_PLACED) return 0;
    errno = EEXIST;
    if (placed == POP_EXISTS) return -1;
    int fd = pop_file_open(&l->disk, l->dir, l->dot_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                           DOT_MODE);
    if (fd < 0) return -1;
    write_dot_text(l, fd);
    (void)pop_file_close(&l->disk, fd);
    return 0;
}

static tried take_dot(pop_mbox_lock *l, const char **call) {
    *call = "dot lock";
    int r = make_dot(l);
    if (r < 0 && errno == EEXIST) {
        if (l->no_fcntl_lock || !is_left(l)) return TRIED_HELD;
        (void)pop_file_remove(&l->disk, l->dir, l->dot_name);
        l->has_replaced = 1;
        r = make_dot(l);
    }
    if (r < 0 && errno == EEXIST) return TRIED_HELD;
    if (r < 0 && (errno == EACCES || errno == EPERM || errno == EROFS || errno == ENAMETOOLONG)) {
        l->no_dot_lock = errno;
        return TRIED_TAKEN;
    }
    if (r < 0) return TRIED_FAILED;
    l->has_dot = 1;
    return TRIED_TAKEN;
}

static tried try_both(pop_mbox_lock *l, const char **call) {
    tried r = take_fcntl(l, call);
    if (r == TRIED_TAKEN) r = take_dot(l, call);
    if (r == TRIED_TAKEN && l->no_fcntl_lock && l->no_dot_lock) {
        errno = l->no_fcntl_lock;
        return not_tried(call, "lock");
    }
    return r == TRIED_TAKEN ? check_name(l, call) : r;
}

int pop_mbox_lock_take(pop_mbox_lock *l, uint32_t wait_ms, const volatile sig_atomic_t *stop,
                       const char **call) {
    uint64_t began = pop_process_now_ms();
    l->held_s = -1;
    for (uint32_t nap = 1;; nap = nap < LOCK_NAP_MAX_MS ? 2 * nap : nap) {
        l->no_dot_lock = l->no_fcntl_lock = 0;
        tried r = try_both(l, call);
        if (r == TRIED_TAKEN) return l->fd;
        int error = errno;
        int is_over = (stop && *stop) || pop_process_now_ms() - began >= wait_ms;
        if (r == TRIED_HELD && is_over && strcmp(*call, "dot lock") == 0) read_age(l);
        pop_mbox_lock_give(l);
        errno = r == TRIED_HELD ? ETIMEDOUT : error;
        if (r == TRIED_FAILED || is_over) return -1;
        pop_process_nap(nap);
    }
}

void pop_mbox_lock_give(pop_mbox_lock *l) {
    if (l->has_dot) (void)pop_file_remove(&l->disk, l->dir, l->dot_name);
    if (l->fd >= 0) (void)pop_file_close(&l->disk, l->fd);
    l->has_dot = 0;
    l->fd = -1;
}
