/* SPDX-License-Identifier: MIT */
/* file_calls - see file_calls.h. Locks are those of flock, which a process keeps through its open
 * file: the kernel frees them with the process. On NFS Linux makes them locks of fcntl, and a lock
 * for writing then needs a descriptor for writing. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* flock, syscall */
#define _GNU_SOURCE     /* O_TMPFILE, sync_file_range */

#include "file_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif

#include "popcl_posix.h" /* for popcl_posix_seed */

/* ---- the real disk ---- */

static int real_mkdir(void *sys, const char *path, mode_t mode) {
    (void)sys;
    return mkdir(path, mode);
}

static int real_openat(void *sys, int dir, const char *name, int flags, mode_t mode) {
    (void)sys;
    return openat(dir, name, flags, mode);
}

static int real_fstat(void *sys, int fd, struct stat *st) {
    (void)sys;
    return fstat(fd, st);
}

static int real_fchmod(void *sys, int fd, mode_t mode) {
    (void)sys;
    return fchmod(fd, mode);
}

static int real_lock(void *sys, int fd) {
    (void)sys;
    return flock(fd, LOCK_EX | LOCK_NB);
}

static ssize_t real_write(void *sys, int fd, const void *p, size_t n) {
    (void)sys;
    return write(fd, p, n);
}

static ssize_t real_pread(void *sys, int fd, void *p, size_t n, off_t at) {
    (void)sys;
    return pread(fd, p, n, at);
}

static ssize_t real_pwrite(void *sys, int fd, const void *p, size_t n, off_t at) {
    (void)sys;
    return pwrite(fd, p, n, at);
}

static int real_ftruncate(void *sys, int fd, off_t size) {
    (void)sys;
    return ftruncate(fd, size);
}

static int real_lock_whole(void *sys, int fd) {
    struct flock whole;
    (void)sys;
    memset(&whole, 0, sizeof whole);
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return fcntl(fd, F_SETLK, &whole);
}

static int real_stat_name(void *sys, int dir, const char *name, struct stat *st) {
    (void)sys;
    return fstatat(dir, name, st, 0);
}

static int real_fsync(void *sys, int fd) {
    (void)sys;
    return fsync(fd);
}

/* Only Linux has this call. Elsewhere fsync does all of the work. */
static int real_start_sync(void *sys, int fd) {
    (void)sys;
#ifdef SYNC_FILE_RANGE_WRITE
    return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
    errno = ENOSYS;
    return -1;
#endif
}

/* The numbers are those of <linux/magic.h>, which a system without the kernel's headers lacks. */
static int real_in_memory(void *sys, int fd) {
    (void)sys;
#ifdef __linux__
    static const uint32_t tmpfs = 0x01021994u, ramfs = 0x858458f6u;
    struct statfs st;
    return fstatfs(fd, &st) == 0 && ((uint32_t)st.f_type == tmpfs || (uint32_t)st.f_type == ramfs);
#else
    (void)fd;
    return 0;
#endif
}

static int real_close(void *sys, int fd) {
    (void)sys;
    return close(fd);
}

static int real_close_run(void *sys, int first, int last) {
    (void)sys;
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0u);
#else
    (void)first, (void)last;
    errno = ENOSYS;
    return -1;
#endif
}

static int real_open_unnamed(void *sys, int dir, mode_t mode) {
    (void)sys;
#ifdef O_TMPFILE
    return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
#else
    (void)dir, (void)mode;
    errno = ENOTSUP;
    return -1;
#endif
}

