/* SPDX-License-Identifier: MIT */
/* secure - the server's side of TLS in a run: the handshake, what the server says as records and
 * what the client's records say, and the `T:` lines. Keeps what the client sent before the
 * handshake was complete: no name and no password may stand in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "tls_peer.h"

static tls_peer peer;

void secure_begin(run *r) {
    const script *s = r->s;
    tls_peer_setup setup = {
        .certificate = (pki_kind)s->certificate,
        .suite = (uint16_t)s->suite,
        .version = (uint16_t)s->version,
        .ignores_fragment = s->ignores_fragment != 0,
        .handshake_records =
            s->handshake_records ? (size_t)s->handshake_records : r->m->handshake_records,
    };
    tls_peer_init(&peer, &setup);
    peer.fragment = r->m->fragment;
    peer.empty = r->m->empty;
    tls_client_init(&r->tls, r->m->profile, r->storage.p, r->storage.n);
    if (s->utc) r->tls.utc_s = s->utc;
    if (strcmp((const char *)s->host.p, PKI_HOST) != 0) r->tls.name = PKI_HOST;
    if (s->tls_name.n) r->tls.name = (const char *)s->tls_name.p;
    r->tls.names = r->names;
    r->tls.names_len = sizeof r->names;
}

void secure_end(void) { tls_peer_free(&peer); }

/* ---- octets ---- */

void secure_note_clear(run *r, const unsigned char *p, size_t n) {
    if (r->clear_n + n > sizeof r->clear)
        run_fault(r, "the client says a lot before the handshake");
    else
        memcpy(r->clear + r->clear_n, p, n), r->clear_n += n;
}

static int holds(const unsigned char *p, size_t n, const octets *what) {
    for (size_t i = 0; i + what->n <= n; i++) {
        if (memcmp(p + i, what->p, what->n) == 0) return 1;
    }
    return 0;
}

/* [I1] A name or a password of three octets or less may be there by chance. */
void secure_check_clear(run *r) {
    if (r->s->user.n > 3 && holds(r->clear, r->clear_n, &r->s->user))
        run_fault(r, "the user name was sent in clear");
    if (r->s->pass.n > 3 && holds(r->clear, r->clear_n, &r->s->pass))
        run_fault(r, "the password was sent in clear");
}

/* What the client sends reaches the peer. Returns 0 if it sends nothing. */
static int move(run *r) {
    size_t n;
    const unsigned char *p = popcl_send_buf(r->session, &n);
    if (n == 0) return 0;
    if (r->m->send_one) n = 1;
    if (!tls_peer_open(&peer) && !r->opened) secure_note_clear(r, p, n);
    r->opened |= tls_peer_open(&peer);
    tls_peer_take(&peer, p, n);
    popcl_send_ack(r->session, n);
    return 1;
}

static octets all_waiting(void) {
    octets o = {malloc(tls_peer_waiting(&peer) + 1), tls_peer_waiting(&peer)};
    if (!o.p) abort();
    tls_peer_give(&peer, o.p, o.n);
    return o;
}

octets secure_records(const octets *text) {
    tls_peer_say(&peer, text->p, text->n);
    return all_waiting();
}

int secure_take_octet(run *r, unsigned char *octet) {
    while (!r->fault[0] && tls_peer_hear(&peer, octet, 1) == 0) {
        if (!move(r)) return 0;
    }
    return !r->fault[0];
}

/* As far as both sides go along. most: octets of the server's that arrive. */
static void shake_hands(run *r, size_t most) {
    static unsigned char some[16384];
    int moved = 1;
    r->in_tls = 1;
    while (moved && !r->fault[0] && !tls_peer_open(&peer)) {
        moved = 0;
        while (!tls_peer_open(&peer) && move(r))
            moved = 1;
        size_t n = tls_peer_give(&peer, some, most < sizeof some ? most : sizeof some),
               piece = r->m->each ? 1 : n;
        for (size_t at = 0; at < n; at += piece)
            run_deliver(r, some + at, piece);
        most -= n;
        moved |= n > 0;
    }
}

/* A server that understands nothing of what it reads. */
void secure_swallow(run *r) {
    size_t n;
    const unsigned char *p;
    while ((p = popcl_send_buf(r->session, &n)) != NULL) {
        secure_note_clear(r, p, n);
        popcl_send_ack(r->session, n);
    }
}

/* What the client says beside commands: alerts. */
int secure_listen(run *r) {
    int moved = 0;
    while (move(r))
        moved = 1;
    return moved;
}

void secure_handshake(run *r) {
    shake_hands(r, SIZE_MAX);
    if (!tls_peer_open(&peer)) secure_listen(r);
    octets o = all_waiting(); /* the server's last words */
    if (o.n) run_deliver(r, o.p, o.n);
    free(o.p);
}

/* ---- T: ---- */

/* What a line does. n: the number behind the verb; rest: what stands behind the verb, or behind
 * that number where there is one. */
typedef void line_call(run *r, long n, const octets *rest);

static void t_handshake(run *r, long n, const octets *rest) {
    (void)n;
    (void)rest;
    secure_handshake(r);
}

static void t_handshake_until(run *r, long n, const octets *rest) {
    (void)rest;
    shake_hands(r, (size_t)n);
}

static void t_records(run *r, long n, const octets *rest) {
    (void)r;
    (void)rest;
    peer.fragment = (size_t)n;
}

