/* SPDX-License-Identifier: MIT */
/* machine - the state machine of a session: commands out, replies in, one state at a time. It knows
 * the grammar of a session (RFC 1939, 3 to 6), not its purpose. It knows neither sockets nor TLS:
 * octets come through a link. The events report to the owner everything that happens to a command.
 *
 *    CONNECTING -> [SECURING] -> GREETING -> [HELD] -> IDLE
 *    IDLE --command--> STATUS -> [LINES | BODY] -> [HELD] -> IDLE
 *    STATUS --challenge (AUTH)--> [HELD] -> IDLE in exchange --response--> STATUS
 *    STATUS --+OK to STLS--> [HELD] -> SECURING -> IDLE
 *    IDLE | STATUS --octets without a command--> UNASKED -> ENDING
 *    any state -> [LEAVING] -> CLOSED
 *
 * While other commands are in flight, STATUS takes the place of IDLE. IDLE in exchange: a challenge
 * came, or a +OK in its place, so only a response may be submitted (RFC 5034, 4). SECURING: the TLS
 * handshake, before the greeting or after +OK to STLS. LEAVING: the session succeeded, and TLS
 * sends its orderly shutdown. HELD: a reply is complete, and its owner asked for time. UNASKED:
 * octets came that no command asked for. Only `-ERR` and the end of the connection may follow: the
 * server shuts down, or is tired of waiting. Anything else is an error, and never answers a later
 * command. CLOSED with a pause: the session is over, and its owner asked for time. */
#include <string.h>

#include "command.h"
#include "link.h"
#include "machine.h"
#include "reply.h"
#include "wire.h"
#include "zero.h"

const popcl_state_row popcl_states[] = {
    [CLOSED] = {"closed", 0, 0},
    [LEAVING] = {"leaving", 0, 0},
    [CONNECTING] = {"connecting", POPCL_ERR_TIMEOUT_CONNECT, POPCL_ERR_CLOSED_GREETING},
    [SECURING] = {"securing", POPCL_ERR_TIMEOUT_TLS, POPCL_ERR_TLS_CLOSED},
    [GREETING] = {"greeting", POPCL_ERR_TIMEOUT_GREETING, POPCL_ERR_CLOSED_GREETING},
    [IDLE] = {"idle", POPCL_ERR_UNASKED, 0},
    [STATUS] = {"status", 0, 0},
    [LINES] = {"listing", 0, 0},
    [BODY] = {"message", POPCL_ERR_TIMEOUT_MESSAGE, POPCL_ERR_CLOSED_MESSAGE},
    [HELD] = {"held", 0, 0},
    [UNASKED] = {"unasked", POPCL_ERR_UNASKED, 0},
    [ENDING] = {"ending", POPCL_ERR_UNASKED, POPCL_ERR_SERVER_CLOSED},
};

/* the most lines of a listing that name no message, if STAT counts less than half as many */
#define STRAY_MAX 1000u

void popcl_machine_trace(popcl *c, popcl_trace kind, const void *p, size_t n) {
    uint8_t busy = c->busy;
    if (!c->cfg->trace) return;
    c->busy = LOCKED;
    c->cfg->trace(c->cfg->trace_ctx, kind, p, n);
    if (c->busy == LOCKED) c->busy = busy;
}

/* The only writer of c->state. */
void popcl_machine_enter(popcl *c, enum state next) {
    if (c->state == next) return;
    c->state = (uint8_t)next;
    popcl_machine_trace(c, POPCL_TRACE_STATE, popcl_states[next].name,
                        strlen(popcl_states[next].name));
}

const popcl_flight *popcl_machine_oldest(const popcl *c) {
    return c->window_len ? &c->flight.many[c->first] : &c->flight.one;
}

static uint32_t tag_of(popcl *c) {
    return c->verb == POPCL_VERBS ? POPCL_TAG_GREETING : popcl_machine_oldest(c)->tag;
}

/* ---- the end ---- */

