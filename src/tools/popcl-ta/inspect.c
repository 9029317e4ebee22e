/* SPDX-License-Identifier: MIT */
/* inspect - the commands list, check and diff (commands.h). show.c has their texts. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "show.h"
#include "sign.h"

/* A report on standard output, which is written at once at the end. */
typedef struct report {
    FILE *f;
    ta_text t;
    size_t certificates; /* inputs that have some */
    size_t faults;
} report;

static int report_end(report *p, int code) {
    if (fclose(p->f)) code = ta_out_of_memory();
    ta_file out = {.text = p->t.p, .len = p->t.n};
    int written = p->t.n ? ta_write_all(&out, 1) : TA_DONE;
    free(p->t.p);
    return written == TA_DONE ? code : written;
}

/* Reads a set that popcl-ta made. Returns TA_BAD_DATA with a line in `wrong` if it is damaged. */
static int read_set(ta_back *b, char wrong[256]) {
    const char *why = b->kind == TA_BACK_BLOB ? ta_back_judge_blob(b) : NULL;
    long line = b->kind == TA_BACK_C ? ta_back_read_c(b) : 0;
    if (line < 0) return ta_out_of_memory();
    if (why) (void)snprintf(wrong, 256, "%s", why);
    if (line)
        (void)snprintf(wrong, 256,
                       "line %ld is not as this popcl-ta writes it: it was changed, or another "
                       "version wrote it; make it again",
                       line);
    return why || line ? TA_BAD_DATA : TA_DONE;
}

/* Options that judge a blob, and nothing else: with another input they would be passed over in
 * silence. */
static int check_is_blob(const ta_options *o, const ta_back *b, const char *path) {
    const char *name = o->publics_len ? "--public" : o->scope ? "--scope" : NULL;
    if (!name && o->action == TA_CHECK && o->selection.max_bytes) name = "--max-bytes";
    if (!name || b->kind == TA_BACK_BLOB) return TA_DONE;
    ta_say("%s is for blobs, and %s is none", name, path);
    ta_say("what to try: check it without %s, or give the blob that gen --format blob made", name);
    return TA_USAGE;
}

/* Reads all inputs. For each set that popcl-ta made, calls `show`. */
static int read_every(ta_run *r, report *p,
                      int (*show)(const ta_run *r, report *p, ta_back *b, const char *path)) {
    ta_prepare_reading(r);
    int code = ta_read_filter(&r->options.selection);
    for (size_t i = 0; i < r->options.inputs_len && (code == TA_DONE || code == TA_BAD_DATA); i++) {
        ta_back b;
        const char *path = ta_input_name(r->options.inputs[i]);
        int one = ta_read_input(r, r->options.inputs[i], &b);
        if (one == TA_DONE) one = check_is_blob(&r->options, &b, path);
        if (one == TA_DONE && b.kind == TA_BACK_CERTIFICATES)
            p->certificates++;
        else if (one == TA_DONE)
            one = show(r, p, &b, path);
        if (one != TA_DONE) code = one;
        ta_back_free(&b);
    }
    return code;
}

static int list_set(const ta_run *r, report *p, ta_back *b, const char *path) {
    char wrong[256];
    int code = read_set(b, wrong);
    (void)r;
    if (code == TA_BAD_DATA) ta_say("%s: %s", path, wrong);
    if (code == TA_DONE) ta_show_set(p->f, b);
    return code;
}

static int list_certificates(ta_run *r, report *p) {
    const pop_anchors *all = &r->anchors;
    int code = ta_choose(r);
    if (code != TA_DONE) return code;
    for (size_t i = 0; i < all->len; i++) {
        const pop_anchor *a = &all->list[i];
        if (a->finding == POP_ANCHOR_UNWANTED && !r->options.verbose) continue;
        if (pop_anchor_kind_of(a->finding) == POP_ANCHOR_DAMAGED) ta_say_finding(a);
        ta_emit_row(p->f, a);
    }
    code = ta_check_patterns(&r->options.selection);
    if (!r->options.quiet) ta_say_counts(all);
    return pop_anchors_count(all, POP_ANCHOR_DAMAGED) ? TA_BAD_DATA : code;
}

