/* SPDX-License-Identifier: MIT */
/* show - see show.h. An entry is judged by the reader that a session has (src/tls/entry.h). */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../tls/entry.h"
#include "../../tls/key.h"
#include "utc.h"

#define DAY 86400

/* ---- an entry ---- */

typedef struct entry {
    unsigned kind, flags, path_len, from, until;
    size_t key_len, e_len;
    const unsigned char *names, *end;
    enum key_fault fault;
} entry;

/* Returns -1 if a session would pass it over. */
static int show_read(entry *e, const ta_back_anchor *a) {
    const unsigned char *p = a->entry;
    popcl_entry read;
    memset(e, 0, sizeof *e);
    if (!popcl_entry_read(&read, p, a->entry_len)) return -1;
    e->kind = p[0];
    e->flags = p[1];
    e->path_len = p[2];
    e->e_len = p[3];
    e->key_len = (size_t)ta_blob_get(p + 4, 2);
    e->from = (unsigned)ta_blob_get(p + 6, 2);
    e->until = (unsigned)ta_blob_get(p + 8, 2);
    e->end = p + a->entry_len;
    e->names = read.names;
    e->fault = popcl_key_fault(&read.key);
    return 0;
}

static void show_hex(FILE *f, const unsigned char *p, size_t n) {
    while (n--)
        (void)fprintf(f, "%02x", *p++);
}

static void show_day(FILE *f, unsigned day) {
    char text[POP_UTC_TEXT];
    pop_utc_text((int64_t)day * DAY, text);
    (void)fprintf(f, "%.10s", text);
}

/* Writes the first and the last day on which something counts. */
static void show_days(FILE *f, unsigned from, unsigned until) {
    if (from == 0 && until == TA_DAY_MAX) {
        (void)fputs("at all times", f);
        return;
    }
    if (until == TA_DAY_MAX) (void)fputs("from ", f);
    show_day(f, from);
    (void)fputs(until == TA_DAY_MAX ? " on" : " to ", f);
    if (until != TA_DAY_MAX) show_day(f, until);
}

static void show_key(FILE *f, const entry *e) {
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    if (e->kind == 1)
        (void)fprintf(f, "RSA %zu", e->key_len * 8);
    else
        (void)fputs(curves[e->kind - BR_EC_secp256r1], f);
}

/* The subject, or the hash of it. */
static void show_name(FILE *f, const ta_back_anchor *a) {
    if (a->subject) {
        (void)fputs(a->subject, f);
        return;
    }
    (void)fputs("name ", f);
    show_hex(f, a->name, sizeof a->name);
}

/* "RSA 4096, 2015-06-04 to 2035-06-04, 527 octets". Names are octets of a file: escaped. */
static void show_facts(FILE *f, const ta_back_anchor *a) {
    entry e;
    if (show_read(&e, a)) {
        (void)fputs("of a form that counts as absent", f);
        return;
    }
    show_key(f, &e);
    (void)fputs(", ", f);
    show_days(f, e.from, e.until);
    (void)fprintf(f, ", %zu octets", a->entry_len);
    if (e.path_len != POPCL_PATH_ANY) (void)fprintf(f, ", path length %u", e.path_len);
    if (!(e.flags & POPCL_ANCHOR_CA)) (void)fputs(", trusted directly", f);
    if (e.fault) (void)fputs(", with a key that popcl does not use", f);
    const char *before = ", only for ";
    for (const unsigned char *name = e.names; name < e.end; name += 1 + *name, before = " or ") {
        (void)fputs(before, f);
        for (size_t i = 1; i <= *name; i++)
            (void)fprintf(f, name[i] > 0x20 && name[i] < 0x7F ? "%c" : "\\x%02x", name[i]);
    }
}

static void show_digest(FILE *f, const ta_back_anchor *a) {
    unsigned char digest[TA_BLOB_DIGEST];
    ta_blob_digest(digest, a->entry, a->entry_len);
    show_hex(f, digest, sizeof digest);
}

/* ---- list ---- */

