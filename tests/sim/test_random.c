/* SPDX-License-Identifier: MIT */
/* test_random - sessions with everything at random: what the server says, when it says it, how
 * octets are split, what the sink and the other callbacks answer, what the configuration holds, and
 * when the caller stops, fails or wipes the job. A model beside the job holds it to what popcl.h
 * promises; the first broken promise ends the run and prints the seed, which brings exactly the
 * same session again.
 *
 *     test_random                 a bounded run from a fixed seed
 *     test_random FROM COUNT      sessions FROM .. FROM + COUNT - 1, and a sixteenth as many with
 *                                 TLS
 *     test_random FROM 1 v        one of them of each kind, with its trace
 *
 * With TLS what the server says comes in records of random lengths, with empty ones and warnings
 * between, and a hostile server breaks TLS as well as POP3. How many commands may be in flight is
 * at random too, unless WINDOW says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_command.h"
#include "popcl_fetch.h"
#include "tls_client.h"
#include "tls_peer.h"

enum { MESSAGES = 24, BODY_MAX = 700, OUT_MAX = 60000, STEPS = 6000, LOG_MAX = 6000, FILL = 0xa5 };

/* What a server's sizes count: the octets of a message, a line end as one, or as three; or they are
 * wrong. */
enum sizes { OCTETS, ONE_AN_END, THREE_AN_END, WRONG };

static const char password[] = "s3cr3t-horse";
static int verbose;

/* ---- chance ---- */

typedef struct chance {
    uint64_t state;
} chance;

static uint32_t draw(chance *c) { /* splitmix64 */
    uint64_t z = c->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)(z >> 32);
}

static uint32_t below(chance *c, uint32_t n) { return (uint32_t)((uint64_t)draw(c) * n >> 32); }

static int one_in(chance *c, uint32_t n) { return n && below(c, n) == 0; }

/* ---- the model ---- */

typedef struct message {
    char text[BODY_MAX]; /* what the sink must get */
    size_t n;
    char uid[3 * POPCL_UID_MAX];
    int odd_uid; /* it breaks the rules */
    /* what the callbacks were told, and answered */
    int wants_delete, unfetched, wants_fetch; /* by decide */
    int begun_whole, staged, durable, lost;
    int stored, not_stored, marked, not_marked; /* fates */
    int dele_sent, retr_sent;
    int looked_at; /* decide was asked at STAGE_SIZE */
    int accepted;  /* the server answered +OK to DELE */
    int gone;      /* and before what it says next */
    int empty;     /* told to have come without an octet: never deleted */
    int doubted;   /* its body came, and was not believed */
} message;

typedef struct world {
    uint64_t seed;
    chance when, what; /* of octets' splits and calls; of everything that the peer and the callbacks
                          answer */
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
    popcl_sink sink;
    unsigned char *iobuf_block, *plan_block;
    /* the server */
    message messages[MESSAGES + 1]; /* from 1 */
    uint32_t count;
    unsigned char out[OUT_MAX];
    size_t out_n, out_at;
    char line[POPCL_COMMAND_MAX + 1];
    size_t line_n;
    int hostile; /* one reply in so many is spoilt; 0: none */
    int spoilt;  /* one was */
    int closes, capa, top, uidl, pipelining, quit_ok, quit_seen, greeted;
    int unasked;  /* it said something that answers nothing */
    int odd_uids; /* 1: they are the messages' numbers; 2: some break the rules */
    enum sizes sizes;
    int listed;  /* it was asked for a listing: else messages are planned by number */
    int doubted; /* the job found that a body is not of the size that was listed */
    /* TLS */
    int secure;
    popcl_tls tls;
    popcl_tls_host_storage storage;
    /* the caller */
    uint32_t now, began;
    int in_call, done, eof_told, stopped, wiped, misused;
    int odd;       /* one sink answer in so many is unusual; 0: none */
    int recursive; /* one callback in so many calls back; 0: none */
    /* the sink */
    int open;    /* 1: since begin; 2: commit said AGAIN */
    int syncing; /* sync said AGAIN */
    int stuck;   /* it always does */
    popcl_msg now_in;
    size_t got;
    unsigned staged;
    uint32_t begun; /* whole messages */
    /* the secret */
    int secret_called, secret_released;
    uint32_t fate_all, stored, marked;
    popcl_fate all;
    char sent[400]; /* the command that the trace is telling */
    size_t sent_n;
    /* what one run is compared with another by */
    char log[LOG_MAX];
    size_t log_n;
    char fault[240];
} world;

static void broken(world *w, const char *format, ...) {
    va_list args;
    if (w->fault[0]) return;
    va_start(args, format);
    vsnprintf(w->fault, sizeof w->fault, format, args);
    va_end(args);
}

