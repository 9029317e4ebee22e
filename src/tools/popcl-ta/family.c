/* SPDX-License-Identifier: MIT */
/* family - see family.h. Certificates of one family are one set of a union-find structure. From
 * there ranks go along the certificates by which one root certifies another. A certificate is named
 * by its place in the list. */
#include "family.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOBODY SIZE_MAX

enum { FAMILY_ROW = sizeof(pop_anchor *) };

typedef struct ranked {
    long rank;
    size_t set;
} ranked;

typedef struct families {
    pop_anchor *list;
    size_t len;
    pop_anchor **order;  /* for sorting */
    size_t *parent;      /* of each: another one of its set, or itself */
    size_t *first;       /* of each set: its first member */
    size_t *next;        /* of each: the next member of its set, or NOBODY */
    ranked *work;        /* sets to go on from */
    unsigned char *join; /* 1 = it certifies a root, and is issued by another */
    unsigned char *done; /* of each set */
} families;

/* ---- sets ---- */

static size_t family_of(const families *f, size_t one) {
    while (f->parent[one] != one)
        one = f->parent[one] = f->parent[f->parent[one]];
    return one;
}

static void family_unite(families *f, const pop_anchor *l, const pop_anchor *r) {
    f->parent[family_of(f, (size_t)(l - f->list))] = family_of(f, (size_t)(r - f->list));
}

static int is_root_form(const pop_anchor *a) {
    return memcmp(a->subject_hash, a->issuer_hash, sizeof a->subject_hash) == 0;
}

static size_t family_collect(families *f, int (*take)(const families *f, const pop_anchor *a)) {
    size_t count = 0;
    for (size_t i = 0; i < f->len; i++)
        if (ta_is_certificate(&f->list[i]) && take(f, &f->list[i])) f->order[count++] = &f->list[i];
    return count;
}

static int every(const families *f, const pop_anchor *a) {
    (void)f;
    (void)a;
    return 1;
}

static int has_organization(const families *f, const pop_anchor *a) {
    (void)f;
    return *a->organization != '\0';
}

static int joins(const families *f, const pop_anchor *a) { return f->join[a - f->list]; }

static int by_organization(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    return strcasecmp(l->organization, r->organization);
}

static int by_subject_and_key(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    int order = memcmp(l->subject_hash, r->subject_hash, sizeof l->subject_hash);
    return order ? order : memcmp(l->pin, r->pin, sizeof l->pin);
}

