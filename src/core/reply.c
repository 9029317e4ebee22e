/* SPDX-License-Identifier: MIT */
/* reply - see reply.h. Three small readers share the octets of a line: for the response code, the
 * fields, and the capability words. A word of a CAPA line is kept in r->text, like a text or a UID.
 * No reply has two of these. */
#include "reply.h"

#include <string.h>

#include "uid.h"

enum field { AT_START, IN_NUMBER, IN_GAP, IN_SIZE, IN_UID, IN_REST };
enum code_at { CODE_FIRST, CODE_LEVEL_START, CODE_LEVEL, CODE_OVER };

/* Lists of words. Each word ends with a NUL, and each list with an empty word. */
/* in the order of popcl_code, from 1 on */
static const char code_words[] = "IN-USE\0LOGIN-DELAY\0SYS/TEMP\0SYS/PERM\0SYS\0AUTH\0UTF8\0";
static const char status_words[] = "+OK\0-ERR\0";
static const char capa_words[] =
    "TOP\0USER\0SASL\0RESP-CODES\0LOGIN-DELAY\0PIPELINING\0EXPIRE\0UIDL\0STLS\0AUTH-RESP-"
    "CODE\0UTF8\0LANG\0";
static const char sasl_words[] = "PLAIN\0LOGIN\0CRAM-MD5\0SCRAM-SHA-1\0SCRAM-SHA-256\0SCRAM-SHA-1-"
                                 "PLUS\0SCRAM-SHA-256-PLUS\0XOAUTH2\0"
                                 "OAUTHBEARER\0DIGEST-MD5\0EXTERNAL\0NTLM\0GSSAPI\0ANONYMOUS\0";

static unsigned upper(unsigned c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; }

/* Returns the index of a whole word in a list, without regard to case (RFC 2449, 4 and 8); -1 = it
 * is not in the list. */
static int find_word(const char *list, const char *p, size_t n) {
    for (int found = 0; *list; found++, list += strlen(list) + 1) {
        size_t i = 0;
        while (i < n && upper((unsigned char)p[i]) == (unsigned char)list[i])
            i++;
        if (i == n && !list[i]) return found;
    }
    return -1;
}

static const char *nth_word(const char *list, unsigned n) {
    while (*list && n--)
        list += strlen(list) + 1;
    return *list ? list : NULL;
}

const char *popcl_capa_name(unsigned n) { return nth_word(capa_words, n); }

const char *popcl_sasl_name(unsigned n) { return nth_word(sasl_words, n); }

static void drop_text(popcl_reply *r) {
    r->text_len = 0;
    r->text[0] = 0;
}

/* ---- response codes: [LEVEL/LEVEL...] right after -ERR (RFC 2449, 8). The text is kept from its
 * bracket on. ---- */

static void code_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    int separator = c == '/' || c == ']';
    if (x->code == CODE_FIRST) {
        drop_text(r); /* octets of the status itself, if they were kept */
        x->code = c == '[' ? CODE_LEVEL_START : CODE_OVER;
        return;
    }
    /* malformed: then it is text */
    if (c <= 0x20 || c > 0x7e || (separator && x->code == CODE_LEVEL_START)) {
        r->code = POPCL_CODE_NONE;
        x->code = CODE_OVER;
        return;
    }
    if (separator) {
        /* after an unknown level the code of the level above stays */
        int found = find_word(code_words, r->text + 1, r->text_len - 1u);
        if (found >= 0) r->code = (uint8_t)(found + 1);
    }
    x->code = c == ']' ? CODE_OVER : c == '/' ? CODE_LEVEL_START : CODE_LEVEL;
}

/* No known word is so long that it is cut. */
#define WORD_MAX (sizeof((popcl_reply *)0)->text - 1)

static void keep_octet(popcl_reply *r, unsigned char c, size_t most) {
    if (r->text_len == most) return;
    r->text[r->text_len++] = (char)c;
    r->text[r->text_len] = 0;
}

/* ---- fields: a number, and a size or a UID. Spaces may be before each. ---- */

static void bad(popcl_reply_parser *x, popcl_err e) {
    if (!x->bad) x->bad = (uint8_t)e;
    x->field = IN_REST;
}