static int list(ta_run *r, report *p) {
    int code = read_every(r, p, list_set);
    return code == TA_DONE && p->certificates ? list_certificates(r, p) : code;
}

/* The number of the first key of --public is that of --key-number. */
static void judge_signature(const ta_run *r, report *p, const ta_back *b, const char *path) {
    const pop_signers *keys = &r->keys;
    size_t number = b->key_number, first = r->options.key_number, fits = 0;
    while (fits < keys->len && !ta_is_signed_by(b->octets, keys->keys[fits]))
        fits++;
    if (fits < keys->len && first + fits == number) return;
    p->faults++;
    if (number >= first && number < first + keys->len)
        (void)fprintf(p->f, "%s: its signature is wrong: ", path);
    else
        (void)fprintf(p->f,
                      "%s: it names key %zu as its signer, and --public gave keys %zu to %zu; ",
                      path, number, first, first + keys->len - 1);
    if (fits < keys->len)
        (void)fprintf(p->f,
                      "it fits key %zu of --public, but the blob has key %zu: give %s, or sign it "
                      "with --key-number %zu\n",
                      first + fits, number,
                      keys->len > 1 ? "the keys in the order of their numbers"
                                    : "the key's number (--key-number)",
                      first + fits);
    else
        (void)fputs("it was changed, or another key signed it\n", p->f);
}

/* The last word is that of a device's reader, with these keys and this product. */
static void judge_as_device(const ta_run *r, report *p, const ta_back *b, const char *path) {
    unsigned char keys[POPCL_BLOB_KEYS_MAX][POPCL_BLOB_KEY_LEN] = {{0}};
    size_t first = r->options.key_number, count = first + r->keys.len;
    for (size_t i = 0; i < count; i++) { /* nobody can sign with one that was not given */
        if (i >= first) memcpy(keys[i], r->keys.keys[i - first], sizeof keys[i]);
        keys[i][0] = 4;
    }
    popcl_blob_policy policy = {
        .keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])keys,
        .keys_len = count,
        .scope = r->options.scope,
        .profile = &popcl_tls_host,
    };
    popcl_err e = ta_back_judge_as(b, &policy);
    if (!e) return;
    p->faults++;
    (void)fprintf(p->f, "%s: a device refuses it: %s\n", path, popcl_err_what(e));
}

/* Checks who signed a blob, for which product, and that it fits its place. */
static void judge_blob(const ta_run *r, report *p, const ta_back *b, const char *path) {
    const ta_options *o = &r->options;
    size_t before = p->faults;
    unsigned char scope[TA_BLOB_SCOPE];
    if (o->scope) {
        ta_blob_scope(scope, o->scope);
        if (memcmp(scope, b->octets + TA_BLOB_SCOPE_AT, sizeof scope) != 0)
            p->faults++, (void)fprintf(p->f, "%s: it is for another product than --scope\n", path);
    }
    if (o->selection.max_bytes && b->len > o->selection.max_bytes)
        p->faults++, (void)fprintf(p->f, "%s: it has %zu octets, over --max-bytes %zu\n", path,
                                   b->len, o->selection.max_bytes);
    if (!o->selection.max_bytes && b->len > TA_BLOB_USUAL && !o->quiet)
        ta_say("%s: " TA_BLOB_LARGE, path, b->len, (size_t)TA_BLOB_USUAL);
    if (!b->is_signed) return;
    if (!r->keys.len) {
        if (!o->quiet) ta_say("%s: signature not checked: give --public", path);
        return;
    }
    judge_signature(r, p, b, path);
    if (o->scope && p->faults == before) judge_as_device(r, p, b, path);
}

