/* SPDX-License-Identifier: MIT */
/* options - see options.h. One table has every option: its names, its value, its help text and the
 * function that takes the value. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blobform.h"
#include "nearest.h"
#include "number.h"
#include "pin.h"
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
        [TA_C] = "c", [TA_H] = "h", [TA_C_AND_H] = "c+h", [TA_PEM] = "pem", [TA_BLOB] = "blob"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) != 0) continue;
        o->format = (uint8_t)i;
        return 0;
    }
    if (strcmp(value, "bin") == 0 || strcmp(value, "json") == 0)
        return ta_wrong(o, "--format ", value, " is not in this version",
                        "give c, h, c+h, pem or blob");
    return ta_wrong(o, "--format", "", " wants c, h, c+h, pem or blob", SEE_HELP);
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

static int ta_set_time(ta_options *o, const char *name, const char *value, int64_t *utc_s) {
    if (pop_utc_read(value, utc_s) == 0 && *utc_s >= 0) return 0;
    return ta_wrong(o, name, "",
                    " wants a time like 2026-11-25 or 2026-11-25T12:00:00Z, from 1970 on",
                    SEE_HELP);
}

static int ta_set_now(ta_options *o, const char *value) {
    return ta_set_time(o, "--now", value, &o->now);
}

static int set_days(ta_options *o, const char *value) {
    uint64_t number = 0;
    const char *end = tool_number_read(value, 36500, &number);
    o->days = (int64_t)number;
    return end && !*end
               ? 0
               : ta_wrong(o, "--days", "", " wants a number of days, 0 to 36500", SEE_HELP);
}

/* A kind of key to select, or the file of a key that signs. */
static int set_key(ta_options *o, const char *value) {
    int is_kind = strcmp(value, "rsa") == 0 || strcmp(value, "ec") == 0;
    if (is_kind ? o->selection.keys != TA_ANY_KEY : o->key_file != NULL)
        return ta_wrong(o, "--key is given twice", "", "", "give it once for each purpose");
    if (is_kind)
        o->selection.keys = *value == 'r' ? TA_RSA : TA_EC;
    else
        o->key_file = value;
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

static int set_32_bits(ta_options *o, const char *name, const char *value, uint32_t *to) {
    uint64_t number = 0;
    const char *end = tool_number_read(value, UINT32_MAX, &number);
    *to = (uint32_t)number;
    return end && !*end ? 0 : ta_wrong(o, name, "", " wants a number, 0 to 4294967295", SEE_HELP);
}

static int set_sequence(ta_options *o, const char *value) {
    return set_32_bits(o, "--sequence", value, &o->sequence);
}

/* ---- a blob ---- */

static int ta_set_floor(ta_options *o, const char *value) {
    return set_32_bits(o, "--floor", value, &o->floor);
}

static int set_scope(ta_options *o, const char *value) {
    o->scope = value;
    return 0;
}

static int set_made(ta_options *o, const char *value) {
    return ta_set_time(o, "--made", value, &o->made);
}

static int set_stale(ta_options *o, const char *value) {
    if (pop_utc_read(value, &o->stale) == 0 && o->stale >= 0) return 0;
    o->stale_days = (int64_t)tool_number(value, 36500);
    return o->stale_days ? 0
                         : ta_wrong(o, "--stale", "", " wants a time, or a number of days",
                                    "give a time like 2026-11-25 or 2026-11-25T12:00:00Z, or 1 to "
                                    "36500 days without a unit, as in --stale 730");
}

static int key_number(ta_options *o, const char *name, const char *value, uint8_t *to) {
    uint64_t number = 0;
    const char *end = tool_number_read(value, POPCL_BLOB_KEYS_MAX - 1, &number);
    *to = (uint8_t)number;
    return end && !*end ? 0
                        : ta_wrong(o, name, "", " wants the number of a signer's key, 0 to 31",
                                   "it is the key's place in the policy; popcl-ta keys shows it");
}

static int set_key_number(ta_options *o, const char *value) {
    o->has_key_number = 1;
    return key_number(o, "--key-number", value, &o->key_number);
}

static int add_retired(ta_options *o, const char *value) {
    uint8_t number = 0;
    if (key_number(o, "--retire", value, &number)) return -1;
    o->retired |= (uint32_t)1 << number;
    return 0;
}

static int set_sign_with(ta_options *o, const char *value) {
    o->sign_with = value;
    return 0;
}

static int add_public(ta_options *o, const char *value) {
    o->publics[o->publics_len++] = value;
    return 0;
}

/* Reads the hash of a key up to a colon: in a form of pin.h, or the 64 hexadecimal digits alone.
 * Returns the text after it, or NULL. */
static const char *read_hash(const char *text, unsigned char hash[32]) {
    static const char lead[] = "sha256:";
    enum { LEAD = sizeof lead - 1, DIGITS = 64 };
    char whole[LEAD + DIGITS];
    size_t n = strncmp(text, lead, LEAD) == 0 ? LEAD : 0;
    n += strcspn(text + n, ":");
    if (n == DIGITS) {
        memcpy(whole, lead, LEAD);
        memcpy(whole + LEAD, text, DIGITS);
        return tool_pin_read(whole, sizeof whole, hash) ? NULL : text + n;
    }
    return tool_pin_read(text, n, hash) ? NULL : text + n;
}

/* Takes ":DATE", ":" or nothing from the text at *at. Returns -1 if it is no date of a blob. */
static int take_day(const char **at, uint16_t *day) {
    char date[32];
    int64_t utc_s = 0;
    if (**at != ':') return 0;
    size_t n = strcspn(++*at, ":");
    if (n == 0) return 0;
    if (n >= sizeof date) return -1;
    memcpy(date, *at, n);
    date[n] = '\0';
    *at += n;
    if (pop_utc_read(date, &utc_s) || utc_s < 0 || utc_s / 86400 > TA_DAY_MAX) return -1;
    *day = (uint16_t)(utc_s / 86400);
    return 0;
}

static int ta_add_named(ta_options *o, ta_named_keys *keys, const ta_named_key *one) {
    ta_named_key *grown = realloc(keys->list, (keys->len + 1) * sizeof *grown);
    if (!grown) return ta_wrong(o, "out of memory", "", "", "");
    keys->list = grown;
    keys->list[keys->len++] = *one;
    return 0;
}

static int add_pin(ta_options *o, const char *value) {
    ta_named_key one = {.until = TA_DAY_MAX};
    const char *at = read_hash(value, one.hash);
    if (!at || take_day(&at, &one.from) || take_day(&at, &one.until) || *at)
        return ta_wrong(o, "--pin", "", " wants HEX, HEX:FROM or HEX:FROM:UNTIL",
                        "HEX is the SHA-256 of the key (popcl-ta list: pin), also as sha256:HEX or "
                        "sha256//BASE64; FROM and UNTIL are dates like 2026-11-25, to 2149");
    if (one.from > one.until)
        return ta_wrong(o, "--pin", "", " ends before it begins", "give FROM, then UNTIL");
    return ta_add_named(o, &o->pinned, &one);
}

static int add_denied(ta_options *o, const char *value) {
    ta_named_key one = {.until = TA_DAY_MAX};
    const char *at = read_hash(value, one.hash);
    if (at && !*at) return ta_add_named(o, &o->denied, &one);
    return ta_wrong(o, "--deny", "", " wants the SHA-256 of a key: 64 hexadecimal digits",
                    "popcl-ta list shows it: pin");
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

/* The authorities of providers, by their O=: docs/PROVIDERS.md has where that is from. */
static const struct {
    const char *name, *organization; /* "" = the provider has no POP3 */
} presets[] = {
    {"gmail", "Google Trust Services LLC"},
    {"gmail", "GlobalSign"},
    {"microsoft", "DigiCert Inc"},
    {"yahoo", "DigiCert Inc"},
    {"aol", "DigiCert Inc"},
    {"att", "DigiCert Inc"},
    {"gmx", "T-Systems Enterprise Services GmbH"},
    {"webde", "T-Systems Enterprise Services GmbH"},
    {"t-online", "T-Systems Enterprise Services GmbH"},
    {"yandex", "GlobalSign"},
    {"mailru", "GlobalSign"},
    {"letsencrypt", "Internet Security Research Group"},
    {"icloud", ""},
    {"proton", ""},
};

/* Returns whether an earlier row has the same organization. */
static int is_repeated(size_t row) {
    for (size_t i = 0; i < row; i++)
        if (strcmp(presets[i].organization, presets[row].organization) == 0) return 1;
    return 0;
}

static int set_preset(ta_options *o, const char *value) {
    int all = strcmp(value, "all") == 0, found = 0;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        const char *organization = presets[i].organization;
        if (all ? !*organization || is_repeated(i) : strcmp(value, presets[i].name) != 0) continue;
        if (!*organization)
            return ta_wrong(o, "--preset: ", value, " has no POP3",
                            "docs/PROVIDERS.md has the list");
        if (add_text(o, TA_ORG, organization)) return -1;
        found = 1;
    }
    return found ? 0
                 : ta_wrong(o, "--preset", "", " wants the name of a provider",
                            "give gmail, microsoft, yahoo, aol, att, gmx, webde, t-online, yandex, "
                            "mailru, letsencrypt or all; for another server popcl-ta for-host "
                            "finds the anchor");
}

static int set_bundle(ta_options *o, const char *value) {
    o->bundle = value;
    return 0;
}

static int set_filter(ta_options *o, const char *value) {
    o->selection.filter_file = value;
    return 0;
}

/* ---- the table ---- */

/* The commands, a bit each. */
#define IN(action) (1u << TA_##action)
#define SETS       (IN(GEN) | IN(LIST) | IN(CHECK) | IN(DIFF))
#define SERVER     (IN(FOR_HOST) | IN(FOR_CHAIN))
#define TRUST      (IN(GEN) | SERVER)
#define MAKERS     (TRUST | IN(KEYS))
#define ALL        (SETS | SERVER | IN(SIGN) | IN(KEYS))

typedef struct option_row {
    const char *name;
    char letter;      /* 0 = none */
    uint8_t many;     /* may be given again */
    uint8_t only;     /* 1 = gen takes it only with --format blob; 2 = only with a text format */
    uint16_t actions; /* of IN: the commands that it is for */
    size_t flag;      /* offset in ta_options of a uint8_t that becomes `value`, if set is NULL */
    uint8_t value;
    int (*set)(ta_options *o, const char *value);
    const char *shown; /* the value's name */
    const char *help;  /* lines after the first are indented by the printer; a row without a name is
                          a heading */
} option_row;

enum { ANY_FORMAT, OF_BLOB, OF_TEXT };

#define FLAG(name) offsetof(ta_options, name)
#define HEADING(text)                                                                              \
    { NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, text }
static const option_row options[] = {
    HEADING("For one server (for-host, for-chain)"),
    {"bundle", 0, 0, ANY_FORMAT, SERVER, 0, 0, set_bundle, "FILE",
     "take the anchor from these authorities: a PEM\nbundle, a DER file or a directory"},
    {"stls", 0, 0, ANY_FORMAT, IN(FOR_HOST), FLAG(stls), 1, NULL, NULL,
     "STLS, on port 110; default: POP3S, on port 995"},
    HEADING("Which certificates (default: all)"),
    {"preset", 0, 1, ANY_FORMAT, SETS, 0, 0, set_preset, "NAME",
     "those of a large provider: gmail, microsoft, yahoo,\naol, att, gmx, webde, t-online, yandex, "
     "mailru,\nletsencrypt, or all of them; may be repeated"},
    {"org", 0, 1, ANY_FORMAT, SETS, 0, 0, add_org, "TEXT",
     "with TEXT in their organization (O=); may be repeated"},
    {"cn", 0, 1, ANY_FORMAT, SETS, 0, 0, add_cn, "TEXT",
     "with TEXT in their common name (CN=); may be repeated"},
    {"sha256", 0, 1, ANY_FORMAT, SETS, 0, 0, add_sha256, "HEX",
     "with this fingerprint; may be repeated"},
    {"filter", 0, 0, ANY_FORMAT, SETS, 0, 0, set_filter, "FILE",
     "that match a line of FILE: org=TEXT, cn=TEXT,\nsha256=HEX, or TEXT; # begins a "
     "comment.\nfamily=HEX,HEX,... is a family of --siblings"},
    {"siblings", 0, 0, ANY_FORMAT, SETS, FLAG(selection.siblings), 1, NULL, NULL,
     "and the rest of their families: roots that will\nfollow, and spare ones. A family has one "
     "organization,\nor is a line of --filter. A root whose certificate\nby a root of the family "
     "is in the input joins it"},
    {"exclude", 0, 1, ANY_FORMAT, SETS, 0, 0, add_exclude, "WHAT",
     "except these: as a line of --filter; may be repeated"},
    {"key", 0, 1, ANY_FORMAT, SETS | IN(SIGN), 0, 0, set_key, "rsa|ec",
     "only with this kind of key"},
    {"max-certs", 0, 0, ANY_FORMAT, IN(GEN) | IN(LIST), 0, 0, set_max_certs, "N",
     "at most N: earlier patterns first, then small\ncertificates first"},
    {"max-bytes", 0, 0, ANY_FORMAT, IN(GEN) | IN(LIST) | IN(CHECK), 0, 0, set_max_bytes, "N",
     "at most N bytes of entries and tables on a 32-bit\nmachine, or of the whole blob; in the "
     "order of\n--max-certs. check: a larger blob is a fault"},
    HEADING("Policy"),
    {"keep-expired", 0, 0, ANY_FORMAT, SETS, FLAG(keep_expired), 1, NULL, NULL,
     "keep expired certificates"},
    {"min-days", 0, 0, ANY_FORMAT, IN(GEN) | IN(LIST) | IN(DIFF), 0, 0, set_min_days, "N",
     "refuse certificates that expire within N days"},
    {"now", 0, 0, ANY_FORMAT, SETS | SERVER, 0, 0, ta_set_now, "TIME",
     "judge for the time TIME (RFC 3339, or a date);\ndefault: the clock"},
    {"allow-leaf", 0, 0, ANY_FORMAT, SETS, FLAG(allow_leaf), 1, NULL, NULL,
     "take certificates of servers too, and trust them\ndirectly, without an authority. If one has "
     "no\nsubjectAltName and the server shows just that\ncertificate, its common name counts"},
    {"days", 0, 0, ANY_FORMAT, IN(CHECK), 0, 0, set_days, "N",
     "check: report what ends within N days; default 30"},
    HEADING("Output"),
    {"output", 'o', 0, ANY_FORMAT, MAKERS | IN(SIGN), 0, 0, set_output, "FILE",
     "write to FILE, at once and whole, or not at all;\ndefault: standard output"},
    {"format", 0, 0, ANY_FORMAT, MAKERS, 0, 0, set_format, "KIND",
     "c (default), h (its declaration), c+h (both: FILE and\nFILE with .h), pem, blob (signed "
     "trust for devices)"},
    {"prefix", 0, 0, OF_TEXT, MAKERS, 0, 0, set_prefix, "NAME",
     "names begin with NAME; default ca, as in ca_trust"},
    {"section", 0, 0, OF_TEXT, MAKERS, 0, 0, set_section, "ATTR",
     "put the bytes into section ATTR (.flash2), or give\nthem this attribute; tables stay in "
     ".rodata"},
    {"sequence", 0, 0, ANY_FORMAT, TRUST, 0, 0, set_sequence, "N",
     "number of this set: a later set has a larger one;\ndefault 0"},
    {"verify", 0, 0, ANY_FORMAT, MAKERS, 0, 0, NULL, "FILE",
     "write nothing; exit 1 if FILE differs from the output.\nA blob's signature is checked, with "
     "--public or the\npublic key of --key; --sign-with is not run"},
    {"pins", 0, 0, ANY_FORMAT, IN(GEN), FLAG(pins), 1, NULL, NULL,
     "pins of the keys (SHA-256 of SubjectPublicKeyInfo)\ninstead of anchors: give the server's "
     "own certificates"},
    HEADING("A blob (--format blob)"),
    {"scope", 0, 0, OF_BLOB, TRUST | IN(CHECK), 0, 0, set_scope, "LABEL",
     "the product that it is for"},
    {"floor", 0, 0, OF_BLOB, TRUST, 0, 0, ta_set_floor, "N",
     "sets with a number below N are refused once this one\nis there; default 0"},
    {"made", 0, 0, OF_BLOB, TRUST, 0, 0, set_made, "TIME",
     "when it is signed: a clock that shows less is wrong.\nNot later than the default: --now, or "
     "the clock"},
    {"stale", 0, 0, OF_BLOB, TRUST, 0, 0, set_stale, "TIME",
     "from when it needs a successor: a time, or a number\nof days; default: never"},
    {"pin", 0, 1, OF_BLOB, IN(GEN), 0, 0, add_pin, "HEX[:FROM[:UNTIL]]",
     "a pin of the server's key, with its first and last\nday; may be repeated. INPUT may then be "
     "missing.\nHEX may be sha256:HEX or sha256//BASE64 too"},
    {"deny", 0, 1, OF_BLOB, TRUST, 0, 0, add_denied, "HEX",
     "a key that is refused in every chain; may be repeated"},
    {"retire", 0, 1, OF_BLOB, TRUST, 0, 0, add_retired, "NUMBER",
     "this key signs no more; may be repeated. Its number is\nsmaller than the signer's"},
    {"key-number", 0, 0, OF_BLOB, TRUST | IN(SIGN) | IN(CHECK), 0, 0, set_key_number, "NUMBER",
     "the signer's key: its place in the policy; default 0.\ncheck: the number of the first key of "
     "--public"},
    {"key", 0, 1, ANY_FORMAT, SETS | SERVER | IN(SIGN), 0, 0, set_key, "FILE",
     "sign with this private key: P-256, PEM, not encrypted"},
    {"sign-with", 0, 0, OF_BLOB, TRUST | IN(SIGN), 0, 0, set_sign_with, "CMD",
     "sign with a command. It gets the octets to be signed\non standard input, and writes an ECDSA "
     "signature with\nSHA-256 in DER to standard output. It needs --public"},
    {"public", 0, 1, OF_BLOB, TRUST | IN(SIGN) | IN(CHECK), 0, 0, add_public, "FILE",
     "public key (PEM) that the signature must fit. check:\nmay be repeated, in the order of key "
     "numbers"},
    HEADING("Other"),
    {"quiet", 'q', 0, ANY_FORMAT, ALL, FLAG(quiet), 1, NULL, NULL, "report only errors"},
    {"verbose", 'v', 0, ANY_FORMAT, ALL, FLAG(verbose), 1, NULL, NULL,
     "also report certificates that are not selected"},
    {"help", 'h', 0, ANY_FORMAT, ALL, FLAG(action), TA_HELP, NULL, NULL, "this text"},
    {"version", 'V', 0, ANY_FORMAT, ALL, FLAG(action), TA_VERSION, NULL, NULL, "the version"},
};
#undef FLAG
#undef HEADING

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

/* It names the mistyped option only if that cannot be a secret, and never its value. */
static int ta_unknown(ta_options *o, const char *text, size_t n) {
    char name[TOOL_WORD_MAX + 3];
    tool_nearest search = tool_nearest_begin(text, n);
    if (!n || !tool_is_word(text, n))
        return ta_wrong(o, "there is no such long option", "", "", SEE_HELP);
    for (const option_row *row = options; row < options + ROWS; row++)
        if (row->name) tool_nearest_try(&search, row->name);
    (void)snprintf(name, sizeof name, "--%.*s", (int)n, text);
    (void)snprintf(o->hint, sizeof o->hint, "the nearest one is --%s; " SEE_HELP,
                   search.name ? search.name : "");
    return ta_wrong(o, "there is no option ", name, "", search.name ? o->hint : SEE_HELP);
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
    return ta_unknown(o, text, n);
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

#define SEE_COMMANDS "popcl-ta gen INPUT... or popcl-ta list INPUT...; " SEE_HELP

static const struct {
    const char *name;
    ta_action action;
    size_t least, most; /* inputs; most 0 = any number */
} commands[] = {
    {"gen", TA_GEN, 1, 0},           {"list", TA_LIST, 1, 0},           {"check", TA_CHECK, 1, 0},
    {"diff", TA_DIFF, 2, 2},         {"sign", TA_SIGN, 1, 1},           {"keys", TA_KEYS, 1, 0},
    {"for-host", TA_FOR_HOST, 1, 1}, {"for-chain", TA_FOR_CHAIN, 1, 1},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int take_command(ta_options *o, const char *name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0) continue;
        o->action = (uint8_t)commands[i].action;
        return 0;
    }
    return ta_wrong(o, "there is no command ", name, "", SEE_COMMANDS);
}

/* Options that exclude each other. */
static const struct {
    const char *a, *b;
} exclusive[] = {{"output", "verify"}, {"keep-expired", "min-days"}, {"keep-expired", "now"},
                 {"quiet", "verbose"}, {"sign-with", "key"},         {"pins", "max-bytes"}};

/* Returns whether it is the name of a C file, for whose header an #include can be written. */
static int is_c_name(const char *name) {
    size_t n = name ? strlen(name) : 0;
    return n >= 3 && strcmp(name + n - 2, ".c") == 0 && !strpbrk(name, "\"\\\n\r");
}

/* Returns whether the command makes a set of trust. */
static int makes_trust(const ta_options *o) { return TRUST >> o->action & 1; }

/* Each option must be for the command and for the format. */
static int check_rows(ta_options *o, const char *command) {
    char name[32], text[64];
    for (const option_row *row = options; row < options + ROWS; row++) {
        if (!row->name || !(o->given >> (row - options) & 1)) continue;
        (void)snprintf(text, sizeof text, "%s takes no %s", command, ta_called(row, name));
        if (!(row->actions >> o->action & 1))
            return ta_wrong(o, text, "", "",
                            strcmp(row->name, "bundle") == 0
                                ? "give FILE without --bundle: it is an INPUT here"
                                : SEE_HELP);
        if (makes_trust(o) && row->only == OF_BLOB && o->format != TA_BLOB)
            return ta_wrong(o, "", ta_called(row, name), " is for --format blob",
                            strcmp(row->name, "pin") == 0
                                ? "for C source give the server's certificate, with --pins"
                                : SEE_HELP);
        if (row->only == OF_TEXT && o->format == TA_BLOB)
            return ta_wrong(o, "", ta_called(row, name), " is not for --format blob", SEE_HELP);
    }
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++) {
        if (!given(o, exclusive[i].a) || !given(o, exclusive[i].b)) continue;
        (void)snprintf(text, sizeof text, "--%s and --%s", exclusive[i].a, exclusive[i].b);
        return ta_wrong(o, "", text, " exclude each other", "give one of them");
    }
    return 0;
}

