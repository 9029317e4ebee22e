/* SPDX-License-Identifier: MIT */
/* anchor_file - files and directories of certificates, for anchor.h. */
#define _POSIX_C_SOURCE 200809L
#include "anchor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_calls.h"
#include "whole.h"

static popcl_posix_trust_error error_of(int number) {
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG: return POPCL_POSIX_TRUST_MISSING;
    case ENOMEM: return POPCL_POSIX_TRUST_MEMORY;
    default: return POPCL_POSIX_TRUST_UNREADABLE;
    }
}

static popcl_posix_trust_error anchor_fail(int number) {
    errno = number;
    return error_of(number);
}

/* ---- a file ---- */

static int anchor_open_at(int dir, const char *name, int flags) {
    return pop_file_open(&pop_real_disk, dir, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | flags, 0);
}

popcl_posix_trust_error pop_anchors_read_fd(pop_anchors *a, const char *source, int fd) {
    enum { GUESS = 65535 };
    struct stat st;
    unsigned char *octets = NULL;
    size_t len = 0;
    if (pop_file_stat(&pop_real_disk, fd, &st)) return anchor_fail(errno);
    if (S_ISDIR(st.st_mode)) return anchor_fail(EISDIR);
    if (S_ISREG(st.st_mode) && st.st_size > POP_ANCHOR_FILE_MAX) return anchor_fail(EFBIG);
    int error =
        pop_read_whole(fd, S_ISREG(st.st_mode) && st.st_size >= 0 ? (size_t)st.st_size : GUESS,
                       POP_ANCHOR_FILE_MAX, &octets, &len);
    if (error) return anchor_fail(error);
    int failed = pop_anchors_read(a, source, octets, len);
    pop_whole_free(octets, len);
    return failed ? anchor_fail(ENOMEM) : POPCL_POSIX_TRUST_OK;
}

static popcl_posix_trust_error read_at(pop_anchors *a, const char *source, int dir,
                                       const char *name, int flags) {
    /* the file may be a FIFO: without a writer it is then empty, and is not waited for */
    int fd = anchor_open_at(dir, name, flags);
    if (fd < 0) return anchor_fail(errno);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    popcl_posix_trust_error e = pop_anchors_read_fd(a, source, fd);
    int error = errno;
    (void)close(fd);
    errno = error;
    return e;
}

popcl_posix_trust_error pop_anchors_read_file(pop_anchors *a, const char *path) {
    return read_at(a, path, AT_FDCWD, path, 0);
}

/* ---- a directory ---- */

typedef struct entry {
    dev_t dev;
    ino_t ino;
    char *name;
} entry;

typedef struct entries {
    entry *list;
    size_t len, room;
} entries;

static void free_entries(entries *e) {
    for (size_t i = 0; i < e->len; i++)
        free(e->list[i].name);
    free(e->list);
}

static int by_name(const void *left, const void *right) {
    return strcmp(((const entry *)left)->name, ((const entry *)right)->name);
}

static int by_file(const void *left, const void *right) {
    const entry *l = left, *r = right;
    if (l->dev != r->dev) return l->dev < r->dev ? -1 : 1;
    if (l->ino != r->ino) return l->ino < r->ino ? -1 : 1;
    return by_name(left, right);
}

static int add_entry(entries *e, const struct stat *st, const char *name) {
    if (e->len == e->room) {
        size_t room = e->room ? 2 * e->room : 64;
        entry *grown = realloc(e->list, room * sizeof *grown);
        if (!grown) return -1;
        e->list = grown;
        e->room = room;
    }
    entry *one = &e->list[e->len];
    one->dev = st->st_dev;
    one->ino = st->st_ino;
    one->name = strdup(name);
    if (!one->name) return -1;
    e->len++;
    return 0;
}

/* Lists the regular files of a directory, each once, under the first of its names. Returns 0 or an
 * error number. */
static int list_files(DIR *d, entries *e) {
    struct stat st;
    struct dirent *found;
    size_t kept = 0;
    while (errno = 0, (found = readdir(d)) != NULL) {
        if (fstatat(dirfd(d), found->d_name, &st, 0) || !S_ISREG(st.st_mode)) continue;
        if (add_entry(e, &st, found->d_name)) return ENOMEM;
    }
    if (errno) return errno;
    if (e->len) qsort(e->list, e->len, sizeof *e->list, by_file);
    for (size_t i = 0; i < e->len; i++) {
        if (kept && e->list[i].dev == e->list[kept - 1].dev &&
            e->list[i].ino == e->list[kept - 1].ino)
            free(e->list[i].name);
        else
            e->list[kept++] = e->list[i];
    }
    e->len = kept;
    if (kept) qsort(e->list, kept, sizeof *e->list, by_name);
    return 0;
}

/* Returns "dir/name", which is freed with the list. */
static const char *join(pop_anchors *a, const char *dir, const char *name) {
    size_t n = strlen(dir), name_len = strlen(name);
    if (a->paths_len % 64 == 0) {
        char **grown = realloc(a->paths, (a->paths_len + 64) * sizeof *grown);
        if (!grown) return NULL;
        a->paths = grown;
    }
    char *path = malloc(n + name_len + 2);
    if (!path) return NULL;
    memcpy(path, dir, n);
    if (n && dir[n - 1] != '/') path[n++] = '/';
    memcpy(path + n, name, name_len + 1);
    a->paths[a->paths_len++] = path;
    return path;
}

static popcl_posix_trust_error anchor_read_entries(pop_anchors *a, const char *path, DIR *d) {
    entries e = {0};
    int error = list_files(d, &e);
    popcl_posix_trust_error result = error ? anchor_fail(error) : POPCL_POSIX_TRUST_OK;
    for (size_t i = 0; i < e.len && result == POPCL_POSIX_TRUST_OK; i++) {
        const char *source = join(a, path, e.list[i].name);
        result =
            source ? read_at(a, source, dirfd(d), e.list[i].name, O_NONBLOCK) : anchor_fail(ENOMEM);
        /* a file that cannot be read is passed over */
        if (result != POPCL_POSIX_TRUST_MEMORY) result = POPCL_POSIX_TRUST_OK;
    }
    free_entries(&e);
    return result;
}

popcl_posix_trust_error pop_anchors_read_dir(pop_anchors *a, const char *path) {
    int fd = anchor_open_at(AT_FDCWD, path, O_DIRECTORY);
    if (fd < 0)
        return errno == ENOTDIR ? (popcl_posix_trust_error)POPCL_POSIX_TRUST_UNREADABLE
                                : anchor_fail(errno);
    DIR *d = fdopendir(fd);
    if (!d) {
        int error = errno;
        (void)close(fd);
        return anchor_fail(error);
    }
    uint8_t before = a->in_directory;
    a->in_directory = 1;
    popcl_posix_trust_error result = anchor_read_entries(a, path, d);
    a->in_directory = before;
    int error = errno;
    (void)closedir(d);
    errno = error;
    return result;
}