static void note(world *w, const char *format, ...) {
    char text[200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (verbose) printf("    %s\n", text);
    if (n > 0 && w->log_n + (size_t)n + 2 < sizeof w->log) {
        memcpy(w->log + w->log_n, text, (size_t)n);
        w->log[w->log_n + (size_t)n] = '\n';
        w->log_n += (size_t)n + 1;
    }
}

/* A choice that belongs to a message and a question, not to the order in which things happen. */
static uint32_t fixed(const world *w, uint32_t number, uint32_t question, uint32_t n) {
    chance c = {w->seed ^ (uint64_t)number << 32 ^ (uint64_t)question << 8};
    draw(&c);
    return below(&c, n);
}

/* ---- the server ---- */

static void say(world *w, const void *p, size_t n) {
    if (n > OUT_MAX - w->out_n) n = OUT_MAX - w->out_n;
    memcpy(w->out + w->out_n, p, n);
    w->out_n += n;
}

static void say_text(world *w, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0) say(w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void say_message(world *w, const message *m, int headers) {
    size_t n = headers && m->n > 20 ? 20 : m->n;
    int bol = 1;
    say_text(w, "+OK here it is\r\n");
    for (size_t i = 0; i < n; i++) {
        if (bol && m->text[i] == '.') say(w, ".", 1);
        say(w, m->text + i, 1);
        bol = i > 0 && m->text[i] == '\n' && m->text[i - 1] == '\r';
    }
    say(w, n && !bol ? "\r\n.\r\n" : ".\r\n", n && !bol ? 5 : 3);
}

static unsigned size_of(const world *w, uint32_t number) {
    const message *m = &w->messages[number];
    unsigned size = (unsigned)m->n, ends = 0;
    for (size_t i = 0; i < m->n; i++)
        ends += m->text[i] == '\n';
    return w->sizes == ONE_AN_END     ? size - ends
           : w->sizes == THREE_AN_END ? size + ends
           : w->sizes == WRONG        ? size + fixed(w, number, 9, 3)
                                      : size;
}

/* Order of a listing: mostly ascending. */
static void say_listing(world *w, int uidl) {
    uint32_t order[MESSAGES + 2], n = 0;
    for (uint32_t i = 1; i <= w->count; i++) {
        if (!w->messages[i].marked) order[n++] = i;
    }
    if (n > 1 && w->hostile && one_in(&w->what, 6)) {
        uint32_t a = below(&w->what, n), b = below(&w->what, n), t = order[a];
        order[a] = order[b];
        order[b] = one_in(&w->what, 4) ? order[b] : t;
        w->spoilt = w->spoilt || order[b] != t;
    }
    say_text(w, "+OK\r\n");
    w->listed = 1;
    for (uint32_t i = 0; i < n; i++) {
        const message *m = &w->messages[order[i]];
        if (fixed(w, order[i], 8, 9) == 0) /* names no message */
            say_text(w, "%u 7\r\n", (unsigned)(fixed(w, order[i], 7, 2) ? w->count + 1 : 0));
        if (uidl)
            say_text(w, "%u %s\r\n", (unsigned)order[i], m->uid);
        else
            say_text(w, "%u %u\r\n", (unsigned)order[i], size_of(w, order[i]));
    }
    say(w, ".\r\n", 3);
}

/* Breaks what was said from `at` on. */
static void spoil(world *w, size_t at) {
    static const char *const extra[] = {"+OK\r\n",
                                        "-ERR\r\n",
                                        ".\r\n",
                                        "\r\n",
                                        "\n",
                                        "\r",
                                        "\r\n.\r\n",
                                        "-ERR [SYS/TEMP] no\r\n",
                                        "+OK 3 300\r\n",
                                        "1 1\r\n",
                                        "+ \r\n",
                                        "\0"};
    chance *c = &w->what;
    size_t n = w->out_n - at, i = at + below(c, (uint32_t)(n ? n : 1));
    w->spoilt = 1;
    switch (below(c, 9)) {
    case 0:
        if (n) w->out[i] = (unsigned char)draw(c);
        break;
    case 1: w->out_n = i; break; /* cut, and silent */
    case 2:
        w->out_n = i;
        w->closes = 1;
        break;
    case 3: { /* something between, or behind */
        const char *e = extra[below(c, sizeof extra / sizeof *extra)];
        size_t e_n = *e ? strlen(e) : 1, tail;
        if (one_in(c, 2)) i = w->out_n;
        tail = w->out_n - i;
        if (w->out_n + e_n > OUT_MAX) break;
        memmove(w->out + i + e_n, w->out + i, tail);
        memcpy(w->out + i, e, e_n);
        w->out_n += e_n;
        if (one_in(c, 2)) w->closes = 1;
        break;
    }
    case 4:
        w->out_n = at;
        say_text(w, "-ERR %s\r\n",
                 one_in(c, 2)   ? "no"
                 : one_in(c, 2) ? "[SYS/TEMP] later"
                                : "[IN-USE] busy");
        w->closes = one_in(c, 3);
        break;
    case 5: /* a long line */
        if (one_in(c, 2)) w->out_n = at;
        if (one_in(c, 2)) say_text(w, one_in(c, 2) ? "+OK " : "-ERR [SYS/");
        for (unsigned k = below(c, 800); k; k--)
            say(w, one_in(c, 300) ? "\r\n" : "y", 1);
        break;
    case 6:
        w->out_n = at;
        for (unsigned k = below(c, 40); k; k--) {
            unsigned char octet =
                (unsigned char)(one_in(c, 3) ? (unsigned char)"\r\n.+-O K0E1"[below(c, 11)]
                                             : draw(c));
            say(w, &octet, 1);
        }
        break;
    case 7: /* an octet less */
        if (n) memmove(w->out + i, w->out + i + 1, w->out_n-- - i - 1);
        break;
    default: w->closes = 1; break;
    }
}

static void answer(world *w) {
    char verb[8] = "";
    unsigned number = 0;
    size_t at = w->out_n;
    w->line[w->line_n] = 0;
    sscanf(w->line, "%7s %u", verb, &number);
    message *m = number <= w->count ? &w->messages[number] : &w->messages[0];
    note(w, "C: %s", strcmp(verb, "PASS") == 0 ? verb : w->line);
    if (w->quit_seen) broken(w, "a command behind QUIT: %s", w->line);
    if (strcmp(verb, "CAPA") == 0) {
        if (w->capa)
            say_text(w, "+OK\r\n%s%s%sSASL PLAIN\r\nEXPIRE 5 USER\r\nLOGIN-DELAY 30\r\n.\r\n",
                     w->top ? "TOP\r\n" : "", w->pipelining ? "PIPELINING\r\n" : "",
                     w->uidl ? "UIDL\r\n" : "");
        else
            say_text(w, "-ERR what\r\n");
    } else if (strcmp(verb, "USER") == 0) {
        say_text(w, "+OK\r\n");
    } else if (strcmp(verb, "PASS") == 0 || strcmp(verb, "APOP") == 0) {
        if (!w->greeted) broken(w, "credentials before the greeting");
        if (strcmp(verb, "PASS") == 0 && strcmp(w->line + 5, password) != 0)
            broken(w, "wrong password sent: %s", w->line);
        say_text(w, "+OK\r\n");
    } else if (strcmp(verb, "STAT") == 0) {
        /* a message that is marked is no longer counted (RFC 1939, 5); some count it */
        uint32_t count = w->count;
        for (uint32_t i = 1; i <= w->count && fixed(w, 0, 61, 2); i++)
            count -= w->messages[i].gone != 0;
        say_text(w, "+OK %u %u\r\n", (unsigned)count, (unsigned)count * 100);
    } else if (strcmp(verb, "UIDL") == 0) {
        if (w->uidl)
            say_listing(w, 1);
        else
            say_text(w, "-ERR what\r\n");
    } else if (strcmp(verb, "LIST") == 0 && number) {
        if (fixed(w, number, 63, 12))
            say_text(w, "+OK %u %u\r\n", number, size_of(w, number));
        else
            say_text(w, "-ERR no such size\r\n");
    } else if (strcmp(verb, "LIST") == 0) {
        say_listing(w, 0);
    } else if (strcmp(verb, "RETR") == 0) {
        if (fixed(w, number, 1, 12))
            say_message(w, m, 0);
        else
            say_text(w, "-ERR damaged\r\n");
    } else if (strcmp(verb, "TOP") == 0) {
        if (w->top)
            say_message(w, m, 1);
        else
            say_text(w, "-ERR what\r\n");
    } else if (strcmp(verb, "DELE") == 0) {
        if (fixed(w, number, 2, 12)) m->accepted = fixed(w, number, 2, 12) != 0;
        m->gone = m->accepted;
        say_text(w, m->accepted ? "+OK\r\n" : "-ERR locked\r\n");
    } else if (strcmp(verb, "QUIT") == 0) {
        w->quit_seen = 1;
        if (fixed(w, 0, 3, 8)) w->quit_ok = 1;
        say_text(w, w->quit_ok ? "+OK\r\n" : "-ERR some not deleted\r\n");
        w->closes = 1;
    } else {
        broken(w, "an unknown command: %s", w->line);
    }
    if (one_in(&w->what, (uint32_t)w->hostile)) spoil(w, at);
}

static void server_takes(world *w, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (w->line_n == POPCL_COMMAND_MAX) {
            broken(w, "a command longer than %d octets", POPCL_COMMAND_MAX);
            return;
        }
        w->line[w->line_n++] = (char)p[i];
        if (p[i] != '\n') continue;
        if (w->line_n < 2 || w->line[w->line_n - 2] != '\r') broken(w, "a command without CRLF");
        w->line_n -= 2;
        answer(w);
        w->line_n = 0;
    }
}

/* ---- TLS, where there is any ---- */

static tls_peer peer; /* one session at a time */

static void wire_takes(world *w, const unsigned char *p, size_t n) {
    unsigned char text[POPCL_COMMAND_MAX];
    if (!w->secure) {
        server_takes(w, p, n);
        return;
    }
    int open = tls_peer_open(&peer);
    for (size_t i = 0; !open && i + sizeof password - 1 <= n; i++) {
        /* [I1] */
        if (memcmp(p + i, password, sizeof password - 1) == 0)
            broken(w, "the password was sent in clear");
    }
    tls_peer_take(&peer, p, n);
    while ((n = tls_peer_hear(&peer, text, sizeof text)) > 0)
        server_takes(w, text, n);
}

/* What somebody on the way, or a server that means no good, does to TLS. */
static void spoil_tls(world *w) {
    static const unsigned char zeros[600];
    chance *c = &w->what;
    w->spoilt = 1;
    switch (below(c, 8)) {
    case 0: peer.corrupt = 1; break;
    case 1: tls_peer_clear(&peer, "+OK\r\n", 5); break;
    case 2: tls_peer_alert(&peer, TLS_FATAL, (int)below(c, 120)); break;
    case 3: tls_peer_alert(&peer, TLS_WARNING, 0); break;
    case 4: tls_peer_record(&peer, (int)below(c, 256), zeros, below(c, 4)); break;
    case 5: tls_peer_record(&peer, TLS_DATA, zeros, sizeof zeros); break;
    case 6: tls_peer_record(&peer, TLS_HANDSHAKE, zeros, 1 + below(c, 8)); break;
    default: tls_peer_alert(&peer, (int)below(c, 4), (int)below(c, 120)); break;
    }
}

/* A piece of what the server says becomes a record. */
static void seal(world *w) {
    chance *c = &w->when;
    if (!w->secure || !tls_peer_open(&peer) || tls_peer_waiting(&peer) || w->out_at == w->out_n)
        return;
    size_t n = one_in(c, 4) ? 1 : 1 + below(c, 512);
    if (n > w->out_n - w->out_at) n = w->out_n - w->out_at;
    if (one_in(c, 6)) tls_peer_record(&peer, TLS_DATA, "", 0);
    if (one_in(c, 6)) tls_peer_alert(&peer, TLS_WARNING, 90);
    if (w->hostile && one_in(c, (uint32_t)w->hostile * 8)) spoil_tls(w);
    tls_peer_say(&peer, w->out + w->out_at, n);
    w->out_at += n;
    if (w->out_at == w->out_n) w->out_at = w->out_n = 0;
}

/* Octets for the client that wait. */
static size_t wire_has(world *w) {
    seal(w);
    return w->secure ? tls_peer_waiting(&peer) : w->out_n - w->out_at;
}

static void wire_gives(world *w, unsigned char *p, size_t n) {
    if (w->secure) {
        tls_peer_give(&peer, p, n);
        if (!w->hostile || !one_in(&w->what, (uint32_t)w->hostile * 20)) return;
        w->spoilt = 1;
        p[below(&w->what, (uint32_t)n)] ^= (unsigned char)(1u << below(&w->what, 8));
        return;
    }
    memcpy(p, w->out + w->out_at, n);
    w->out_at += n;
    if (w->out_at == w->out_n) w->out_at = w->out_n = 0;
}

static void make_tls(world *w) {
    static const tls_peer_setup setup;
    tls_peer_init(&peer, &setup);
    memset(&w->storage, FILL, sizeof w->storage);
    tls_client_init(&w->tls, TLS_HOST, &w->storage, sizeof w->storage);
    w->cfg.session.security = POPCL_TLS;
    w->cfg.session.tls = &w->tls;
    w->cfg.session.seed = &tls_seed;
    if (w->hostile && one_in(&w->what, 10)) spoil_tls(w); /* where a ServerHello is due */
}

/* ---- what the job calls ---- */

/* Every callback passes here. */
static void called(world *w, const char *which) {
    if (!w->in_call) broken(w, "%s outside a call", which);
    if (w->done) broken(w, "%s after DONE", which);
    if (!one_in(&w->when, (uint32_t)w->recursive)) return;
    size_t n;
    w->misused = 1;
    note(w, "%s calls back", which);
    switch (below(&w->when, 10)) {
    case 0: popcl_stop(&w->job.session); break;
    case 1: popcl_fail(&w->job.session, POPCL_ERR_NET, 1); break;
    case 2: popcl_tick(&w->job.session, w->now + 100000); break;
    case 3: popcl_resume(&w->job.session); break;
    case 4: popcl_fetch_wipe(&w->job); break;
    case 5: popcl_recv_eof(&w->job.session); break;
    case 6: popcl_recv_ack(&w->job.session, 1); break;
    case 7:
        popcl_send_buf(&w->job.session, &n);
        popcl_send_ack(&w->job.session, 1);
        break;
    case 8: popcl_send_failed(&w->job.session); break;
    default: popcl_connected(&w->job.session, w->now); break;
    }
}

static message *of(world *w, const popcl_msg *m, const char *who) {
    if (m->number == 0 || m->number > w->count) {
        if (!w->spoilt) broken(w, "%s: number %u", who, (unsigned)m->number);
        return &w->messages[0];
    }
    if (strlen(m->uid) != m->uid_len) broken(w, "%s: length of UID", who);
    if (w->spoilt || m->uid_len == 0) return &w->messages[m->number];
    const char *uid = w->messages[m->number].uid;
    int digest = m->uid_len == POPCL_UID_DIGEST_LEN && m->uid[0] == POPCL_UID_DIGEST;
    if (digest != w->messages[m->number].odd_uid || (!digest && strcmp(m->uid, uid) != 0))
        broken(w, "%s: UID %s of %u", who, m->uid, (unsigned)m->number);
    return &w->messages[m->number];
}

static int odd(world *w, uint32_t number, uint32_t question) {
    return w->odd && fixed(w, number, question, (uint32_t)w->odd) == 0;
}

static int sink_begin(void *ctx, const popcl_msg *m) {
    world *w = ctx;
    message *x = of(w, m, "begin");
    note(w, "begin %u part %u", (unsigned)m->number, m->part);
    if (w->open) broken(w, "begin inside a message");
    if (w->syncing) broken(w, "begin while sync is pending");
    if (w->stopped) broken(w, "begin after stop");
    called(w, "begin");
    if (m->part == POPCL_WHOLE) {
        int again = x->doubted && x->begun_whole == 1; /* it is fetched again, alone */
        w->begun += !again;
        if (w->cfg.max_messages && w->begun > w->cfg.max_messages)
            broken(w, "more than max_messages");
        if (x->begun_whole++ && !again && x != w->messages)
            broken(w, "%u begun twice", (unsigned)m->number);
    }
    if (odd(w, m->number, 20))
        return fixed(w, m->number, 21, 3) == 0   ? POPCL_SINK_STOP
               : fixed(w, m->number, 21, 3) == 1 ? -7
                                                 : 9;
    w->open = 1;
    w->now_in = *m;
    w->got = 0;
    return 0;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    world *w = ctx;
    const message *x = of(w, &w->now_in, "data");
    if (w->open != 1) broken(w, "data outside a message");
    if (n == 0 || n > (size_t)INT32_MAX) broken(w, "data of %lu octets", (unsigned long)n);
    called(w, "data");
    uint64_t fails_at =
        odd(w, w->now_in.number, 22) ? fixed(w, w->now_in.number, 23, BODY_MAX) : UINT64_MAX;
    size_t take = n;
    if (w->got + n > fails_at) {
        if (w->got >= fails_at) {
            uint32_t how = fixed(w, w->now_in.number, 24, 4);
            return how == 0 ? POPCL_SINK_STOP : how == 1 ? -40000 : how == 2 ? (int)n + 1 : -1;
        }
        take = (size_t)(fails_at - w->got);
    } else if (one_in(&w->when, 6)) {
        take = below(&w->when, (uint32_t)n + 1);
    }
    if (w->cfg.max_size && w->got + n > w->cfg.max_size) broken(w, "more than max_size");
    int headers =
        w->now_in.part ==
        POPCL_HEADERS; /* of which the server sends a part, ending it with a CRLF of its own */
    if (!w->spoilt && !headers && (w->got + n > x->n || memcmp(x->text + w->got, p, n) != 0))
        broken(w, "wrong octets of %u", (unsigned)w->now_in.number);
    volatile unsigned char sum = 0; /* every octet can be read */
    for (size_t i = 0; i < n; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)p)[i]);
    w->got += take;
    return (int)take;
}

