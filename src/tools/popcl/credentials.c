/* SPDX-License-Identifier: MIT */
/* credentials - see credentials.h. */
#define _POSIX_C_SOURCE 200809L
#include "credentials.h"

#include <stdio.h>
#include <string.h>

#include "askcmd.h"
#include "authfile.h"
#include "netrc.h"
#include "prompt.h"
#include "report.h"
#include "system.h"

static void name_source(cmd_source_name *name, const char *text) {
    (void)snprintf(name->text, sizeof name->text, "%s", text);
}

void cmd_credentials_find_netrc(cmd_options *o, char *path, size_t cap) {
    const char *home = cmd_environment("HOME");
    if (o->source != CMD_SOURCE_NETRC || o->netrc_file || !home) return;
    int n = snprintf(path, cap, "%s/.netrc", home);
    if (n > 0 && (size_t)n < cap) o->netrc_file = path;
}

static int from_netrc(cmd_login *l, const cmd_options *o, cmd_source_name *name) {
    name_source(name, o->netrc_file ? o->netrc_file : "--netrc");
    if (o->netrc_file) return cmd_netrc_load(l, o->netrc_file, o->typed, o->typed_len, o->user);
    return cmd_login_refuse(l, CMD_EXIT_NO_INPUT, "the home directory is not known",
                            "HOME is not set, or is very long", "name the file: --netrc=FILE");
}

/* Adds an octet as it may be shown: a user name from a URL may have any. */
static size_t add_shown(char *out, size_t cap, size_t len, char octet) {
    unsigned char c = (unsigned char)octet;
    int is_shown = c >= 0x20 && c <= 0x7E && c != '\\';
    int n = snprintf(out + len, cap - len, is_shown ? "%c" : "\\x%02x", c);
    return n > 0 && (size_t)n < cap - len ? len + (size_t)n : len;
}

static int from_person(cmd_login *l, const cmd_options *o, const cmd_patience *patience) {
    static const char end[] = ": ";
    char question[5 * CMD_USER_MAX] = "Password for ";
    size_t len = strlen(question), cap = sizeof question - sizeof end;
    for (const char *p = o->user; *p; p++)
        len = add_shown(question, cap, len, *p);
    len = add_shown(question, cap, len, '@');
    for (const char *p = o->dial; *p; p++)
        len = add_shown(question, cap, len, *p);
    memcpy(question + len, end, sizeof end);
    return cmd_prompt(l, question, patience);
}

static void take_user(cmd_login *l, const cmd_options *o) {
    l->user = o->user;
    l->user_len = strlen(o->user);
    cmd_login_look_at_ends(l);
}

/* RFC 6750, 2.1 has the characters of a token. The server's refusal of something else would look
 * like that of a token that has expired. */
static int judge_token(cmd_login *l) {
    for (const char *p = l->secret; *p; p++) {
        if (*p > ' ' && *p <= '~' && !strchr("\"{}<>", *p)) continue;
        cmd_login_wipe(l);
        return cmd_login_refuse(l, CMD_EXIT_CONFIG, "the token has a character that no token has",
                                "the command prints more than the token: JSON, a word before it, "
                                "or a space after it",
                                "have it print the value of access_token alone");
    }
    return 0;
}

int cmd_credentials_get(cmd_login *l, const cmd_options *o, uint32_t left_ms,
                        const volatile sig_atomic_t *stop, cmd_source_name *name) {
    uint64_t now = cmd_outlet_now_ms();
    cmd_patience run = {stop, now + left_ms}, step = run;
    if (o->idle_ms < left_ms) step.end_ms = now + o->idle_ms;
    int failed;
    switch (o->source) {
    case CMD_SOURCE_FILE:
        name_source(name, strcmp(o->auth_file, "-") == 0 ? "standard input" : o->auth_file);
        return cmd_auth_load(l, o->auth_file, o->user, &step);
    case CMD_SOURCE_NETRC: return from_netrc(l, o, name);
    case CMD_SOURCE_COMMAND:
        name_source(name, "--password-command");
        cmd_login_begin(l);
        failed = cmd_ask_command(l, o->password_command, "the password", &step);
        break;
    case CMD_SOURCE_TOKEN:
        name_source(name, "--token-command");
        cmd_login_begin(l);
        failed = cmd_ask_command(l, o->token_command, "the token", &step);
        if (!failed) failed = judge_token(l);
        break;
    default:
        name_source(name, "the terminal");
        failed = from_person(l, o, &run);
        break;
    }
    if (!failed) take_user(l, o);
    return failed;
}

void cmd_credentials_abandon(void) {
    cmd_ask_abandon();
    cmd_prompt_abandon();
}
