/* SPDX-License-Identifier: MIT */
/* optionhelp - the text of --help: an introduction, a line or more for each row of the table, and
 * notes. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "optiontable.h"

static const char help_head[] =
    "popcl fetches mail over POP3 and stores each message as a file.\n"
    "\n"
    "  popcl SERVER [-p PORT] [-T | -S] [-c FILE] [-C DIR] [-d] [-n] -a FILE -o DIR\n"
    "  popcl SERVER [-T | -S] [OPTIONS] -u USER [--token-command CMD] -o DIR\n"
    "\n"
    "SERVER is HOST, HOST:PORT, [IPV6]:PORT, an address, or a URL of RFC 2384:\n"
    "pop://USER;AUTH=MECHANISM@HOST:PORT. All except HOST may be missing, and %XX is\n"
    "an octet. pop3:// is the same, and pop3s:// means -T. Options come before or\n"
    "after SERVER; -- ends them.\n"
    "\n";

static const char help_tail[] =
    "\n"
    "Standard output gets one line, the count: `3 messages downloaded.`, with -n\n"
    "`2 new messages downloaded.` Everything else goes to standard error.\n"
    "\n"
    "-n keeps a file for each user, host and port; 995 counts as 110. The files are\n"
    "in $XDG_STATE_HOME/popcl, else ~/.local/state/popcl, else .popcl in the\n"
    "directory of -o. One run at a time uses such a file: another run waits up to\n"
    "--timeout.\n"
    "\n"
    "Stores\n"
    "With --format mbox, messages are appended to the file of -o as mboxrd, under the\n"
    "lock of fcntl and FILE.lock. CMD of --pipe starts once its message is whole, and\n"
    "has --timeout. If it fails, the message stays on the server for the next run,\n"
    "and popcl exits with 75. With -o - messages are an mbox, or with --limit 1 one\n"
    "message as it is. Nothing is deleted or recorded then, and the count is on\n"
    "standard error.\n"
    "\n"
    "Login\n"
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
    "Trust\n"
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

/* Prints "  -p PORT" or "      --limit N", filled up to the column of the text. */
static void put_row(const cmd_option_row *row, void (*put)(void *ctx, const char *text),
                    void *ctx) {
    enum { COLUMN = 26 };
    char left[48];
    char letter[4] = "  ";
    if (row->letter) (void)snprintf(letter, sizeof letter, "-%c", row->letter);
    (void)snprintf(left, sizeof left, "  %s%s%s%s%s", letter,
                   row->name ? (row->letter ? ", " : "  ") : "", row->name ? "--" : "",
                   row->name ? row->name : "", row->shown);
    size_t n = strlen(left);
    while (n < COLUMN)
        left[n++] = ' ';
    left[n] = '\0';
    put(ctx, left);
    if (n > COLUMN) put(ctx, "\n                          ");
    for (const char *p = row->help; *p;) {
        char line[64];
        size_t len = strcspn(p, "\n");
        (void)snprintf(line, sizeof line, "%.*s\n", (int)len, p);
        put(ctx, line);
        p += len + (p[len] == '\n');
        if (*p) put(ctx, "                          ");
    }
}

void cmd_options_help(void (*put)(void *ctx, const char *text), void *ctx) {
    put(ctx, help_head);
    for (const cmd_option_row *row = cmd_option_rows; row < cmd_option_rows + CMD_OPTIONS; row++)
        put_row(row, put, ctx);
    put(ctx, help_tail);
}
