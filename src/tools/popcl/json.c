/* SPDX-License-Identifier: MIT */
/* json - see json.h. */
#define _POSIX_C_SOURCE 200809L
#include "json.h"

#include <stdio.h>
#include <string.h>

static void put_name(const cmd_json *j, const char *name) {
    char text[48];
    (void)snprintf(text, sizeof text, ",\"%s\":", name);
    j->put(j->ctx, text);
}

static void put_string(const cmd_json *j, const char *text, size_t n) {
    static const char hex[] = "0123456789abcdef";
    char piece[128];
    size_t len = 0;
    piece[len++] = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (len > sizeof piece - 8) {
            piece[len] = '\0';
            j->put(j->ctx, piece);
            len = 0;
        }
        if (c < 0x20 || c > 0x7E) {
            const char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            memcpy(piece + len, escaped, sizeof escaped);
            len += sizeof escaped;
            continue;
        }
        if (c == '"' || c == '\\') piece[len++] = '\\';
        piece[len++] = text[i];
    }
    piece[len++] = '"';
    piece[len] = '\0';
    j->put(j->ctx, piece);
}

void cmd_json_begin(const cmd_json *j, const char *type) {
    j->put(j->ctx, "{\"type\":");
    put_string(j, type, strlen(type));
}

void cmd_json_text(const cmd_json *j, const char *name, const char *text) {
    put_name(j, name);
    if (text)
        put_string(j, text, strlen(text));
    else
        j->put(j->ctx, "null");
}

void cmd_json_number(const cmd_json *j, const char *name, uint64_t value) {
    char text[24];
    put_name(j, name);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    j->put(j->ctx, text);
}

void cmd_json_bool(const cmd_json *j, const char *name, int value) {
    put_name(j, name);
    j->put(j->ctx, value ? "true" : "false");
}

void cmd_json_null(const cmd_json *j, const char *name) { cmd_json_text(j, name, NULL); }

void cmd_json_words(const cmd_json *j, const char *name, const char *words) {
    const char *separator = "[";
    put_name(j, name);
    for (const char *p = words; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        j->put(j->ctx, separator);
        put_string(j, p, n);
        separator = ",";
        p += n;
    }
    j->put(j->ctx, *separator == '[' ? "[]" : "]");
}

void cmd_json_end(const cmd_json *j) { j->put(j->ctx, "}\n"); }
