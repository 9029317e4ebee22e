/* SPDX-License-Identifier: MIT */
/* netrc - see netrc.h. Tokens are unquoted where they are, since no token is longer than its text
 * in the file. */
#define _POSIX_C_SOURCE 200809L
#include "netrc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "secretfile.h"

#define ONE_ENTRY "it holds entries like: machine SERVER login USER password SECRET"

static const cmd_secret_file netrc_file = {
    .noun = "netrc file",
    .max = CMD_LOGIN_MAX,
    .max_kb = "64 KB",
    .form = ONE_ENTRY,
    .missing = "make the file with mode 600, or give another one: --netrc=FILE",
};

/* The place in the text. */
typedef struct scanner {
    char *p, *end;
    unsigned line;
    const char *fault; /* NULL, or the end of a sentence about the line */
} scanner;

typedef struct token {
    char *text; /* NULL at the end of the file, or after a fault */
    size_t len;
} token;

typedef struct netrc_entry {
    token machine, login, password;
} netrc_entry;

static int is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static void pass_spaces(scanner *s) {
    for (; s->p < s->end && is_white(*s->p); s->p++)
        s->line += *s->p == '\n';
}

static void pass_line(scanner *s) {
    while (s->p < s->end && *s->p != '\n')
        s->p++;
}

/* After the opening quote. */
static token unquote(scanner *s) {
    static const char letters[] = "nrt", controls[] = "\n\r\t";
    token t = {s->p, 0};
    for (; s->p < s->end && *s->p != '\n'; s->p++) {
        char c = *s->p;
        if (c == '"') {
            s->p++;
            return t;
        }
        if (c == '\\' && s->p + 1 < s->end && s->p[1] != '\n') {
            c = *++s->p;
            const char *letter = c ? strchr(letters, c) : NULL;
            if (letter) c = controls[letter - letters];
        }
        t.text[t.len++] = c;
    }
    s->fault = "has a quote without its end";
    t.text = NULL;
    return t;
}

static token next_token(scanner *s) {
    token t = {NULL, 0};
    pass_spaces(s);
    if (s->p == s->end) return t;
    if (*s->p == '"') {
        s->p++;
        return unquote(s);
    }
    t.text = s->p;
    while (s->p < s->end && !is_white(*s->p))
        s->p++;
    t.len = (size_t)(s->p - t.text);
    return t;
}

/* Passes comments over. */
static token next_keyword(scanner *s) {
    for (;;) {
        pass_spaces(s);
        if (s->p == s->end || *s->p != '#') return next_token(s);
        pass_line(s);
    }
}

static int is_word(const token *t, const char *word) {
    return t->len == strlen(word) && memcmp(t->text, word, t->len) == 0;
}

static token next_value(scanner *s) {
    token t = next_token(s);
    if (!t.text && !s->fault) s->fault = "ends in a keyword without its value";
    return t;
}

/* A macro ends at an empty line. */
static void pass_macro(scanner *s) {
    (void)next_value(s);
    pass_line(s);
    while (s->p < s->end) {
        s->p++;
        s->line++;
        char *begin = s->p;
        pass_line(s);
        if (s->p == begin || (s->p == begin + 1 && *begin == '\r')) return;
    }
}

/* ---- the choice ---- */

typedef struct netrc_search {
    const char *machine, *user;
    size_t machine_len;
    int saw_machine, saw_user; /* an entry has the machine; and the user, but no password */
} netrc_search;

static int is_entry_wanted(netrc_search *want, const netrc_entry *e) {
    if (!e->machine.text || e->machine.len != want->machine_len ||
        strncasecmp(e->machine.text, want->machine, want->machine_len) != 0)
        return 0;
    want->saw_machine = 1;
    if (want->user && e->login.text && !is_word(&e->login, want->user)) return 0;
    want->saw_user = 1;
    return e->password.text != NULL;
}

