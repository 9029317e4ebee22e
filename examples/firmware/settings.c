/* SPDX-License-Identifier: MIT */
/* settings - see settings.h. A product that knows its server compiles the defaults in:
 * -DDEFAULT_HOST='"mail.example.org"' and so on. */
#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "console.h"

#ifndef DEFAULT_HOST
#define DEFAULT_HOST NULL
#endif
#ifndef DEFAULT_USER
#define DEFAULT_USER NULL
#endif
#ifndef DEFAULT_PASS
#define DEFAULT_PASS NULL
#endif
#ifndef DEFAULT_EVERY_MS
#define DEFAULT_EVERY_MS 300000
#endif

#define SETTINGS_LINE_MAX 640u

settings set = {.host = DEFAULT_HOST,
                .user = DEFAULT_USER,
                .pass = DEFAULT_PASS,
                .security = "tls",
                .every = DEFAULT_EVERY_MS};

enum kind { TEXT, ADDRESS, SECURITY, NUMBER, PORT, SWITCH };

static const struct key {
    char name[9];
    uint8_t kind;
    uint8_t at;
} keys[] = {
#define KEY(kind, name)                                                                            \
    { #name, kind, offsetof(settings, name) }
    KEY(TEXT, host),     KEY(TEXT, user),     KEY(TEXT, pass),   KEY(TEXT, name),
    KEY(ADDRESS, ip),    KEY(ADDRESS, gw),    KEY(TEXT, dns),    KEY(TEXT, utc),
    KEY(TEXT, state),    KEY(TEXT, out),      KEY(TEXT, seed),   KEY(SECURITY, security),
    KEY(TEXT, trust),    KEY(TEXT, renew),    KEY(PORT, port),   KEY(NUMBER, polls),
    KEY(NUMBER, every),  KEY(NUMBER, idle),   KEY(NUMBER, hang), KEY(NUMBER, starve),
    KEY(NUMBER, hurry),  KEY(NUMBER, pause),  KEY(NUMBER, up),   KEY(SWITCH, new),
    KEY(SWITCH, delete), KEY(SWITCH, resume),
#undef KEY
};

uint32_t settings_number(const char *text) {
    uint32_t n = 0;
    while (*text >= '0' && *text <= '9')
        n = n * 10 + (uint32_t)(*text++ - '0');
    return n;
}

/* "A.B.C.D" or "A.B.C.D/LEN". */
static int is_address(const char *at) {
    for (unsigned part = 0; part < 5; part++) {
        const char *digits = at;
        while (*at >= '0' && *at <= '9')
            at++;
        if (at == digits || at - digits > 3 || settings_number(digits) > (part < 4 ? 255u : 32u))
            return 0;
        if (!*at) return part >= 3;
        if (*at++ != (part < 3 ? '.' : '/')) return 0;
    }
    return 0;
}

/* A value that would be misread must end the start: "5s" is not 5 ms, and "ssl" is not clear
 * text. */
static int is_right(uint8_t kind, const char *value) {
    size_t digits = 0;
    while (value[digits] >= '0' && value[digits] <= '9')
        digits++;
    int is_number = digits >= 1 && digits <= 9 && !value[digits];
    switch (kind) {
    case ADDRESS: return is_address(value);
    case NUMBER: return is_number;
    case PORT: return is_number && settings_number(value) <= UINT16_MAX;
    case SWITCH: return is_number && settings_number(value) <= 1;
    case SECURITY:
        return strcmp(value, "tls") == 0 || strcmp(value, "stls") == 0 ||
               strcmp(value, "clear") == 0;
    default: return 1;
    }
}

/* Takes one word, "key=value". Returns 0 if there is no such key, or it does not take this value.
 * The value may be a secret, so the word ends before it. */
static int take(char *word) {
    char *value = strchr(word, '=');
    if (!value) return 0;
    *value++ = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        void *field = (char *)&set + keys[i].at;
        if (strcmp(word, keys[i].name) != 0) continue;
        if (!is_right(keys[i].kind, value)) return 0;
        if (keys[i].kind >= NUMBER)
            *(uint32_t *)field = settings_number(value);
        else
            *(const char **)field = value;
        return 1;
    }
    return 0;
}

const char *settings_read(void) {
    static char line[SETTINGS_LINE_MAX];
    if (console_settings(line, sizeof line)) return NULL;
    char *at = strchr(line, ' '); /* after the program's name */
    while (at) {
        char *word = at + 1;
        at = strchr(word, ' ');
        if (at) *at = '\0';
        if (*word && !take(word)) return word;
    }
    return NULL;
}