/* Ends the use of the secret. If it is pulled, its callback is called with a NULL buffer. */
void popcl_machine_release_secret(popcl *c) {
    const popcl_secret *s = c->secret;
    uint8_t busy = c->busy;
    c->secret = NULL;
    if (!s || s->octets) return;
    c->busy = LOCKED;
    s->get(s->ctx, 0, NULL, 0);
    if (c->busy == LOCKED) c->busy = busy;
}

/* Asks the owner for the final result; the owner may ask for time. */
void popcl_machine_settle(popcl *c, popcl_end end) {
    popcl_err result = (popcl_err)c->result;
    unsigned why = c->events->closed ? c->events->closed(c->ctx, &result, end) : 0;
    c->result = (uint8_t)((unsigned)result < POPCL_ERR_COUNT_ ? result : POPCL_ERR_ARGUMENT);
    c->pause = (uint8_t)(end == POPCL_END_ASKS ? why & POPCL_PAUSED : 0);
}

/* A session that was never connected has nothing to settle, and its driver has no connection to
 * wait on. */
void popcl_machine_leave(popcl *c) {
    popcl_end end = c->state == CONNECTING ? POPCL_END_LAST : POPCL_END_ASKS;
    popcl_machine_enter(c, CLOSED);
    popcl_zero(c->link.buf, c->link.len);
    if (c->link.tls) popcl_tls_layer_of(c->link.tls)->forget(c->link.tls);
    popcl_machine_release_secret(c);
    c->moved = 1; /* the time of `closed` begins with the next tick */
    popcl_machine_settle(c, end);
}

/* Ends the session with a result; the first result stays. A reply to the login that was not
 * understood is shown as far as it came. POPCL_ERR_STATUS then counts before the error that ended
 * the reply, unless the caller ended the session. After success, the orderly shutdown of TLS
 * follows; a failure of it does not change the result. */
void popcl_machine_finish(popcl *c, popcl_err result) {
    if (c->state == CLOSED) return;
    /* a word of CAPA is no text of a reply */
    if (c->state == LINES && c->parser.form == POPCL_FORM_CAPA)
        c->reply.text_len = 0, c->reply.text[0] = 0;
    if (result && c->state == STATUS && c->parser.keep && c->parser.octets) {
        if (c->reply.text_len) c->err_verb = c->verb;
        int own = result == POPCL_ERR_STOPPED || result == POPCL_ERR_REENTRANT ||
                  result == POPCL_ERR_PORT || (c->failing && result != POPCL_ERR_NET);
        if (c->parser.bad == POPCL_ERR_STATUS && !own) result = POPCL_ERR_STATUS;
    }
    if (c->state != LEAVING) {
        c->result = (uint8_t)result;
        c->phase = 0;
        c->pause = 0;
    }
    if (result == POPCL_OK && c->state != LEAVING && c->link.ops != &popcl_link_clear)
        popcl_machine_enter(c, LEAVING);
    else
        popcl_machine_leave(c);
}

/* Returns whether the session is over, after an event that may have ended it. If so, octets that
 * are still in the buffer no longer count. */
int popcl_machine_is_over_now(popcl *c) {
    popcl_err why = c->busy == MISUSED ? POPCL_ERR_REENTRANT : (popcl_err)c->failing;
    if (why) popcl_machine_finish(c, why);
    c->failing = 0;
    return popcl_is_over(c);
}

/* The time of a pause begins with the next tick. If it comes right after another pause, which
 * brought no progress, that pause's time goes on instead. */
static void pause_for(popcl *c, unsigned why) {
    c->pause = (uint8_t)why;
    c->moved = c->taken;
}

/* ---- replies ---- */

static void begin_line(popcl *c, unsigned form, int listing) {
    popcl_wire_reset(&c->wire);
    popcl_reply_begin(&c->parser, &c->reply, (enum popcl_form)form, listing);
}

void popcl_machine_begin_status(popcl *c) {
    const popcl_flight *f = popcl_machine_oldest(c);
    int single = c->in_flight && f->shape <= POPCL_SINGLE_OR_CHALLENGE;
    begin_line(c, single ? popcl_verbs[f->verb].form : POPCL_FORM_TEXT, 0);
    c->parser.keep = c->in_flight && c->phase && !(c->phase & POPCL_IN_TRANSACTION);
}

