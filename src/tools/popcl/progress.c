/* SPDX-License-Identifier: MIT */
/* progress - see progress.h. */
#define _POSIX_C_SOURCE 200809L
#include "progress.h"

#include <stdio.h>
#include <string.h>

enum {
    FIRST_RATE_MS = 500,
    LEAST_BAR = 10, /* columns of the bar with its brackets; a shorter one shows nothing */
    PARTS = 5
};

/* ---- arithmetic ---- */

uint64_t cmd_rate_now(cmd_rate *r, uint64_t octets, uint64_t now_ms) {
    if (!r->points) {
        r->at_ms[0] = r->at_ms[1] = now_ms;
        r->octets[0] = r->octets[1] = octets;
        r->points = 1;
    }
    if (now_ms - r->at_ms[1] >= CMD_RATE_SPAN_MS) {
        r->at_ms[0] = r->at_ms[1];
        r->octets[0] = r->octets[1];
        r->at_ms[1] = now_ms;
        r->octets[1] = octets;
    }
    uint64_t ms = now_ms - r->at_ms[0], came = octets - r->octets[0];
    /* a message that is dropped takes its octets with it */
    if (ms < FIRST_RATE_MS || octets < r->octets[0]) return 0;
    return came > UINT64_MAX / 1000 ? came / ms * 1000 : came * 1000 / ms;
}

static int thousandths(uint64_t part, uint64_t of) {
    if (part >= of) return 1000;
    while (of > UINT64_MAX / 1000) {
        of >>= 1;
        part >>= 1;
    }
    return (int)(part * 1000 / of);
}

int cmd_progress_done(const cmd_progress *p) {
    if (p->total_octets) return thousandths(p->octets, p->total_octets);
    return p->total ? thousandths(p->messages, p->total) : -1;
}

int cmd_progress_left(const cmd_progress *p, uint64_t *seconds) {
    if (!p->rate || !p->total_octets) return 0;
    uint64_t left = p->total_octets > p->octets ? p->total_octets - p->octets : 0;
    *seconds = left / p->rate + (left % p->rate != 0);
    return 1;
}

/* ---- texts ---- */

/* In the unit of the larger of the two: "1.5 of 20.0 MB". */
static void octets_as_text(char *out, size_t size, uint64_t octets, uint64_t total) {
    uint64_t most = total > octets ? total : octets;
    const char *unit = most < 1048576 ? "KB" : most < 1073741824 ? "MB" : "GB";
    double one = most < 1048576 ? 1024.0 : most < 1073741824 ? 1048576.0 : 1073741824.0;
    if (total)
        (void)snprintf(out, size, "%.1f of %.1f %s", (double)octets / one, (double)total / one,
                       unit);
    else
        (void)snprintf(out, size, "%.1f %s", (double)octets / one, unit);
}

/* "0:07", "12:34", "1:02:03", or days from 100 hours on. */
static void time_as_text(char *out, size_t size, uint64_t s) {
    if (s >= 360000)
        (void)snprintf(out, size, "%llu days", (unsigned long long)(s / 86400));
    else if (s >= 3600)
        (void)snprintf(out, size, "%u:%02u:%02u", (unsigned)(s / 3600), (unsigned)(s / 60 % 60),
                       (unsigned)(s % 60));
    else
        (void)snprintf(out, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

/* The parts beside the bar; one that is not known is "". */
enum part { PERCENT, MESSAGES, OCTETS, LEFT, RATE };
typedef char progress_parts[PARTS][48];

static void write_parts(progress_parts parts, const cmd_progress *p) {
    char text[40];
    uint64_t seconds;
    int done = cmd_progress_done(p);
    memset(parts, 0, sizeof(progress_parts));
    if (done >= 0) (void)snprintf(parts[PERCENT], sizeof parts[0], "%d%%", done / 10);
    if (p->total)
        (void)snprintf(parts[MESSAGES], sizeof parts[0], "%lu of %lu messages",
                       (unsigned long)p->messages, (unsigned long)p->total);
    else
        (void)snprintf(parts[MESSAGES], sizeof parts[0], "%lu messages",
                       (unsigned long)p->messages);
    octets_as_text(parts[OCTETS], sizeof parts[0], p->octets, p->total_octets);
    if (p->rate) {
        octets_as_text(text, sizeof text, p->rate, 0);
        (void)snprintf(parts[RATE], sizeof parts[0], "%s/s", text);
    }
    if (cmd_progress_left(p, &seconds)) {
        time_as_text(text, sizeof text, seconds);
        (void)snprintf(parts[LEFT], sizeof parts[0], "%s left", text);
    }
}

/* Writes the bar itself: so many columns between brackets. A block character has eighths. */
static size_t write_bar(char *out, unsigned columns, int done, int utf8) {
    static const char eighths[] = "\xE2\x96\x8F\xE2\x96\x8E\xE2\x96\x8D\xE2\x96\x8C"
                                  "\xE2\x96\x8B\xE2\x96\x8A\xE2\x96\x89\xE2\x96\x88";
    unsigned steps = columns * (unsigned)done * (utf8 ? 8u : 1u) / 1000u;
    size_t len = 0;
    out[len++] = '[';
    for (unsigned i = 0; i < columns; i++) {
        unsigned step = utf8 && steps >= 8 ? 8 : utf8 ? steps : steps != 0;
        steps -= step;
        if (!step) {
            out[len++] = ' ';
        } else if (utf8) {
            memcpy(out + len, &eighths[(step - 1) * 3], 3);
            len += 3;
        } else {
            out[len++] = '#';
        }
    }
    out[len++] = ']';
    return len;
}

static size_t append_part(char *out, size_t len, const char *text, const char *separator) {
    return len +
           (size_t)snprintf(out + len, CMD_PROGRESS_TEXT - len, "%s%s", len ? separator : "", text);
}

size_t cmd_progress_bar(char *out, const cmd_progress *p, unsigned columns, int utf8) {
    progress_parts parts;
    unsigned room = columns ? columns - 1 : 0, used = 0;
    int done = cmd_progress_done(p), shown[PARTS] = {0};
    write_parts(parts, p);
    for (int i = 0; i < PARTS; i++) {
        unsigned n = (unsigned)strlen(parts[i]), gap = used ? 2 : 0;
        if (n == 0) continue;
        if (used + gap + n > room) break;
        used += gap + n;
        shown[i] = 1;
    }
    size_t len = 0;
    if (done >= 0 && used && room >= used + 1 + LEAST_BAR) {
        unsigned bar = room - used - 3; /* its brackets, and a space */
        len = write_bar(out, bar < CMD_BAR_COLUMNS ? bar : CMD_BAR_COLUMNS, done, utf8);
        out[len++] = ' ';
    }
    size_t begin = len;
    out[len] = '\0';
    for (int i = 0; i < PARTS; i++) {
        if (shown[i]) len = begin + append_part(out + begin, len - begin, parts[i], "  ");
    }
    return len;
}

size_t cmd_progress_plain(char *out, const cmd_progress *p) {
    progress_parts parts;
    size_t len = 0;
    out[0] = '\0';
    write_parts(parts, p);
    for (int i = MESSAGES; i < PARTS; i++) {
        if (*parts[i]) len = append_part(out, len, parts[i], ", ");
    }
    return len;
}
