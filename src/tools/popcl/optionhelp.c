/* SPDX-License-Identifier: MIT */
/* optionhelp - the text of --help, for daily use, and of --help=all. Both have an introduction and
 * a line or more for rows of the table, by groups. Notes follow in --help=all. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "optiontable.h"

const cmd_option_place cmd_option_places[CMD_OPTIONS] = {
    [OPT_AUTH_FILE] = {CMD_GROUP_LOGIN, 1},
    [OPT_USER] = {CMD_GROUP_LOGIN, 1},
    [OPT_NETRC] = {CMD_GROUP_LOGIN, 1},
    [OPT_PASSWORD_COMMAND] = {CMD_GROUP_LOGIN, 1},
    [OPT_TOKEN_COMMAND] = {CMD_GROUP_LOGIN, 1},
    [OPT_OUT] = {CMD_GROUP_OUTPUT, 1},
    [OPT_NEW] = {CMD_GROUP_SELECTION, 1},
    [OPT_DELETE] = {CMD_GROUP_SELECTION, 1},
    [OPT_PORT] = {CMD_GROUP_CONNECTION, 1},
    [OPT_TLS] = {CMD_GROUP_CONNECTION, 1},
    [OPT_STLS] = {CMD_GROUP_CONNECTION, 1},
    [OPT_CERT_FILE] = {CMD_GROUP_TRUST, 1},
    [OPT_CERT_DIR] = {CMD_GROUP_TRUST, 1},
    [OPT_TA_BLOB] = {CMD_GROUP_TRUST, 0},
    [OPT_TA_KEY] = {CMD_GROUP_TRUST, 0},
    [OPT_TA_SCOPE] = {CMD_GROUP_TRUST, 0},
    [OPT_PIN] = {CMD_GROUP_TRUST, 0},
    [OPT_TLS_NAME] = {CMD_GROUP_TRUST, 0},
    [OPT_NOW] = {CMD_GROUP_TRUST, 0},
    [OPT_RESUME] = {CMD_GROUP_TRUST, 0},
    [OPT_IPV4] = {CMD_GROUP_CONNECTION, 0},
    [OPT_IPV6] = {CMD_GROUP_CONNECTION, 0},
    [OPT_IDLE] = {CMD_GROUP_CONNECTION, 1},
    [OPT_CONNECT] = {CMD_GROUP_CONNECTION, 0},
    [OPT_TOTAL] = {CMD_GROUP_CONNECTION, 0},
    [OPT_AUTH] = {CMD_GROUP_LOGIN, 0},
    [OPT_NO_CAPA] = {CMD_GROUP_CONNECTION, 0},
    [OPT_UTF8] = {CMD_GROUP_CONNECTION, 0},
    [OPT_LANG] = {CMD_GROUP_CONNECTION, 0},
    [OPT_LIMIT] = {CMD_GROUP_SELECTION, 1},
    [OPT_MAX_SIZE] = {CMD_GROUP_SELECTION, 1},
    [OPT_SYNC] = {CMD_GROUP_OUTPUT, 0},
    [OPT_LIST] = {CMD_GROUP_SELECTION, 1},
    [OPT_CHECK] = {CMD_GROUP_SELECTION, 1},
    [OPT_IOBUF] = {CMD_GROUP_DEVICE, 0},
    [OPT_MFLN] = {CMD_GROUP_DEVICE, 0},
    [OPT_VERBOSE] = {CMD_GROUP_REPORTING, 1},
    [OPT_QUIET] = {CMD_GROUP_REPORTING, 1},
    [OPT_TRACE] = {CMD_GROUP_REPORTING, 1},
    [OPT_HELP] = {CMD_GROUP_REPORTING, 1},
    [OPT_VERSION] = {CMD_GROUP_REPORTING, 1},
    [OPT_COMPLETION] = {CMD_GROUP_REPORTING, 0},
    [OPT_BIND] = {CMD_GROUP_CONNECTION, 0},
    [OPT_SOCKS] = {CMD_GROUP_CONNECTION, 0},
    [OPT_CONFIG] = {CMD_GROUP_SEVERAL, 1},
    [OPT_POLL] = {CMD_GROUP_SEVERAL, 0},
    [OPT_DELETE_AFTER] = {CMD_GROUP_SELECTION, 1},
    [OPT_KEEP_NEWEST] = {CMD_GROUP_SELECTION, 0},
    [OPT_STATE] = {CMD_GROUP_RECORD, 0},
    [OPT_RECORD] = {CMD_GROUP_RECORD, 0},
    [OPT_FORGET] = {CMD_GROUP_RECORD, 0},
    [OPT_INFO] = {CMD_GROUP_SELECTION, 1},
    [OPT_MSG] = {CMD_GROUP_SELECTION, 1},
    [OPT_UIDL] = {CMD_GROUP_SELECTION, 0},
    [OPT_MATCH] = {CMD_GROUP_SELECTION, 0},
    [OPT_SINCE] = {CMD_GROUP_SELECTION, 0},
    [OPT_TOP] = {CMD_GROUP_SELECTION, 0},
    [OPT_DRY_RUN] = {CMD_GROUP_SELECTION, 0},
    [OPT_CATCH_UP] = {CMD_GROUP_SELECTION, 0},
    [OPT_PROGRESS] = {CMD_GROUP_REPORTING, 0},
    [OPT_JSON] = {CMD_GROUP_REPORTING, 1},
    [OPT_FORMAT] = {CMD_GROUP_OUTPUT, 1},
    [OPT_PIPE] = {CMD_GROUP_OUTPUT, 1},
    [OPT_EOL] = {CMD_GROUP_OUTPUT, 0},
    [OPT_ALL] = {CMD_GROUP_SELECTION, 0},
    [OPT_TOFU] = {CMD_GROUP_TRUST, 1},
};

static const char *const group_titles[CMD_GROUPS] = {
    [CMD_GROUP_MISSING] = "",
    [CMD_GROUP_LOGIN] = "Login",
    [CMD_GROUP_SELECTION] = "Messages",
    [CMD_GROUP_OUTPUT] = "Output",
    [CMD_GROUP_CONNECTION] = "Connection",
    [CMD_GROUP_TRUST] = "Trust",
    [CMD_GROUP_RECORD] = "Record of fetched messages",
    [CMD_GROUP_REPORTING] = "Reports",
    [CMD_GROUP_SEVERAL] = "Several accounts",
    [CMD_GROUP_DEVICE] = "Small machines",
};

static const char help_head[] =
    "popcl fetches mail over POP3 and stores each message as a file.\n"
    "\n"
    "  popcl SERVER [-p PORT] [-T | -S] [-c FILE] [-C DIR] [-d] [-n] -a FILE -o DIR\n"
    "  popcl SERVER [-T | -S] [OPTIONS] -u USER [--token-command CMD] -o DIR\n"
    "  popcl --config FILE [NAME...]\n";

static const char help_server[] =
    "\n"
    "SERVER is HOST, HOST:PORT, [IPV6]:PORT, an address, or a URL of RFC 2384:\n"
    "pop://USER;AUTH=MECHANISM@HOST:PORT. All except HOST may be missing, and %XX is\n"
    "an octet. pop3:// is the same, and pop3s:// means -T. Options come before or\n"
    "after SERVER; -- ends them.\n";

static const char help_more[] =
    "\n"
    "`popcl --help=all` shows every option, the rules of login and trust, and the\n"
    "exit codes. So does the manual: man popcl.\n"
    "  popcl pop3s://alice@mail.example.org -o mail\n";

static const char help_tail[] =
    "\n"
    "Standard output gets one line, the count: `3 messages downloaded.`, with -n\n"
    "`2 new messages downloaded.` Everything else goes to standard error.\n"
    "\n"
    "popcl records what it stored, in a file for each user, host and port; 995 counts\n"
    "as 110. The files are in $XDG_STATE_HOME/popcl, else ~/.local/state/popcl, else\n"
    ".popcl in the directory of -o. One run at a time uses such a file: another run\n"
    "waits up to --timeout. The record is the same for each place of the messages: in\n"
    "a new one -n stores nothing that an earlier run stored elsewhere.\n"
    "\n"
    "Stores\n"
    "With --format mbox, messages are appended to the file of -o as mboxrd, under the\n"
    "lock of fcntl and FILE.lock. CMD of --pipe starts once its message is whole, and\n"
    "has --timeout. If it fails, the message stays on the server for the next run,\n"
    "and popcl exits with 75. With -o - messages are an mbox, or with --limit 1 one\n"
    "message as it is. Nothing is deleted or recorded then, and the count is on\n"
    "standard error.\n"
    "\n";

static const char help_rest[] =
    "How the login works\n"
    "The password comes from one of -a, --netrc and --password-command. Without them\n"
    "popcl asks for it at the terminal, and does not show it. --token-command gives a\n"
    "token instead. No secret is ever an argument. In clear text -a works as it is.\n"
    "The other passwords then need --auth user, or one that hides the password, such\n"
    "as --auth scram-sha-256. A token is never sent in clear text.\n"
    "The file of -a or --netrc must be yours or root's, and nobody else may write\n"
    "it. -a also takes an open descriptor: - or /dev/stdin, and /dev/fd/N. If it is a\n"
    "pipe, there is no owner to check, and it must end within --timeout. An entry\n"
    "`default` of a .netrc is not used. CMD has --timeout too, no standard input, and\n"
    "must exit with 0.\n"
    "\n"
    "Trusted authorities\n"
    "Without -T or -S everything travels in clear text, the password too. With them\n"
    "nothing ever falls back to clear text. No password is sent before the server's\n"
    "certificate was checked: its chain, its name and its dates.\n"
    "popcl trusts the authorities of -c and -C. Without both, it trusts those that\n"
    "are compiled into it, which --version shows. Without any of these, it trusts\n"
    "those of SSL_CERT_FILE and SSL_CERT_DIR, and without both the system's.\n"
    "With --ta-blob it trusts the authorities and the pins of the signed set alone.\n"
    "-c and -C also take a server's own certificate. If it has no subjectAltName, it\n"
    "counts for the host in its common name.\n"
    "With --pin but neither -c nor -C the key alone decides. No authority and no name\n"
    "is needed, and only the certificate's dates are checked. With --pin and -c or -C\n"
    "both must hold. The pins of a set are as those of --pin.\n"
    "\n"
    "Accounts in a file\n"
    "--config names a file with a section for each account.\n"
    "  [work]\n"
    "  server = pop3s://alice@mail.example.org\n"
    "  password-command = pass show work\n"
    "  output = /home/alice/mail\n"
    "  new = yes\n"
    "A key is server or the long name of an option, and yes is the value of one that\n"
    "takes no value. A line that begins with # is a comment. A path is whole: there\n"
    "is no shell to replace ~. The file has no password. It must be yours or root's,\n"
    "and nobody else may write it. -v, -q, --json, --progress, --trace, --timeout,\n"
    "--connect-timeout and --max-time may be beside --config; a section with the same\n"
    "key has its own way. Each line of output begins with the account's name. One\n"
    "account that fails does not stop the others. The exit code is the worst of all.\n"
    "A signal is the worst; then come 79, 74, 73, 77, 78, 64, 66, 80, 76, 68, 69, 75,\n"
    "0 and 1.\n"
    "--poll ends with 77 after a refused login, so that no account gets locked. 64,\n"
    "66 and 78 end it too. With --config only that account is left out.\n"
    "\n"
    "Exit codes\n"
    "   0  done, also when there was nothing new       75  try again later; or some\n"
    "   1  --check found nothing new                       messages failed\n"
    "  64  usage                                       76  server broke the protocol\n"
    "  66  a file of an option cannot be read          77  login refused\n"
    "  68  server's name not found                     78  no password; a bad file\n"
    "  69  server or service unavailable               79  a certificate is refused\n"
    "  73  a file or directory cannot be created       80  TLS failed\n"
    "  74  disk or output failed                      129, 130, 143  signals\n"
    "\n"
    "Examples\n"
    "  popcl pop3s://alice@mail.example.org -o mail\n"
    "  printf 'username = alice\\npassword = secret\\n' > auth; chmod 600 auth\n"
    "  popcl mail.example.org -T -n -a auth -o mail\n"
    "  popcl mail.example.org -T -u alice --token-command 'oama access alice' -o mail\n";

/* Prints "  -p, --port PORT", filled up to the column of the text, and the text: without `all` its
 * first line. */
