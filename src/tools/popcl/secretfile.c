/* SPDX-License-Identifier: MIT */
/* secretfile - see secretfile.h. A file is opened without blocking and judged by fstat. So a FIFO
 * cannot hang, and nothing changes between the look and the reading. It is read with read(), which
 * leaves no copy in a stdio buffer. */
#define _POSIX_C_SOURCE 200809L
#include "secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "number.h"
#include "report.h"
#include "system.h"
#include "waiting.h"

/* One reading. */
typedef struct reading {
    cmd_login *login;
    const cmd_secret_file *kind;
    const cmd_patience *patience;
    int fd;
    size_t len;
} reading;

static int refuse_file(const reading *r, int code, const char *fault, const char *cause,
                       const char *advice) {
    (void)snprintf(r->login->what, sizeof r->login->what, fault, r->kind->noun);
    r->login->cause = cause;
    r->login->advice = advice;
    return code;
}

static int refuse_size(const reading *r) {
    (void)snprintf(r->login->what, sizeof r->login->what, "the %s is larger than %s", r->kind->noun,
                   r->kind->max_kb);
    r->login->cause = "it is another file";
    r->login->advice = r->kind->form;
    return CMD_EXIT_CONFIG;
}

/* Judges the owner of an ordinary file, the rights of others, and the size. */
static int judge_file(const reading *r, const struct stat *st) {
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return refuse_file(r, CMD_EXIT_CONFIG, "the %s belongs to another user",
                           "its owner can change it at any time",
                           "use a file of your own, mode 600");
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return refuse_file(r, CMD_EXIT_CONFIG, "others may write the %s",
                           "its mode lets group or others write",
                           "run chmod 600 on it, and look whether it was changed");
    if (st->st_size > (off_t)r->kind->max) return refuse_size(r);
    r->login->readable = (st->st_mode & (S_IRGRP | S_IROTH)) != 0;
    return 0;
}

static int cannot_read(const reading *r) {
    return refuse_file(r, CMD_EXIT_NO_INPUT, "the %s cannot be read", cmd_error_text(errno),
                       "look at the file and its medium");
}

static int is_too_long(const reading *r) { return r->len > r->kind->max; }

static int read_ordinary(reading *r) {
    r->login->used = r->kind->max + 1;
    ssize_t n = tool_read_all(r->fd, r->login->buf, r->kind->max + 1);
    if (n < 0) return cannot_read(r);
    r->len = r->login->used = (size_t)n;
    return is_too_long(r) ? refuse_size(r) : 0;
}

static int refuse_wait(const reading *r) {
    return refuse_file(r, CMD_EXIT_CONFIG, "the %s does not end", "its writer keeps the pipe open",
                       "have the writer close it, or raise --timeout");
}

/* Reads a pipe, a socket or a device to its end. */
static int read_pipe(reading *r) {
    for (;;) {
        switch (cmd_wait_readable(r->fd, UINT32_MAX, r->patience)) {
        case CMD_WAITED_STOPPED: return CMD_EXIT_SIGNAL + (int)*r->patience->stop;
        case CMD_WAITED_OVER: return refuse_wait(r);
        case CMD_WAITED_FAILED: return cannot_read(r);
        case CMD_WAITED_LONG: continue;
        default: break;
        }
        ssize_t n = read(r->fd, r->login->buf + r->len, r->kind->max + 1 - r->len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
        if (n < 0) return cannot_read(r);
        if (n == 0) return 0;
        r->len += (size_t)n;
        r->login->used = r->len;
        if (is_too_long(r)) return refuse_size(r);
    }
}

/* Returns the descriptor that a path names, or -1. */
static int descriptor_of(const char *path) {
    static const char prefix[] = "/dev/fd/";
    uint64_t fd = 0;
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0) return STDIN_FILENO;
    if (strncmp(path, prefix, sizeof prefix - 1) != 0) return -1;
    const char *end = tool_number_read(path + sizeof prefix - 1, INT32_MAX, &fd);
    return end && !*end ? (int)fd : -1;
}

static int read_open(reading *r, int is_descriptor) {
    struct stat st;
    if (tool_stat(r->fd, &st)) {
        int code = errno == EBADF ? CMD_EXIT_NO_INPUT : CMD_EXIT_CONFIG;
        return refuse_file(r, code, "the %s cannot be looked at", cmd_error_text(errno),
                           r->kind->missing);
    }
    if (S_ISREG(st.st_mode)) {
        int failed = judge_file(r, &st);
        return failed ? failed : read_ordinary(r);
    }
    if (is_descriptor && isatty(r->fd))
        return refuse_file(r, CMD_EXIT_CONFIG, "the %s is a terminal, which shows what is typed",
                           "standard input is no pipe",
                           "give -u USER and leave -a out: then popcl asks without showing it");
    if (is_descriptor && !S_ISDIR(st.st_mode)) return read_pipe(r);
    return refuse_file(r, CMD_EXIT_CONFIG, "the %s is no ordinary file",
                       "it is a directory, a FIFO or a device",
                       "put the lines into an ordinary file, or give them as a pipe: -a -");
}

int cmd_secret_file_read(cmd_login *l, const cmd_secret_file *kind, const char *path,
                         const cmd_patience *patience, size_t *len) {
    reading r = {.login = l, .kind = kind, .patience = patience};
    int given = patience ? descriptor_of(path) : -1;
    *len = 0;
    r.fd = given >= 0 ? given : tool_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
    if (r.fd < 0) {
        int is_socket = errno == ENXIO;
        return refuse_file(&r, is_socket ? CMD_EXIT_CONFIG : CMD_EXIT_NO_INPUT,
                           "the %s cannot be opened", cmd_error_text(errno), kind->missing);
    }
    int failed = read_open(&r, given >= 0);
    if (given < 0) (void)close(r.fd);
    *len = r.len;
    return failed;
}
