/* SPDX-License-Identifier: MIT */
/* report - see report.h. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utc.h"

void ta_say(const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fputs("popcl-ta: ", stderr);
    for (const char *c = text; *c; c++) {
        if (*c >= 0x20 && *c < 0x7F)
            (void)fputc(*c, stderr);
        else
            (void)fprintf(stderr, "\\x%02x", (unsigned)(unsigned char)*c);
    }
    (void)fputc('\n', stderr);
}

const char *ta_system_says(int error) {
    static char text[96];
    if (error == EFBIG) return "it is larger than 64 MB";
    if (strerror_r(error, text, sizeof text)) (void)snprintf(text, sizeof text, "error %d", error);
    return text;
}

int ta_out_of_memory(void) {
    ta_say("out of memory");
    return TA_IO_ERROR;
}

void ta_say_finding(const pop_anchor *a) {
    static const char *const verbs[] = {[POP_ANCHOR_KEPT] = "kept",
                                        [POP_ANCHOR_MERGED] = "merged",
                                        [POP_ANCHOR_REFUSED] = "refused",
                                        [POP_ANCHOR_DAMAGED] = "damaged",
                                        [POP_ANCHOR_SKIPPED] = "skipped"};
    char where[1100], until[POP_UTC_TEXT], dates[64] = "";
    pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
    if (a->line)
        (void)snprintf(where, sizeof where, "%s:%lu", a->source, a->line);
    else
        (void)snprintf(where, sizeof where, "%s", a->source);
    if (*a->key) {
        pop_utc_text(a->not_after, until);
        (void)snprintf(dates, sizeof dates, " (%s, until %.10s)", a->key, until);
    }
    const char *subject = a->subject ? a->subject : "",
               *why = a->finding == POP_ANCHOR_USABLE ? "" : pop_anchor_sentence(a->finding);
    const char *shown = *subject || !*dates
                            ? dates
                            : dates + 1; /* without the space that separates it from a subject */
    ta_say("%s: %s: %s%s%s%s", where, verbs[kind], subject, shown,
           (*subject || *shown) && *why ? ": " : "", why);
}

/* Findings that are counted under one name are printed together, at the first of them. */
void ta_say_counts(const pop_anchors *a) {
    size_t counts[POP_ANCHOR_FINDING_COUNT] = {0},
           certificates = a->len - pop_anchors_count(a, POP_ANCHOR_SKIPPED);
    char text[1024];
    for (size_t i = 0; i < a->len; i++) {
        unsigned f = 0;
        while (strcmp(pop_anchor_counted_as((pop_anchor_finding)f),
                      pop_anchor_counted_as((pop_anchor_finding)a->list[i].finding)) != 0)
            f++;
        counts[f]++;
    }
    size_t n = (size_t)snprintf(text, sizeof text, "%zu certificate%s", certificates,
                                certificates == 1 ? "" : "s");
    for (unsigned f = 0, first = 1; f < POP_ANCHOR_FINDING_COUNT; f++) {
        if (!counts[f] && f != POP_ANCHOR_USABLE) continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %zu %s", first ? ":" : ",", counts[f],
                              pop_anchor_counted_as((pop_anchor_finding)f));
        first = 0;
    }
    ta_say("%s", text);
}
