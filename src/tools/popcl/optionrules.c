/* SPDX-License-Identifier: MIT */
/* optionrules - see optionrules.h. One table lists options that exclude each other, and one those
 * without a meaning in clear text. */
#define _POSIX_C_SOURCE 200809L
#include "optionrules.h"

#include <string.h>

#include "mechanism.h"
#include "optionserver.h"
#include "optiontable.h"

#define RECORD_ROOM (POPCL_IOBUF_SIZE(512) - 512u) /* bytes of a record buffer beside the text */

/* Options that exclude each other. */
static const struct {
    cmd_option_id a, b;
    const char *names;
} exclusive[] = {
    {OPT_TLS, OPT_STLS, "-T and -S"},
    {OPT_AUTH_FILE, OPT_NETRC, "-a and --netrc"},
    {OPT_AUTH_FILE, OPT_PASSWORD_COMMAND, "-a and --password-command"},
    {OPT_NETRC, OPT_PASSWORD_COMMAND, "--netrc and --password-command"},
    {OPT_AUTH_FILE, OPT_TOKEN_COMMAND, "-a and --token-command"},
    {OPT_NETRC, OPT_TOKEN_COMMAND, "--netrc and --token-command"},
    {OPT_PASSWORD_COMMAND, OPT_TOKEN_COMMAND, "--password-command and --token-command"},
    {OPT_OUT, OPT_PIPE, "-o and --pipe"},
    {OPT_FORMAT, OPT_PIPE, "--format and --pipe"},
    {OPT_NEW, OPT_ALL, "-n and --all"},
    {OPT_IPV4, OPT_IPV6, "-4 and -6"},
    {OPT_VERBOSE, OPT_QUIET, "-v and -q"},
    {OPT_LIST, OPT_CHECK, "--list and --check"},
    {OPT_LIST, OPT_DELETE, "--list and -d"},
    {OPT_CHECK, OPT_DELETE, "--check and -d"},
    {OPT_TOP, OPT_DELETE, "--top and -d"},
    {OPT_TOP, OPT_LIST, "--top and --list"},
    {OPT_TOP, OPT_CHECK, "--top and --check"},
    {OPT_TOP, OPT_DRY_RUN, "--top and --dry-run"},
    {OPT_DRY_RUN, OPT_LIST, "--dry-run and --list"},
    {OPT_DRY_RUN, OPT_CHECK, "--dry-run and --check"},
    /* a header is printed as it passes, before it is judged */
    {OPT_TOP, OPT_MATCH, "--top and --match"},
    {OPT_TOP, OPT_SINCE, "--top and --since"},
    {OPT_TOP, OPT_JSON, "--top and --json"},
    /* --check ends with the first new message of the listing */
    {OPT_CHECK, OPT_MATCH, "--check and --match"},
    {OPT_CHECK, OPT_SINCE, "--check and --since"},
    {OPT_TA_BLOB, OPT_CERT_FILE, "--ta-blob and -c"},
    {OPT_DELETE, OPT_DELETE_AFTER, "-d and --delete-after"},
    {OPT_DELETE, OPT_KEEP_NEWEST, "-d and --keep-newest"},
    {OPT_RECORD, OPT_FORGET, "--record and --forget"},
    {OPT_RECORD, OPT_LIST, "--record and --list"},
    {OPT_RECORD, OPT_CHECK, "--record and --check"},
    {OPT_FORGET, OPT_LIST, "--forget and --list"},
    {OPT_FORGET, OPT_CHECK, "--forget and --check"},
    {OPT_RECORD, OPT_TOP, "--record and --top"},
    {OPT_RECORD, OPT_DRY_RUN, "--record and --dry-run"},
    {OPT_RECORD, OPT_JSON, "--record and --json"},
    {OPT_FORGET, OPT_TOP, "--forget and --top"},
    {OPT_FORGET, OPT_DRY_RUN, "--forget and --dry-run"},
    {OPT_FORGET, OPT_JSON, "--forget and --json"},
    {OPT_TA_BLOB, OPT_CERT_DIR, "--ta-blob and -C"},
    {OPT_INFO, OPT_LIST, "--info and --list"},
    {OPT_INFO, OPT_CHECK, "--info and --check"},
    {OPT_INFO, OPT_DELETE, "--info and -d"},
    {OPT_INFO, OPT_RESUME, "--info and --resume"},
    {OPT_INFO, OPT_RECORD, "--info and --record"},
    {OPT_INFO, OPT_FORGET, "--info and --forget"},
    {OPT_INFO, OPT_TOP, "--info and --top"},
    {OPT_INFO, OPT_DRY_RUN, "--info and --dry-run"},
    {OPT_INFO, OPT_JSON, "--info and --json"},
    {OPT_CATCH_UP, OPT_LIST, "--catch-up and --list"},
    {OPT_CATCH_UP, OPT_CHECK, "--catch-up and --check"},
    {OPT_CATCH_UP, OPT_TOP, "--catch-up and --top"},
    {OPT_CATCH_UP, OPT_DRY_RUN, "--catch-up and --dry-run"},
    {OPT_CATCH_UP, OPT_DELETE, "--catch-up and -d"},
    {OPT_CATCH_UP, OPT_ALL, "--catch-up and --all"},
    {OPT_CATCH_UP, OPT_MATCH, "--catch-up and --match"},
    {OPT_CATCH_UP, OPT_SINCE, "--catch-up and --since"},
    {OPT_CATCH_UP, OPT_LIMIT, "--catch-up and --limit"},
    {OPT_CATCH_UP, OPT_MAX_SIZE, "--catch-up and --max-size"},
    {OPT_CATCH_UP, OPT_JSON, "--catch-up and --json"},
    {OPT_CATCH_UP, OPT_RECORD, "--catch-up and --record"},
    {OPT_CATCH_UP, OPT_FORGET, "--catch-up and --forget"},
    {OPT_CATCH_UP, OPT_INFO, "--catch-up and --info"},
    {OPT_CATCH_UP, OPT_POLL, "--catch-up and --poll"},
    {OPT_TOFU, OPT_PIN, "--tofu and --pin"},
    {OPT_TOFU, OPT_CERT_FILE, "--tofu and -c"},
    {OPT_TOFU, OPT_CERT_DIR, "--tofu and -C"},
    {OPT_TOFU, OPT_TA_BLOB, "--tofu and --ta-blob"},
    {OPT_POLL, OPT_CHECK, "--poll and --check"},
    {OPT_POLL, OPT_INFO, "--poll and --info"},
    {OPT_POLL, OPT_RECORD, "--poll and --record"},
    {OPT_POLL, OPT_FORGET, "--poll and --forget"},
};