/* Waits for the reply to the oldest command in flight. If no command is in flight, the session is
 * IDLE. */
void popcl_machine_await_next(popcl *c) {
    if (c->in_flight) {
        c->verb = popcl_machine_oldest(c)->verb;
        popcl_machine_begin_status(c);
        popcl_machine_enter(c, STATUS);
    } else {
        popcl_machine_enter(c, IDLE);
    }
}

static void drop_oldest(popcl *c) {
    c->octets_in_flight = (uint16_t)(c->octets_in_flight - popcl_machine_oldest(c)->octets);
    c->in_flight--;
    c->first = (uint16_t)(c->first + 1 < c->window_len ? c->first + 1 : 0);
    if (c->answerable) c->answerable--;
}

/* Returns the phase after the reply to a login command. */
static uint8_t login_phase(const popcl *c) {
    return c->reply.status == POPCL_STATUS_OK    ? POPCL_IN_TRANSACTION
           : c->reply.status == POPCL_STATUS_ERR ? POPCL_IN_AUTHORIZATION
                                                 : POPCL_IN_EXCHANGE;
}

/* Reports a complete reply to its owner, and again after a pause. Then the command is no longer in
 * flight. A login changes the phase only once, since QUIT may have been submitted in the pause. TLS
 * learns of the login last, since the owner may refuse to believe it. */
static void complete(popcl *c) {
    popcl_verb verb = (popcl_verb)c->verb;
    int ok = c->reply.status == POPCL_STATUS_OK;
    int login = verb < POPCL_VERBS && popcl_verbs[verb].logs_in;
    if (login && c->state != HELD) c->phase = login_phase(c);
    unsigned answer = c->events->done(c->ctx, tag_of(c), &c->reply);
    if (popcl_machine_is_over_now(c)) return;
    if (answer & POPCL_PAUSED) {
        popcl_machine_enter(c, HELD);
        pause_for(c, answer & POPCL_PAUSED);
        return;
    }
    c->taken = 1;
    if (ok && answer & POPCL_LOGIN_GOES_ON && c->in_flight == 1 &&
        popcl_machine_oldest(c)->shape == POPCL_SINGLE_OR_CHALLENGE)
        c->phase = POPCL_IN_EXCHANGE;
    else if (ok && login && c->link.tls)
        popcl_tls_layer_of(c->link.tls)->logged_in(c->link.tls);
    c->greets_again = 0;
    if (verb < POPCL_VERBS) drop_oldest(c);
    if (verb == POPCL_QUIT) {
        popcl_machine_finish(c, ok ? POPCL_OK : POPCL_ERR_QUIT_REFUSED);
    } else if (verb == POPCL_START_TLS && ok) {
        c->phase = 0; /* no command until the handshake is done */
        popcl_machine_enter(c, SECURING);
    } else {
        popcl_machine_await_next(c);
    }
}

/* Octets arrive that no command in flight can have caused. */
static void unasked(popcl *c) {
    popcl_machine_begin_status(c);
    popcl_machine_enter(c, UNASKED);
}

static void line_failed(popcl *c, popcl_err why) {
    if (c->state == UNASKED) why = c->greets_again ? POPCL_ERR_GREETED_AGAIN : POPCL_ERR_UNASKED;
    if (c->state == GREETING && why == POPCL_ERR_STATUS) why = POPCL_ERR_NOT_POP3;
    popcl_machine_finish(c, why);
}

static void begin_lines(popcl *c) {
    /* the newest list counts (RFC 2449, 5) */
    if (c->verb == POPCL_CAPA) memset(&c->caps, 0, sizeof c->caps);
    c->passed_over += c->stray;
    c->lines = c->stray = 0;
    begin_line(c, popcl_verbs[c->verb].form, 1);
    popcl_machine_enter(c, LINES);
}

static void begin_body(popcl *c) {
    popcl_wire_reset(&c->wire);
    popcl_machine_enter(c, BODY);
    if (c->events->open) c->events->open(c->ctx, tag_of(c), &c->reply);
    popcl_machine_is_over_now(c);
}

