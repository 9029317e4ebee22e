/* SPDX-License-Identifier: MIT */
/* popcl-ta - trust anchors from certificates. This file has the order of the steps: options,
 * inputs, selection, merging, limits, output. src/host/anchor.c has the rules for certificates, for
 * this program and for the library's trust store alike. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blob.h"
#include "blobform.h"
#include "emit.h"
#include "files.h"
#include "keyfile.h"
#include "options.h"
#include "output.h"
#include "readback.h"
#include "report.h"
#include "show.h"
#include "sign.h"
#include "utc.h"
#include "whole.h"

typedef struct run {
    ta_options options;
    pop_anchors anchors;
    ta_set set;
    pop_signers keys; /* of the command keys */
} run;

/* ---- input ---- */

/* Returns the whole of a small text file; NULL and errno. */
static char *read_text(const char *path, size_t *len) {
    enum { GUESS = 65535 };
    unsigned char *text = NULL;
    int fd = tool_open(AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0) return NULL;
    int error = pop_read_whole(fd, GUESS, POP_ANCHOR_FILE_MAX, &text, len);
    (void)close(fd);
    errno = error;
    return (char *)text;
}

/* A file without a pattern would select everything, although its author wanted to choose. */
static int read_filter(ta_selection *s) {
    size_t len = 0, before = s->len;
    if (!s->filter_file) return TA_DONE;
    s->filter = read_text(s->filter_file, &len);
    if (!s->filter) {
        ta_say("cannot read %s: %s", s->filter_file, ta_system_says(errno));
        return TA_NO_INPUT;
    }
    long line = strlen(s->filter) < len ? 1 : ta_selection_add_lines(s, s->filter);
    if (line < 0) return ta_out_of_memory();
    if (line == 0 && (s->len > before || (s->len && s->kin_len))) return TA_DONE;
    if (line == 0)
        ta_say("%s holds no pattern", s->filter_file);
    else
        ta_say("%s:%ld: this is no pattern: org=TEXT, cn=TEXT, sha256=HEX, "
               "TEXT, or family=HEX,HEX",
               s->filter_file, line);
    return TA_BAD_DATA;
}

/* Returns whether the list has a certificate, whole or damaged, after its first `since` rows. */
static int has_certificate(const pop_anchors *a, size_t since) {
    for (size_t i = since; i < a->len; i++)
        if (pop_anchor_kind_of(a->list[i].finding) != POP_ANCHOR_SKIPPED) return 1;
    return 0;
}

static const char *input_name(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Reads an input. If it has certificates, they are added to the anchors. Otherwise *b is a set that
 * popcl-ta made, not yet read. The caller frees *b in any case. */
static int read_input(run *r, const char *path, ta_back *b) {
    size_t before = r->anchors.len;
    int code = ta_back_read(b, path), failed = 0;
    if (code != TA_DONE || b->kind != TA_BACK_CERTIFICATES) return code;
    if (b->octets) {
        failed = pop_anchors_read(&r->anchors, input_name(path), b->octets, b->len);
    } else {
        popcl_posix_trust_error e = pop_anchors_read_dir(&r->anchors, path);
        failed = e == POPCL_POSIX_TRUST_MEMORY;
        if (e && !failed) {
            ta_say("cannot read %s: %s", path, ta_system_says(errno));
            return TA_NO_INPUT;
        }
    }
    if (failed) return ta_out_of_memory();
    if (has_certificate(&r->anchors, before)) return TA_DONE;
    ta_say("there is no certificate in %s", input_name(path));
    return TA_BAD_DATA;
}

static int read_inputs(run *r) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.inputs_len && code == TA_DONE; i++) {
        const char *path = r->options.inputs[i];
        ta_back b;
        code = read_input(r, path, &b);
        if (code == TA_DONE && b.kind != TA_BACK_CERTIFICATES) {
            ta_say("%s is no certificate, but %s: give what it was made from", input_name(path),
                   b.kind == TA_BACK_BLOB ? "a blob" : "C source of popcl-ta");
            code = TA_BAD_DATA;
        }
        ta_back_free(&b);
    }
    return code;
}

/* A pattern of the command line that meets nothing is a slip, or its certificate is not there any
 * more. Both are errors. */
static int check_patterns(const ta_selection *s) {
    int code = TA_DONE;
    for (size_t i = 0; i < s->len; i++) {
        const ta_pattern *p = &s->patterns[i];
        if (p->matched) continue;
        ta_say("%sno certificate matches \"%s\"", p->from_file || p->exclude ? "note: " : "",
               p->text);
        if (!p->from_file && !p->exclude) code = TA_BAD_DATA;
    }
    return code;
}

