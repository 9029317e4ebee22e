/* SPDX-License-Identifier: MIT */
/* store_file - see store_file.h. */
#define _POSIX_C_SOURCE 200809L
#include "store_file.h"

#include <fcntl.h>

enum { TEMPORARY_TRIES = 100, MODE = 0600 };

static int file_fail(const char **call, const char *which) {
    *call = which;
    return -1;
}

void pop_store_file_drop(const pop_store_place *p, pop_store_file *f) {
    if (f->temporary[0]) (void)pop_file_remove(&p->disk, p->dir, f->temporary);
    if (f->fd >= 0) (void)pop_file_close(&p->disk, f->fd);
    f->fd = -1;
    f->temporary[0] = '\0';
}

/* ---- creation ---- */

static int create_unnamed(const pop_store_place *p, pop_store_file *f, const char **call) {
    int r = 0;
    f->fd = pop_file_open_unnamed(&p->disk, p->dir, MODE);
    if (f->fd < 0) return file_fail(call, "open");
    /* some file systems have one mode for all files: there it cannot be changed, and need not be */
    if (p->wrong_mode) POP_AGAIN(r, p->disk.calls->fchmod(p->disk.sys, f->fd, MODE));
    return 0;
}

static int create_named(pop_store_place *p, pop_store_file *f, const char **call) {
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        struct stat st;
        if (pop_store_temporary(f->temporary, p->layout->temporary, &p->number)) {
            f->temporary[0] = '\0';
            return file_fail(call, "getrandom");
        }
        f->fd = pop_file_open(&p->disk, p->dir, f->temporary,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, MODE);
        if (f->fd < 0) {
            f->temporary[0] = '\0'; /* the file with this name is not this run's */
            if (errno != EEXIST) return file_fail(call, "open");
            p->number = 0;
            continue;
        }
        int held = pop_file_hold(&p->disk, f->fd, MODE, &st);
        if (held > 0) {
            p->owner = st.st_uid;
            return 0;
        }
        int error = errno;
        pop_store_file_drop(p, f);
        errno = error;
        if (held < 0) return file_fail(call, "fstat");
    }
    errno = EEXIST;
    return file_fail(call, "open");
}

int pop_store_file_create(pop_store_place *p, pop_store_file *f, const char **call) {
    f->durable = 0;
    f->temporary[0] = '\0';
    return p->no_unnamed ? create_named(p, f, call) : create_unnamed(p, f, call);
}

/* Returns whether a call failed because the file system cannot do it at all. For links that is
 * EPERM (link(2)), and EACCES if a policy forbids them. A sandbox that does not know renameat2
 * returns EPERM for it. */
static int has_no_such_call(int error) {
    return error == EPERM || error == EACCES || error == ENOTSUP || error == EOPNOTSUPP ||
           error == ENOSYS || error == EINVAL;
}

/* Gives a file without a name its first one. link_open may stop to work: a process that changes its
 * user after it opened the file gets ENOENT. */
static int link_unnamed(pop_store_place *p, const pop_store_file *f, const char *name) {
    int r;
    if (!p->no_link_open) {
        POP_AGAIN(r, p->disk.calls->link_open(p->disk.sys, f->fd, p->dir, name));
        if (r == 0 || (errno != ENOENT && !has_no_such_call(errno))) return r;
        p->no_link_open = 1;
    }
    POP_AGAIN(r, p->disk.calls->link_unnamed(p->disk.sys, f->fd, p->dir, name));
    return r;
}

/* Gives a file without a name a temporary one, and removes it. This fails on file systems that
 * cannot do it, and on an old kernel if there is no /proc. */