/* How a blob is signed, or that its signature is judged. */
static int check_signer(ta_options *o) {
    int signs = o->action == TA_SIGN || (makes_trust(o) && o->format == TA_BLOB);
    if (o->key_file && !signs)
        return ta_wrong(o, "--key wants rsa or ec", "", "",
                        "a key that signs is for sign, and for gen --format blob");
    if (o->action == TA_SIGN && !o->key_file && !o->sign_with)
        return ta_wrong(o, "sign wants --key FILE, or --sign-with CMD", "", "", SEE_HELP);
    if (o->action == TA_SIGN && o->selection.keys != TA_ANY_KEY)
        return ta_wrong(o, "sign wants --key with the file of a key", "", "",
                        "a file of the name rsa or ec is ./rsa or ./ec");
    if (o->sign_with && o->publics_len == 0)
        return ta_wrong(o, "--sign-with wants --public FILE", "", "",
                        "the signature is checked with that key before anything is written");
    if (o->action == TA_CHECK && o->has_key_number && o->publics_len == 0)
        return ta_wrong(o, "--key-number wants --public FILE", "", "",
                        "it is the number of the first key of --public");
    if (signs && o->publics_len > 1)
        return ta_wrong(o, "--public is given twice", "", "", "give the key of the one signer");
    return 0;
}

