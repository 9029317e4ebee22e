/* SPDX-License-Identifier: MIT */
/* resume - see resume.h. A kept session belongs to one account at one server, with one set of trust
 * and settings. All of these go into one hash, so that a difference in any of them is found. In
 * doubt there is no session: a full handshake costs time and no safety.
 *
 *     zero --login succeeded--> KEPT --offered--> OFFERED --login succeeded--> KEPT
 *     anything else --> zero */
#include "resume.h"

#include <string.h>

#include "../core/zero.h"
#include "profile.h"

enum state { NONE, KEPT, OFFERED };

#define LIFE_S 86400 /* seconds from the handshake in which the certificates were checked */
/* 9999-12-31, the last day that a certificate can name (RFC 5280, 4.1.2.5.2) */
#define CLOCK_LAST 253402300799

static void resume_forget(popcl_resumable *r) { popcl_zero(r, sizeof *r); }

static void resume_put(unsigned char *to, uint64_t v, unsigned octets) {
    while (octets--) {
        to[octets] = (unsigned char)(v & 0xff);
        v >>= 8;
    }
}

static uint64_t resume_get(const unsigned char *from, unsigned octets) {
    uint64_t v = 0;
    while (octets--)
        v = v << 8 | *from++;
    return v;
}

/* ---- the binding ---- */

static void add_number(br_sha256_context *h, uint32_t v) {
    unsigned char octets[4];
    resume_put(octets, v, sizeof octets);
    br_sha256_update(h, octets, sizeof octets);
}

/* The length comes first, so that no two settings give the same octets. */
static void resume_add(br_sha256_context *h, const void *p, size_t n) {
    add_number(h, (uint32_t)n);
    br_sha256_update(h, p, n);
}

static void resume_add_text(br_sha256_context *h, const char *text) {
    resume_add(h, text, strlen(text));
}

/* Anchors and keys that `find` and `key` find are bound by the hash and the number of their set. */
static void add_trust(br_sha256_context *h, const popcl_trust *trust) {
    size_t anchors = trust->find ? 0 : trust->anchors_len;
    add_number(h, trust->find != NULL);
    add_number(h, trust->key != NULL);
    resume_add(h, trust->set, trust->set ? POPCL_SET_LEN : 0);
    add_number(h, trust->sequence);
    add_number(h, (uint32_t)anchors);
    for (size_t i = 0; i < anchors; i++) {
        resume_add(h, trust->anchors[i].name, POPCL_ANCHOR_NAME);
        resume_add(h, trust->anchors[i].entry, trust->anchors[i].entry_len);
    }
    add_number(h, (uint32_t)trust->pins_len);
    for (size_t i = 0; i < trust->pins_len; i++)
        resume_add(h, trust->pins[i], POPCL_PIN_LEN);
    for (size_t i = 0; i < trust->own_certs_len; i++)
        resume_add(h, trust->own_certs[i], POPCL_OWN_CERT_LEN);
}

static void bind(unsigned char binding[32], const popcl_config *cfg) {
    const popcl_tls *t = cfg->tls;
    const char *host = cfg->host ? cfg->host : "";
    br_sha256_context h;
    br_sha256_init(&h);
    resume_add_text(&h, host);
    resume_add_text(&h, t->name ? t->name : host);
    add_number(&h, cfg->port ? cfg->port : cfg->security == POPCL_TLS ? 995 : 110);
    resume_add(&h, cfg->user, cfg->user ? strlen(cfg->user) : 0);
    add_number(&h, cfg->security);
    add_number(&h, t->profile->number);
    /* The fragment length belongs to a session and to those that resume it (RFC 6066, 4). With a
     * smaller buffer its records would not fit. */
    add_number(&h, (uint32_t)cfg->iobuf_len);
    add_number(&h, t->fragment);
    add_number(&h, t->ask_no_fragment);
    add_trust(&h, t->trust);
    br_sha256_out(&h, binding);
}

/* ---- the steps of a job ---- */

static popcl_tls_session *resume_session_of(const popcl_tls *t) { return t->storage; }

static int is_known(int64_t utc_s) { return utc_s >= POPCL_CLOCK_FLOOR_S && utc_s <= CLOCK_LAST; }