static int check_set(const ta_run *r, report *p, ta_back *b, const char *path) {
    char wrong[256];
    int64_t now = ta_now(&r->options);
    int code = read_set(b, wrong);
    if (code == TA_BAD_DATA) {
        p->faults++;
        (void)fprintf(p->f, "%s: %s\n", path, wrong);
        return TA_DONE;
    }
    if (code != TA_DONE) return code;
    p->faults += ta_show_faults(p->f, b, path, now, now + r->options.days * 86400);
    if (b->kind != TA_BACK_BLOB) return TA_DONE;
    p->faults += ta_show_pin_gaps(p->f, path, b, now + r->options.days * 86400);
    judge_blob(r, p, b, path);
    return TA_DONE;
}

static int check(ta_run *r, report *p) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.publics_len && code == TA_DONE; i++)
        code = ta_keyfile_publics(&r->keys, r->options.publics[i]);
    if (code == TA_DONE && r->options.key_number + r->keys.len > POPCL_BLOB_KEYS_MAX) {
        ta_say("--key-number %u and %zu keys of --public: the last number is %u",
               r->options.key_number, r->keys.len, POPCL_BLOB_KEYS_MAX - 1);
        code = TA_USAGE;
    }
    if (code == TA_DONE) code = read_every(r, p, check_set);
    if (code == TA_DONE && p->certificates) code = ta_choose(r);
    if (code == TA_DONE) code = ta_check_patterns(&r->options.selection);
    if (code != TA_DONE) return code;
    p->faults += ta_show_certificate_faults(p->f, &r->anchors,
                                            ta_now(&r->options) + r->options.days * 86400);
    if (!r->options.quiet) ta_say("%zu fault%s", p->faults, p->faults == 1 ? "" : "s");
    return p->faults ? TA_DIFFERS : TA_DONE;
}

/* Reads one side of diff, with a run of its own for its certificates. */
static int read_side(ta_run *side, const char *path, ta_back *b) {
    char wrong[256];
    ta_prepare_reading(side);
    int code = ta_read_input(side, path, b);
    if (code != TA_DONE) return code;
    if (b->kind != TA_BACK_CERTIFICATES) {
        code = read_set(b, wrong);
        if (code == TA_BAD_DATA) ta_say("%s: %s", ta_input_name(path), wrong);
        return code;
    }
    code = ta_choose(side);
    if (code == TA_DONE && ta_back_take(b, &side->set)) code = ta_out_of_memory();
    for (size_t i = 0; code == TA_DONE && i < side->anchors.len; i++)
        if (pop_anchor_kind_of(side->anchors.list[i].finding) == POP_ANCHOR_DAMAGED) {
            ta_say_finding(&side->anchors.list[i]);
            code = TA_BAD_DATA;
        }
    return code;
}

static int diff(ta_run *r, report *p) {
    ta_run sides[2];
    ta_back backs[2];
    memset(backs, 0, sizeof backs);
    int code = ta_read_filter(&r->options.selection);
    sides[0] = sides[1] = *r; /* the options are shared, and freed once */
    for (size_t i = 0; i < 2 && code == TA_DONE; i++)
        code = read_side(&sides[i], r->options.inputs[i], &backs[i]);
    if (code == TA_DONE) {
        long count = ta_show_differences(p->f, &backs[0], &backs[1]);
        code = count < 0 ? ta_out_of_memory() : count > 0 ? TA_DIFFERS : TA_DONE;
        if (count >= 0 && !r->options.quiet)
            ta_say("%ld difference%s", count, count == 1 ? "" : "s");
    }
    for (size_t i = 0; i < 2; i++) {
        ta_back_free(&backs[i]);
        ta_set_free(&sides[i].set);
        pop_anchors_free(&sides[i].anchors);
    }
    return code;
}

static int inspect(ta_run *r, int (*action)(ta_run *r, report *p)) {
    report p = {.faults = 0};
    p.f = open_memstream(&p.t.p, &p.t.n);
    if (!p.f) return ta_out_of_memory();
    return report_end(&p, action(r, &p));
}

int ta_command_list(ta_run *r) { return inspect(r, list); }

int ta_command_check(ta_run *r) { return inspect(r, check); }

int ta_command_diff(ta_run *r) { return inspect(r, diff); }
