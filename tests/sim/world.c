/* SPDX-License-Identifier: MIT */
/* world - see world.h. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

#define SECRET      "correct-horse"
#define LONG_SECRET 100u    /* times */
#define CALLS_MAX   200000u /* a session that makes more of them spins */

void world_note(world *w, const char *format, ...) {
    if (w->fault[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(w->fault, sizeof w->fault, format, args);
    va_end(args);
}

/* ---- what must not be left in memory ---- */

static struct {
    unsigned char octets[64][8], begins[256]; /* by first octet: whether one begins with it */
    size_t len[64], count;
} traces;

static void add_trace(const void *p, size_t n) {
    if (traces.count == 64 || n > 8) abort();
    memcpy(traces.octets[traces.count], p, n);
    traces.len[traces.count++] = n;
    traces.begins[*(const unsigned char *)p] = 1;
}

static void add_pieces(const char *text, size_t n) {
    for (size_t i = 0; i + 5 <= n; i++)
        add_trace(text + i, 5);
}

/* The digits of base64 that depend on the secret alone, if it begins at octet `skipped` mod 3. */
static void add_base64(size_t skipped) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char digits[32];
    size_t n = 0;
    for (size_t i = (3 - skipped) % 3; i + 3 <= sizeof SECRET - 1; i += 3) {
        unsigned long bits = (unsigned long)SECRET[i] << 16 | (unsigned long)SECRET[i + 1] << 8 |
                             (unsigned long)SECRET[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            digits[n++] = alphabet[bits >> shift & 63];
    }
    add_pieces(digits, n);
}

static void add_traces(void) {
    br_hmac_key_context key;
    add_pieces(SECRET, sizeof SECRET - 1);
    for (size_t skipped = 0; skipped < 3; skipped++)
        add_base64(skipped);
    br_hmac_key_init(&key, &br_md5_vtable, SECRET, sizeof SECRET - 1);
    add_trace(key.ksi, 8);
    add_trace(key.kso, 8);
}

int world_holds_secret(const void *p, size_t n) {
    const unsigned char *octets = p;
    if (!traces.count) add_traces();
    for (size_t i = 0; i < n; i++) {
        if (!traces.begins[octets[i]]) continue;
        for (size_t k = 0; k < traces.count; k++) {
            if (traces.len[k] <= n - i && memcmp(octets + i, traces.octets[k], traces.len[k]) == 0)
                return 1;
        }
    }
    return 0;
}

/* Counts a call. Whether it is to fail, and how; a power failure does not return. */
static enum fault_kind next_call(world *w) {
    if (++w->calls > CALLS_MAX) {
        world_note(w, "it spins: %lu calls", (unsigned long)w->calls);
        longjmp(w->power, 1);
    }
    if (!w->login_from && w->open && (w->security == POPCL_CLEAR || tls_peer_open(&w->peer)))
        w->login_from = w->calls;
    if (!w->login_to && w->login_from && w->server.logged_in) w->login_to = w->calls;
    int now = w->fault_at && (w->calls == w->fault_at || (w->for_ever && w->calls > w->fault_at));
    if (!now) return NO_FAULT;
    w->faulted = 1;
    if (w->fault_kind == POWER_OFF) longjmp(w->power, 1);
    if (w->fault_kind == CLOCK_FORWARD) w->now += 3600000;
    if (w->fault_kind == CLOCK_BACK) w->now -= 5000;
    if (w->fault_kind == CLOCK_SLOW) w->now += 20000;
    return w->fault_kind;
}

/* ---- the transport ---- */

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    world *w = ctx;
    tls_peer_setup setup = {.sessions = w->resumes ? &w->sessions : NULL};
    enum fault_kind f = next_call(w);
    if (strcmp(host, "pop.example") != 0 || port != (w->security == POPCL_TLS ? 995 : 110) ||
        limit_ms == 0)
        world_note(w, "open is given something else");
    if (f == NET_FAILED || f == NET_EOF) return POPCL_ERR_CONNECT;
    sim_server_connect(&w->server);
    w->server.stls = w->security == POPCL_STLS;
    w->in_tls = w->security == POPCL_TLS;
    w->octets = 0;
    w->clear_n = 0;
    if (w->security != POPCL_CLEAR) tls_peer_init(&w->peer, &setup);
    w->open = w->opened = 1;
    return POPCL_OK;
}

static int32_t odd_value(enum fault_kind f, size_t n) {
    switch (f) {
    case NET_AGAIN: return POPCL_NET_AGAIN;
    case NET_EOF:
    case NET_ZERO: return 0;
    case NET_FAILED: return POPCL_NET_FAILED;
    case NET_TOO_MUCH: return (int32_t)n + 1;
    case NET_GARBAGE: return -77;
    case NET_HUGE: return INT32_MAX;
    default: return 1; /* no odd one */
    }
}

/* ---- TLS between server and transport ---- */

/* What the server says becomes records, as soon as there can be any. */
static void seal(world *w) {
    unsigned char text[200];
    if (!w->in_tls || !tls_peer_open(&w->peer) || tls_peer_waiting(&w->peer)) return;
    size_t n = sim_server_give(&w->server, text, sizeof text);
    if (n) tls_peer_say(&w->peer, text, n);
}

static int cut_off(const world *w) { return w->end_octet && w->octets + 1 >= w->end_octet; }

static int ready(world *w) {
    seal(w);
    if (cut_off(w) || (w->hold_octet && w->octets + 1 >= w->hold_octet)) return 0;
    return w->in_tls ? tls_peer_waiting(&w->peer) > 0 : sim_server_ready(&w->server);
}

static int ended(world *w) {
    seal(w);
    if (cut_off(w)) return 1;
    if (w->hold_octet && w->octets + 1 >= w->hold_octet) return 0;
    return sim_server_closed(&w->server) && !(w->in_tls && tls_peer_waiting(&w->peer));
}

static uint32_t up_to(const world *w, uint32_t order, size_t n) {
    return order && order - 1 - w->octets < n ? order - 1 - w->octets : (uint32_t)n;
}

static size_t give(world *w, void *p, size_t n) {
    if (!ready(w)) return 0;
    size_t first = up_to(w, w->cut_octet, n);
    n = up_to(w, w->end_octet, up_to(w, w->hold_octet, first ? first : n));
    n = w->in_tls ? tls_peer_give(&w->peer, p, n) : sim_server_give(&w->server, p, n);
    if (w->flip_octet > w->octets && w->flip_octet <= w->octets + n)
        ((unsigned char *)p)[w->flip_octet - 1 - w->octets] ^=
            (unsigned char)(1u << w->flip_octet % 8);
    w->octets += (uint32_t)n;
    return n;
}

static void take(world *w, const void *p, size_t n) {
    unsigned char text[200];
    /* and its +OK was read */
    if (w->security == POPCL_STLS && w->server.in_tls && !sim_server_ready(&w->server))
        w->in_tls = 1;
    if (w->security != POPCL_CLEAR && !(w->in_tls && tls_peer_open(&w->peer)) &&
        w->clear_n + n <= sizeof w->clear) {
        memcpy(w->clear + w->clear_n, p, n);
        w->clear_n += n;
    }
    if (!w->in_tls) {
        sim_server_take(&w->server, p, n);
        return;
    }
    tls_peer_take(&w->peer, p, n);
    while ((n = tls_peer_hear(&w->peer, text, sizeof text)) > 0)
        sim_server_take(&w->server, text, n);
}

/* [I1] */
static void check_clear(world *w) {
    if (w->server.user_named && w->security != POPCL_CLEAR && !w->in_tls)
        world_note(w, "a login in clear");
    for (size_t i = 0; i + 4 <= w->clear_n; i++) {
        if (memcmp(w->clear + i, "fred", 4) == 0) world_note(w, "the user name was sent in clear");
    }
    if (world_holds_secret(w->clear, w->clear_n)) world_note(w, "the password was sent in clear");
}

/* The session's key is nowhere: its first half is looked for. */
static int holds_key(const world *w, const void *p, size_t n) {
    const unsigned char *octets = p, *key = w->peer.ssl.eng.session.master_secret;
    for (size_t i = 0; w->security != POPCL_CLEAR && tls_peer_open(&w->peer) && i + 24 <= n; i++) {
        if (memcmp(octets + i, key, 24) == 0) return 1;
    }
    return 0;
}

static int32_t net_recv(void *ctx, void *p, size_t n) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    int32_t odd = odd_value(f, n);
    if (!w->open) world_note(w, "recv on a closed connection");
    if (n == 0 || n > (1u << 30)) world_note(w, "recv of %lu octets", (unsigned long)n);
    if (odd != 1) {
        if (odd == 0 || odd == POPCL_NET_FAILED) w->broken = 1;
        return odd;
    }
    if (w->broken) return POPCL_NET_EOF;
    size_t want = f == NET_ONE || w->drips ? 1 : n < w->chunk ? n : w->chunk;
    size_t got = give(w, p, want);
    if (got) {
        if (w->server.quit_seen && ended(w) && !cut_off(w)) w->quit_delivered = 1;
        return (int32_t)got;
    }
    return ended(w) ? POPCL_NET_EOF : POPCL_NET_AGAIN;
}