static int sink_commit(void *ctx) {
    world *w = ctx;
    message *x = of(w, &w->now_in, "commit");
    uint32_t n = w->now_in.number, part = w->now_in.part;
    if (!w->open) broken(w, "commit outside a message");
    if (!w->spoilt && part == POPCL_WHOLE && w->got != x->n)
        broken(w, "commit of %u after %lu octets", (unsigned)n, (unsigned long)w->got);
    called(w, "commit");
    if (one_in(&w->when, 8)) {
        w->open = 2;
        return POPCL_AGAIN;
    }
    note(w, "commit %u (%lu)", (unsigned)n, (unsigned long)w->got);
    w->open = 0;
    if (odd(w, n, 25 + part)) {
        uint32_t how = fixed(w, n, 27, 4);
        return how == 0 ? POPCL_SINK_STOP : how == 1 ? -3 : how == 2 ? 99 : -32768;
    }
    if (fixed(w, n, 28, 2)) {
        if (part == POPCL_WHOLE && w->sink.sync) x->staged = 1;
        if (w->sink.sync) w->staged++;
        return POPCL_STAGED;
    }
    if (part == POPCL_WHOLE) x->durable = 1;
    return 0;
}

static int sink_sync(void *ctx) {
    world *w = ctx;
    if (w->open) broken(w, "sync inside a message");
    if (!w->staged) broken(w, "sync of nothing");
    called(w, "sync");
    w->syncing = 1;
    if (one_in(&w->when, 4) || w->stuck) return POPCL_AGAIN;
    w->syncing = 0;
    w->staged = 0;
    int bad = w->odd && fixed(w, 0, 30, (uint32_t)w->odd) == 0;
    for (uint32_t i = 1; i <= w->count; i++) {
        if (!w->messages[i].staged) continue;
        w->messages[i].staged = 0;
        w->messages[i].durable = !bad;
        w->messages[i].lost = bad;
    }
    note(w, "sync %d", bad);
    return !bad ? 0 : fixed(w, 0, 31, 2) ? -5 : fixed(w, 0, 32, 2) ? POPCL_SINK_STOP : 42;
}

