/* SPDX-License-Identifier: MIT */
/* accounts - see accounts.h. */
#define _POSIX_C_SOURCE 200809L
#include "accounts.h"

#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "optionrules.h"
#include "optiontable.h"
#include "secretfile.h"

#define FORM                                                                                       \
    "a section is [NAME], and each of its lines `key = value`; popcl --help=all has an example"

static const cmd_secret_file config_file = {
    .noun = "file of --config",
    .max = CMD_LOGIN_MAX,
    .max_kb = "64 KB",
    .form = FORM,
    .missing = "give --config a file that exists and that you may read",
};

/* One reading. */
typedef struct config {
    cmd_accounts *accounts;
    cmd_account *now; /* the section that is read; NULL = before the first */
    const cmd_options *options;
    cmd_report *report;
    unsigned line;
} config;

static int refuse_config(const config *c, unsigned line, const char *what, const char *advice) {
    char text[1200];
    if (!line && c->now) line = c->now->line; /* no line of the file alone has the fault */
    (void)snprintf(text, sizeof text, "%s, line %u%s%s%s: %s", c->options->config, line,
                   c->now ? ", section [" : "", c->now ? c->now->name : "", c->now ? "]" : "",
                   what);
    cmd_report_error(c->report, text, "the line is mistyped, or is for another program", advice);
    return CMD_EXIT_CONFIG;
}

/* Keeps "BEFORE" with n octets of `value` after it, as the next argument of the section. */
static int add_argument(config *c, const char *before, const char *value, size_t n) {
    cmd_accounts *a = c->accounts;
    size_t len = strlen(before);
    if (c->now->argc == CMD_ACCOUNT_ARGS || len + n + 1 > sizeof a->text - a->used)
        return refuse_config(c, c->line, "the section has too many lines", "60 are allowed");
    char *to = a->text + a->used;
    memcpy(to, before, len);
    memcpy(to + len, value, n);
    to[len + n] = '\0';
    a->used += len + n + 1;
    c->now->lines[c->now->argc] = c->line;
    c->now->argv[c->now->argc++] = to;
    c->now->argv[c->now->argc] = NULL;
    return 0;
}

static const char *section_fault(const config *c, const char *p, size_t n) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
    if (n == 0 || n > CMD_ACCOUNT_NAME_MAX || strspn(p, allowed) < n)
        return "the name of a section has 1 to 64 letters, digits, and . _ @ + -";
    for (size_t i = 0; i < c->accounts->len; i++)
        if (strlen(c->accounts->list[i].name) == n && memcmp(c->accounts->list[i].name, p, n) == 0)
            return "there is a section of this name already";
    return c->accounts->len == CMD_ACCOUNTS_MAX ? "there are more than 64 sections" : NULL;
}

/* The line is "[NAME]", and NUL-terminated. */
static int begin_section(config *c, char *p, size_t n) {
    c->now = NULL;
    if (n < 2 || p[n - 1] != ']') return refuse_config(c, c->line, "the line lacks its ]", FORM);
    const char *fault = section_fault(c, p + 1, n - 2);
    if (fault) return refuse_config(c, c->line, fault, "give each account a name of its own");
    p[n - 1] = '\0';
    c->now = &c->accounts->list[c->accounts->len++];
    c->now->name = p + 1;
    c->now->line = c->line;
    c->now->is_wanted = c->options->names_len == 0;
    return add_argument(c, "popcl", "", 0);
}

static int is_key(const char *key, size_t n, const char *name) {
    return strlen(name) == n && memcmp(key, name, n) == 0;
}

