/* SPDX-License-Identifier: MIT */
/* authfile - see authfile.h. The file is opened without blocking and judged by fstat. So a FIFO
 * cannot hang, and nothing changes between the look and the reading. It is read with read(), which
 * leaves no copy in a stdio buffer. */
#define _POSIX_C_SOURCE 200809L
#include "authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "system.h"

enum { NO_INPUT = 66, BAD_CONFIG = 78 };

#define TWO_LINES "it holds two lines: `username = NAME` and `password = SECRET`"

void cmd_auth_wipe(cmd_auth *a) {
    cmd_wipe(a->buf, sizeof a->buf);
    a->user = a->secret = "";
    a->user_len = a->secret_len = 0;
}

static int authfile_refuse(cmd_auth *a, const char *what, const char *cause, const char *advice) {
    (void)snprintf(a->what, sizeof a->what, "%s", what);
    a->cause = cause;
    a->advice = advice;
    return BAD_CONFIG;
}

static int refuse_line(cmd_auth *a, unsigned line, const char *what, const char *cause) {
    (void)snprintf(a->what, sizeof a->what, "line %u of the auth file %s", line, what);
    a->cause = cause;
    a->advice = TWO_LINES;
    return BAD_CONFIG;
}

/* Judges the kind of file, its owner, and the rights of others. */
static int authfile_judge(cmd_auth *a, const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        return authfile_refuse(a, "the auth file is no ordinary file",
                               "it is a directory, a FIFO or a device",
                               "put the two lines into an ordinary file");
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return authfile_refuse(a, "the auth file belongs to another user",
                               "its owner can change it at any time",
                               "use a file of your own, mode 600");
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return authfile_refuse(a, "others may write the auth file",
                               "its mode lets group or others write",
                               "run chmod 600 on it, and look whether it was changed");
    if (st->st_size > CMD_AUTH_MAX)
        return authfile_refuse(a, "the auth file is larger than 4 KB", "it is another file",
                               TWO_LINES);
    a->readable = (st->st_mode & (S_IRGRP | S_IROTH)) != 0;
    return 0;
}

/* Fills buf with the whole file. */
static int authfile_read_all(cmd_auth *a, int fd, size_t *len) {
    ssize_t n = tool_read_all(fd, a->buf, sizeof a->buf);
    if (n < 0) {
        (void)authfile_refuse(a, "the auth file cannot be read", cmd_error_text(errno),
                              "look at the file and its medium");
        return NO_INPUT;
    }
    if (n > CMD_AUTH_MAX)
        return authfile_refuse(a, "the auth file is larger than 4 KB", "it is another file",
                               TWO_LINES);
    *len = (size_t)n;
    return 0;
}

/* Spaces and tabs at the ends of a value belong to it, and are hard to see. */
static void look_at_ends(cmd_auth *a, int is_user, const char *value, size_t n) {
    int first = value[0] == ' ' || value[0] == '\t',
        last = value[n - 1] == ' ' || value[n - 1] == '\t';
    if (first)
        a->odd = is_user ? "the user name begins with a space or a tab, which counts"
                         : "the password begins with a space or a tab, which counts";
    else if (last)
        a->odd = is_user ? "the user name ends in a space or a tab, which counts"
                         : "the password ends in a space or a tab, which counts";
}

/* Reads one line without its end: a key, `=`, at most one space, and the value as it is, with
 * trailing spaces. */
static int read_line(cmd_auth *a, const char *p, size_t n, unsigned line) {
    static const char user_key[] = "username", secret_key[] = "password";
    const char *equals = memchr(p, '=', n);
    if (memchr(p, '\0', n) || memchr(p, '\r', n))
        return refuse_line(a, line, "holds a NUL or a CR",
                           "the file is no plain text, or its line ends are damaged");
    if (strspn(p, " \t") >= n) return 0; /* blank; buf ends in NUL, so that strspn ends */
    if (!equals)
        return refuse_line(a, line,
                           "has no =", "it is neither `username = NAME` nor `password = SECRET`");
    size_t key = (size_t)(equals - p);
    while (key && (p[key - 1] == ' ' || p[key - 1] == '\t'))
        key--;
    const char *value = equals + 1;
    if (value < p + n && *value == ' ') value++;
    size_t value_len = (size_t)(p + n - value);
    int is_user = key == sizeof user_key - 1 && memcmp(p, user_key, key) == 0;
    int is_secret = key == sizeof secret_key - 1 && memcmp(p, secret_key, key) == 0;
    if (!is_user && !is_secret)
        return refuse_line(a, line, "is unknown",
                           "what stands before its = is neither username nor password");
    if (is_user ? a->user != NULL : a->secret != NULL)
        return refuse_line(a, line,
                           is_user ? "gives the user name again" : "gives the password again",
                           "each may stand there once");
    if (value_len == 0) return refuse_line(a, line, "has no value", "nothing stands behind its =");
    look_at_ends(a, is_user, value, value_len);
    if (is_user) {
        a->user = value;
        a->user_len = value_len;
    } else {
        a->secret = value;
        a->secret_len = value_len;
    }
    return 0;
}

static int parse(cmd_auth *a, size_t len) {
    static const char bom[] = "\xEF\xBB\xBF";
    unsigned line = 0;
    char *p = a->buf, *end = a->buf + len;
    if (len >= 3 && memcmp(p, bom, 3) == 0) p += 3;
    a->buf[len] = '\0';
    while (p < end) {
        char *lf = memchr(p, '\n', (size_t)(end - p));
        char *stop = lf ? lf : end, *next = lf ? lf + 1 : end;
        if (stop > p && stop[-1] == '\r') stop--;
        *stop = '\0';
        int failed = read_line(a, p, (size_t)(stop - p), ++line);
        if (failed) return failed;
        p = next;
    }
    if (!a->user || !a->secret)
        return authfile_refuse(a,
                               a->user     ? "the auth file has no password"
                               : a->secret ? "the auth file has no user name"
                                           : "the auth file is empty",
                               "a line is missing", TWO_LINES);
    return 0;
}

static int authfile_load(cmd_auth *a, int fd) {
    struct stat st;
    size_t len = 0;
    if (tool_stat(fd, &st))
        return authfile_refuse(a, "the auth file cannot be looked at", cmd_error_text(errno),
                               "look at the file and its medium");
    int failed = authfile_judge(a, &st);
    if (!failed) failed = authfile_read_all(a, fd, &len);
    return failed ? failed : parse(a, len);
}

int cmd_auth_load(cmd_auth *a, const char *path) {
    memset(a, 0, sizeof *a);
    int fd = tool_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) {
        int special = errno == ENXIO; /* a socket */
        (void)authfile_refuse(a, "the auth file cannot be opened", cmd_error_text(errno),
                              "give -a a file that exists and that you may read");
        return special ? BAD_CONFIG : NO_INPUT;
    }
    int failed = authfile_load(a, fd);
    (void)close(fd);
    if (failed) cmd_auth_wipe(a);
    return failed;
}