/* Before Linux 6.10 this needs a capability, CAP_DAC_READ_SEARCH. */
static int real_link_open(void *sys, int fd, int dir, const char *to) {
    (void)sys;
#ifdef AT_EMPTY_PATH
    return linkat(fd, "", dir, to, AT_EMPTY_PATH);
#else
    (void)fd, (void)dir, (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

static int real_link_unnamed(void *sys, int fd, int dir, const char *to) {
    char path[32];
    (void)sys;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, dir, to, AT_SYMLINK_FOLLOW);
}

static int real_linkat(void *sys, int dir, const char *from, const char *to) {
    (void)sys;
    return linkat(dir, from, dir, to, 0);
}

static int real_rename_new(void *sys, int dir, const char *from, const char *to) {
    (void)sys;
#ifdef SYS_renameat2
    return (int)syscall(SYS_renameat2, dir, from, dir, to,
                        1u /* RENAME_NOREPLACE of <linux/fs.h> */);
#else
    (void)dir, (void)from, (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

static int real_rename_over(void *sys, int dir, const char *from, const char *to) {
    (void)sys;
    return renameat(dir, from, dir, to);
}

static int real_unlinkat(void *sys, int dir, const char *name) {
    (void)sys;
    return unlinkat(dir, name, 0);
}

static int real_list(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx) {
    const struct dirent *entry;
    int fd;
    POP_AGAIN(fd, openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    (void)sys;
    if (!d) {
        int error = errno;
        if (fd >= 0) close(fd);
        errno = error;
        return -1;
    }
    while ((entry = readdir(d)))
        name(ctx, entry->d_name);
    return closedir(d);
}

const popcl_disk popcl_posix_disk = {
    .mkdir = real_mkdir,
    .openat = real_openat,
    .fstat = real_fstat,
    .fchmod = real_fchmod,
    .lock = real_lock,
    .write = real_write,
    .pread = real_pread,
    .fsync = real_fsync,
    .start_sync = real_start_sync,
    .in_memory = real_in_memory,
    .close = real_close,
    .close_run = real_close_run,
    .open_unnamed = real_open_unnamed,
    .link_open = real_link_open,
    .link_unnamed = real_link_unnamed,
    .rename_new = real_rename_new,
    .linkat = real_linkat,
    .rename_over = real_rename_over,
    .unlinkat = real_unlinkat,
    .list = real_list,
    .pwrite = real_pwrite,
    .ftruncate = real_ftruncate,
    .lock_whole = real_lock_whole,
    .stat_name = real_stat_name,
};

const pop_disk pop_real_disk = {.calls = &popcl_posix_disk};

/* ---- calls ---- */

int pop_file_open(const pop_disk *d, int dir, const char *name, int flags, mode_t mode) {
    int fd;
    POP_AGAIN(fd, d->calls->openat(d->sys, dir, name, flags | O_CLOEXEC, mode));
    return fd;
}

int pop_file_open_unnamed(const pop_disk *d, int dir, mode_t mode) {
    int fd;
    POP_AGAIN(fd, d->calls->open_unnamed(d->sys, dir, mode));
    return fd;
}

int pop_file_stat(const pop_disk *d, int fd, struct stat *st) {
    int r;
    POP_AGAIN(r, d->calls->fstat(d->sys, fd, st));
    return r;
}

int pop_file_has_name(const pop_disk *d, const struct stat *st, int dir, const char *name) {
    struct stat named;
    int r;
    POP_AGAIN(r, d->calls->stat_name(d->sys, dir, name, &named));
    if (r < 0) return errno == ENOENT ? 0 : -1;
    return named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

int pop_file_lock(const pop_disk *d, int fd) {
    int r;
    POP_AGAIN(r, d->calls->lock(d->sys, fd));
    return r;
}

int pop_file_is_held(int error) { return error == EWOULDBLOCK || error == EAGAIN; }

int pop_file_close(const pop_disk *d, int fd) {
    return d->calls->close(d->sys, fd) < 0 && errno != EINTR ? -1 : 0;
}

int pop_file_close_run(const pop_disk *d, int first, int last) {
    int r;
    POP_AGAIN(r, d->calls->close_run(d->sys, first, last));
    return r;
}

void pop_file_start_sync(const pop_disk *d, int fd) { (void)d->calls->start_sync(d->sys, fd); }

int pop_file_in_memory(const pop_disk *d, int fd) { return d->calls->in_memory(d->sys, fd) == 1; }

int pop_file_sync(const pop_disk *d, int fd) {
    int r;
    POP_AGAIN(r, d->calls->fsync(d->sys, fd));
    return r;
}

int pop_file_sync_directory(const pop_disk *d, int fd) {
    if (pop_file_sync(d, fd) == 0) return 0;
    return errno == EINVAL || errno == ENOTSUP || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

int pop_file_remove(const pop_disk *d, int dir, const char *name) {
    int r;
    POP_AGAIN(r, d->calls->unlinkat(d->sys, dir, name));
    return r;
}

int pop_file_make_directory(const pop_disk *d, const char *path, mode_t mode) {
    int r;
    POP_AGAIN(r, d->calls->mkdir(d->sys, path, mode));
    return r < 0 && errno != EEXIST ? -1 : 0;
}

/* Returns whether a call that writes n octets wrote some of them. A count of none, which would
 * repeat for ever, is EIO; so is one past the end. Neither may happen. */
static int has_written(ssize_t wrote, size_t n) {
    if (wrote == 0 || (wrote > 0 && (size_t)wrote > n)) errno = EIO;
    return wrote > 0 && (size_t)wrote <= n;
}

int pop_file_append(const pop_disk *d, int fd, const void *p, size_t n, uint64_t *written) {
    const unsigned char *from = p;
    while (n > 0) {
        ssize_t wrote;
        POP_AGAIN(wrote, d->calls->write(d->sys, fd, from, n));
        if (!has_written(wrote, n)) return -1;
        from += wrote;
        n -= (size_t)wrote;
        *written += (uint64_t)wrote;
    }
    return 0;
}

int pop_file_write_all(const pop_disk *d, int fd, const void *p, size_t n) {
    uint64_t written = 0;
    return pop_file_append(d, fd, p, n, &written);
}

int pop_file_write_at(const pop_disk *d, int fd, const void *p, size_t n, uint64_t at) {
    const unsigned char *from = p;
    while (n > 0) {
        ssize_t wrote;
        POP_AGAIN(wrote, d->calls->pwrite(d->sys, fd, from, n, (off_t)at));
        if (!has_written(wrote, n)) return -1;
        from += wrote;
        n -= (size_t)wrote;
        at += (uint64_t)wrote;
    }
    return 0;
}

int pop_file_truncate(const pop_disk *d, int fd, uint64_t size) {
    int r;
    POP_AGAIN(r, d->calls->ftruncate(d->sys, fd, (off_t)size));
    return r;
}

int pop_file_lock_whole(const pop_disk *d, int fd) {
    int r;
    POP_AGAIN(r, d->calls->lock_whole(d->sys, fd));
    return r;
}

int pop_file_read_exactly(const pop_disk *d, int fd, void *p, size_t n, uint64_t at) {
    unsigned char *to = p;
    while (n > 0) {
        ssize_t got;
        POP_AGAIN(got, d->calls->pread(d->sys, fd, to, n, (off_t)at));
        if (got <= 0 || (size_t)got > n) return got < 0 ? -1 : 0;
        to += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 1;
}

/* ---- temporaries ---- */

void pop_hex(char *digits, const unsigned char *p, size_t n) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *digits++ = hex[p[i] >> 4];
        *digits++ = hex[p[i] & 15];
    }
    *digits = '\0';
}

int pop_random_digits(char digits[POP_RANDOM_DIGITS + 1]) {
    unsigned char random[POP_RANDOM_DIGITS / 2];
    if (popcl_posix_seed(random, sizeof random)) return -1;
    pop_hex(digits, random, sizeof random);
    return 0;
}

int pop_is_random(const char *rest, const char *tail) {
    return strspn(rest, "0123456789abcdef") == POP_RANDOM_DIGITS &&
           strcmp(rest + POP_RANDOM_DIGITS, tail) == 0;
}

int pop_file_hold(const pop_disk *d, int fd, mode_t mode, struct stat *st) {
    if (pop_file_lock(d, fd) < 0 && pop_file_is_held(errno)) return 0;
    if (pop_file_stat(d, fd, st) < 0) return -1;
    if (st->st_nlink == 0) return 0;
    /* The umask can take away from the mode, and some file systems have one mode for all files.
     * There the mode cannot be changed, and need not be. */
    int r = 0;
    if ((st->st_mode & 07777) != mode) POP_AGAIN(r, d->calls->fchmod(d->sys, fd, mode));
    return 1;
}

int pop_file_is_left(const pop_disk *d, int fd, const struct stat *st, time_t dead_s) {
    struct stat now;
    if (pop_file_lock(d, fd) == 0) return pop_file_stat(d, fd, &now) == 0 && now.st_nlink > 0;
    if (pop_file_is_held(errno)) return 0;
    time_t today = time(NULL);
    return today != (time_t)-1 && st->st_mtime < today - dead_s;
}
