/* SPDX-License-Identifier: MIT */
/* options - see options.h. One table has every option: its names, its value, its help text and the
 * function that takes the value. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "utc.h"

#define SEE_HELP "popcl-ta --help shows the options"

static int ta_wrong(ta_options *o, const char *before, const char *name, const char *after,
                    const char *advice) {
    if (o->error[0]) return -1;
    (void)snprintf(o->error, sizeof o->error, "%s%.60s%s", before, name, after);
    o->advice = advice;
    return -1;
}

/* ---- values ---- */

static int set_format(ta_options *o, const char *value) {
    static const char *const names[] = {
        [TA_C] = "c", [TA_H] = "h", [TA_C_AND_H] = "c+h", [TA_PEM] = "pem"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) != 0) continue;
        o->format = (uint8_t)i;
        return 0;
    }
    if (strcmp(value, "bin") == 0 || strcmp(value, "json") == 0)
        return ta_wrong(o, "--format ", value, " is not in this version", "give c, h, c+h or pem");
    return ta_wrong(o, "--format", "", " wants c, h, c+h or pem", SEE_HELP);
}

static int set_prefix(ta_options *o, const char *value) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t n = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    if (value[n] || n > TA_PREFIX_MAX || !strchr(letters, value[0]))
        return ta_wrong(o, "--prefix", "",
                        " wants letters, digits and _, no digit first, 40 at most",
                        "it begins the names in the C output, as in PREFIX_trust");
    if (strcmp(value, "popcl") == 0 || strcmp(value, "popcl_posix") == 0)
        return ta_wrong(o, "--prefix ", value, " gives the name of a type of popcl",
                        "PREFIX_trust must be a name of your own");
    o->prefix = value;
    return 0;
}

/* The name of a section, or the text of an attribute that goes into a declaration as it is: without
 * characters that could end it. */