static void greeted(popcl *c) {
    if (c->reply.status != POPCL_STATUS_OK) {
        popcl_machine_finish(c, popcl_reply_error(&c->reply, POPCL_ERR_GREETING_REFUSED));
        return;
    }
    c->phase = c->cfg->security == POPCL_STLS ? POPCL_BEFORE_TLS : POPCL_IN_AUTHORIZATION;
    complete(c);
}

static void reply_answered(popcl *c) {
    unsigned shape = popcl_machine_oldest(c)->shape;
    int ok = c->reply.status == POPCL_STATUS_OK;
    /* a message marked as deleted is no longer counted (RFC 1939, 5), but keeps its number */
    if (ok && c->verb == POPCL_STAT && (c->count == UINT32_MAX || c->reply.number > c->count))
        c->count = c->reply.number;
    if (!ok || shape <= POPCL_SINGLE_OR_CHALLENGE)
        complete(c); /* -ERR has no body (RFC 1939, 3) */
    else if (shape == POPCL_LINES)
        begin_lines(c);
    else
        begin_body(c);
}

/* Takes a line of LIST or UIDL. A line that names no message is passed over, up to a limit. If
 * there are more lines than messages, they name a message twice. */
static void message_line(popcl *c) {
    int stray = c->reply.number == 0 || c->reply.number > c->count;
    c->stray += (unsigned)stray;
    if (c->lines - c->stray > c->count || (c->stray > STRAY_MAX && (c->stray - 1) / 2 >= c->count))
        popcl_machine_finish(c, POPCL_ERR_LISTING);
    else if (!stray && c->events->line)
        c->events->line(c->ctx, tag_of(c), &c->reply);
}

static void listing_line(popcl *c, popcl_err e) {
    int capa = c->verb == POPCL_CAPA;
    c->lines++;
    if (e == POPCL_ERR_GREETED_AGAIN && !c->greets_again) e = POPCL_OK;
    /* a number that is too large to read is above any count that was read */
    if (e == POPCL_ERR_NUMBER_RANGE && c->count < UINT32_MAX) {
        c->reply.number = UINT32_MAX;
        e = POPCL_OK;
    }
    if (capa && c->lines > POPCL_CAPA_LINES_MAX) e = POPCL_ERR_CAPA_LENGTH;
    if (e)
        popcl_machine_finish(c, e);
    else if (!capa)
        message_line(c);
    if (!popcl_machine_is_over_now(c)) begin_line(c, c->parser.form, 1);
}

static void line_end(popcl *c, popcl_err e) {
    if (c->state == LINES) {
        listing_line(c, e);
        return;
    }
    if (c->reply.status == POPCL_STATUS_ERR)
        c->err_verb = c->state == UNASKED ? POPCL_VERBS : c->verb;
    if (e)
        line_failed(c, e);
    else if (c->state == GREETING)
        greeted(c);
    else if (c->state == STATUS)
        reply_answered(c);
    else
        popcl_machine_enter(c, ENDING); /* UNASKED and -ERR: line_text lets nothing else pass */
}

static void line_text(popcl *c, const unsigned char *p, size_t n) {
    size_t text = popcl_reply_take(&c->parser, &c->reply, &c->caps, p, n);
    if (c->state == LINES) return;
    int wrong = c->parser.bad == POPCL_ERR_STATUS ||
                (c->state == UNASKED && c->reply.status != POPCL_STATUS_ERR);
    if (wrong && c->parser.keep && c->state == STATUS)
        return; /* the rest of the line is kept too, to be shown */
    if (wrong) {
        line_failed(c, POPCL_ERR_STATUS);
    } else if (text < n && c->state != UNASKED && c->events->text) {
        c->events->text(c->ctx, tag_of(c), p + text, n - text);
        popcl_machine_is_over_now(c);
    }
}

/* Returns the limit of a line, in octets. RFC 1939 has no limit for a listing's lines, and those of
 * LIST are short. */
