/* SPDX-License-Identifier: MIT */
/* authfile - see authfile.h. */
#define _POSIX_C_SOURCE 200809L
#include "authfile.h"

#include <stdio.h>
#include <string.h>

#include "report.h"
#include "secretfile.h"

#define TWO_LINES "it holds two lines: `username = NAME` and `password = SECRET`"

static const cmd_secret_file auth_file = {
    .noun = "auth file",
    .max = CMD_AUTH_MAX,
    .max_kb = "4 KB",
    .form = TWO_LINES,
    .missing = "give -a a file that exists and that you may read",
};

static int refuse_text(cmd_login *l, const char *what) {
    return cmd_login_refuse(l, CMD_EXIT_CONFIG, what, "a line is missing", TWO_LINES);
}

static int refuse_line(cmd_login *l, unsigned line, const char *what, const char *cause) {
    (void)snprintf(l->what, sizeof l->what, "line %u of the auth file %s", line, what);
    l->cause = cause;
    l->advice = TWO_LINES;
    return CMD_EXIT_CONFIG;
}

/* Reads one line without its end: a key, `=`, at most one space, and the value as it is, with
 * trailing spaces. */
static int read_line(cmd_login *l, const char *p, size_t n, unsigned line) {
    static const char user_key[] = "username", secret_key[] = "password";
    const char *equals = memchr(p, '=', n);
    if (memchr(p, '\0', n) || memchr(p, '\r', n))
        return refuse_line(l, line, "holds a NUL or a CR",
                           "the file is no plain text, or its line ends are damaged");
    if (strspn(p, " \t") >= n) return 0; /* blank; buf ends in NUL, so that strspn ends */
    if (!equals)
        return refuse_line(l, line,
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
        return refuse_line(l, line, "is unknown",
                           "the text before its = is neither username nor password");
    if (is_user ? l->user != NULL : l->secret != NULL)
        return refuse_line(l, line,
                           is_user ? "gives the user name again" : "gives the password again",
                           "each may be there once");
    if (value_len == 0) return refuse_line(l, line, "has no value", "there is nothing after its =");
    if (is_user) {
        l->user = value;
        l->user_len = value_len;
    } else {
        l->secret = value;
        l->secret_len = value_len;
    }
    return 0;
}

static int parse(cmd_login *l, size_t len, const char *user) {
    static const char bom[] = "\xEF\xBB\xBF";
    unsigned line = 0;
    char *p = l->buf, *end = l->buf + len;
    if (len >= 3 && memcmp(p, bom, 3) == 0) p += 3;
    l->buf[len] = '\0';
    while (p < end) {
        char *lf = memchr(p, '\n', (size_t)(end - p));
        char *stop = lf ? lf : end, *next = lf ? lf + 1 : end;
        if (stop > p && stop[-1] == '\r') stop--;
        *stop = '\0';
        int failed = read_line(l, p, (size_t)(stop - p), ++line);
        if (failed) return failed;
        p = next;
    }
    if (!l->user && !l->secret) return refuse_text(l, "the auth file is empty");
    if (!l->secret) return refuse_text(l, "the auth file has no password");
    if (!l->user && !user) return refuse_text(l, "the auth file has no user name");
    if (user && l->user && strcmp(user, l->user) != 0)
        return cmd_login_refuse(l, CMD_EXIT_USAGE, "the auth file has another user name than -u",
                                "the file belongs to another account",
                                "leave out one of them: -u, or the file's line with the user name");
    if (!l->user) {
        l->user = user;
        l->user_len = strlen(user);
    }
    cmd_login_look_at_ends(l);
    return 0;
}

int cmd_auth_load(cmd_login *l, const char *path, const char *user, const cmd_patience *patience) {
    size_t len = 0;
    cmd_login_begin(l);
    int failed = cmd_secret_file_read(l, &auth_file, path, patience, &len);
    if (!failed) failed = parse(l, len, user);
    if (failed) cmd_login_wipe(l);
    return failed;
}
