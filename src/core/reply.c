/* reply - see reply.h. Three small readers share the octets of a line: the response code's, the fields' and the capability words'. A word
 * being collected (a response code or a capability) stands in the room of the UID: no reply has both. */
#include "reply.h"

#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])
#define TOKEN_MAX 20
#define TOKEN_OVERLONG 255 /* a token_len: the token fits nothing that is known */

enum field { AT_START, IN_NUMBER, IN_GAP, IN_SIZE, IN_UID, BEHIND_UID, IN_REST };
enum code_at { CODE_FIRST, CODE_LEVEL_START, CODE_LEVEL, CODE_OVER };

static const struct {
    char name[12];
    uint8_t code;
} codes[] = {
    {"IN-USE", POPCL_CODE_IN_USE},     {"LOGIN-DELAY", POPCL_CODE_LOGIN_DELAY}, {"SYS", POPCL_CODE_SYS},
    {"SYS/TEMP", POPCL_CODE_SYS_TEMP}, {"SYS/PERM", POPCL_CODE_SYS_PERM},       {"AUTH", POPCL_CODE_AUTH},
};

/* In the order of the POPCL_CAPA_* bits. */
static const char capa_names[][16] = {
    "TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "STLS", "AUTH-RESP-CODE", "UTF8", "LANG",
};

/* In the order of the bits of popcl_caps.sasl. */
static const char sasl_names[][20] = {
    "PLAIN",         "LOGIN",       "CRAM-MD5",    "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
    "XOAUTH2",       "OAUTHBEARER", "DIGEST-MD5",  "EXTERNAL",    "NTLM",          "GSSAPI",           "ANONYMOUS",
};

const char *popcl_capa_name(unsigned n) {
    return n < COUNT_OF(capa_names) ? capa_names[n] : NULL;
}

const char *popcl_sasl_name(unsigned n) {
    return n < COUNT_OF(sasl_names) ? sasl_names[n] : NULL;
}

static unsigned char upper(unsigned char c) {
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - 'a' + 'A') : c;
}

static void token_add(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (x->token_len < TOKEN_MAX) r->uid[x->token_len++] = (char)upper(c);
    else x->token_len = TOKEN_OVERLONG;
}

static int token_is(const popcl_reply_parser *x, const popcl_reply *r, const char *name) {
    return x->token_len == strlen(name) && memcmp(r->uid, name, x->token_len) == 0;
}

/* ---- response codes: [LEVEL/LEVEL...] right behind the status (RFC 2449, 8) ---- */

static void code_level_end(popcl_reply_parser *x, popcl_reply *r) {
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (token_is(x, r, codes[i].name)) r->code = codes[i].code;
    }
}

static void code_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (x->code == CODE_FIRST) {
        x->code = c == '[' ? CODE_LEVEL_START : CODE_OVER;
        return;
    }
    int separator = c == '/' || c == ']';
    if (c <= 0x20 || c > 0x7e || (separator && x->code == CODE_LEVEL_START)) { /* malformed: then it is text */
        r->code = POPCL_CODE_NONE;
        x->code = CODE_OVER;
        return;
    }
    if (separator) code_level_end(x, r);
    if (c == ']') {
        x->code = CODE_OVER;
        return;
    }
    token_add(x, r, c);
    x->code = c == '/' ? CODE_LEVEL_START : CODE_LEVEL;
}

/* ---- fields: numbers and a UID ---- */

static void bad(popcl_reply_parser *x, popcl_err e) {
    if (!x->bad) x->bad = (uint8_t)e;
    x->field = IN_REST;
}

static void number_digit(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    uint32_t digit = (uint32_t)(c - '0');
    if (r->number > (UINT32_MAX - digit) / 10) bad(x, POPCL_ERR_NUMBER_RANGE);
    else r->number = r->number * 10 + digit;
}

static void size_digit(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    uint32_t digit = (uint32_t)(c - '0');
    /* the largest value means "unknown", and is refused as too large */
    if (r->size > (UINT64_MAX - 1 - digit) / 10) bad(x, POPCL_ERR_NUMBER_RANGE);
    else r->size = r->size * 10 + digit;
}