/* If the clock is not known now, the session is not fresh: the clock was known when it was made. */
static int is_fresh(const popcl_resumable *r, int64_t utc_s) {
    return utc_s >= r->made_s && utc_s - r->made_s < LIFE_S &&
           (r->not_after == 0 || utc_s <= r->not_after);
}

static void resume_open(const popcl_config *cfg) {
    const popcl_tls *t = cfg->tls;
    popcl_resumable *r = t->resume;
    unsigned char binding[sizeof r->binding];
    bind(binding, cfg);
    if (r->state != KEPT || memcmp(r->binding, binding, sizeof binding) != 0 ||
        !is_fresh(r, t->utc_s))
        resume_forget(r);
    memcpy(r->binding, binding, sizeof binding);
    resume_session_of(t)->may_keep = 1;
}

/* Offers the session's suite, which a server that resumes wants to see (RFC 5246, 7.4.1.2). It also
 * offers the same cipher with the other kind of key. This is for a server that has forgotten the
 * session and has such a key now. Other suites would only make the ClientHello longer: BearSSL
 * takes 24,000 instructions for each. */
static int offer_suites(const popcl_tls *t, uint16_t suite) {
    const popcl_tls_profile *p = t->profile;
    for (unsigned i = 0; i < p->suites_len; i++) {
        if (p->suites[i] != suite) continue;
        if (p->suites_len > 1)
            br_ssl_engine_set_suites(&resume_session_of(t)->ssl.eng, p->suites + (i & ~1u), 2);
        return 1;
    }
    return 0;
}

static int resume_offer(const popcl_tls *t) {
    popcl_resumable *r = t->resume;
    br_ssl_session_parameters *p = &resume_session_of(t)->ssl.eng.session;
    if (r->state != KEPT || !offer_suites(t, r->suite)) return 0;
    p->session_id_len = r->id_len;
    memcpy(p->session_id, r->id, sizeof r->id);
    p->version = BR_TLS12;
    p->cipher_suite = r->suite;
    memcpy(p->master_secret, r->secret, sizeof r->secret);
    r->state = OFFERED;
    return 1;
}

/* Returns whether a handshake is done without an accepted certificate. BearSSL resumes nothing
 * except the session that was offered. */
static int is_resumed(const popcl_tls *t) {
    const void *x509 = (const unsigned char *)t->storage + t->profile->state_at;
    return resume_session_of(t)->offered && t->profile->x509->verdict(x509) != POPCL_OK;
}

/* A resumed session stays the one that it was, with its age. */
static void resume_keep(const popcl_tls *t) {
    popcl_resumable *r = t->resume;
    const br_ssl_session_parameters *p = &resume_session_of(t)->ssl.eng.session;
    popcl_tls_diag d;
    if (!is_resumed(t)) {
        popcl_tls_get_diag(t, &d);
        r->made_s = t->utc_s;
        r->not_after = d.not_after;
        r->end_point_len = d.end_point_len;
        memcpy(r->end_point, d.end_point, sizeof r->end_point);
        r->fragment = d.fragment;
        r->suite = p->cipher_suite;
        r->id_len = p->session_id_len;
        memcpy(r->id, p->session_id, sizeof r->id);
        memcpy(r->secret, p->master_secret, sizeof r->secret);
    }
    /* the server does not keep a session without a number */
    if (r->id_len && is_known(t->utc_s)) r->state = KEPT;
}

static void resume_tell(const popcl_tls *t, popcl_tls_diag *d) {
    const popcl_resumable *r = t->resume;
    if (!is_resumed(t)) return;
    d->resumed = 1;
    d->not_after = r->not_after;
    d->end_point_len = r->end_point_len;
    memcpy(d->end_point, r->end_point, sizeof d->end_point);
    /* servers need not send it again */
    if (r->fragment == POPCL_FRAGMENT_GRANTED) d->fragment = POPCL_FRAGMENT_GRANTED;
}

