/* SPDX-License-Identifier: MIT */
/* info - see info.h. The look itself is tool_probe's. A server's words and names are escaped by the
 * report. */
#define _POSIX_C_SOURCE 200809L
#include "info.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "pin.h"
#include "probe.h"
#include "sentences.h"
#include "shellword.h"
#include "utc.h"

/* One run of --info. */
typedef struct info {
    const cmd_options *options;
    cmd_tls *tls;
    cmd_report *report;
    const volatile sig_atomic_t *stop;
    uint32_t began_ms, total_ms;                    /* of all looks together */
    char server[CMD_HOST_MAX + CMD_SCOPE_MAX + 18]; /* "host:port" */
    tool_probe probe;
} info;

/* ---- the look ---- */

static uint32_t info_now_ms(void) {
    popcl_posix_net clock = {0};
    return popcl_posix.now_ms(&clock);
}

static void info_look(info *i, uint16_t port, uint8_t security) {
    static const int families[] = {
        [CMD_ANY_FAMILY] = AF_UNSPEC, [CMD_IPV4] = AF_INET, [CMD_IPV6] = AF_INET6};
    const cmd_options *o = i->options;
    tool_probe *p = &i->probe;
    uint32_t passed = info_now_ms() - i->began_ms;
    memset(p, 0, sizeof *p);
    p->host = o->host;
    p->dial = o->dial;
    p->port = port;
    p->security = security;
    p->no_capa = o->no_capa;
    p->family = families[o->family];
    if (*o->bind) p->local_address = o->bind;
    if (*o->socks) p->socks_host = o->socks;
    p->socks_port = o->socks_port;
    p->connect_ms = o->connect_ms;
    p->idle_ms = o->idle_ms;
    p->total_ms = passed < i->total_ms ? i->total_ms - passed : 1;
    p->tls = &i->tls->tls;
    p->seed = &i->tls->seed;
    p->iobuf_len = o->iobuf_len;
    p->stop = i->stop;
    if (i->report->trace_fd >= 0) p->trace = cmd_report_trace;
    p->trace_ctx = i->report;
    (void)snprintf(i->server, sizeof i->server, strchr(o->host, ':') ? "[%s]:%u" : "%s:%u", o->dial,
                   (unsigned)port);
    (void)tool_probe_run(p);
}

/* Returns whether STLS is worth a try after POP3S: on another port if nobody answered, on the same
 * one if the answer was no TLS. */
static int is_for_stls(const cmd_options *o, popcl_err e) {
    int nobody = e == POPCL_ERR_CONNECT || e == POPCL_ERR_TIMEOUT_CONNECT;
    if (!o->stls_port) return 0;
    return o->stls_port == o->port ? e == POPCL_ERR_TLS_NOT_TLS : nobody;
}

/* ---- the report ---- */

/* Prints a line with a text that is printable ASCII already: a name in a certificate. */
static void info_name(info *i, const char *head, const char *text) {
    cmd_report_print(i->report, head);
    cmd_report_print(i->report, text);
    cmd_report_print(i->report, "\n");
}

/* `lines` are those of CAPA, each with a line feed. */
static void tell_capas(info *i, const char *head, const char *lines) {
    char text[2 * TOOL_PROBE_TEXT];
    size_t n = 0;
    for (; *lines; lines++) {
        text[n++] = (char)(*lines == '\n' ? ',' : *lines);
        if (*lines == '\n') text[n++] = ' ';
    }
    text[n > 2 ? n - 2 : 0] = '\0';
    cmd_report_line(i->report, "%s%s", head, text);
}

static void tell_session(info *i) {
    static const char *const answers[] = {[POPCL_FRAGMENT_UNKNOWN] = "unknown",
                                          [POPCL_FRAGMENT_GRANTED] = "granted",
                                          [POPCL_FRAGMENT_IGNORED] =
                                              "ignored, a device needs a buffer of 16413 bytes"};
    const tool_probe *p = &i->probe;
    popcl_tls_diag d;
    popcl_tls_get_diag(p->tls, &d);
    cmd_report_line(i->report, "server        %s, %s", i->server,
                    p->security == POPCL_TLS ? "POP3S" : "STLS");
    if (p->socks_host)
        cmd_report_line(i->report, "by            the SOCKS server %s port %u", p->socks_host,
                        (unsigned)p->socks_port);
    else
        cmd_report_line(i->report, "address       %s", p->peer);
    if (*p->greeting) cmd_report_line(i->report, "greeting      %s", p->greeting);
    if (p->has_capa[0]) tell_capas(i, "before TLS    ", p->capas[0]);
    if (p->has_capa[1]) tell_capas(i, "capabilities  ", p->capas[1]);
    if (!d.suite) return;
    cmd_report_line(i->report, "TLS           1.%u, %s%s", (d.version & 0xffu) - 1u,
                    popcl_tls_suite_name(d.suite), cmd_tls_curve_name(d.curve));
    if (d.fragment_asked)
        cmd_report_line(i->report, "fragments     of %u octets: %s", (unsigned)d.fragment_asked,
                        answers[d.fragment]);
}

