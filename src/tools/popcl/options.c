/* SPDX-License-Identifier: MIT */
/* options - see options.h. It reads the arguments, one by one, by the rows of the table. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <string.h>

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
     "for a server that no authority vouches for, give its certificate with -c, or the hash of its "
     "key with --pin"},
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
    if (*given && row->kind != CMD_VALUE_OWN_MANY)
        return cmd_option_wrong(o, "", cmd_option_called(row, name), " is given twice",
                                row == &cmd_option_rows[OPT_TA_KEY]
                                    ? "put all keys into one file, in the order of their numbers"
                                    : "give each option once");
    *given = 1;
    if (value && !*value)
        return cmd_option_wrong(o, "", cmd_option_called(row, name), " has an empty value",
                                CMD_SEE_HELP);
    unsigned char *field = (unsigned char *)o + row->field;
    switch (row->kind) {
    case CMD_NO_VALUE: *field = row->value; return 0;
    case CMD_VALUE_TEXT: memcpy(field, &value, sizeof value); return 0;
    case CMD_VALUE_SECONDS: return take_seconds(o, row, value, field);
    default: return row->set(o, value);
    }
}

/* argv[*at] is "--name" or "--name=value". */
static int take_long(cmd_options *o, int argc, char *const argv[], int *at) {
    char name[32];
    const char *text = argv[*at] + 2;
    size_t n = strcspn(text, "=");
    const char *value = text[n] ? text + n + 1 : NULL;
    for (const cmd_option_row *row = cmd_option_rows; row < cmd_option_rows + CMD_OPTIONS; row++) {
        if (!row->name || strlen(row->name) != n || memcmp(row->name, text, n) != 0) continue;
        (void)snprintf(name, sizeof name, "--%s", row->name);
        if (value && row->kind == CMD_NO_VALUE)
            return cmd_option_wrong(o, "", name, " takes no value", CMD_SEE_HELP);
        if (!value && row->kind != CMD_NO_VALUE && row->kind != CMD_VALUE_OWN_OR_NONE) {
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
    return cmd_option_wrong(o, "there is no such long option", "", "", CMD_SEE_HELP);
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
        if (row->kind == CMD_NO_VALUE || row->kind == CMD_VALUE_OWN_OR_NONE) {
            if (option_take(o, row, NULL)) return -1;
            if (o->action == CMD_HELP || o->action == CMD_VERSION) return 0;
            continue;
        }
        const char *value = p + 1;
        if (!*value) value = ++*at < argc ? argv[*at] : NULL;
        if (!value) return cmd_option_wrong(o, "-", name, " lacks its value", CMD_SEE_HELP);
        return option_take(o, row, value);
    }
    return 0;
}

int cmd_options_parse(cmd_options *o, int argc, char *const argv[]) {
    const char *server = NULL;
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
            if (server)
                return cmd_option_wrong(
                    o, "more than one server is given", "", "",
                    "give one; the value of an option comes right after it, and that of "
                    "--netrc or --trace after a =");
            server = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_servers = 1;
        } else if (arg[1] == '-') {
            failed = take_long(o, argc, argv, &at);
        } else {
            failed = take_letters(o, argc, argv, &at);
        }
        if (failed) return -1;
        if (o->action == CMD_HELP || o->action == CMD_VERSION) return 0;
    }
    return cmd_option_rules(o, server);
}