static void put_row(const cmd_option_row *row, int all, void (*put)(void *ctx, const char *text),
                    void *ctx) {
    enum { COLUMN = 26 };
    char left[48];
    char letter[4] = "  ";
    if (row->letter) (void)snprintf(letter, sizeof letter, "-%c", row->letter);
    (void)snprintf(left, sizeof left, "  %s%s--%s%s", letter, row->letter ? ", " : "  ", row->name,
                   row->shown);
    size_t n = strlen(left);
    while (n < COLUMN)
        left[n++] = ' ';
    left[n] = '\0';
    put(ctx, left);
    if (n > COLUMN) put(ctx, "\n                          ");
    for (const char *p = row->help; *p;) {
        char line[64];
        size_t len = strcspn(p, "\n");
        size_t shown = all || !p[len] ? len : len - 1; /* without its comma or full stop */
        (void)snprintf(line, sizeof line, "%.*s\n", (int)shown, p);
        put(ctx, line);
        p += len + (p[len] == '\n');
        if (!all) break;
        if (*p) put(ctx, "                          ");
    }
}

/* Prints the rows of a group with its title; without `all` only the daily ones. */
static void put_group(unsigned group, int all, void (*put)(void *ctx, const char *text),
                      void *ctx) {
    int begun = 0;
    for (unsigned id = 0; id < CMD_OPTIONS; id++) {
        const cmd_option_place *place = &cmd_option_places[id];
        if (place->group != group || (!all && !place->daily)) continue;
        if (!begun) {
            put(ctx, "\n");
            put(ctx, group_titles[group]);
            put(ctx, "\n");
        }
        begun = 1;
        put_row(&cmd_option_rows[id], all, put, ctx);
    }
}

void cmd_options_help(int all, void (*put)(void *ctx, const char *text), void *ctx) {
    put(ctx, help_head);
    if (all) put(ctx, help_server);
    for (unsigned group = CMD_GROUP_LOGIN; group < CMD_GROUPS; group++)
        put_group(group, all, put, ctx);
    put(ctx, all ? help_tail : help_more);
    if (all) put(ctx, help_rest);
}
