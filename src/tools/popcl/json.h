/* SPDX-License-Identifier: MIT */
/* json - writes JSON objects, one a line (RFC 8259). The text is ASCII: an octet outside 0x20 to
 * 0x7E becomes \u00XX with its value, also an octet of UTF-8. So a reader gets each octet back,
 * and no server's text can break a line. It knows no meaning of the members. */
#ifndef POPCL_CMD_JSON_H
#define POPCL_CMD_JSON_H

#include <stddef.h>
#include <stdint.h>

typedef struct cmd_json {
    void (*put)(void *ctx, const char *text); /* gets each piece, NUL-terminated */
    void *ctx;
} cmd_json;

/* Begins an object with the member "type". */
void cmd_json_begin(const cmd_json *j, const char *type);

/* Adds a member. text NULL = null. name is a constant word. */
void cmd_json_text(const cmd_json *j, const char *name, const char *text);
void cmd_json_number(const cmd_json *j, const char *name, uint64_t value);
void cmd_json_bool(const cmd_json *j, const char *name, int value);
void cmd_json_null(const cmd_json *j, const char *name);

/* Adds a list of words, which are separated by spaces. */
void cmd_json_words(const cmd_json *j, const char *name, const char *words);

/* Ends the object and its line. */
void cmd_json_end(const cmd_json *j);

#endif