static unsigned line_limit(const popcl *c) {
    if (c->state == LINES && c->parser.form != POPCL_FORM_LIST) return POPCL_CAPA_LINE_MAX;
    return c->state == STATUS && c->parser.form == POPCL_FORM_CHALLENGE ? POPCL_CHALLENGE_MAX
                                                                        : POPCL_LINE_MAX;
}

/* Each of the following functions takes some octets of p[0..n), and returns how many. */
static size_t take_line(popcl *c, const unsigned char *p, size_t n) {
    popcl_wire_piece x;
    size_t room = line_limit(c) - c->parser.octets;
    if (room == 0) {
        line_failed(c, POPCL_ERR_LINE_LENGTH);
        return n;
    }
    popcl_wire_event event =
        popcl_wire_next(&c->wire, c->state == LINES ? POPCL_WIRE_LISTING : POPCL_WIRE_STATUS, p,
                        n < room ? n : room, &x);
    c->parser.octets = (uint16_t)(c->parser.octets + x.used);
    switch (event) {
    case POPCL_WIRE_MORE: break;
    case POPCL_WIRE_SPAN:
        popcl_machine_trace(c, POPCL_TRACE_RECEIVED, x.span, x.span_n);
        line_text(c, x.span, x.span_n);
        break;
    case POPCL_WIRE_EOL:
        popcl_machine_trace(c, POPCL_TRACE_RECEIVED, "", 0);
        line_end(c, popcl_reply_end(&c->parser, &c->reply, &c->caps));
        break;
    case POPCL_WIRE_END: complete(c); break;
    case POPCL_WIRE_LF: line_failed(c, POPCL_ERR_BARE_LF); break;
    case POPCL_WIRE_NUL: line_failed(c, POPCL_ERR_NUL); break;
    }
    return x.used;
}

/* Stays with the body as long as the owner takes all octets that it is offered. A session spends
 * most of its time here. */
static size_t take_body(popcl *c, const unsigned char *p, size_t n) {
    size_t done = 0, taken;
    popcl_wire_piece x;
    do {
        popcl_wire_event event = popcl_wire_next(&c->wire, POPCL_WIRE_BODY, p + done, n - done, &x);
        done += x.used;
        if (event == POPCL_WIRE_END) complete(c);
        if (event != POPCL_WIRE_SPAN) return done;
        taken = c->events->body ? c->events->body(c->ctx, tag_of(c), x.span, x.span_n) : x.span_n;
        if (popcl_machine_is_over_now(c)) return done;
        if (taken > x.span_n) taken = x.span_n;
        if (taken) c->taken = 1;
        done += popcl_wire_take(&c->wire, x.span, taken);
    } while (taken == x.span_n);
    pause_for(c, POPCL_PAUSED_SINK);
    return done;
}

static size_t take(popcl *c, const unsigned char *p, size_t n) {
    int early = c->state == STATUS && c->parser.octets == 0 && !c->answerable;
    if (c->state == BODY) return take_body(c, p, n);
    if (c->state == ENDING)
        popcl_machine_finish(c, POPCL_ERR_UNASKED);
    else if (c->state == IDLE || early)
        unasked(c);
    else
        return take_line(c, p, n);
    return 0;
}

/* ---- the pump ---- */

static void stream_ended(popcl *c) {
    popcl_err e = (popcl_err)popcl_states[c->state].end;
    if (!e) e = popcl_awaits_quit(c) ? POPCL_ERR_QUIT_UNKNOWN : POPCL_ERR_CLOSED;
    popcl_machine_finish(c, c->state == ENDING ? popcl_reply_error(&c->reply, e) : e);
}

/* ---- TLS ---- */

/* Drops all that came in clear text before TLS: it is no longer believed (RFC 2595, 4; RFC 2449,
 * 5). */
static void forget(popcl *c) {
    memset(&c->caps, 0, sizeof c->caps);
    memset(&c->reply, 0, sizeof c->reply);
    c->err_verb = POPCL_VERBS;
}

static void begin_tls(popcl *c) {
    forget(c);
    popcl_machine_enter(c, SECURING);
    popcl_tls_layer_of(c->link.tls)->secure(&c->link);
}

