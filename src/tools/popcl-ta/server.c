/* SPDX-License-Identifier: MIT */
/* server - the commands for-host and for-chain (commands.h): from a server's certificates to the
 * one anchor of --bundle that a device needs for it. The set itself is then made by gen. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "number.h"
#include "pin.h"
#include "probe.h"
#include "report.h"
#include "shellword.h"

/* One search. */
typedef struct search {
    ta_run *run;
    pop_anchors bundle; /* with servers' own certificates: they may be anchors too */
    const char *name;   /* that a device will ask for; NULL = a name of the server's certificate */
    char host[256];
    tool_probe probe; /* its chain is that of the server or of the file */
    popcl_tls_host_storage storage;
} search;

/* ---- the chain of a server ---- */

/* Reads HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. Returns 0, or -1. */
static int read_server(const char *text, char host[256], uint16_t *port) {
    int is_ipv6 = *text == '[', has_two = strchr(text, ':') != strrchr(text, ':');
    const char *end = is_ipv6   ? strchr(text, ']')
                      : has_two ? text + strlen(text)
                                : text + strcspn(text, ":");
    if (is_ipv6) text++;
    if (!end || end == text || end - text > 255) return -1;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    if (is_ipv6) end++;
    if (!*end) return 0;
    *port = *end == ':' ? (uint16_t)tool_number(end + 1, UINT16_MAX) : 0;
    return *port ? 0 : -1;
}

/* The words of a result, without the settings of a program. */
static void say_result(const tool_probe *p, popcl_err e) {
    int is_ipv6 = strchr(p->host, ':') != NULL;
    ta_say("%s%s%s:%u: %s", is_ipv6 ? "[" : "", p->host, is_ipv6 ? "]" : "", (unsigned)p->port,
           popcl_err_what(e));
    ta_say("likely cause: %s", popcl_err_cause(e));
}

/* Connects, and takes the certificates. They are judged later: with this pin the handshake ends
 * right after them. */
static int ask_server(search *s) {
    static const unsigned char nobody[1][POPCL_PIN_LEN];
    static const popcl_trust none = {.pins = nobody, .pins_len = 1};
    const ta_options *o = &s->run->options;
    popcl_seed seed;
    popcl_tls tls = {.profile = &popcl_tls_host,
                     .storage = &s->storage,
                     .storage_len = sizeof s->storage,
                     .trust = &none,
                     .utc_s = ta_now(o)};
    tool_probe *p = &s->probe;
    p->security = o->stls ? POPCL_STLS : POPCL_TLS;
    p->port = o->stls ? 110 : 995;
    if (read_server(o->inputs[0], s->host, &p->port)) {
        ta_say("%s is no HOST, HOST:PORT or [IPV6]:PORT", o->inputs[0]);
        return TA_USAGE;
    }
    if (popcl_posix_seed(&seed, sizeof seed)) {
        ta_say("this machine gives no random bytes: %s", ta_system_says(errno));
        return TA_IO_ERROR;
    }
    p->host = s->name = s->host;
    p->tls = &tls;
    p->seed = &seed;
    popcl_err e = tool_probe_run(p);
    tool_probe_end(p);
    if (p->chain.len) return TA_DONE;
    say_result(p, e);
    ta_say("what to try: give its port (995, with --stls 110), and look whether it has POP3 there; "
           "popcl --info shows more; for-chain needs no connection");
    return TA_UNAVAILABLE;
}

/* ---- the chain of a file ---- */

static int read_chain(search *s) {
    pop_anchors file;
    const char *path = s->run->options.inputs[0];
    memset(&file, 0, sizeof file);
    file.utc_s = -1;
    file.allow_leaf = file.details = 1;
    popcl_posix_trust_error e = strcmp(path, "-") == 0
                                    ? pop_anchors_read_fd(&file, ta_input_name(path), 0)
                                    : pop_anchors_read_file(&file, path);
    if (e == POPCL_POSIX_TRUST_MEMORY) return ta_out_of_memory();
    if (e) {
        ta_say("cannot read %s: %s", ta_input_name(path), ta_system_says(errno));
        ta_say("what to try: give a file with the certificates that the server sends (PEM); "
               "for-host asks the server itself");
        return TA_NO_INPUT;
    }
    int code = TA_DONE;
    for (size_t i = 0; i < file.len; i++) {
        const pop_anchor *one = &file.list[i];
        if (pop_anchor_kind_of(one->finding) == POP_ANCHOR_DAMAGED) {
            ta_say_finding(one);
            code = TA_BAD_DATA;
        } else if (one->der) {
            pop_chain_add(&s->probe.chain, one->der, one->der_len);
        }
    }
    pop_anchors_free(&file);
    if (code == TA_DONE && s->probe.chain.sent == 0) {
        ta_say("there is no certificate in %s", ta_input_name(path));
        code = TA_BAD_DATA;
    }
    if (code == TA_DONE && s->probe.chain.len < s->probe.chain.sent) {
        ta_say("%s has too many certificates for one server: %u", ta_input_name(path),
               s->probe.chain.sent);
        ta_say("what to try: give the chain of one server; a bundle of authorities is for "
               "--bundle");
        code = TA_BAD_DATA;
    }
    return code;
}