/* Takes an octet of the count, or of a message's number. Anything that is no number is an error. */
static void number_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    unsigned digit = c - (unsigned)'0';
    uint64_t value = (uint64_t)r->number * 10 + digit;
    if (c == ' ') {
        if (x->field == IN_NUMBER) x->field = IN_GAP;
    } else if (digit > 9) {
        bad(x, POPCL_ERR_NUMBER);
    } else {
        x->field = IN_NUMBER;
        if (value > UINT32_MAX) bad(x, POPCL_ERR_NUMBER_RANGE);
        r->number = (uint32_t)value;
    }
}

/* Takes an octet of a size. A size is advice only: if it is no number, or does not fit, it is
 * unknown. RFC 1939 sets no limit, so an overflow has to be found. Text after the space that ends
 * the size is ignored (RFC 1939, 5). */
static void size_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    unsigned digit = c - (unsigned)'0';
    if (x->field == IN_GAP) r->size = 0;
    x->field = c == ' ' ? IN_REST : IN_SIZE;
    if (c == ' ') return;
    uint64_t low = (r->size & UINT32_MAX) * 10 + digit, high = (r->size >> 32) * 10 + (low >> 32);
    r->size = high << 32 | (low & UINT32_MAX);
    if (digit > 9 || high > UINT32_MAX) {
        r->size = POPCL_SIZE_UNKNOWN;
        x->field = IN_REST;
    }
}

/* Takes an octet, or, of a UID, all n that are here. Returns how many. */
static size_t field_take(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n) {
    if (x->field == IN_REST || (x->field == IN_GAP && *p == ' ')) return 1;
    if (x->field <= IN_NUMBER) {
        number_octet(x, r, *p);
    } else if (x->form == POPCL_FORM_UIDL) {
        x->field = IN_UID;
        popcl_uid_take(x, r, p, n);
        return n;
    } else {
        size_octet(x, r, *p);
    }
    return 1;
}

static void fields_end(popcl_reply_parser *x, popcl_reply *r) {
    if (x->field == AT_START) bad(x, POPCL_ERR_NUMBER);
    if (x->form == POPCL_FORM_UIDL) popcl_uid_end(x, r);
}

/* ---- capabilities: a tag and its parameters (RFC 2449, 5 and 6) ---- */

/* Returns the collected word as a decimal number, or `otherwise` if it is no number. */
static uint32_t word_number(const popcl_reply *r, uint32_t otherwise) {
    uint32_t value = 0;
    for (unsigned i = 0; i < r->text_len; i++) {
        unsigned digit = (unsigned char)r->text[i] - (unsigned)'0';
        if (digit > 9 || i == 9) return otherwise; /* nine digits are 31 years of seconds */
        value = value * 10 + digit;
    }
    return value;
}

/* Returns the bit of the collected word; 0 = it is not in the list. */
static uint16_t word_bit(const popcl_reply *r, const char *list) {
    int found = find_word(list, r->text, r->text_len);
    return (uint16_t)(found < 0 ? 0 : 1u << found);
}

static void capa_word_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps) {
    if (r->text_len == 0) return;
    if (x->words == 0) {
        /* no capability has this name: it is a status inside the list */
        if (word_bit(r, status_words)) bad(x, POPCL_ERR_GREETED_AGAIN);
        x->tag = word_bit(r, capa_words);
        caps->tags |= x->tag;
        if (x->tag == POPCL_CAPA_EXPIRE) caps->expire_days = POPCL_EXPIRE_NEVER;
    } else if (x->tag == POPCL_CAPA_SASL) {
        caps->sasl |= word_bit(r, sasl_words);
    } else if (x->words == 1 && x->tag == POPCL_CAPA_LOGIN_DELAY) {
        caps->login_delay_s = word_number(r, 0);
    } else if (x->words == 1 && x->tag == POPCL_CAPA_EXPIRE) {
        caps->expire_days = word_number(r, POPCL_EXPIRE_NEVER);
    }
    if (x->words < 2) x->words++;
    drop_text(r);
}

/* ---- lines ---- */

#define NO_STATUS UINT8_MAX /* the column of a listing's line */

void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form, int listing) {
    memset(x, 0, sizeof *x);
    x->form = (uint8_t)form;
    x->column = listing ? NO_STATUS : 0;
    r->number = 0;
    r->size = POPCL_SIZE_UNKNOWN;
    r->uid_len = 0;
    if (r->text_len == 0 || form == POPCL_FORM_CAPA) drop_text(r); /* a UID was there; words come */
}

