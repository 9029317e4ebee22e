/* SPDX-License-Identifier: MIT */
/* options - see options.h. One table has every option: its letters, its value, its help text and
 * the function that takes the value. A second one lists options that exclude each other. The server
 * is parsed here too. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "number.h"
#include "utc.h"

#define SEE_HELP "popcl --help shows the options"
#define S_MAX    (POPCL_MS_MAX / 1000u)

#define RECORD_ROOM (POPCL_IOBUF_SIZE(512) - 512u) /* bytes of a record buffer beside the text */

/* Notes the fault; the first one stays. */
static int wrong(cmd_options *o, const char *before, const char *name, const char *after,
                 const char *advice) {
    if (o->error[0]) return -1;
    (void)snprintf(o->error, sizeof o->error, "%s%s%s", before, name, after);
    o->advice = advice;
    return -1;
}

/* ---- values ---- */

static int set_port(cmd_options *o, const char *value) {
    o->port = (uint16_t)tool_number(value, UINT16_MAX);
    return o->port ? 0 : wrong(o, "-p", "", " wants a port number, 1 to 65535", SEE_HELP);
}

static int set_out_dir(cmd_options *o, const char *value) {
    if (strcmp(value, "-") == 0)
        return wrong(o, "-o wants a directory", "", "",
                     "give a directory: each message becomes a file in it");
    o->out_dir = value;
    return 0;
}

static int set_sync(cmd_options *o, const char *value) {
    o->sync_each = strcmp(value, "each") == 0;
    return o->sync_each || strcmp(value, "group") == 0
               ? 0
               : wrong(o, "--sync", "", " wants each or group", SEE_HELP);
}

/* The first row is the one for every other number. */
static const cmd_mechanism mechanisms[] = {
    {.value = "auto", .name = "", .auth = POPCL_AUTH_AUTO, .url = "*"},
    {.value = "user", .name = "USER/PASS", .auth = POPCL_AUTH_USER, .url = ""},
    {.value = "apop",
     .name = "APOP",
     .auth = POPCL_AUTH_APOP,
     .url = "+APOP",
     .is_digest = 1,
     .is_missing = !POPCL_WITH_APOP},
    {.value = "plain", .name = "PLAIN", .auth = POPCL_AUTH_PLAIN},
    {.value = "login", .name = "LOGIN", .auth = POPCL_AUTH_LOGIN},
    {.value = "cram-md5", .name = "CRAM-MD5", .auth = POPCL_AUTH_CRAM_MD5, .is_digest = 1},
    {.value = "scram-sha-1", .name = "SCRAM-SHA-1", .auth = POPCL_AUTH_SCRAM_SHA_1, .is_digest = 1},
    {.value = "scram-sha-256",
     .name = "SCRAM-SHA-256",
     .auth = POPCL_AUTH_SCRAM_SHA_256,
     .is_digest = 1},
    {.value = "scram-sha-1-plus",
     .name = "SCRAM-SHA-1-PLUS",
     .auth = POPCL_AUTH_SCRAM_SHA_1_PLUS,
     .is_digest = 1},
    {.value = "scram-sha-256-plus",
     .name = "SCRAM-SHA-256-PLUS",
     .auth = POPCL_AUTH_SCRAM_SHA_256_PLUS,
     .is_digest = 1},
    {.value = "xoauth2", .name = "XOAUTH2", .auth = POPCL_AUTH_XOAUTH2, .is_token = 1},
    {.value = "oauthbearer", .name = "OAUTHBEARER", .auth = POPCL_AUTH_OAUTHBEARER, .is_token = 1},
};
#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

const cmd_mechanism *cmd_mechanism_of(unsigned auth) {
    for (size_t i = 0; i < MECHANISMS; i++)
        if (mechanisms[i].auth == auth) return &mechanisms[i];
    return mechanisms;
}

const char *cmd_mechanism_names(char *buf, size_t cap) {
    size_t len = 0;
    buf[0] = '\0';
    for (size_t i = 1; i < MECHANISMS && len < cap; i++)
        if (!mechanisms[i].is_missing)
            len +=
                (size_t)snprintf(buf + len, cap - len, "%s%s", len ? ", " : "", mechanisms[i].name);
    return buf;
}