/* A body is not believed. A server whose sizes agree, each known before its body, gives no reason;
 * but a size that LIST refuses is not known. */
static void doubt(world *w, message *x) {
    uint32_t number = (uint32_t)(x - w->messages);
    int too_long = w->cfg.max_size && x->n > w->cfg.max_size;
    if (!w->spoilt && w->sizes != WRONG && !too_long && fixed(w, number, 63, 12))
        broken(w, "%u: a body of the listed size is not believed", (unsigned)number);
    if (!w->pipelining || w->cfg.session.window_len < 2)
        broken(w, "%u: a body that was asked for alone is not believed", (unsigned)number);
    if (w->doubted) broken(w, "after that a second body is not believed");
    w->doubted = x->doubted = 1;
}

static void sink_abort(void *ctx, popcl_err why) {
    world *w = ctx;
    if (!w->open) broken(w, "abort outside a message");
    if (why == POPCL_OK || why == POPCL_MORE) broken(w, "abort without a reason");
    called(w, "abort");
    note(w, "abort %u %s", (unsigned)w->now_in.number, popcl_err_name(why));
    if (why == POPCL_ERR_BODY_SIZE) doubt(w, of(w, &w->now_in, "abort"));
    w->open = 0;
}

/* What decide answers at STAGE_UID. */
static int wanted(const world *w, uint32_t number) { return fixed(w, number, 40, 5) != 0; }

static unsigned on_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    static const unsigned first[] = {POPCL_FETCH,
                                     POPCL_FETCH,
                                     POPCL_FETCH | POPCL_DELETE,
                                     POPCL_FETCH | POPCL_DELETE,
                                     POPCL_SKIP,
                                     POPCL_HEADERS_FIRST,
                                     POPCL_HEADERS_FIRST | POPCL_FETCH | POPCL_DELETE,
                                     POPCL_DELETE_UNFETCHED,
                                     POPCL_DELETE,
                                     0xFF,
                                     POPCL_FETCH | POPCL_DELETE_UNFETCHED};
    static const unsigned second[] = {POPCL_SKIP,
                                      POPCL_FETCH,
                                      POPCL_FETCH | POPCL_DELETE,
                                      POPCL_DELETE_UNFETCHED,
                                      0xFFFFFFFF,
                                      POPCL_DELETE,
                                      POPCL_HEADERS_FIRST | POPCL_DELETE_UNFETCHED};
    world *w = ctx;
    message *x = of(w, m, "decide");
    called(w, "decide");
    if (stage == POPCL_STAGE_UID) return wanted(w, m->number) ? POPCL_FETCH : POPCL_SKIP;
    x->looked_at = 1;
    unsigned a = stage == POPCL_STAGE_SIZE
                     ? first[fixed(w, m->number, 41, sizeof first / sizeof *first)]
                     : second[fixed(w, m->number, 42, sizeof second / sizeof *second)];
    if (verbose) printf("    decide %u stage %d: %u\n", (unsigned)m->number, (int)stage, a & 15);
    int fetches = a & POPCL_FETCH || (stage == POPCL_STAGE_SIZE && a & POPCL_HEADERS_FIRST);
    int alone = !(a & (POPCL_FETCH | POPCL_HEADERS_FIRST));
    if (a & POPCL_DELETE && fetches) x->wants_delete = 1;
    if (a & POPCL_DELETE_UNFETCHED && alone) x->unfetched = 1;
    if (a & POPCL_FETCH && (stage == POPCL_STAGE_HEADERS || !(a & POPCL_HEADERS_FIRST)) &&
        !w->cfg.max_messages)
        x->wants_fetch = 1;
    return a;
}

static void on_listed(void *ctx, const popcl_msg *m) {
    world *w = ctx;
    if (m) of(w, m, "listed");
    called(w, "listed");
}

