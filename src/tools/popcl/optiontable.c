/* SPDX-License-Identifier: MIT */
/* optiontable - see optiontable.h. The functions above the table take the values that are neither
 * flags nor plain text. */
#define _POSIX_C_SOURCE 200809L
#include "optiontable.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "mechanism.h"
#include "nearest.h"
#include "number.h"
#include "optionserver.h"
#include "utc.h"

int cmd_option_wrong(cmd_options *o, const char *before, const char *name, const char *after,
                     const char *advice) {
    if (o->error[0]) return -1;
    (void)snprintf(o->error, sizeof o->error, "%s%s%s", before, name, after);
    o->advice = advice;
    return -1;
}

int cmd_option_has(const cmd_options *o, cmd_option_id id) { return o->given[id]; }

const char *cmd_option_called(const cmd_option_row *row, char name[32]) {
    if (row->letter)
        (void)snprintf(name, 32, "-%c", row->letter);
    else
        (void)snprintf(name, 32, "--%s", row->name);
    return name;
}

/* ---- values ---- */

static int set_port(cmd_options *o, const char *value) {
    o->port = (uint16_t)tool_number(value, UINT16_MAX);
    return o->port
               ? 0
               : cmd_option_wrong(o, "-p", "", " wants a port number, 1 to 65535", CMD_SEE_HELP);
}

/* optionrules.c has its meaning with -o -. */
static int set_store_format(cmd_options *o, const char *value) {
    o->raw = strcmp(value, "raw") == 0;
    o->store = strcmp(value, "maildir") == 0 ? CMD_STORE_MAILDIR
               : strcmp(value, "mbox") == 0  ? CMD_STORE_MBOX
                                             : CMD_STORE_DIR;
    return o->raw || o->store != CMD_STORE_DIR || strcmp(value, "dir") == 0
               ? 0
               : cmd_option_wrong(o, "--format", "", " wants dir, maildir, mbox or raw",
                                  CMD_SEE_HELP);
}

static int set_eol(cmd_options *o, const char *value) {
    o->crlf = strcmp(value, "crlf") == 0;
    return o->crlf || strcmp(value, "lf") == 0
               ? 0
               : cmd_option_wrong(o, "--eol", "", " wants lf or crlf", CMD_SEE_HELP);
}

static int add_cert(cmd_options *o, const char **list, const char *value, const char *name) {
    size_t n = 0;
    while (list[n])
        n++;
    if (n == CMD_CERTS_MAX)
        return cmd_option_wrong(o, name, "", " is given more than 16 times",
                                "put the certificates into one file, or into one directory");
    list[n] = value;
    return 0;
}

static int set_cert_file(cmd_options *o, const char *value) {
    return add_cert(o, o->cert_files, value, "-c");
}

static int set_cert_dir(cmd_options *o, const char *value) {
    return add_cert(o, o->cert_dirs, value, "-C");
}

static int set_help(cmd_options *o, const char *value) {
    o->action = CMD_HELP;
    o->help_all = value != NULL;
    return !value || strcmp(value, "all") == 0
               ? 0
               : cmd_option_wrong(o, "--help", "", " wants no value, or all", CMD_SEE_HELP);
}

static int set_completion(cmd_options *o, const char *value) {
    o->action = CMD_COMPLETION;
    o->shell = value;
    return strcmp(value, "bash") == 0 || strcmp(value, "zsh") == 0 || strcmp(value, "fish") == 0
               ? 0
               : cmd_option_wrong(o, "--completion", "", " wants bash, zsh or fish", CMD_SEE_HELP);
}

static int set_bind(cmd_options *o, const char *value) {
    size_t n = strlen(value);
    char scope[CMD_SCOPE_MAX + 1] = "";
    int is_v6 = strchr(value, ':') != NULL;
    struct in_addr v4;
    const char *what = is_v6 ? cmd_hostname_read_ipv6(o->bind, scope, value, n)
                             : cmd_hostname_read(o->bind, value, n);
    if (what || (!is_v6 && inet_pton(AF_INET, value, &v4) != 1))
        return cmd_option_wrong(o, "--bind", "", " wants an address of this machine",
                                "`ip address` lists the addresses; a name is not taken");
    if (*scope)
        (void)snprintf(o->bind + strlen(o->bind), sizeof o->bind - strlen(o->bind), "%%%s", scope);
    o->bind_family = is_v6 ? CMD_IPV6 : CMD_IPV4;
    return 0;
}

