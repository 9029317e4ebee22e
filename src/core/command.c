/* SPDX-License-Identifier: MIT */
/* command - see command.h. A line is written whole or not at all, so that only a checked line is
 * sent. A RESPONSE alone may be written in pieces. */
#include "command.h"

#include <string.h>

#include "reply.h"
#include "text.h"
#include "zero.h"

/* From TEXT on, a line may have POPCL_COMMAND_MAX octets. From SECRET on, it may have a secret. */
enum arguments {
    NONE,
    NUMBER,
    NUMBER_OR_NONE,
    NUMBER_LINES,
    TEXT,
    SECRET,
    TEXT_SECRET,
    TEXT_SECRET_OR_NONE,
    SECRET_ALONE
};

#define A POPCL_IN_AUTHORIZATION
#define T POPCL_IN_TRANSACTION
#define C POPCL_BEFORE_TLS
#define X POPCL_IN_EXCHANGE
const popcl_verb_row popcl_verbs[POPCL_VERBS] = {
    [POPCL_USER] = {"USER", A, TEXT, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_PASS] = {"PASS", A, SECRET, POPCL_FORM_TEXT, POPCL_SINGLE, 1},
    [POPCL_APOP] = {"APOP", A, TEXT_SECRET, POPCL_FORM_TEXT, POPCL_SINGLE, 1},
    [POPCL_AUTH] = {"AUTH", A, TEXT_SECRET_OR_NONE, POPCL_FORM_CHALLENGE, POPCL_SINGLE, 1},
    [POPCL_RESPONSE] = {"AUTH", X, SECRET_ALONE, POPCL_FORM_CHALLENGE, POPCL_SINGLE, 1},
    [POPCL_START_TLS] = {"STLS", C, NONE, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_CAPA] = {"CAPA", C | A | T, NONE, POPCL_FORM_CAPA, POPCL_LINES, 0},
    [POPCL_STAT] = {"STAT", T, NONE, POPCL_FORM_STAT, POPCL_SINGLE, 0},
    [POPCL_LIST] = {"LIST", T, NUMBER_OR_NONE, POPCL_FORM_LIST, POPCL_LINES, 0},
    [POPCL_UIDL] = {"UIDL", T, NUMBER_OR_NONE, POPCL_FORM_UIDL, POPCL_LINES, 0},
    [POPCL_RETR] = {"RETR", T, NUMBER, POPCL_FORM_TEXT, POPCL_BODY, 0},
    [POPCL_TOP] = {"TOP", T, NUMBER_LINES, POPCL_FORM_TEXT, POPCL_BODY, 0},
    [POPCL_DELE] = {"DELE", T, NUMBER, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_NOOP] = {"NOOP", T, NONE, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_RSET] = {"RSET", T, NONE, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_QUIT] = {"QUIT", C | A | T, NONE, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_UTF8] = {"UTF8", A, NONE, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
    [POPCL_LANG] = {"LANG", A | T, TEXT, POPCL_FORM_TEXT, POPCL_SINGLE, 0},
};
#undef A
#undef T
#undef C
#undef X

const char *popcl_verb_name(popcl_verb v) {
    return (unsigned)v < POPCL_VERBS ? popcl_verbs[v].name : "";
}

/* A line that is being written. The first error stays. */
typedef struct line {
    unsigned char *buf;
    size_t len;
    popcl_err err;
} line;

static void command_put(line *l, const void *p, size_t n) {
    if (l->err) return;
    if (n > POPCL_COMMAND_MAX - 2 - l->len) {
        l->err = POPCL_ERR_COMMAND_LENGTH;
        return;
    }
    memcpy(l->buf + l->len, p, n);
    l->len += n;
}

/* Adds a space and an argument. */
static void put_argument(line *l, const void *p, size_t n) {
    if (!l->err && (n == 0 || !p || popcl_has_line_end(p, n))) l->err = POPCL_ERR_ARGUMENT_OCTET;
    command_put(l, " ", 1);
    command_put(l, p, n);
}

static void command_put_number(line *l, uint32_t value) {
    char digits[10];
    size_t at = sizeof digits;
    do {
        /* A tenth, or one less, by shifts. This file also writes secrets, and no object that does
         * so has an instruction whose time depends on its data. */
        uint32_t tenth = value - (value >> 2);
        tenth += tenth >> 4;
        tenth += tenth >> 8;
        tenth += tenth >> 16;
        tenth >>= 3;
        uint32_t digit = value - tenth * 10;
        if (digit > 9) tenth++, digit -= 10;
        digits[--at] = (char)('0' + digit);
        value = tenth;
    } while (value);
    put_argument(l, digits + at, sizeof digits - at);
}

static void put_message(line *l, uint32_t number) {
    if (number == 0) l->err = POPCL_ERR_MESSAGE_NUMBER;
    command_put_number(l, number);
}

/* Reads the secret straight into the line. Its end shows only when one byte more is read. If there
 * is no room left, that byte goes to the place of the CRLF. */
static void put_secret(line *l, const popcl_secret *s) {
    command_put(l, " ", 1);
    size_t n = 1;
    for (size_t off = 0; !l->err && n; off += n) {
        size_t room = POPCL_COMMAND_MAX - 2 - l->len;
        l->err = popcl_secret_read(s, off, l->buf + l->len, room ? room : 1, &n);
        if (!l->err && off + n == 0) l->err = POPCL_ERR_CREDENTIAL_OCTET;
        if (!l->err && n && !room) l->err = POPCL_ERR_COMMAND_LENGTH;
        if (!l->err) l->len += n;
    }
}

size_t popcl_command_room(const popcl_command *c) {
    return popcl_verbs[c->verb].arguments >= TEXT ? POPCL_COMMAND_MAX : POPCL_COMMAND_SHORT;
}

uint32_t popcl_command_number(const popcl_command *c) {
    unsigned arguments = popcl_verbs[c->verb].arguments;
    return arguments == NUMBER || arguments == NUMBER_OR_NONE || arguments == NUMBER_LINES
               ? c->number
               : 0;
}

const popcl_secret *popcl_command_secret(const popcl_command *c) {
    const popcl_secret *s = popcl_verbs[c->verb].arguments >= SECRET ? c->secret : NULL;
    return s && (s->octets || s->get) ? s : NULL;
}

/* LIST and UIDL with a number are answered by one line (RFC 1939, 5 and 7). */
enum popcl_reply_shape popcl_command_shape(const popcl_command *c) {
    const popcl_verb_row *row = &popcl_verbs[c->verb];
    if (row->arguments == NUMBER_OR_NONE && c->number) return POPCL_SINGLE;
    if (c->verb == POPCL_AUTH && !popcl_command_secret(c)) return POPCL_SINGLE_OR_CHALLENGE;
    return (enum popcl_reply_shape)row->shape;
}

popcl_err popcl_response_write(const popcl_secret *s, size_t off, unsigned char *buf, size_t room,
                               popcl_line *written) {
    size_t most = room - 2, len = 0, n = s != NULL;
    /* a borrowed secret is checked as a whole before any piece of it is sent */
    int is_first = s && s->octets && off == 0;
    popcl_err e = is_first && popcl_has_line_end(s->octets, popcl_secret_len(s))
                      ? POPCL_ERR_CREDENTIAL_OCTET
                      : POPCL_OK;
    memset(written, 0, sizeof *written);
    written->read_secret = s != NULL;
    while (n && len < most && !e) {
        e = popcl_secret_read(s, off + len, buf + len, most - len, &n);
        len += n;
    }
    if (!e && s && off + len == 0) e = POPCL_ERR_CREDENTIAL_OCTET;
    if (e) {
        popcl_zero(buf, room);
        return e;
    }
    written->secret_to = written->len = len;
    written->goes_on = n != 0;
    if (n) return POPCL_OK;
    memcpy(buf + len, "\r\n", 2);
    written->len += 2;
    return POPCL_OK;
}

popcl_err popcl_command_write(const popcl_command *c, unsigned char *buf, size_t room,
                              popcl_line *written) {
    const popcl_verb_row *row = &popcl_verbs[c->verb];
    const popcl_secret *secret = popcl_command_secret(c);
    line l = {.buf = buf};
    if (row->arguments == SECRET_ALONE) return popcl_response_write(secret, 0, buf, room, written);
    memset(written, 0, sizeof *written);
    command_put(&l, row->name, strlen(row->name));
    switch (row->arguments) {
    case NUMBER_OR_NONE:
        if (c->number) command_put_number(&l, c->number);
        break;
    case NUMBER: put_message(&l, c->number); break;
    case NUMBER_LINES:
        put_message(&l, c->number);
        command_put_number(&l, c->lines);
        break;
    case TEXT:
    case TEXT_SECRET:
    case TEXT_SECRET_OR_NONE: put_argument(&l, c->text, c->text_len); break;
    default: break;
    }
    written->secret_from = l.len;
    if (secret) {
        written->secret_from++; /* after the space */
        written->read_secret = !l.err;
        put_secret(&l, secret);
    } else if (row->arguments == SECRET || row->arguments == TEXT_SECRET) {
        l.err = POPCL_ERR_ARGUMENT_OCTET;
    }
    if (l.err) {
        popcl_zero(buf, popcl_command_room(c));
        return l.err;
    }
    memcpy(buf + l.len, "\r\n", 2);
    written->secret_to = l.len;
    written->len = l.len + 2;
    return POPCL_OK;
}
