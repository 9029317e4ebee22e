/* SPDX-License-Identifier: MIT */
/* url - see url.h. An octet that has a meaning in a URL, or that no URL may have, must come as %
 * and two digits. So a password never passes as a part of a user name. */
#define _POSIX_C_SOURCE 200809L
#include "url.h"

#include <string.h>
#include <strings.h>

#define FORM "the form is pop3s://USER@HOST:PORT, and USER;AUTH=MECHANISM@ names a mechanism too"

static const struct {
    const char *text;
    int is_tls;
} schemes[] = {{"pop://", 0}, {"pop3://", 0}, {"pop3s://", 1}};

static const char *url_refuse(cmd_url *u, const char *what, const char *advice) {
    u->advice = advice;
    return what;
}

static int url_hex_digit(char c) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

/* Decodes n octets at p to out, which has room for max and a NUL. */
static const char *url_decode(cmd_url *u, char *out, size_t max, const char *p, size_t n) {
    size_t len = 0;
    for (const char *end = p + n; p < end; p++) {
        char c = *p;
        if (c == '%') {
            int high = end - p > 2 ? url_hex_digit(p[1]) : -1,
                low = end - p > 2 ? url_hex_digit(p[2]) : -1;
            if (high < 0 || low < 0)
                return url_refuse(u, "the URL has a % without two hexadecimal digits",
                                  "write the % itself as %25");
            c = (char)(high * 16 + low);
            p += 2;
            if (c == '\0' || c == '\r' || c == '\n')
                return url_refuse(u,
                                  "the URL has a NUL or a line end in the user name or mechanism",
                                  "no server can be asked for such a name");
        } else if (c <= ' ' || c > '~' || strchr("@;?#[]<>\"\\^`{|}", c)) {
            return url_refuse(u, "the URL's user name has an octet that a URL must encode",
                              "write it as % and two hexadecimal digits: %40 is @, %3B is ;");
        }
        if (len == max) return url_refuse(u, "the URL's user name or mechanism is too long", FORM);
        out[len++] = c;
    }
    out[len] = '\0';
    return NULL;
}

/* The n octets before the @ of the host. */
static const char *read_login(cmd_url *u, const char *p, size_t n) {
    static const char parameter[] = ";AUTH=";
    if (memchr(p, ':', n))
        return url_refuse(u, "the URL has a password: others can see a command line",
                          "take it out, and give -a, --netrc or --password-command, or wait to be "
                          "asked; a : of the user name is %3A");
    const char *semicolon = memchr(p, ';', n);
    size_t user = semicolon ? (size_t)(semicolon - p) : n, rest = n - user;
    const char *what = url_decode(u, u->user, CMD_USER_MAX, p, user);
    if (what) return what;
    if (!semicolon) return user ? NULL : url_refuse(u, "the URL's user name is empty", FORM);
    if (rest < sizeof parameter || strncasecmp(semicolon, parameter, sizeof parameter - 1) != 0)
        return url_refuse(u, "the URL has a parameter that is not ;AUTH=MECHANISM", FORM);
    return url_decode(u, u->mechanism, CMD_URL_MECHANISM_MAX, semicolon + sizeof parameter - 1,
                      rest - (sizeof parameter - 1));
}

/* The octets after the scheme. */
static const char *read_rest(cmd_url *u, const char *p) {
    size_t n = strcspn(p, "/?#"), login = n;
    if (p[n] && strcmp(p + n, "/") != 0)
        return url_refuse(
            u, "the URL has a path, a query or a fragment",
            "a POP3 server has one maildrop for each user: end the URL after the port");
    while (login && p[login - 1] != '@')
        login--;
    u->host = p + login;
    u->host_len = n - login;
    return login ? read_login(u, p, login - 1) : NULL;
}

const char *cmd_url_read(cmd_url *u, const char *text) {
    memset(u, 0, sizeof *u);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) != 0) continue;
        u->is_tls = schemes[i].is_tls;
        return read_rest(u, text + strlen(schemes[i].text));
    }
    u->host = text;
    u->host_len = strlen(text);
    if (strstr(text, "://"))
        return url_refuse(u, "the server's name has a scheme that popcl does not know",
                          "give pop3s://HOST, pop3://HOST or pop://HOST");
    if (strchr(text, '@'))
        return url_refuse(u, "the server's name has an @",
                          "give the user name with -u, or as pop3s://USER@HOST");
    return NULL;
}