static void show_retired(FILE *f, uint32_t retired) {
    if (!retired) return;
    (void)fputs("    retired keys:", f);
    for (unsigned i = 0; i < 32; i++)
        if (retired >> i & 1) (void)fprintf(f, " %u", i);
    (void)fputc('\n', f);
}

static void show_header(FILE *f, const ta_back *b) {
    char made[POP_UTC_TEXT], stale[POP_UTC_TEXT];
    pop_utc_text(b->made, made);
    pop_utc_text(b->stale, stale);
    if (b->kind == TA_BACK_C) {
        (void)fprintf(f, "C source\n    sequence %" PRIu32 ", floor of the clock %s\n", b->sequence,
                      made);
        return;
    }
    (void)fprintf(f, "blob of %zu octets, ", b->len);
    if (b->is_signed)
        (void)fprintf(f, "signed with key %u\n", b->key_number);
    else
        (void)fputs("not signed\n", f);
    (void)fprintf(f, "    sequence %" PRIu32 ", floor %" PRIu32 ", scope ", b->sequence, b->floor);
    show_hex(f, b->octets + TA_BLOB_SCOPE_AT, TA_BLOB_SCOPE);
    (void)fprintf(f, "\n    made %s, %s%s\n", made, b->stale ? "stale from " : "never stale",
                  b->stale ? stale : "");
    show_retired(f, b->retired);
}

void ta_show_set(FILE *f, const ta_back *b) {
    show_header(f, b);
    (void)fprintf(f, "    anchors: %zu, pins: %zu, denied keys: %zu\n", b->anchors_len, b->pins.len,
                  b->denied.len);
    for (size_t i = 0; i < b->anchors_len; i++) {
        show_name(f, &b->anchors[i]);
        (void)fputs("\n    ", f);
        show_facts(f, &b->anchors[i]);
        (void)fputs("\n    digest ", f);
        show_digest(f, &b->anchors[i]);
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < b->pins.len; i++) {
        (void)fputs("pin ", f);
        show_hex(f, b->pins.list[i].hash, 32);
        (void)fputs(", ", f);
        show_days(f, b->pins.list[i].from, b->pins.list[i].until);
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < b->denied.len; i++) {
        (void)fputs("denied ", f);
        show_hex(f, b->denied.list[i].hash, 32);
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < b->own.len; i++) {
        (void)fputs("own certificate ", f);
        show_hex(f, b->own.list[i].hash, 32);
        (void)fputc('\n', f);
    }
}

/* ---- check ---- */

/* A line is begun with the place; the caller ends it. */
static void fault(FILE *f, const char *path, size_t *count) {
    (void)fprintf(f, "%s: ", path);
    ++*count;
}

/* Days begin at midnight: the last day counts until its end. Returns whether a day is the last one
 * before `until`. */
static int ends_before(unsigned day, int64_t until) {
    return day != TA_DAY_MAX && ((int64_t)day + 1) * DAY <= until;
}

static void check_header(FILE *f, const ta_back *b, const char *path, int64_t now, int64_t until,
                         size_t *count) {
    char when[POP_UTC_TEXT];
    if (!b->is_signed) {
        fault(f, path, count);
        (void)fputs("it is not signed: popcl-ta sign does that\n", f);
    }
    if (b->surplus) {
        fault(f, path, count);
        (void)fprintf(f, "%zu octets come after its end\n", b->surplus);
    }
    if (b->key_number < 32 && b->retired >> b->key_number & 1) {
        fault(f, path, count);
        (void)fprintf(f, "it retires key %u, which signs it: no device takes it\n", b->key_number);
    }
    pop_utc_text(b->made, when);
    if (b->made > now) {
        fault(f, path, count);
        (void)fprintf(f, "it is made in the future, %s: a device refuses every server until then\n",
                      when);
    }
    pop_utc_text(b->stale, when);
    if (b->stale && b->stale <= until) {
        fault(f, path, count);
        (void)fprintf(f, "it %s stale %s %s: make its successor\n",
                      b->stale <= now ? "has been" : "becomes", b->stale <= now ? "since" : "on",
                      when);
    }
}

