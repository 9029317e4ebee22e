/* SPDX-License-Identifier: MIT */
/* optionserver - see optionserver.h. */
#define _POSIX_C_SOURCE 200809L
#include "optionserver.h"

#include <stdio.h>
#include <string.h>

#include "mechanism.h"
#include "number.h"
#include "optiontable.h"

/* ;AUTH= of a URL. */
static int set_url_mechanism(cmd_options *o, const char *value) {
    const cmd_mechanism *m = cmd_mechanism_in_url(value);
    if (!m)
        return cmd_option_wrong(
            o, "the URL names a mechanism that popcl does not have", "", "",
            ";AUTH=* lets popcl choose, ;AUTH=+APOP is APOP, and ;AUTH=PLAIN is SASL PLAIN; "
            "the others have the names of --auth");
    o->auth = m->auth;
    return 0;
}

static int bad_server(cmd_options *o, const char *what) {
    return cmd_option_wrong(
        o, "the server's name ", what, "",
        "give HOST, HOST:PORT, [IPV6]:PORT, an address, or pop3s://USER@HOST:PORT");
}

static int set_ipv6_host(cmd_options *o, const char *p, size_t n) {
    char scope[CMD_SCOPE_MAX + 1];
    const char *what = cmd_hostname_read_ipv6(o->host, scope, p, n);
    o->typed = p;
    o->typed_len = n;
    if (what) return bad_server(o, what);
    if (!*scope && cmd_hostname_needs_scope(o->host))
        return bad_server(o, "is a link-local address without its interface: fe80::1%eth0");
    (void)snprintf(o->dial, sizeof o->dial, "%s%s%s", o->host, *scope ? "%" : "", scope);
    return 0;
}

static int set_name(cmd_options *o, const char *p, size_t n) {
    const char *what = cmd_hostname_read(o->host, p, n);
    o->typed = p;
    o->typed_len = n;
    if (what) return bad_server(o, what);
    memcpy(o->dial, o->host, sizeof o->host);
    return 0;
}

/* `text`: the n bytes after the colon. */
static int set_server_port(cmd_options *o, const char *text, size_t n) {
    uint64_t port = 0;
    if (cmd_option_has(o, OPT_PORT))
        return cmd_option_wrong(o, "the port is given twice", "", "",
                                "give it with -p or after the server's name");
    const char *end = tool_number_read(text, UINT16_MAX, &port);
    o->port = (uint16_t)(end == text + n ? port : 0);
    return o->port ? 0
                   : cmd_option_wrong(o, "the server's port is no number from 1 to 65535", "", "",
                                      CMD_SEE_HELP);
}

/* Takes from a URL all except host and port. *server gets these, *n their length. */
static int take_url(cmd_options *o, const char **server, size_t *n) {
    cmd_url u;
    const char *what = cmd_url_read(&u, *server);
    if (what) return cmd_option_wrong(o, what, "", "", u.advice);
    if (u.is_tls && o->security == POPCL_STLS)
        return cmd_option_wrong(o, "-S and pop3s:// exclude each other", "", "",
                                "pop3s:// means -T");
    if (u.is_tls) o->security = POPCL_TLS;
    if (*u.user && o->user)
        return cmd_option_wrong(o, "the user name is given twice", "", "",
                                "give it with -u or in the URL");
    if (*u.mechanism && cmd_option_has(o, OPT_AUTH))
        return cmd_option_wrong(o, "the mechanism is given twice", "", "",
                                "give it with --auth or in the URL");
    if (*u.user) {
        memcpy(o->url_user, u.user, sizeof u.user);
        o->user = o->url_user;
    }
    *server = u.host;
    *n = u.host_len;
    return *u.mechanism ? set_url_mechanism(o, u.mechanism) : 0;
}

int cmd_option_server(cmd_options *o, const char *server) {
    size_t n = 0;
    if (take_url(o, &server, &n)) return -1;
    const char *colon = memchr(server, ':', n);
    if (server[0] == '[') {
        const char *close = memchr(server, ']', n);
        if (!close) return bad_server(o, "lacks its ]");
        const char *rest = close + 1;
        if (rest != server + n && *rest != ':') return bad_server(o, "has other text after its ]");
        if (set_ipv6_host(o, server + 1, (size_t)(close - server - 1))) return -1;
        colon = rest == server + n ? NULL : rest;
    } else if (colon && memchr(colon + 1, ':', n - (size_t)(colon - server) - 1)) {
        /* two colons: an address without brackets, and so without a port */
        return set_ipv6_host(o, server, n);
    } else if (set_name(o, server, colon ? (size_t)(colon - server) : n)) {
        return -1;
    }
    if (!colon) return 0;
    return set_server_port(o, colon + 1, n - (size_t)(colon - server) - 1);
}

int cmd_option_socks(cmd_options *o, const char *value) {
    char scope[CMD_SCOPE_MAX + 1] = "";
    const char *colon = strrchr(value, ':');
    if (!colon) return -1;
    size_t n = (size_t)(colon - value);
    int is_v6 = n > 2 && value[0] == '[' && value[n - 1] == ']';
    const char *what = is_v6 ? cmd_hostname_read_ipv6(o->socks, scope, value + 1, n - 2)
                             : cmd_hostname_read(o->socks, value, n);
    size_t len = strlen(o->socks);
    if (!what && *scope) (void)snprintf(o->socks + len, sizeof o->socks - len, "%%%s", scope);
    o->socks_port = (uint16_t)tool_number(colon + 1, UINT16_MAX);
    return what || !o->socks_port ? -1 : 0;
}