static int check_blob(ta_options *o) {
    if (!makes_trust(o) || o->format != TA_BLOB) return 0;
    if (!o->scope)
        return ta_wrong(o, "--format blob wants --scope LABEL", "", "",
                        "LABEL names the product, as popcl_blob_policy.scope does");
    if (!given(o, "sequence"))
        return ta_wrong(o, "--format blob wants --sequence N", "", "",
                        "N is larger than that of the last set: a device takes no smaller one");
    if (o->floor > o->sequence)
        return ta_wrong(o, "--floor is above --sequence", "", "",
                        "a device would refuse this set itself");
    if (o->retired >> o->key_number)
        return ta_wrong(o, "--retire has the number of the key that signs, or a larger one", "", "",
                        "a key retires only smaller numbers: give another --key-number");
    o->selection.blob_bytes =
        POPCL_BLOB_HEAD + TA_BLOB_ROW * (size_t)(o->pinned.len + o->denied.len);
    return 0;
}

static int check_inputs(ta_options *o, size_t command) {
    char text[64];
    if (o->inputs_len == 0 && o->action == TA_KEYS)
        return ta_wrong(o, "keys wants the file of a public key", "", "",
                        "openssl pkey -in signer.pem -pubout makes it of the signer's private key");
    if (o->inputs_len == 0 && SERVER >> o->action & 1)
        return ta_wrong(o, commands[command].name, "", " wants a server",
                        o->action == TA_FOR_HOST
                            ? "give HOST, HOST:PORT or [IPV6]:PORT"
                            : "give the certificates that it sends, in a file (PEM), or -");
    if (o->inputs_len == 0 && !o->pinned.len && o->action != TA_SIGN)
        return ta_wrong(o, "the input is missing", "", "",
                        o->action == TA_GEN
                            ? "give certificates (PEM, DER, a directory, or - for standard input), "
                              "or for a blob --pin with the hash of a key"
                            : "give a PEM bundle, a DER file or a directory, or - for standard "
                              "input");
    size_t least = o->pinned.len ? 0 : commands[command].least, most = commands[command].most;
    if (o->inputs_len >= least && (most == 0 || o->inputs_len <= most)) return 0;
    (void)snprintf(text, sizeof text, "%s wants %zu input%s", commands[command].name, least,
                   least == 1 ? "" : "s");
    return ta_wrong(o, text, "", "", SEE_HELP);
}