size_t ta_show_faults(FILE *f, const ta_back *b, const char *path, int64_t now, int64_t until) {
    size_t count = 0;
    entry e;
    if (b->kind == TA_BACK_BLOB) check_header(f, b, path, now, until, &count);
    if (b->anchors_len == 0 && b->pins.len == 0) {
        fault(f, path, &count);
        (void)fputs("it has neither anchors nor pins: every server is refused\n", f);
    }
    for (size_t i = 0; i < b->anchors_len; i++) {
        int absent = show_read(&e, &b->anchors[i]);
        if (!absent && !e.fault && !ends_before(e.until, until)) continue;
        fault(f, path, &count);
        show_name(f, &b->anchors[i]);
        (void)fputs(absent    ? ": it counts as absent: its entry is damaged, or newer\n"
                    : e.fault ? ": its key is weak or damaged: it vouches for nobody\n"
                    : ends_before(e.until, now) ? ": it has expired, on "
                                                : ": it expires on ",
                    f);
        if (absent || e.fault) continue;
        show_day(f, e.until);
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < b->pins.len; i++) {
        if (!ends_before(b->pins.list[i].until, until)) continue;
        fault(f, path, &count);
        (void)fputs("pin ", f);
        show_hex(f, b->pins.list[i].hash, 32);
        (void)fputs(ends_before(b->pins.list[i].until, now) ? " ended on " : " ends on ", f);
        show_day(f, b->pins.list[i].until);
        (void)fputc('\n', f);
    }
    return count;
}

static int by_first_day(const void *left, const void *right) {
    const ta_named_key *l = left, *r = right;
    return (l->from > r->from) - (l->from < r->from);
}

/* Writes that no pin is valid from this day to the day before `next`. */
static void show_gap(FILE *f, const char *before, int64_t day, int64_t next) {
    (void)fprintf(f, "%s: no pin is valid from ", before);
    show_day(f, (unsigned)day);
    if (next > TA_DAY_MAX) {
        (void)fputs(" on: every server is refused from then on\n", f);
        return;
    }
    (void)fputs(" to ", f);
    show_day(f, (unsigned)next - 1);
    (void)fputs(": every server is refused on these days\n", f);
}

size_t ta_show_pin_gaps(FILE *f, const char *before, ta_back *b, int64_t until) {
    size_t count = 0;
    int64_t day = b->made / DAY;
    if (!b->pins.len) return 0;
    qsort(b->pins.list, b->pins.len, sizeof *b->pins.list, by_first_day);
    for (size_t i = 0; i < b->pins.len && day < TA_DAY_MAX; i++) {
        const ta_named_key *pin = &b->pins.list[i];
        if (pin->until < day) continue;
        if (pin->from > day) count++, show_gap(f, before, day, pin->from);
        day = pin->until + (int64_t)1;
    }
    if (day >= TA_DAY_MAX || day * DAY > until) return count;
    show_gap(f, before, day, TA_DAY_MAX + (int64_t)1);
    return count + 1;
}

size_t ta_show_certificate_faults(FILE *f, const pop_anchors *a, int64_t until) {
    size_t count = 0;
    char when[POP_UTC_TEXT];
    for (size_t i = 0; i < a->len; i++) {
        const pop_anchor *one = &a->list[i];
        pop_anchor_kind kind = pop_anchor_kind_of(one->finding);
        int ends = kind == POP_ANCHOR_KEPT && one->not_after < until;
        if (one->finding == POP_ANCHOR_UNWANTED) continue;
        if (!ends && kind != POP_ANCHOR_REFUSED && kind != POP_ANCHOR_DAMAGED) continue;
        fault(f, one->source, &count);
        if (one->subject) (void)fprintf(f, "%s: ", one->subject);
        pop_utc_text(one->not_after, when);
        if (ends)
            (void)fprintf(f, "it expires on %.10s\n", when);
        else
            (void)fprintf(f, "%s\n", pop_anchor_sentence(one->finding));
    }
    return count;
}