/* The handshake is done. After STLS there is no second greeting (RFC 2595, 4). If a server sends
 * one all the same, it comes before all replies. Each reply would then be taken for the answer to
 * the next command. */
static void secured(popcl *c) {
    c->moved = 1;
    if (c->verb == POPCL_START_TLS) {
        c->greets_again = 1;
        c->phase = POPCL_IN_AUTHORIZATION;
        popcl_machine_enter(c, IDLE);
    } else {
        popcl_machine_begin_status(c);
        popcl_machine_enter(c, GREETING);
    }
}

/* Does the next step of a session that is in SECURING, or to which no octets come. Returns 0 if the
 * session has to wait. */
static int advance(popcl *c, size_t n) {
    int clear = c->link.ops == &popcl_link_clear;
    enum popcl_link_state link = c->link.ops->state(&c->link);
    /* octets in clear text after +OK to STLS were injected (RFC 2595, 4) */
    if (c->state == SECURING && clear && n)
        popcl_machine_finish(c, POPCL_ERR_STLS_SURPLUS);
    else if (c->state == SECURING && clear)
        begin_tls(c);
    else if (link == POPCL_LINK_FAILED)
        popcl_machine_finish(c, c->link.ops->why(&c->link));
    else if (c->state == SECURING && link == POPCL_LINK_UP)
        secured(c);
    else if (c->eof || link == POPCL_LINK_ENDED)
        stream_ended(c);
    else
        return 0;
    return 1;
}

/* Takes the octets that came, before anything new is sent. So octets after a complete reply are
 * recognised as unasked. */
static void read_all(popcl *c) {
    size_t n;
    if (c->state == HELD && !c->pause) complete(c);
    while (!popcl_is_over(c) && !c->pause) {
        const unsigned char *p = c->link.ops->in(&c->link, &n);
        if (n && c->state != SECURING)
            c->link.ops->in_ack(&c->link, take(c, p, n));
        else if (!advance(c, n))
            return;
    }
}

int popcl_machine_is_writing(const popcl *c) {
    const popcl_flight *newest = c->in_flight ? popcl_machine_newest(c) : NULL;
    return newest && newest->verb == POPCL_RESPONSE && c->secret;
}

/* Writes a response as there is room. As long as a part is to be written, another part waits to be
 * sent. Sent octets cannot be taken back, so a secret that fails now ends the session. */
static void write_on(popcl *c) {
    size_t room;
    if (!popcl_machine_is_writing(c)) return;
    while (c->secret && !c->pause && popcl_may_send(c)) {
        unsigned char *p = c->link.ops->out(&c->link, &room);
        if (room < POPCL_COMMAND_MAX) return;
        popcl_err e = popcl_machine_write(c, NULL, p, room);
        if (e == POPCL_ERR_SECRET_WAIT)
            pause_for(c, POPCL_PAUSED_SECRET);
        else if (e)
            popcl_machine_finish(c, e);
        else
            c->taken = 1;
    }
}

static void offer(popcl *c) {
    while (!c->pause && !c->eof && popcl_can_submit(c)) {
        unsigned before = c->in_flight;
        unsigned why = c->events->ready(c->ctx) & (POPCL_PAUSED | POPCL_COMPUTING);
        if (popcl_machine_is_over_now(c)) return;
        if (why)
            pause_for(c, why);
        else
            c->taken = 1;
        if (c->in_flight == before) return;
    }
}

void popcl_machine_pump(popcl *c) {
    if (c->send_failed) c->link.ops->give_up_sending(&c->link);
    read_all(c);
    write_on(c);
    offer(c);
    if (!popcl_is_over(c)) c->link.ops->flush(&c->link);
    if (c->state == LEAVING && !c->link.ops->close(&c->link)) popcl_machine_leave(c);
}

void popcl_machine_unpause(popcl *c) {
    if (!c->pause) return;
    c->pause = 0;
    c->taken = c->moved; /* progress that no tick has seen yet also counts for the next pause */
    c->moved = 1;
    popcl_machine_pump(c);
    c->taken = 1;
}