static void on_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    world *w = ctx;
    static const char *const names[] = {"STORED",  "NOT_STORED", "MARKED", "NOT_MARKED",
                                        "DELETED", "UNKNOWN",    "VOID"};
    called(w, "fate");
    note(w, "fate %u %s %s", m ? (unsigned)m->number : 0, names[what], popcl_err_name(why));
    if (w->fate_all) broken(w, "a fate behind the last one");
    if ((what == POPCL_NOT_STORED || what == POPCL_NOT_MARKED) != (why != POPCL_OK))
        broken(w, "%s with %s", names[what], popcl_err_name(why));
    if (why == POPCL_MORE) broken(w, "a fate for MORE");
    if (!m) {
        w->fate_all = 1;
        w->all = what;
        if (what < POPCL_DELETED) broken(w, "%s of all", names[what]);
        return;
    }
    message *x = of(w, m, "fate");
    w->stored += what == POPCL_STORED;
    w->marked += what == POPCL_MARKED;
    if (x == w->messages) return; /* a number that only a spoilt STAT allows */
    switch (what) {
    case POPCL_STORED:
        x->stored++;
        if (!x->durable) broken(w, "%u STORED and not durable", (unsigned)m->number);
        break;
    case POPCL_NOT_STORED:
        x->not_stored++;
        if (x->durable) broken(w, "%u NOT_STORED and durable", (unsigned)m->number);
        break;
    case POPCL_MARKED:
        x->marked++;
        if (!x->dele_sent) broken(w, "%u MARKED without DELE", (unsigned)m->number);
        if (!w->spoilt && !x->accepted)
            broken(w, "%u MARKED, and the server refused", (unsigned)m->number);
        break;
    case POPCL_NOT_MARKED:
        x->not_marked++;
        if (why == POPCL_ERR_BODY_EMPTY) {
            x->empty = 1;
            if (!x->durable || (x->n && !w->spoilt))
                broken(w, "%u BODY_EMPTY, and it is not so", (unsigned)m->number);
            break;
        }
        if (!x->unfetched && !(x->durable && x->wants_delete))
            broken(w, "%u NOT_MARKED, and was not to be deleted", (unsigned)m->number);
        break;
    default: broken(w, "%s of one message", names[what]); break;
    }
    if (x->stored + x->not_stored > 1 || x->marked + x->not_marked > 1)
        broken(w, "%u: a fate told twice", (unsigned)m->number);
}

/* A command is checked when it is written: it may leave later, and what it needs must not come in
 * between. */
static void on_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    world *w = ctx;
    unsigned number;
    called(w, "trace");
    if (verbose && n)
        printf("    %s %.*s\n",
               kind == POPCL_TRACE_SENT       ? "->"
               : kind == POPCL_TRACE_RECEIVED ? "<-"
                                              : "--",
               (int)n, p);
    if (kind == POPCL_TRACE_STATE && n == 7 && memcmp(p, "unasked", 7) == 0) w->unasked = 1;
    if (kind != POPCL_TRACE_SENT) return;
    if (n) {
        if (w->sent_n + n >= sizeof w->sent) return;
        memcpy(w->sent + w->sent_n, p, n);
        w->sent_n += n;
        return;
    }
    w->sent[w->sent_n] = 0;
    w->sent_n = 0;
    if (strstr(w->sent, password)) broken(w, "the trace shows the password");
    if (sscanf(w->sent, "DELE %u", &number) == 1 && number <= w->count) {
        message *x = &w->messages[number];
        if (!x->unfetched && !(x->durable && x->wants_delete))
            broken(w, "DELE of %u, which is not durable or not to be deleted", number);
        if (x->dele_sent++) broken(w, "DELE of %u twice", number);
        if (x->empty) broken(w, "DELE of %u, whose body was empty", number);
    }
    if (sscanf(w->sent, "RETR %u", &number) == 1 && number <= w->count) {
        message *x = &w->messages[number];
        int first = !x->retr_sent++;
        if (!first && (!w->doubted || x->retr_sent > 2)) broken(w, "RETR of %u twice", number);
        if (!first && (x->staged || x->durable || x->lost || x->not_stored))
            broken(w, "RETR of %u, which was over", number);
        if (w->doubted && popcl_in_flight(&w->job.session))
            broken(w, "RETR of %u ahead, after a body was not believed", number);
    }
}

static int get_secret(void *ctx, size_t off, char *buf, size_t cap) {
    world *w = ctx;
    called(w, "secret");
    if (w->secret_released) broken(w, "the secret is used after its release");
    if (!buf) {
        if (!w->secret_called) broken(w, "the secret is released and was not used");
        w->secret_released = 1;
        return 0;
    }
    w->secret_called = 1;
    if (one_in(&w->when, 6)) return POPCL_SECRET_AGAIN;
    if (odd(w, 0, 50)) return fixed(w, 0, 51, 2) ? -9 : (int)cap + 1;
    size_t left = off < strlen(password) ? strlen(password) - off : 0, n = left < cap ? left : cap;
    if (n > 1 && one_in(&w->when, 2)) n = 1 + below(&w->when, (uint32_t)n);
    if (n > left) n = left;
    memcpy(buf, password + off, n);
    return (int)n;
}

/* ---- a world ---- */

static void make_messages(world *w) {
    static const char *const pieces[] = {
        "\r\n",     "\r\n",           ".",        "..",      "\n",    "\r",
        "x",        "hello",          ".\r\n",    "\n.\r\n", "\r.\r", "\r\n.\n",
        "\377\200", "Subject: a\r\n", "\r\n\r\n", " . "};
    chance *c = &w->what;
    w->count = below(c, 6) ? below(c, MESSAGES + 1) : below(c, 3);
    w->odd_uids = (int)below(c, 5);
    for (uint32_t i = 1; i <= w->count; i++) {
        message *m = &w->messages[i];
        for (unsigned k = below(c, one_in(c, 4) ? 150 : 12); k; k--) {
            const char *piece = pieces[below(c, sizeof pieces / sizeof *pieces)];
            size_t n = one_in(c, 40) ? 1 : strlen(piece);
            if (m->n + n + 2 > BODY_MAX) break;
            memcpy(m->text + m->n, n == 1 && one_in(c, 30) ? "\0" : piece, n);
            m->n += n;
        }
        if (m->n && !(m->n > 1 && m->text[m->n - 1] == '\n' && m->text[m->n - 2] == '\r')) {
            memcpy(m->text + m->n, "\r\n", 2);
            m->n += 2;
        }
        int n = snprintf(m->uid, sizeof m->uid, "uid%u", (unsigned)i);
        if (one_in(c, 3)) {
            size_t longer = below(c, POPCL_UID_MAX + 1u - (uint32_t)n);
            memset(m->uid + n, 'u', longer);
            m->uid[(size_t)n + longer] = 0;
        }
        if (w->odd_uids == 1) {
            snprintf(m->uid, sizeof m->uid, "%u", (unsigned)i);
        } else if (w->odd_uids == 2 && one_in(c, 2)) {
            size_t longer = below(c, 2 * POPCL_UID_MAX);
            n = (int)strlen(m->uid);
            memset(m->uid + n, longer % 2 ? ' ' : 'v', longer);
            memcpy(m->uid + (size_t)n + longer, one_in(c, 2) ? "\351" : "w", 2);
            m->odd_uid = strlen(m->uid) > POPCL_UID_MAX || strpbrk(m->uid, " \351") != NULL;
        }
    }
}