/* The text of each popcl_status, up to the space after it. */
static const char expected[][6] = {"", "+OK ", "-ERR ", "+ "};

static unsigned status_octets(const popcl_reply *r) {
    return (unsigned)strlen(expected[r->status]) - 1;
}

/* Returns whether the next octet belongs to the status, with the space after it. */
static int is_in_status(const popcl_reply_parser *x, const popcl_reply *r) {
    return x->column == 0 || (x->column < sizeof expected[0] && expected[r->status][x->column]);
}

/* Takes the octet in column x->column of a status: `+OK` or `-ERR`, or `+` for a challenge; then a
 * space (RFC 1939, 3; RFC 5034, 4). */
static void status_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (x->column == 1 && c == ' ' && x->form == POPCL_FORM_CHALLENGE &&
        r->status == POPCL_STATUS_OK)
        r->status = POPCL_STATUS_CHALLENGE;
    if (x->column == 0) {
        r->status = c == '+' ? POPCL_STATUS_OK : POPCL_STATUS_ERR;
        if (c == '-' || x->keep) {
            r->code = POPCL_CODE_NONE;
            drop_text(r);
        }
    }
    if (expected[r->status][x->column++] != (char)c) bad(x, POPCL_ERR_STATUS);
}

size_t popcl_reply_take(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps,
                        const unsigned char *p, size_t n) {
    size_t text = 0;
    for (size_t i = 0, taken = 1; i < n; i += taken, taken = 1) {
        int keep = x->keep;
        if (x->bad != POPCL_ERR_STATUS && is_in_status(x, r)) {
            status_octet(x, r, p[i]);
            text++;
        } else if (x->bad == POPCL_ERR_STATUS ||
                   (x->form <= POPCL_FORM_CHALLENGE && r->status != POPCL_STATUS_ERR)) {
            if (!keep) break; /* nothing depends on the rest of the line */
        } else if (r->status == POPCL_STATUS_ERR) {
            if (x->code != CODE_OVER) code_octet(x, r, p[i]);
            keep = 1;
        } else if (x->form != POPCL_FORM_CAPA) {
            taken = field_take(x, r, p + i, n - i);
        } else if (p[i] == ' ') {
            capa_word_end(x, r, caps);
        } else {
            keep = 1;
        }
        if (keep) keep_octet(r, p[i], x->form == POPCL_FORM_CAPA ? WORD_MAX : POPCL_TEXT_KEEP);
    }
    return text;
}

popcl_err popcl_reply_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps) {
    if (x->column == 1 && r->status == POPCL_STATUS_OK && x->form == POPCL_FORM_CHALLENGE)
        r->status = POPCL_STATUS_CHALLENGE; /* an empty challenge without its space */
    if (x->bad == POPCL_ERR_STATUS || x->column < (x->column ? status_octets(r) : 1))
        return POPCL_ERR_STATUS;
    if (r->status == POPCL_STATUS_ERR) {
        /* no closing bracket: then it is text */
        if (x->code != CODE_OVER) r->code = POPCL_CODE_NONE;
        if (x->code == CODE_FIRST) drop_text(r);
        return POPCL_OK;
    }
    if (x->keep) drop_text(r); /* it is a reply like any other */
    if (x->form == POPCL_FORM_CAPA)
        capa_word_end(x, r, caps);
    else if (x->form > POPCL_FORM_CHALLENGE)
        fields_end(x, r);
    return (popcl_err)x->bad;
}

popcl_err popcl_reply_error(const popcl_reply *r, popcl_err otherwise) {
    static const uint8_t errors[] = {
        /* as popcl_code */
        POPCL_OK,           POPCL_ERR_IN_USE,   POPCL_ERR_LOGIN_DELAY, POPCL_ERR_SYS_TEMP,
        POPCL_ERR_SYS_PERM, POPCL_ERR_SYS_TEMP, /* [SYS] may be either of the two: trying again
                                                   later harms least */
        POPCL_OK, /* [AUTH] has a meaning for a login only, and a login has its own `otherwise` */
        POPCL_ERR_UTF8,
    };
    return errors[r->code] ? (popcl_err)errors[r->code] : otherwise;
}