/* [E14] Between the answer to the login and the next command nothing of the secret is left, either.
 */
static void check_after_login(world *w) {
    if (!w->server.logged_in || w->login_checked || sim_server_ready(&w->server) ||
        (w->in_tls && tls_peer_waiting(&w->peer)))
        return;
    w->login_checked = 1;
    if (world_holds_secret(&w->job, sizeof w->job) || world_holds_secret(w->plan, w->plan_len) ||
        world_holds_secret(w->iobuf, sizeof w->iobuf) ||
        (w->security != POPCL_CLEAR && world_holds_secret(&w->storage, sizeof w->storage)))
        world_note(w, "the password stands in memory after the login");
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    int32_t odd = odd_value(f, n);
    if (!w->open) world_note(w, "send on a closed connection");
    check_after_login(w);
    if (n == 0 || n > (w->security == POPCL_CLEAR ? POPCL_COMMAND_MAX : WORLD_IOBUF))
        world_note(w, "send of %lu octets", (unsigned long)n);
    /* a transport that is never ready and always says so takes time, too */
    if (odd == 0) w->now += 10;
    if (odd != 1) return odd;
    if (w->broken) return POPCL_NET_FAILED;
    size_t some = f == NET_ONE ? 1 : n < w->chunk ? n : w->chunk;
    take(w, p, some);
    return (int32_t)some;
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    if (limit_ms > POPCL_MS_MAX) world_note(w, "wait for more than 2^30 ms");
    if (f == NET_FAILED) return POPCL_NET_FAILED;
    if (f == NET_GARBAGE) return -77;
    if (f == NET_STOP) return want & POPCL_NET_STOP ? (int32_t)POPCL_NET_STOP : 0;
    int32_t can = 0;
    if (f == NET_AGAIN || f == NET_ZERO) want = 0;
    if ((want & POPCL_RECV) && (w->broken || ready(w) || ended(w))) can |= (int32_t)POPCL_RECV;
    if (want & POPCL_SEND) can |= (int32_t)POPCL_SEND;
    if (can == 0) w->now += limit_ms;
    return can;
}

