/* SPDX-License-Identifier: MIT */
/* identity - see identity.h. Octets are judged one at a time, so that the result does not depend on
 * the pieces in which the header comes:
 *
 *     LINE_START --octet--> NAME --known or ':'--> VALUE --LF--> LINE_START --empty line--> BODY
 *          `--space or tab: goes on with the field before--------^
 *
 * Values are hashed unfolded, each run of blanks as one space, and blanks at the ends as nothing
 * (RFC 5322, 2.2.3). TOP and RETR may fold the same field differently. */
#include "identity.h"

#include <string.h>

enum position { LINE_START, NAME, VALUE, BODY };
enum field { OTHER, MESSAGE_ID, RECEIVED, DATE, SERVERS_OWN };

static const struct {
    const char *name;
    enum field field;
} known[] = {
    {"message-id", MESSAGE_ID},  {"received", RECEIVED},          {"date", DATE},
    {"status", SERVERS_OWN},     {"x-status", SERVERS_OWN},       {"x-uid", SERVERS_OWN},
    {"x-keywords", SERVERS_OWN}, {"content-length", SERVERS_OWN}, {"lines", SERVERS_OWN},
};

void cmd_identity_begin(cmd_identity *i) {
    memset(i, 0, sizeof *i);
    br_sha256_init(&i->named);
    br_sha256_init(&i->whole);
}

/* Adds an octet to the hashes that its field goes to. A second Message-ID goes to `whole` only,
 * which then no longer counts. */
static void hash(cmd_identity *i, char c) {
    if (i->field == SERVERS_OWN) return;
    br_sha256_update(&i->whole, &c, 1);
    if (i->field == RECEIVED || (i->field == MESSAGE_ID && !i->has_id))
        br_sha256_update(&i->named, &c, 1);
}

/* The name is complete, or longer than any known one. */
static void name_ends(cmd_identity *i) {
    size_t n = i->name_len;
    i->field = OTHER;
    while (n && i->name[n - 1] == ' ')
        n--; /* "Received :" is obsolete, and read (RFC 5322, 4.5) */
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        if (strlen(known[k].name) == n && memcmp(known[k].name, i->name, n) == 0)
            i->field = (uint8_t)known[k].field;
    }
    if (i->field != SERVERS_OWN) i->has_field = 1;
    if (i->field == RECEIVED || i->field == DATE) i->has_time = 1;
    for (n = 0; n < i->name_len; n++)
        hash(i, i->name[n]);
    hash(i, ':');
    i->space = i->value = 0;
    i->at = VALUE;
}

/* The field before is over: another field, or the body, begins. A newline, which no value holds,
 * separates it from the next one. */
static void field_ends(cmd_identity *i) {
    hash(i, '\n');
    if (i->field == MESSAGE_ID && i->value) i->has_id = 1;
    i->field = SERVERS_OWN; /* no more octets of it are hashed */
}

static void value_octet(cmd_identity *i, char c) {
    if (c == ' ' || c == '\t') {
        i->space = 1;
        return;
    }
    if (i->space && i->value) hash(i, ' ');
    i->space = 0;
    i->value = 1;
    hash(i, c);
}

static void line_ends(cmd_identity *i) {
    if (i->at == LINE_START) {
        i->at = BODY;
        return;
    }
    /* a line without a colon is no field by RFC 5322, but is hashed as one */
    if (i->at == NAME) name_ends(i);
    i->at = LINE_START;
    i->space = 1; /* the next line may go on with this field */
}

/* Lower case in ASCII, in any locale. */
static char lower(char c) {
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      small[] = "abcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(upper, c) : NULL;
    return at ? small[at - upper] : c;
}

static void octet(cmd_identity *i, char c) {
    if (i->at == LINE_START && (c == ' ' || c == '\t') && (i->has_field || i->name_len))
        i->at = VALUE;
    if (i->at == LINE_START) {
        if (i->name_len) field_ends(i);
        i->name_len = 0;
        i->at = NAME;
    }
    if (i->at == VALUE) {
        value_octet(i, c);
    } else if (c == ':') {
        name_ends(i);
    } else {
        i->name[i->name_len++] = lower(c);
        if (i->name_len == sizeof i->name) name_ends(i);
    }
}

void cmd_identity_data(cmd_identity *i, const void *p, size_t n) {
    const char *octets = p;
    for (size_t k = 0; k < n && i->at != BODY; k++) {
        char c = octets[k];
        if (c == '\n') { /* with a CR before it, or alone as some servers store it */
            i->cr = 0;
            line_ends(i);
            continue;
        }
        if (i->cr) octet(i, '\r');
        i->cr = c == '\r';
        if (!i->cr) octet(i, c);
    }
}

int cmd_identity_end(cmd_identity *i, unsigned char out[CMD_IDENTITY_OCTETS]) {
    unsigned char digest[br_sha256_SIZE];
    /* without a blank line the server kept back more of the header */
    int is_whole = i->at == BODY;
    if (i->name_len) field_ends(i);
    br_sha256_out(i->has_id ? &i->named : &i->whole, digest);
    memcpy(out, digest, CMD_IDENTITY_OCTETS);
    return is_whole && (i->has_id || i->has_time);
}