static int try_unnamed(pop_store_place *p) {
    pop_store_file f = {.fd = -1};
    const char *call;
    char name[POP_STORE_TEMPORARY_MAX + 1];
    struct stat st;
    if (pop_store_temporary(name, p->layout->temporary, &p->number) ||
        create_unnamed(p, &f, &call) < 0)
        return -1;
    int r = pop_file_stat(&p->disk, f.fd, &st);
    if (r == 0) {
        p->owner = st.st_uid;
        p->wrong_mode = (st.st_mode & 07777) != MODE;
        r = link_unnamed(p, &f, name);
        /* also after a failure: some calls are done although they report one */
        (void)pop_file_remove(&p->disk, p->dir, name);
    }
    pop_store_file_drop(p, &f);
    return r;
}

int pop_store_file_try(pop_store_place *p, const char **call) {
    pop_store_file f = {.fd = -1};
    if (try_unnamed(p) == 0) return 0;
    p->no_unnamed = 1;
    if (pop_store_file_create(p, &f, call) < 0) return -1;
    pop_store_file_drop(p, &f);
    return 0;
}

/* ---- the final name ---- */

int pop_store_file_sync(const pop_store_place *p, pop_store_file *f, const char **call) {
    if (!f->durable && pop_file_sync(&p->disk, f->fd) < 0) return file_fail(call, "fsync");
    f->durable = 1;
    return 0;
}

typedef int (*name_call)(void *sys, int dir, const char *from, const char *to);

/* Makes one of the calls that give the temporary its final name. errno has the reason for
 * POP_NOT_PLACED. */
static pop_store_placed try_name(const pop_store_place *p, const pop_store_file *f, name_call call,
                                 const char *name) {
    int r;
    POP_AGAIN(r, call(p->disk.sys, p->dir, f->temporary, name));
    if (r == 0) return POP_PLACED;
    return errno == EEXIST ? POP_EXISTS : POP_NOT_PLACED;
}

/* Takes the name with an empty file of its own, and replaces that file. */
static pop_store_placed place_over_own(const pop_store_place *p, const pop_store_file *f,
                                       const char *name, const char **call) {
    int fd = pop_file_open(&p->disk, p->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, MODE);
    *call = "open";
    if (fd < 0) return errno == EEXIST ? POP_EXISTS : POP_NOT_PLACED;
    (void)pop_file_close(&p->disk, fd);
    *call = "rename";
    if (try_name(p, f, p->disk.calls->rename_over, name) == POP_PLACED) return POP_PLACED;
    int error = errno;
    (void)pop_file_remove(&p->disk, p->dir, name);
    errno = error;
    return POP_NOT_PLACED;
}

/* Uses the first way that this file system has. A rename comes first: a link needs a second call,
 * which removes the temporary. */
static pop_store_placed place_named(pop_store_place *p, const pop_store_file *f, const char *name,
                                    const char **call) {
    if (!p->no_rename_new) {
        *call = "rename";
        pop_store_placed r = try_name(p, f, p->disk.calls->rename_new, name);
        if (r != POP_NOT_PLACED || !has_no_such_call(errno)) return r;
        p->no_rename_new = 1;
    }
    if (!p->no_link) {
        *call = "link";
        pop_store_placed r = try_name(p, f, p->disk.calls->linkat, name);
        /* If the second name cannot be removed now, the next open removes it: the message itself is
         * in its place. */
        if (r == POP_PLACED) (void)pop_file_remove(&p->disk, p->dir, f->temporary);
        if (r != POP_NOT_PLACED || !has_no_such_call(errno)) return r;
        p->no_link = 1;
    }
    return place_over_own(p, f, name, call);
}

static pop_store_placed place_unnamed(pop_store_place *p, const pop_store_file *f, const char *name,
                                      const char **call) {
    *call = "link";
    if (link_unnamed(p, f, name) == 0) return POP_PLACED;
    return errno == EEXIST ? POP_EXISTS : POP_NOT_PLACED;
}

pop_store_placed pop_store_file_name(pop_store_place *p, pop_store_file *f, const char *name,
                                     const char **call) {
    pop_store_placed r =
        f->temporary[0] ? place_named(p, f, name, call) : place_unnamed(p, f, name, call);
    if (r == POP_PLACED) f->temporary[0] = '\0';
    return r;
}