static void say_findings(const run *r) {
    for (size_t i = 0; i < r->anchors.len; i++) {
        const pop_anchor *a = &r->anchors.list[i];
        pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
        if (a->finding == POP_ANCHOR_UNWANTED && !r->options.verbose) continue;
        if (kind == POP_ANCHOR_DAMAGED || !r->options.quiet) ta_say_finding(a);
    }
    if (!r->options.quiet) ta_say_counts(&r->anchors);
}

static int64_t now_of(const ta_options *o) {
    return o->now != INT64_MIN ? o->now : (int64_t)time(NULL);
}

static void prepare_reading(run *r) {
    const ta_options *o = &r->options;
    pop_anchors *a = &r->anchors;
    a->details = 1;
    a->allow_leaf = o->allow_leaf || o->pins;
    a->utc_s = o->keep_expired ? -1 : now_of(o);
    a->min_s = o->min_days * 86400;
}

static int select_all(run *r) {
    ta_options *o = &r->options;
    pop_anchors *a = &r->anchors;
    return ta_select(&o->selection, a) || pop_anchors_merge(a) || ta_limit(&o->selection, a) ||
                   ta_set_make(&r->set, a, o->pins)
               ? ta_out_of_memory()
               : TA_DONE;
}

/* Reads, selects, merges and limits. Damage is reported and is an error, but a list shows the rest
 * all the same. */
static int gather(run *r) {
    prepare_reading(r);
    int code = read_filter(&r->options.selection);
    if (code == TA_DONE) code = read_inputs(r);
    if (code == TA_DONE) code = select_all(r);
    if (code != TA_DONE) return code;
    code = check_patterns(&r->options.selection);
    return pop_anchors_count(&r->anchors, POP_ANCHOR_DAMAGED) ? TA_BAD_DATA : code;
}

/* ---- gen ---- */

/* The two texts that gen can make, as files in memory. */
typedef struct text {
    char *p;
    size_t n;
} text;

static int make_text(text *t, const run *r, ta_format format, const char *header) {
    FILE *f = open_memstream(&t->p, &t->n);
    if (!f) return -1;
    int failed = 0;
    if (r->options.action == TA_KEYS && format == TA_H)
        ta_emit_keys_h(f, &r->keys, &r->options);
    else if (r->options.action == TA_KEYS)
        ta_emit_keys(f, &r->keys, &r->options, header);
    else if (format == TA_PEM)
        failed = ta_emit_pem(f, &r->set);
    else if (format == TA_H)
        ta_emit_h(f, &r->options);
    else
        ta_emit_c(f, &r->set, &r->options, header);
    if (ferror(f)) failed = -1;
    return fclose(f) ? -1 : failed;
}

/* Makes the blob of the set, signed if there is a signer. */
static int make_blob(text *t, const run *r) {
    unsigned char *blob = NULL;
    const char *wrong = ta_blob_make(&blob, &t->n, &r->set, &r->options);
    t->p = (char *)blob;
    if (!wrong) return ta_sign(blob, &r->options);
    ta_say("no blob is made: %s", wrong);
    return TA_BAD_DATA;
}

/* Without a signer, the signature of a blob is another's part: it is not compared. */
static int is_compared(const ta_options *o, size_t at) {
    return o->format != TA_BLOB || o->key_file || o->sign_with || at < TA_BLOB_SIGNATURE_AT ||
           at >= POPCL_BLOB_HEAD;
}

static int verify(const run *r, const char *path, const text *wanted) {
    size_t len = 0, line = 1, i = 0;
    int is_blob = r->options.format == TA_BLOB;
    char *there = read_text(path, &len);
    if (!there) {
        ta_say("cannot read %s: %s", path, ta_system_says(errno));
        return TA_NO_INPUT;
    }
    for (; i < len && i < wanted->n; i++) {
        if (there[i] != wanted->p[i] && is_compared(&r->options, i)) break;
        line += there[i] == '\n';
    }
    int same = len == wanted->n && i == len;
    free(there);
    if (same) return TA_DONE;
    ta_say("%s is not what these certificates and options give: %s %zu differs", path,
           is_blob ? "octet" : "line", is_blob ? i : line);
    return TA_DIFFERS;
}