static void make_config(world *w) {
    chance *c = &w->what;
    popcl_fetch_config *cfg = &w->cfg;
    size_t off = below(c, 9);
    cfg->session.iobuf_len =
        (w->secure ? POPCL_IOBUF_SIZE(512) : POPCL_IOBUF_MIN) + (one_in(c, 2) ? 0 : below(c, 1500));
    cfg->plan_len = POPCL_PLAN_MIN_APOP + (one_in(c, 3) ? 0 : below(c, 1200));
    cfg->auth = (uint16_t)below(c, 4);
    if (cfg->auth == POPCL_AUTH_USER) cfg->plan_len = POPCL_PLAN_MIN + below(c, 200);
    w->iobuf_block = malloc(cfg->session.iobuf_len + off);
    w->plan_block = malloc(cfg->plan_len + off);
    assert_true(w->iobuf_block && w->plan_block);
    memset(w->iobuf_block, FILL, cfg->session.iobuf_len + off);
    memset(w->plan_block, FILL, cfg->plan_len + off);
    cfg->session.iobuf = w->iobuf_block + off;
    cfg->plan = w->plan_block + off;
    static const unsigned windows[] = {1, 2, 3, 8, TEST_WINDOW_MAX};
    unsigned any = windows[fixed(w, 0, 62, sizeof windows / sizeof *windows)];
    test_window_give(&cfg->session, w->window, getenv("WINDOW") ? test_window() : any);
    cfg->session.host = "pop.example";
    cfg->session.user = "fred";
    if (one_in(c, 2)) {
        cfg->secret.get = get_secret;
        cfg->secret.ctx = w;
    } else {
        cfg->secret.octets = password;
    }
    cfg->session.idle_ms = 100 + below(c, 3000);
    cfg->session.pause_ms = 100 + below(c, 3000);
    cfg->session.total_ms = one_in(c, 3) ? 1 + below(c, 3000) : 0;
    if (one_in(c, 3)) cfg->max_size = 1 + below(c, BODY_MAX);
    if (one_in(c, 3)) cfg->max_messages = 1 + below(c, 6);
    if (one_in(c, 2)) cfg->drain_max = 1 + below(c, 300);
    if (one_in(c, 2)) cfg->group_messages = 1 + below(c, 4);
    if (one_in(c, 4)) cfg->group_octets = 1 + below(c, 900);
    if (one_in(c, 2)) cfg->passes = (uint16_t)below(c, 12);
    cfg->uids = (uint8_t)(one_in(c, 5)   ? POPCL_UIDS_UNUSED
                          : one_in(c, 5) ? POPCL_UIDS_REQUIRED
                                         : POPCL_UIDS_OPTIONAL);
    cfg->need_size = (uint8_t)one_in(c, 4);
    cfg->no_capa = (uint8_t)one_in(c, 5);
    w->sink.begin = sink_begin;
    w->sink.data = sink_data;
    w->sink.commit = sink_commit;
    w->sink.sync = one_in(c, 6) ? NULL : sink_sync;
    w->sink.abort = sink_abort;
    cfg->sink = &w->sink;
    cfg->sink_ctx = cfg->ctx = cfg->session.trace_ctx = w;
    if (!one_in(c, 4)) cfg->decide = on_decide;
    cfg->listed = on_listed;
    cfg->fate = on_fate;
    cfg->session.trace = on_trace;
    if (!cfg->decide) {
        for (uint32_t i = 1; i <= w->count; i++)
            w->messages[i].wants_fetch = 0;
    }
}

/* `split` chooses how octets move and when calls come, `seed` all the rest. */
static void make_world(world *w, uint64_t seed, uint64_t split, int secure) {
    memset(w, 0, sizeof *w);
    w->secure = secure;
    w->what.state = w->seed = seed * 2654435761u + 1;
    w->when.state = split * 40503u + 7;
    chance *c = &w->what;
    make_messages(w);
    make_config(w);
    w->hostile = one_in(c, 2) ? 0 : (int)(1 + below(c, 30));
    if (secure) make_tls(w);
    w->odd = one_in(c, 2) ? 0 : (int)(2 + below(c, 12));
    w->stuck = one_in(c, 20);
    w->capa = !one_in(c, 4);
    w->top = !one_in(c, 4);
    w->uidl = !one_in(c, 4);
    w->pipelining = !one_in(c, 3);
    w->sizes = (enum sizes)fixed(w, 0, 64, WRONG + 1);
    w->now = w->began = one_in(c, 2) ? draw(c) : UINT32_MAX - below(c, 3000);
}

static void free_world(world *w) {
    free(w->iobuf_block);
    free(w->plan_block);
}

static int all_zero(const void *p, size_t n) {
    const unsigned char *octets = p;
    while (n--) {
        if (*octets++) return 0;
    }
    return 1;
}

/* Of the plan, what popcl never wrote may still be what the caller left there. */
static int is_wiped(const void *p, size_t n) {
    const unsigned char *octets = p;
    for (; n; n--, octets++) {
        if (*octets && *octets != FILL) return 0;
    }
    return 1;
}

#define CALL(w, call) ((w)->in_call = 1, (call), (w)->in_call = 0, check_state(w))

/* What holds between any two calls. */
static void check_state(world *w) {
    unsigned state = popcl_state(&w->job.session);
    uint32_t next = popcl_next_deadline(&w->job.session);
    popcl_diag d;
    if (w->wiped) return;
    popcl_fetch_get_diag(&w->job, &d);
    if (next > POPCL_MS_MAX) broken(w, "the next deadline is far away");
    if (state & POPCL_DONE && d.err != popcl_result(&w->job.session)) broken(w, "two results");
    if (strlen(d.reply.text) > sizeof d.reply.text - 1) broken(w, "the reply's text has no end");
    if (d.stored != w->stored || d.marked != w->marked)
        broken(w, "counts %u %u, told %u %u", d.stored, d.marked, w->stored, w->marked);
    if (state & POPCL_DONE) {
        if (state != POPCL_DONE) broken(w, "DONE with 0x%x", state);
        w->done = 1;
    } else if (state == 0 && w->greeted) {
        broken(w, "a state in which nothing can happen");
    }
}

static void tick(world *w, uint32_t ms) {
    w->now += ms;
    CALL(w, popcl_tick(&w->job.session, w->now));
    if (w->done || w->fault[0]) return;
    if (popcl_next_deadline(&w->job.session) == 0) broken(w, "the next deadline stays 0");
    uint32_t total = w->cfg.session.total_ms ? w->cfg.session.total_ms : POPCL_TOTAL_MS;
    if (w->now - w->began > total + POPCL_SETTLE_MS + 4000)
        broken(w, "not over after %u ms", (unsigned)(w->now - w->began));
}

/* Moves octets; returns whether any could be moved. */
static int send_some(world *w, size_t most) {
    size_t n;
    const unsigned char *p = popcl_send_buf(&w->job.session, &n);
    if (!n) return 0;
    if (n > most) n = most;
    wire_takes(w, p, n);
    CALL(w, popcl_send_ack(&w->job.session, n));
    return 1;
}