/* ---- the anchor ---- */

static int read_bundle(search *s) {
    const ta_options *o = &s->run->options;
    pop_anchors *a = &s->bundle;
    a->utc_s = ta_now(o);
    a->allow_leaf = a->details = 1;
    popcl_posix_trust_error e = pop_anchors_read_file(a, o->bundle);
    if (e && e != POPCL_POSIX_TRUST_MEMORY && errno == EISDIR)
        e = pop_anchors_read_dir(a, o->bundle);
    if (e == POPCL_POSIX_TRUST_MEMORY || (!e && pop_anchors_merge(a))) return ta_out_of_memory();
    if (!e) return TA_DONE;
    ta_say("cannot read %s: %s", o->bundle, ta_system_says(errno));
    return TA_NO_INPUT;
}

/* Reports that no anchor vouches, what is missing, and what to do. */
static int say_none(const search *s) {
    const ta_options *o = &s->run->options;
    const pop_chain *c = &s->probe.chain;
    char wanted[512], hash[TOOL_PIN_TEXT];
    unsigned char pin[POPCL_PIN_LEN];
    pop_span end = c->certs[pop_chain_end(c)];
    pop_cert last;
    if (pop_cert_read(&last, end.p, end.n)) {
        ta_say("no anchor of %s vouches: a certificate of the chain is damaged", o->bundle);
        return TA_BAD_DATA;
    }
    pop_cert_name_text(last.issuer, wanted, sizeof wanted);
    ta_say("no anchor of %s vouches for this chain of %u certificate%s", o->bundle, c->sent,
           c->sent == 1 ? "" : "s");
    if (last.issuer.n == last.subject.n &&
        memcmp(last.issuer.p, last.subject.p, last.issuer.n) == 0) {
        ta_say("likely cause: its last certificate, %s, signs itself, and %s does not have it",
               wanted, o->bundle);
        if (pop_chain_pin(c, 0, pin) == 0)
            ta_say("what to try: if the server is your own, give that certificate as --bundle, or "
                   "pin the server's key: %s",
                   tool_pin_text(pin, hash));
        return TA_BAD_DATA;
    }
    ta_say("likely cause: the server leaves out the certificate of %s, or %s does not have it",
           wanted, o->bundle);
    ta_say("what to try: have the server send its intermediates too (Dovecot: ssl_cert with the "
           "full chain); or add that certificate to the bundle");
    return TA_BAD_DATA;
}

/* Warns of what a device does with this anchor now, and of an anchor that will not last. */
static void say_verdict(search *s, const pop_anchor *a) {
    const ta_options *o = &s->run->options;
    popcl_trust trust = pop_anchor_trust(a);
    popcl_err e = pop_chain_judge(&s->probe.chain, &trust, s->name, ta_now(o));
    if (e) ta_say("warning: a device refuses this server now: %s", popcl_err_what(e));
    if (e) ta_say("likely cause: %s", popcl_err_cause(e));
    if (pop_anchor_is_authority(a) && memcmp(a->subject_hash, a->issuer_hash, 32) != 0)
        ta_say("warning: this anchor is an intermediate: it is changed more often than a root. The "
               "server should send it");
}

/* Reports the anchor, and the command of gen that makes the same output. */
static void say_anchor(const search *s, const pop_anchor *a) {
    const ta_options *o = &s->run->options;
    char bundle[1024], hash[TOOL_PIN_TEXT];
    if (o->quiet) return;
    ta_say("anchor: %s", a->subject);
    ta_say("the same: popcl-ta gen %s%s --sha256 %s",
           tool_shell_word(bundle, sizeof bundle, o->bundle),
           pop_anchor_is_authority(a) ? "" : " --allow-leaf",
           strchr(tool_pin_text(a->sha256, hash), ':') + 1);
}

/* Makes gen's options of those of this command: the bundle, and the anchor's fingerprint. */
static int generate_for(search *s, const pop_anchor *a) {
    ta_options *o = &s->run->options;
    ta_pattern p;
    memset(&p, 0, sizeof p);
    p.field = TA_SHA256;
    p.text = a->subject;
    memcpy(p.sha256, a->sha256, sizeof p.sha256);
    if (ta_selection_add(&o->selection, &p)) return ta_out_of_memory();
    o->allow_leaf = !pop_anchor_is_authority(a);
    o->inputs[0] = o->bundle;
    o->inputs_len = 1;
    o->action = TA_GEN;
    return ta_command_gen(s->run);
}

int ta_command_for(ta_run *r) {
    search *s = calloc(1, sizeof *s);
    if (!s) return ta_out_of_memory();
    s->run = r;
    int code = read_bundle(s);
    if (code == TA_DONE) code = r->options.action == TA_FOR_HOST ? ask_server(s) : read_chain(s);
    if (code == TA_DONE) {
        size_t i = pop_chain_anchor(&s->probe.chain, &s->bundle, ta_now(&r->options));
        const pop_anchor *a = i < s->bundle.len ? &s->bundle.list[i] : NULL;
        if (a) say_verdict(s, a);
        if (a) say_anchor(s, a);
        code = a ? generate_for(s, a) : say_none(s);
    }
    pop_anchors_free(&s->bundle);
    free(s);
    return code;
}