static int set_auth(cmd_options *o, const char *value) {
    for (size_t i = 0; i < MECHANISMS; i++) {
        if (strcasecmp(value, mechanisms[i].value) != 0) continue;
        o->auth = mechanisms[i].auth;
        return 0;
    }
    return wrong(o, "--auth", "", " wants the name of a login mechanism, or auto",
                 "give user, apop, plain, login, cram-md5, scram-sha-1, scram-sha-256, one of "
                 "these two with -plus, xoauth2 or oauthbearer");
}

/* ;AUTH= of a URL (RFC 2384, 3). */
static int set_url_mechanism(cmd_options *o, const char *value) {
    for (size_t i = 0; i < MECHANISMS; i++) {
        if (strcasecmp(value, mechanisms[i].url ? mechanisms[i].url : mechanisms[i].value) != 0)
            continue;
        o->auth = mechanisms[i].auth;
        return 0;
    }
    return wrong(o, "the URL names a mechanism that popcl does not have", "", "",
                 ";AUTH=* lets popcl choose, ;AUTH=+APOP is APOP, and ;AUTH=PLAIN is SASL PLAIN; "
                 "the others have the names of --auth");
}

/* The system shows a user name in a command line to others; so it would a password beside it. */
static int set_user(cmd_options *o, const char *value) {
    if (strchr(value, ':'))
        return wrong(o, "-u has a colon: others can see a password in a command line", "", "",
                     "give the user name alone; a colon of its own is %3A in pop3s://USER@HOST");
    if (strlen(value) > CMD_USER_MAX || strpbrk(value, "\r\n"))
        return wrong(o, "-u is longer than 255 octets, or has a line end", "", "",
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
        return wrong(o, "--max-size", "", " wants bytes, like 500000, 500k, 20M or 1G", SEE_HELP);
    o->max_size = v << shift;
    return 0;
}

static int set_lang(cmd_options *o, const char *value) {
    o->lang = value;
    return *value && strlen(value) < 100 && !strpbrk(value, " \r\n")
               ? 0
               : wrong(o, "--lang", "", " wants a language tag, such as de or pt-BR, or *",
                       SEE_HELP);
}

static int set_limit(cmd_options *o, const char *value) {
    o->limit = (uint32_t)tool_number(value, UINT32_MAX);
    return o->limit
               ? 0
               : wrong(o, "--limit", "", " wants a number of messages, 1 to 4294967295", SEE_HELP);
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
            return wrong(o, "--pin", "", " names more than 16 keys",
                         "give only the keys that the server may have");
        if (tool_pin_read(p, n, o->pins[o->pins_len]))
            return wrong(o, "--pin", "",
                         " wants sha256: and 64 hexadecimal digits, or sha256// and base64",
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
    return what
               ? wrong(o, "--tls-name ", what, "",
                       "give the host name or the address that the certificate has, without a port")
               : 0;
}

static int option_set_now(cmd_options *o, const char *value) {
    if (pop_utc_read(value, &o->now_s) == 0 && o->now_s >= 0) return 0;
    return wrong(o, "--now", "", " wants a time like 2026-11-25T12:00:00Z, from 1970 on",
                 "leave it out if the clock is right");
}

static int set_iobuf(cmd_options *o, const char *value) {
    o->iobuf_len = (uint32_t)tool_number(value, CMD_IOBUF_MAX);
    return o->iobuf_len >= CMD_IOBUF_MIN ? 0
                                         : wrong(o, "--iobuf", "", " wants bytes, 541 to 65536",
                                                 "16413 bytes are enough for every server");
}

static int set_mfln(cmd_options *o, const char *value) {
    uint64_t n = tool_number(value, 4096);
    o->ask_no_fragment = strcmp(value, "none") == 0;
    o->fragment = (uint16_t)n;
    if (o->ask_no_fragment || (n >= 512 && (n & (n - 1)) == 0)) return 0;
    return wrong(o, "--mfln", "", " wants 512, 1024, 2048, 4096 or none", SEE_HELP);
}

/* ---- the tables ---- */

/* How an option uses its value. OWN rows have a function; the others name the field that they
 * set. */
typedef enum option_kind {
    FLAG,       /* takes no value: a uint8_t gets row->value */
    TEXT,       /* a const char * */
    SECONDS,    /* whole seconds, to a uint32_t of milliseconds */
    OWN,        /* row->set */
    OWN_MANY,   /* row->set, and it may come again */
    OWN_OR_NONE /* row->set; the value may be missing, and comes only as --name=value */
} option_kind;

typedef struct option_row {
    const char *name; /* long name; NULL = none */
    char letter;      /* 0 = none */
    uint8_t kind;     /* option_kind */
    uint8_t value;    /* of a FLAG */
    size_t field;     /* offset in cmd_options */
    int (*set)(cmd_options *o, const char *value);
    const char *shown; /* the value's name in the help text */
    const char *help;  /* lines after the first are indented by the printer */
} option_row;

enum option_id {
    OPT_AUTH_FILE,
    OPT_USER,
    OPT_NETRC,
    OPT_PASSWORD_COMMAND,
    OPT_TOKEN_COMMAND,
    OPT_OUT,
    OPT_NEW,
    OPT_DELETE,
    OPT_PORT,
    OPT_TLS,
    OPT_STLS,
    OPT_CERT_FILE,
    OPT_CERT_DIR,
    OPT_TA_BLOB,
    OPT_TA_KEY,
    OPT_TA_SCOPE,
    OPT_PIN,
    OPT_TLS_NAME,
    OPT_NOW,
    OPT_RESUME,
    OPT_IPV4,
    OPT_IPV6,
    OPT_IDLE,
    OPT_CONNECT,
    OPT_TOTAL,
    OPT_AUTH,
    OPT_NO_CAPA,
    OPT_UTF8,
    OPT_LANG,
    OPT_LIMIT,
    OPT_MAX_SIZE,
    OPT_SYNC,
    OPT_LIST,
    OPT_CHECK,
    OPT_IOBUF,
    OPT_MFLN,
    OPT_VERBOSE,
    OPT_QUIET,
    OPT_TRACE,
    OPT_HELP,
    OPT_VERSION,
    OPTIONS
};

#define FIELD(name) offsetof(cmd_options, name)
static const option_row options[OPTIONS] = {
    [OPT_AUTH_FILE] = {NULL, 'a', TEXT, 0, FIELD(auth_file), NULL, " FILE",
                       "login: two lines, `username = NAME` and\n`password = SECRET`. With -u the "
                       "first may be missing.\n- = standard input; see Login below"},
    [OPT_USER] = {"user", 'u', OWN, 0, 0, set_user, " USER",
                  "login: the user name. Without another source popcl\nasks for the password"},
    [OPT_NETRC] = {"netrc", 0, OWN_OR_NONE, 0, 0, set_netrc, "[=FILE]",
                   "login: the entry `machine SERVER` of FILE, or of\n~/.netrc; with -u that of "
                   "USER"},
    [OPT_PASSWORD_COMMAND] =
        {"password-command", 0, TEXT, 0, FIELD(password_command), NULL, " CMD",
         "run CMD in a shell; its first line is the password.\n-u gives the user "
         "name"},
    [OPT_TOKEN_COMMAND] = {"token-command", 0, TEXT, 0, FIELD(token_command), NULL, " CMD",
                           "the same for a token of OAuth 2.0 (XOAUTH2,\nOAUTHBEARER); CMD runs "
                           "again if the server refuses it"},
    [OPT_OUT] = {NULL, 'o', OWN, 0, 0, set_out_dir, " DIR",
                 "store each message as a file in DIR; DIR is created if\nit is missing"},
    [OPT_NEW] = {NULL, 'n', FLAG, 1, FIELD(only_new), NULL, "",
                 "only messages that were not fetched before"},
    [OPT_DELETE] = {NULL, 'd', FLAG, 1, FIELD(delete), NULL, "",
                    "delete stored messages from the server, and no others"},
    [OPT_PORT] = {NULL, 'p', OWN, 0, 0, set_port, " PORT", "port; default 110, with -T 995"},
    [OPT_TLS] = {NULL, 'T', FLAG, POPCL_TLS, FIELD(security), NULL, "",
                 "POP3S: TLS from the first byte"},
    [OPT_STLS] = {NULL, 'S', FLAG, POPCL_STLS, FIELD(security), NULL, "",
                  "STLS: change to TLS before login, or stop"},
    [OPT_CERT_FILE] =
        {NULL, 'c', TEXT, 0, FIELD(cert_file), NULL, " FILE",
         "trust the certificates in this file, PEM or DER, and\nno others; with -T or -S"},
    [OPT_CERT_DIR] = {NULL, 'C', TEXT, 0, FIELD(cert_dir), NULL, " DIR",
                      "the same with the files of a directory, with any name"},
    [OPT_TA_BLOB] = {"ta-blob", 0, TEXT, 0, FIELD(ta_blob), NULL, " FILE",
                     "trust the signed set in FILE (popcl-ta gen --format\nblob), and nothing "
                     "else; with -T or -S"},
    [OPT_TA_KEY] = {"ta-key", 0, TEXT, 0, FIELD(ta_key), NULL, " FILE",
                    "public keys (PEM) of those who may sign it, in the\norder of their numbers"},
    [OPT_TA_SCOPE] = {"ta-scope", 0, TEXT, 0, FIELD(ta_scope), NULL, " LABEL",
                      "the product that it must be for"},
    [OPT_PIN] = {"pin", 0, OWN_MANY, 0, 0, set_pin, " PIN",
                 "the server must have this key: sha256:HEX or\nsha256//BASE64, the hash of its "
                 "SubjectPublicKeyInfo.\nMay be repeated: one must match. See Trust below"},
    [OPT_TLS_NAME] = {"tls-name", 0, OWN, 0, 0, set_tls_name, " NAME",
                      "the certificate must be for NAME instead of SERVER"},
    [OPT_NOW] = {"now", 0, OWN, 0, 0, option_set_now, " TIME",
                 "check certificates for the time TIME, such as\n2026-11-25T12:00:00Z, on machines "
                 "without a "
                 "clock;\ndefault: the clock"},
    [OPT_RESUME] = {"resume", 0, TEXT, 0, FIELD(resume_file), NULL, " FILE",
                    "keep the TLS session in FILE, one for each account.\nThe next handshake "
                    "within 24 hours is short and "
                    "checks\nno certificate. FILE is as secret as the password"},
    [OPT_IPV4] = {NULL, '4', FLAG, CMD_IPV4, FIELD(family), NULL, "", "use IPv4 only"},
    [OPT_IPV6] = {NULL, '6', FLAG, CMD_IPV6, FIELD(family), NULL, "", "use IPv6 only"},
    [OPT_IDLE] = {"timeout", 0, SECONDS, 0, FIELD(idle_ms), NULL, " S",
                  "give up after S seconds without progress; default 60"},
    [OPT_CONNECT] = {"connect-timeout", 0, SECONDS, 0, FIELD(connect_ms), NULL, " S",
                     "give up connecting after S seconds; default 30"},
    [OPT_TOTAL] = {"max-time", 0, SECONDS, 0, FIELD(total_ms), NULL, " S",
                   "end the whole run after S seconds; default: a day"},
    [OPT_AUTH] =
        {"auth", 0, OWN, 0, 0, set_auth, " HOW",
         "auto, user (USER and PASS), apop, plain, login,\ncram-md5, scram-sha-1, scram-sha-256, "
         "one of these two\nwith -plus, xoauth2 or oauthbearer. auto uses a token\nif there is "
         "one. Else it uses user over TLS, if the\nserver has it. In clear text it prefers a "
         "mechanism\nthat hides the password"},
    [OPT_NO_CAPA] = {"no-capa", 0, FLAG, 1, FIELD(no_capa), NULL, "",
                     "do not send CAPA, for servers that hang on it; with -S\nit is still sent "
                     "once inside TLS"},
    [OPT_UTF8] = {"utf8", 0, FLAG, 1, FIELD(utf8), NULL, "",
                  "accept mail with UTF-8 in its headers, if the server\noffers UTF8 (RFC 6856)"},
    [OPT_LANG] = {"lang", 0, OWN, 0, 0, set_lang, " TAG",
                  "language of the server's texts, such as de, if the\nserver offers LANG; * is "
                  "its default"},
    [OPT_LIMIT] = {"limit", 0, OWN, 0, 0, set_limit, " N", "fetch at most N messages in this run"},
    [OPT_MAX_SIZE] = {"max-size", 0, OWN, 0, 0, set_max_size, " BYTES",
                      "leave larger messages on the server; 500000, or with\nk, M, G for 1024, "
                      "1024^2, 1024^3 bytes"},
    [OPT_SYNC] = {"sync", 0, OWN, 0, 0, set_sync, " HOW",
                  "group (default): up to 64 messages are made durable at\na time, and deleted "
                  "after that; each: one at a time"},
    [OPT_LIST] =
        {"list", 0, FLAG, CMD_LIST, FIELD(action), NULL, "",
         "fetch nothing; print `number size uid` for each\nmessage (with -n: for each new one)"},
    [OPT_CHECK] = {"check", 0, FLAG, CMD_CHECK, FIELD(action), NULL, "",
                   "fetch and print nothing; exit 0 if there is a new\nmessage, 1 if not"},
    [OPT_IOBUF] = {"iobuf", 0, OWN, 0, 0, set_iobuf, " BYTES",
                   "use a record buffer of so many bytes, 541 to 65536,\nas on a small machine"},
    [OPT_MFLN] = {"mfln", 0, OWN, 0, 0, set_mfln, " N",
                  "with -T or -S: ask for records of at most N bytes,\n512, 1024, 2048 or 4096. "
                  "none = do not "
                  "ask.\nDefault: as many as the record buffer allows"},
    [OPT_VERBOSE] = {NULL, 'v', FLAG, 1, FIELD(verbose), NULL, "", "report each step"},
    [OPT_QUIET] = {NULL, 'q', FLAG, 1, FIELD(quiet), NULL, "",
                   "no warnings, notes or progress; errors are still shown"},
    [OPT_TRACE] =
        {"trace", 0, OWN_OR_NONE, 0, 0, set_trace, "[=FILE]",
         "show the dialogue with the server, secrets masked, on\nstandard error or in FILE"},
    [OPT_HELP] = {"help", 'h', FLAG, CMD_HELP, FIELD(action), NULL, "", "this text"},
    [OPT_VERSION] = {"version", 'V', FLAG, CMD_VERSION, FIELD(action), NULL, "",
                     "version, features and sizes"},
};
#undef FIELD

/* Options that exclude each other. */
static const struct {
    enum option_id a, b;
    const char *names;
} exclusive[] = {
    {OPT_TLS, OPT_STLS, "-T and -S"},
    {OPT_AUTH_FILE, OPT_NETRC, "-a and --netrc"},
    {OPT_AUTH_FILE, OPT_PASSWORD_COMMAND, "-a and --password-command"},
    {OPT_NETRC, OPT_PASSWORD_COMMAND, "--netrc and --password-command"},
    {OPT_AUTH_FILE, OPT_TOKEN_COMMAND, "-a and --token-command"},
    {OPT_NETRC, OPT_TOKEN_COMMAND, "--netrc and --token-command"},
    {OPT_PASSWORD_COMMAND, OPT_TOKEN_COMMAND, "--password-command and --token-command"},
    {OPT_IPV4, OPT_IPV6, "-4 and -6"},
    {OPT_VERBOSE, OPT_QUIET, "-v and -q"},
    {OPT_LIST, OPT_CHECK, "--list and --check"},
    {OPT_LIST, OPT_DELETE, "--list and -d"},
    {OPT_CHECK, OPT_DELETE, "--check and -d"},
    {OPT_TA_BLOB, OPT_CERT_FILE, "--ta-blob and -c"},
    {OPT_TA_BLOB, OPT_CERT_DIR, "--ta-blob and -C"},
};

/* Options without a meaning in clear text. */
static const enum option_id for_tls[] = {OPT_TA_BLOB,  OPT_TA_KEY, OPT_TA_SCOPE, OPT_CERT_FILE,
                                         OPT_CERT_DIR, OPT_PIN,    OPT_TLS_NAME, OPT_NOW,
                                         OPT_RESUME,   OPT_MFLN};

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

static int has(const cmd_options *o, enum option_id id) { return (int)(o->given >> id & 1); }

/* ---- the server ---- */

static int bad_server(cmd_options *o, const char *what) {
    return wrong(o, "the server's name ", what, "",
                 "give HOST, HOST:PORT, [IPV6]:PORT, an address, or pop3s://USER@HOST:PORT");
}

static int set_ipv6_host(cmd_options *o, const char *p, size_t n) {
    char scope[CMD_SCOPE_MAX + 1];
    const char *what = cmd_hostname_read_ipv6(o->host, scope, p, n);
    o->typed = p;
    o->typed_len = n;
    if (what) return bad_server(o, what);
    if (!*scope && cmd_hostname_needs_scope(o->host))
        return bad_server(o, "is a link-local address without its interface: fe80::1%eth0");
    (void)snprintf(o->dial, sizeof o->dial, "%s%s%s", o->host, *scope ? "%" : "", scope);
    return 0;
}

static int set_name(cmd_options *o, const char *p, size_t n) {
    const char *what = cmd_hostname_read(o->host, p, n);
    o->typed = p;
    o->typed_len = n;
    if (what) return bad_server(o, what);
    memcpy(o->dial, o->host, sizeof o->host);
    return 0;
}

/* `text`: the n bytes after the colon. */
static int set_server_port(cmd_options *o, const char *text, size_t n) {
    uint64_t port = 0;
    if (has(o, OPT_PORT))
        return wrong(o, "the port is given twice", "", "",
                     "give it with -p or after the server's name");
    const char *end = tool_number_read(text, UINT16_MAX, &port);
    o->port = (uint16_t)(end == text + n ? port : 0);
    return o->port ? 0
                   : wrong(o, "the server's port is no number from 1 to 65535", "", "", SEE_HELP);
}

/* Takes from a URL all except host and port. *server gets these, *n their length. */
static int take_url(cmd_options *o, const char **server, size_t *n) {
    cmd_url u;
    const char *what = cmd_url_read(&u, *server);
    if (what) return wrong(o, what, "", "", u.advice);
    if (u.is_tls && o->security == POPCL_STLS)
        return wrong(o, "-S and pop3s:// exclude each other", "", "", "pop3s:// means -T");
    if (u.is_tls) o->security = POPCL_TLS;
    if (*u.user && o->user)
        return wrong(o, "the user name is given twice", "", "", "give it with -u or in the URL");
    if (*u.mechanism && has(o, OPT_AUTH))
        return wrong(o, "the mechanism is given twice", "", "",
                     "give it with --auth or in the URL");
    if (*u.user) {
        memcpy(o->url_user, u.user, sizeof u.user);
        o->user = o->url_user;
    }
    *server = u.host;
    *n = u.host_len;
    return *u.mechanism ? set_url_mechanism(o, u.mechanism) : 0;
}

static int set_server(cmd_options *o, const char *server) {
    size_t n = 0;
    if (take_url(o, &server, &n)) return -1;
    const char *colon = memchr(server, ':', n);
    if (server[0] == '[') {
        const char *close = memchr(server, ']', n);
        if (!close) return bad_server(o, "lacks its ]");
        const char *rest = close + 1;
        if (rest != server + n && *rest != ':') return bad_server(o, "has other text after its ]");
        if (set_ipv6_host(o, server + 1, (size_t)(close - server - 1))) return -1;
        colon = rest == server + n ? NULL : rest;
    } else if (colon && memchr(colon + 1, ':', n - (size_t)(colon - server) - 1)) {
        /* two colons: an address without brackets, and so without a port */
        return set_ipv6_host(o, server, n);
    } else if (set_name(o, server, colon ? (size_t)(colon - server) : n)) {
        return -1;
    }
    if (!colon) return 0;
    return set_server_port(o, colon + 1, n - (size_t)(colon - server) - 1);
}

/* ---- the arguments ---- */

/* Returns the name of an option for an error: its letter or its long name, never its value. */
static const char *called(const option_row *row, char name[32]) {
    if (row->letter)
        (void)snprintf(name, 32, "-%c", row->letter);
    else
        (void)snprintf(name, 32, "--%s", row->name);
    return name;
}

static int take_seconds(cmd_options *o, const option_row *row, const char *value,
                        unsigned char *field) {
    char name[32];
    uint64_t s = tool_number(value, S_MAX);
    uint32_t ms = (uint32_t)(s * 1000);
    if (!s) return wrong(o, "", called(row, name), " wants whole seconds, 1 to 1073741", SEE_HELP);
    memcpy(field, &ms, sizeof ms);
    return 0;
}

static int option_take(cmd_options *o, const option_row *row, const char *value) {
    char name[32];
    uint64_t bit = (uint64_t)1 << (row - options);
    if (o->given & bit && row->kind != OWN_MANY)
        return wrong(o, "", called(row, name), " is given twice",
                     row == &options[OPT_TA_KEY]
                         ? "put all keys into one file, in the order of their numbers"
                         : "give each option once");
    o->given |= bit;
    if (value && !*value) return wrong(o, "", called(row, name), " has an empty value", SEE_HELP);
    unsigned char *field = (unsigned char *)o + row->field;
    switch (row->kind) {
    case FLAG: *field = row->value; return 0;
    case TEXT: memcpy(field, &value, sizeof value); return 0;
    case SECONDS: return take_seconds(o, row, value, field);
    default: return row->set(o, value);
    }
}

/* argv[*at] is "--name" or "--name=value". */
static int take_long(cmd_options *o, int argc, char *const argv[], int *at) {
    char name[32];
    const char *text = argv[*at] + 2;
    size_t n = strcspn(text, "=");
    const char *value = text[n] ? text + n + 1 : NULL;
    for (const option_row *row = options; row < options + OPTIONS; row++) {
        if (!row->name || strlen(row->name) != n || memcmp(row->name, text, n) != 0) continue;
        (void)snprintf(name, sizeof name, "--%s", row->name);
        if (value && row->kind == FLAG) return wrong(o, "", name, " takes no value", SEE_HELP);
        if (!value && row->kind != FLAG && row->kind != OWN_OR_NONE) {
            if (*at + 1 >= argc) return wrong(o, "", name, " lacks its value", SEE_HELP);
            value = argv[++*at];
        }
        return option_take(o, row, value);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strlen(refused[i].name) == n && memcmp(refused[i].name, text, n) == 0)
            return wrong(o, refused[i].what, "", "", refused[i].advice);
    }
    return wrong(o, "there is no such long option", "", "", SEE_HELP);
}

/* argv[*at] is "-x", "-xvalue" or several letters: "-nd", "-ndp110". */
static int take_letters(cmd_options *o, int argc, char *const argv[], int *at) {
    for (const char *p = argv[*at] + 1; *p; p++) {
        const option_row *row = options;
        char name[2] = {*p, '\0'};
        while (row < options + OPTIONS && row->letter != *p)
            row++;
        if (row == options + OPTIONS) return wrong(o, "there is no option -", name, "", SEE_HELP);
        if (row->kind == FLAG || row->kind == OWN_OR_NONE) {
            if (option_take(o, row, NULL)) return -1;
            if (o->action == CMD_HELP || o->action == CMD_VERSION) return 0;
            continue;
        }
        const char *value = p + 1;
        if (!*value) value = ++*at < argc ? argv[*at] : NULL;
        if (!value) return wrong(o, "-", name, " lacks its value", SEE_HELP);
        return option_take(o, row, value);
    }
    return 0;
}

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
    if (has(o, OPT_AUTH_FILE)) return CMD_SOURCE_FILE;
    if (has(o, OPT_NETRC)) return CMD_SOURCE_NETRC;
    if (has(o, OPT_PASSWORD_COMMAND)) return CMD_SOURCE_COMMAND;
    return has(o, OPT_TOKEN_COMMAND) ? CMD_SOURCE_TOKEN : CMD_SOURCE_PROMPT;
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
        return wrong(o, "the login is missing: -a, or -u", "", "",
                     "give -a FILE with the lines `username = NAME` and `password = SECRET`, or "
                     "-u USER to be asked for the password; with -u, --token-command gives a "
                     "token");
    if (!o->user && (is_token || source == CMD_SOURCE_COMMAND))
        return wrong(o, "", names[source], " is given without a user name",
                     "give -u USER too, or the server as pop3s://USER@HOST");
    if (m->is_token && !is_token)
        return wrong(o, "this mechanism wants a token, and --token-command is not given", "", "",
                     "give --token-command, with a program that prints a token");
    if (is_token && o->auth != POPCL_AUTH_AUTO && !m->is_token)
        return wrong(o, "this mechanism wants a password, and --token-command is given", "", "",
                     "leave --auth out, or give --auth xoauth2 or oauthbearer");
    if (o->security != POPCL_CLEAR || source == CMD_SOURCE_FILE ||
        (!is_token && (o->auth == POPCL_AUTH_USER || m->is_digest)))
        return 0;
    return wrong(o, "", names[source], " is for TLS, and neither -T nor -S is given",
                 is_token ? "add -T (POP3S) or -S (STLS): a token never goes in clear text"
                          : "add -T (POP3S) or -S (STLS); --auth scram-sha-256 or apop hides the "
                            "password in clear text, and --auth user sends it for all to read");
}

