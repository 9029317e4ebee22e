/* SPDX-License-Identifier: MIT */
/* probe - see probe.h. It is an owner of a session (popcl_command.h) with a fixed list of commands.
 * The lines of CAPA come by the trace, so that unknown ones are kept too. */
#include "probe.h"

#include <string.h>

#include "popcl_net.h"

/* ---- the server's words ---- */

static void probe_add(char *to, size_t cap, const char *p, size_t n) {
    size_t len = strlen(to), room = cap - 1 - len;
    if (n > room) n = room;
    memcpy(to + len, p, n);
    to[len + n] = '\0';
}

/* A line of the server's is complete. The first line of a CAPA is its +OK, and the last one a
 * dot. */
static void keep_line(tool_probe *p) {
    if (!p->in_capa || (p->line_len == 1 && *p->line == '.')) return;
    if (p->in_capa++ == 1) return;
    char *text = p->capas[p->in_tls];
    probe_add(text, TOOL_PROBE_TEXT, p->line, (size_t)p->line_len);
    probe_add(text, TOOL_PROBE_TEXT, "\n", 1);
}

static void probe_trace(void *ctx, popcl_trace kind, const char *text, size_t n) {
    tool_probe *p = ctx;
    if (p->trace) p->trace(p->trace_ctx, kind, text, n);
    if (kind != POPCL_TRACE_RECEIVED) return;
    if (n == 0) {
        keep_line(p);
        p->line_len = 0;
    }
    for (; n && p->line_len < (int)sizeof p->line; n--)
        p->line[p->line_len++] = *text++;
}

static void probe_text(void *ctx, uint32_t tag, const unsigned char *text, size_t n) {
    tool_probe *p = ctx;
    if (tag == POPCL_TAG_GREETING)
        probe_add(p->greeting, sizeof p->greeting, (const char *)text, n);
}

/* ---- the commands ---- */

static unsigned probe_ready(void *ctx) {
    tool_probe *p = ctx;
    popcl_command command = {.verb = *p->next};
    if (command.verb == POPCL_VERBS) return 0;
    p->in_capa = *p->next == POPCL_CAPA;
    popcl_err e = popcl_submit(&p->session, &command, (uint32_t)*p->next);
    if (e == POPCL_OK)
        p->next++;
    else if (e != POPCL_ERR_WOULD_BLOCK)
        popcl_fail(&p->session, e, 0);
    return 0;
}

static unsigned probe_done(void *ctx, uint32_t tag, const popcl_reply *r) {
    tool_probe *p = ctx;
    int ok = r->status == POPCL_STATUS_OK;
    if (tag == POPCL_CAPA) {
        p->has_capa[p->in_tls] = (uint8_t)ok;
        p->in_capa = 0;
    }
    if (tag == POPCL_START_TLS) {
        p->in_tls = ok;
        if (!ok) popcl_fail(&p->session, popcl_reply_error(r, POPCL_ERR_STLS_REFUSED), 0);
    }
    return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is that of the event */
static unsigned probe_closed(void *ctx, popcl_err *result, popcl_end end) {
    tool_probe *p = ctx;
    (void)result;
    if (end != POPCL_END_WIPED) pop_chain_take(&p->chain, p->tls->storage);
    return 0;
}

static const popcl_events events = {
    .text = probe_text, .done = probe_done, .ready = probe_ready, .closed = probe_closed};

/* ---- the connection ---- */

/* The port's, with the host to dial. */
typedef struct probe_net {
    popcl_posix_net net; /* first: the port's functions get it as context */
    const char *dial;
    int is_open; /* the server was reached: a SOCKS server alone does not count */
} probe_net;

static popcl_err probe_dial(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    probe_net *n = ctx;
    popcl_err e = popcl_posix.open(&n->net, n->dial ? n->dial : host, port, limit_ms);
    n->is_open = e == POPCL_OK;
    return e;
}

popcl_err tool_probe_run(tool_probe *p) {
    static const popcl_verb with_stls[] = {POPCL_CAPA, POPCL_START_TLS, POPCL_CAPA, POPCL_QUIT,
                                           POPCL_VERBS},
                            in_tls[] = {POPCL_CAPA, POPCL_QUIT, POPCL_VERBS};
    popcl_net net = popcl_posix;
    probe_net transport = {.net = {.family = p->family,
                                   .stop = p->stop,
                                   .local_address = p->local_address,
                                   .socks_host = p->socks_host,
                                   .socks_port = p->socks_port},
                           .dial = p->dial};
    popcl_config config = {
        .host = p->host,
        .port = p->port,
        .security = p->security,
        .tls = p->tls,
        .seed = p->seed,
        .iobuf = p->iobuf,
        .iobuf_len =
            p->iobuf_len && p->iobuf_len < sizeof p->iobuf ? p->iobuf_len : sizeof p->iobuf,
        .connect_ms = p->connect_ms,
        .idle_ms = p->idle_ms,
        .total_ms = p->total_ms,
        .trace = probe_trace,
        .trace_ctx = p,
    };
    net.open = probe_dial;
    p->in_tls = p->security == POPCL_TLS;
    p->next = p->in_tls ? in_tls : with_stls + (p->no_capa != 0);
    (void)popcl_start(&p->session, &config, &events, p, 0);
    p->err = popcl_run(&p->session, &net, &transport);
    p->net_code = popcl_net_code(&p->session);
    p->reply = *popcl_last_reply(&p->session);
    p->verb = popcl_last_verb(&p->session);
    if (transport.is_open) memcpy(p->peer, transport.net.peer, sizeof p->peer);
    return p->err;
}

void tool_probe_end(tool_probe *p) { popcl_wipe(&p->session); }
