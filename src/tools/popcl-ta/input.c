/* SPDX-License-Identifier: MIT */
/* input - see input.h. */
#define _POSIX_C_SOURCE 200809L
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "report.h"
#include "whole.h"

char *ta_read_text(const char *path, size_t *len) {
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
int ta_read_filter(ta_selection *s) {
    size_t len = 0, before = s->len;
    if (!s->filter_file) return TA_DONE;
    s->filter = ta_read_text(s->filter_file, &len);
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

const char *ta_input_name(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

int ta_read_input(ta_run *r, const char *path, ta_back *b) {
    size_t before = r->anchors.len;
    int code = ta_back_read(b, path), failed = 0;
    if (code != TA_DONE || b->kind != TA_BACK_CERTIFICATES) return code;
    if (b->octets) {
        failed = pop_anchors_read(&r->anchors, ta_input_name(path), b->octets, b->len);
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
    ta_say("there is no certificate in %s", ta_input_name(path));
    return TA_BAD_DATA;
}

static int read_inputs(ta_run *r) {
    int code = TA_DONE;
    for (size_t i = 0; i < r->options.inputs_len && code == TA_DONE; i++) {
        const char *path = r->options.inputs[i];
        ta_back b;
        code = ta_read_input(r, path, &b);
        if (code == TA_DONE && b.kind != TA_BACK_CERTIFICATES) {
            ta_say("%s is no certificate, but %s: give what it was made from", ta_input_name(path),
                   b.kind == TA_BACK_BLOB ? "a blob" : "C source of popcl-ta");
            code = TA_BAD_DATA;
        }
        ta_back_free(&b);
    }
    return code;
}

/* A pattern of the command line that meets nothing is a slip, or its certificate is not there any
 * more. Both are errors. */
int ta_check_patterns(const ta_selection *s) {
    int code = TA_DONE;
    for (size_t i = 0; i < s->len; i++) {
        const ta_pattern *p = &s->patterns[i];
        if (p->matched) continue;
        ta_say("%sno certificate matches \"%s\"", p->from_file || p->exclude ? "note: " : "",
               p->text);
        if (!p->from_file && !p->exclude)
            ta_say("what to try: popcl-ta list shows the names of the input");
        if (!p->from_file && !p->exclude) code = TA_BAD_DATA;
    }
    return code;
}

int64_t ta_now(const ta_options *o) { return o->now != INT64_MIN ? o->now : (int64_t)time(NULL); }

void ta_prepare_reading(ta_run *r) {
    const ta_options *o = &r->options;
    pop_anchors *a = &r->anchors;
    a->details = 1;
    a->allow_leaf = o->allow_leaf || o->pins;
    a->utc_s = o->keep_expired ? -1 : ta_now(o);
    a->min_s = o->min_days * 86400;
}

int ta_choose(ta_run *r) {
    ta_options *o = &r->options;
    pop_anchors *a = &r->anchors;
    return ta_select(&o->selection, a) || pop_anchors_merge(a) || (o->pins && ta_merge_pins(a)) ||
                   ta_limit(&o->selection, a) || ta_set_make(&r->set, a, o->pins)
               ? ta_out_of_memory()
               : TA_DONE;
}

int ta_gather(ta_run *r) {
    ta_prepare_reading(r);
    int code = ta_read_filter(&r->options.selection);
    if (code == TA_DONE) code = read_inputs(r);
    if (code == TA_DONE) code = ta_choose(r);
    if (code != TA_DONE) return code;
    code = ta_check_patterns(&r->options.selection);
    return pop_anchors_count(&r->anchors, POP_ANCHOR_DAMAGED) ? TA_BAD_DATA : code;
}