static void net_close(void *ctx) {
    world *w = ctx;
    if (!w->open) world_note(w, "close of a closed connection");
    w->open = 0;
    w->closed++;
}

static uint32_t net_now(void *ctx) {
    world *w = ctx;
    next_call(w);
    return w->now;
}

static int net_code(void *ctx) {
    (void)ctx;
    return 104;
}

static const popcl_net net = {
    .open = net_open,
    .recv = net_recv,
    .send = net_send,
    .wait = net_wait,
    .close = net_close,
    .now_ms = net_now,
    .code = net_code,
};

/* ---- the store ---- */

static stored *receiving(world *w) {
    if (!w->with_sink) {
        world_note(w, "the sink is called with no message open"); /* [I7] */
        return NULL;
    }
    return &w->store[w->store_n - 1];
}

static void drop_last(world *w) {
    free(w->store[--w->store_n].text);
    w->with_sink = 0;
}

static int sink_begin(void *ctx, const popcl_msg *m) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    if (w->with_sink) world_note(w, "begin inside a message");
    if (f == SINK_FAIL) return -1;
    if (f == SINK_STOPS) return POPCL_SINK_STOP;
    if (f == SINK_UNKNOWN) return 1;
    if (w->store_n == WORLD_STORED) abort();
    stored *s = &w->store[w->store_n++];
    memset(s, 0, sizeof *s);
    s->number = m->number;
    s->fresh = 1;
    snprintf(s->uid, sizeof s->uid, "%s", m->uid);
    w->with_sink = 1;
    return 0;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    stored *s = receiving(w);
    if (f == SINK_FAIL) return -1;
    if (f == SINK_STOPS) return POPCL_SINK_STOP;
    if (f == SINK_UNKNOWN) return (int)n + 1;
    if (f == SINK_SHORT || !s) return 0;
    s->text = realloc(s->text, s->n + n);
    if (!s->text) abort();
    memcpy(s->text + s->n, p, n);
    s->n += n;
    return (int)n;
}