/* ---- diff ---- */

/* The part of an entry that makes it the same anchor: its kind and its key. */
static int show_order_of_keys(const ta_back_anchor *l, const ta_back_anchor *r) {
    entry le, re;
    int l_bad = show_read(&le, l), r_bad = show_read(&re, r);
    if (l_bad || r_bad) return l_bad && r_bad ? 0 : l_bad ? -1 : 1;
    if (le.kind != re.kind) return le.kind < re.kind ? -1 : 1;
    size_t l_len = le.key_len + le.e_len, r_len = re.key_len + re.e_len;
    if (l_len != r_len) return l_len < r_len ? -1 : 1;
    return memcmp(l->entry + 12, r->entry + 12, l_len);
}

static int same_anchor(const ta_back_anchor *l, const ta_back_anchor *r) {
    int order = memcmp(l->name, r->name, sizeof l->name);
    return order ? order : show_order_of_keys(l, r);
}

static int same_entry(const ta_back_anchor *l, const ta_back_anchor *r) {
    if (l->entry_len != r->entry_len) return l->entry_len < r->entry_len ? -1 : 1;
    return memcmp(l->entry, r->entry, l->entry_len);
}

static int by_name_and_key(const void *left, const void *right) {
    const ta_back_anchor *l = left, *r = right;
    int order = same_anchor(l, r);
    return order ? order : same_entry(l, r);
}

static ta_back_anchor *sorted(const ta_back *b) {
    ta_back_anchor *list = calloc(b->anchors_len + 1, sizeof *list);
    if (!list) return NULL;
    if (b->anchors_len) {
        memcpy(list, b->anchors, b->anchors_len * sizeof *list);
        qsort(list, b->anchors_len, sizeof *list, by_name_and_key);
    }
    return list;
}

static void show_change(FILE *f, char mark, const ta_back_anchor *a, const ta_back_anchor *named) {
    (void)fprintf(f, "%c ", mark);
    show_name(f, a->subject || !named ? a : named);
    (void)fputs(": ", f);
    show_facts(f, a);
    (void)fputs(", digest ", f);
    show_digest(f, a);
    (void)fputc('\n', f);
}

static long differ_anchors(FILE *f, const ta_back *old, const ta_back *new_) {
    ta_back_anchor *l = sorted(old), *r = sorted(new_);
    size_t i = 0, j = 0;
    long count = 0;
    while (l && r && (i < old->anchors_len || j < new_->anchors_len)) {
        int order = i == old->anchors_len    ? 1
                    : j == new_->anchors_len ? -1
                                             : same_anchor(&l[i], &r[j]);
        int changed = order == 0 && same_entry(&l[i], &r[j]) != 0;
        if (order < 0) show_change(f, '-', &l[i], NULL);
        if (order > 0) show_change(f, '+', &r[j], NULL);
        if (changed) show_change(f, '~', &r[j], &l[i]);
        count += order != 0 || changed;
        i += order <= 0;
        j += order >= 0;
    }
    if (!l || !r) count = -1;
    free(l);
    free(r);
    return count;
}

static int show_by_hash(const void *left, const void *right) {
    const ta_named_key *l = left, *r = right;
    int order = memcmp(l->hash, r->hash, sizeof l->hash);
    if (order) return order;
    if (l->from != r->from) return l->from < r->from ? -1 : 1;
    return (l->until > r->until) - (l->until < r->until);
}

static void show_named(FILE *f, char mark, const char *what, const ta_named_key *k) {
    (void)fprintf(f, "%c %s ", mark, what);
    show_hex(f, k->hash, sizeof k->hash);
    if (k->from || k->until != TA_DAY_MAX) {
        (void)fputs(", ", f);
        show_days(f, k->from, k->until);
    }
    (void)fputc('\n', f);
}