static int write_texts(ta_file *files, size_t count) {
    const char *which = "";
    switch (ta_write_files(files, count, &which)) {
    case TA_WRITTEN: return TA_DONE;
    case TA_CANNOT_CREATE:
        ta_say("cannot create %s: %s", which, ta_system_says(errno));
        return TA_NOT_CREATED;
    default: ta_say("cannot write %s: %s", which, ta_system_says(errno)); return TA_IO_ERROR;
    }
}

/* "dir/name.c" -> "dir/name.h". */
static char *header_name(const char *c_name) {
    char *name = strdup(c_name);
    if (name) name[strlen(name) - 1] = 'h';
    return name;
}

static int make_all(const run *r, text texts[2], const char *header, int with_header) {
    const ta_options *o = &r->options;
    if (o->format == TA_BLOB) return make_blob(&texts[0], r);
    if (make_text(&texts[0], r, (ta_format)o->format, header)) return ta_out_of_memory();
    return with_header && make_text(&texts[1], r, TA_H, NULL) ? ta_out_of_memory() : TA_DONE;
}

/* Makes the output in memory; then writes it, or compares it with --verify. */
static int generate(const run *r) {
    const ta_options *o = &r->options;
    text texts[2] = {{NULL, 0}, {NULL, 0}};
    ta_file files[2] = {{.name = o->verify ? o->verify : o->output}, {.name = NULL}};
    size_t count = o->format == TA_C_AND_H ? 2 : 1;
    char *h_name = count == 2 ? header_name(files[0].name) : NULL;
    const char *slash = h_name ? strrchr(h_name, '/') : NULL;
    int code = count == 2 && !h_name ? ta_out_of_memory()
                                     : make_all(r, texts, slash ? slash + 1 : h_name, count == 2);
    files[1].name = h_name;
    for (size_t i = 0; i < count; i++) {
        files[i].text = texts[i].p;
        files[i].len = texts[i].n;
    }
    for (size_t i = 0; o->verify && code == TA_DONE && i < count; i++)
        code = verify(r, files[i].name, &texts[i]);
    if (code == TA_DONE && !o->verify) code = write_texts(files, count);
    free(h_name);
    free(texts[0].p);
    free(texts[1].p);
    return code;
}

/* The newest notBefore is the floor of a device's clock. */
static void warn_of_future(const run *r) {
    char when[POP_UTC_TEXT];
    int64_t now = r->anchors.utc_s >= 0 ? r->anchors.utc_s : (int64_t)time(NULL);
    if (r->set.newest->not_before <= now) return;
    pop_utc_text(r->set.newest->not_before, when);
    ta_say("warning: %s is not valid before %s: with it among the anchors, every server is refused "
           "until then",
           r->set.newest->subject, when);
}

/* Sets the times of a blob, and warns of what it cannot carry. */
static int prepare_blob(run *r) {
    ta_options *o = &r->options;
    if (o->made == INT64_MIN) o->made = now_of(o);
    if (o->stale_days) o->stale = o->made + o->stale_days * 86400;
    if (o->stale && o->stale <= o->made) {
        ta_say("--stale is not after the time when the blob is made: give a later time");
        return TA_USAGE;
    }
    if (r->set.own_len)
        ta_say("warning: a blob has no place for common names: those of %zu certificates do not "
               "count",
               r->set.own_len);
    return TA_DONE;
}

static void say_size(const run *r) {
    const ta_options *o = &r->options;
    size_t n = r->set.len, octets = r->set.octets;
    if (o->quiet) return;
    if (o->format == TA_BLOB)
        ta_say("%zu %s%s, %s", n, o->pins ? "pin" : "anchor", n == 1 ? "" : "s",
               o->key_file || o->sign_with ? "signed" : "not signed: popcl-ta sign does that");
    else
        ta_say("%zu %s%s, %zu octets on a 32-bit machine", n, o->pins ? "pin" : "anchor",
               n == 1 ? "" : "s", octets);
}

static int gen(run *r) {
    const ta_options *o = &r->options;
    int code = gather(r);
    say_findings(r);
    if (code == TA_DONE && r->set.len == 0 && (o->inputs_len || !o->pinned.len)) {
        ta_say("no certificate is left: nothing is written");
        code = TA_BAD_DATA;
    }
    if (code == TA_DONE && o->format == TA_BLOB) code = prepare_blob(r);
    if (code != TA_DONE) return code;
    if (o->format != TA_BLOB) warn_of_future(r);
    code = generate(r);
    if (code == TA_DONE) say_size(r);
    return code;
}

/* ---- sign, keys ---- */