/* Returns whether the same text is durable under the same UID. */
static int has_already(const world *w, const stored *s) {
    for (const stored *old = w->store; old < s; old++) {
        if (old->durable && strcmp(old->uid, s->uid) == 0 && old->n == s->n &&
            (s->n == 0 || memcmp(old->text, s->text, s->n) == 0))
            return 1;
    }
    return 0;
}

static int sink_commit(void *ctx) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    stored *s = receiving(w);
    if (f == SINK_SHORT) return POPCL_AGAIN;
    if (f == SINK_FAIL || f == SINK_STOPS || f == SINK_UNKNOWN || !s) {
        if (s) drop_last(w);
        return f == SINK_FAIL ? -1 : f == SINK_STOPS ? POPCL_SINK_STOP : 4711;
    }
    w->with_sink = 0;
    if (w->compares && has_already(w, s)) {
        drop_last(w);
        return 0;
    }
    if (w->staging) return POPCL_STAGED;
    s->durable = 1;
    return 0;
}

/* All that is staged becomes durable, or none of it. */
static int sink_sync(void *ctx) {
    world *w = ctx;
    enum fault_kind f = next_call(w);
    if (f == SINK_SHORT) return POPCL_AGAIN;
    for (size_t i = 0; i < w->store_n && f != SINK_FAIL && f != SINK_STOPS && f != SINK_UNKNOWN;
         i++) {
        if (!(w->with_sink && i == w->store_n - 1)) w->store[i].durable = 1;
    }
    return f == SINK_FAIL ? -1 : f == SINK_STOPS ? POPCL_SINK_STOP : f == SINK_UNKNOWN ? 4711 : 0;
}

static void sink_abort(void *ctx, popcl_err why) {
    world *w = ctx;
    if (why == POPCL_OK || why == POPCL_MORE) world_note(w, "abort without a reason");
    if (receiving(w)) drop_last(w);
}

static const popcl_sink sink = {
    .begin = sink_begin,
    .data = sink_data,
    .commit = sink_commit,
    .sync = sink_sync,
    .abort = sink_abort,
};

/* Returns whether a stored text is that of a message. A reply that came twice may begin it. */
static int is_text(const world *w, const stored *s, const char *text) {
    size_t n = strlen(text);
    if (s->n < n || (s->n > n && w->may_shift < 2)) return 0;
    return n == 0 || memcmp(s->text + s->n - n, text, n) == 0;
}

int world_is_durable(const world *w, const char *uid, const char *text) {
    for (size_t i = 0; i < w->store_n; i++) {
        const stored *s = &w->store[i];
        /* a session without UIDL names none */
        int named = !uid || strcmp(s->uid, uid) == 0 || !s->uid[0];
        if (s->durable && named && is_text(w, s, text)) return 1;
    }
    return 0;
}

/* What is neither durable nor being staged is gone; called where a session ended, and with power
 * where it was cut off. */
static void lose_what_is_not_durable(world *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->store_n; i++) {
        if (w->store[i].durable)
            w->store[kept++] = w->store[i];
        else
            free(w->store[i].text);
    }
    w->store_n = kept;
    w->with_sink = 0;
}

/* No message is marked that is not durable [I3]. Where the server's words are garbled, only the
 * numbers can be compared. */
static void on_dele(void *ctx, uint32_t number, const sim_message *m) {
    world *w = ctx;
    int durable = !w->server.garble_octet && world_is_durable(w, m->uid, m->text);
    for (size_t i = 0; i < w->store_n && w->server.garble_octet; i++)
        durable |= w->store[i].fresh && w->store[i].durable && w->store[i].number == number;
    if (!durable && !w->may_shift) world_note(w, "DELE of %s, which is not durable", m->uid);
    if (w->kind != DELETE_FETCHED) world_note(w, "DELE in a session that keeps"); /* [G7] */
}

/* ---- the device ---- */

static int keeps_uids(const world *w) { return w->kind == NEW_ONLY || w->remembers; }

