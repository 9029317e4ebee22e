/* SPDX-License-Identifier: MIT */
/* odd_disk - see odd_disk.h. */
#define _POSIX_C_SOURCE 200809L
#include "odd_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Whether this call is not to reach the real disk; errno is set then. */
static int trips(odd_disk *d, char call) {
    if (d->interrupts && (d->turn ^= 1)) {
        errno = EINTR;
        return 1;
    }
    if (d->may_fail && !strchr(d->may_fail, call)) return 0;
    d->calls++;
    if (d->logged + 1 < sizeof d->log) d->log[d->logged++] = call;
    if (d->kill_at && d->calls == d->kill_at) raise(SIGKILL);
    if (d->fail_at == 0 || d->calls < d->fail_at || (d->calls > d->fail_at && !d->for_ever))
        return 0;
    errno = d->error;
    return 1;
}

static const popcl_disk *real(void) { return &popcl_posix_disk; }

static int t_mkdir(void *sys, const char *path, mode_t mode) {
    return trips(sys, 'd') ? -1 : real()->mkdir(NULL, path, mode);
}
/* Whether there is no descriptor left. */
static int is_full(const odd_disk *d) {
    errno = EMFILE;
    return d->max_open && d->open >= d->max_open;
}
static int opened(odd_disk *d, int fd) {
    d->open += fd >= 0;
    return fd;
}
static int t_openat(void *sys, int dir, const char *name, int flags, mode_t mode) {
    if (trips(sys, 'o') || is_full(sys)) return -1;
    return opened(sys, real()->openat(NULL, dir, name, flags, mode));
}
static int t_open_unnamed(void *sys, int dir, mode_t mode) {
    odd_disk *d = sys;
    if (trips(d, 't') || is_full(d)) return -1;
    errno = d->no_unnamed;
    return d->no_unnamed ? -1 : opened(d, real()->open_unnamed(NULL, dir, mode));
}
static int t_fstat(void *sys, int fd, struct stat *st) {
    return trips(sys, 'a') ? -1 : real()->fstat(NULL, fd, st);
}
static int t_fchmod(void *sys, int fd, mode_t mode) {
    return trips(sys, 'h') ? -1 : real()->fchmod(NULL, fd, mode);
}
static int t_lock(void *sys, int fd) { return trips(sys, 'c') ? -1 : real()->lock(NULL, fd); }
static size_t cut(const odd_disk *d, size_t n) { return d->piece && d->piece < n ? d->piece : n; }
static ssize_t t_write(void *sys, int fd, const void *p, size_t n) {
    odd_disk *d = sys;
    d->writes++;
    d->uneven += n % PAGE != 0;
    return trips(sys, 'w') ? -1 : real()->write(NULL, fd, p, cut(sys, n));
}
static ssize_t t_pread(void *sys, int fd, void *p, size_t n, off_t at) {
    return trips(sys, 'r') ? -1 : real()->pread(NULL, fd, p, cut(sys, n), at);
}
static int t_fsync(void *sys, int fd) {
    struct stat st;
    char call = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'F' : 'f';
    odd_disk *d = sys;
    int r = trips(sys, 'f');
    if (d->logged > 0 && d->log[d->logged - 1] == 'f') d->log[d->logged - 1] = call;
    return r ? -1 : 0; /* nothing here needs the real one, and it is slow */
}
static int t_start_sync(void *sys, int fd) {
    (void)fd;
    return trips(sys, 's') ? -1 : 0;
}
static int t_in_memory(void *sys, int fd) {
    const odd_disk *d = sys;
    (void)fd;
    return d->in_memory;
}
static int t_close(void *sys, int fd) {
    odd_disk *d = sys;
    int r = trips(d, 'l'); /* also a close that fails has closed */
    int error = errno;
    d->open--;
    real()->close(NULL, fd);
    errno = error;
    return r ? -1 : 0;
}
static int t_close_run(void *sys, int first, int last) {
    odd_disk *d = sys;
    if (trips(d, 'L') || real()->close_run(NULL, first, last) < 0) return -1;
    d->open -= last - first + 1;
    return 0;
}
static void race(const odd_disk *d, int dir, const char *to) {
    if (!d->race || strcmp(d->race, to) != 0) return;
    int fd = openat(dir, to, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return;
    (void)!write(fd, d->race_text ? d->race_text : "another's",
                 d->race_text ? strlen(d->race_text) : 9);
    close(fd);
}
static int t_linkat(void *sys, int dir, const char *from, const char *to) {
    odd_disk *d = sys;
    if (trips(d, 'n')) return -1;
    race(d, dir, to);
    errno = d->no_link;
    return d->no_link ? -1 : real()->linkat(NULL, dir, from, to);
}
static int t_link_open(void *sys, int fd, int dir, const char *to) {
    odd_disk *d = sys;
    if (trips(d, 'O')) return -1;
    race(d, dir, to);
    errno = d->no_link_open;
    /* the real one may need a kernel, or a capability, that this machine does not have */
    return d->no_link_open ? -1 : real()->link_unnamed(NULL, fd, dir, to);
}
static int t_link_unnamed(void *sys, int fd, int dir, const char *to) {
    odd_disk *d = sys;
    if (trips(d, 'N')) return -1;
    race(d, dir, to);
    errno = d->no_proc;
    return d->no_proc ? -1 : real()->link_unnamed(NULL, fd, dir, to);
}
static int t_rename_new(void *sys, int dir, const char *from, const char *to) {
    odd_disk *d = sys;
    if (trips(d, 'v')) return -1;
    race(d, dir, to);
    errno = d->no_rename_new;
    return d->no_rename_new ? -1 : real()->rename_new(NULL, dir, from, to);
}
static int t_rename_over(void *sys, int dir, const char *from, const char *to) {
    return trips(sys, 'V') ? -1 : real()->rename_over(NULL, dir, from, to);
}
static int t_unlinkat(void *sys, int dir, const char *name) {
    return trips(sys, 'u') ? -1 : real()->unlinkat(NULL, dir, name);
}
static int t_list(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx) {
    return trips(sys, 'i') ? -1 : real()->list(NULL, dir, name, ctx);
}

static ssize_t t_pwrite(void *sys, int fd, const void *p, size_t n, off_t at) {
    return trips(sys, 'W') ? -1 : real()->pwrite(NULL, fd, p, cut(sys, n), at);
}
static int t_ftruncate(void *sys, int fd, off_t size) {
    return trips(sys, 'T') ? -1 : real()->ftruncate(NULL, fd, size);
}
static int t_lock_whole(void *sys, int fd) {
    odd_disk *d = sys;
    if (trips(d, 'C')) return -1;
    errno = d->lock_error;
    return d->lock_error ? -1 : real()->lock_whole(NULL, fd);
}

static int t_stat_name(void *sys, int dir, const char *name, struct stat *st) {
    return trips(sys, 'S') ? -1 : real()->stat_name(NULL, dir, name, st);
}

int open_files(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

const popcl_disk odd_disk_calls = {.mkdir = t_mkdir,
                                   .openat = t_openat,
                                   .fstat = t_fstat,
                                   .fchmod = t_fchmod,
                                   .lock = t_lock,
                                   .write = t_write,
                                   .pread = t_pread,
                                   .fsync = t_fsync,
                                   .start_sync = t_start_sync,
                                   .in_memory = t_in_memory,
                                   .close = t_close,
                                   .close_run = t_close_run,
                                   .open_unnamed = t_open_unnamed,
                                   .link_open = t_link_open,
                                   .link_unnamed = t_link_unnamed,
                                   .linkat = t_linkat,
                                   .rename_new = t_rename_new,
                                   .rename_over = t_rename_over,
                                   .unlinkat = t_unlinkat,
                                   .list = t_list,
                                   .pwrite = t_pwrite,
                                   .ftruncate = t_ftruncate,
                                   .lock_whole = t_lock_whole,
                                   .stat_name = t_stat_name};