static int set_socks(cmd_options *o, const char *value) {
    return cmd_option_socks(o, value)
               ? cmd_option_wrong(o, "--socks", "", " wants HOST:PORT, or [IPV6]:PORT",
                                  "127.0.0.1:9050 is where Tor usually waits")
               : 0;
}

static int set_sync(cmd_options *o, const char *value) {
    o->sync_each = strcmp(value, "each") == 0;
    return o->sync_each || strcmp(value, "group") == 0
               ? 0
               : cmd_option_wrong(o, "--sync", "", " wants each or group", CMD_SEE_HELP);
}

static int set_auth(cmd_options *o, const char *value) {
    const cmd_mechanism *m = cmd_mechanism_called(value);
    if (m) {
        o->auth = m->auth;
        return 0;
    }
    return cmd_option_wrong(
        o, "--auth", "", " wants the name of a login mechanism, or auto",
        "give user, apop, plain, login, cram-md5, scram-sha-1, scram-sha-256, one of "
        "these two with -plus, xoauth2 or oauthbearer; the file with the password is --auth-file");
}

/* The system shows a user name in a command line to others; so it would a password beside it. */
static int set_user(cmd_options *o, const char *value) {
    if (strchr(value, ':'))
        return cmd_option_wrong(
            o, "-u has a colon: others can see a password in a command line", "", "",
            "give the user name alone; a colon of its own is %3A in pop3s://USER@HOST");
    if (strlen(value) > CMD_USER_MAX || strpbrk(value, "\r\n"))
        return cmd_option_wrong(o, "-u is longer than 255 octets, or has a line end", "", "",
                                "give the user name alone");
    o->user = value;
    return 0;
}

static int set_netrc(cmd_options *o, const char *value) {
    o->netrc_file = value;
    return 0;
}

static int set_max_size(cmd_options *o, const char *value) {
    static const char units[] = "kKmMgG";
    uint64_t v = 0;
    const char *end = tool_number_read(value, UINT64_MAX, &v);
    const char *unit = end && *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10u * (unsigned)(1 + (unit - units) / 2) : 0;
    if (unit) end++;
    if (!end || *end || v == 0 || v > UINT64_MAX >> shift)
        return cmd_option_wrong(o, "--max-size", "", " wants bytes, like 500000, 500k, 20M or 1G",
                                CMD_SEE_HELP);
    o->max_size = v << shift;
    return 0;
}

static int set_lang(cmd_options *o, const char *value) {
    o->lang = value;
    return *value && strlen(value) < 100 && !strpbrk(value, " \r\n")
               ? 0
               : cmd_option_wrong(o, "--lang", "",
                                  " wants a language tag, such as de or pt-BR, or *", CMD_SEE_HELP);
}

static int set_limit(cmd_options *o, const char *value) {
    o->limit = (uint32_t)tool_number(value, UINT32_MAX);
    return o->limit
               ? 0
               : cmd_option_wrong(o, "--limit", "", " wants a number of messages, 1 to 4294967295",
                                  CMD_SEE_HELP);
}

static int set_msg(cmd_options *o, const char *value) {
    return cmd_select_numbers(&o->selection, value) == 0
               ? 0
               : cmd_option_wrong(o, "--msg", "",
                                  " wants numbers of messages and ranges, such as 1,3-5,8-",
                                  "give at most 64 of them, without spaces; --list shows the "
                                  "numbers");
}

static int set_uidl(cmd_options *o, const char *value) {
    return cmd_select_uid(&o->selection, value) == 0
               ? 0
               : cmd_option_wrong(o, "--uidl", "", " wants a UID, as --list shows it",
                                  "give the third word of a line of --list; at most 64 of them");
}

static int set_match(cmd_options *o, const char *value) {
    cmd_selection *s = &o->selection;
    if (s->matches_len == CMD_MATCHES_MAX)
        return cmd_option_wrong(o, "--match is given more than 16 times", "", "",
                                "give the conditions that decide");
    if (cmd_match_read(&s->matches[s->matches_len], value))
        return cmd_option_wrong(o, "--match", "", " wants the name of a field, a colon and a text",
                                "give it as one argument, such as --match 'From: alice@'");
    s->matches_len++;
    return 0;
}

