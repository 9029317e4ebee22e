/* SPDX-License-Identifier: MIT */
/* pumps - the calls of popcl.h and popcl_command.h. Each call checks whether it is allowed now, and
 * moves the state machine (machine.c). This file also has the deadlines. */
#include <string.h>

#include "command.h"
#include "link.h"
#include "machine.h"
#include "zero.h"

/* the time for the server to accept close_notify: the session already has its result */
#define LEAVE_MS 1000u

/* the largest step back of the clock that counts as jitter */
#define JITTER_MS 1000u

/* Returns the n-th command in flight, from 0: the oldest. */
static popcl_flight *nth(const popcl *c, unsigned n) {
    if (c->window_len == 0) return (popcl_flight *)&c->flight.one;
    n += c->first;
    return &c->flight.many[n < c->window_len ? n : n - c->window_len];
}

popcl_flight *popcl_machine_newest(const popcl *c) { return nth(c, c->in_flight - 1u); }

/* Returns whether QUIT is in flight. It is then the last command, since none may be sent after it.
 */
static int quit_in_flight(const popcl *c) {
    return c->in_flight && popcl_machine_newest(c)->verb == POPCL_QUIT;
}

/* Every call that may call back has its code between begin_call and end_call. */
static int begin_call(popcl *c) {
    if (popcl_is_done(c)) return 0;
    c->busy = c->busy == NOT_BUSY ? BUSY : MISUSED;
    return c->busy == BUSY;
}

static void end_call(popcl *c) {
    if (c->busy == MISUSED) popcl_machine_finish(c, POPCL_ERR_REENTRANT);
    c->busy = NOT_BUSY;
}

/* ---- the beginning ---- */

popcl_err popcl_machine_refuse(popcl *c, popcl_err why, enum popcl_field field) {
    memset(c, 0, sizeof *c);
    c->result = (uint8_t)why;
    if (why == POPCL_ERR_ARGUMENT) c->field = (uint8_t)field;
    return why;
}

static popcl_err session_check(const popcl_config *cfg, const popcl_events *events,
                               enum popcl_field *field) {
    *field = !cfg                                         ? POPCL_FIELD_CONFIG
             : !cfg->iobuf                                ? POPCL_FIELD_IOBUF
             : !events || !events->done || !events->ready ? POPCL_FIELD_EVENTS
             : cfg->security > POPCL_TLS_BELOW            ? POPCL_FIELD_SECURITY
             : cfg->connect_ms > POPCL_MS_MAX             ? POPCL_FIELD_CONNECT_MS
             : cfg->idle_ms > POPCL_MS_MAX                ? POPCL_FIELD_IDLE_MS
             : cfg->pause_ms > POPCL_MS_MAX               ? POPCL_FIELD_PAUSE_MS
             : cfg->total_ms > POPCL_MS_MAX               ? POPCL_FIELD_TOTAL_MS
                                                          : POPCL_FIELD_NONE;
    if (*field) return POPCL_ERR_ARGUMENT;
    return cfg->iobuf_len < POPCL_IOBUF_MIN ? POPCL_ERR_IOBUF_SMALL : POPCL_OK;
}

/* Returns whether popcl itself does TLS in this session. */
static int has_own_tls(const popcl_config *cfg) {
    return cfg->security == POPCL_TLS || cfg->security == POPCL_STLS;
}

/* If TLS is wanted, checks its settings and prepares it. With TLS below the session, the trust and
 * the pins of a popcl_tls would be applied by nobody, so there must be none. */
static popcl_err open_tls(const popcl_config *cfg, enum popcl_field *field) {
    const popcl_tls_layer *layer = popcl_tls_layer_of(cfg->tls);
    *field = POPCL_FIELD_TLS;
    if (cfg->security == POPCL_TLS_BELOW && cfg->tls) return POPCL_ERR_ARGUMENT;
    if (!has_own_tls(cfg)) return POPCL_OK;
    return layer ? layer->open(cfg) : POPCL_ERR_NO_TLS;
}