static unsigned sure_mark(const world *w) {
    return w->kind == NEW_ONLY ? POPCL_SEEN_FETCHED : POPCL_SEEN_DELETE_DUE;
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    world *w = ctx;
    unsigned marks = w->remembers ? popcl_seen_get(&w->seen, m->uid, m->uid_len) : 0;
    if (w->kind == DELETE_FETCHED && marks == POPCL_SEEN_DELETE_DUE) return POPCL_DELETE_UNFETCHED;
    if (w->kind == DELETE_FETCHED) return POPCL_FETCH | POPCL_DELETE;
    if (w->kind == NEW_ONLY && stage == POPCL_STAGE_UID &&
        popcl_seen_get(&w->seen, m->uid, m->uid_len) & POPCL_SEEN_FETCHED)
        return POPCL_SKIP;
    return POPCL_FETCH;
}

static void listed(void *ctx, const popcl_msg *m) {
    world *w = ctx;
    if (keeps_uids(w)) popcl_seen_listed(&w->seen, m ? m->uid : NULL, m ? m->uid_len : 0);
}

static void remember(world *w, const popcl_msg *m) {
    popcl_diag d;
    popcl_fetch_get_diag(&w->job, &d);
    unsigned unsure = d.unsure ? POPCL_SEEN_UNSURE : 0;
    if (popcl_seen_put(&w->seen, m->uid, m->uid_len, sure_mark(w) | unsure))
        world_note(w, "the set is full");
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    world *w = ctx;
    int negative = what == POPCL_NOT_STORED || what == POPCL_NOT_MARKED;
    if (negative != (why != POPCL_OK)) world_note(w, "a fate with the wrong reason");
    if (w->fate_all) world_note(w, "a fate after the last one");
    if (what == POPCL_MARKED) w->marked++;
    if (what >= POPCL_DELETED) w->fate_all = (int)what;
    if (what == POPCL_DELETED && !w->quit_delivered && !w->may_shift)
        world_note(w, "deletions are told done, and QUIT was not answered");
    if (m && what == POPCL_STORED) {
        int found = 0;
        for (size_t i = 0; i < w->store_n; i++)
            found |= w->store[i].durable && strcmp(w->store[i].uid, m->uid) == 0;
        if (!found) world_note(w, "%s is told stored, and is not durable", m->uid);
        if (keeps_uids(w)) remember(w, m);
    }
}

static int seen_put(void *ctx, const void *p, size_t n) {
    world *w = ctx;
    if (w->saved_n + n > sizeof w->saved) return -1;
    memcpy(w->saved + w->saved_n, p, n);
    w->saved_n += n;
    return 0;
}

static int seen_get(void *ctx, void *p, size_t n) {
    world *w = ctx;
    if (w->saved_at + n > w->saved_n) return -1;
    memcpy(p, w->saved + w->saved_at, n);
    w->saved_at += n;
    return 0;
}

static void device_wakes(world *w) {
    static const unsigned char key[16] = "0123456789abcde";
    popcl_seen_init(&w->seen, w->seen_memory, sizeof w->seen_memory, key);
    w->saved_at = 0;
    if (w->saved_n && popcl_seen_load(&w->seen, seen_get, w))
        world_note(w, "the saved set cannot be read");
}

static void device_saves(world *w) {
    w->saved_n = 0;
    (void)popcl_seen_settle(&w->seen, !w->diag.unsure);
    w->one_at_a_time |= w->diag.unsure | w->diag.shifted;
    if (popcl_seen_save(&w->seen, seen_put, w)) world_note(w, "the set cannot be saved");
}

/* ---- the job ---- */

/* A long one repeats the short one, so that the same pieces are looked for. */
static const char *secret_of(const world *w) {
    static char text[LONG_SECRET * (sizeof SECRET - 1) + 1];
    for (size_t i = 0; i < LONG_SECRET && !text[sizeof text - 2]; i++)
        memcpy(text + i * (sizeof SECRET - 1), SECRET, sizeof SECRET);
    return text + (w->auth && w->long_secret ? 0 : sizeof text - sizeof SECRET);
}