static int ta_check_rules(ta_options *o) {
    size_t command = 0;
    if (o->action == TA_NONE) return ta_wrong(o, "the command is missing", "", "", SEE_COMMANDS);
    while (commands[command].action != o->action)
        command++;
    if (check_rows(o, commands[command].name) || check_signer(o) || check_blob(o) ||
        check_inputs(o, command))
        return -1;
    if (SERVER >> o->action & 1 && !o->bundle)
        return ta_wrong(o, commands[command].name, "", " wants --bundle FILE",
                        "the anchor is one of these authorities; the system's are often in "
                        "/etc/ssl/certs/ca-certificates.crt");
    if (o->action == TA_KEYS && o->format > TA_C_AND_H)
        return ta_wrong(o, "keys takes --format c, h or c+h", "", "", SEE_HELP);
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
    o->now = o->made = INT64_MIN;
    o->days = 30;
    o->inputs = calloc((size_t)argc + 1, sizeof *o->inputs);
    o->publics = calloc((size_t)argc + 1, sizeof *o->publics);
    if (!o->inputs || !o->publics) return ta_wrong(o, "out of memory", "", "", "");
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
    free(o->publics);
    free(o->pinned.list);
    free(o->denied.list);
    o->inputs = o->publics = NULL;
    memset(&o->pinned, 0, sizeof o->pinned);
    memset(&o->denied, 0, sizeof o->denied);
    ta_selection_free(&o->selection);
}