popcl_err popcl_machine_start(popcl *c, const popcl_config *cfg, const popcl_events *events,
                              void *ctx, uint32_t now_ms) {
    enum popcl_field field;
    popcl_err e = session_check(cfg, events, &field);
    if (!e) e = open_tls(cfg, &field);
    popcl_machine_refuse(c, e, field);
    if (e) return e;
    c->state = CONNECTING;
    c->cfg = cfg;
    c->events = events;
    c->ctx = ctx;
    if (cfg->window && cfg->window_len) {
        c->flight.many = cfg->window;
        c->window_len = cfg->window_len;
    }
    c->verb = c->err_verb = POPCL_VERBS;
    c->count = UINT32_MAX;
    c->clock = now_ms;
    c->until = popcl_or_default(cfg->connect_ms, POPCL_CONNECT_MS);
    c->taken = 1;
    popcl_link_open_clear(&c->link, cfg->iobuf, cfg->iobuf_len);
    if (has_own_tls(cfg)) c->link.tls = cfg->tls;
    return POPCL_OK;
}

popcl_err popcl_start(popcl *c, const popcl_config *cfg, const popcl_events *events, void *ctx,
                      uint32_t now_ms) {
    popcl_err e = popcl_machine_start(c, cfg, events, ctx, now_ms);
    c->public_owner = 1;
    return e;
}

/* ---- time ---- */

/* Sets the time. After a small step back of the clock, the time stays until the clock has caught
 * up. After a large step, or one that wraps, the time goes on from the new value. */
static void set_now(popcl *c, uint32_t now_ms) {
    uint32_t step = now_ms - c->clock;
    if (step <= POPCL_MS_MAX)
        c->passed += step;
    else if (c->clock - now_ms <= JITTER_MS)
        return;
    c->clock = now_ms;
}

/* Returns the milliseconds from the last tick to a time; 0 = it has passed. */
static uint32_t left(const popcl *c, uint32_t until) {
    return until > c->passed ? until - c->passed : 0;
}

static uint32_t total_left(const popcl *c) {
    return left(c, popcl_or_default(c->cfg->total_ms, POPCL_TOTAL_MS));
}

/* Returns the reserve in ms: the last part of the session's time, kept for QUIT. */
static uint32_t reserve_ms(const popcl *c) {
    uint32_t quarter = popcl_or_default(c->cfg->total_ms, POPCL_TOTAL_MS) / 4;
    return quarter < POPCL_QUIT_MS ? quarter : POPCL_QUIT_MS;
}

/* Returns the milliseconds that the present wait may take. In IDLE an owner that sends nothing
 * waits on purpose, unless nothing can be sent. */
static uint32_t wait_ms(const popcl *c) {
    const popcl_config *cfg = c->cfg;
    size_t room;
    if (c->state == CLOSED) return POPCL_SETTLE_MS;
    if (c->pause) return popcl_or_default(cfg->pause_ms, POPCL_PAUSE_MS);
    if (c->state == LEAVING) return LEAVE_MS;
    if (c->state == IDLE && !c->send_failed && c->link.ops->out(&c->link, &room))
        return POPCL_MS_MAX;
    return popcl_or_default(cfg->idle_ms, POPCL_IDLE_MS);
}

/* Returns the milliseconds until the present wait is too long. */
static uint32_t wait_left(const popcl *c) { return c->moved ? wait_ms(c) : left(c, c->until); }