static int receive_some(world *w, size_t most) {
    size_t n;
    unsigned char *p = popcl_recv_buf(&w->job.session, &n);
    if (!n) return 0;
    size_t have = wire_has(w);
    if (!have) {
        if (!w->closes || w->eof_told) return 0;
        w->eof_told = 1;
        if (one_in(&w->when, 3)) CALL(w, popcl_send_failed(&w->job.session));
        CALL(w, popcl_recv_eof(&w->job.session));
        return 1;
    }
    if (n > most) n = most;
    if (n > have) n = have;
    wire_gives(w, p, n);
    CALL(w, popcl_recv_ack(&w->job.session, n));
    return 1;
}

/* A server that answered everything, and a client that waits for it without a pause: nothing would
 * ever happen. */
static void check_stall(world *w) {
    unsigned state = popcl_state(&w->job.session);
    if (w->spoilt || w->done || w->misused || !w->greeted || w->closes) return;
    if (state == POPCL_RECV && w->out_n == 0 && wire_has(w) == 0 && w->line_n == 0)
        broken(w, "nothing is in flight, and nothing comes");
}

static void start(world *w) {
    memset(&w->job, FILL, sizeof w->job);
    w->in_call = 1;
    popcl_err e = popcl_fetch_start(&w->job, &w->cfg, w->now);
    w->in_call = 0;
    if (e) broken(w, "start: %s", popcl_err_name(e));
}

static void connect(world *w) {
    CALL(w, popcl_connected(&w->job.session, w->now));
    w->greeted = 1;
    say_text(w, fixed(w, 0, 60, 2) ? "+OK <1.2@host.example> ready\r\n" : "+OK ready\r\n");
    if (w->hostile && one_in(&w->what, 4)) spoil(w, 0);
}

/* What holds at the end. */
static void check_end(world *w) {
    popcl_err result = popcl_result(&w->job.session);
    popcl_diag d;
    popcl_fetch_get_diag(&w->job, &d);
    note(w, "result %s", popcl_err_name(result));
    if (w->open) broken(w, "a message was neither committed nor aborted");
    if (w->secret_called && !w->secret_released) broken(w, "the secret was not released");
    /* a sync that asks for time has none in the second half of QUIT's */
    uint32_t total = w->cfg.session.total_ms;
    int too_late = w->syncing && total && w->now - w->began >= total - total / 8;
    if (w->staged && !w->stuck && !too_late) broken(w, "staged, and no sync");
    if (!all_zero(w->cfg.session.iobuf, w->cfg.session.iobuf_len))
        broken(w, "the record buffer was not wiped");
    if (!is_wiped(w->cfg.plan, w->cfg.plan_len)) broken(w, "the plan was not wiped");
    if (w->fate_all != (w->marked > 0))
        broken(w, "marked %u, and the last fate %u times", (unsigned)w->marked,
               (unsigned)w->fate_all);
    if (w->fate_all && (popcl_fate)d.deletions != w->all)
        broken(w, "the fate of all differs from the diagnosis");
    if (!w->spoilt && !w->quit_ok &&
        (result == POPCL_OK || result == POPCL_MORE || (w->fate_all && w->all == POPCL_DELETED)))
        broken(w, "success without +OK to QUIT");
    if (w->stopped && (result == POPCL_OK || result == POPCL_MORE))
        broken(w, "%s after stop", popcl_err_name(result));
    for (uint32_t i = 1; i <= w->count; i++) {
        const message *m = &w->messages[i];
        int stored = m->stored + m->not_stored, marked = m->marked + m->not_marked;
        if ((m->begun_whole || m->retr_sent || m->wants_fetch || m->durable || m->lost) &&
            stored != 1)
            broken(w, "%u: STORED and NOT_STORED told %d times", (unsigned)i, stored);
        if ((m->dele_sent || m->unfetched || (m->durable && m->wants_delete)) && marked != 1)
            broken(w, "%u: MARKED and NOT_MARKED told %d times", (unsigned)i, marked);
        if (result == POPCL_OK && !w->spoilt && w->cfg.decide && !m->looked_at &&
            (!w->listed || wanted(w, i)))
            broken(w, "done, and %u was forgotten", (unsigned)i);
        if ((result == POPCL_OK || result == POPCL_MORE) && (m->not_stored || m->not_marked))
            broken(w, "%s, and %u failed", popcl_err_name(result), (unsigned)i);
    }
}

static void check_wiped(world *w) {
    w->wiped = 1;
    w->in_call = 1;
    popcl_fetch_wipe(&w->job);
    w->in_call = 0;
    w->done = 1;
    if (w->open) broken(w, "wipe left a message open");
    if (w->secret_called && !w->secret_released) broken(w, "wipe did not release the secret");
    if (!all_zero(&w->job, sizeof w->job)) broken(w, "the job was not wiped");
    if (!all_zero(w->cfg.session.iobuf, w->cfg.session.iobuf_len))
        broken(w, "wipe left the record buffer");
    if (w->secure && !all_zero(&w->storage, sizeof w->storage))
        broken(w, "wipe left the TLS storage");
    if (!is_wiped(w->cfg.plan, w->cfg.plan_len)) broken(w, "wipe left the plan");
}

/* Calls that must do nothing now. */
static void call_in_vain(world *w) {
    size_t n;
    w->in_call = 0;
    popcl_stop(&w->job.session);
    popcl_fail(&w->job.session, POPCL_ERR_NET, 5);
    popcl_tick(&w->job.session, w->now + 1);
    popcl_resume(&w->job.session);
    popcl_recv_eof(&w->job.session);
    popcl_connected(&w->job.session, w->now);
    popcl_send_buf(&w->job.session, &n);
    if (n) broken(w, "something to send after DONE");
    popcl_recv_buf(&w->job.session, &n);
    if (n) broken(w, "room to receive after DONE");
    popcl_send_ack(&w->job.session, 1);
    popcl_recv_ack(&w->job.session, 1);
    if (popcl_state(&w->job.session) != POPCL_DONE) broken(w, "no longer DONE");
}

/* The session has its result, and says no more than close_notify: stop comes too late. */
static int is_leaving(const world *w) {
    popcl_diag d;
    popcl_fetch_get_diag(&w->job, &d);
    return strcmp(d.state, "leaving") == 0;
}

/* One step of the caller's, at random. `rude`: one in so many stops, fails, lies or wipes; 0: none.
 */
