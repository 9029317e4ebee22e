/* SPDX-License-Identifier: MIT */
/* sasl - see sasl.h. AUTH carries the first response if its mechanism allows this and the whole
 * line fits (RFC 5034, 4). If the secret is pulled, its length is not known, so the response is
 * sent in a second step. The same holds if CAPA does not list the mechanism. */
#include "sasl.h"

#include <string.h>

#include "../core/text.h"
#include "base64.h"

void popcl_sasl_form(popcl_sasl *s, const char *form, size_t len) {
    s->form = form;
    s->form_len = (uint8_t)len;
}

/* ---- the text of a response ---- */

/* A part of the text that is copied: it begins at offset `off`, and has room for cap bytes. */
typedef struct sasl_window {
    unsigned char *buf;
    size_t off, cap, len;
} sasl_window;

/* Adds a stretch of the text that begins at offset `at`. */
static void show(sasl_window *w, size_t at, const char *p, size_t n) {
    size_t want = w->off + w->len;
    if (want < at || want - at >= n) return;
    p += want - at;
    n -= want - at;
    if (n > w->cap - w->len) n = w->cap - w->len;
    memcpy(w->buf + w->len, p, n);
    w->len += n;
}

/* Adds the user name with its escapes. Returns the length of both. */
static size_t sasl_show_name(sasl_window *w, size_t at, const popcl_sasl *s) {
    size_t from = at;
    for (size_t i = 0; i < s->user_len; i++) {
        const char *octet = s->user + i;
        int is_escaped = *octet == ',' || *octet == '=';
        size_t n = is_escaped ? 3 : 1;
        show(w, at, *octet == ',' ? "=2C" : is_escaped ? "=3D" : octet, n);
        at += n;
    }
    return at - from;
}

static int is_visible(const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x21 || p[i] > 0x7e) return 0;
    return 1;
}

/* Adds the secret as far as there is room. Its length is known once its end was read. */
static popcl_err show_secret(sasl_window *w, size_t at, popcl_sasl *s, int is_token) {
    while (w->len < w->cap && !(s->is_known && w->off + w->len - at >= s->secret_len)) {
        size_t from = w->off + w->len - at, got;
        unsigned char *p = w->buf + w->len;
        s->pulled = 1;
        popcl_err e = popcl_secret_read(s->secret, from, p, w->cap - w->len, &got);
        if (e) return e;
        if (from + got == 0 || (is_token && !is_visible(p, got))) return POPCL_ERR_CREDENTIAL_OCTET;
        if (got == 0) {
            s->secret_len = from;
            s->is_known = 1;
        }
        w->len += got;
    }
    return POPCL_OK;
}

/* Copies a part of the text. The parts come in order, so the window is never beyond a secret whose
 * length is not known. */
static popcl_err sasl_text(void *ctx, size_t off, unsigned char *buf, size_t cap, size_t *n) {
    popcl_sasl *s = ctx;
    sasl_window w = {.off = off, .cap = cap};
    popcl_err e = POPCL_OK;
    size_t at = 0;
    w.buf = buf;
    for (size_t i = 0; i < s->form_len && w.len < cap && !e; i++) {
        switch (s->form[i]) {
        case POPCL_FORM_USER:
            show(&w, at, s->user, s->user_len);
            at += s->user_len;
            break;
        case POPCL_FORM_NAME: at += sasl_show_name(&w, at, s); break;
        case POPCL_FORM_SECRET:
        case POPCL_FORM_TOKEN:
            e = show_secret(&w, at, s, s->form[i] == POPCL_FORM_TOKEN);
            at += s->secret_len;
            break;
        case POPCL_FORM_EXTRA:
            show(&w, at, s->extra, s->extra_len);
            at += s->extra_len;
            break;
        default: show(&w, at++, s->form + i, 1); break;
        }
    }
    *n = w.len;
    return e;
}