static int set_since(cmd_options *o, const char *value) {
    o->selection.since_days = (uint32_t)tool_number(value, CMD_DAYS_MAX);
    return o->selection.since_days
               ? 0
               : cmd_option_wrong(o, "--since", "", " wants whole days, 1 to 36500", CMD_SEE_HELP);
}

static int set_top(cmd_options *o, const char *value) {
    uint64_t lines = 0;
    const char *end = tool_number_read(value, UINT16_MAX, &lines);
    o->action = CMD_TOP;
    o->top_lines = (uint16_t)lines;
    return end && !*end ? 0
                        : cmd_option_wrong(o, "--top", "", " wants a number of lines, 0 to 65535",
                                           CMD_SEE_HELP);
}

static int set_progress(cmd_options *o, const char *value) {
    static const char *const names[] = {[CMD_PROGRESS_AUTO] = "auto",
                                        [CMD_PROGRESS_BAR] = "bar",
                                        [CMD_PROGRESS_PLAIN] = "plain",
                                        [CMD_PROGRESS_NONE] = "none"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        o->progress = (uint8_t)i;
        if (strcmp(value, names[i]) == 0) return 0;
    }
    return cmd_option_wrong(o, "--progress", "", " wants auto, bar, plain or none", CMD_SEE_HELP);
}

static int set_trace(cmd_options *o, const char *value) {
    o->trace = 1;
    o->trace_file = value;
    return 0;
}

/* Takes one pin, or several separated by semicolons, as curl does. */
static int set_pin(cmd_options *o, const char *value) {
    for (const char *p = value;; p++) {
        size_t n = strcspn(p, ";");
        if (o->pins_len == CMD_PINS_MAX)
            return cmd_option_wrong(o, "--pin", "", " names more than 16 keys",
                                    "give only the keys that the server may have");
        if (tool_pin_read(p, n, o->pins[o->pins_len]))
            return cmd_option_wrong(
                o, "--pin", "", " wants sha256: and 64 hexadecimal digits, or sha256// and base64",
                "openssl pkey -pubin -outform DER -in KEY.pem | sha256sum makes the "
                "digits of a server's public key");
        o->pins_len++;
        p += n;
        if (!*p) return 0;
    }
}

static int set_tls_name(cmd_options *o, const char *value) {
    size_t n = strlen(value);
    const char *what = strchr(value, ':') ? cmd_hostname_read_ipv6(o->tls_name, NULL, value, n)
                                          : cmd_hostname_read(o->tls_name, value, n);
    return what ? cmd_option_wrong(
                      o, "--tls-name ", what, "",
                      "give the host name or the address that the certificate has, without a port")
                : 0;
}

static int option_set_now(cmd_options *o, const char *value) {
    if (pop_utc_read(value, &o->now_s) == 0 && o->now_s >= 0) return 0;
    return cmd_option_wrong(o, "--now", "", " wants a time like 2026-11-25T12:00:00Z, from 1970 on",
                            "leave it out if the clock is right");
}

static int set_iobuf(cmd_options *o, const char *value) {
    o->iobuf_len = (uint32_t)tool_number(value, CMD_IOBUF_MAX);
    return o->iobuf_len >= CMD_IOBUF_MIN
               ? 0
               : cmd_option_wrong(o, "--iobuf", "", " wants bytes, 541 to 65536",
                                  "16413 bytes are enough for every server");
}

static int set_mfln(cmd_options *o, const char *value) {
    uint64_t n = tool_number(value, 4096);
    o->ask_no_fragment = strcmp(value, "none") == 0;
    o->fragment = (uint16_t)n;
    if (o->ask_no_fragment || (n >= 512 && (n & (n - 1)) == 0)) return 0;
    return cmd_option_wrong(o, "--mfln", "", " wants 512, 1024, 2048, 4096 or none", CMD_SEE_HELP);
}

static int set_delete_after(cmd_options *o, const char *value) {
    o->delete_after = (uint16_t)tool_number(value, CMD_DAYS_MAX);
    return o->delete_after ? 0
                           : cmd_option_wrong(o, "--delete-after", "", " wants days, 1 to 36500",
                                              "give a number alone, such as 30; -d deletes "
                                              "messages as soon as they are stored");
}

static int set_keep_newest(cmd_options *o, const char *value) {
    o->keep_newest = (uint32_t)tool_number(value, UINT32_MAX);
    return o->keep_newest ? 0
                          : cmd_option_wrong(o, "--keep-newest", "",
                                             " wants a number of messages, 1 to 4294967295",
                                             "-d deletes every message that was stored");
}

