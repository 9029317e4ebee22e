/* SPDX-License-Identifier: MIT */
/* disk - see disk.h. */
#define _POSIX_C_SOURCE 200809L
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    THE_DIRECTORY = -1,
    ITS_PARENT = -2,
    FIRST_PART = -3, /* and those below it */
    FREE = -1,
    FIRST_FD = 1000
};

static const char *const parts[] = {"new", "tmp", "cur"};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* Returns the part that a path ends in, -1 = none. */
static int part_of(const char *path) {
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    for (int i = 0; i < PARTS; i++)
        if (strcmp(parts[i], last) == 0) return i;
    return -1;
}

/* Returns whether a name is in this directory itself: not in one of its parts. */
static int is_in(const char *name, int directory) {
    if (directory == THE_DIRECTORY) return strchr(name, '/') == NULL;
    return strncmp(name, parts[FIRST_PART - directory], 3) == 0 && name[3] == '/';
}

/* Counts a call; fails it if it is its turn. */
static int failing(sim_disk *d) {
    d->calls++;
    if (!d->stopped &&
        (!d->fail_at || d->calls < d->fail_at || (d->calls > d->fail_at && !d->for_ever)))
        return 0;
    if (d->fail_with == 0) d->stopped = 1;
    errno = d->stopped ? EIO : d->fail_with;
    return 1;
}

static int refuse(int error) {
    errno = error;
    return -1;
}

static int find(const sim_disk *d, const char *name) {
    for (int k = 0; k < DISK_NAMES; k++) {
        if (d->names[k].file != FREE && strcmp(d->names[k].name, name) == 0) return k;
    }
    return -1;
}

static disk_file *file_of(sim_disk *d, int fd) { return &d->files[d->open[fd - FIRST_FD].file]; }

static void release(sim_disk *d, int file) {
    disk_file *f = &d->files[file];
    if (f->links || f->open) return;
    for (int k = 0; k < DISK_NAMES; k++) {
        if (d->synced_names[k].file == file) return; /* a loss of power brings it back */
    }
    free(f->octets);
    free(f->synced);
    memset(f, 0, sizeof *f);
}

static void set_octets(unsigned char **to, size_t *to_n, const unsigned char *from, size_t n) {
    unsigned char *copy = malloc(n + 1);
    if (!copy) abort();
    if (n) memcpy(copy, from, n);
    free(*to);
    *to = copy;
    *to_n = n;
}

static int add_name(sim_disk *d, const char *name, int file) {
    for (int k = 0; k < DISK_NAMES; k++) {
        if (d->names[k].file != FREE) continue;
        if (strlen(name) >= sizeof d->names[k].name) return refuse(ENAMETOOLONG);
        strcpy(d->names[k].name, name);
        d->names[k].file = file;
        d->files[file].links++;
        return 0;
    }
    return refuse(ENOSPC);
}

static void take_name(sim_disk *d, int k) {
    int file = d->names[k].file;
    d->names[k].file = FREE;
    d->files[file].links--;
    release(d, file);
}

static int new_fd(sim_disk *d, int file) {
    for (int i = 0; i < d->max_open; i++) {
        if (d->open[i].used) continue;
        d->open[i].used = 1;
        d->open[i].file = file;
        d->open[i].locked = 0;
        if (file >= 0) d->files[file].open++;
        return FIRST_FD + i;
    }
    return refuse(EMFILE);
}

/* ---- the calls ---- */

static int disk_mkdir(void *sys, const char *path, mode_t mode) {
    sim_disk *d = sys;
    int part = part_of(path);
    (void)mode;
    if (failing(d)) return -1;
    if (part >= 0) {
        if (d->parts >> part & 1) return refuse(EEXIST);
        d->parts |= 1u << part;
        return 0;
    }
    if (d->exists) return refuse(EEXIST);
    d->exists = 1;
    return 0;
}

static int new_file(sim_disk *d) {
    int file = 0;
    while (file < DISK_FILES && d->files[file].octets)
        file++;
    if (file == DISK_FILES) return refuse(ENOSPC);
    memset(&d->files[file], 0, sizeof d->files[file]);
    set_octets(&d->files[file].octets, &d->files[file].n, NULL, 0);
    return file;
}

static int has_room(const sim_disk *d) {
    for (int i = 0; i < d->max_open; i++)
        if (!d->open[i].used) return 1;
    return 0;
}

/* As the real one, it makes nothing if there is no descriptor. name NULL: a file without one. */
static int create(sim_disk *d, const char *name) {
    if (!has_room(d)) return refuse(EMFILE);
    int file = new_file(d);
    if (file < 0 || (name && add_name(d, name, file) < 0)) return -1;
    return new_fd(d, file);
}

