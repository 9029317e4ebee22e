/* settings - see settings.h. A product that knows its server compiles the defaults in: -DDEFAULT_HOST='"mail.example.org"' and so on. */
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

#define LINE_MAX 640u

settings set = {.host = DEFAULT_HOST, .user = DEFAULT_USER, .pass = DEFAULT_PASS, .security = "tls", .every = DEFAULT_EVERY_MS};

static const struct key {
    char name[9];
    uint8_t is_number;
    uint8_t at;
} keys[] = {
#define TEXT(name)   {#name, 0, offsetof(settings, name)}
#define NUMBER(name) {#name, 1, offsetof(settings, name)}
    TEXT(host), TEXT(user),     TEXT(pass),   TEXT(name),    TEXT(ip),      TEXT(gw),    TEXT(dns),     TEXT(utc),    TEXT(state),
    TEXT(out),  TEXT(security), TEXT(seed),   NUMBER(port),  NUMBER(polls), NUMBER(every), NUMBER(idle), NUMBER(hang), NUMBER(starve), NUMBER(hurry), NUMBER(pause), NUMBER(new), NUMBER(delete), NUMBER(resume),
#undef TEXT
#undef NUMBER
};

uint32_t settings_number(const char *text) {
    uint32_t n = 0;
    while (*text >= '0' && *text <= '9')
        n = n * 10 + (uint32_t)(*text++ - '0');
    return n;
}

/* One word, "key=value". 0 if there is no such key; then the word ends before its value, which may be a secret. */
static int take(char *word) {
    char *value = strchr(word, '=');
    if (!value) return 0;
    *value = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        void *field = (char *)&set + keys[i].at;
        if (strcmp(word, keys[i].name) != 0) continue;
        if (keys[i].is_number)
            *(uint32_t *)field = settings_number(value + 1);
        else
            *(const char **)field = value + 1;
        return 1;
    }
    return 0;
}

const char *settings_read(void) {
    static char line[LINE_MAX];
    if (console_settings(line, sizeof line)) return NULL;
    char *at = strchr(line, ' '); /* behind the program's name */
    while (at) {
        char *word = at + 1;
        at = strchr(word, ' ');
        if (at) *at = '\0';
        if (*word && !take(word)) return word;
    }
    return NULL;
}
