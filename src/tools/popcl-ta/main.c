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

#include "emit.h"
#include "files.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "utc.h"
#include "whole.h"

enum exit_code {
    DONE = 0,
    DIFFERS = 1,
    USAGE = 64,
    BAD_DATA = 65,
    NO_INPUT = 66,
    CANNOT_CREATE = 73,
    IO_ERROR = 74
};

typedef struct run {
    ta_options options;
    pop_anchors anchors;
    ta_set set;
} run;

static const char *system_says(int error) {
    static char text[96];
    if (error == EFBIG) return "it is larger than 64 MB";
    if (strerror_r(error, text, sizeof text)) (void)snprintf(text, sizeof text, "error %d", error);
    return text;
}

static int out_of_memory(void) {
    ta_say("out of memory");
    return IO_ERROR;
}

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
    if (!s->filter_file) return DONE;
    s->filter = read_text(s->filter_file, &len);
    if (!s->filter) {
        ta_say("cannot read %s: %s", s->filter_file, system_says(errno));
        return NO_INPUT;
    }
    long line = strlen(s->filter) < len ? 1 : ta_selection_add_lines(s, s->filter);
    if (line < 0) return out_of_memory();
    if (line == 0 && s->len > before) return DONE;
    if (line == 0)
        ta_say("%s holds no pattern", s->filter_file);
    else
        ta_say("%s:%ld: this is no pattern: org=TEXT, cn=TEXT, sha256=HEX, or TEXT", s->filter_file,
               line);
    return BAD_DATA;
}

static popcl_posix_trust_error read_path(pop_anchors *a, const char *path) {
    struct stat st;
    if (strcmp(path, "-") == 0) return pop_anchors_read_fd(a, "standard input", STDIN_FILENO);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? pop_anchors_read_dir(a, path)
                                                       : pop_anchors_read_file(a, path);
}

/* Returns whether the list has a certificate, whole or damaged, after its first `since` rows. */
static int has_certificate(const pop_anchors *a, size_t since) {
    for (size_t i = since; i < a->len; i++)
        if (pop_anchor_kind_of(a->list[i].finding) != POP_ANCHOR_SKIPPED) return 1;
    return 0;
}

static int read_inputs(run *r) {
    for (size_t i = 0; i < r->options.inputs_len; i++) {
        const char *path = r->options.inputs[i];
        size_t before = r->anchors.len;
        popcl_posix_trust_error e = read_path(&r->anchors, path);
        if (e == POPCL_POSIX_TRUST_MEMORY) return out_of_memory();
        if (e) {
            ta_say("cannot read %s: %s", path, system_says(errno));
            return NO_INPUT;
        }
        if (has_certificate(&r->anchors, before)) continue;
        ta_say("there is no certificate in %s", strcmp(path, "-") == 0 ? "standard input" : path);
        return BAD_DATA;
    }
    return DONE;
}

/* A pattern of the command line that meets nothing is a slip, or its certificate is not there any
 * more. Both are errors. */
