/* SPDX-License-Identifier: MIT */
/* plain - SASL PLAIN (RFC 4616) by AUTH (RFC 5034): user name and password cross the line in
 * base64, which hides nothing. The response is sent with AUTH if the whole line fits. It is sent in
 * a second step if not, if the password is pulled, or if CAPA does not list PLAIN. */
#include "../core/text.h"
#include "auth.h"
#include "base64.h"

enum {
    USER_MAX = 255, /* RFC 4616, 2 */
    /* bytes whose base64 fits the line of AUTH */
    INITIAL_MAX = (POPCL_COMMAND_MAX - (sizeof "AUTH PLAIN \r\n" - 1)) / 4 * 3
};

typedef struct plain {
    const char *user;
    const popcl_secret *secret;
    popcl_secret response; /* made of user name and secret as it is read */
    uint16_t user_len;
    uint8_t in_two_steps;
    uint8_t pulled; /* the secret's callback was called */
} plain;

typedef char plain_fits_scratch[POPCL_PLAN_MIN >= POPCL_LOGIN_ROOM(sizeof(plain)) ? 1 : -1];

/* Copies a part of the text: an empty authorization identity, NUL, the user name, NUL, the
 * password. */
static popcl_err plain_text(void *ctx, size_t off, unsigned char *buf, size_t cap, size_t *n) {
    plain *p = ctx;
    size_t len = 0, got = 1;
    popcl_err e = POPCL_OK;
    while (len < cap && got && !e) {
        size_t at = off + len, password = p->user_len + 2;
        if (at >= password) {
            p->pulled = 1;
            e = popcl_secret_read(p->secret, at - password, buf + len, cap - len, &got);
            if (!e && !got && at == password) e = POPCL_ERR_CREDENTIAL_OCTET;
            len += got;
        } else {
            int is_user = at > 0 && at <= p->user_len;
            buf[len++] = is_user ? (unsigned char)p->user[at - 1] : 0;
        }
    }
    *n = len;
    return e;
}

static int plain_get(void *ctx, size_t off, char *buf, size_t cap) {
    plain *p = ctx;
    if (buf) return popcl_base64_get(plain_text, p, off, buf, cap);
    if (p->pulled && !p->secret->octets) p->secret->get(p->secret->ctx, 0, NULL, 0);
    p->pulled = 0;
    return 0;
}

static popcl_err plain_step(const popcl_login *l, unsigned n, popcl_command *c) {
    static const char name[] = "PLAIN";
    plain *p = l->scratch;
    size_t len = l->user_len + 2 + popcl_secret_len(l->secret);
    int is_unknown = l->caps && !(l->caps->sasl & POPCL_SASL_PLAIN);
    p->user = l->user;
    p->user_len = (uint16_t)l->user_len;
    p->secret = l->secret;
    p->response.get = plain_get;
    p->response.ctx = p;
    p->in_two_steps = !l->secret->octets || is_unknown || len > INITIAL_MAX;
    c->verb = n == 0 ? POPCL_AUTH : POPCL_RESPONSE;
    c->text = name;
    c->text_len = sizeof name - 1;
    c->secret = n == 0 && p->in_two_steps ? NULL : &p->response;
    return POPCL_OK;
}

/* Some servers (Exchange) send +OK for the empty challenge. If they refuse the bare AUTH, the user
 * name and the password are not at fault: neither was sent. */
static popcl_err plain_answered(const popcl_login *l, unsigned n, const popcl_reply *r) {
    const plain *p = l->scratch;
    int was_bare = n == 0 && p->in_two_steps;
    if (r->status == POPCL_STATUS_ERR) return was_bare ? POPCL_ERR_NO_MECHANISM : POPCL_ERR_AUTH;
    if (was_bare) return POPCL_MORE;
    return r->status == POPCL_STATUS_OK ? POPCL_OK : POPCL_ERR_CHALLENGE;
}

const popcl_mech popcl_mech_plain = {
    .bit = POPCL_AUTH_PLAIN,
    .scratch = sizeof(plain),
    .user_max = USER_MAX,
    .step = plain_step,
    .answered = plain_answered,
};
