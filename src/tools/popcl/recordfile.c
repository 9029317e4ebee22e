/* SPDX-License-Identifier: MIT */
/* recordfile - see recordfile.h. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include "recordfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bearssl.h>

#include "file_calls.h"
#include "popcl_posix.h"
#include "recordform.h"
#include "report.h"
#include "system.h"

static int failed(cmd_record_file *f, const char *call, int code) {
    f->failed_errno = errno ? errno : EIO;
    f->failed_call = call;
    return code;
}

/* ---- the directory ---- */

/* Makes path and the missing directories above it, 0700 as the XDG Base Directory Specification
 * asks. Returns 0, or -1 and errno. */
static int make_path(char *path) {
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        int made = tool_make_directory(path, 0700) == 0;
        if (slash) *slash = '/';
        if (!made) return -1;
        if (!slash) return 0;
    }
}

static void leave_dir(cmd_record_file *f) {
    int why = errno;
    if (f->dir >= 0) (void)close(f->dir);
    f->dir = -1;
    errno = why;
}

/* Opens one candidate, PREFIX/REST, with further flags of open. Returns 0, or -1 and errno. If
 * there is no such directory, a run that only reads gets f->dir -1. */
static int recordfile_open_at(cmd_record_file *f, const char *prefix, const char *rest, int flags) {
    int n = snprintf(f->path, sizeof f->path, "%s/%s", prefix, rest);
    if (n < 0 || (size_t)n >= sizeof f->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (f->writes && make_path(f->path)) return -1;
    f->dir = tool_open(AT_FDCWD, f->path, O_RDONLY | O_DIRECTORY | flags, 0);
    if (f->dir < 0) return !f->writes && errno == ENOENT ? 0 : -1;
    if (!f->writes || tool_try_directory(f->dir) == 0) return 0;
    leave_dir(f);
    return -1;
}

/* Returns whether only this user can have written it. For root the owner of the directory above
 * counts too: cron fetches as root and gives the mail to its user. */
static int is_believed(const cmd_record_file *f, const struct stat *st) {
    return (st->st_uid == geteuid() || (geteuid() == 0 && st->st_uid == f->owner)) &&
           (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The directory of the messages may be shared: a file with the name of the record may be another
 * user's. Returns 1 if it can be used, or there is no file; 0, or -1 and errno. */
static int open_beside_mail(cmd_record_file *f, const char *out_dir, const char *name) {
    struct stat st;
    if (stat(out_dir, &st) == 0) f->owner = st.st_uid;
    if (recordfile_open_at(f, out_dir, name, O_NOFOLLOW))
        return errno == EACCES || errno == EPERM || errno == ELOOP || errno == ENOTDIR ? 0 : -1;
    if (f->dir < 0) return 1;
    if (tool_stat(f->dir, &st)) return -1;
    if (is_believed(f, &st)) return 1;
    leave_dir(f);
    return 0;
}

static int find_beside_mail(cmd_record_file *f, const char *out_dir) {
    char own[32], first[sizeof f->path];
    int found = open_beside_mail(f, out_dir, ".popcl");
    (void)snprintf(own, sizeof own, ".popcl-%lu", (unsigned long)geteuid());
    memcpy(first, f->path, sizeof first);
    if (found == 0) found = open_beside_mail(f, out_dir, own);
    if (found == 0) {
        f->distrusted = 1;
        memcpy(f->path, first, sizeof first);
    }
    return found < 0 ? failed(f, "opening the directory", CMD_EXIT_CREATE) : 0;
}

static int is_absolute(const char *path) { return path && path[0] == '/'; }

/* Checks that HOME leads to a directory. Returns 0, or -1 and errno. */
static int look_at_home(const char *home) {
    struct stat st;
    errno = ENOENT;
    if (!is_absolute(home) || stat(home, &st)) return -1;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : -1;
}

static int find_dir(cmd_record_file *f, const char *out_dir) {
    const char *xdg = cmd_environment("XDG_STATE_HOME"), *home = cmd_environment("HOME");
    if (is_absolute(xdg)) /* a relative one is ignored, as XDG asks */
        return recordfile_open_at(f, xdg, "popcl", 0)
                   ? failed(f, "opening the directory", CMD_EXIT_CREATE)
                   : 0;
    if (look_at_home(home) == 0 && recordfile_open_at(f, home, ".local/state/popcl", 0) == 0) {
        if (f->dir >= 0 || !out_dir) return 0;
    } else {
        f->fell_back = "HOME";
        f->fell_back_errno = errno;
    }
    /* a run that only reads also finds a record that a run put there while HOME could not be
     * written */
    return out_dir ? find_beside_mail(f, out_dir) : 0;
}

/* ---- names ---- */

/* Users, hosts and ports have octets that no file name may have. The first octets are the account's
 * number. */
static uint64_t name_file(char name[33], const char *user, size_t user_len, const char *host,
                          uint16_t port) {
    unsigned char digest[br_sha256_SIZE];
    char number[8];
    uint64_t account = 0;
    br_sha256_context sha;
    (void)snprintf(number, sizeof number, "%u", (unsigned)port);
    br_sha256_init(&sha);
    br_sha256_update(&sha, user, user_len);
    br_sha256_update(&sha, "", 1);
    br_sha256_update(&sha, host, strlen(host) + 1);
    br_sha256_update(&sha, number, strlen(number));
    br_sha256_out(&sha, digest);
    pop_hex(name, digest, 16);
    for (unsigned i = 0; i < 8; i++)
        account = account << 8 | digest[i];
    return account;
}

/* Begins an object, with the names of the default place. */
static void recordfile_begin(cmd_record_file *f, const char *user, size_t user_len,
                             const char *host, uint16_t port, int writes) {
    enum { CLEAR_PORT = 110, TLS_PORT = 995 };
    int is_usual = port == CLEAR_PORT || port == TLS_PORT;
    memset(f, 0, sizeof *f);
    f->dir = -1;
    f->owner = geteuid();
    f->writes = writes;
    f->account = name_file(f->name, user, user_len, host, is_usual ? CLEAR_PORT : port);
    if (is_usual) (void)name_file(f->second, user, user_len, host, TLS_PORT);
}

/* The directory is known. For root its owner counts too. */
static int recordfile_opened(cmd_record_file *f) {
    struct stat st;
    (void)snprintf(f->lock_name, sizeof f->lock_name, "%s.lock", f->name);
    if (f->dir >= 0 && tool_stat(f->dir, &st) == 0) f->owner = st.st_uid;
    return 0;
}

int cmd_record_file_open(cmd_record_file *f, const char *user, size_t user_len, const char *host,
                         uint16_t port, const char *out_dir, int writes) {
    recordfile_begin(f, user, user_len, host, port, writes);
    int code = find_dir(f, out_dir);
    return code ? code : recordfile_opened(f);
}

int cmd_record_file_open_given(cmd_record_file *f, const char *user, size_t user_len,
                               const char *host, uint16_t port, const char *file, int writes) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    size_t len = slash ? (size_t)(slash - file) : 1; /* "/" is the directory of "/file" */
    recordfile_begin(f, user, user_len, host, port, writes);
    f->is_given = 1;
    f->second[0] = '\0';
    errno = ENAMETOOLONG;
    int is_long = len >= sizeof f->path || strlen(name) > CMD_RECORD_NAME_MAX;
    (void)snprintf(f->path, sizeof f->path, "%.*s", (int)(len ? len : 1), slash ? file : ".");
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    if (is_long) return failed(f, "opening", CMD_EXIT_CREATE);
    errno = EISDIR;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return failed(f, "opening", CMD_EXIT_CREATE);
    f->dir = tool_open(AT_FDCWD, f->path, O_RDONLY | O_DIRECTORY, 0);
    if (f->dir < 0 || (writes && tool_try_directory(f->dir)))
        return failed(f, "opening the directory", CMD_EXIT_CREATE);
    return recordfile_opened(f);
}

tool_locked cmd_record_file_lock(cmd_record_file *f, const char *text, uint32_t wait_ms,
                                 const volatile sig_atomic_t *stop) {
    if (f->dir < 0 || !f->writes) return TOOL_LOCKED;
    return tool_lock_take(&f->lock, f->dir, f->lock_name, text, wait_ms, stop);
}

/* ---- loading ---- */

typedef struct reader {
    int fd;
    size_t from, to;
    int error;
    unsigned char buf[4096];
} reader;

static int recordfile_get(void *ctx, void *p, size_t n) {
    reader *r = ctx;
    unsigned char *out = p;
    while (n) {
        if (r->from == r->to) {
            ssize_t got = tool_read_all(r->fd, r->buf, sizeof r->buf);
            if (got < 0) r->error = errno;
            if (got <= 0) return -1;
            r->from = 0;
            r->to = (size_t)got;
        }
        size_t some = r->to - r->from < n ? r->to - r->from : n;
        memcpy(out, r->buf + r->from, some);
        out += some;
        n -= some;
        r->from += some;
    }
    return 0;
}

/* Keeps a damaged file, for a person to look at. */
static int recordfile_put_aside(cmd_record_file *f, const char *name) {
    f->damaged = 1;
    if (f->writes && tool_put_aside(f->dir, name))
        return failed(f, "putting the damaged file aside", CMD_EXIT_CREATE);
    return 0;
}

static int load_open(cmd_record_file *f, const char *name, int fd) {
    struct stat st;
    reader r = {.fd = fd};
    if (tool_stat(fd, &st)) return failed(f, "fstat", CMD_EXIT_DISK);
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return failed(f, "opening, as it is no ordinary file,", CMD_EXIT_CREATE);
    }
    if (!is_believed(f, &st)) {
        f->distrusted = 1; /* the next save puts this user's own file in its place */
        return 0;
    }
    cmd_loaded how = cmd_record_load(&f->record, (uint64_t)st.st_size, recordfile_get, &r);
    if (r.error) {
        errno = r.error;
        return failed(f, "reading", CMD_EXIT_DISK);
    }
    if (how == CMD_NO_RECORD && f->is_given) {
        f->foreign = 2; /* a slip in the command line must not cost the user a file */
        return CMD_EXIT_CONFIG;
    }
    if (how == CMD_DAMAGED || how == CMD_NO_RECORD) return recordfile_put_aside(f, name);
    errno = ENOMEM;
    if (how == CMD_LOAD_NO_ROOM) return failed(f, "making room", CMD_EXIT_DISK);
    f->taken |= how == CMD_LOADED_OLD;
    if ((uint64_t)st.st_mtime > f->saved_at) f->saved_at = (uint64_t)st.st_mtime;
    return 0;
}

static int load_file(cmd_record_file *f, const char *name) {
    int fd = tool_open(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) return errno == ENOENT ? 0 : failed(f, "opening", CMD_EXIT_CREATE);
    int code = load_open(f, name, fd);
    (void)close(fd);
    return code;
}

int cmd_record_file_load(cmd_record_file *f) {
    unsigned char key[CMD_RECORD_KEY];
    if (popcl_posix_seed(key, sizeof key)) return failed(f, "getting random octets", CMD_EXIT_DISK);
    cmd_record_init(&f->record, key);
    if (f->dir < 0) return 0;
    if (f->writes) tool_tidy(f->dir, f->name);
    int code = load_file(f, f->name);
    int taken = f->taken;
    f->taken = 0;
    if (code == 0 && f->second[0]) code = load_file(f, f->second);
    if (!f->taken) f->second[0] = '\0'; /* otherwise a save removes it */
    f->taken |= taken;
    if (code == 0 && f->record.account && f->record.account != f->account) {
        f->foreign = 1; /* equal UIDs of two accounts are different messages */
        code = CMD_EXIT_CONFIG;
    }
    f->record.account = f->account;
    return code;
}

/* ---- saving ---- */

typedef struct writer {
    int fd;
    size_t len;
    unsigned char buf[32768]; /* a run saves a large record many times */
} writer;

static int recordfile_flush(writer *w) {
    size_t n = w->len;
    w->len = 0;
    return tool_write_all(w->fd, w->buf, n);
}

static int recordfile_put(void *ctx, const void *p, size_t n) {
    writer *w = ctx;
    if (n > sizeof w->buf - w->len && recordfile_flush(w)) return -1; /* CMD_PIECE_MAX fits */
    memcpy(w->buf + w->len, p, n);
    w->len += n;
    return 0;
}

static int write_new(cmd_record_file *f) {
    tool_new file;
    if (tool_new_begin(&file, f->dir, f->name, 0600)) return failed(f, "creating", CMD_EXIT_CREATE);
    writer w;
    w.fd = file.fd;
    w.len = 0;
    if (cmd_record_save(&f->record, recordfile_put, &w) || recordfile_flush(&w)) {
        int code = failed(f, "writing", CMD_EXIT_DISK);
        tool_new_drop(&file);
        return code;
    }
    return tool_new_put(&file) ? failed(f, "writing", CMD_EXIT_DISK) : 0;
}

static int save(cmd_record_file *f) {
    if (!f->writes || f->dir < 0 || !f->record.changed) return 0;
    int code = write_new(f);
    if (code) return code;
    f->record.changed = 0;
    f->record.unsaved = 0;
    /* its entries are in the record now */
    if (f->second[0]) (void)unlinkat(f->dir, f->second, 0);
    f->second[0] = '\0';
    return 0;
}

void cmd_record_file_pass(cmd_record_file *f, uint32_t now_ms) {
    size_t many = f->record.used / 8;
    if (many < CMD_SAVE_MESSAGES) many = CMD_SAVE_MESSAGES;
    if (f->saved_ms == 0) f->saved_ms = now_ms ? now_ms : 1;
    if (now_ms - f->saved_ms < CMD_SAVE_MS && f->record.unsaved < many) return;
    f->saved_ms = now_ms ? now_ms : 1;
    (void)save(f); /* a failure is reported if the save at the end fails too */
}

int cmd_record_file_save(cmd_record_file *f) {
    int code = save(f);
    if (code || !f->record.no_memory) return code;
    errno = ENOMEM;
    return failed(f, "making room", CMD_EXIT_DISK);
}

void cmd_record_file_close(cmd_record_file *f) {
    tool_unlock(&f->lock);
    cmd_record_free(&f->record);
    if (f->name[0] && f->dir >= 0) (void)close(f->dir);
    memset(f, 0, sizeof *f);
    f->dir = -1;
}
