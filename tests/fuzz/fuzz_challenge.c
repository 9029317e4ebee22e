/* SPDX-License-Identifier: MIT */
/* fuzz_challenge - the SASL mechanisms, with any challenges and replies. Whatever a server sends,
 * each mechanism comes to an end. Its responses and results are the same however the challenges are
 * cut. SCRAM never succeeds, since nobody here can prove that he knows the password. A mechanism
 * that hides the password keeps no copy of it.
 *
 * Input: an octet that chooses the mechanism (and bit 7: its AUTH is bare), then turns with 0xff
 * between them. The first octet of a turn is `+` (a challenge), `b` (a challenge that is put into
 * base64 here), `o` (+OK) or anything else (-ERR). The octet 1 in a turn becomes the client's
 * nonce. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

#define PASSWORD "correct horse battery"

enum { BARE = 128, TURN = 0xff, NONCE = 1, STEPS_MAX = 20, TICKS_MAX = 200, TURN_MAX = 6000 };

static const unsigned char nonce[POPCL_NONCE_LEN] = "eighteen octets..";

typedef struct outcome {
    uint64_t sent; /* hash of all responses */
    popcl_err last;
} outcome;

/* The text of a response, in pieces of so many octets. */
static void note_response(outcome *o, const popcl_secret *s, size_t piece) {
    char text[64];
    size_t off = 0;
    for (;;) {
        int got = s->octets ? 0 : s->get(s->ctx, off, text, piece);
        MUST(got <= (int)piece);
        if (got <= 0) break;
        for (int i = 0; i < got; i++)
            o->sent = (o->sent ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
        off += (size_t)got;
        MUST(off < 20000);
    }
    if (s->get) s->get(s->ctx, 0, NULL, 0);
}

/* Makes the octets of a turn's line; the result is shorter than TURN_MAX. */
static size_t line_of(const uint8_t *p, size_t n, char *line) {
    static char text[TURN_MAX];
    size_t len = 0;
    int coded = n && *p == 'b';
    for (size_t i = 1; i < n && len + 40 < TURN_MAX / 2; i++) {
        if (p[i] == NONCE)
            len += popcl_scram_base64(text + len, nonce, sizeof nonce);
        else
            text[len++] = (char)p[i];
    }
    if (coded) return popcl_scram_base64(line, text, len);
    memcpy(line, text, len);
    return len;
}

static int holds_password(const void *memory, size_t n) {
    const char *p = memory;
    for (size_t i = 0; i + sizeof PASSWORD - 1 <= n; i++)
        if (memcmp(p + i, PASSWORD, sizeof PASSWORD - 1) == 0) return 1;
    return 0;
}

static outcome play(const popcl_mech *m, int bare, const uint8_t *p, size_t n, size_t cut) {
    static uint64_t scratch[160];
    static popcl_fetch job;
    static char line[TURN_MAX];
    popcl_fetch_config cfg;
    outcome o = {.sent = 1};
    memset(&cfg, 0, sizeof cfg);
    memset(scratch, 0, sizeof scratch);
    cfg.scram_iterations_max = 5000;
    cfg.session.user = "user";
    if (m->token)
        cfg.token.octets = PASSWORD;
    else
        cfg.secret.octets = PASSWORD;
    memset(&job, 0, sizeof job);
    job.cfg = &cfg;
    job.mech = m;
    job.has_caps = 1;
    if (!bare) job.session.caps.sasl = m->sasl;
    memcpy(job.nonce, nonce, sizeof job.nonce);
    popcl_login l = {.job = &job, .scratch = scratch};
    MUST(m->plan_min <= sizeof scratch);
    for (unsigned step = 0;; step++) {
        popcl_command c = {.verb = POPCL_VERBS};
        unsigned ticks = 0;
        while ((o.last = m->step(&l, step, &c)) == POPCL_MORE)
            MUST(ticks++ < TICKS_MAX);
        if (o.last) return o;
        if (c.secret) note_response(&o, c.secret, cut);
        /* later the server may have sent these octets */
        if (m->reads && step == 0) MUST(!holds_password(scratch, sizeof scratch));
        if (n == 0) return o;
        const uint8_t *end = memchr(p, TURN, n);
        size_t turn = end ? (size_t)(end - p) : n;
        popcl_reply r;
        memset(&r, 0, sizeof r);
        r.status = turn && (*p == '+' || *p == 'b') ? POPCL_STATUS_CHALLENGE
                   : turn && *p == 'o'              ? POPCL_STATUS_OK
                                                    : POPCL_STATUS_ERR;
        size_t len = line_of(p, turn, line);
        if (r.status == POPCL_STATUS_CHALLENGE && m->challenge) {
            for (size_t at = 0; at < len; at += cut)
                m->challenge(scratch, step, (const unsigned char *)line + at,
                             len - at < cut ? len - at : cut);
        }
        o.last = m->answered(&l, step, &r);
        if (m->hash) MUST(o.last != POPCL_OK);
        if (o.last == POPCL_OK) MUST(r.status == POPCL_STATUS_OK);
        if (o.last != POPCL_MORE) return o;
        MUST(step < STEPS_MAX);
        n -= end ? turn + 1 : turn;
        p += end ? turn + 1 : turn;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static const popcl_mech *mechs[16];
    unsigned count = 0;
    for (unsigned i = 0; popcl_mechs_all[i]; i++)
        if (popcl_mechs_all[i]->sasl) mechs[count++] = popcl_mechs_all[i];
    if (n == 0) return 0;
    const popcl_mech *m = mechs[(p[0] & 0x7f) % count];
    outcome whole = play(m, p[0] & BARE, p + 1, n - 1, 64);
    outcome cut = play(m, p[0] & BARE, p + 1, n - 1, 1);
    MUST(whole.last == cut.last && whole.sent == cut.sent);
    return 0;
}