/* Sorts both lists. */
static long differ_keys(FILE *f, const char *what, const ta_named_keys *l, const ta_named_keys *r) {
    size_t i = 0, j = 0;
    long count = 0;
    if (l->len) qsort(l->list, l->len, sizeof *l->list, show_by_hash);
    if (r->len) qsort(r->list, r->len, sizeof *r->list, show_by_hash);
    while (i < l->len || j < r->len) {
        int order = i == l->len ? 1 : j == r->len ? -1 : show_by_hash(&l->list[i], &r->list[j]);
        if (order < 0) show_named(f, '-', what, &l->list[i]);
        if (order > 0) show_named(f, '+', what, &r->list[j]);
        count += order != 0;
        i += order <= 0;
        j += order >= 0;
    }
    return count;
}

/* Writes how the numbers of the sets follow each other. A blob whose number is not above the one
 * that a device has is not taken. C source is compiled in, whatever its number. */
static long differ_sequences(FILE *f, const ta_back *old, const ta_back *new_) {
    int is_wrong = new_->kind == TA_BACK_BLOB && new_->sequence <= old->sequence;
    if (old->kind == TA_BACK_CERTIFICATES || new_->kind == TA_BACK_CERTIFICATES) return 0;
    if (!is_wrong && old->sequence == new_->sequence) return 0;
    (void)fprintf(f, "%c sequence %" PRIu32 " -> %" PRIu32, is_wrong ? '~' : ' ', old->sequence,
                  new_->sequence);
    if (is_wrong) (void)fputs(": a device with OLD refuses NEW: give it a larger --sequence", f);
    (void)fputc('\n', f);
    return is_wrong;
}

static void show_stale(FILE *f, const ta_back *b) {
    char when[POP_UTC_TEXT];
    pop_utc_text(b->stale, when);
    if (b->stale)
        (void)fprintf(f, "%s (%" PRId64 " days)", when, (b->stale - b->made) / DAY);
    else
        (void)fputs("never", f);
}

/* Writes how the headers of two blobs differ, except in their numbers. That a set is made, and
 * becomes stale, later than the last one is no difference. */
static long differ_headers(FILE *f, const ta_back *old, const ta_back *new_) {
    long count = 0;
    if (memcmp(old->octets + TA_BLOB_SCOPE_AT, new_->octets + TA_BLOB_SCOPE_AT, TA_BLOB_SCOPE) !=
        0) {
        (void)fputs("~ scope: they are for two products\n", f);
        count++;
    }
    if (old->floor != new_->floor) {
        (void)fprintf(f, "~ floor %" PRIu32 " -> %" PRIu32 "\n", old->floor, new_->floor);
        count++;
    }
    if (old->retired != new_->retired) {
        (void)fprintf(f, "~ retired keys: bits %08" PRIx32 " -> %08" PRIx32 "\n", old->retired,
                      new_->retired);
        count++;
    }
    if (old->stale == new_->stale && (!old->stale || old->made == new_->made)) return count;
    (void)fputs("  stale: ", f);
    show_stale(f, old);
    (void)fputs(" -> ", f);
    show_stale(f, new_);
    (void)fputc('\n', f);
    return count;
}

static int is_same_blob(const ta_back *old, const ta_back *new_) {
    return old->kind == TA_BACK_BLOB && new_->kind == TA_BACK_BLOB && old->len == new_->len &&
           memcmp(old->octets, new_->octets, old->len) == 0;
}

long ta_show_differences(FILE *f, const ta_back *old, const ta_back *new_) {
    long count = differ_anchors(f, old, new_);
    if (count < 0) return -1;
    count += differ_keys(f, "pin", &old->pins, &new_->pins);
    count += differ_keys(f, "denied", &old->denied, &new_->denied);
    count += differ_keys(f, "own certificate", &old->own, &new_->own);
    if (is_same_blob(old, new_)) return count;
    count += differ_sequences(f, old, new_);
    return old->kind == TA_BACK_BLOB && new_->kind == TA_BACK_BLOB
               ? count + differ_headers(f, old, new_)
               : count;
}