/* ---- the help text ---- */

static const char help_head[] =
    "popcl-ta makes trust anchors for popcl from the certificates of authorities.\n"
    "\n"
    "  popcl-ta gen   [OPTIONS] INPUT...   C source, for a program, or a blob, to be\n"
    "                                      sent to devices\n"
    "  popcl-ta for-host  --bundle FILE [OPTIONS] HOST[:PORT]\n"
    "  popcl-ta for-chain --bundle FILE [OPTIONS] CHAIN\n"
    "                                      the same with the one anchor for a server;\n"
    "                                      CHAIN has the certificates that it sends\n"
    "  popcl-ta list  [OPTIONS] INPUT...   the certificates, and which can be used\n"
    "  popcl-ta check [OPTIONS] INPUT...   faults, and the parts that soon end\n"
    "  popcl-ta diff  [OPTIONS] OLD NEW    anchors that came, went or changed\n"
    "  popcl-ta sign  [OPTIONS] BLOB       the blob with a signature\n"
    "  popcl-ta keys  [OPTIONS] FILE...    C source of public keys of signers (PEM)\n"
    "\n"
    "INPUT is a PEM bundle, a DER certificate, a directory of such, or - for standard\n"
    "input. For list, check and diff it may also be a blob, or C source that gen\n"
    "wrote. Certificates that popcl or BearSSL cannot use are left out; standard\n"
    "error has the reasons.\n"
    "The same certificates give the same output, byte for byte, until one of them\n"
    "expires. --now fixes the day, --keep-expired keeps expired certificates. For the\n"
    "same blob give --made too.\n";

static const char help_tail[] =
    "\n"
    "Exit codes\n"
    "   0  done                                 66  an input cannot be read\n"
    "   1  check, diff, --verify: found some    69  --sign-with failed; no server\n"
    "  64  usage                                73  the output cannot be created\n"
    "  65  damaged input, or nothing usable     74  the output cannot be written\n"
    "\n"
    "Examples\n"
    "  popcl-ta gen /etc/ssl/certs/ca-certificates.crt \\\n"
    "      --org 'Internet Security Research Group' -o anchors.c\n"
    "  popcl-ta for-host mail.example.org \\\n"
    "      --bundle /etc/ssl/certs/ca-certificates.crt -o anchors.c\n"
    "  popcl-ta gen my-ca.pem --verify anchors.c\n"
    "  popcl-ta gen my-ca.pem --format blob --scope my-product --sequence 7 \\\n"
    "      --key signer.pem -o trust.ptb\n";

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
        size_t used = strlen(left);
        if (used >= COLUMN) {
            put(ctx, "\n");
            used = 0;
        }
        for (; used < COLUMN; used++)
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