static int set_section(ta_options *o, const char *value) {
    if (value[0] == '.' &&
        value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.$-")])
        return ta_wrong(o, "--section", "", " holds a character that no section's name has",
                        SEE_HELP);
    for (const char *c = value; *c; c++)
        if (*c < 0x20 || *c > 0x7E || strchr(";{}\\#=*", *c))
            return ta_wrong(o, "--section", "", " holds a character that no attribute has",
                            SEE_HELP);
    o->section = value;
    return 0;
}

static int set_output(ta_options *o, const char *value) {
    o->output = strcmp(value, "-") == 0 ? NULL : value;
    return 0;
}

static int set_min_days(ta_options *o, const char *value) {
    o->min_days = (int64_t)tool_number(value, 36500);
    return o->min_days
               ? 0
               : ta_wrong(o, "--min-days", "", " wants a number of days, 1 to 36500", SEE_HELP);
}

static int ta_set_now(ta_options *o, const char *value) {
    if (pop_utc_read(value, &o->now) == 0 && o->now >= 0) return 0;
    return ta_wrong(o, "--now", "",
                    " wants a time like 2026-11-25 or 2026-11-25T12:00:00Z, from 1970 on",
                    SEE_HELP);
}

static int set_key(ta_options *o, const char *value) {
    if (strcmp(value, "rsa") != 0 && strcmp(value, "ec") != 0)
        return ta_wrong(o, "--key", "", " wants rsa or ec", SEE_HELP);
    o->selection.keys = *value == 'r' ? TA_RSA : TA_EC;
    return 0;
}

static int set_max_certs(ta_options *o, const char *value) {
    o->selection.max_certs = (size_t)tool_number(value, 1000000);
    return o->selection.max_certs
               ? 0
               : ta_wrong(o, "--max-certs", "", " wants a number, 1 to 1000000", SEE_HELP);
}

static int set_max_bytes(ta_options *o, const char *value) {
    o->selection.max_bytes = (size_t)tool_number(value, 1000000000);
    return o->selection.max_bytes ? 0
                                  : ta_wrong(o, "--max-bytes", "",
                                             " wants a number of bytes, 1 to 1000000000", SEE_HELP);
}

static int set_sequence(ta_options *o, const char *value) {
    uint64_t number = 0;
    const char *end = tool_number_read(value, UINT32_MAX, &number);
    o->sequence = (uint32_t)number;
    return end && !*end
               ? 0
               : ta_wrong(o, "--sequence", "", " wants a number, 0 to 4294967295", SEE_HELP);
}

/* ---- selection ---- */

static int add_pattern(ta_options *o, ta_pattern *p) {
    return ta_selection_add(&o->selection, p) ? ta_wrong(o, "out of memory", "", "", "") : 0;
}

static int add_text(ta_options *o, ta_field field, const char *value) {
    ta_pattern p;
    memset(&p, 0, sizeof p);
    p.field = field;
    p.text = value;
    return add_pattern(o, &p);
}

static int add_org(ta_options *o, const char *value) { return add_text(o, TA_ORG, value); }

static int add_cn(ta_options *o, const char *value) { return add_text(o, TA_CN, value); }

static int add_sha256(ta_options *o, const char *value) {
    ta_pattern p;
    if (ta_pattern_read(&p, value) || p.field != TA_SHA256)
        return ta_wrong(o, "--sha256", "",
                        " wants a fingerprint: 64 hexadecimal digits, with colons or without",
                        "popcl-ta list shows the fingerprints");
    return add_pattern(o, &p);
}

static int add_exclude(ta_options *o, const char *value) {
    ta_pattern p;
    if (ta_pattern_read(&p, value))
        return ta_wrong(o, "--exclude", "", " wants org=TEXT, cn=TEXT, sha256=HEX, or TEXT",
                        SEE_HELP);
    p.exclude = 1;
    return add_pattern(o, &p);
}

static int set_filter(ta_options *o, const char *value) {
    o->selection.filter_file = value;
    return 0;
}

/* ---- the table ---- */

typedef struct option_row {
    const char *name;
    char letter;  /* 0 = none */
    uint8_t many; /* may be given again */
    size_t flag;  /* offset in ta_options of a uint8_t that becomes `value`, if set is NULL */
    uint8_t value;
    int (*set)(ta_options *o, const char *value);
    const char *shown; /* the value's name */
    const char *help;  /* lines after the first are indented by the printer; a row without a name is
                          a heading */
} option_row;

#define FLAG(name) offsetof(ta_options, name)
static const option_row options[] = {
    {NULL, 0, 0, 0, 0, NULL, NULL, "Which certificates (default: all)"},
    {"org", 0, 1, 0, 0, add_org, "TEXT", "with TEXT in their organization (O=); may be repeated"},
    {"cn", 0, 1, 0, 0, add_cn, "TEXT", "with TEXT in their common name (CN=); may be repeated"},
    {"sha256", 0, 1, 0, 0, add_sha256, "HEX", "with this fingerprint; may be repeated"},
    {"filter", 0, 0, 0, 0, set_filter, "FILE",
     "that match a line of FILE: org=TEXT, cn=TEXT,\nsha256=HEX, or TEXT; # begins a comment"},
    {"siblings", 0, 0, FLAG(selection.siblings), 1, NULL, NULL,
     "and the others of the same organization: roots that\nwill follow, and spare ones"},
    {"exclude", 0, 1, 0, 0, add_exclude, "WHAT",
     "except these: as a line of --filter; may be repeated"},
    {"key", 0, 0, 0, 0, set_key, "rsa|ec", "only with this kind of key"},
    {"max-certs", 0, 0, 0, 0, set_max_certs, "N",
     "at most N: earlier patterns first, then small\ncertificates first"},
    {"max-bytes", 0, 0, 0, 0, set_max_bytes, "N",
     "at most N bytes of entries and tables on a 32-bit\nmachine; in the order of --max-certs"},
    {NULL, 0, 0, 0, 0, NULL, NULL, "Policy"},
    {"keep-expired", 0, 0, FLAG(keep_expired), 1, NULL, NULL, "keep expired certificates"},
    {"min-days", 0, 0, 0, 0, set_min_days, "N", "refuse certificates that expire within N days"},
    {"now", 0, 0, 0, 0, ta_set_now, "TIME",
     "judge for the time TIME (RFC 3339, or a date);\ndefault: the clock"},
    {"allow-leaf", 0, 0, FLAG(allow_leaf), 1, NULL, NULL,
     "take certificates of servers too, and trust them\ndirectly, without an authority. If one has "
     "no\nsubjectAltName and the server shows just that\ncertificate, its common name counts"},
    {NULL, 0, 0, 0, 0, NULL, NULL, "Output of gen"},
    {"output", 'o', 0, 0, 0, set_output, "FILE",
     "write to FILE, at once and whole, or not at all;\ndefault: standard output"},
    {"format", 0, 0, 0, 0, set_format, "KIND",
     "c (default), h (its declaration), c+h (both: FILE and\nFILE with .h), pem"},
    {"prefix", 0, 0, 0, 0, set_prefix, "NAME", "names begin with NAME; default ca, as in ca_trust"},
    {"section", 0, 0, 0, 0, set_section, "ATTR",
     "put the bytes into section ATTR (.flash2), or give\nthem this attribute; tables stay in "
     ".rodata"},
    {"sequence", 0, 0, 0, 0, set_sequence, "N",
     "number of this set: a later set has a larger one;\ndefault 0"},
    {"verify", 0, 0, 0, 0, NULL, "FILE", "write nothing; exit 1 if FILE differs from the output"},
    {"pins", 0, 0, FLAG(pins), 1, NULL, NULL,
     "pins of the keys (SHA-256 of SubjectPublicKeyInfo)\ninstead of anchors: give the server's "
     "own certificates"},
    {NULL, 0, 0, 0, 0, NULL, NULL, "Other"},
    {"quiet", 'q', 0, FLAG(quiet), 1, NULL, NULL, "report only errors"},
    {"verbose", 'v', 0, FLAG(verbose), 1, NULL, NULL,
     "also report certificates that are not selected"},
    {"help", 'h', 0, FLAG(action), TA_HELP, NULL, NULL, "this text"},
    {"version", 'V', 0, FLAG(action), TA_VERSION, NULL, NULL, "the version"},
};
#undef FLAG

enum { ROWS = sizeof options / sizeof *options };

static const char *ta_called(const option_row *row, char name[32]) {
    (void)snprintf(name, 32, "--%s", row->name);
    return name;
}

static int given(const ta_options *o, const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (options[i].name && strcmp(options[i].name, name) == 0) return (int)(o->given >> i & 1);
    return 0;
}

static int takes_value(const option_row *row) { return row->shown != NULL; }

static int ta_take(ta_options *o, const option_row *row, const char *value) {
    char name[32];
    uint64_t bit = (uint64_t)1 << (row - options);
    if (o->given & bit && !row->many)
        return ta_wrong(o, "", ta_called(row, name), " is given twice", "give it once");
    o->given |= bit;
    if (value && !*value)
        return ta_wrong(o, "", ta_called(row, name), " has an empty value", SEE_HELP);
    if (row->set) return row->set(o, value);
    if (value)
        o->verify = value;
    else
        ((unsigned char *)o)[row->flag] = row->value;
    return 0;
}

/* "--name", "--name=value", "--name value". */
static int ta_take_long(ta_options *o, int argc, char *const argv[], int *at) {
    const char *text = argv[*at] + 2;
    size_t n = strcspn(text, "=");
    const char *value = text[n] ? text + n + 1 : NULL;
    char name[32];
    for (const option_row *row = options; row < options + ROWS; row++) {
        if (!row->name || strlen(row->name) != n || memcmp(row->name, text, n) != 0) continue;
        if (!takes_value(row))
            return value ? ta_wrong(o, "", ta_called(row, name), " takes no value", SEE_HELP)
                         : ta_take(o, row, NULL);
        if (!value && *at + 1 >= argc)
            return ta_wrong(o, "", ta_called(row, name), " lacks its value", SEE_HELP);
        return ta_take(o, row, value ? value : argv[++*at]);
    }
    return ta_wrong(o, "there is no option ", argv[*at], "", SEE_HELP);
}

/* "-o FILE", "-oFILE", "-qo FILE". */
static int ta_take_letters(ta_options *o, int argc, char *const argv[], int *at) {
    for (const char *p = argv[*at] + 1; *p; p++) {
        const option_row *row = options;
        char name[3] = {'-', *p, '\0'};
        while (row < options + ROWS && row->letter != *p)
            row++;
        if (row == options + ROWS) return ta_wrong(o, "there is no option ", name, "", SEE_HELP);
        if (!takes_value(row)) {
            if (ta_take(o, row, NULL)) return -1;
            if (o->action >= TA_HELP) return 0;
            continue;
        }
        const char *value = p[1] ? p + 1 : NULL;
        if (!value) value = ++*at < argc ? argv[*at] : NULL;
        return value ? ta_take(o, row, value) : ta_wrong(o, "", name, " lacks its value", SEE_HELP);
    }
    return 0;
}

static int take_command(ta_options *o, const char *name) {
    static const char *const later[] = {"check", "diff", "for-host", "for-chain", "blob"};
    if (strcmp(name, "gen") == 0)
        o->action = TA_GEN;
    else if (strcmp(name, "list") == 0)
        o->action = TA_LIST;
    else {
        for (size_t i = 0; i < sizeof later / sizeof *later; i++)
            if (strcmp(name, later[i]) == 0)
                return ta_wrong(o, name, "", " is not in this version", "gen and list are");
        return ta_wrong(o, "there is no command ", name, "",
                        "popcl-ta gen INPUT... or popcl-ta list INPUT...; " SEE_HELP);
    }
    return 0;
}

/* Options that exclude each other. */
static const struct {
    const char *a, *b;
} exclusive[] = {{"output", "verify"},
                 {"keep-expired", "min-days"},
                 {"keep-expired", "now"},
                 {"quiet", "verbose"},
                 {"pins", "max-bytes"}};

/* Returns whether it is the name of a C file, for whose header an #include can be written. */
static int is_c_name(const char *name) {
    size_t n = name ? strlen(name) : 0;
    return n >= 3 && strcmp(name + n - 2, ".c") == 0 && !strpbrk(name, "\"\\\n\r");
}

static int ta_check_rules(ta_options *o) {
    char name[64];
    if (o->action == TA_NONE)
        return ta_wrong(o, "the command is missing", "", "",
                        "popcl-ta gen INPUT... or popcl-ta list INPUT...; " SEE_HELP);
    if (o->inputs_len == 0)
        return ta_wrong(o, "the input is missing", "", "",
                        "give a PEM bundle, a DER file or a directory, or - for standard input");
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++) {
        if (!given(o, exclusive[i].a) || !given(o, exclusive[i].b)) continue;
        (void)snprintf(name, sizeof name, "--%s and --%s", exclusive[i].a, exclusive[i].b);
        return ta_wrong(o, "", name, " exclude each other", "give one of them");
    }
    if (o->action == TA_LIST &&
        (o->output || o->verify || given(o, "format") || given(o, "prefix") ||
         given(o, "section") || given(o, "sequence") || o->pins))
        return ta_wrong(o, "list takes no option of output", "", "",
                        "gen does; list always shows the pins too");
    if (o->format == TA_C_AND_H && !is_c_name(o->verify ? o->verify : o->output))
        return ta_wrong(o, "--format c+h wants -o or --verify with a name that ends in .c", "", "",
                        "the header gets the same name with .h");
    if (o->pins && o->format == TA_PEM)
        return ta_wrong(o, "--pins and --format pem exclude each other", "", "",
                        "give one of them");
    return 0;
}