/* Rules between options, once all are read. */
static int check_rules(cmd_options *o, const char *server) {
    char name[32];
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++) {
        if (has(o, exclusive[i].a) && has(o, exclusive[i].b))
            return wrong(o, "", exclusive[i].names, " exclude each other", "give one of them");
    }
    if (!server)
        return wrong(o, "the server is missing", "", "", "popcl SERVER -a FILE -o DIR; " SEE_HELP);
    if (set_server(o, server)) return -1;
    for (size_t i = 0; o->security == POPCL_CLEAR && i < sizeof for_tls / sizeof *for_tls; i++) {
        if (has(o, for_tls[i]))
            return wrong(o, "", called(&options[for_tls[i]], name), " is given without -T or -S",
                         "it is for TLS: add -T (POP3S) or -S (STLS)");
    }
    if (has(o, OPT_TA_BLOB) != has(o, OPT_TA_KEY) || has(o, OPT_TA_BLOB) != has(o, OPT_TA_SCOPE))
        return wrong(o, "--ta-blob, --ta-key and --ta-scope belong together", "", "",
                     "a signed set is believed only with the keys of its signers, and for one "
                     "product: give all three");
    if (o->iobuf_len && o->fragment && o->iobuf_len < o->fragment + RECORD_ROOM)
        return wrong(o, "records of --mfln do not fit into the buffer of --iobuf", "", "",
                     "--iobuf wants 29 bytes more than --mfln");
    if (check_login(o)) return -1;
    if (!o->out_dir && o->action == CMD_FETCH)
        return wrong(o, "-o is missing", "", "", "give the directory for the messages");
    if (o->trace_file && o->resume_file && strcmp(o->trace_file, o->resume_file) == 0)
        return wrong(o, "--trace and --resume name the same file", "", "",
                     "give each a file of its own");
    if (!o->port) o->port = o->security == POPCL_TLS ? 995 : 110;
    doubt_port(o);
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
                return wrong(o, "more than one server is given", "", "",
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
    return check_rules(o, server);
}

/* ---- the help text ---- */

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
static void put_row(const option_row *row, void (*put)(void *ctx, const char *text), void *ctx) {
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
    for (const option_row *row = options; row < options + OPTIONS; row++)
        put_row(row, put, ctx);
    put(ctx, help_tail);
}