/* The password in small pieces, from a callback that must be released. */
static int secret_get(void *ctx, size_t off, char *buf, size_t cap) {
    world *w = ctx;
    if (!buf) {
        if (!w->secret_open) world_note(w, "the secret is released without having been asked for");
        w->secret_open = 0;
        return 0;
    }
    w->secret_open = 1;
    enum fault_kind f = next_call(w);
    if (f == NET_AGAIN) return POPCL_SECRET_AGAIN;
    if (f == NET_FAILED || f == NET_GARBAGE) return f == NET_FAILED ? -1 : -77;
    if (f == NET_TOO_MUCH) return (int)cap + 1;
    size_t n = strlen(secret_of(w) + off), piece = w->long_secret ? 100 : 4;
    if (n > piece) n = piece;
    if (n > cap) n = cap;
    memcpy(buf, secret_of(w) + off, n);
    return (int)n;
}

static void configure(world *w) {
    memset(&w->cfg, 0, sizeof w->cfg);
    test_window_set(&w->cfg.session, w->window);
    if (w->ahead) {
        w->cfg.session.window = w->ahead;
        w->cfg.session.window_len = w->ahead_len;
    }
    if (w->one_at_a_time) w->cfg.session.window = NULL;
    if (w->one_at_a_time) w->cfg.session.window_len = 0;
    w->cfg.session.host = "pop.example";
    w->cfg.session.user = "fred";
    w->cfg.secret.get = secret_get;
    w->cfg.secret.ctx = w;
    w->cfg.auth = (uint16_t)(w->server.capa_user ? POPCL_AUTH_AUTO : POPCL_AUTH_USER);
    if (w->server.scram) {
        w->cfg.mechs = popcl_mechs_all;
        w->cfg.auth = POPCL_AUTH_SCRAM_SHA_256;
        w->cfg.session.seed = &tls_seed;
        w->plan_len = sizeof w->plan;
    }
    if (w->auth) {
        w->cfg.auth = w->auth;
        w->cfg.mechs = popcl_mechs_all;
        w->cfg.token = w->cfg.secret;
    }
    w->server.password = w->refuse_login ? "another-one" : secret_of(w);
    w->cfg.session.iobuf = w->iobuf;
    w->cfg.session.iobuf_len = sizeof w->iobuf;
    w->cfg.plan = w->plan_len ? w->plan : NULL;
    w->cfg.plan_len = w->plan_len;
    w->cfg.session.security = w->security;
    if (w->security != POPCL_CLEAR) {
        tls_client_init(&w->tls, TLS_HOST, &w->storage, sizeof w->storage);
        w->tls.resume = w->resumes ? &w->kept : NULL;
        w->tls.resumption = w->resumes ? &popcl_tls_resumption : NULL;
        w->cfg.session.tls = &w->tls;
        w->cfg.session.seed = &tls_seed;
    }
    w->cfg.session.total_ms = w->total_ms;
    w->cfg.passes = w->passes;
    w->cfg.need_size = (uint8_t)w->need_size;
    w->cfg.session.pause_ms = 500; /* popcl_run asks again every 10 ms: enough of that */
    w->cfg.group_messages = 2;
    w->cfg.uids = w->kind == NEW_ONLY ? POPCL_UIDS_REQUIRED : POPCL_UIDS_OPTIONAL;
    w->cfg.sink = &sink;
    w->cfg.sink_ctx = w->cfg.ctx = w;
    w->cfg.decide = decide;
    w->cfg.listed = listed;
    w->cfg.fate = fate;
}

static int all_zero(const void *p, size_t n) {
    const unsigned char *octets = p;
    for (size_t i = 0; i < n; i++) {
        if (octets[i]) return 0;
    }
    return 1;
}

/* What is kept after a session: one that is known to be good, or nothing at all. */
static void check_kept(world *w, popcl_err result) {
    int is_kept = !all_zero(&w->kept, sizeof w->kept);
    if (!w->resumes || w->security == POPCL_CLEAR) return;
    if (popcl_err_class(result) == POPCL_CLASS_DONE && !is_kept)
        world_note(w, "%s, and no session is kept", popcl_err_name(result));
    if (popcl_err_class(result) == POPCL_CLASS_TLS && w->sessions.asked && is_kept)
        world_note(w, "%s, and a session is kept", popcl_err_name(result));
    if (is_kept && w->sessions.asked && !w->server.logged_in)
        world_note(w, "a session without a login is kept");
    if (is_kept &&
        memcmp(w->kept.secret, w->sessions.kept[0].master_secret, sizeof w->kept.secret) != 0)
        world_note(w, "what is kept is no session");
}