static void step(world *w, uint32_t rude) {
    chance *c = &w->when;
    unsigned state = popcl_state(&w->job.session);
    size_t n, most = one_in(c, 3) ? 1 : one_in(c, 2) ? 1 + below(c, 20) : OUT_MAX;
    int moved = 0;
    if (one_in(c, rude)) {
        switch (below(c, 7)) {
        case 0:
        case 1:
            note(w, "stop");
            w->stopped |= !is_leaving(w);
            CALL(w, popcl_stop(&w->job.session));
            if (popcl_state(&w->job.session) & POPCL_PAUSED_SINK)
                broken(w, "stop waits for the sink");
            return;
        case 2:
            note(w, "fail");
            CALL(w, popcl_fail(
                        &w->job.session,
                        one_in(c, 2) ? POPCL_ERR_NET : (popcl_err)below(c, POPCL_ERR_NOT_POP3), 5));
            return;
        case 3: check_wiped(w); return;
        case 4:
            popcl_recv_buf(&w->job.session, &n);
            w->spoilt = 1;
            if (one_in(c, 4)) CALL(w, popcl_recv_ack(&w->job.session, n + 1));
            return;
        case 5:
            popcl_send_buf(&w->job.session, &n);
            if (n && one_in(c, 4)) CALL(w, popcl_send_ack(&w->job.session, n + 1));
            return;
        default:
            w->spoilt = w->eof_told = 1;
            CALL(w, popcl_recv_eof(&w->job.session));
            return;
        }
    }
    switch (below(c, 8)) {
    case 0:
    case 1:
    case 2: moved = send_some(w, most); break;
    case 3:
    case 4:
    case 5: moved = receive_some(w, most); break;
    case 6: tick(w, one_in(c, 30) ? below(c, 2000) : below(c, 3)); return;
    default:
        if (state & POPCL_PAUSED || one_in(c, 10))
            CALL(w, popcl_resume(&w->job.session)), moved = 1;
        break;
    }
    if (moved || w->done) return;
    check_stall(w);
    if (!(state & (POPCL_SEND | POPCL_PAUSED)) && w->out_n == 0 && wire_has(w) == 0 &&
        !(w->closes && !w->eof_told))
        tick(w, popcl_next_deadline(&w->job.session));
}

static void run_world(world *w) {
    uint32_t rude = one_in(&w->when, 3) ? 5 + below(&w->when, 200) : 0;
    if (one_in(&w->when, 12)) w->recursive = (int)(5 + below(&w->when, 60));
    start(w);
    if (w->fault[0]) return;
    /* no connection */
    if (one_in(&w->when, 20)) w->recursive = 0, tick(w, popcl_next_deadline(&w->job.session));
    if (!w->done) connect(w);
    for (unsigned i = 0; i < STEPS && !w->done && !w->fault[0]; i++)
        step(w, rude);
    /* enough: from now on only time passes, exactly from deadline to deadline */
    for (unsigned i = 0; i < 200 && !w->done && !w->fault[0]; i++)
        tick(w, popcl_next_deadline(&w->job.session));
    if (!w->done) broken(w, "does not end");
    if (!w->wiped && !w->fault[0]) check_end(w);
    if (w->misused && !w->wiped && popcl_result(&w->job.session) == POPCL_OK && !w->quit_seen)
        broken(w, "no error of the call from a callback");
    call_in_vain(w);
    if (!w->fault[0]) check_wiped(w);
    if (!w->fault[0]) check_wiped(w);
}

static int session(uint64_t seed, int secure) {
    static world w;
    make_world(&w, seed, seed, secure);
    run_world(&w);
    free_world(&w);
    if (w.fault[0])
        printf("[random] seed %llu%s (window %u): %s\n", (unsigned long long)seed,
               secure ? " with TLS" : "", w.cfg.session.window_len, w.fault);
    return w.fault[0] == 0;
}

/* ---- the same session, split in another way ---- */

/* All that came is delivered before anything is sent, so that nothing but the split differs.
 * Nothing is pipelined: there it is the split that decides which command leaves before which reply
 * is read. */
static void run_in_pieces(world *w, size_t piece) {
    start(w);
    connect(w);
    for (unsigned i = 0; i < 200000 && !w->done && !w->fault[0]; i++) {
        if (popcl_state(&w->job.session) & POPCL_PAUSED)
            CALL(w, popcl_resume(&w->job.session));
        else if (!receive_some(w, piece) && !send_some(w, piece))
            tick(w, popcl_next_deadline(&w->job.session));
    }
    if (!w->done) broken(w, "does not end");
    if (!w->fault[0]) check_end(w);
}

/* Octets behind a complete reply are seen before the next step is chosen if they came with it, else
 * after: what a step that is never sent decided (a message skipped, a password not to be had) may
 * then be told. What was stored and deleted may not differ. Takes such lines out. */
static void forget_reasons(world *w) {
    size_t kept = 0;
    for (size_t at = 0; at < w->log_n;) {
        size_t n = (size_t)((char *)memchr(w->log + at, '\n', w->log_n - at) - (w->log + at)) + 1;
        char text[240];
        memcpy(text, w->log + at, n < sizeof text ? n : sizeof text - 1);
        text[n < sizeof text ? n : sizeof text - 1] = 0;
        if (!strstr(text, " NOT_") && strncmp(text, "result", 6) != 0) {
            memmove(w->log + kept, w->log + at, n);
            kept += n;
        }
        at += n;
    }
    w->log_n = kept;
}

static int split(uint64_t seed) {
    static world whole, pieces;
    static const size_t sizes[] = {1, 2, 3, 7, 64};
    int ok = 1;
    make_world(&whole, seed, seed, 0);
    whole.pipelining = whole.stuck = 0;
    run_in_pieces(&whole, OUT_MAX);
    make_world(&pieces, seed, seed + 1, 0);
    pieces.pipelining = pieces.stuck = 0;
    run_in_pieces(&pieces, sizes[seed % (sizeof sizes / sizeof *sizes)]);
    if (whole.unasked || pieces.unasked) {
        forget_reasons(&whole);
        forget_reasons(&pieces);
    }
    if (whole.fault[0] || pieces.fault[0]) {
        printf("[random] seed %llu (window %u): %s / %s\n", (unsigned long long)seed,
               whole.cfg.session.window_len, whole.fault, pieces.fault);
        ok = 0;
    } else if (whole.log_n != pieces.log_n || memcmp(whole.log, pieces.log, whole.log_n) != 0) {
        size_t i = 0;
        while (i < whole.log_n && i < pieces.log_n && whole.log[i] == pieces.log[i])
            i++;
        while (i && whole.log[i - 1] != '\n')
            i--;
        whole.log[whole.log_n] = pieces.log[pieces.log_n] = 0;
        printf("[random] seed %llu (window %u): the split matters\n  whole:  %.300s\n  pieces: "
               "%.300s\n",
               (unsigned long long)seed, whole.cfg.session.window_len, whole.log + i,
               pieces.log + i);
        ok = 0;
    }
    free_world(&whole);
    free_world(&pieces);
    return ok;
}

/* ---- tests ---- */

static uint64_t from = 1, sessions = 40000;

static void test_sessions(void **state) {
    unsigned bad = 0;
    (void)state;
    for (uint64_t i = 0; i < sessions && bad < 8; i++)
        bad += !session(from + i, 0);
    assert_int_equal(bad, 0);
}

/* [I1 I3 I4 I7 I8 I9] */
static void test_sessions_with_tls(void **state) {
    unsigned bad = 0;
    (void)state;
    for (uint64_t i = 0; i < sessions / 16 + 1 && bad < 8; i += TLS_STEP)
        bad += !session(from + i, 1);
    tls_peer_free(&peer);
    assert_int_equal(bad, 0);
}

static void test_splits(void **state) {
    unsigned bad = 0;
    (void)state;
    for (uint64_t i = 0; i < sessions / 4 + 1 && bad < 8; i++)
        bad += !split(from + i);
    assert_int_equal(bad, 0);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions),
                                              cmocka_unit_test(test_sessions_with_tls),
                                              cmocka_unit_test(test_splits)};
    if (argc > 2) {
        from = strtoull(argv[1], NULL, 10);
        sessions = strtoull(argv[2], NULL, 10);
        verbose = argc > 3;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