/* Writes how much of a certificate's time is left. */
static const char *days_left(const pop_cert *c, int64_t utc_s, char text[48]) {
    int64_t days = (c->not_after - utc_s) / 86400;
    if (utc_s < c->not_before)
        (void)snprintf(text, 48, "NOT VALID YET");
    else if (utc_s > c->not_after)
        (void)snprintf(text, 48, "EXPIRED");
    else
        (void)snprintf(text, 48, "%ld day%s left", (long)days, days == 1 ? "" : "s");
    return text;
}

static void tell_cert(info *i, size_t at) {
    const pop_chain *chain = &i->probe.chain;
    pop_cert c;
    unsigned char pin[POPCL_PIN_LEN];
    char text[512], from[POP_UTC_TEXT], until[POP_UTC_TEXT], left[48], key[32], hash[TOOL_PIN_TEXT];
    cmd_report_line(i->report, "certificate   %u of %u", (unsigned)chain->place[at], chain->sent);
    if (pop_cert_read(&c, chain->certs[at].p, chain->certs[at].n)) {
        cmd_report_line(i->report, "  it is damaged, or no certificate");
        return;
    }
    pop_cert_name_text(c.subject, text, sizeof text);
    info_name(i, "  subject     ", text);
    pop_cert_name_text(c.issuer, text, sizeof text);
    info_name(i, "  issuer      ", text);
    pop_cert_key_text(&c, key, sizeof key);
    pop_utc_text(c.not_before, from);
    pop_utc_text(c.not_after, until);
    cmd_report_line(i->report, "  key         %s", key);
    cmd_report_line(i->report, "  valid       %.10s to %.10s, %s", from, until,
                    days_left(&c, i->tls->tls.utc_s, left));
    if (at == 0) {
        const char *names = pop_chain_names(&i->probe.chain);
        info_name(i, "  names       ", *names ? names : "none");
    }
    if (pop_chain_pin(chain, at, pin) == 0)
        cmd_report_line(i->report, "  pin         %s", tool_pin_text(pin, hash));
}

/* Prints why no anchor vouches, as far as the chain shows it. */
static void tell_no_anchor(info *i) {
    const cmd_anchors *a = &i->tls->anchors;
    const pop_chain *chain = &i->probe.chain;
    char text[512];
    pop_cert last;
    if (*a->why) {
        cmd_report_line(i->report, "anchor        not looked for: %s", a->why);
        return;
    }
    cmd_report_line(i->report, "anchor        none in %s vouches", a->where);
    if (pop_cert_read(&last, chain->certs[pop_chain_end(chain)].p,
                      chain->certs[pop_chain_end(chain)].n))
        return;
    pop_cert_name_text(last.issuer, text, sizeof text);
    info_name(i, "  wanted      ", text);
}

/* Prints the command that makes this one anchor's table. */
static void tell_line(info *i, const pop_anchor *a) {
    char where[1024], hash[TOOL_PIN_TEXT];
    cmd_report_line(i->report, "for a device  popcl-ta gen %s%s --sha256 %s -o anchors.c",
                    tool_shell_word(where, sizeof where, i->tls->anchors.where),
                    pop_anchor_is_authority(a) ? "" : " --allow-leaf",
                    strchr(tool_pin_text(a->sha256, hash), ':') + 1);
    cmd_report_line(i->report, "  size        %lu bytes on a 32-bit machine",
                    (unsigned long)pop_anchor_size(a));
}