static int disk_openat(void *sys, int dir, const char *name, int flags, mode_t mode) {
    sim_disk *d = sys;
    (void)mode;
    if (failing(d)) return -1;
    if (dir == AT_FDCWD) return d->exists ? new_fd(d, THE_DIRECTORY) : refuse(ENOENT);
    if (strcmp(name, "..") == 0) return new_fd(d, ITS_PARENT);
    if (flags & O_DIRECTORY) {
        int part = part_of(name);
        return part >= 0 && d->parts >> part & 1 ? new_fd(d, FIRST_PART - part) : refuse(ENOENT);
    }
    int k = find(d, name);
    if (k < 0) return flags & O_CREAT ? create(d, name) : refuse(ENOENT);
    return flags & O_EXCL ? refuse(EEXIST) : new_fd(d, d->names[k].file);
}

static int disk_open_unnamed(void *sys, int dir, mode_t mode) {
    sim_disk *d = sys;
    (void)dir;
    (void)mode;
    if (failing(d)) return -1;
    return d->no_unnamed ? refuse(EOPNOTSUPP) : create(d, NULL);
}

static int disk_fstat(void *sys, int fd, struct stat *st) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFDIR | 0700;
    st->st_nlink = 2;
    if (d->open[fd - FIRST_FD].file < 0) return 0;
    st->st_mode = S_IFREG | 0600;
    st->st_ino = (ino_t)d->open[fd - FIRST_FD].file;
    st->st_nlink = file_of(d, fd)->links;
    st->st_size = (off_t)file_of(d, fd)->n;
    return 0;
}

static int disk_stat_name(void *sys, int dir, const char *name, struct stat *st) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    int k = find(d, name);
    if (k < 0) return refuse(ENOENT);
    memset(st, 0, sizeof *st);
    st->st_ino = (ino_t)d->names[k].file;
    return 0;
}

static int disk_fchmod(void *sys, int fd, mode_t mode) {
    (void)fd;
    (void)mode;
    return failing(sys) ? -1 : 0;
}

static int disk_lock(void *sys, int fd) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    for (int i = 0; i < DISK_OPEN; i++) {
        if (d->open[i].used && d->open[i].locked &&
            d->open[i].file == d->open[fd - FIRST_FD].file && i != fd - FIRST_FD)
            return refuse(EWOULDBLOCK);
    }
    d->open[fd - FIRST_FD].locked = 1;
    return 0;
}

static ssize_t disk_write(void *sys, int fd, const void *p, size_t n) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    disk_file *f = file_of(d, fd);
    f->octets = realloc(f->octets, f->n + n + 1);
    if (!f->octets) abort();
    memcpy(f->octets + f->n, p, n);
    f->n += n;
    return (ssize_t)n;
}

static ssize_t disk_pread(void *sys, int fd, void *p, size_t n, off_t at) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    const disk_file *f = file_of(d, fd);
    size_t left = (size_t)at < f->n ? f->n - (size_t)at : 0;
    if (n > left) n = left;
    if (n) memcpy(p, f->octets + at, n);
    return (ssize_t)n;
}

static void sync_names(sim_disk *d, int directory) {
    int before[DISK_NAMES];
    for (int k = 0; k < DISK_NAMES; k++) {
        before[k] = d->synced_names[k].file;
        if ((d->names[k].file != FREE && is_in(d->names[k].name, directory)) ||
            (before[k] != FREE && is_in(d->synced_names[k].name, directory)))
            d->synced_names[k] = d->names[k];
    }
    if (directory == THE_DIRECTORY) d->parts_synced = d->parts;
    for (int k = 0; k < DISK_NAMES; k++) {
        if (before[k] != FREE) release(d, before[k]);
    }
}

static int disk_fsync(void *sys, int fd) {
    sim_disk *d = sys;
    int file = d->open[fd - FIRST_FD].file;
    int fails = failing(d);
    if (d->stopped || (fails && errno == EINTR)) return -1; /* nothing was tried */
    if (file == ITS_PARENT) {
        d->exists_synced |= !fails;
    } else if (file < 0) {
        if (fails)
            d->names_lost = 1;
        else if (!d->names_lost)
            sync_names(d, file);
    } else if (fails) {
        disk_file *f = &d->files[file];
        if (f->lost_from == f->lost_to) f->lost_from = f->synced_n;
        f->lost_to = f->n;
    } else {
        disk_file *f = &d->files[file];
        set_octets(&f->synced, &f->synced_n, f->octets, f->n);
        if (f->lost_to > f->lost_from)
            memset(f->synced + f->lost_from, 0, f->lost_to - f->lost_from);
    }
    return fails ? -1 : 0;
}

