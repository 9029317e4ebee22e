/* SPDX-License-Identifier: MIT */
/* options - see options.h. It reads the arguments, one by one, by the rows of the table. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "number.h"
#include "optionrules.h"
#include "optiontable.h"

#define S_MAX (POPCL_MS_MAX / 1000u)

/* Options that do not exist, and will not. Users ask for them, and read what to do instead. */
static const struct {
    const char *name, *what, *advice;
} refused[] = {
    {"insecure",
     "there is no --insecure: TLS with an unchecked certificate gives the password to any "
     "server",
     "--tofu FILE trusts the key that popcl --info SERVER --tofu FILE stored; -c trusts a "
     "certificate, and --pin the hash of a key"},
    {"password", "there is no --password: others can see a command line",
     "put it into the file of -a, or give --netrc, --password-command, or -u alone to be asked"},
    {"token", "there is no --token: others can see a command line",
     "give --token-command, with a program that prints the token"},
};

static int take_seconds(cmd_options *o, const cmd_option_row *row, const char *value,
                        unsigned char *field) {
    char name[32];
    uint64_t s = tool_number(value, S_MAX);
    uint32_t ms = (uint32_t)(s * 1000);
    if (!s)
        return cmd_option_wrong(o, "", cmd_option_called(row, name),
                                " wants whole seconds, 1 to 1073741", CMD_SEE_HELP);
    memcpy(field, &ms, sizeof ms);
    return 0;
}

static int option_take(cmd_options *o, const cmd_option_row *row, const char *value) {
    char name[32];
    uint8_t *given = &o->given[row - cmd_option_rows];
    if (row->kind == CMD_COUNT ? *given == row->value : *given && row->kind != CMD_VALUE_OWN_MANY)
        return cmd_option_wrong(o, "", cmd_option_called(row, name), " is given twice",
                                row == &cmd_option_rows[OPT_TA_KEY]
                                    ? "put all keys into one file, in the order of their numbers"
                                    : "give each option once");
    ++*given;
    if (value && !*value)
        return cmd_option_wrong(o, "", cmd_option_called(row, name), " has an empty value",
                                CMD_SEE_HELP);
    o->values[row - cmd_option_rows] = value;
    unsigned char *field = (unsigned char *)o + row->field;
    switch (row->kind) {
    case CMD_NO_VALUE: *field = row->value; return 0;
    case CMD_COUNT: ++*field; return 0;
    case CMD_VALUE_TEXT: memcpy(field, &value, sizeof value); return 0;
    case CMD_VALUE_SECONDS: return take_seconds(o, row, value, field);
    default: return row->set(o, value);
    }
}

/* It names the mistyped option only if that cannot be a secret. */
static int unknown_long(cmd_options *o, const char *text, size_t n) {
    char name[TOOL_WORD_MAX + 3];
    const char *nearest = cmd_option_nearest(text, n);
    if (!n || !tool_is_word(text, n))
        return cmd_option_wrong(o, "there is no such long option", "", "", CMD_SEE_HELP);
    (void)snprintf(name, sizeof name, "--%.*s", (int)n, text);
    (void)snprintf(o->hint, sizeof o->hint, "the nearest one is --%s; " CMD_SEE_HELP,
                   nearest ? nearest : "");
    return cmd_option_wrong(o, "there is no option ", name, "", nearest ? o->hint : CMD_SEE_HELP);
}

/* argv[*at] is "--name" or "--name=value". */
static int take_long(cmd_options *o, int argc, char *const argv[], int *at) {
    char name[32];
    const char *text = argv[*at] + 2;
    size_t n = strcspn(text, "=");
    const char *value = text[n] ? text + n + 1 : NULL;
    const cmd_option_row *row = cmd_option_named(text, n);
    if (row) {
        (void)snprintf(name, sizeof name, "--%s", row->name);
        if (value && !cmd_option_takes_value(row))
            return cmd_option_wrong(o, "", name, " takes no value", CMD_SEE_HELP);
        if (!value && cmd_option_wants_value(row)) {
            if (*at + 1 >= argc)
                return cmd_option_wrong(o, "", name, " lacks its value", CMD_SEE_HELP);
            value = argv[++*at];
        }
        return option_take(o, row, value);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strlen(refused[i].name) == n && memcmp(refused[i].name, text, n) == 0)
            return cmd_option_wrong(o, refused[i].what, "", "", refused[i].advice);
    }
    return unknown_long(o, text, n);
}

/* Returns whether the command line needs nothing more. */
static int is_read_enough(const cmd_options *o) {
    return o->action == CMD_HELP || o->action == CMD_VERSION || o->action == CMD_COMPLETION;
}

/* argv[*at] is "-x", "-xvalue" or several letters: "-nd", "-ndp110". */
static int take_letters(cmd_options *o, int argc, char *const argv[], int *at) {
    for (const char *p = argv[*at] + 1; *p; p++) {
        const cmd_option_row *row = cmd_option_rows;
        char name[2] = {*p, '\0'};
        while (row < cmd_option_rows + CMD_OPTIONS && row->letter != *p)
            row++;
        if (row == cmd_option_rows + CMD_OPTIONS)
            return cmd_option_wrong(o, "there is no option -", name, "", CMD_SEE_HELP);
        if (!cmd_option_wants_value(row)) {
            if (option_take(o, row, NULL)) return -1;
            if (is_read_enough(o)) return 0;
            continue;
        }
        const char *value = p + 1;
        if (!*value) value = ++*at < argc ? argv[*at] : NULL;
        if (!value) return cmd_option_wrong(o, "-", name, " lacks its value", CMD_SEE_HELP);
        return option_take(o, row, value);
    }
    return 0;
}

/* The server; with --config the name of an account. */
static int take_argument(cmd_options *o, const char *name) {
    if (o->names_len == CMD_NAMES_MAX)
        return cmd_option_wrong(o, "more than 64 names are given", "", "", CMD_SEE_HELP);
    o->names[o->names_len++] = name;
    return 0;
}

int cmd_options_parse(cmd_options *o, int argc, char *const argv[]) {
    int only_servers = 0; /* after "--" */
    memset(o, 0, sizeof *o);
    o->now_s = -1;
    o->idle_ms = 60000;
    o->connect_ms = 30000;
    o->total_ms = 86400000; /* a server that gives an octet a minute must not hold a run for ever */
    for (int at = 1; at < argc; at++) {
        const char *arg = argv[at];
        int failed = 0;
        if (only_servers || arg[0] != '-' || arg[1] == '\0') {
            failed = take_argument(o, arg);
        } else if (strcmp(arg, "--") == 0) {
            only_servers = 1;
        } else if (arg[1] == '-') {
            failed = take_long(o, argc, argv, &at);
        } else {
            failed = take_letters(o, argc, argv, &at);
        }
        o->error_at = failed ? at : 0;
        if (failed) return -1;
        if (is_read_enough(o)) return 0;
    }
    return cmd_option_rules(o);
}