static void tell_info_anchor(info *i) {
    char until[POP_UTC_TEXT];
    pop_chain *chain = &i->probe.chain;
    const pop_anchor *a = cmd_anchors_find(&i->tls->anchors, i->options, chain, i->tls->tls.utc_s);
    if (!a) {
        tell_no_anchor(i);
        return;
    }
    pop_utc_text(a->not_after, until);
    info_name(i, "anchor        ", a->subject);
    cmd_report_line(i->report, "  of          %s", i->tls->anchors.where);
    cmd_report_line(i->report, "  key         %s, valid to %.10s", a->key, until);
    tell_line(i, a);
}

static void tell_all(info *i) {
    if (!*i->probe.peer) return; /* no server answered */
    tell_session(i);
    for (size_t at = 0; at < i->probe.chain.len; at++)
        tell_cert(i, at);
    if (i->probe.chain.sent > i->probe.chain.len)
        cmd_report_line(i->report, "certificates  %u more found no room",
                        i->probe.chain.sent - (unsigned)i->probe.chain.len);
    if (i->probe.chain.len) tell_info_anchor(i);
}

/* Prints the verdict; returns the exit code. */
static int tell_verdict(info *i) {
    const tool_probe *p = &i->probe;
    popcl_diag d = {.err = p->err,
                    .net_code = p->net_code,
                    .verb = popcl_verb_name(p->verb),
                    .refused = popcl_verb_name(p->verb),
                    .reply = p->reply};
    char special[600];
    cmd_tls_explain(i->tls, p->err, i->report, special, sizeof special);
    if (p->err == POPCL_OK) {
        const char *file =
            i->options->tofu_file && !i->tls->tofu.is_new ? i->options->tofu_file : NULL;
        cmd_report_line(i->report, "verdict       taken%s%s", file ? ": its key is that of " : "",
                        file ? file : "");
        return CMD_EXIT_DONE;
    }
    if (p->err == POPCL_ERR_STOPPED && *i->stop) {
        cmd_report_note(i->report, "%s: stopped by a signal", i->server);
        return CMD_EXIT_SIGNAL + (int)*i->stop;
    }
    if (p->chain.len)
        cmd_report_line(i->report, "verdict       refused: %s%s%s", cmd_sentences_what(p->err),
                        *special ? ": " : "", special);
    (void)cmd_report_flush(i->report); /* the report comes before its error */
    cmd_report_result(i->report, &d, i->server, special);
    return cmd_exit_code(p->err);
}

/* ---- trust on first use ---- */

/* Returns whether the only reason for the refusal is that no key is stored yet. */
static int is_first_use(const info *i) {
    return i->tls->tofu.is_new && i->probe.err == POPCL_ERR_CERT_PIN && i->probe.chain.len;
}

static int store(info *i) {
    char hash[TOOL_PIN_TEXT];
    int code = cmd_tofu_store(&i->tls->tofu, i->options, i->report);
    if (code) return code;
    cmd_report_line(i->report, "stored        %s in %s", tool_pin_text(i->tls->tofu.pin[0], hash),
                    i->options->tofu_file);
    return CMD_EXIT_DONE;
}

/* ---- all of it ---- */

int cmd_info(const cmd_options *o, cmd_tls *tls, cmd_report *r, const volatile sig_atomic_t *stop,
             uint32_t total_ms) {
    static info i;
    i.options = o;
    i.tls = tls;
    i.report = r;
    i.stop = stop;
    i.began_ms = info_now_ms();
    i.total_ms = total_ms;
    uint16_t port = o->port;
    uint8_t security = o->security;
    if (!o->fragment && !o->ask_no_fragment) tls->tls.fragment = 512;
    info_look(&i, port, security);
    if (is_for_stls(o, i.probe.err)) {
        cmd_report_note(r, "%s %s: trying STLS on port %u", i.server,
                        o->stls_port == port ? "is not for POP3S" : "does not answer",
                        (unsigned)o->stls_port);
        tool_probe_end(&i.probe);
        cmd_tls_begin_again(tls);
        info_look(&i, port = o->stls_port, security = POPCL_STLS);
    }
    if (is_first_use(&i)) {
        /* again, so that the server proves that it has the key */
        (void)pop_chain_pin(&i.probe.chain, 0, tls->tofu.pin[0]);
        tool_probe_end(&i.probe);
        cmd_tls_begin_again(tls);
        info_look(&i, port, security);
    }
    tell_all(&i);
    int code = tell_verdict(&i);
    tool_probe_end(&i.probe);
    if (code == CMD_EXIT_DONE && tls->tofu.is_new) code = store(&i);
    return code;
}