int ta_options_parse(ta_options *o, int argc, char *const argv[]) {
    int only_inputs = 0; /* after "--" */
    memset(o, 0, sizeof *o);
    o->prefix = "ca";
    o->now = INT64_MIN;
    o->inputs = calloc((size_t)argc + 1, sizeof *o->inputs);
    if (!o->inputs) return ta_wrong(o, "out of memory", "", "", "");
    for (int at = 1; at < argc; at++) {
        const char *arg = argv[at];
        int failed = 0;
        if (only_inputs || arg[0] != '-' || arg[1] == '\0') {
            if (o->action == TA_NONE)
                failed = take_command(o, arg);
            else if (*arg)
                o->inputs[o->inputs_len++] = arg;
            else
                failed = ta_wrong(o, "an input has an empty name", "", "", SEE_HELP);
        } else if (strcmp(arg, "--") == 0) {
            only_inputs = 1;
        } else {
            failed = (arg[1] == '-' ? ta_take_long : ta_take_letters)(o, argc, argv, &at);
        }
        if (failed) return -1;
        if (o->action >= TA_HELP) return 0;
    }
    return ta_check_rules(o);
}

void ta_options_free(ta_options *o) {
    free(o->inputs);
    o->inputs = NULL;
    ta_selection_free(&o->selection);
}

