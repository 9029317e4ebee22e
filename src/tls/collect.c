/* SPDX-License-Identifier: MIT */
/* collect - the judge of certificates for machines with memory. The guard alone takes issuers in
 * the order in which a server sends them. But servers send them in any order, and beside
 * certificates for another root. So the certificates are kept until all have come. Then the guard
 * gets them as they came. If it refuses, it gets each path that their names allow. The number of
 * paths is bounded, and so are the signatures that are checked for all of them together. If no path
 * is taken, the first verdict counts. If that is only about the order, the verdict on the first
 * path counts, with issuers that cannot be taken: it has the reason. */
#include <string.h>

#include "guard.h"
#include "leaf.h"

enum { PATHS_MAX = 64 };

static popcl_collector *collector_of(const br_x509_class **ctx) {
    return (popcl_collector *)(void *)ctx;
}

/* ---- what comes is kept. A certificate that finds no room is left out ---- */

static void collect_start_chain(const br_x509_class **ctx, const char *server_name) {
    popcl_collector *c = collector_of(ctx);
    (void)server_name;
    c->certs = 0;
    c->sent = 0;
    c->used = 0;
    c->lost = 0;
}

static void collect_start_cert(const br_x509_class **ctx, uint32_t length) {
    popcl_collector *c = collector_of(ctx);
    popcl_collected *one = &c->cert[c->certs];
    if (c->sent < UINT8_MAX) c->sent++;
    c->is_kept = !c->lost && c->certs < POPCL_COLLECTED && length <= sizeof c->octets - c->used;
    /* no other is the server's; it has all the room */
    if (c->certs == 0 && !c->is_kept && !c->lost) c->lost = POPCL_ERR_CERT_TOO_LARGE;
    if (!c->is_kept) return;
    one->place = c->sent;
    one->at = c->used;
    one->len = 0;
    one->announced = length;
}

static void collect_append(const br_x509_class **ctx, const unsigned char *p, size_t n) {
    popcl_collector *c = collector_of(ctx);
    popcl_collected *one = &c->cert[c->certs];
    if (!c->is_kept || n > one->announced - one->len) {
        c->is_kept = 0;
        return;
    }
    memcpy(c->octets + one->at + one->len, p, n);
    one->len += (uint32_t)n;
}

static void collect_end_cert(const br_x509_class **ctx) {
    popcl_collector *c = collector_of(ctx);
    if (c->certs == 0 && !c->is_kept && !c->lost) c->lost = POPCL_ERR_CERT_MALFORMED;
    if (!c->is_kept) return;
    c->used += c->cert[c->certs].len;
    c->certs++;
    c->is_kept = 0;
}

/* ---- paths ---- */

/* Reads the names of a certificate, and whether it can be an issuer. */
static void read_names(popcl_collector *c, popcl_collected *one, int is_first) {
    popcl_leaf *leaf = &c->guard.leaf;
    br_sha256_context hash;
    unsigned char name[br_sha256_SIZE];
    leaf->key = &c->guard.server;
    leaf->signature = NULL;
    leaf->names_at = UINT16_MAX; /* the guard alone writes names */
    popcl_leaf_begin(leaf, one->announced, is_first);
    for (uint32_t at = 0; at < one->len;) {
        enum leaf_part part = popcl_leaf_part(leaf);
        size_t n = popcl_leaf_take(leaf, c->octets + one->at + at, one->len - at);
        if (part == LEAF_PART_ISSUER || part == LEAF_PART_SUBJECT) {
            br_sha256_init(&hash);
            br_sha256_update(&hash, c->octets + one->at + at, n);
            br_sha256_out(&hash, name);
            memcpy(part == LEAF_PART_ISSUER ? one->issuer : one->subject, name, POPCL_NAME_HASH);
        }
        at += (uint32_t)n;
    }
    one->is_issuer = popcl_guard_judge(popcl_leaf_end(leaf)) == POPCL_OK;
}

/* Gives certificates to the guard. Returns its verdict. The place that it reports becomes the one
 * among all that the server sent. */
static popcl_err try_path(popcl_collector *c, const uint8_t *path, unsigned n) {
    popcl_guard *g = &c->guard;
    const br_x509_class **x = &g->vtable;
    (*x)->start_chain(x, NULL);
    for (unsigned i = 0; i < n; i++) {
        const popcl_collected *one = &c->cert[path[i]];
        (*x)->start_cert(x, one->announced);
        (*x)->append(x, c->octets + one->at, one->len);
        (*x)->end_cert(x);
    }
    (*x)->end_chain(x);
    if (g->fault_cert) g->fault_cert = c->cert[path[g->fault_cert - 1u]].place;
    return popcl_guard_verdict(g);
}

/* Returns the first certificate from `from` on that can follow the path and is not in it, or the
 * number of all. any: also one that cannot be taken as an issuer. */
