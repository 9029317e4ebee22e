/* SPDX-License-Identifier: MIT */
/* login - see login.h. */
#define _POSIX_C_SOURCE 200809L
#include "login.h"

#include <stdio.h>
#include <string.h>

#include "report.h"
#include "system.h"

void cmd_login_wipe(cmd_login *l) {
    cmd_wipe(l->buf, l->used < sizeof l->buf ? l->used : sizeof l->buf);
    l->used = 0;
    l->user = l->secret = "";
    l->user_len = l->secret_len = 0;
}

void cmd_login_begin(cmd_login *l) {
    cmd_login_wipe(l);
    l->user = l->secret = NULL;
    l->readable = 0;
    l->odd = l->cause = l->advice = NULL;
    l->what[0] = '\0';
}

int cmd_login_refuse(cmd_login *l, int code, const char *what, const char *cause,
                     const char *advice) {
    (void)snprintf(l->what, sizeof l->what, "%s", what);
    l->cause = cause;
    l->advice = advice;
    return code;
}

static int refuse_secret(cmd_login *l, const char *whole, const char *fault, const char *cause,
                         const char *advice) {
    (void)snprintf(l->what, sizeof l->what, "%s %s", whole, fault);
    l->cause = cause;
    l->advice = advice;
    return CMD_EXIT_CONFIG;
}

int cmd_login_take_line(cmd_login *l, size_t n, const char *whole, const char *advice) {
    if (n && l->buf[n - 1] == '\r') n--;
    if (n == 0) return refuse_secret(l, whole, "is empty", "the first line has no text", advice);
    if (n > CMD_SECRET_MAX)
        return refuse_secret(l, whole, "is longer than 16 KB", "the first line is something else",
                             advice);
    if (memchr(l->buf, '\0', n) || memchr(l->buf, '\r', n))
        return refuse_secret(l, whole, "holds a NUL or a CR", "the first line is no plain text",
                             advice);
    l->buf[n] = '\0';
    l->secret = l->buf;
    l->secret_len = n;
    cmd_login_look_at_ends(l);
    return 0;
}

static int is_blank(char c) { return c == ' ' || c == '\t'; }

void cmd_login_look_at_ends(cmd_login *l) {
    l->odd = NULL;
    if (l->user_len && is_blank(l->user[0]))
        l->odd = "the user name begins with a space or a tab, which counts";
    else if (l->user_len && is_blank(l->user[l->user_len - 1]))
        l->odd = "the user name ends in a space or a tab, which counts";
    if (l->secret_len && is_blank(l->secret[0]))
        l->odd = "the password begins with a space or a tab, which counts";
    else if (l->secret_len && is_blank(l->secret[l->secret_len - 1]))
        l->odd = "the password ends in a space or a tab, which counts";
}