static ssize_t disk_pwrite(void *sys, int fd, const void *p, size_t n, off_t at) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    disk_file *f = file_of(d, fd);
    size_t end = (size_t)at + n;
    if (end > f->n) {
        f->octets = realloc(f->octets, end + 1);
        if (!f->octets) abort();
        memset(f->octets + f->n, 0, end - f->n);
        f->n = end;
    }
    memcpy(f->octets + at, p, n);
    return (ssize_t)n;
}

/* Only ever to a smaller size. */
static int disk_ftruncate(void *sys, int fd, off_t size) {
    sim_disk *d = sys;
    if (failing(d)) return -1;
    if ((size_t)size > file_of(d, fd)->n) return refuse(EINVAL);
    disk_file *f = file_of(d, fd);
    f->n = (size_t)size;
    if (f->lost_to > f->n) f->lost_to = f->n;
    if (f->lost_from > f->lost_to) f->lost_from = f->lost_to;
    return 0;
}

/* It makes nothing durable, and its failure shows nothing. */
static int disk_start_sync(void *sys, int fd) {
    (void)fd;
    return failing(sys) ? -1 : 0;
}

static int disk_in_memory(void *sys, int fd) {
    (void)sys, (void)fd;
    return 0;
}

static void close_one(sim_disk *d, int fd) {
    int file = d->open[fd - FIRST_FD].file;
    d->open[fd - FIRST_FD].used = 0;
    if (file < 0) return;
    d->files[file].open--;
    release(d, file);
}

/* As the real one, it has closed even if it reports a failure. */
static int disk_close(void *sys, int fd) {
    int fails = failing(sys), error = errno;
    close_one(sys, fd);
    errno = error;
    return fails ? -1 : 0;
}

static int disk_close_run(void *sys, int first, int last) {
    if (failing(sys)) return -1;
    for (; first <= last; first++)
        close_one(sys, first);
    return 0;
}

/* A file gets a name: notes it if a loss of power could leave less than all octets under it. */
static void note_named(sim_disk *d, int file, const char *name) {
    const disk_file *f = &d->files[file];
    int whole = f->synced && f->synced_n == f->n && memcmp(f->synced, f->octets, f->n) == 0;
    if (name[0] != '.' && strncmp(name, "tmp/", 4) != 0 && !whole && !d->named_early[0])
        strcpy(d->named_early, name);
}

static int link_file(sim_disk *d, int fd, const char *to) {
    if (find(d, to) >= 0) return refuse(EEXIST);
    note_named(d, d->open[fd - FIRST_FD].file, to);
    return add_name(d, to, d->open[fd - FIRST_FD].file);
}

static int disk_link_open(void *sys, int fd, int dir, const char *to) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    return d->no_link_open ? refuse(ENOENT) : link_file(d, fd, to);
}

static int disk_link_unnamed(void *sys, int fd, int dir, const char *to) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    return d->no_proc ? refuse(ENOENT) : link_file(d, fd, to);
}

static int disk_linkat(void *sys, int dir, const char *from, const char *to) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    int k = find(d, from);
    if (d->no_links) return refuse(EPERM);
    if (k < 0) return refuse(ENOENT);
    if (find(d, to) >= 0) return refuse(EEXIST);
    note_named(d, d->names[k].file, to);
    return add_name(d, to, d->names[k].file);
}

/* Another name for a file, at once instead of the one before. */
static int move(sim_disk *d, int from, const char *to) {
    int over = find(d, to);
    if (from < 0) return refuse(ENOENT);
    note_named(d, d->names[from].file, to);
    if (over >= 0) take_name(d, over);
    strcpy(d->names[from].name, to);
    return 0;
}

static int disk_rename_new(void *sys, int dir, const char *from, const char *to) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    if (d->no_rename_new) return refuse(ENOSYS);
    return find(d, to) >= 0 ? refuse(EEXIST) : move(d, find(d, from), to);
}

static int disk_rename_over(void *sys, int dir, const char *from, const char *to) {
    sim_disk *d = sys;
    (void)dir;
    return failing(d) ? -1 : move(d, find(d, from), to);
}

static int disk_unlinkat(void *sys, int dir, const char *name) {
    sim_disk *d = sys;
    (void)dir;
    if (failing(d)) return -1;
    int k = find(d, name);
    if (k < 0) return refuse(ENOENT);
    take_name(d, k);
    return 0;
}