static int sign(run *r) {
    const ta_options *o = &r->options;
    const char *path = o->inputs[0], *wrong = NULL;
    ta_back b;
    int code = ta_back_read(&b, path);
    if (code == TA_DONE && b.kind != TA_BACK_BLOB) {
        ta_say("%s is no blob: popcl-ta gen --format blob makes one", path);
        code = TA_BAD_DATA;
    }
    if (code == TA_DONE) wrong = ta_back_judge_blob(&b);
    if (code == TA_DONE && o->has_key_number)
        b.octets[TA_BLOB_KEY_AT] = b.key_number = o->key_number;
    if (code == TA_DONE && !wrong && (b.key_number > 31 || b.retired >> b.key_number & 1))
        wrong = "it retires the key that would sign it: give another --key-number";
    if (wrong) {
        ta_say("%s is not signed: %s", path, wrong);
        code = TA_BAD_DATA;
    }
    if (code == TA_DONE) code = ta_sign(b.octets, o);
    ta_file file = {.name = o->output, .text = (const char *)b.octets, .len = b.len};
    if (code == TA_DONE) code = write_texts(&file, 1);
    ta_back_free(&b);
    return code;
}

static int keys(run *r) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.inputs_len && code == TA_DONE; i++)
        code = ta_keyfile_publics(&r->keys, r->options.inputs[i]);
    if (code == TA_DONE) code = generate(r);
    if (code == TA_DONE && !r->options.quiet && r->keys.len < 2)
        ta_say("warning: with one key alone, a key that leaked cannot be retired: give two, one of "
               "them offline");
    return code;
}

/* ---- list, check, diff ---- */

/* A report on standard output, which is written at once at the end. */
typedef struct report {
    FILE *f;
    text t;
    size_t certificates; /* inputs that have some */
    size_t faults;
} report;

static int report_end(report *p, int code) {
    if (fclose(p->f)) code = ta_out_of_memory();
    ta_file out = {.text = p->t.p, .len = p->t.n};
    int written = p->t.n ? write_texts(&out, 1) : TA_DONE;
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

/* Reads all inputs. For each set that popcl-ta made, calls `show`. */
static int read_every(run *r, report *p,
                      int (*show)(const run *r, report *p, ta_back *b, const char *path)) {
    prepare_reading(r);
    int code = read_filter(&r->options.selection);
    for (size_t i = 0; i < r->options.inputs_len && (code == TA_DONE || code == TA_BAD_DATA); i++) {
        ta_back b;
        int one = read_input(r, r->options.inputs[i], &b);
        if (one == TA_DONE && b.kind == TA_BACK_CERTIFICATES)
            p->certificates++;
        else if (one == TA_DONE)
            one = show(r, p, &b, input_name(r->options.inputs[i]));
        if (one != TA_DONE) code = one;
        ta_back_free(&b);
    }
    return code;
}

static int list_set(const run *r, report *p, ta_back *b, const char *path) {
    char wrong[256];
    int code = read_set(b, wrong);
    (void)r;
    if (code == TA_BAD_DATA) ta_say("%s: %s", path, wrong);
    if (code == TA_DONE) ta_show_set(p->f, b);
    return code;
}

static int list_certificates(run *r, report *p) {
    const pop_anchors *all = &r->anchors;
    int code = select_all(r);
    if (code != TA_DONE) return code;
    for (size_t i = 0; i < all->len; i++) {
        const pop_anchor *a = &all->list[i];
        if (a->finding == POP_ANCHOR_UNWANTED && !r->options.verbose) continue;
        if (pop_anchor_kind_of(a->finding) == POP_ANCHOR_DAMAGED) ta_say_finding(a);
        ta_emit_row(p->f, a);
    }
    code = check_patterns(&r->options.selection);
    if (!r->options.quiet) ta_say_counts(all);
    return pop_anchors_count(all, POP_ANCHOR_DAMAGED) ? TA_BAD_DATA : code;
}

static int list(run *r, report *p) {
    int code = read_every(r, p, list_set);
    return code == TA_DONE && p->certificates ? list_certificates(r, p) : code;
}

/* Checks who signed a blob, and for which product. A single key is the signer's, whatever its
 * number. */
static void judge_signature(const run *r, report *p, const ta_back *b, const char *path) {
    const ta_options *o = &r->options;
    size_t number = r->keys.len == 1 ? 0 : b->key_number;
    unsigned char scope[TA_BLOB_SCOPE];
    if (o->scope) {
        ta_blob_scope(scope, o->scope);
        if (memcmp(scope, b->octets + TA_BLOB_SCOPE_AT, sizeof scope) != 0)
            p->faults++, (void)fprintf(p->f, "%s: it is for another product than --scope\n", path);
    }
    if (!r->keys.len || !b->is_signed) return;
    if (number < r->keys.len && ta_is_signed_by(b->octets, r->keys.keys[number])) return;
    p->faults++;
    if (number >= r->keys.len)
        (void)fprintf(p->f, "%s: it names key %zu as its signer, and --public gave %zu keys\n",
                      path, number, r->keys.len);
    else
        (void)fprintf(
            p->f, "%s: its signature is wrong: it was changed, or another key signed it\n", path);
}

static int check_set(const run *r, report *p, ta_back *b, const char *path) {
    char wrong[256];
    int64_t now = now_of(&r->options);
    int code = read_set(b, wrong);
    if (code == TA_BAD_DATA) {
        p->faults++;
        (void)fprintf(p->f, "%s: %s\n", path, wrong);
        return TA_DONE;
    }
    if (code != TA_DONE) return code;
    p->faults += ta_show_faults(p->f, b, path, now, now + r->options.days * 86400);
    if (b->kind == TA_BACK_BLOB) judge_signature(r, p, b, path);
    return TA_DONE;
}

static int check(run *r, report *p) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.publics_len && code == TA_DONE; i++)
        code = ta_keyfile_publics(&r->keys, r->options.publics[i]);
    if (code == TA_DONE) code = read_every(r, p, check_set);
    if (code == TA_DONE && p->certificates) code = select_all(r);
    if (code == TA_DONE) code = check_patterns(&r->options.selection);
    if (code != TA_DONE) return code;
    p->faults += ta_show_certificate_faults(p->f, &r->anchors,
                                            now_of(&r->options) + r->options.days * 86400);
    if (!r->options.quiet) ta_say("%zu fault%s", p->faults, p->faults == 1 ? "" : "s");
    return p->faults ? TA_DIFFERS : TA_DONE;
}

