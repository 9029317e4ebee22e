/* SPDX-License-Identifier: MIT */
/* log - see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AROUND 6    /* entries shown before a difference */
#define SHOWN  160u /* octets of an entry shown */

static entry *add(event_log *l, int line, int merges, const void *p, size_t n) {
    if ((l->count & (l->count + 1)) == 0) { /* 0, 1, 3, 7, ...: room for as many again */
        l->entries = realloc(l->entries, (l->count + 1) * 2 * sizeof *l->entries);
        if (!l->entries) abort();
    }
    entry *e = &l->entries[l->count++];
    e->merges = merges;
    e->line = line;
    e->n = n;
    e->room = n + 1;
    e->p = malloc(n + 1);
    if (!e->p) abort();
    if (n) memcpy(e->p, p, n);
    e->p[n] = 0;
    return e;
}

void log_line(event_log *l, int line, const char *format, ...) {
    char text[8192 + 16];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add(l, line, 0, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void log_data(event_log *l, int line, const void *p, size_t n) {
    entry *last = l->count ? &l->entries[l->count - 1] : NULL;
    if (n == 0) return;
    if (!last || !last->merges) {
        add(l, line, 1, p, n);
        return;
    }
    if (last->n + n + 1 > last->room) { /* doubles: a run may merge ten million single octets */
        last->room = (last->n + n + 1) * 2;
        last->p = realloc(last->p, last->room);
        if (!last->p) abort();
    }
    memcpy(last->p + last->n, p, n);
    last->n += n;
    last->p[last->n] = 0;
}

void log_drop(event_log *l) {
    if (l->count) free(l->entries[--l->count].p);
}

void log_clear(event_log *l) {
    for (size_t i = 0; i < l->count; i++)
        free(l->entries[i].p);
    free(l->entries);
    l->entries = NULL;
    l->count = 0;
}

static int same(const entry *expected, const entry *actual, int exact) {
    if (expected->merges != actual->merges) return 0;
    if (exact || expected->merges)
        return expected->n == actual->n && memcmp(expected->p, actual->p, actual->n) == 0;
    const char *tab = strchr((const char *)actual->p, '\t');
    size_t least = tab ? (size_t)(tab - (const char *)actual->p) : actual->n;
    if (expected->n < least || expected->n > actual->n) return 0;
    for (size_t i = 0; i < expected->n; i++) {
        if (expected->p[i] != (actual->p[i] == '\t' ? ' ' : actual->p[i])) return 0;
    }
    unsigned char next = actual->p[expected->n];
    return next == 0 || next == '\t' || next == ' ';
}

long log_difference(const event_log *expected, const event_log *actual, int exact) {
    for (size_t i = 0; i < expected->count || i < actual->count; i++) {
        if (i == expected->count || i == actual->count ||
            !same(&expected->entries[i], &actual->entries[i], exact))
            return (long)i;
    }
    return -1;
}

static void show(const char *mark, const event_log *l, size_t i) {
    if (i >= l->count) return;
    const entry *e = &l->entries[i];
    printf("#   %s ", mark);
    if (e->line) printf("line %d: ", e->line);
    if (e->merges) printf("> data (%lu octets) \"", (unsigned long)e->n);
    for (size_t k = 0; k < e->n && k < SHOWN; k++) {
        unsigned char c = e->p[k];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            putchar(c);
        else if (c == '\t' && !e->merges)
            putchar(' ');
        else if (c == '\r' || c == '\n')
            printf("\\%c", c == '\r' ? 'r' : 'n');
        else
            printf("\\x%02x", c);
    }
    printf("%s%s\n", e->n > SHOWN ? "..." : "", e->merges ? "\"" : "");
}

void log_show(const event_log *expected, const event_log *actual, long at) {
    size_t from = at > AROUND ? (size_t)at - AROUND : 0;
    for (size_t i = from; i < (size_t)at; i++)
        show(" ", actual, i);
    for (size_t i = (size_t)at; i < (size_t)at + 3; i++)
        show("-", expected, i);
    for (size_t i = (size_t)at; i < (size_t)at + 3; i++)
        show("+", actual, i);
}