/* Called once in a session; afterwards the kept session is the next job's. */
static void resume_end(const popcl_tls *t) {
    popcl_tls_session *s = resume_session_of(t);
    int is_bad = br_ssl_engine_last_error(&s->ssl.eng) || !br_ssl_engine_current_state(&s->ssl.eng);
    if (s->may_keep && (is_bad || t->resume->state != KEPT)) resume_forget(t->resume);
    s->may_keep = 0;
}

const popcl_resumption popcl_tls_resumption = {
    .open = resume_open,
    .offer = resume_offer,
    .keep = resume_keep,
    .tell = resume_tell,
    .end = resume_end,
};

/* ---- the form for flash and files ---- */

/* Offsets; numbers are big-endian. The fields from BINDING_AT on follow each other without gaps,
 * here and in popcl_resumable. */
enum {
    VERSION_AT = 0,
    ID_LEN_AT = 4,
    END_POINT_LEN_AT,
    FRAGMENT_AT,
    ZERO_AT,
    SUITE_AT,
    MADE_AT = 10,
    NOT_AFTER_AT = 18,
    BINDING_AT = 26,
    DIGEST_AT = 202
};
enum { OCTETS = DIGEST_AT - BINDING_AT, DIGEST = 32 };
typedef char form_has_its_length[DIGEST_AT + DIGEST == POPCL_RESUME_LEN ? 1 : -1];
typedef char fields_are_together
    [offsetof(popcl_resumable, end_point) + 64 - offsetof(popcl_resumable, binding) == OCTETS ? 1
                                                                                              : -1];

static const unsigned char version[4] = {'P', 'R', 'S', '1'};

static void digest(unsigned char out[DIGEST], const unsigned char *blob) {
    br_sha256_context h;
    br_sha256_init(&h);
    br_sha256_update(&h, blob, DIGEST_AT);
    br_sha256_out(&h, out);
    popcl_zero(&h, sizeof h); /* it holds the end of the blob */
}

void popcl_resume_save(const popcl_resumable *r, unsigned char blob[POPCL_RESUME_LEN]) {
    memset(blob, 0, DIGEST_AT);
    memcpy(blob + VERSION_AT, version, sizeof version);
    if (r->state == KEPT) {
        blob[ID_LEN_AT] = r->id_len;
        blob[END_POINT_LEN_AT] = r->end_point_len;
        blob[FRAGMENT_AT] = r->fragment;
        resume_put(blob + SUITE_AT, r->suite, 2);
        resume_put(blob + MADE_AT, (uint64_t)r->made_s, 8);
        resume_put(blob + NOT_AFTER_AT, (uint64_t)r->not_after, 8);
        memcpy(blob + BINDING_AT, r->binding, OCTETS);
    }
    digest(blob + DIGEST_AT, blob);
}

popcl_err popcl_resume_restore(popcl_resumable *r, const unsigned char *blob, size_t len) {
    unsigned char sum[DIGEST];
    resume_forget(r);
    if (!blob || len != POPCL_RESUME_LEN) return POPCL_ERR_RESUME_DAMAGED;
    digest(sum, blob);
    if (memcmp(sum, blob + DIGEST_AT, sizeof sum) != 0 ||
        memcmp(blob + VERSION_AT, version, sizeof version) != 0)
        return POPCL_ERR_RESUME_DAMAGED;
    if (blob[ID_LEN_AT] > sizeof r->id || blob[END_POINT_LEN_AT] > sizeof r->end_point)
        return POPCL_ERR_RESUME_DAMAGED;
    if (blob[ID_LEN_AT] == 0) return POPCL_OK; /* saved from an object without a session */
    int64_t made_s = (int64_t)resume_get(blob + MADE_AT, 8);
    if (!is_known(made_s)) return POPCL_ERR_RESUME_DAMAGED;
    r->state = KEPT;
    r->id_len = blob[ID_LEN_AT];
    r->end_point_len = blob[END_POINT_LEN_AT];
    r->fragment = blob[FRAGMENT_AT];
    r->suite = (uint16_t)resume_get(blob + SUITE_AT, 2);
    r->made_s = made_s;
    r->not_after = (int64_t)resume_get(blob + NOT_AFTER_AT, 8);
    memcpy(r->binding, blob + BINDING_AT, OCTETS);
    return POPCL_OK;
}
