/* SPDX-License-Identifier: MIT */
/* optiontable - every option of the command, a row each. A row has the letter, the long name, and
 * the help text. It also has the field or the function that takes the value. Parser, rules and help
 * read this one table. It knows no rule between two options. */
#ifndef POPCL_CMD_OPTIONTABLE_H
#define POPCL_CMD_OPTIONTABLE_H

#include "options.h"

#define CMD_SEE_HELP "popcl --help shows the options, and --help=all each of them"

/* How an option uses its value. CMD_VALUE_OWN rows have a function; the others name the field that
 * they set. */
typedef enum cmd_option_kind {
    CMD_NO_VALUE,          /* takes no value: a uint8_t gets row->value */
    CMD_VALUE_TEXT,        /* a const char * */
    CMD_VALUE_SECONDS,     /* whole seconds, to a uint32_t of milliseconds */
    CMD_VALUE_OWN,         /* row->set */
    CMD_VALUE_OWN_MANY,    /* row->set, and it may come again */
    CMD_VALUE_OWN_OR_NONE, /* row->set; the value may be missing, and comes only as --name=value */
    CMD_COUNT /* takes no value, and may come row->value times: a uint8_t counts them */
} cmd_option_kind;

typedef struct cmd_option_row {
    const char *name; /* long name */
    char letter;      /* 0 = none */
    uint8_t kind;     /* cmd_option_kind */
    uint8_t value;    /* of a CMD_NO_VALUE; of a CMD_COUNT the most */
    size_t field;     /* offset in cmd_options */
    int (*set)(cmd_options *o, const char *value);
    const char *shown; /* the value's name in the help text */
    const char *help;  /* lines after the first are indented by the printer */
} cmd_option_row;

typedef enum cmd_option_id {
    OPT_AUTH_FILE,
    OPT_USER,
    OPT_NETRC,
    OPT_PASSWORD_COMMAND,
    OPT_TOKEN_COMMAND,
    OPT_OUT,
    OPT_FORMAT,
    OPT_PIPE,
    OPT_EOL,
    OPT_NEW,
    OPT_ALL,
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
    OPT_TOFU,
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
    OPT_MSG,
    OPT_UIDL,
    OPT_MATCH,
    OPT_SINCE,
    OPT_LIST,
    OPT_CHECK,
    OPT_TOP,
    OPT_DRY_RUN,
    OPT_CATCH_UP,
    OPT_INFO,
    OPT_IOBUF,
    OPT_MFLN,
    OPT_VERBOSE,
    OPT_QUIET,
    OPT_PROGRESS,
    OPT_JSON,
    OPT_TRACE,
    OPT_HELP,
    OPT_VERSION,
    OPT_DELETE_AFTER,
    OPT_KEEP_NEWEST,
    OPT_STATE,
    OPT_RECORD,
    OPT_FORGET,
    OPT_COMPLETION,
    OPT_BIND,
    OPT_SOCKS,
    OPT_CONFIG,
    OPT_POLL,
    CMD_OPTIONS
} cmd_option_id;

/* A row for each cmd_option_id. */
extern const cmd_option_row cmd_option_rows[CMD_OPTIONS];

/* The groups of --help=all, in this order. */
typedef enum cmd_option_group {
    CMD_GROUP_MISSING, /* a row without a place: a test finds it */
    CMD_GROUP_LOGIN,
    CMD_GROUP_SELECTION,
    CMD_GROUP_OUTPUT,
    CMD_GROUP_CONNECTION,
    CMD_GROUP_TRUST,
    CMD_GROUP_RECORD,
    CMD_GROUP_REPORTING,
    CMD_GROUP_SEVERAL,
    CMD_GROUP_DEVICE,
    CMD_GROUPS
} cmd_option_group;

/* The place of an option in the help. */
typedef struct cmd_option_place {
    uint8_t group; /* cmd_option_group */
    uint8_t daily; /* 1 = --help has it; 0 = only --help=all */
} cmd_option_place;

/* A place for each cmd_option_id (optionhelp.c). */
extern const cmd_option_place cmd_option_places[CMD_OPTIONS];

/* Returns whether a value may come with the option, and whether it must. */
int cmd_option_takes_value(const cmd_option_row *row);
int cmd_option_wants_value(const cmd_option_row *row);

/* Returns the row with this long name, n octets; NULL = there is no such row. */
const cmd_option_row *cmd_option_named(const char *name, size_t n);

/* Returns the long name that is nearest to a mistyped one; NULL = no name is near. */
const char *cmd_option_nearest(const char *name, size_t n);

/* Copies the begin of a row's help text to out, as one line. It ends at a semicolon, at a full
 * stop, or after the last word that fits into cap bytes. Returns out. */
const char *cmd_option_short_help(const cmd_option_row *row, char *out, size_t cap);

/* Notes the fault before, name and after as one sentence, with the advice. The first one stays.
 * Returns -1. */
int cmd_option_wrong(cmd_options *o, const char *before, const char *name, const char *after,
                     const char *advice);

/* Returns whether the command line gave the option. */
int cmd_option_has(const cmd_options *o, cmd_option_id id);

/* Writes the name of an option for an error: its letter or its long name, never its value. Returns
 * name. */
const char *cmd_option_called(const cmd_option_row *row, char name[32]);

#endif