static void uid_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (c == ' ') {
        x->field = BEHIND_UID;
    } else if (x->field == BEHIND_UID || c < 0x21 || c > 0x7e || r->uid_len == POPCL_UID_MAX) {
        r->uid_len = 0;
        x->field = IN_REST;
    } else {
        r->uid[r->uid_len++] = (char)c;
    }
}

static void field_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    int digit = c >= '0' && c <= '9';
    switch (x->field) {
    case AT_START:
    case IN_NUMBER:
        if (digit) {
            x->field = IN_NUMBER;
            number_digit(x, r, c);
        } else if (c == ' ' && x->field == IN_NUMBER) {
            x->field = IN_GAP;
        } else {
            bad(x, POPCL_ERR_NUMBER);
        }
        break;
    case IN_GAP:
        if (c == ' ') break;
        if (x->form == POPCL_FORM_UIDL) {
            x->field = IN_UID;
            uid_octet(x, r, c);
        } else if (digit) {
            x->field = IN_SIZE;
            r->size = 0;
            size_digit(x, r, c);
        } else {
            bad(x, POPCL_ERR_NUMBER);
        }
        break;
    case IN_SIZE:
        if (digit) size_digit(x, r, c);
        else if (c == ' ') x->field = IN_REST; /* what follows is ignored (RFC 1939, 5) */
        else bad(x, POPCL_ERR_NUMBER);
        break;
    case IN_UID:
    case BEHIND_UID: uid_octet(x, r, c); break;
    default: break;
    }
}

static popcl_err fields_end(popcl_reply_parser *x, popcl_reply *r) {
    int second_missing = x->field == AT_START || (x->form != POPCL_FORM_UIDL && (x->field == IN_NUMBER || x->field == IN_GAP));
    if (second_missing) bad(x, POPCL_ERR_NUMBER);
    r->uid[r->uid_len] = 0;
    return (popcl_err)x->bad;
}

/* ---- capabilities: a tag and its parameters (RFC 2449, 5 and 6) ---- */

/* The token as a decimal number, saturated; -1 if it is none. */
static int token_number(const popcl_reply_parser *x, const popcl_reply *r, uint32_t *value) {
    *value = 0;
    if (x->token_len == 0 || x->token_len == TOKEN_OVERLONG) return -1;
    for (unsigned i = 0; i < x->token_len; i++) {
        unsigned char c = (unsigned char)r->uid[i];
        if (c < '0' || c > '9') return -1;
        uint32_t digit = (uint32_t)(c - '0');
        *value = *value > (UINT32_MAX - 1 - digit) / 10 ? UINT32_MAX - 1 : *value * 10 + digit;
    }
    return 0;
}

static void capa_tag(popcl_reply_parser *x, const popcl_reply *r, popcl_caps *caps) {
    x->tag = COUNT_OF(capa_names);
    for (uint8_t i = 0; i < COUNT_OF(capa_names); i++) {
        if (token_is(x, r, capa_names[i])) x->tag = i;
    }
    if (x->tag < COUNT_OF(capa_names)) caps->tags = (uint16_t)(caps->tags | 1u << x->tag);
    if (x->tag < COUNT_OF(capa_names) && 1u << x->tag == POPCL_CAPA_EXPIRE) caps->expire_days = POPCL_EXPIRE_NEVER;
}

static void capa_parameter(popcl_reply_parser *x, const popcl_reply *r, popcl_caps *caps) {
    unsigned tag = x->tag < COUNT_OF(capa_names) ? 1u << x->tag : 0;
    uint32_t value;
    if (tag == POPCL_CAPA_SASL) {
        for (unsigned i = 0; i < COUNT_OF(sasl_names); i++) {
            if (token_is(x, r, sasl_names[i])) caps->sasl = (uint16_t)(caps->sasl | 1u << i);
        }
    } else if (x->words == 1 && tag == POPCL_CAPA_LOGIN_DELAY && token_number(x, r, &value) == 0) {
        caps->login_delay_s = value;
    } else if (x->words == 1 && tag == POPCL_CAPA_EXPIRE && token_number(x, r, &value) == 0) {
        caps->expire_days = value;
    }
}

static void capa_word_end(popcl_reply_parser *x, const popcl_reply *r, popcl_caps *caps) {
    if (x->token_len == 0) return;
    if (x->words == 0) capa_tag(x, r, caps);
    else capa_parameter(x, r, caps);
    if (x->words < 2) x->words++;
    x->token_len = 0;
}