popcl_err popcl_sasl_text(popcl_sasl *s, size_t off, unsigned char *buf, size_t cap, size_t *n) {
    return sasl_text(s, off, buf, cap, n);
}

static int sasl_get(void *ctx, size_t off, char *buf, size_t cap) {
    popcl_sasl *s = ctx;
    if (buf) return popcl_base64_get(sasl_text, s, off, buf, cap);
    if (s->pulled && !s->secret->octets) s->secret->get(s->secret->ctx, 0, NULL, 0);
    s->pulled = 0;
    return 0;
}

/* Returns the length of the text; SIZE_MAX = it is not known, because the secret is pulled. */
static size_t text_len(const popcl_sasl *s) {
    size_t len = 0;
    for (size_t i = 0; i < s->form_len; i++) {
        sasl_window none = {.off = SIZE_MAX};
        switch (s->form[i]) {
        case POPCL_FORM_USER: len += s->user_len; break;
        case POPCL_FORM_NAME: len += sasl_show_name(&none, 0, s); break;
        case POPCL_FORM_SECRET:
        case POPCL_FORM_TOKEN:
            if (!s->secret->octets) return SIZE_MAX;
            len += popcl_secret_len(s->secret);
            break;
        case POPCL_FORM_EXTRA: len += s->extra_len; break;
        default: len++; break;
        }
    }
    return len;
}

/* ---- the dialog ---- */

static const char *name_of(const popcl_mech *m) {
    unsigned n = 0;
    while (!(m->sasl >> n & 1))
        n++;
    return popcl_sasl_name(n);
}

/* Returns whether the first response is sent with AUTH. */
static int goes_with_auth(const popcl_login *l, const popcl_sasl *s, size_t name_len) {
    size_t room = POPCL_COMMAND_MAX - (sizeof "AUTH  \r\n" - 1) - name_len;
    const popcl_caps *caps = popcl_login_caps(l);
    int is_listed = !caps || caps->sasl & l->job->mech->sasl;
    return is_listed && text_len(s) <= room / 4 * 3;
}

popcl_err popcl_sasl_step(const popcl_login *l, unsigned step, popcl_command *c) {
    popcl_sasl *s = l->scratch;
    const char *name = name_of(l->job->mech);
    size_t name_len = strlen(name);
    s->secret = popcl_login_secret(l);
    s->user = popcl_login_user(l);
    s->user_len = (uint16_t)strlen(s->user);
    s->response.get = sasl_get;
    s->response.ctx = s;
    s->bare = step == 0 && !l->job->mech->initial;
    if (!s->bare) {
        popcl_err e = l->job->mech->respond(l, s->next);
        if (e) return e;
        s->bare = step == 0 && !goes_with_auth(l, s, name_len);
    }
    c->verb = step == 0 ? POPCL_AUTH : POPCL_RESPONSE;
    c->text = name;
    c->text_len = name_len;
    c->secret = s->bare || !s->form ? NULL : &s->response;
    return POPCL_OK;
}

/* Some servers (Exchange) send +OK for the empty challenge after a bare AUTH. If they refuse a bare
 * AUTH, the user name and the password are not at fault: neither was sent. A server reports why it
 * refuses a token in one more challenge; it sends -ERR after the answer (RFC 7628, 3.2.3). */
popcl_err popcl_sasl_answered(const popcl_login *l, unsigned step, const popcl_reply *r) {
    popcl_sasl *s = l->scratch;
    (void)step;
    if (r->status == POPCL_STATUS_ERR)
        return s->bare ? POPCL_ERR_NO_MECHANISM : l->job->mech->refused;
    if (s->bare) return POPCL_MORE;
    s->next++;
    if (r->status == POPCL_STATUS_OK) return s->failed ? l->job->mech->refused : POPCL_OK;
    if (s->next < l->job->mech->responses) return POPCL_MORE;
    if (!l->job->mech->token || s->failed) return POPCL_ERR_CHALLENGE;
    s->failed = 1;
    return POPCL_MORE;
}