static unsigned next_issuer(const popcl_collector *c, const uint8_t *path, unsigned n,
                            unsigned from, int any) {
    const popcl_collected *tip = &c->cert[path[n - 1]];
    for (; from < c->certs; from++) {
        const popcl_collected *one = &c->cert[from];
        if ((one->is_issuer || any) && memcmp(one->subject, tip->issuer, POPCL_NAME_HASH) == 0 &&
            !memchr(path, (int)from, n))
            break;
    }
    return from;
}

/* Offers each path that cannot be longer, the first ones first. Returns whether the guard took one.
 */
static int search(popcl_collector *c) {
    uint8_t path[POPCL_COLLECTED] = {0};
    unsigned n = 1, from = 1, offered = 0, is_longer = 0;
    while (n) {
        unsigned next = n < POPCL_COLLECTED ? next_issuer(c, path, n, from, 0) : c->certs;
        if (next < c->certs) { /* a step forward */
            path[n++] = (uint8_t)next;
            from = 1;
            is_longer = 1;
            continue;
        }
        if (is_longer) { /* the end of a path */
            if (try_path(c, path, n) == POPCL_OK) return 1;
            if (++offered == PATHS_MAX) break;
        }
        is_longer = 0; /* and back */
        from = path[--n] + 1u;
    }
    return 0;
}

/* Gives the first path to the guard, whatever its issuers are. Returns whether there is one. */
static int first_path(popcl_collector *c) {
    uint8_t path[POPCL_COLLECTED] = {0};
    unsigned n = 1, next;
    while (n < POPCL_COLLECTED && (next = next_issuer(c, path, n, 1, 1)) < c->certs)
        path[n++] = (uint8_t)next;
    if (n > 1) try_path(c, path, n);
    return n > 1;
}

/* Returns whether another path may be better: the server's own certificate was not at fault. */
static int is_about_issuers(const popcl_guard *g, popcl_err e) {
    return g->fault_cert > 1 || e == POPCL_ERR_CERT_SIGNATURE || e == POPCL_ERR_CERT_UNTRUSTED;
}

static unsigned collect_end_chain(const br_x509_class **ctx) {
    popcl_collector *c = collector_of(ctx);
    popcl_guard *g = &c->guard;
    uint8_t all[POPCL_COLLECTED];
    for (unsigned i = 0; i < c->certs; i++)
        all[i] = (uint8_t)i;
    popcl_err e = try_path(c, all, c->certs);
    if (c->lost) {
        g->result = c->lost;
        g->fault_cert = 1;
    }
    uint8_t fault_cert = g->fault_cert;
    int64_t fault_time = g->fault_time;
    if (e && c->certs > 2 && is_about_issuers(g, e)) {
        for (unsigned i = 0; i < c->certs; i++)
            read_names(c, &c->cert[i], i == 0);
        if (!search(c) && !g->unread && (e != POPCL_ERR_CERT_ORDER || !first_path(c))) {
            g->result = (uint8_t)e;
            g->fault_cert = fault_cert;
            g->fault_time = fault_time;
        }
    }
    return popcl_guard_verdict(g) ? BR_ERR_X509_NOT_TRUSTED : 0;
}

static const br_x509_pkey *collect_get_pkey(const br_x509_class *const *ctx, unsigned *usages) {
    const popcl_collector *c = (const popcl_collector *)(const void *)ctx;
    return c->guard.vtable->get_pkey((const br_x509_class *const *)&c->guard.vtable, usages);
}

static const br_x509_class methods = {
    .context_size = sizeof(popcl_collector),
    .start_chain = collect_start_chain,
    .start_cert = collect_start_cert,
    .append = collect_append,
    .end_cert = collect_end_cert,
    .end_chain = collect_end_chain,
    .get_pkey = collect_get_pkey,
};

/* ---- the profile's side ---- */

static popcl_err collect_check(const popcl_tls *t) { return popcl_x509_guard.check(t); }

static const br_x509_class **collect_open(void *state, const popcl_tls *t, const char *name) {
    popcl_collector *c = state;
    c->vtable = &methods;
    collect_start_chain(&c->vtable, NULL);
    c->is_kept = 0;
    popcl_guard_open(&c->guard, t, name);
    return &c->vtable;
}

static popcl_err collect_verdict(const void *state) {
    const popcl_collector *c = state;
    return popcl_guard_verdict(&c->guard);
}

static void collect_tell(const void *state, popcl_tls_diag *d) {
    const popcl_collector *c = state;
    popcl_x509_guard.tell(&c->guard, d);
}

static void *collect_spare(void *state, size_t *n) {
    popcl_collector *c = state;
    *n = sizeof c->octets;
    return c->octets;
}

const popcl_x509 popcl_x509_collect = {
    .check = collect_check,
    .open = collect_open,
    .verdict = collect_verdict,
    .tell = collect_tell,
    .spare = collect_spare,
};