static int set_forget(cmd_options *o, const char *value) {
    o->action = CMD_FORGET;
    o->forget = value;
    return 0;
}

/* ---- the table ---- */

#define FIELD(name) offsetof(cmd_options, name)
const cmd_option_row cmd_option_rows[CMD_OPTIONS] = {
    [OPT_AUTH_FILE] = {"auth-file", 'a', CMD_VALUE_TEXT, 0, FIELD(auth_file), NULL, " FILE",
                       "file with `username = NAME` and `password = SECRET`,\na line each; with -u "
                       "the first may be missing.\n- = standard input; see `How the login works`"},
    [OPT_USER] = {"user", 'u', CMD_VALUE_OWN, 0, 0, set_user, " USER",
                  "user name; without a password popcl asks for one"},
    [OPT_NETRC] =
        {"netrc", 0, CMD_VALUE_OWN_OR_NONE, 0, 0, set_netrc, "[=FILE]",
         "login from ~/.netrc, or from FILE:\nits entry `machine SERVER`; with -u that of USER"},
    [OPT_PASSWORD_COMMAND] =
        {"password-command", 0, CMD_VALUE_TEXT, 0, FIELD(password_command), NULL, " CMD",
         "run CMD in a shell; its first line is the password.\n-u gives the user "
         "name"},
    [OPT_TOKEN_COMMAND] = {"token-command", 0, CMD_VALUE_TEXT, 0, FIELD(token_command), NULL,
                           " CMD",
                           "run CMD in a shell; its first line is the token,\nfor XOAUTH2 or "
                           "OAUTHBEARER (OAuth 2.0). CMD runs again\nif the server refuses it"},
    [OPT_OUT] = {"output", 'o', CMD_VALUE_TEXT, 0, FIELD(out_dir), NULL, " DIR",
                 "store each message as a file in DIR;\nDIR is created if it is missing. - = "
                 "standard output;\nsee `Stores`"},
    [OPT_FORMAT] = {"format", 0, CMD_VALUE_OWN, 0, 0, set_store_format, " HOW",
                    "dir (default), maildir, mbox (then -o names a file),\nor raw (with -o - and "
                    "--limit 1)"},
    [OPT_PIPE] = {"pipe", 0, CMD_VALUE_TEXT, 0, FIELD(pipe_command), NULL, " CMD",
                  "instead of -o: run CMD in a shell for each message,\nwhich is its input; "
                  "exit code 0 = it is stored"},
    [OPT_EOL] = {"eol", 0, CMD_VALUE_OWN, 0, 0, set_eol, " HOW",
                 "line ends: lf or crlf. Default: crlf for -o - and for\nfiles in DIR, else lf"},
    [OPT_NEW] = {"new", 'n', CMD_NO_VALUE, 1, FIELD(only_new), NULL, "",
                 "only messages that were not fetched before;\nmaildir, mbox and --pipe imply it"},
    [OPT_ALL] = {"all", 0, CMD_NO_VALUE, 1, FIELD(all), NULL, "",
                 "all messages again, if -n is implied"},
    [OPT_DELETE] = {"delete", 'd', CMD_NO_VALUE, 1, FIELD(delete), NULL, "",
                    "delete stored messages from the server, and no others"},
    [OPT_PORT] = {"port", 'p', CMD_VALUE_OWN, 0, 0, set_port, " PORT",
                  "port; default 110, with -T 995"},
    [OPT_TLS] = {"tls", 'T', CMD_NO_VALUE, POPCL_TLS, FIELD(security), NULL, "",
                 "POP3S: TLS from the first byte"},
    [OPT_STLS] = {"stls", 'S', CMD_NO_VALUE, POPCL_STLS, FIELD(security), NULL, "",
                  "STLS: change to TLS before login, or stop"},
    [OPT_CERT_FILE] = {"cert-file", 'c', CMD_VALUE_OWN_MANY, 0, 0, set_cert_file, " FILE",
                       "trust the certificates in this file, and no others;\nPEM or DER; with -T "
                       "or -S. May be repeated, as -C"},
    [OPT_CERT_DIR] = {"cert-dir", 'C', CMD_VALUE_OWN_MANY, 0, 0, set_cert_dir, " DIR",
                      "trust the files of this directory, and no others;\nthey are PEM or DER, and "
                      "may have any names"},
    [OPT_TA_BLOB] = {"ta-blob", 0, CMD_VALUE_TEXT, 0, FIELD(ta_blob), NULL, " FILE",
                     "trust the signed set in FILE (popcl-ta gen --format\nblob), and nothing "
                     "else; with -T or -S"},
    [OPT_TA_KEY] = {"ta-key", 0, CMD_VALUE_TEXT, 0, FIELD(ta_key), NULL, " FILE",
                    "public keys (PEM) of those who may sign it, in the\norder of their numbers"},
    [OPT_TA_SCOPE] = {"ta-scope", 0, CMD_VALUE_TEXT, 0, FIELD(ta_scope), NULL, " LABEL",
                      "the product that it must be for"},
    [OPT_PIN] =
        {"pin", 0, CMD_VALUE_OWN_MANY, 0, 0, set_pin, " PIN",
         "the server must have this key: sha256:HEX or\nsha256//BASE64, the hash of its "
         "SubjectPublicKeyInfo.\nMay be repeated: one must match. See\n`Trusted authorities`"},
    [OPT_TLS_NAME] = {"tls-name", 0, CMD_VALUE_OWN, 0, 0, set_tls_name, " NAME",
                      "the certificate must be for NAME instead of SERVER"},
    [OPT_NOW] = {"now", 0, CMD_VALUE_OWN, 0, 0, option_set_now, " TIME",
                 "check certificates for the time TIME, such as\n2026-11-25T12:00:00Z, on machines "
                 "without a "
                 "clock;\ndefault: the clock"},
    [OPT_RESUME] = {"resume", 0, CMD_VALUE_TEXT, 0, FIELD(resume_file), NULL, " FILE",
                    "keep the TLS session in FILE, one for each account.\nThe next handshake "
                    "within 24 hours is short and "
                    "checks\nno certificate. FILE is as secret as the password"},
    [OPT_TOFU] =
        {"tofu", 0, CMD_VALUE_TEXT, 0, FIELD(tofu_file), NULL, " FILE",
         "trust on first use: FILE has the key of the server.\nOnly --info stores it there, "
         "and shows it"},
    [OPT_IPV4] = {"ipv4", '4', CMD_NO_VALUE, CMD_IPV4, FIELD(family), NULL, "", "use IPv4 only"},
    [OPT_IPV6] = {"ipv6", '6', CMD_NO_VALUE, CMD_IPV6, FIELD(family), NULL, "", "use IPv6 only"},
    [OPT_IDLE] = {"timeout", 0, CMD_VALUE_SECONDS, 0, FIELD(idle_ms), NULL, " S",
                  "give up after S seconds without progress; default 60"},
    [OPT_CONNECT] = {"connect-timeout", 0, CMD_VALUE_SECONDS, 0, FIELD(connect_ms), NULL, " S",
                     "give up connecting after S seconds; default 30"},
    [OPT_TOTAL] = {"max-time", 0, CMD_VALUE_SECONDS, 0, FIELD(total_ms), NULL, " S",
                   "end the whole run after S seconds; default: a day"},
    [OPT_AUTH] =
        {"auth", 0, CMD_VALUE_OWN, 0, 0, set_auth, " HOW",
         "auto, user (USER and PASS), apop, plain, login,\ncram-md5, scram-sha-1, scram-sha-256, "
         "one of these two\nwith -plus, xoauth2 or oauthbearer. auto uses a token\nif there is "
         "one. Else it uses user over TLS, if the\nserver has it. In clear text it prefers a "
         "mechanism\nthat hides the password"},
    [OPT_NO_CAPA] = {"no-capa", 0, CMD_NO_VALUE, 1, FIELD(no_capa), NULL, "",
                     "do not send CAPA, for servers that hang on it; with -S\nit is still sent "
                     "once inside TLS"},
    [OPT_UTF8] = {"utf8", 0, CMD_NO_VALUE, 1, FIELD(utf8), NULL, "",
                  "accept mail with UTF-8 in its headers, if the server\noffers UTF8 (RFC 6856)"},
    [OPT_LANG] = {"lang", 0, CMD_VALUE_OWN, 0, 0, set_lang, " TAG",
                  "language of the server's texts, such as de, if the\nserver offers LANG; * is "
                  "its default"},
    [OPT_LIMIT] = {"limit", 0, CMD_VALUE_OWN, 0, 0, set_limit, " N",
                   "fetch at most N messages in this run"},
    [OPT_MAX_SIZE] = {"max-size", 0, CMD_VALUE_OWN, 0, 0, set_max_size, " BYTES",
                      "leave larger messages on the server;\n500000, or with k, M, G for 1024, "
                      "1024^2, 1024^3 bytes"},
    [OPT_SYNC] = {"sync", 0, CMD_VALUE_OWN, 0, 0, set_sync, " HOW",
                  "group (default): up to 64 messages are made durable at\na time, and deleted "
                  "after that; each: one at a time"},
    [OPT_MSG] = {"msg", 0, CMD_VALUE_OWN, 0, 0, set_msg, " LIST",
                 "only messages with these numbers, such as 1,3-5,8-"},
    [OPT_UIDL] = {"uidl", 0, CMD_VALUE_OWN_MANY, 0, 0, set_uidl, " UID",
                  "only the message with this UID; may be repeated"},
    [OPT_MATCH] = {"match", 0, CMD_VALUE_OWN_MANY, 0, 0, set_match, " NAME:TEXT",
                   "only messages whose header field NAME has TEXT in it;\nmay be repeated: each "
                   "must hold. Octets are compared\nas they are, without case. TOP asks for "
                   "headers"},
    [OPT_SINCE] = {"since", 0, CMD_VALUE_OWN, 0, 0, set_since, " DAYS",
                   "only messages whose Date is at most DAYS old; those\nwithout a usable Date "
                   "too"},
    [OPT_LIST] = {"list", 0, CMD_NO_VALUE, CMD_LIST, FIELD(action), NULL, "",
                  "fetch nothing; print a line for each message:\n`number size uid` (with -n: for "
                  "each new one)"},
    [OPT_CHECK] = {"check", 0, CMD_NO_VALUE, CMD_CHECK, FIELD(action), NULL, "",
                   "exit 0 if there is a new message, 1 if not;\nfetch and print nothing"},
    [OPT_TOP] = {"top", 0, CMD_VALUE_OWN, 0, 0, set_top, " N",
                 "fetch nothing; print header and first N lines of each\nmessage"},
    [OPT_DRY_RUN] = {"dry-run", 0, CMD_NO_VALUE, CMD_DRY_RUN, FIELD(action), NULL, "",
                     "print what a run would fetch, delete and skip; change\nnothing"},
    [OPT_CATCH_UP] = {"catch-up", 0, CMD_NO_VALUE, CMD_CATCH_UP, FIELD(action), NULL, "",
                      "fetch nothing; from now on the present messages count\nas fetched with "
                      "-n, and none is deleted unfetched"},
    [OPT_INFO] =
        {"info", 0, CMD_NO_VALUE, CMD_INFO, FIELD(action), NULL, "",
         "show what the server offers, and its certificates;\nalso the anchor that vouches "
         "for them. No login: CAPA,\nSTLS and QUIT alone are sent. Port 995, then STLS on\n110"},
    [OPT_IOBUF] = {"iobuf", 0, CMD_VALUE_OWN, 0, 0, set_iobuf, " BYTES",
                   "use a record buffer of so many bytes, 541 to 65536,\nas on a small machine"},
    [OPT_MFLN] = {"mfln", 0, CMD_VALUE_OWN, 0, 0, set_mfln, " N",
                  "with -T or -S: ask for records of at most N bytes,\n512, 1024, 2048 or 4096. "
                  "none = do not "
                  "ask.\nDefault: as many as the record buffer allows"},
    [OPT_VERBOSE] = {"verbose", 'v', CMD_NO_VALUE, 1, FIELD(verbose), NULL, "", "report each step"},
    [OPT_QUIET] = {"quiet", 'q', CMD_COUNT, 2, FIELD(quiet), NULL, "",
                   "print nothing if nothing came; -qq: only failures.\nWarnings, notes and "
                   "progress are off"},
    [OPT_PROGRESS] = {"progress", 0, CMD_VALUE_OWN, 0, 0, set_progress, " HOW",
                      "auto (default): a bar on a terminal; bar; none; plain:\na line every 5 "
                      "seconds, for a log"},
    [OPT_JSON] =
        {"json", 0, CMD_NO_VALUE, 1, FIELD(json), NULL, "",
         "print a JSON object a line on standard output;\nthe count goes to standard error"},
    [OPT_TRACE] =
        {"trace", 0, CMD_VALUE_OWN_OR_NONE, 0, 0, set_trace, "[=FILE]",
         "show the dialogue with the server, secrets masked,\non standard error or in FILE"},
    [OPT_HELP] = {"help", 'h', CMD_VALUE_OWN_OR_NONE, 0, 0, set_help, "[=all]",
                  "this text; --help=all has every option"},
    [OPT_VERSION] = {"version", 'V', CMD_NO_VALUE, CMD_VERSION, FIELD(action), NULL, "",
                     "version, features and sizes"},
    [OPT_DELETE_AFTER] = {"delete-after", 0, CMD_VALUE_OWN, 0, 0, set_delete_after, " DAYS",
                          "delete messages that were stored DAYS ago or earlier"},
    [OPT_KEEP_NEWEST] = {"keep-newest", 0, CMD_VALUE_OWN, 0, 0, set_keep_newest, " N",
                         "delete stored messages, except the N with the highest\nnumbers. With "
                         "both, only what meets both conditions"},
    [OPT_STATE] = {"state", 0, CMD_VALUE_TEXT, 0, FIELD(state_file), NULL, " FILE",
                   "keep the record of fetched messages in FILE, one for\neach account"},
    [OPT_RECORD] = {"record", 0, CMD_NO_VALUE, CMD_SHOW_RECORD, FIELD(action), NULL, "",
                    "show the record, and do not connect; with -v a line\nfor each message"},
    [OPT_FORGET] = {"forget", 0, CMD_VALUE_OWN, 0, 0, set_forget, " UID",
                    "take UID, or all, out of the record; do not connect"},
    [OPT_COMPLETION] = {"completion", 0, CMD_VALUE_OWN, 0, 0, set_completion, " SHELL",
                        "print the completion of bash, zsh or fish"},
    [OPT_BIND] = {"bind", 0, CMD_VALUE_OWN, 0, 0, set_bind, " ADDR",
                  "connect from this address of the machine"},
    [OPT_SOCKS] = {"socks", 0, CMD_VALUE_OWN, 0, 0, set_socks, " HOST:PORT",
                   "connect through a SOCKS5 server, such as Tor, which\nlooks up the name too"},
    [OPT_CONFIG] = {"config", 0, CMD_VALUE_TEXT, 0, FIELD(config), NULL, " FILE",
                    "fetch for each account in FILE, or for each NAME;\nsee `Accounts in a file`"},
    [OPT_POLL] = {"poll", 0, CMD_VALUE_SECONDS, 0, FIELD(poll_ms), NULL, " S",
                  "run again every S seconds, until a signal; after\nfailures popcl waits longer, "
                  "up to an hour"},
};
#undef FIELD

