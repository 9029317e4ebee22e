/* SPDX-License-Identifier: MIT */
/* make - the commands gen, sign and keys (commands.h). An output is made whole in memory, and then
 * written, or compared with the file of --verify. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blob.h"
#include "blobform.h"
#include "commands.h"
#include "report.h"
#include "show.h"
#include "sign.h"
#include "utc.h"
#include "whole.h"

int ta_write_all(ta_file *files, size_t count) {
    const char *which = "";
    switch (ta_write_files(files, count, &which)) {
    case TA_WRITTEN: return TA_DONE;
    case TA_CANNOT_CREATE:
        ta_say("cannot create %s: %s", which, ta_system_says(errno));
        return TA_NOT_CREATED;
    default: ta_say("cannot write %s: %s", which, ta_system_says(errno)); return TA_IO_ERROR;
    }
}

/* ---- gen ---- */

/* Names the certificate whose pin is kept for another one of the same key. */
static void say_whose_pin(const ta_run *r, const pop_anchor *a) {
    for (size_t i = 0; i < r->set.len; i++)
        if (memcmp(r->set.anchors[i]->pin, a->pin, sizeof a->pin) == 0)
            ta_say("note: one pin is for %s and %s", r->set.anchors[i]->subject, a->subject);
}

static void say_findings(const ta_run *r) {
    for (size_t i = 0; i < r->anchors.len; i++) {
        const pop_anchor *a = &r->anchors.list[i];
        pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
        if (a->finding == POP_ANCHOR_UNWANTED && !r->options.verbose) continue;
        if (kind == POP_ANCHOR_DAMAGED || !r->options.quiet) ta_say_finding(a);
        if (a->finding == POP_ANCHOR_SAME_PIN && !r->options.quiet) say_whose_pin(r, a);
    }
    if (!r->options.quiet && r->options.inputs_len) ta_say_counts(&r->anchors);
}