/* Options without a meaning in clear text. */
static const cmd_option_id for_tls[] = {OPT_TA_BLOB,  OPT_TA_KEY, OPT_TA_SCOPE, OPT_CERT_FILE,
                                        OPT_CERT_DIR, OPT_PIN,    OPT_TLS_NAME, OPT_NOW,
                                        OPT_RESUME,   OPT_MFLN,   OPT_TOFU};

/* A port of the other kind works only if somebody swapped the two. Otherwise the server waits for
 * TLS and popcl for a greeting, or the reverse. */
static void doubt_port(cmd_options *o) {
    static const struct {
        uint16_t port;
        uint8_t security;
        const char *doubt;
    } rows[] = {
        {995, POPCL_CLEAR,
         "port 995 is for POP3S: without -T the server waits for TLS, and no "
         "greeting comes"},
        {995, POPCL_STLS, "port 995 is for POP3S (-T): STLS begins in clear, on port 110"},
        {110, POPCL_TLS, "port 110 begins in clear: -T is for port 995, and -S for port 110"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (o->port == rows[i].port && o->security == rows[i].security) o->doubt = rows[i].doubt;
}

/* Decides where the secret comes from. */
static cmd_source source_of(const cmd_options *o) {
    if (cmd_option_has(o, OPT_AUTH_FILE)) return CMD_SOURCE_FILE;
    if (cmd_option_has(o, OPT_NETRC)) return CMD_SOURCE_NETRC;
    if (cmd_option_has(o, OPT_PASSWORD_COMMAND)) return CMD_SOURCE_COMMAND;
    return cmd_option_has(o, OPT_TOKEN_COMMAND) ? CMD_SOURCE_TOKEN : CMD_SOURCE_PROMPT;
}

/* The secret and the mechanism must be of one kind. Only the file of -a is for this program alone:
 * other passwords go to a server in clear text only by request, and tokens never. */
static int check_login(cmd_options *o) {
    static const char *const names[] = {[CMD_SOURCE_NETRC] = "--netrc",
                                        [CMD_SOURCE_COMMAND] = "--password-command",
                                        [CMD_SOURCE_TOKEN] = "--token-command",
                                        [CMD_SOURCE_PROMPT] = "a password of the terminal"};
    const cmd_mechanism *m = cmd_mechanism_of(o->auth);
    cmd_source source = source_of(o);
    int is_token = source == CMD_SOURCE_TOKEN;
    o->source = (uint8_t)source;
    if (!o->user && source == CMD_SOURCE_PROMPT)
        return cmd_option_wrong(
            o, "the login is missing: -a, or -u", "", "",
            "give -a FILE with the lines `username = NAME` and `password = SECRET`, or "
            "-u USER to be asked for the password; with -u, --token-command gives a "
            "token");
    if (!o->user && (is_token || source == CMD_SOURCE_COMMAND))
        return cmd_option_wrong(o, "", names[source], " is given without a user name",
                                "give -u USER too, or the server as pop3s://USER@HOST");
    if (m->is_token && !is_token)
        return cmd_option_wrong(o, "this mechanism wants a token, and --token-command is not given",
                                "", "", "give --token-command, with a program that prints a token");
    if (is_token && o->auth != POPCL_AUTH_AUTO && !m->is_token)
        return cmd_option_wrong(o, "this mechanism wants a password, and --token-command is given",
                                "", "", "leave --auth out, or give --auth xoauth2 or oauthbearer");
    if (o->security != POPCL_CLEAR || source == CMD_SOURCE_FILE ||
        (!is_token && (o->auth == POPCL_AUTH_USER || m->is_digest)))
        return 0;
    return cmd_option_wrong(
        o, "", names[source], " is for TLS, and neither -T nor -S is given",
        is_token ? "add -T (POP3S) or -S (STLS): a token never goes in clear text"
                 : "add -T (POP3S) or -S (STLS); --auth scram-sha-256 or apop hides the "
                   "password in clear text, and --auth user sends it for all to read");
}

/* The record of an account, and what is deleted by it. */
static int check_record(cmd_options *o) {
    int is_local = o->action == CMD_SHOW_RECORD || o->action == CMD_FORGET;
    int stores = o->action == CMD_FETCH && o->store != CMD_STORE_STREAM;
    o->records = stores || o->action == CMD_FORGET || o->action == CMD_CATCH_UP;
    if ((o->delete_after || o->keep_newest) && !stores && o->action != CMD_DRY_RUN)
        return cmd_option_wrong(o, o->delete_after ? "--delete-after" : "--keep-newest", "",
                                " is given to a run that stores nothing",
                                "it is for a run that fetches: leave it out here");
    if (is_local && !o->user && source_of(o) != CMD_SOURCE_FILE)
        return cmd_option_wrong(o, "the user is missing: -u, or -a", "", "",
                                "a record is that of a user and a server: give -u USER, or -a "
                                "FILE with a user name");
    if (is_local) o->source = CMD_SOURCE_FILE;
    return is_local || o->action == CMD_INFO ? 0 : check_login(o);
}

/* --info is about TLS. Without -T and -S it tries both, on their ports. On a port of its own it
 * tries POP3S first: a server that waits for TLS would never send a greeting. */
static void choose_security(cmd_options *o) {
    if (o->action != CMD_INFO || o->security != POPCL_CLEAR) return;
    o->security = o->port == 110 ? POPCL_STLS : POPCL_TLS;
    if (o->security == POPCL_TLS && o->port != 995) o->stls_port = o->port ? o->port : 110;
}

/* Standard output is no store: nobody knows what its reader does with the messages. */
static int check_stream(cmd_options *o) {
    if (cmd_option_has(o, OPT_DELETE))
        return cmd_option_wrong(o, "-d and -o - exclude each other", "", "",
                                "messages on standard output are stored nowhere: give -o DIR, or "
                                "leave -d out");
    if (cmd_option_has(o, OPT_JSON))
        return cmd_option_wrong(o, "--json and -o - exclude each other", "", "",
                                "both are for standard output: give -o DIR, or leave --json out");
    if (cmd_option_has(o, OPT_FORMAT) && !o->raw && o->store != CMD_STORE_MBOX)
        return cmd_option_wrong(o, "dir and maildir are for a directory, not for -o -", "", "",
                                "give -o DIR, or --format mbox or raw");
    if (o->raw && o->limit != 1)
        return cmd_option_wrong(o, "--format raw is for one message", "", "",
                                "add --limit 1, or give --format mbox");
    if (!cmd_option_has(o, OPT_FORMAT)) o->raw = o->limit == 1;
    o->store = CMD_STORE_STREAM;
    return 0;
}

/* Returns whether there is nothing but space and comments. A shell does nothing then, and reports
 * success: with -d all mail would be gone. */
static int is_no_command(const char *p) {
    for (p += strspn(p, " \t\r\n;"); *p == '#'; p += strspn(p, " \t\r\n;"))
        p += strcspn(p, "\n");
    return *p == '\0';
}

/* The place of the messages. A cron line that delivers must not deliver the whole maildrop each
 * time: so those imply -n. */
static int check_store(cmd_options *o) {
    int is_stream = o->out_dir && strcmp(o->out_dir, "-") == 0;
    if (is_stream ? check_stream(o) : 0) return -1;
    if (!is_stream && o->raw)
        return cmd_option_wrong(o, "--format raw is for standard output", "", "",
                                "give -o - and --limit 1, or leave --format out");
    if (o->pipe_command && is_no_command(o->pipe_command))
        return cmd_option_wrong(o, "--pipe wants a command", "", "",
                                "give a program that stores its standard input, and exits with 0");
    if (o->pipe_command) o->store = CMD_STORE_PIPE;
    if (!cmd_option_has(o, OPT_EOL)) o->crlf = o->store == CMD_STORE_DIR || is_stream;
    int asks = o->action == CMD_FETCH || o->action == CMD_DRY_RUN;
    if (asks && !o->all && o->store != CMD_STORE_DIR && !is_stream) o->only_new = 1;
    if (o->action == CMD_CATCH_UP) o->only_new = 1;
    if (o->action != CMD_FETCH || o->out_dir || o->pipe_command) return 0;
    return cmd_option_wrong(o, "-o is missing", "", "",
                            "give the directory for the messages; or --pipe CMD");
}

/* A file that a run writes must be no other one. It may be missing as yet, so names are compared
 * here. inputs.c compares the files. */
static int check_files(cmd_options *o) {
    const struct {
        const char *a, *b, *names;
    } pairs[] = {
        {o->state_file, o->resume_file, "--state and --resume"},
        {o->state_file, o->tofu_file, "--state and --tofu"},
        {o->trace_file, o->tofu_file, "--trace and --tofu"},
        {o->trace_file, o->resume_file, "--trace and --resume"},
        {o->out_dir, o->state_file, "-o and --state"},
        {o->out_dir, o->resume_file, "-o and --resume"},
        {o->out_dir, o->tofu_file, "-o and --tofu"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].a && pairs[i].b && strcmp(pairs[i].a, pairs[i].b) == 0)
            return cmd_option_wrong(o, "", pairs[i].names, " name the same file",
                                    "give each a file of its own");
    return 0;
}

/* Options that are for every account of --config. Its file has the others. */
static const cmd_option_id for_all[] = {OPT_CONFIG,  OPT_POLL,  OPT_VERBOSE,  OPT_QUIET,
                                        OPT_JSON,    OPT_TRACE, OPT_PROGRESS, OPT_IDLE,
                                        OPT_CONNECT, OPT_TOTAL};

static int is_for_all(cmd_option_id id) {
    for (size_t i = 0; i < sizeof for_all / sizeof *for_all; i++)
        if (for_all[i] == id) return 1;
    return 0;
}

int cmd_option_goes_to_account(const cmd_options *o, cmd_option_id id) {
    return cmd_option_has(o, id) && is_for_all(id) && id != OPT_CONFIG;
}

static int check_config(cmd_options *o) {
    char name[32];
    for (unsigned id = 0; id < CMD_OPTIONS; id++) {
        if (cmd_option_has(o, (cmd_option_id)id) && !is_for_all((cmd_option_id)id))
            return cmd_option_wrong(
                o, "", cmd_option_called(&cmd_option_rows[id], name), " is given beside --config",
                "put it into the file, in the section of its account: `long-name = value`");
    }
    return 0;
}

/* A run wipes the secret at its end: the next one needs a source that still has it. */
static int check_poll(cmd_options *o) {
    const char *file = o->auth_file ? o->auth_file : "";
    int is_open = strcmp(file, "-") == 0 || strncmp(file, "/dev/", 5) == 0;
    if (!o->poll_ms || (o->source != CMD_SOURCE_PROMPT && !is_open)) return 0;
    return cmd_option_wrong(
        o, is_open ? "-a names a pipe or a terminal" : "a person would be asked for the password",
        "", ", and --poll needs it again for each run",
        "give -a with an ordinary file, --netrc or --password-command");
}

/* Rules between options, once all are read. */
int cmd_option_rules(cmd_options *o) {
    char name[32];
    const char *server = o->names[0];
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++) {
        if (cmd_option_has(o, exclusive[i].a) && cmd_option_has(o, exclusive[i].b))
            return cmd_option_wrong(o, "", exclusive[i].names, " exclude each other",
                                    "give one of them");
    }
    if (o->config) return check_config(o);
    if (o->names_len > 1)
        return cmd_option_wrong(o, "more than one server is given", "", "",
                                "give one; a port is HOST:PORT or -p PORT. The value of an option "
                                "comes right after it, and that of --netrc or --trace after a =");
    if (!server)
        return cmd_option_wrong(o, "the server is missing", "", "",
                                "popcl SERVER -a FILE -o DIR; " CMD_SEE_HELP);
    if (cmd_option_server(o, server)) return -1;
    choose_security(o);
    for (size_t i = 0; o->security == POPCL_CLEAR && i < sizeof for_tls / sizeof *for_tls; i++) {
        if (cmd_option_has(o, for_tls[i]))
            return cmd_option_wrong(o, "", cmd_option_called(&cmd_option_rows[for_tls[i]], name),
                                    " is given without -T or -S",
                                    "it is for TLS: add -T (POP3S) or -S (STLS)");
    }
    if (cmd_option_has(o, OPT_TA_BLOB) != cmd_option_has(o, OPT_TA_KEY) ||
        cmd_option_has(o, OPT_TA_BLOB) != cmd_option_has(o, OPT_TA_SCOPE))
        return cmd_option_wrong(
            o, "--ta-blob, --ta-key and --ta-scope belong together", "", "",
            "a signed set is believed only with the keys of its signers, and for one "
            "product: give all three");
    if (o->iobuf_len && o->fragment && o->iobuf_len < o->fragment + RECORD_ROOM)
        return cmd_option_wrong(o, "records of --mfln do not fit into the buffer of --iobuf", "",
                                "", "--iobuf wants 29 bytes more than --mfln");
    if (check_store(o) || check_record(o) || check_poll(o) || check_files(o)) return -1;
    if (o->family && o->bind_family && o->family != o->bind_family)
        return cmd_option_wrong(o, "the address of --bind is not of the family of -4 or -6", "", "",
                                "leave one of them out");
    if (!o->port) o->port = o->security == POPCL_TLS ? 995 : 110;
    doubt_port(o);
    return 0;
}