static int check_patterns(const ta_selection *s) {
    int code = DONE;
    for (size_t i = 0; i < s->len; i++) {
        const ta_pattern *p = &s->patterns[i];
        if (p->matched) continue;
        ta_say("%sno certificate matches \"%s\"", p->from_file || p->exclude ? "note: " : "",
               p->text);
        if (!p->from_file && !p->exclude) code = BAD_DATA;
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

/* Reads, selects, merges and limits. Damage is reported and is an error, but a list shows the rest
 * all the same. */
static int gather(run *r) {
    ta_options *o = &r->options;
    pop_anchors *a = &r->anchors;
    a->details = 1;
    a->allow_leaf = o->allow_leaf || o->pins;
    a->utc_s = o->keep_expired ? -1 : o->now != INT64_MIN ? o->now : (int64_t)time(NULL);
    a->min_s = o->min_days * 86400;
    int code = read_filter(&o->selection);
    if (code == DONE) code = read_inputs(r);
    if (code != DONE) return code;
    if (ta_select(&o->selection, a) || pop_anchors_merge(a) || ta_limit(&o->selection, a) ||
        ta_set_make(&r->set, a, o->pins))
        return out_of_memory();
    code = check_patterns(&o->selection);
    return pop_anchors_count(a, POP_ANCHOR_DAMAGED) ? BAD_DATA : code;
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
    if (format == TA_PEM)
        failed = ta_emit_pem(f, &r->set);
    else if (format == TA_H)
        ta_emit_h(f, &r->options);
    else
        ta_emit_c(f, &r->set, &r->options, header);
    if (ferror(f)) failed = -1;
    return fclose(f) ? -1 : failed;
}

static int verify(const char *path, const text *wanted) {
    size_t len = 0, line = 1, i = 0;
    char *there = read_text(path, &len);
    if (!there) {
        ta_say("cannot read %s: %s", path, system_says(errno));
        return NO_INPUT;
    }
    for (; i < len && i < wanted->n && there[i] == wanted->p[i]; i++)
        line += there[i] == '\n';
    int same = len == wanted->n && i == len;
    free(there);
    if (same) return DONE;
    ta_say("%s is not what these certificates and options give: line %zu differs", path, line);
    return DIFFERS;
}

static int write_texts(ta_file *files, size_t count) {
    const char *which = "";
    switch (ta_write_files(files, count, &which)) {
    case TA_WRITTEN: return DONE;
    case TA_CANNOT_CREATE:
        ta_say("cannot create %s: %s", which, system_says(errno));
        return CANNOT_CREATE;
    default: ta_say("cannot write %s: %s", which, system_says(errno)); return IO_ERROR;
    }
}

/* "dir/name.c" -> "dir/name.h". */
static char *header_name(const char *c_name) {
    char *name = strdup(c_name);
    if (name) name[strlen(name) - 1] = 'h';
    return name;
}

static int generate(const run *r, text texts[2]) {
    const ta_options *o = &r->options;
    ta_file files[2] = {{.name = o->verify ? o->verify : o->output}, {.name = NULL}};
    size_t count = 1;
    char *h_name = o->format == TA_C_AND_H ? header_name(files[0].name) : NULL;
    const char *slash = h_name ? strrchr(h_name, '/') : NULL;
    int failed = o->format == TA_C_AND_H && !h_name;
    failed = failed || make_text(&texts[0], r, (ta_format)o->format, slash ? slash + 1 : h_name);
    if (h_name && !failed) {
        failed = make_text(&texts[1], r, TA_H, NULL);
        files[count++].name = h_name;
    }
    int code = failed ? out_of_memory() : DONE;
    for (size_t i = 0; i < count; i++) {
        files[i].text = texts[i].p;
        files[i].len = texts[i].n;
    }
    for (size_t i = 0; o->verify && code == DONE && i < count; i++)
        code = verify(files[i].name, &texts[i]);
    if (code == DONE && !o->verify) code = write_texts(files, count);
    free(h_name);
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

static int gen(run *r) {
    text texts[2] = {{NULL, 0}, {NULL, 0}};
    int code = gather(r);
    say_findings(r);
    if (code == DONE && r->set.len == 0) {
        ta_say("no certificate is left: nothing is written");
        code = BAD_DATA;
    }
    if (code != DONE) return code;
    warn_of_future(r);
    code = generate(r, texts);
    free(texts[0].p);
    free(texts[1].p);
    if (code == DONE && !r->options.quiet)
        ta_say("%zu %s%s, %zu octets on a 32-bit machine", r->set.len,
               r->options.pins ? "pin" : "anchor", r->set.len == 1 ? "" : "s", r->set.octets);
    return code;
}

/* ---- list ---- */

static int list(run *r) {
    text t = {NULL, 0};
    int code = gather(r);
    if (code != DONE && code != BAD_DATA) return code;
    FILE *f = open_memstream(&t.p, &t.n);
    if (!f) return out_of_memory();
    for (size_t i = 0; i < r->anchors.len; i++) {
        const pop_anchor *a = &r->anchors.list[i];
        if (a->finding == POP_ANCHOR_UNWANTED && !r->options.verbose) continue;
        if (pop_anchor_kind_of(a->finding) == POP_ANCHOR_DAMAGED) ta_say_finding(a);
        ta_emit_row(f, a);
    }
    if (fclose(f)) return out_of_memory();
    if (!r->options.quiet) ta_say_counts(&r->anchors);
    ta_file out = {.text = t.p, .len = t.n};
    int written = write_texts(&out, 1);
    free(t.p);
    return written == DONE ? code : written;
}

/* ---- the program ---- */

static void print(void *ctx, const char *piece) { (void)fputs(piece, ctx); }

static int perform(run *r) {
    switch (r->options.action) {
    case TA_HELP: ta_options_help(print, stdout); break;
    case TA_VERSION: (void)printf("popcl-ta %s\n", POPCL_VERSION); break;
    case TA_LIST: return list(r);
    default: return gen(r);
    }
    if (fflush(stdout) == 0) return DONE;
    ta_say("cannot write standard output: %s", system_says(errno));
    return IO_ERROR;
}

int main(int argc, char *argv[]) {
    static run r;
    int code = USAGE;
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