/* Reads up to the entry that is wanted. Returns 1 with *e set, or 0. */
static int netrc_find(scanner *s, netrc_search *want, netrc_entry *e) {
    static const netrc_entry empty;
    *e = empty;
    for (;;) {
        token t = next_keyword(s);
        int begins = t.text && (is_word(&t, "machine") || is_word(&t, "default"));
        if (!s->fault && (!t.text || begins) && is_entry_wanted(want, e)) return 1;
        if (!t.text) return 0;
        if (begins) *e = empty;
        if (is_word(&t, "machine"))
            e->machine = next_value(s);
        else if (is_word(&t, "login"))
            e->login = next_value(s);
        else if (is_word(&t, "password"))
            e->password = next_value(s);
        else if (is_word(&t, "account"))
            (void)next_value(s);
        else if (is_word(&t, "macdef"))
            pass_macro(s);
        if (s->fault) return 0;
    }
}

/* ---- the file ---- */

static int netrc_refuse(cmd_login *l, const char *cause, const char *advice) {
    l->cause = cause;
    l->advice = advice;
    return CMD_EXIT_CONFIG;
}

static int refuse_search(cmd_login *l, const netrc_search *want) {
    (void)snprintf(l->what, sizeof l->what, "the netrc file has no %s for the machine %.*s%s",
                   want->saw_user ? "password" : "entry", (int)want->machine_len, want->machine,
                   want->saw_machine && !want->saw_user ? " with this user name" : "");
    return netrc_refuse(l,
                        want->saw_machine ? "its entries for the machine are for other accounts, "
                                            "or not complete"
                                          : "the name is looked for as it was typed, and an entry "
                                            "`default` does not count",
                        ONE_ENTRY);
}

static int refuse_value(cmd_login *l, const char *what) {
    return cmd_login_refuse(l, CMD_EXIT_CONFIG, what, "a value is missing, or is damaged",
                            ONE_ENTRY);
}

static int is_plain_value(const token *t) {
    return !memchr(t->text, '\0', t->len) && !memchr(t->text, '\r', t->len) &&
           !memchr(t->text, '\n', t->len);
}

/* Terminates the values of the entry, which it then is. */
static int adopt_entry(cmd_login *l, netrc_entry *e, const char *user) {
    if (!e->login.text && !user)
        return cmd_login_refuse(l, CMD_EXIT_CONFIG, "the netrc file's entry has no login",
                                "it is for several users of the machine", "give -u USER");
    if (e->password.len == 0) return refuse_value(l, "the netrc file's password is empty");
    if (e->password.len > CMD_SECRET_MAX)
        return refuse_value(l, "the netrc file's password is longer than 16 KB");
    if (!is_plain_value(&e->password) ||
        (e->login.text && (!e->login.len || !is_plain_value(&e->login))))
        return refuse_value(l,
                            "the netrc file's entry holds a NUL or a line end, or an empty name");
    e->password.text[e->password.len] = '\0';
    l->secret = e->password.text;
    l->secret_len = e->password.len;
    l->user = user;
    if (!user) {
        e->login.text[e->login.len] = '\0';
        l->user = e->login.text;
    }
    l->user_len = strlen(l->user);
    cmd_login_look_at_ends(l);
    return 0;
}

static int netrc_read(cmd_login *l, size_t len, netrc_search *want) {
    scanner s = {l->buf, l->buf + len, 1, NULL};
    netrc_entry e;
    if (netrc_find(&s, want, &e)) return adopt_entry(l, &e, want->user);
    if (!s.fault) return refuse_search(l, want);
    (void)snprintf(l->what, sizeof l->what, "line %u of the netrc file %s", s.line, s.fault);
    return netrc_refuse(l, "the file is damaged, or is something else", ONE_ENTRY);
}

int cmd_netrc_load(cmd_login *l, const char *path, const char *machine, size_t machine_len,
                   const char *user) {
    netrc_search want = {.machine = machine, .machine_len = machine_len, .user = user};
    size_t len = 0;
    cmd_login_begin(l);
    int failed = cmd_secret_file_read(l, &netrc_file, path, NULL, &len);
    if (!failed) failed = netrc_read(l, len, &want);
    if (failed) cmd_login_wipe(l);
    return failed;
}