/* A password does not belong into this file: editors, backups and others may read it. */
static int is_secret_key(const char *key, size_t n) {
    static const char *const names[] = {"password", "passwd", "pass", "secret", "token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_key(key, n, names[i])) return 1;
    return 0;
}

static int unknown_key(config *c, const char *key, size_t n) {
    char what[96] = "the key is unknown",
         advice[96] = "a key is `server`, or the long name of an option in popcl --help=all";
    const char *nearest = cmd_option_nearest(key, n);
    if (tool_is_word(key, n) && n)
        (void)snprintf(what, sizeof what, "there is no key %.*s", (int)n, key);
    if (nearest) (void)snprintf(advice, sizeof advice, "the nearest one is %s", nearest);
    return refuse_config(c, c->line, what, advice);
}

static int is_for_section(const cmd_option_row *row) {
    static const cmd_option_id ids[] = {OPT_CONFIG, OPT_POLL, OPT_HELP, OPT_VERSION,
                                        OPT_COMPLETION};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (row == &cmd_option_rows[ids[i]]) return 0;
    return 1;
}

/* Returns what is wrong with the name of a file or a directory, or NULL. A shell would replace ~
 * and take quotes and comments away; here the name would be another one, without any error. */
static const char *file_name_fault(const cmd_option_row *row, const char *value, size_t len,
                                   const char **advice) {
    if (!strstr(row->shown, "FILE") && !strstr(row->shown, "DIR")) return NULL;
    *advice = "give the whole path: /home/...";
    if (len && *value == '~') return "popcl replaces no ~ in this file";
    *advice = "leave the quotes out: spaces are part of a value";
    if (len && (*value == '"' || *value == '\'')) return "the value is in quotes";
    *advice = "give the comment a line of its own";
    for (size_t i = 0; i + 1 < len; i++)
        if (strchr(" \t", value[i]) && value[i + 1] == '#') return "a # comes after the value";
    return NULL;
}

/* `key = value`, both without spaces at their ends. */
static int take_key(config *c, const char *key, size_t n, const char *value, size_t len) {
    char before[64];
    if (!c->now) return refuse_config(c, c->line, "a line comes before the first [NAME]", FORM);
    if (is_secret_key(key, n))
        return refuse_config(c, c->line, "the file has a password or a token",
                             "take it out; give auth-file, netrc, password-command or "
                             "token-command, and change the password if others could read it");
    if (is_key(key, n, "server")) {
        if (len && *value != '-') return add_argument(c, "", value, len);
        return refuse_config(c, c->line,
                             len ? "the server begins with -" : "server has an empty value",
                             "give HOST, HOST:PORT or a URL; an option has a line of its own");
    }
    const cmd_option_row *row = cmd_option_named(key, n);
    if (!row) return unknown_key(c, key, n);
    if (!is_for_section(row))
        return refuse_config(c, c->line, "this option is for the command line only",
                             "give it beside --config");
    int is_yes = is_key(value, len, "yes"), is_no = is_key(value, len, "no");
    (void)snprintf(before, sizeof before, "--%s", row->name);
    if (!cmd_option_wants_value(row) && is_no) {
        c->now->is_no[row - cmd_option_rows] = 1;
        return 0;
    }
    if (!cmd_option_wants_value(row) && is_yes) return add_argument(c, before, "", 0);
    if (!cmd_option_takes_value(row))
        return refuse_config(c, c->line, "the value is neither yes nor no",
                             "this option takes no value on a command line either");
    const char *advice = FORM, *fault = file_name_fault(row, value, len, &advice);
    if (fault) return refuse_config(c, c->line, fault, advice);
    (void)snprintf(before, sizeof before, "--%s=", row->name);
    return add_argument(c, before, value, len);
}

static size_t without_spaces(const char *p, size_t n) {
    while (n && strchr(" \t\r", p[n - 1]))
        n--;
    return n;
}

/* One line, n octets without its LF; the octet after it may be overwritten. */
static int read_config_line(config *c, char *p, size_t n) {
    if (memchr(p, '\0', n))
        return refuse_config(c, c->line, "the line has a NUL", "the file is no plain text");
    p[n] = '\0';
    size_t skipped = strspn(p, " \t");
    p += skipped;
    n = without_spaces(p, n - skipped);
    if (n == 0 || *p == '#') return 0;
    if (*p == '[') return begin_section(c, p, n);
    const char *equals = memchr(p, '=', n);
    if (!equals) return refuse_config(c, c->line, "the line has no =", FORM);
    const char *value = equals + 1;
    while (value < p + n && (*value == ' ' || *value == '\t'))
        value++;
    return take_key(c, p, without_spaces(p, (size_t)(equals - p)), value, (size_t)(p + n - value));
}

static int read_text(config *c, char *p, size_t len) {
    static const char bom[] = "\xEF\xBB\xBF";
    char *end = p + len;
    if (len >= 3 && memcmp(p, bom, 3) == 0) p += 3;
    while (p < end) {
        char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf ? lf : end;
        c->line++;
        int failed = read_config_line(c, p, (size_t)(stop - p));
        if (failed) return failed;
        p = stop + 1;
    }
    return 0;
}

/* Returns whether the section has this option already. */
static int section_has(const cmd_account *account, const char *option) {
    size_t n = strlen(option);
    for (int i = 1; i < account->argc; i++)
        if (strncmp(account->argv[i], option, n) == 0 &&
            (account->argv[i][n] == '\0' || account->argv[i][n] == '='))
            return 1;
    return 0;
}

static int add_option_of_all(config *c, cmd_option_id id) {
    const char *name = cmd_option_rows[id].name, *value = c->options->values[id];
    char option[40];
    int failed = 0;
    (void)snprintf(option, sizeof option, "--%s", name);
    if (c->now->is_no[id] || section_has(c->now, option)) return 0;
    if (value) (void)snprintf(option, sizeof option, "--%s=", name);
    for (int i = 0; i < c->options->given[id] && !failed; i++)
        failed = add_argument(c, option, value ? value : "", value ? strlen(value) : 0);
    return failed;
}

/* -v and -q exclude each other, also one in the section and one on the command line: the section
 * wins. */
static int is_overruled(const cmd_account *account, cmd_option_id id) {
    return (id == OPT_VERBOSE && section_has(account, "--quiet")) ||
           (id == OPT_QUIET && section_has(account, "--verbose"));
}

/* Has the ordinary parser judge each section. */
static int judge_section(config *c) {
    cmd_options *judged = &c->accounts->judged;
    int failed = 0;
    c->line = 0;
    for (unsigned id = 0; id < CMD_OPTIONS && !failed; id++)
        if (cmd_option_goes_to_account(c->options, (cmd_option_id)id) &&
            !is_overruled(c->now, (cmd_option_id)id))
            failed = add_option_of_all(c, (cmd_option_id)id);
    if (failed) return failed;
    if (cmd_options_parse(judged, c->now->argc, c->now->argv) == 0) return 0;
    unsigned line = judged->error_at ? c->now->lines[judged->error_at] : 0;
    return refuse_config(c, line, judged->error, judged->advice);
}

/* Marks the account of this name as wanted. */
static int want_account(const config *c, const char *name) {
    tool_nearest search = tool_nearest_begin(name, strlen(name));
    char what[96], advice[256] = "give the NAME of a section [NAME], or no name for all accounts";
    for (size_t i = 0; i < c->accounts->len; i++) {
        cmd_account *account = &c->accounts->list[i];
        tool_nearest_try(&search, account->name);
        if (strcmp(account->name, name) != 0) continue;
        account->is_wanted = 1;
        return 0;
    }
    if (search.name)
        (void)snprintf(advice, sizeof advice, "the nearest section is [%s]", search.name);
    int is_shown = tool_is_word(name, strlen(name)); /* no secret */
    (void)snprintf(what, sizeof what, "the file of --config has no section %s%s%s",
                   is_shown ? "[" : "of a name that is given", is_shown ? name : "",
                   is_shown ? "]" : "");
    cmd_report_error(c->report, what, "", advice);
    return CMD_EXIT_USAGE;
}

int cmd_accounts_read(cmd_accounts *a, const cmd_options *o, cmd_report *report) {
    config c = {.accounts = a, .options = o, .report = report};
    char what[1200];
    size_t len = 0;
    cmd_login_begin(&a->file);
    int failed = cmd_secret_file_read(&a->file, &config_file, o->config, NULL, &len);
    if (failed) {
        (void)snprintf(what, sizeof what, "%s: %s", o->config, a->file.what);
        cmd_report_error(report, what, a->file.cause, a->file.advice);
        return failed;
    }
    failed = read_text(&c, a->file.buf, len);
    for (size_t i = 0; i < a->len && !failed; i++) {
        c.now = &a->list[i];
        failed = judge_section(&c);
    }
    c.now = NULL;
    if (!failed && a->len == 0)
        failed = refuse_config(&c, c.line ? c.line : 1, "the file has no section", FORM);
    for (size_t i = 0; i < o->names_len && !failed; i++)
        failed = want_account(&c, o->names[i]);
    return failed;
}
