/* SPDX-License-Identifier: MIT */
/* order - see order.h. The set of others is kept as a sum of hashes of their UIDs, in any order. */
#include "order.h"

static uint32_t hash(const popcl_msg *m) {
    uint32_t h = 2166136261u; /* FNV-1a */
    for (unsigned i = 0; i < m->uid_len; i++)
        h = (h ^ (unsigned char)m->uid[i]) * 16777619u;
    return h;
}

/* Returns the marks of a message that is last, otherwise 0. */
static unsigned last_marks(const order *o, const popcl_msg *m) {
    unsigned marks = popcl_seen_get(o->seen, m->uid, m->uid_len);
    if (marks & (POPCL_SEEN_FETCHED | POPCL_SEEN_DELETE_DUE)) return 0;
    return marks & ORDER_LAST ? marks : 0;
}

void order_begin(order *o) {
    *o = (order){.seen = o->seen, .rest = o->rest, .rest_known = o->rest_known};
}

void order_listed(order *o, const popcl_msg *m) {
    unsigned marks = last_marks(o, m);
    if (marks) {
        o->last++;
        o->untried += !(marks & ORDER_TRIED);
    } else {
        o->others++;
        o->listed += hash(m);
    }
}

static unsigned forget_tried(void *ctx, unsigned marks) {
    (void)ctx;
    return marks == (ORDER_LAST | ORDER_TRIED) ? ORDER_LAST : marks;
}

/* Called once in a session, after its listing. */
static void choose(order *o) {
    o->chosen = 1;
    o->last_only = o->last && (!o->others || (o->rest_known && o->rest == o->listed));
    if (o->last_only && !o->untried) popcl_seen_each(o->seen, forget_tried, NULL);
}

int order_is_now(order *o, const popcl_msg *m) {
    if (!o->chosen) choose(o);
    unsigned marks = last_marks(o, m);
    int now = marks ? o->last_only && !(marks & ORDER_TRIED) : !o->last_only;
    o->asked += (uint32_t)now;
    return now;
}

static unsigned drop_one(void *ctx, unsigned marks) {
    int *dropped = ctx;
    if (*dropped || (marks & ~POPCL_SEEN_UNSURE) != POPCL_SEEN_FETCHED) return marks;
    *dropped = 1;
    return 0;
}

/* A full set drops a message that was fetched: that one comes a second time, and none is kept
 * out. */
static int mark(order *o, const popcl_msg *m, unsigned marks) {
    int dropped = 0;
    popcl_err e = popcl_seen_put(o->seen, m->uid, m->uid_len, marks);
    if (e != POPCL_ERR_SEEN_FULL) return e == POPCL_OK;
    popcl_seen_each(o->seen, drop_one, &dropped);
    return dropped && popcl_seen_put(o->seen, m->uid, m->uid_len, marks) == POPCL_OK;
}

/* At the end of a session messages without a fate get it in the order of the commands. If a RETR
 * was under way, its message is the first. A session that ends at the overall limit gives that one
 * its fate before. */
int order_fate(order *o, const popcl_msg *m, popcl_fate what, popcl_err why, int over) {
    unsigned marks = last_marks(o, m);
    const int cut = what == POPCL_NOT_STORED && (over || why == POPCL_ERR_TIMEOUT_TOTAL);
    if (cut && (o->broke || !o->asked)) return 0;
    if (o->asked) o->asked--;
    if (cut) {
        const unsigned next = marks && o->last > 1 ? ORDER_LAST | ORDER_TRIED : ORDER_LAST;
        o->broke = 1;
        return marks != next && mark(o, m, next);
    }
    if (marks) return popcl_seen_put(o->seen, m->uid, m->uid_len, 0) == POPCL_OK;
    o->done++;
    if (what == POPCL_STORED) o->stored += hash(m);
    return 0;
}

/* Its STORED has passed, and counted nothing if the message was last. */
void order_empty(order *o, const popcl_msg *m) {
    if (!o->last_only) o->stored -= hash(m);
}

void order_end(order *o, int again) {
    o->rest_known = o->last && !o->last_only && o->done == o->others;
    o->rest = again ? o->listed : o->listed - o->stored;
}

int order_was_last(const order *o) { return o->last_only && o->broke; }