/* Reads one side of diff, with a run of its own for its certificates. */
static int read_side(run *side, const char *path, ta_back *b) {
    char wrong[256];
    prepare_reading(side);
    int code = read_input(side, path, b);
    if (code != TA_DONE) return code;
    if (b->kind != TA_BACK_CERTIFICATES) {
        code = read_set(b, wrong);
        if (code == TA_BAD_DATA) ta_say("%s: %s", input_name(path), wrong);
        return code;
    }
    code = select_all(side);
    if (code == TA_DONE && ta_back_take(b, &side->set)) code = ta_out_of_memory();
    for (size_t i = 0; code == TA_DONE && i < side->anchors.len; i++)
        if (pop_anchor_kind_of(side->anchors.list[i].finding) == POP_ANCHOR_DAMAGED) {
            ta_say_finding(&side->anchors.list[i]);
            code = TA_BAD_DATA;
        }
    return code;
}

static int diff(run *r, report *p) {
    run sides[2];
    ta_back backs[2];
    memset(backs, 0, sizeof backs);
    int code = read_filter(&r->options.selection);
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

static int show(run *r, int (*action)(run *r, report *p)) {
    report p = {.faults = 0};
    p.f = open_memstream(&p.t.p, &p.t.n);
    if (!p.f) return ta_out_of_memory();
    return report_end(&p, action(r, &p));
}

/* ---- the program ---- */

static void print(void *ctx, const char *piece) { (void)fputs(piece, ctx); }

static int perform(run *r) {
    switch (r->options.action) {
    case TA_HELP: ta_options_help(print, stdout); break;
    case TA_VERSION: (void)printf("popcl-ta %s\n", POPCL_VERSION); break;
    case TA_LIST: return show(r, list);
    case TA_CHECK: return show(r, check);
    case TA_DIFF: return show(r, diff);
    case TA_SIGN: return sign(r);
    case TA_KEYS: return keys(r);
    default: return gen(r);
    }
    if (fflush(stdout) == 0) return TA_DONE;
    ta_say("cannot write standard output: %s", ta_system_says(errno));
    return TA_IO_ERROR;
}

int main(int argc, char *argv[]) {
    static run r;
    int code = TA_USAGE;
    if (ta_options_parse(&r.options, argc, argv)) {
        ta_say("%s", r.options.error);
        if (*r.options.advice) ta_say("what to try: %s", r.options.advice);
    } else {
        code = perform(&r);
    }
    ta_set_free(&r.set);
    pop_anchors_free(&r.anchors);
    ta_options_free(&r.options);
    return code;
}
