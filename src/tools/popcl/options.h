/* SPDX-License-Identifier: MIT */
/* options - the content of the command line, checked whole before anything is opened. The parser
 * knows no file and no network. It repeats no argument's value, which may be a password in the
 * wrong place. */
#ifndef POPCL_CMD_OPTIONS_H
#define POPCL_CMD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "hostname.h"
#include "pin.h"
#include "popcl_fetch.h"
#include "progress.h"
#include "select.h"
#include "url.h"

typedef enum cmd_action {
    CMD_FETCH,
    CMD_LIST,
    CMD_CHECK,
    CMD_TOP,
    CMD_DRY_RUN,
    CMD_CATCH_UP,
    CMD_INFO,
    CMD_HELP,
    CMD_VERSION,
    CMD_COMPLETION,
    CMD_SHOW_RECORD, /* without a connection */
    CMD_FORGET       /* the same */
} cmd_action;
typedef enum cmd_family { CMD_ANY_FAMILY, CMD_IPV4, CMD_IPV6 } cmd_family;

/* The source of the password. */
typedef enum cmd_source {
    CMD_SOURCE_FILE,    /* -a */
    CMD_SOURCE_NETRC,   /* --netrc */
    CMD_SOURCE_COMMAND, /* --password-command */
    CMD_SOURCE_TOKEN,   /* --token-command: a token instead of a password */
    CMD_SOURCE_PROMPT   /* nothing else is given: the terminal */
} cmd_source;

/* The place of the messages. */
typedef enum cmd_store_kind {
    CMD_STORE_DIR,
    CMD_STORE_MAILDIR,
    CMD_STORE_MBOX,
    CMD_STORE_PIPE,  /* --pipe */
    CMD_STORE_STREAM /* -o -: standard output */
} cmd_store_kind;

#define CMD_PINS_MAX  16
#define CMD_CERTS_MAX 16 /* files, and as many directories */
#define CMD_NAMES_MAX 64 /* accounts on a command line */
#define CMD_GIVEN_MAX 96 /* options */
#define CMD_IOBUF_MIN POPCL_IOBUF_SIZE(512)
#define CMD_IOBUF_MAX 65536u

typedef struct cmd_options {
    char host[CMD_HOST_MAX + 1]; /* names the account: lower case, no trailing dot, an IPv6 address
                                    in its shortest form */
    char dial[CMD_HOST_MAX + 1 + CMD_SCOPE_MAX +
              1];      /* the host to connect to: with an IPv6 address's %scope */
    const char *typed; /* the host as it is in argv, without port and brackets */
    size_t typed_len;
    uint16_t port;    /* never 0 after parse */
    uint8_t security; /* popcl_security */
    uint8_t action;   /* cmd_action */
    uint16_t
        stls_port;    /* --info: STLS is tried on this port if the other is not of POP3S; 0 = no */
    uint8_t family;   /* cmd_family */
    uint16_t auth;    /* POPCL_AUTH_* */
    uint8_t source;   /* cmd_source */
    const char *user; /* of -u or the URL; NULL = the source of the password has it */
    char url_user[CMD_USER_MAX + 1]; /* private: the memory of the URL's */
    const char *lang;                /* NULL = LANG is not sent */
    uint8_t only_new, delete, no_capa, utf8, verbose, trace;
    uint8_t quiet;    /* how often -q was given: 0 to 2 */
    uint8_t help_all; /* 1 = --help=all */
    const char *auth_file, *out_dir, *trace_file, *resume_file, *ta_blob, *ta_key, *ta_scope,
        *netrc_file, *password_command, *token_command, *tofu_file,
        *pipe_command;                      /* NULL = not given; they point into argv */
    uint32_t idle_ms, connect_ms, total_ms; /* milliseconds; never 0 after parse */
    uint32_t poll_ms;                       /* milliseconds between two runs; 0 = one run */
    /* lists that end with NULL */
    const char *cert_files[CMD_CERTS_MAX + 1], *cert_dirs[CMD_CERTS_MAX + 1];
    const char *config;                   /* NULL = the account is on the command line */
    const char *names[CMD_NAMES_MAX + 1]; /* of accounts; all arguments that are no options */
    size_t names_len;
    const char *shell;                                /* of --completion */
    char bind[CMD_HOST_MAX + 1 + CMD_SCOPE_MAX + 1];  /* "" = the system chooses the address */
    uint8_t bind_family;                              /* cmd_family */
    char socks[CMD_HOST_MAX + 1 + CMD_SCOPE_MAX + 1]; /* host; "" = no SOCKS server */
    uint16_t socks_port;
    uint64_t max_size;      /* octets; 0 = no limit */
    uint32_t limit;         /* messages; 0 = no limit */
    const char *state_file; /* the record; NULL = in its usual place */
    const char *forget;     /* a UID, or "all" */
    uint16_t delete_after;  /* days; 0 = not given */
    uint32_t keep_newest;   /* messages; 0 = not given */
    uint8_t records;        /* 1 = the run changes the record. Every other run only reads it */
    char tls_name[CMD_HOST_MAX + 1]; /* as host; "" = the certificate must be for host */
    unsigned char pins[CMD_PINS_MAX][POPCL_PIN_LEN];
    size_t pins_len;
    int64_t now_s;      /* Unix seconds; negative = the clock's time */
    uint32_t iobuf_len; /* bytes; 0 = the best size */
    uint16_t fragment;  /* octets, popcl_tls.fragment: --mfln; 0 = as large as the buffer allows */
    uint8_t ask_no_fragment; /* popcl_tls.ask_no_fragment */
    uint8_t store;           /* cmd_store_kind */
    uint8_t raw;             /* 1 = standard output gets the message as it is; 0 = as an mbox */
    uint8_t crlf;            /* 1 = lines end with CRLF as on the wire; 0 = with LF */
    uint8_t all;             /* --all */
    uint8_t progress;        /* cmd_progress_form */
    uint8_t json;            /* --json */
    uint16_t top_lines;      /* --top: lines of the body */
    cmd_selection selection;
    uint8_t sync_each;  /* 1 = each message is made durable alone; 0 = in groups */
    const char *doubt;  /* NULL, or an argument that is probably a mistake: give a warning */
    char error[128];    /* after a failed parse: the fault */
    const char *advice; /* and what to do instead */
    char hint[128];     /* private: the memory of some advice */
    int error_at;       /* index of the argument that is wrong; 0 = several together */
    uint8_t given[CMD_GIVEN_MAX];      /* private: options seen, by their row */
    const char *values[CMD_GIVEN_MAX]; /* private: the last value of each; NULL = none */
} cmd_options;

/* Reads argv. Returns 0, or -1 with error and advice set: exit code 64. --help and --version end
 * the reading; then action is the only field that counts. */
int cmd_options_parse(cmd_options *o, int argc, char *const argv[]);

/* Makes the text of --help, or with `all` that of --help=all: lines of at most 80 columns, from the
 * table that parse reads. Calls put for each piece. */
void cmd_options_help(int all, void (*put)(void *ctx, const char *text), void *ctx);

/* The same with the completion of a shell: "bash", "zsh" or "fish". */
void cmd_options_completion(const char *shell, void (*put)(void *ctx, const char *text), void *ctx);

#endif
