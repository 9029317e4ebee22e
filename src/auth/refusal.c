/* SPDX-License-Identifier: MIT */
/* refusal - see refusal.h. A server without response codes (RFC 2449, 8) gives in words the reason
 * why it refuses a login. The words decide whether a caller asks a person for other credentials, or
 * tries again. Words about credentials win over those about a lock: "account locked" needs a
 * person. A word consists of letters only, and its beginning is compared: "lock" also matches
 * "locked". Text in brackets is not read: it is a response code, or looks like one. */
#include "refusal.h"

#include <string.h>

#include "popcl_command.h"

enum kind {
    CREDENTIALS = 1,
    ENCRYPTION = 2, /* encryption is missing */
    IN_USE = 4,     /* another session uses the maildrop (RFC 1939, 7: PASS) */
    LATER = 8
};

/* Each word, in capitals, after its kind. The list ends with a kind of 0. */
static const char words[] =
    "\1PASSW\0\1PASSPHRASE\0\1LOGIN\0\1LOGON\0\1CREDENTIAL\0\1ACCOUNT\0\1USERNAME\0"
    "\1INVALID\0\1INCORRECT\0\1WRONG\0"
    "\2ENCRYPT\0\2SSL\0\2TLS\0\2STLS\0\2STARTTLS\0\2PLAINTEXT\0\2CLEARTEXT\0\2SECURE\0\2INSECURE\0"
    "\4LOCK\0\4BUSY\0\4ALREADY\0"
    "\10WAIT\0\10LATER\0\10TEMPORAR\0\10UNAVAILABLE\0\10MANY\0\10LIMIT\0\10EXCEED\0\10MAINTENANCE\0"
    "\10OVERLOAD\0";

/* The first of two words that have a meaning together. */
enum pair { NO_PAIR, PAIR_IN, PAIR_PLAIN };

static int is(const popcl_refusal *x, const char *word) {
    return x->word_len == strlen(word) && memcmp(x->word, word, x->word_len) == 0;
}

static void word_end(popcl_refusal *x) {
    if (x->word_len == 0) return;
    for (const char *w = words; *w; w += strlen(w) + 1) {
        size_t n = strlen(w + 1);
        if (n <= x->word_len && memcmp(x->word, w + 1, n) == 0) x->found |= (uint8_t)*w;
    }
    if (x->pair == PAIR_IN && is(x, "USE")) x->found |= IN_USE;
    if (x->pair == PAIR_PLAIN && is(x, "TEXT")) x->found |= ENCRYPTION;
    x->pair = is(x, "IN") ? PAIR_IN : is(x, "PLAIN") || is(x, "CLEAR") ? PAIR_PLAIN : NO_PAIR;
    x->word_len = 0;
}

void popcl_refusal_text(popcl_refusal *x, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned letter = (p[i] | 0x20u) - 'a';
        if (p[i] == '[' || p[i] == ']') x->brackets = p[i] == '[';
        if (letter > 25)
            word_end(x);
        else if (!x->brackets && x->word_len < sizeof x->word)
            x->word[x->word_len++] = (char)('A' + letter);
    }
}

popcl_err popcl_refusal_error(popcl_refusal *x, const popcl_reply *r, int clear, int coded,
                              popcl_err refused) {
    popcl_err code = popcl_reply_error(r, POPCL_OK);
    word_end(x);
    int needs_tls = clear && x->found & ENCRYPTION;
    if (needs_tls && (!code || code == POPCL_ERR_SYS_PERM)) return POPCL_ERR_LOGIN_NEEDS_TLS;
    if (code) return code;
    /* a caller gets a new token for a refused one, so words are not read then */
    if (r->code == POPCL_CODE_AUTH || refused == POPCL_ERR_TOKEN) return refused;
    if (x->found & CREDENTIALS) x->found = 0;
    return x->found & IN_USE  ? POPCL_ERR_IN_USE
           : x->found & LATER ? POPCL_ERR_SYS_TEMP
           : coded            ? POPCL_ERR_LOGIN_REFUSED
                              : refused;
}