static void t_empty(run *r, long n, const octets *rest) {
    (void)r;
    for (; n > 0; n--)
        tls_peer_record(&peer, TLS_DATA, rest->p, 0);
}

static void t_warnings(run *r, long n, const octets *rest) {
    (void)r;
    (void)rest;
    for (; n > 0; n--)
        tls_peer_alert(&peer, TLS_WARNING, BR_ALERT_USER_CANCELED);
}

static void t_hello_requests(run *r, long n, const octets *rest) {
    (void)r;
    (void)rest;
    for (; n > 0; n--)
        tls_peer_record(&peer, TLS_HANDSHAKE, "\0\0\0", 4);
}

static void t_alert(run *r, long n, const octets *rest) {
    (void)r;
    (void)rest;
    tls_peer_alert(&peer, TLS_FATAL, (int)n);
}

static void t_close_notify(run *r, long n, const octets *rest) {
    (void)r;
    (void)n;
    (void)rest;
    tls_peer_alert(&peer, TLS_WARNING, BR_ALERT_CLOSE_NOTIFY);
}

static void t_record(run *r, long n, const octets *rest) {
    (void)r;
    tls_peer_record(&peer, (int)n, rest->p, rest->n);
}

static void t_zeros(run *r, long n, const octets *rest) {
    unsigned char *zeros = calloc(1, (size_t)n);
    (void)r;
    (void)rest;
    if (!zeros) abort();
    tls_peer_record(&peer, TLS_DATA, zeros, (size_t)n);
    free(zeros);
}

static void t_corrupt(run *r, long n, const octets *rest) {
    (void)r;
    (void)n;
    (void)rest;
    peer.corrupt = 1;
}

static void t_clear(run *r, long n, const octets *rest) {
    (void)r;
    (void)n;
    tls_peer_clear(&peer, rest->p, rest->n);
}

static void t_notified(run *r, long n, const octets *rest) {
    (void)rest;
    if (peer.notified != (int)n) run_fault(r, "T: notified is %d", peer.notified);
}

static void t_alerted(run *r, long n, const octets *rest) {
    (void)rest;
    if (peer.alert != (int)n) run_fault(r, "T: alerted is %d", peer.alert);
}

/* The line's verb, whether a number follows, and whether it sends anything. */
static const struct {
    const char *verb;
    int numbered, sends;
    line_call *call;
} lines[] = {
    {"handshake", 0, 0, t_handshake}, {"handshake-until", 1, 0, t_handshake_until},
    {"records", 1, 0, t_records},     {"empty", 1, 1, t_empty},
    {"warnings", 1, 1, t_warnings},   {"hello_requests", 1, 1, t_hello_requests},
    {"alert", 1, 1, t_alert},         {"close_notify", 0, 1, t_close_notify},
    {"record", 1, 1, t_record},       {"zeros", 1, 1, t_zeros},
    {"corrupt", 0, 0, t_corrupt},     {"clear", 0, 1, t_clear},
    {"notified", 1, 0, t_notified},   {"alerted", 1, 0, t_alerted},
};

octets secure_step(run *r, const octets *line) {
    const char *text = (const char *)line->p;
    size_t verb = strcspn(text, " "), i = 0;
    while (i < sizeof lines / sizeof lines[0] &&
           (strlen(lines[i].verb) != verb || memcmp(lines[i].verb, text, verb) != 0))
        i++;
    if (i == sizeof lines / sizeof lines[0]) {
        run_fault(r, "unknown: T: %s", text);
        return (octets){NULL, 0};
    }
    char *end = (char *)line->p + verb;
    long n = lines[i].numbered ? strtol(end, &end, 0) : 0;
    octets rest = {(unsigned char *)end + (*end == ' '), 0};
    rest.n = line->n - (size_t)(rest.p - line->p);
    if (r->in_tls)
        secure_listen(r);
    else if (lines[i].sends)
        secure_swallow(r);
    lines[i].call(r, n, &rest);
    return lines[i].sends ? all_waiting() : (octets){NULL, 0};
}

/* ---- the diagnosis ---- */

void secure_diagnosis(run *r, void (*tell)(run *r, const char *line)) {
    static const char *const fragments[] = {"unknown", "granted", "ignored"};
    popcl_tls_diag d;
    char line[80];
    memset(&d, 0xa5, sizeof d);
    popcl_tls_get_diag(&r->tls, &d);
    const struct {
        const char *key;
        long value;
    } numbers[] = {
        {"tls_version", d.version},       {"tls_curve", d.curve},
        {"tls_asked", d.fragment_asked},  {"tls_alert", d.alert},
        {"tls_error", d.error},           {"tls_record", (long)d.record_len},
        {"tls_iobuf", (long)d.iobuf_len},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(line, sizeof line, "%s %ld", numbers[i].key, numbers[i].value);
        tell(r, line);
    }
    snprintf(line, sizeof line, "tls_fragment %s", d.fragment < 3 ? fragments[d.fragment] : "?");
    tell(r, line);
    snprintf(line, sizeof line, "tls_suite %s", popcl_tls_suite_name(d.suite));
    tell(r, line);
    snprintf(line, sizeof line, "tls_names %.60s", r->names);
    tell(r, line);
}

/* ---- snapshots ---- */

static tls_peer saved_peer;

void secure_save(void) { tls_peer_save(&peer, &saved_peer); }

void secure_restore(void) { tls_peer_restore(&peer, &saved_peer); }