/* What must hold when a session is over, and after its wipe. */
static void check_end(world *w, popcl_err result) {
    popcl_diag d;
    popcl_fetch_get_diag(&w->job, &d);
    w->diag = d;
    int success = popcl_err_class(result) == POPCL_CLASS_DONE;
    if (result < 0 || result >= POPCL_ERR_COUNT_ || d.err != result)
        world_note(w, "an undefined result");
    if (popcl_state(&w->job.session) != POPCL_DONE) world_note(w, "it returned and is not done");
    /* [I4]; a reply that came twice may be taken for that to QUIT */
    if (success && !w->quit_delivered && !w->may_shift)
        world_note(w, "%s, and QUIT was not answered", popcl_err_name(result));
    /* [I8] */
    if (success && d.failed)
        world_note(w, "%s, and %lu failed", popcl_err_name(result), (unsigned long)d.failed);
    /* [I7] */
    if (w->with_sink) world_note(w, "a message is neither committed nor aborted");
    if (w->open || w->closed != w->opened)
        world_note(w, "the connection was closed %d times", w->closed);
    if ((w->marked != 0) != (w->fate_all != 0))
        world_note(w, "marked messages without a last word, or the reverse");
    if (w->secret_open) world_note(w, "the secret is not released");
    if (world_holds_secret(&w->job, sizeof w->job) ||
        world_holds_secret(w->iobuf, sizeof w->iobuf) ||
        world_holds_secret(w->plan, sizeof w->plan) ||
        world_holds_secret(&w->storage, sizeof w->storage)) {
        world_note(w, "the password stands in memory after the end"); /* [I9 E17] */
    }
    if (holds_key(w, &w->storage, sizeof w->storage) || holds_key(w, w->iobuf, sizeof w->iobuf))
        world_note(w, "the key of TLS stands in memory after the end"); /* [I9] */
    check_clear(w);
    /* [I5]: jumps and slow calls aside, which are no time that popcl spent waiting */
    int clock_fault = w->fault_kind == CLOCK_FORWARD || w->fault_kind == CLOCK_BACK ||
                      w->fault_kind == CLOCK_SLOW;
    if (!clock_fault && w->now - w->started > w->total_ms + POPCL_SETTLE_MS + 1000)
        world_note(w, "it took %lu ms", (unsigned long)(w->now - w->started));
}

popcl_err world_session(world *w) {
    w->calls = w->marked = 0;
    w->login_from = w->login_to = 0;
    w->login_checked = 0;
    w->faulted = w->open = w->broken = w->opened = w->closed = w->quit_delivered = w->fate_all = 0;
    w->secret_open = 0;
    w->started = w->now;
    memset(&w->job, 0xa5, sizeof w->job);
    if (w->security != POPCL_CLEAR) memset(&w->storage, 0xa5, sizeof w->storage);
    for (size_t i = 0; i < w->store_n; i++)
        w->store[i].fresh = 0;
    configure(w);
    device_wakes(w);
    if (setjmp(w->power)) { /* nothing but the store and what the device saved is left */
        w->fault_at = 0;
        lose_what_is_not_durable(w);
        memset(&w->kept, 0, sizeof w->kept);
        memset(w->plan, 0, sizeof w->plan); /* so is the memory of the job */
        memset(w->iobuf, 0, sizeof w->iobuf);
        memset(&w->storage, 0, sizeof w->storage);
        return POPCL_ERR_COUNT_;
    }
    popcl_fetch_start(&w->job, &w->cfg, 0);
    popcl_err result = popcl_run(&w->job.session, &net, w);
    check_end(w, result);
    popcl_fetch_wipe(&w->job);
    if (!all_zero(&w->job, sizeof w->job) || !all_zero(w->iobuf, sizeof w->iobuf) ||
        !all_zero(w->plan, w->plan_len) ||
        (w->security != POPCL_CLEAR && !all_zero(&w->storage, sizeof w->storage))) {
        world_note(w, "something is left after wipe");
    }
    check_kept(w, result);
    device_saves(w);
    w->fault_at = 0;
    lose_what_is_not_durable(w);
    return result;
}

void world_resume(world *w) {
    static tls_sessions sessions[3];
    static popcl_resumable kept[3];
    static world before;
    if (!kept[w->security].state) {
        world_init(&before, KEEP, 0);
        before.security = w->security;
        before.resumes = 1;
        if (world_session(&before) != POPCL_OK) world_note(w, "no session of TLS can be kept");
        sessions[w->security] = before.sessions;
        kept[w->security] = before.kept;
        world_free(&before);
        if (before.fault[0]) world_note(w, "no session of TLS can be kept: %s", before.fault);
    }
    w->resumes = 1;
    w->sessions = sessions[w->security];
    w->kept = kept[w->security];
}