static int by_sha256(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    return memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

static int by_issuer(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    return memcmp(l->issuer_hash, r->issuer_hash, sizeof l->issuer_hash);
}

static void unite_organizations(families *f) {
    size_t count = family_collect(f, has_organization);
    qsort(f->order, count, FAMILY_ROW, by_organization);
    for (size_t i = 1; i < count; i++)
        if (by_organization(&f->order[i - 1], &f->order[i]) == 0)
            family_unite(f, f->order[i - 1], f->order[i]);
}

/* Also finds those that certify a root: one of its subject and key that is issued by itself. */
static void unite_keys(families *f) {
    size_t count = family_collect(f, every), from = 0;
    qsort(f->order, count, FAMILY_ROW, by_subject_and_key);
    while (from < count) {
        size_t until = from;
        int is_root = 0;
        for (; until < count && by_subject_and_key(&f->order[from], &f->order[until]) == 0;
             until++) {
            family_unite(f, f->order[from], f->order[until]);
            is_root |= is_root_form(f->order[until]);
        }
        for (; from < until; from++)
            f->join[f->order[from] - f->list] = is_root && !is_root_form(f->order[from]);
    }
}

static void unite_lines(families *f, const ta_selection *s) {
    size_t count = family_collect(f, every);
    const pop_anchor *last = NULL;
    qsort(f->order, count, FAMILY_ROW, by_sha256);
    for (size_t i = 0; i < s->kin_len; i++) {
        pop_anchor wanted, *key = &wanted;
        memcpy(wanted.sha256, s->kin[i].sha256, sizeof wanted.sha256);
        pop_anchor **found = bsearch(&key, f->order, count, FAMILY_ROW, by_sha256);
        if (i && s->kin[i].line != s->kin[i - 1].line) last = NULL;
        if (!found) continue;
        if (last) family_unite(f, last, *found);
        last = *found;
    }
}

/* ---- ranks ---- */

static int by_rank(const void *left, const void *right) {
    const ranked *l = left, *r = right;
    if (l->rank != r->rank) return l->rank < r->rank ? -1 : 1;
    return (l->set > r->set) - (l->set < r->set);
}

/* Links the members of each set. Returns how many sets have a selected member; `work` has them, by
 * rank. */
static size_t find_selected(families *f) {
    size_t count = 0;
    for (size_t i = 0; i < f->len; i++)
        f->first[i] = NOBODY;
    for (size_t i = f->len; i-- > 0;) {
        size_t set = family_of(f, i);
        f->next[i] = f->first[set];
        f->first[set] = i;
    }
    for (size_t i = 0; i < f->len; i++) {
        ranked one = {-1, i};
        for (size_t member = f->first[i]; member != NOBODY; member = f->next[member])
            if (f->list[member].rank >= 0 && ta_is_certificate(&f->list[member]) &&
                (one.rank < 0 || f->list[member].rank < one.rank))
                one.rank = f->list[member].rank;
        if (one.rank >= 0) f->work[count++] = one;
    }
    qsort(f->work, count, sizeof *f->work, by_rank);
    return count;
}

/* Returns the first of the certificates, sorted by issuer, that a root has issued. */
static size_t first_issued(const families *f, size_t count, const pop_anchor *root) {
    size_t from = 0;
    while (count) {
        size_t half = count / 2;
        const pop_anchor *middle = f->order[from + half];
        if (memcmp(middle->issuer_hash, root->subject_hash, sizeof root->subject_hash) < 0) {
            from += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return from;
}

/* Gives a set its rank, and adds the sets that its roots certify. Those that one name has issued
 * are taken once, and then unmarked. Returns the new number of sets at `more`. */
static size_t spread_set(families *f, ranked from, size_t issued, ranked *more, size_t len) {
    if (f->done[from.set]) return len;
    f->done[from.set] = 1;
    for (size_t member = f->first[from.set]; member != NOBODY; member = f->next[member]) {
        pop_anchor *one = &f->list[member];
        if (!ta_is_certificate(one)) continue;
        if (one->rank < 0) one->rank = from.rank;
        if (!is_root_form(one)) continue;
        for (size_t i = first_issued(f, issued, one); i < issued; i++) {
            size_t place = (size_t)(f->order[i] - f->list);
            if (memcmp(f->order[i]->issuer_hash, one->subject_hash, sizeof one->subject_hash) !=
                    0 ||
                !f->join[place])
                break;
            f->join[place] = 0;
            more[len++] = (ranked){from.rank, family_of(f, place)};
        }
    }
    return len;
}

static void spread_all(families *f) {
    size_t selected = find_selected(f), issued = family_collect(f, joins);
    ranked *more = f->work + f->len; /* room for as many as there are certificates */
    qsort(f->order, issued, FAMILY_ROW, by_issuer);
    for (size_t i = 0; i < selected; i++) {
        size_t len = spread_set(f, f->work[i], issued, more, 0);
        while (len) {
            ranked last = more[--len];
            len = spread_set(f, last, issued, more, len);
        }
    }
}

int ta_family_spread(const ta_selection *s, pop_anchors *a) {
    size_t n = a->len + 1;
    families f = {.list = a->list, .len = a->len};
    int failed = -1;
    f.order = calloc(n, FAMILY_ROW);
    f.parent = calloc(n, sizeof *f.parent);
    f.first = calloc(n, sizeof *f.first);
    f.next = calloc(n, sizeof *f.next);
    f.work = calloc(2 * n, sizeof *f.work);
    f.join = calloc(n, 1);
    f.done = calloc(n, 1);
    if (f.order && f.parent && f.first && f.next && f.work && f.join && f.done) {
        for (size_t i = 0; i < f.len; i++)
            f.parent[i] = i;
        unite_organizations(&f);
        unite_keys(&f);
        unite_lines(&f, s);
        spread_all(&f);
        failed = 0;
    }
    free(f.order);
    free(f.parent);
    free(f.first);
    free(f.next);
    free(f.work);
    free(f.join);
    free(f.done);
    return failed;
}
