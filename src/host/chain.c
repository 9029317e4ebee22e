/* SPDX-License-Identifier: MIT */
/* chain - see chain.h. */
#include "chain.h"

#include <string.h>

#include "../tls/name.h"
#include "../tls/profile.h"

/* ---- the certificates ---- */

void pop_chain_add(pop_chain *c, const unsigned char *der, size_t n) {
    c->sent++;
    if (c->len == POPCL_COLLECTED || n > sizeof c->octets - c->used) return;
    c->certs[c->len].p = memcpy(c->octets + c->used, der, n);
    c->certs[c->len].n = n;
    c->place[c->len] = c->sent < UINT8_MAX ? (uint8_t)c->sent : UINT8_MAX;
    c->used += n;
    c->len++;
}

void pop_chain_take(pop_chain *c, const popcl_tls_host_storage *s) {
    const popcl_collector *from = &s->collector;
    memset(c, 0, sizeof *c);
    for (unsigned i = 0; i < from->certs; i++) {
        pop_chain_add(c, from->octets + from->cert[i].at, from->cert[i].len);
        c->place[i] = from->cert[i].place;
    }
    c->sent = from->sent;
}

int pop_chain_pin(const pop_chain *c, size_t i, unsigned char pin[POPCL_PIN_LEN]) {
    br_sha256_context sha;
    pop_cert cert;
    if (i >= c->len || pop_cert_read(&cert, c->certs[i].p, c->certs[i].n)) return -1;
    br_sha256_init(&sha);
    br_sha256_update(&sha, cert.key.p, cert.key.n);
    br_sha256_out(&sha, pin);
    return 0;
}

static int is_same_span(pop_span a, pop_span b) { return a.n == b.n && memcmp(a.p, b.p, a.n) == 0; }

size_t pop_chain_end(const pop_chain *c) {
    unsigned char seen[POPCL_COLLECTED] = {1};
    size_t tip = 0;
    for (size_t i = 0; i < c->len;) {
        pop_cert one, next;
        if (pop_cert_read(&one, c->certs[tip].p, c->certs[tip].n)) return tip;
        for (i = 1; i < c->len; i++)
            if (!seen[i] && pop_cert_read(&next, c->certs[i].p, c->certs[i].n) == 0 &&
                is_same_span(next.subject, one.issuer))
                break;
        if (i == c->len) return tip;
        seen[i] = 1;
        tip = i;
    }
    return tip;
}

/* ---- judging ---- */

static popcl_err judge_for(pop_chain *c, const popcl_trust *trust, const char *name,
                           int64_t utc_s) {
    const popcl_x509 *x509 = popcl_tls_host.x509;
    char compared[256];
    popcl_tls tls = {.profile = &popcl_tls_host, .trust = trust, .utc_s = utc_s, .name = name};
    tls.names = c->names;
    tls.names_len = sizeof c->names;
    if (!popcl_name_copy(compared, name)) return POPCL_ERR_HOST;
    memset(&c->judge, 0, sizeof c->judge);
    const br_x509_class **judge = x509->open(&c->judge, &tls, compared);
    (*judge)->start_chain(judge, NULL);
    for (size_t i = 0; i < c->len; i++) {
        (*judge)->start_cert(judge, (uint32_t)c->certs[i].n);
        (*judge)->append(judge, c->certs[i].p, c->certs[i].n);
        (*judge)->end_cert(judge);
    }
    (void)(*judge)->end_chain(judge);
    return x509->verdict(&c->judge);
}

/* ---- the anchor ---- */

/* Returns utc_s, or the nearest time at which the server's certificate is valid. */
static int64_t valid_time(const pop_chain *c, int64_t utc_s) {
    pop_cert own;
    if (!c->len || pop_cert_read(&own, c->certs[0].p, c->certs[0].n)) return utc_s;
    if (utc_s < own.not_before) return own.not_before;
    return utc_s > own.not_after ? own.not_after : utc_s;
}

const char *pop_chain_names(pop_chain *c) {
    static const popcl_trust nobody;
    /* RFC 6761, 6.4: no server has this name, so the certificate is refused for it */
    (void)judge_for(c, &nobody, "no-server.invalid", valid_time(c, INT64_MAX));
    return c->names;
}

/* Writes a name that the server's certificate is for: the first of its names, with a label for a
 * star. Without one, writes the common name, which counts in a server's own certificate alone. */
static void own_name(pop_chain *c, char name[256]) {
    const char *names = pop_chain_names(c);
    pop_cert own;
    size_t n = strcspn(names, ",");
    if (n && n < 255) {
        memcpy(name, names, n);
        name[n] = '\0';
        if (*name == '*') *name = 'a';
    } else if (!c->len || pop_cert_read(&own, c->certs[0].p, c->certs[0].n) ||
               !pop_cert_name_part(own.subject, 3, name, 256)) {
        memcpy(name, "no-server.invalid", sizeof "no-server.invalid");
    }
}

popcl_err pop_chain_judge(pop_chain *c, const popcl_trust *trust, const char *name, int64_t utc_s) {
    char own[256];
    if (!name) own_name(c, own);
    return judge_for(c, trust, name ? name : own, utc_s);
}

/* The order of preference: less is better. */
static unsigned preference_of(const pop_anchor *a) {
    if (!pop_anchor_is_authority(a)) return 2;
    return memcmp(a->subject_hash, a->issuer_hash, sizeof a->subject_hash) != 0;
}

static int is_better(const pop_anchor *a, const pop_anchor *than) {
    unsigned kind = preference_of(a), other = preference_of(than);
    return kind != other ? kind < other : pop_anchor_size(a) < pop_anchor_size(than);
}

size_t pop_chain_anchor(pop_chain *c, const pop_anchors *a, int64_t utc_s) {
    char name[256];
    size_t best = a->len;
    int64_t at = valid_time(c, utc_s);
    if (!c->len) return best;
    own_name(c, name);
    for (size_t i = 0; i < a->len; i++) {
        const pop_anchor *one = &a->list[i];
        if (one->finding != POP_ANCHOR_USABLE) continue;
        if (best < a->len && !is_better(one, &a->list[best])) continue;
        popcl_trust alone = pop_anchor_trust(one);
        if (judge_for(c, &alone, name, at) == POPCL_OK) best = i;
    }
    return best;
}