static void capa_octet(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps, unsigned char c) {
    if (c == ' ') capa_word_end(x, r, caps);
    else token_add(x, r, c);
}

/* ---- lines ---- */

void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form) {
    popcl_reply_begin_line(x, r, form);
    r->status = POPCL_STATUS_NONE;
    r->code = POPCL_CODE_NONE;
    r->text_len = 0;
    r->text[0] = 0;
}

void popcl_reply_begin_line(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form) {
    r->number = 0;
    r->size = POPCL_SIZE_UNKNOWN;
    r->uid_len = 0;
    r->uid[0] = 0;
    x->column = 0;
    x->form = (uint8_t)form;
    x->field = AT_START;
    x->bad = POPCL_OK;
    x->token_len = 0;
    x->words = 0;
    x->tag = 0;
    x->code = CODE_FIRST;
}

/* The octet in column `column` of a status: `+OK` or `-ERR`, then a space (RFC 1939, 3). */
static void status_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    static const char ok[] = "+OK ", err[] = "-ERR ";
    if (x->column == 0) r->status = c == '+' ? POPCL_STATUS_OK : POPCL_STATUS_ERR;
    const char *expected = r->status == POPCL_STATUS_OK ? ok : err;
    if ((unsigned char)expected[x->column] != c) bad(x, POPCL_ERR_STATUS);
}

static unsigned status_octets(const popcl_reply *r) {
    return r->status == POPCL_STATUS_OK ? 3 : 4;
}

static void text_octet(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (r->text_len < POPCL_TEXT_KEEP) {
        r->text[r->text_len++] = (char)c;
        r->text[r->text_len] = 0;
    }
    if (x->code != CODE_OVER) code_octet(x, r, c);
    if (x->form != POPCL_FORM_TEXT && r->status == POPCL_STATUS_OK) field_octet(x, r, c);
}

void popcl_reply_status(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n, size_t *text) {
    *text = n;
    for (size_t i = 0; i < n && x->bad != POPCL_ERR_STATUS; i++) {
        if (x->column == 0 || x->column <= status_octets(r)) {
            status_octet(x, r, p[i]);
            x->column++;
        } else {
            if (*text == n) *text = i;
            text_octet(x, r, p[i]);
        }
    }
}

popcl_err popcl_reply_status_end(popcl_reply_parser *x, popcl_reply *r) {
    if (x->bad == POPCL_ERR_STATUS || x->column == 0 || x->column < status_octets(r)) return POPCL_ERR_STATUS;
    if (x->code != CODE_OVER) r->code = POPCL_CODE_NONE; /* no closing bracket: then it is text */
    if (r->status == POPCL_STATUS_OK && x->form != POPCL_FORM_TEXT) return fields_end(x, r);
    r->uid[0] = 0;
    return POPCL_OK;
}

void popcl_reply_line(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (x->form == POPCL_FORM_CAPA) capa_octet(x, r, caps, p[i]);
        else field_octet(x, r, p[i]);
    }
}

popcl_err popcl_reply_line_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps) {
    if (x->form != POPCL_FORM_CAPA) return fields_end(x, r);
    capa_word_end(x, r, caps);
    r->uid[0] = 0;
    return POPCL_OK;
}

popcl_err popcl_reply_error(const popcl_reply *r, popcl_err otherwise) {
    static const uint8_t errors[] = {
        [POPCL_CODE_NONE] = POPCL_OK,
        [POPCL_CODE_IN_USE] = POPCL_ERR_IN_USE,
        [POPCL_CODE_LOGIN_DELAY] = POPCL_ERR_LOGIN_DELAY,
        [POPCL_CODE_SYS_TEMP] = POPCL_ERR_SYS_TEMP,
        [POPCL_CODE_SYS_PERM] = POPCL_ERR_SYS_PERM,
        [POPCL_CODE_SYS] = POPCL_ERR_SYS_TEMP, /* which of the two is not told: trying again later harms least */
        [POPCL_CODE_AUTH] = POPCL_ERR_AUTH,
    };
    popcl_err e = r->code < COUNT_OF(errors) ? (popcl_err)errors[r->code] : POPCL_OK;
    return e ? e : otherwise;
}