static int make_text(ta_text *t, const ta_run *r, ta_format format, const char *header) {
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

/* Warns of days without a valid pin, and of a size that devices may have no place for. */
static int warn_of_blob(const ta_text *t, const ta_options *o) {
    ta_back b = {.kind = TA_BACK_BLOB, .len = t->n};
    b.octets = malloc(t->n);
    if (!b.octets) return ta_out_of_memory();
    memcpy(b.octets, t->p, t->n);
    const char *wrong = ta_back_judge_blob(&b);
    if (wrong) ta_say("no blob is made: %s", wrong);
    if (!wrong) (void)ta_show_pin_gaps(stderr, "popcl-ta: warning", &b, INT64_MAX);
    ta_back_free(&b);
    if (t->n > TA_BLOB_USUAL && !o->selection.max_bytes)
        ta_say("warning: " TA_BLOB_LARGE, t->n, (size_t)TA_BLOB_USUAL);
    return wrong ? TA_BAD_DATA : TA_DONE;
}

/* Makes the blob of the set, signed if there is a signer. */
static int make_blob(ta_text *t, const ta_run *r) {
    unsigned char *blob = NULL;
    const char *wrong = ta_blob_make(&blob, &t->n, &r->set, &r->options);
    t->p = (char *)blob;
    if (wrong) {
        ta_say("no blob is made: %s", wrong);
        return TA_BAD_DATA;
    }
    int code = r->options.verify ? TA_DONE : ta_sign(blob, &r->options);
    return code == TA_DONE ? warn_of_blob(t, &r->options) : code;
}

/* Two signatures over the same octets may differ: one of a blob is checked, and not compared. */
static int is_compared(const ta_options *o, size_t at) {
    return o->format != TA_BLOB || at < TA_BLOB_SIGNATURE_AT || at >= POPCL_BLOB_HEAD;
}

static int verify(const ta_run *r, const char *path, const ta_text *wanted) {
    size_t len = 0, line = 1, i = 0;
    int is_blob = r->options.format == TA_BLOB;
    char *there = ta_read_text(path, &len);
    if (!there) {
        ta_say("cannot read %s: %s", path, ta_system_says(errno));
        return TA_NO_INPUT;
    }
    for (; i < len && i < wanted->n; i++) {
        if (there[i] != wanted->p[i] && is_compared(&r->options, i)) break;
        line += there[i] == '\n';
    }
    int same = len == wanted->n && i == len;
    int code = same && is_blob ? ta_check_signature((const unsigned char *)there, &r->options, path)
                               : TA_DONE;
    pop_whole_free((unsigned char *)there, len);
    if (same) return code;
    ta_say("%s is not what these certificates and options give: %s %zu differs", path,
           is_blob ? "octet" : "line", is_blob ? i : line);
    return TA_DIFFERS;
}

/* "dir/name.c" -> "dir/name.h". */
static char *header_name(const char *c_name) {
    char *name = strdup(c_name);
    if (name) name[strlen(name) - 1] = 'h';
    return name;
}

static int make_all(const ta_run *r, ta_text texts[2], const char *header, int with_header) {
    const ta_options *o = &r->options;
    if (o->format == TA_BLOB) return make_blob(&texts[0], r);
    if (make_text(&texts[0], r, (ta_format)o->format, header)) return ta_out_of_memory();
    return with_header && make_text(&texts[1], r, TA_H, NULL) ? ta_out_of_memory() : TA_DONE;
}

/* Makes the output in memory; then writes it, or compares it with --verify. */
static int generate(const ta_run *r) {
    const ta_options *o = &r->options;
    ta_text texts[2] = {{NULL, 0}, {NULL, 0}};
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
    if (code == TA_DONE && !o->verify) code = ta_write_all(files, count);
    free(h_name);
    free(texts[0].p);
    free(texts[1].p);
    return code;
}

/* The newest notBefore is the floor of a device's clock. */
static void warn_of_future(const ta_run *r) {
    char when[POP_UTC_TEXT];
    int64_t now = ta_now(&r->options);
    if (r->set.newest->not_before <= now) return;
    pop_utc_text(r->set.newest->not_before, when);
    ta_say("warning: %s is not valid before %s: with it among the anchors, every server is refused "
           "until then",
           r->set.newest->subject, when);
}

/* Sets the times of a blob, and warns of what it cannot carry. */
static int prepare_blob(ta_run *r) {
    ta_options *o = &r->options;
    char made[POP_UTC_TEXT], now[POP_UTC_TEXT];
    if (o->made == INT64_MIN) o->made = ta_now(o);
    pop_utc_text(o->made, made);
    pop_utc_text(ta_now(o), now);
    if (o->made > ta_now(o)) {
        ta_say(
            "--made %s is later than %s, %s: until then, devices take their clock for unset, and "
            "refuse every server",
            made, o->now == INT64_MIN ? "the clock" : "--now", now);
        ta_say("what to try: leave --made out, or correct its date or the clock");
        return TA_USAGE;
    }
    if (o->made > (int64_t)time(NULL))
        ta_say("warning: the blob is made at --now %s, later than the clock: until then, devices "
               "refuse every server",
               made);
    if (o->sequence == UINT32_MAX)
        ta_say("warning: no later set can replace this one: nothing is above --sequence %lu",
               (unsigned long)o->sequence);
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

static void say_size(const ta_run *r) {
    const ta_options *o = &r->options;
    size_t n = r->set.len, octets = r->set.octets;
    size_t anchors = o->pins ? 0 : n, pins = o->pinned.len + (o->pins ? n : 0);
    char text[64] = "";
    if (o->quiet) return;
    if (o->format == TA_BLOB) {
        if (anchors)
            (void)snprintf(text, sizeof text, "%zu anchor%s, ", anchors, anchors == 1 ? "" : "s");
        size_t len = strlen(text);
        if (pins)
            (void)snprintf(text + len, sizeof text - len, "%zu pin%s, ", pins,
                           pins == 1 ? "" : "s");
        ta_say("%s%s", text,
               o->key_file || o->sign_with ? "signed" : "not signed: popcl-ta sign does that");
    } else
        ta_say("%zu %s%s, %zu octets on a 32-bit machine", n, o->pins ? "pin" : "anchor",
               n == 1 ? "" : "s", octets);
}

int ta_command_gen(ta_run *r) {
    const ta_options *o = &r->options;
    int code = ta_gather(r);
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

int ta_command_sign(ta_run *r) {
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
    if (code == TA_DONE && !wrong && (b.key_number > 31 || b.retired >> b.key_number))
        wrong = "it retires the key that would sign it, or one with a larger number: "
                "give another --key-number";
    if (wrong) {
        ta_say("%s is not signed: %s", path, wrong);
        code = TA_BAD_DATA;
    }
    if (code == TA_DONE) code = ta_sign(b.octets, o);
    ta_file file = {.name = o->output, .text = (const char *)b.octets, .len = b.len};
    if (code == TA_DONE) code = ta_write_all(&file, 1);
    if (code == TA_DONE && !o->quiet)
        ta_say("sequence %lu, signed with key %u", (unsigned long)b.sequence, b.key_number);
    ta_back_free(&b);
    return code;
}

int ta_command_keys(ta_run *r) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.inputs_len && code == TA_DONE; i++)
        code = ta_keyfile_publics(&r->keys, r->options.inputs[i]);
    if (code == TA_DONE) code = generate(r);
    if (code == TA_DONE && !r->options.quiet && r->keys.len < 2)
        ta_say("warning: with one key alone, a key that leaked cannot be retired: give two, one of "
               "them offline");
    return code;
}