/* ---- the rows as a whole ---- */

int cmd_option_takes_value(const cmd_option_row *row) {
    return row->kind != CMD_NO_VALUE && row->kind != CMD_COUNT;
}

int cmd_option_wants_value(const cmd_option_row *row) {
    return cmd_option_takes_value(row) && row->kind != CMD_VALUE_OWN_OR_NONE;
}

const cmd_option_row *cmd_option_named(const char *name, size_t n) {
    for (const cmd_option_row *row = cmd_option_rows; row < cmd_option_rows + CMD_OPTIONS; row++)
        if (strlen(row->name) == n && memcmp(row->name, name, n) == 0) return row;
    return NULL;
}

const char *cmd_option_nearest(const char *name, size_t n) {
    tool_nearest search = tool_nearest_begin(name, n);
    for (const cmd_option_row *row = cmd_option_rows; row < cmd_option_rows + CMD_OPTIONS; row++)
        tool_nearest_try(&search, row->name);
    return search.name;
}

const char *cmd_option_short_help(const cmd_option_row *row, char *out, size_t cap) {
    size_t len = 0, space = 0;
    for (const char *p = row->help; *p && *p != ';' && !(*p == '.' && strchr(" \n", p[1])); p++) {
        if (len + 1 == cap) {
            len = space; /* a whole word less */
            break;
        }
        if (*p == '\n' || *p == ' ') space = len;
        out[len++] = *p;
        if (*p == '\n') out[len - 1] = ' ';
    }
    out[len] = '\0';
    return out;
}