/* Returns the error for a wait that is too long. */
static popcl_err wait_error(const popcl *c) {
    popcl_err e = (popcl_err)popcl_states[c->state].idle;
    if (total_left(c) == 0) return POPCL_ERR_TIMEOUT_TOTAL;
    if (c->pause) return POPCL_ERR_TIMEOUT_PAUSE;
    if (c->state == IDLE && c->send_failed) return POPCL_ERR_TIMEOUT_SEND;
    if (e || c->state == LEAVING) return e;
    if (c->link.ops->unsent(&c->link)) return POPCL_ERR_TIMEOUT_SEND;
    return c->verb == POPCL_QUIT ? POPCL_ERR_TIMEOUT_QUIT : POPCL_ERR_TIMEOUT_REPLY;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

uint32_t popcl_next_deadline(const popcl *c) {
    if (popcl_is_done(c)) return POPCL_MS_MAX;
    uint32_t next = wait_left(c), total = total_left(c), reserve = reserve_ms(c);
    if (c->state == CLOSED) return next;
    if (c->pause == POPCL_COMPUTING) return 0;
    if (total <= reserve) reserve /= 2; /* `late` was called, and is called again */
    return smaller(next, total > reserve ? total - reserve : total);
}

/* An event may have ended the session, or its pause. */
static void after_event(popcl *c, int ends_pause) {
    if (!popcl_machine_is_over_now(c) && ends_pause) popcl_machine_unpause(c);
}

/* Reports to the owner that the reserve for QUIT has begun, or that half of it is over. */
static void look_at_reserve(popcl *c) {
    uint32_t total = total_left(c), reserve = reserve_ms(c);
    if (!c->phase || !c->events->late || total > reserve) return;
    int ends_pause = c->events->late(c->ctx, total <= reserve / 2);
    after_event(c, ends_pause);
}

void popcl_tick(popcl *c, uint32_t now_ms) {
    if (!begin_call(c)) return;
    set_now(c, now_ms);
    if (c->moved) c->until = c->passed + wait_ms(c);
    c->moved = 0;
    int over = wait_left(c) == 0;
    if (c->state != CLOSED && (over || total_left(c) == 0))
        popcl_machine_finish(c, wait_error(c));
    else if (c->state != CLOSED)
        look_at_reserve(c);
    else if (over)
        popcl_machine_settle(c, POPCL_END_LAST);
    if (c->pause == POPCL_COMPUTING) {
        c->moved = 1; /* each step is progress */
        popcl_machine_unpause(c);
    }
    end_call(c);
}

/* ---- the other pumps ---- */

const char *popcl_connect(popcl *c, uint32_t now_ms, uint16_t *port, uint32_t *limit_ms) {
    const popcl_config *cfg = c->cfg;
    *port = 0;
    *limit_ms = 0;
    if (popcl_is_over(c)) return NULL;
    uint32_t connect = popcl_or_default(cfg->connect_ms, POPCL_CONNECT_MS),
             total = popcl_or_default(cfg->total_ms, POPCL_TOTAL_MS);
    if (c->state == CONNECTING) {
        c->clock = now_ms;
        c->passed = 0;
        c->until = connect;
    }
    int is_pop3s = cfg->security == POPCL_TLS || cfg->security == POPCL_TLS_BELOW;
    *port = cfg->port ? cfg->port : is_pop3s ? 995 : 110;
    *limit_ms = connect < total ? connect : total;
    return cfg->host;
}

void popcl_connected(popcl *c, uint32_t now_ms) {
    if (!begin_call(c)) return;
    if (c->state == CONNECTING) {
        set_now(c, now_ms);
        c->until = c->passed + popcl_or_default(c->cfg->idle_ms, POPCL_IDLE_MS);
        if (popcl_wants_secured(c) && !c->secured) {
            popcl_machine_finish(c, POPCL_ERR_NOT_SECURED);
        } else if (c->cfg->security == POPCL_TLS) {
            popcl_machine_enter(c, SECURING);
            popcl_machine_pump(c); /* the client sends first: ClientHello */
        } else {
            popcl_machine_begin_status(c);
            popcl_machine_enter(c, GREETING);
        }
    }
    end_call(c);
}

void popcl_connected_secured(popcl *c, uint32_t now_ms, const popcl_end_point *end_point) {
    if (c->state == CONNECTING && popcl_wants_secured(c)) {
        c->secured = 1;
        c->end_point = end_point;
    }
    popcl_connected(c, now_ms);
}

int popcl_wants_secured(const popcl *c) { return c->cfg && c->cfg->security == POPCL_TLS_BELOW; }

unsigned popcl_state(const popcl *c) {
    size_t n;
    if (popcl_is_done(c)) return POPCL_DONE;
    unsigned state = c->pause;
    popcl_send_buf(c, &n);
    if (n) state |= POPCL_SEND;
    if (c->state >= SECURING && !c->pause && !c->eof) {
        c->link.ops->recv_buf(&c->link, &n);
        if (n) state |= POPCL_RECV;
    }
    return state;
}

const unsigned char *popcl_send_buf(const popcl *c, size_t *n) {
    *n = 0;
    if (!popcl_may_send(c)) return NULL;
    return c->link.ops->send_buf(&c->link, n);
}

void popcl_send_ack(popcl *c, size_t n) {
    size_t offered;
    if (!begin_call(c)) return;
    popcl_send_buf(c, &offered);
    if (offered && n > offered) {
        popcl_machine_finish(c, POPCL_ERR_PORT);
    } else if (offered && n) {
        /* 0 = octets of TLS itself: a server that provokes alerts gets no time for them */
        int commands = c->link.ops->unsent(&c->link) != 0;
        c->link.ops->send_ack(&c->link, n);
        if (quit_in_flight(c) && c->link.ops->unsent(&c->link) < sizeof "QUIT\r\n" - 1)
            c->quit_left = 1;
        if (!c->pause && commands && c->state != SECURING) c->moved = 1;
        if (c->state != LEAVING)
            popcl_machine_pump(c);
        else if (popcl_send_buf(c, &offered), offered == 0)
            popcl_machine_leave(c);
    }
    end_call(c);
}

/* A command that was not sent gets no reply. It stays unsent, so octets that come for it are seen
 * as unasked. */
void popcl_send_failed(popcl *c) {
    if (!begin_call(c)) return;
    c->send_failed = 1;
    if (c->state == IDLE) c->moved = 1; /* from here on it waits for the end */
    if (c->state == LEAVING)
        popcl_machine_leave(c);
    else if (c->state != CONNECTING && c->state != CLOSED)
        popcl_machine_pump(c);
    end_call(c);
}

unsigned char *popcl_recv_buf(const popcl *c, size_t *n) {
    *n = 0;
    return popcl_state(c) & POPCL_RECV ? c->link.ops->recv_buf(&c->link, n) : NULL;
}

/* Returns how many commands can be answered by the octets that came: the ones that were sent
 * before. A response of which a part is still to be written is alone in flight. */
static uint16_t count_answerable(const popcl *c) {
    size_t unsent = c->link.ops->unsent(&c->link);
    unsigned n = popcl_machine_is_writing(c) ? 0 : c->in_flight;
    for (; n && unsent; n--) {
        size_t octets = nth(c, n - 1)->octets;
        unsent = unsent > octets ? unsent - octets : 0;
    }
    return (uint16_t)n;
}

void popcl_recv_ack(popcl *c, size_t n) {
    size_t offered;
    if (!begin_call(c)) return;
    popcl_recv_buf(c, &offered);
    if (n > offered) {
        popcl_machine_finish(c, POPCL_ERR_PORT);
    } else if (n) {
        c->answerable = count_answerable(c);
        /* a handshake has one limit for its whole length */
        if (c->link.ops->recv_ack(&c->link, n) && c->state != SECURING) c->moved = 1;
        popcl_machine_pump(c);
    }
    end_call(c);
}

void popcl_recv_eof(popcl *c) {
    if (!begin_call(c)) return;
    c->eof = 1;
    if (c->state == LEAVING)
        popcl_machine_leave(c);
    else if (c->state != CLOSED)
        popcl_machine_pump(c);
    end_call(c);
}

void popcl_resume(popcl *c) {
    if (!begin_call(c)) return;
    if (c->state == CLOSED)
        popcl_machine_settle(c, POPCL_END_ASKS);
    else
        popcl_machine_unpause(c);
    end_call(c);
}

void popcl_stop(popcl *c) {
    if (!begin_call(c)) return;
    if (!popcl_is_over(c) && c->events->stop) {
        int ends_pause = c->events->stop(c->ctx);
        after_event(c, ends_pause);
    } else if (!popcl_is_over(c)) {
        popcl_machine_finish(c, POPCL_ERR_STOPPED);
    }
    end_call(c);
}

/* ---- the end, from outside ---- */

/* Returns the meaning of a reported failure in this state. */
static popcl_err fail_meaning(const popcl *c, popcl_err why) {
    if (why == POPCL_OK || why == POPCL_MORE || (unsigned)why >= POPCL_ERR_COUNT_)
        return POPCL_ERR_ARGUMENT;
    /* a reset while QUIT waits for its reply leaves the same doubt as an end of the connection */
    if (why == POPCL_ERR_NET && popcl_awaits_quit(c)) return POPCL_ERR_QUIT_UNKNOWN;
    /* some servers refuse a client by a reset in the handshake */
    if (why == POPCL_ERR_NET && c->state == SECURING) return POPCL_ERR_TLS_CLOSED;
    return why;
}

void popcl_machine_fail(popcl *c, popcl_err why) {
    if (!c->failing) c->failing = (uint8_t)fail_meaning(c, why);
}

void popcl_fail(popcl *c, popcl_err why, int net_code) {
    int inside = c->busy == BUSY && c->public_owner;
    if (!inside && !begin_call(c)) return;
    if (!popcl_is_over(c) && !c->failing) c->net_code = net_code; /* of the first failure */
    popcl_machine_fail(c, why);
    if (inside) return;
    popcl_machine_is_over_now(c);
    end_call(c);
}

int popcl_machine_wipe(popcl *c) {
    if (c->busy != NOT_BUSY) {
        c->busy = MISUSED;
        return 0;
    }
    c->busy = BUSY;
    if (!popcl_is_done(c)) {
        c->state = CLOSED;
        c->pause = 0;
        c->result = POPCL_ERR_STOPPED;
        popcl_machine_release_secret(c);
        popcl_machine_settle(c, POPCL_END_WIPED);
    }
    if (c->link.buf) popcl_zero(c->link.buf, c->link.len);
    if (c->link.tls) popcl_tls_layer_of(c->link.tls)->wipe(c->link.tls);
    popcl_zero(c, sizeof *c);
    return 1;
}

void popcl_wipe(popcl *c) { popcl_machine_wipe(c); }

/* ---- commands ---- */

/* Octets of commands that may be in flight if nothing can be received while a command waits to be
 * sent. A peer's kernel always holds so many. Otherwise both sides could wait for each other: the
 * server until it can send, and popcl until its command has left. */
#define ONE_WAY_OCTETS 512u

/* Returns whether a line of so many octets may be sent after the commands in flight. That takes a
 * server that offers PIPELINING (RFC 2449, 6.6). The answer to a login or to STLS changes what may
 * follow, and some servers lose what comes with PASS. A line that is no reply ends the session, as
 * soon as it is whole. */
static int may_follow(const popcl *c, size_t octets) {
    unsigned verb = popcl_machine_newest(c)->verb;
    int opens = popcl_verbs[verb].logs_in && !(c->phase & POPCL_IN_TRANSACTION);
    return c->in_flight < c->window_len && c->caps.tags & POPCL_CAPA_PIPELINING && !opens &&
           verb != POPCL_START_TLS && !c->parser.bad &&
           (!c->link.one_way || c->octets_in_flight + octets <= ONE_WAY_OCTETS);
}

int popcl_can_submit(const popcl *c) {
    return c->phase && popcl_may_send(c) &&
           (c->in_flight == 0 || may_follow(c, POPCL_COMMAND_SHORT));
}

static void trace_command(popcl *c, const unsigned char *line, const popcl_line *l) {
    if (l->secret_from) popcl_machine_trace(c, POPCL_TRACE_SENT, line, l->secret_from);
    if (l->secret_to > l->secret_from) popcl_machine_trace(c, POPCL_TRACE_SENT, "***", 3);
    popcl_machine_trace(c, POPCL_TRACE_SENT, "", 0);
}

popcl_err popcl_machine_write(popcl *c, const popcl_command *command, unsigned char *p,
                              size_t room) {
    const popcl_secret *secret = command ? popcl_command_secret(command) : c->secret;
    popcl_line l;
    if (c->secret != secret) popcl_machine_release_secret(c);
    uint8_t busy = c->busy;
    c->busy = LOCKED;
    popcl_err e = command ? popcl_command_write(command, p, room, &l)
                          : popcl_response_write(secret, c->written, p, room, &l);
    if (c->busy == LOCKED) c->busy = busy;
    if (l.read_secret) c->secret = secret;
    if (e != POPCL_ERR_SECRET_WAIT && !l.goes_on) popcl_machine_release_secret(c);
    if (!e && command) trace_command(c, p, &l); /* before the link may encrypt it */
    if (!e && c->busy == MISUSED) {
        popcl_zero(p, l.len);
        e = POPCL_ERR_REENTRANT;
    }
    if (e) return e;
    if (command) {
        c->written = 0;
        c->in_flight++;
        popcl_machine_newest(c)->octets = 0;
    }
    popcl_flight *f = popcl_machine_newest(c);
    f->octets = (uint16_t)(f->octets + l.len);
    c->octets_in_flight = (uint16_t)(c->octets_in_flight + l.len);
    c->written += l.secret_to - l.secret_from;
    c->link.ops->out_ack(&c->link, l.len);
    c->moved = 1; /* the wait for the reply begins now */
    return POPCL_OK;
}

popcl_err popcl_machine_submit(popcl *c, const popcl_command *command, uint32_t tag) {
    size_t room;
    if ((unsigned)command->verb >= POPCL_VERBS || !(popcl_verbs[command->verb].states & c->phase))
        return POPCL_ERR_STATE;
    /* a second greeting would answer it; CAPA and QUIT show it */
    if (c->greets_again && !(popcl_verbs[command->verb].states & POPCL_BEFORE_TLS))
        return POPCL_ERR_STATE;
    if (!popcl_can_submit(c)) return c->state <= HELD ? POPCL_ERR_WOULD_BLOCK : POPCL_ERR_STATE;
    if (popcl_command_number(command) > c->count) return POPCL_ERR_MESSAGE_NUMBER;
    unsigned char *p = c->link.ops->out(&c->link, &room);
    size_t octets = popcl_command_room(command);
    int behind = c->in_flight != 0;
    if (room < octets || (behind && command->verb == POPCL_START_TLS) ||
        (behind && !may_follow(c, octets)))
        return POPCL_ERR_WOULD_BLOCK;
    popcl_err e = popcl_machine_write(c, command, p, room);
    if (e) return e;
    popcl_flight *f = popcl_machine_newest(c);
    f->tag = tag;
    f->verb = (uint8_t)command->verb;
    f->shape = (uint8_t)popcl_command_shape(command);
    if (command->verb == POPCL_QUIT) c->phase = 0;
    if (c->state == IDLE) popcl_machine_await_next(c);
    return POPCL_OK;
}

popcl_err popcl_submit(popcl *c, const popcl_command *command, uint32_t tag) {
    if (!c->public_owner || popcl_is_done(c)) return POPCL_ERR_STATE;
    if (c->busy == BUSY) return popcl_machine_submit(c, command, tag);
    if (!begin_call(c)) return POPCL_ERR_REENTRANT;
    popcl_err e = popcl_machine_submit(c, command, tag);
    if (!e) c->link.ops->flush(&c->link);
    end_call(c);
    return e;
}

/* ---- queries ---- */

const char *popcl_version(void) { return POPCL_VERSION; }

popcl_err popcl_result(const popcl *c) {
    return c->result || c->cfg ? (popcl_err)c->result : POPCL_ERR_STATE;
}

void *popcl_machine_spare(const popcl *c, size_t *n) {
    *n = 0;
    return c->link.tls ? popcl_tls_layer_of(c->link.tls)->spare(c->link.tls, n) : NULL;
}

size_t popcl_machine_end_point(const popcl *c, unsigned char hash[POPCL_END_POINT_MAX]) {
    const popcl_end_point *below = c->end_point;
    if (c->link.tls) return popcl_tls_layer_of(c->link.tls)->end_point(c->link.tls, hash);
    if (!below || below->len > POPCL_END_POINT_MAX) return 0;
    memcpy(hash, below->hash, below->len);
    return below->len;
}

unsigned popcl_in_flight(const popcl *c) { return c->in_flight; }

int popcl_net_code(const popcl *c) { return c->net_code; }

const popcl_reply *popcl_last_reply(const popcl *c) { return &c->reply; }

popcl_verb popcl_last_verb(const popcl *c) { return (popcl_verb)c->verb; }

int popcl_machine_is_challenged(const popcl *c) { return c->phase == POPCL_IN_EXCHANGE; }

int popcl_machine_is_logged_in(const popcl *c) { return (c->phase & POPCL_IN_TRANSACTION) != 0; }

uint32_t popcl_machine_passed_over(const popcl *c) { return c->passed_over + c->stray; }

const popcl_caps *popcl_capabilities(const popcl *c) { return &c->caps; }

const char *popcl_state_name(const popcl *c) { return popcl_states[c->state].name; }