static int disk_list(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx) {
    sim_disk *d = sys;
    int directory = d->open[dir - FIRST_FD].file;
    if (failing(d)) return -1;
    for (int k = 0; k < DISK_NAMES; k++) {
        char copy[256];
        if (d->names[k].file == FREE || !is_in(d->names[k].name, directory)) continue;
        strcpy(copy, d->names[k].name + (directory == THE_DIRECTORY ? 0 : 4));
        name(ctx, copy);
    }
    return 0;
}

const popcl_disk sim_disk_calls = {
    .mkdir = disk_mkdir,
    .openat = disk_openat,
    .fstat = disk_fstat,
    .fchmod = disk_fchmod,
    .lock = disk_lock,
    .write = disk_write,
    .pread = disk_pread,
    .fsync = disk_fsync,
    .start_sync = disk_start_sync,
    .in_memory = disk_in_memory,
    .close = disk_close,
    .close_run = disk_close_run,
    .open_unnamed = disk_open_unnamed,
    .link_open = disk_link_open,
    .link_unnamed = disk_link_unnamed,
    .linkat = disk_linkat,
    .rename_new = disk_rename_new,
    .rename_over = disk_rename_over,
    .unlinkat = disk_unlinkat,
    .list = disk_list,
    .pwrite = disk_pwrite,
    .ftruncate = disk_ftruncate,
    .lock_whole = disk_lock,
    .stat_name = disk_stat_name,
};

/* ---- life and death ---- */

void sim_disk_init(sim_disk *d) {
    memset(d, 0, sizeof *d);
    d->max_open = DISK_OPEN;
    for (int k = 0; k < DISK_NAMES; k++)
        d->names[k].file = d->synced_names[k].file = FREE;
}

/* Files are what was synced of them; a file that never was is there, and empty. */
static void lose_octets(sim_disk *d) {
    for (int i = 0; i < DISK_FILES; i++) {
        disk_file *f = &d->files[i];
        if (f->octets) set_octets(&f->octets, &f->n, f->synced, f->synced ? f->synced_n : 0);
    }
}

/* Returns whether a loss of power leaves the directory of a name. */
static int is_kept(const sim_disk *d, const char *name) {
    if (!d->exists_synced) return 0;
    for (int i = 0; i < PARTS; i++)
        if (is_in(name, FIRST_PART - i)) return (int)(d->parts_synced >> i & 1);
    return 1;
}

static void lose_names(sim_disk *d) {
    memcpy(d->names, d->synced_names, sizeof d->names);
    d->parts = d->exists_synced ? d->parts_synced : 0;
    d->exists = d->exists_synced;
    for (int k = 0; k < DISK_NAMES; k++)
        if (!is_kept(d, d->names[k].name)) d->names[k].file = d->synced_names[k].file = FREE;
}

void sim_disk_restart(sim_disk *d, disk_loss loss) {
    if (loss == ALL_LOST || loss == OCTETS_LOST) lose_octets(d);
    if (loss == ALL_LOST || loss == NAMES_LOST) lose_names(d);
    if (loss != KILLED) memcpy(d->synced_names, d->names, sizeof d->names);
    d->names_lost = 0;
    memset(d->open, 0, sizeof d->open);
    for (int i = 0; i < DISK_FILES; i++) {
        d->files[i].open = d->files[i].links = 0;
        if (loss != KILLED) d->files[i].lost_from = d->files[i].lost_to = 0;
    }
    for (int k = 0; k < DISK_NAMES; k++) {
        if (d->names[k].file != FREE) d->files[d->names[k].file].links++;
    }
    for (int i = 0; i < DISK_FILES; i++)
        release(d, i);
    d->calls = d->fail_at = 0;
    d->stopped = 0;
}

const unsigned char *sim_disk_synced(const sim_disk *d, int k, size_t *n) {
    static const unsigned char nothing[1] = {0};
    int file = d->synced_names[k].file;
    if (file == FREE || !is_kept(d, d->synced_names[k].name)) return NULL;
    *n = d->files[file].synced ? d->files[file].synced_n : 0;
    return *n ? d->files[file].synced : nothing;
}

const unsigned char *sim_disk_octets(const sim_disk *d, int k, const char **name, size_t *n) {
    int file = d->names[k].file;
    if (file == FREE) return NULL;
    *name = d->names[k].name;
    *n = d->files[file].n;
    return d->files[file].octets;
}

void sim_disk_free(sim_disk *d) {
    for (int i = 0; i < DISK_FILES; i++) {
        free(d->files[i].octets);
        free(d->files[i].synced);
    }
    sim_disk_init(d);
}