/* ---- the help text ---- */

static const char help_head[] =
    "popcl-ta makes trust anchors for popcl from the certificates of authorities.\n"
    "\n"
    "  popcl-ta gen  [OPTIONS] INPUT...    C source, to be compiled into a program\n"
    "  popcl-ta list [OPTIONS] INPUT...    the certificates, and which can be used\n"
    "\n"
    "INPUT is a PEM bundle, a DER certificate, a directory of such, or - for standard\n"
    "input. Certificates that popcl or BearSSL cannot use are left out; standard\n"
    "error has the reasons.\n"
    "The same certificates give the same output, byte for byte, until one of them\n"
    "expires. --now fixes the day, --keep-expired keeps expired certificates.\n";

static const char help_tail[] =
    "\n"
    "Exit codes\n"
    "   0  done                                 66  an input cannot be read\n"
    "   1  --verify: FILE is not up to date     73  the output cannot be created\n"
    "  64  usage                                74  the output cannot be written\n"
    "  65  damaged input, or nothing usable in it\n"
    "\n"
    "Examples\n"
    "  popcl-ta gen /etc/ssl/certs/ca-certificates.crt \\\n"
    "      --org 'Internet Security Research Group' -o anchors.c\n"
    "  popcl-ta gen my-ca.pem --verify anchors.c\n";

void ta_options_help(void (*put)(void *ctx, const char *text), void *ctx) {
    enum { COLUMN = 26 };
    char left[48];
    put(ctx, help_head);
    for (const option_row *row = options; row < options + ROWS; row++) {
        if (!row->name) {
            put(ctx, "\n");
            put(ctx, row->help);
            put(ctx, "\n");
            continue;
        }
        char letter[5] = "    ";
        if (row->letter) (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
        (void)snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name, row->shown ? " " : "",
                       row->shown ? row->shown : "");
        put(ctx, left);
        for (size_t n = strlen(left); n < COLUMN; n++)
            put(ctx, " ");
        for (const char *line = row->help; line;) {
            const char *end = strchr(line, '\n');
            char text[80];
            (void)snprintf(text, sizeof text, "%.*s\n",
                           (int)(end ? (size_t)(end - line) : strlen(line)), line);
            put(ctx, text);
            line = end ? end + 1 : NULL;
            if (line) put(ctx, "                          ");
        }
    }
    put(ctx, help_tail);
}