void world_fail(world *w, enum fault_kind kind, uint32_t at, int for_ever) {
    w->fault_kind = kind;
    w->fault_at = at;
    w->for_ever = for_ever;
}

static void check_store(world *w) {
    const sim_server *s = &w->server;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!world_is_durable(w, s->messages[i].uid, s->messages[i].text))
            world_note(w, "message %s is lost", s->messages[i].uid);
    }
    for (size_t i = 0; i < w->store_n; i++) {
        int known = 0;
        for (uint32_t k = 0; k < s->count; k++) {
            int named = strcmp(s->messages[k].uid, w->store[i].uid) == 0 || !w->store[i].uid[0] ||
                        w->may_shift;
            known |= named && strlen(s->messages[k].text) == w->store[i].n &&
                     (w->store[i].n == 0 ||
                      memcmp(s->messages[k].text, w->store[i].text, w->store[i].n) == 0);
        }
        if (!known && w->may_shift < 2) world_note(w, "the store holds a message that never was");
    }
}

void world_recover(world *w) {
    uint32_t refuse = w->server.refuse_command, garble = w->server.garble_octet,
             cut = w->server.cut_octet, stall = w->server.stall_octet;
    uint8_t security = w->security;
    uint16_t auth = w->auth;
    int refuse_login = w->refuse_login;
    w->auth = 0;
    w->refuse_login = 0;
    if (w->plan_len == 0) w->plan_len = WORLD_PLAN;
    w->server.refuse_command = w->server.garble_octet = w->server.cut_octet =
        w->server.stall_octet = 0;
    w->flip_octet = w->end_octet = w->hold_octet = w->cut_octet = 0;
    w->security = POPCL_CLEAR; /* which does as well, in a thousandth of the time */
    world_fail(w, NO_FAULT, 0, 0);
    int tries = 0, ahead = w->may_shift && !w->one_at_a_time, again;
    popcl_err result;
    do {
        result = world_session(w);
        /* a body that looks like a reply may need a session that sends one command at a time */
        again = result == POPCL_MORE || (result == POPCL_ERR_REPLIES && ahead);
        ahead = 0;
    } while (again && ++tries < 20);
    if (result != POPCL_OK)
        world_note(w, "the clean session after it gave %s", popcl_err_name(result));
    check_store(w);
    if (w->kind == DELETE_FETCHED && sim_server_left(&w->server))
        world_note(w, "%lu messages are left", (unsigned long)sim_server_left(&w->server));
    if (w->kind != DELETE_FETCHED && sim_server_left(&w->server) != w->server.count)
        world_note(w, "a message was deleted in a session that keeps");
    w->security = security;
    w->auth = auth;
    w->refuse_login = refuse_login;
    w->server.refuse_command = refuse;
    w->server.garble_octet = garble;
    w->server.cut_octet = cut;
    w->server.stall_octet = stall;
}

void world_init(world *w, enum session_kind kind, int staging) {
    memset(w, 0, sizeof *w);
    w->kind = kind;
    w->staging = staging;
    w->chunk = 4096;
    w->total_ms = 300000;
    w->plan_len = WORLD_PLAN;
    w->now = 4294900000u; /* wraps within the session */
    sim_server_init(&w->server);
    /* with 2 and 256 commands in flight PASS leaves with USER; with 8 CAPA comes after the login */
    w->server.capa_user = test_window() > 1 && test_window() != 8;
    w->server.on_dele = on_dele;
    w->server.ctx = w;
    sim_server_add(&w->server, "a-1", "Subject: one\r\n\r\nbody\r\n");
    sim_server_add(&w->server, "b-2", "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n");
    sim_server_add(&w->server, "c-3", "");
    sim_server_add(
        &w->server, "d-4",
        "Subject: "
        "longer\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    sim_server_add(&w->server, "e-5", "\r\n");
}

void world_free(world *w) {
    for (size_t i = 0; i < w->store_n; i++)
        free(w->store[i].text);
    w->store_n = 0;
    sim_server_free(&w->server);
    tls_peer_free(&w->peer);
}
