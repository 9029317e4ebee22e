/* session - commands out, replies in, one state at a time. It knows the grammar of a session (RFC
 * 1939, 3 to 6), not what it is for, and neither sockets nor TLS: octets come through a link.
 * Everything that happens to a command is told to the owner through the events.
 *
 *   CONNECTING -> [SECURING] -> GREETING -> IDLE <-> STATUS -> LINES | BODY -> (HELD) -> IDLE
 *                                  ^ STLS     |  `-> UNASKED -> ENDING
 *                                  `----------'          any state -> [LEAVING] -> CLOSED
 *
 * SECURING: the TLS handshake, before the greeting or after +OK to STLS. LEAVING: the session
 * succeeded, and TLS says its end to the server. HELD: a reply is complete, and its owner asked for
 * time. UNASKED: octets come that no command asked for; only `-ERR` and the end of the connection
 * may follow (a server that shuts down or is tired of waiting), anything else is an error: it never
 * answers a later command. */
#include <string.h>

#include "command.h"
#include "link.h"
#include "reply.h"
#include "wire.h"
#include "zero.h"

/* a call that may call back is running; and another one was made meanwhile */
enum busy { NOT_BUSY, BUSY, MISUSED };

/* zeroed is closed */
enum state {
    CLOSED,
    CONNECTING,
    SECURING,
    GREETING,
    IDLE,
    STATUS,
    LINES,
    BODY,
    HELD,
    UNASKED,
    ENDING,
    LEAVING
};

/* what the server may take to accept close_notify: the session has its result already */
#define LEAVE_MS 1000u

/* lines of a listing that name no message, where STAT counts less than half as many */
#define STRAY_MAX 1000u

static const char *state_name(unsigned state) {
    static const char names[][11] = {"closed", "connecting", "securing", "greeting",
                                     "idle",   "status",     "listing",  "message",
                                     "held",   "unasked",    "ending",   "leaving"};
    return names[state];
}

static void trace(const popcl_session *s, popcl_trace kind, const void *p, size_t n) {
    if (s->trace) s->trace(s->trace_ctx, kind, p, n);
}

/* The only writer of s->state. */
static void enter(popcl_session *s, enum state next) {
    if (s->state == next) return;
    s->state = (uint8_t)next;
    if (s->trace) trace(s, POPCL_TRACE_STATE, state_name(next), strlen(state_name(next)));
}

static const popcl_flight *head(const popcl_session *s) { return &s->flight[s->head]; }

static uint32_t head_tag(const popcl_session *s) {
    return s->in_flight ? head(s)->tag : POPCL_TAG_GREETING;
}

static int quit_in_flight(const popcl_session *s) {
    return s->in_flight &&
           s->flight[(s->head + s->in_flight - 1u) % POPCL_WINDOW].verb == POPCL_QUIT;
}

static int over(const popcl_session *s) { return s->state == CLOSED || s->state == LEAVING; }

static void leave(popcl_session *s) {
    enter(s, CLOSED);
    popcl_zero(s->link.buf, s->link.len);
    if (s->link.tls) popcl_tls_layer_of(s->link.tls)->forget(s->link.tls);
    s->events->closed(s->ctx, (popcl_err)s->result);
}

/* The session has its result, and the first one stays. A reply to a command of the login that was
 * not understood is shown as far as it came, and that it is no status counts before what ended it,
 * but for the caller's own word. After success TLS is ended in order; what fails then changes
 * nothing any more. */
static void finish(popcl_session *s, popcl_err result) {
    if (s->state == CLOSED) return;
    if (result && s->state == STATUS && s->parser.keep && s->parser.octets) {
        s->err_verb = s->verb;
        if (s->parser.bad == POPCL_ERR_STATUS && result != POPCL_ERR_STOPPED &&
            result != POPCL_ERR_REENTRANT)
            result = POPCL_ERR_STATUS;
    }
    if (s->state != LEAVING) {
        s->result = (uint8_t)result;
        s->phase = 0;
        s->pause = 0;
    }
    if (result == POPCL_OK && s->state != LEAVING && s->link.ops != &popcl_link_clear)
        enter(s, LEAVING);
    else
        leave(s);
}

/* The pause's time begins with the next tick; one that follows a pause that brought nothing goes on
 * with that one's. */
static void pause_for(popcl_session *s, unsigned why) {
    s->pause = (uint8_t)(why & POPCL_PAUSED);
    s->moved = s->taken;
    s->taken = 0;
}

/* ---- replies ---- */

/* Whether the reply to this command is one line only: LIST and UIDL with a number are (RFC 1939, 5
 * and 7). */
static enum popcl_reply_shape shape_of(const popcl_flight *f) {
    const popcl_verb_row *row = &popcl_verbs[f->verb];
    return row->shape == POPCL_LINES && f->argument ? POPCL_SINGLE
                                                    : (enum popcl_reply_shape)row->shape;
}

static void begin_line(popcl_session *s, unsigned form) {
    popcl_wire_reset(&s->wire);
    popcl_reply_begin(&s->parser, &s->reply, (enum popcl_form)form);
}

static void begin_status(popcl_session *s) {
    int single = s->in_flight && shape_of(head(s)) == POPCL_SINGLE;
    begin_line(s, single ? popcl_verbs[head(s)->verb].form : POPCL_FORM_TEXT);
    s->parser.keep = s->in_flight && (s->phase & (POPCL_IN_AUTHORIZATION | POPCL_BEFORE_TLS)) != 0;
}

/* Takes the next reply's place: that of the oldest command in flight, if there is one. */
static void await_next(popcl_session *s) {
    if (s->in_flight) {
        s->verb = head(s)->verb;
        begin_status(s);
        enter(s, STATUS);
    } else {
        enter(s, IDLE);
    }
}

static void logged_in(popcl_session *s) {
    s->phase = POPCL_IN_TRANSACTION;
    if (s->link.tls) popcl_tls_layer_of(s->link.tls)->logged_in(s->link.tls);
}

/* The reply is complete: says so, and again after a pause; then the command is no longer in flight.
 */
static void complete(popcl_session *s) {
    popcl_verb verb = s->in_flight ? (popcl_verb)head(s)->verb : POPCL_VERBS;
    int ok = s->reply.status == POPCL_STATUS_OK,
        answers =
            s->in_flight != 0; /* not the greeting, in whose event a command may be submitted */
    if (ok && verb < POPCL_VERBS && popcl_verbs[verb].logs_in) logged_in(s);
    unsigned why = s->events->done(s->ctx, head_tag(s), &s->reply);
    if (over(s)) return;
    if (why) {
        enter(s, HELD);
        pause_for(s, why);
        return;
    }
    s->taken = 1;
    s->greets_again = 0;
    if (verb == POPCL_START_TLS && ok) s->phase = 0; /* no command until the handshake is done */
    if (answers) {
        s->flight_octets -= head(s)->octets;
        s->head = (uint8_t)((s->head + 1u) % POPCL_WINDOW);
        s->in_flight--;
    }
    if (verb == POPCL_QUIT)
        finish(s, ok ? POPCL_OK : POPCL_ERR_QUIT_REFUSED);
    else if (verb == POPCL_START_TLS && ok)
        enter(s, SECURING);
    else
        await_next(s);
}

/* Octets arrive that no command in flight can have caused. */
static void unasked(popcl_session *s) {
    begin_status(s);
    enter(s, UNASKED);
}

/* Whether the oldest command has left: a reply cannot come before. */
static int head_sent(const popcl_session *s) {
    return s->flight_octets - head(s)->octets >= s->link.ops->unsent(&s->link);
}

static void line_failed(popcl_session *s, popcl_err why) {
    if (s->state == UNASKED) why = s->greets_again ? POPCL_ERR_GREETED_AGAIN : POPCL_ERR_UNASKED;
    if (s->state == GREETING && why == POPCL_ERR_STATUS) why = POPCL_ERR_NOT_POP3;
    finish(s, why);
}

static void begin_lines(popcl_session *s) {
    /* the newest list counts (RFC 2449, 5) */
    if (head(s)->verb == POPCL_CAPA) memset(&s->caps, 0, sizeof s->caps);
    s->passed_over += s->stray;
    s->lines = s->stray = 0;
    begin_line(s, popcl_verbs[head(s)->verb].form);
    enter(s, LINES);
}

static void begin_body(popcl_session *s) {
    popcl_wire_reset(&s->wire);
    enter(s, BODY);
    s->events->open(s->ctx, head_tag(s), &s->reply);
}

static void greeted(popcl_session *s) {
    if (s->reply.status != POPCL_STATUS_OK) {
        finish(s, popcl_reply_error(&s->reply, POPCL_ERR_GREETING_REFUSED));
        return;
    }
    s->phase = s->security == POPCL_STLS ? POPCL_BEFORE_TLS : POPCL_IN_AUTHORIZATION;
    complete(s);
}

static void answered(popcl_session *s) {
    int ok = s->reply.status == POPCL_STATUS_OK;
    enum popcl_reply_shape shape = shape_of(head(s));
    if (ok && head(s)->verb == POPCL_STAT) s->count = s->reply.number;
    if (!ok || shape == POPCL_SINGLE)
        complete(s); /* -ERR has no body (RFC 1939, 3) */
    else if (shape == POPCL_LINES)
        begin_lines(s);
    else
        begin_body(s);
}

static void status_end(popcl_session *s) {
    popcl_err e = popcl_reply_status_end(&s->parser, &s->reply);
    if (s->reply.status == POPCL_STATUS_ERR)
        s->err_verb = s->state == UNASKED ? POPCL_VERBS : s->verb;
    if (e)
        line_failed(s, e);
    else if (s->state == GREETING)
        greeted(s);
    else if (s->state == STATUS)
        answered(s);
    else
        enter(s, ENDING); /* unasked, and -ERR: status_text let nothing else through */
}

static void status_text(popcl_session *s, const unsigned char *p, size_t n) {
    size_t text = popcl_reply_status(&s->parser, &s->reply, p, n);
    int wrong = s->parser.bad == POPCL_ERR_STATUS ||
                (s->state == UNASKED && s->reply.status == POPCL_STATUS_OK);
    if (wrong && s->parser.keep && s->state == STATUS)
        return; /* the rest of the line is shown with it */
    if (wrong)
        line_failed(s, POPCL_ERR_STATUS);
    else if (text < n && s->state != UNASKED && s->events->text)
        s->events->text(s->ctx, head_tag(s), p + text, n - text);
}

/* A line of LIST or UIDL. One that names no message is passed over, within bounds; more lines than
 * messages name one twice. */
static void message_line(popcl_session *s) {
    int stray = s->reply.number == 0 || s->reply.number > s->count;
    s->stray += (unsigned)stray;
    if (s->lines - s->stray > s->count || (s->stray > STRAY_MAX && (s->stray - 1) / 2 >= s->count))
        finish(s, POPCL_ERR_LISTING);
    else if (!stray)
        s->events->line(s->ctx, head_tag(s), &s->reply);
}

static void listing_line(popcl_session *s) {
    int capa = head(s)->verb == POPCL_CAPA;
    popcl_err e = popcl_reply_line_end(&s->parser, &s->reply, &s->caps);
    s->lines++;
    if (e == POPCL_ERR_GREETED_AGAIN && !s->greets_again) e = POPCL_OK;
    /* a number that cannot be read is above a count that could */
    if (e == POPCL_ERR_NUMBER_RANGE && s->count < UINT32_MAX) {
        s->reply.number = UINT32_MAX;
        e = POPCL_OK;
    }
    if (capa && s->lines > POPCL_CAPA_LINES_MAX) e = POPCL_ERR_CAPA_LENGTH;
    if (e)
        finish(s, e);
    else if (!capa)
        message_line(s);
    if (s->state == LINES) begin_line(s, s->parser.form);
}

/* Each of these takes some of p[0..n) and returns how much. */
static size_t take_line(popcl_session *s, const unsigned char *p, size_t n) {
    int listing = s->state == LINES;
    /* RFC 1939 has no limit for a listing's lines, and those of LIST are short */
    int may_be_long = listing && s->parser.form != POPCL_FORM_LIST;
    unsigned limit = may_be_long ? POPCL_CAPA_LINE_MAX : POPCL_LINE_MAX;
    size_t used, span_n = 0;
    const unsigned char *span = (const unsigned char *)"";
    size_t room = limit - s->parser.octets;
    if (room == 0) {
        line_failed(s, POPCL_ERR_LINE_LENGTH);
        return n;
    }
    popcl_wire_event event =
        popcl_wire_line(&s->wire, listing, p, n < room ? n : room, &used, &span, &span_n);
    s->parser.octets = (uint16_t)(s->parser.octets + used);
    if (event == POPCL_WIRE_SPAN || event == POPCL_WIRE_EOL)
        trace(s, POPCL_TRACE_RECEIVED, span, span_n);
    if (event == POPCL_WIRE_LF || event == POPCL_WIRE_NUL)
        line_failed(s, event == POPCL_WIRE_LF ? POPCL_ERR_BARE_LF : POPCL_ERR_NUL);
    else if (event == POPCL_WIRE_END)
        complete(s);
    else if (event == POPCL_WIRE_EOL && listing)
        listing_line(s);
    else if (event == POPCL_WIRE_EOL)
        status_end(s);
    else if (event == POPCL_WIRE_SPAN && listing)
        popcl_reply_line(&s->parser, &s->reply, &s->caps, span, span_n);
    else if (event == POPCL_WIRE_SPAN)
        status_text(s, span, span_n);
    return used;
}

/* Stays with the body for as long as its owner takes what it is offered: most of a session's time
 * is spent here. */
static size_t take_body(popcl_session *s, const unsigned char *p, size_t n) {
    size_t done = 0, used, span_n, taken;
    const unsigned char *span;
    do {
        popcl_wire_event event =
            popcl_wire_body(&s->wire, p + done, n - done, &used, &span, &span_n);
        done += used;
        if (event == POPCL_WIRE_END) complete(s);
        if (event != POPCL_WIRE_SPAN) return done;
        taken = s->events->body(s->ctx, head_tag(s), span, span_n);
        if (over(s)) return done;
        if (taken) s->taken = 1;
        done += popcl_wire_take(&s->wire, span, taken);
    } while (taken == span_n);
    pause_for(s, POPCL_PAUSED_SINK);
    return done;
}

static size_t take(popcl_session *s, const unsigned char *p, size_t n) {
    int early = s->state == STATUS && s->parser.octets == 0 && !head_sent(s);
    if (s->state == BODY) return take_body(s, p, n);
    if (s->state == ENDING)
        finish(s, POPCL_ERR_UNASKED);
    else if (s->state == IDLE || early)
        unasked(s);
    else
        return take_line(s, p, n);
    return 0;
}

/* ---- the pump ---- */

static void stream_ended(popcl_session *s) {
    switch (s->state) {
    case SECURING: finish(s, POPCL_ERR_TLS_CLOSED); break;
    case CONNECTING:
    case GREETING: finish(s, POPCL_ERR_CLOSED_GREETING); break;
    case BODY: finish(s, POPCL_ERR_CLOSED_MESSAGE); break;
    case ENDING: finish(s, popcl_reply_error(&s->reply, POPCL_ERR_SERVER_CLOSED)); break;
    default: finish(s, s->quit_left ? POPCL_ERR_QUIT_UNKNOWN : POPCL_ERR_CLOSED); break;
    }
}

/* ---- TLS ---- */

/* Nothing that was said in clear is believed any more (RFC 2595, 4; RFC 2449, 5). */
static void forget(popcl_session *s) {
    memset(&s->caps, 0, sizeof s->caps);
    memset(&s->reply, 0, sizeof s->reply);
    s->err_verb = POPCL_VERBS;
}

static void begin_tls(popcl_session *s) {
    forget(s);
    enter(s, SECURING);
    popcl_tls_layer_of(s->link.tls)->secure(&s->link);
}

/* The handshake is done. After STLS there is no second greeting (RFC 2595, 4); where one comes all
 * the same, it is the first that comes, and every reply behind it answers the command before its
 * own. */
static void secured(popcl_session *s) {
    s->moved = 1;
    if (s->verb == POPCL_START_TLS) {
        s->greets_again = 1;
        s->phase = POPCL_IN_AUTHORIZATION;
        enter(s, IDLE);
    } else {
        begin_status(s);
        enter(s, GREETING);
    }
}

/* What a session in SECURING, or one to which no octets come, does next. Returns 0 if it has to
 * wait. */
static int advance(popcl_session *s, size_t n) {
    int clear = s->link.ops == &popcl_link_clear;
    enum popcl_link_state link = s->link.ops->state(&s->link);
    /* injected: RFC 2595, 4 */
    if (s->state == SECURING && clear && n)
        finish(s, POPCL_ERR_STLS_SURPLUS);
    else if (s->state == SECURING && clear)
        begin_tls(s);
    else if (link == POPCL_LINK_FAILED)
        finish(s, s->link.ops->why(&s->link));
    else if (s->state == SECURING && link == POPCL_LINK_UP)
        secured(s);
    else if (s->eof || link == POPCL_LINK_ENDED)
        stream_ended(s);
    else
        return 0;
    return 1;
}

/* Takes what came, before anything new is sent: octets behind a complete reply are then seen as
 * what they are, unasked. */
static void read_all(popcl_session *s) {
    size_t n;
    if (s->state == HELD && !s->pause) complete(s);
    while (!over(s) && !s->pause) {
        const unsigned char *p = s->link.ops->in(&s->link, &n);
        if (n && s->state != SECURING)
            s->link.ops->in_ack(&s->link, take(s, p, n));
        else if (!advance(s, n))
            return;
    }
}

static void offer(popcl_session *s) {
    while (!s->pause && !s->eof && popcl_session_can_submit(s)) {
        unsigned before = s->in_flight;
        unsigned why = s->events->ready(s->ctx);
        if (why && !over(s)) pause_for(s, why);
        if (!why) s->taken = 1;
        if (s->in_flight == before) return;
    }
}

static void pump(popcl_session *s) {
    if (s->send_failed) s->link.ops->give_up_sending(&s->link);
    read_all(s);
    offer(s);
    if (s->state == LEAVING && !s->link.ops->close(&s->link)) leave(s);
}

/* Every call that may call back stands between these two. */
int popcl_session_hold(popcl_session *s) {
    s->busy = s->busy == NOT_BUSY ? BUSY : MISUSED;
    return s->busy == BUSY;
}

void popcl_session_release(popcl_session *s) {
    if (s->busy == MISUSED) finish(s, POPCL_ERR_REENTRANT);
    s->busy = NOT_BUSY;
}

/* ---- the interface ---- */

static int ms_given(uint32_t *ms, uint32_t given, uint32_t otherwise) {
    *ms = given ? given : otherwise;
    return *ms <= POPCL_MS_MAX;
}

/* Checks what TLS needs, if it is wanted, and prepares it. */
static popcl_err open_tls(popcl_session *s, const popcl_session_config *cfg) {
    const popcl_tls_layer *layer = popcl_tls_layer_of(cfg->tls);
    if (cfg->security == POPCL_CLEAR) return POPCL_OK;
    if (cfg->security > POPCL_STLS) return POPCL_ERR_ARGUMENT;
    if (!layer) return POPCL_ERR_NO_TLS;
    popcl_err e = layer->open(cfg);
    if (e) return e;
    s->link.tls = cfg->tls;
    s->security = cfg->security;
    return POPCL_OK;
}

popcl_err popcl_session_start(popcl_session *s, const popcl_session_config *cfg, uint32_t now_ms) {
    const popcl_session_events *e = cfg->events;
    memset(s, 0, sizeof *s);
    s->result = POPCL_ERR_ARGUMENT;
    if (!cfg->iobuf || !e || !e->line || !e->open || !e->body || !e->done || !e->ready ||
        !e->closed)
        return POPCL_ERR_ARGUMENT;
    if (!ms_given(&s->connect_ms, cfg->connect_ms, POPCL_CONNECT_MS) ||
        !ms_given(&s->idle_ms, cfg->idle_ms, POPCL_IDLE_MS) ||
        !ms_given(&s->pause_ms, cfg->pause_ms, POPCL_PAUSE_MS) ||
        !ms_given(&s->total_ms, cfg->total_ms, POPCL_TOTAL_MS))
        return POPCL_ERR_ARGUMENT;
    if (cfg->iobuf_len < POPCL_IOBUF_MIN) return (popcl_err)(s->result = POPCL_ERR_IOBUF_SMALL);
    s->verb = s->err_verb = POPCL_VERBS;
    s->events = e;
    s->ctx = cfg->ctx;
    s->trace = cfg->trace;
    s->trace_ctx = cfg->trace_ctx;
    s->count = UINT32_MAX;
    s->now = s->began = s->since = now_ms;
    s->taken = 1;
    popcl_link_open_clear(&s->link, cfg->iobuf, cfg->iobuf_len);
    s->result = (uint8_t)open_tls(s, cfg);
    s->state = s->result ? CLOSED : CONNECTING;
    return (popcl_err)s->result;
}

/* A step backwards counts as no time. */
static void set_now(popcl_session *s, uint32_t now_ms) {
    if (now_ms - s->now <= POPCL_MS_MAX) s->now = now_ms;
}

void popcl_session_connected(popcl_session *s, uint32_t now_ms) {
    if (!popcl_session_hold(s)) return;
    if (s->state == CONNECTING) {
        set_now(s, now_ms);
        s->since = s->now;
        if (s->security == POPCL_TLS) {
            enter(s, SECURING);
            pump(s); /* the ClientHello is ours to say first */
        } else {
            begin_status(s);
            enter(s, GREETING);
        }
    }
    popcl_session_release(s);
}

unsigned popcl_session_state(const popcl_session *s) {
    size_t n;
    if (s->state == CLOSED) return POPCL_DONE;
    unsigned state = s->pause;
    popcl_session_send_buf(s, &n);
    if (n) state |= POPCL_SEND;
    if (s->state != CONNECTING && s->state != LEAVING && !s->pause && !s->eof) {
        s->link.ops->recv_buf(&s->link, &n);
        if (n) state |= POPCL_RECV;
    }
    return state;
}

/* What a server says unasked ends the session: nothing more goes to it, least of all a password. */
static int may_send(const popcl_session *s) {
    return s->state != CLOSED && s->state != CONNECTING && s->state != UNASKED &&
           s->state != ENDING && !s->send_failed;
}

const unsigned char *popcl_session_send_buf(const popcl_session *s, size_t *n) {
    *n = 0;
    return may_send(s) ? s->link.ops->send_buf(&s->link, n) : NULL;
}

void popcl_session_send_ack(popcl_session *s, size_t n) {
    size_t offered;
    if (!popcl_session_hold(s)) return;
    popcl_session_send_buf(s, &offered);
    if (offered && n > offered) {
        finish(s, POPCL_ERR_PORT);
    } else if (offered && n) {
        /* else these are TLS's own words: a server that asks for alerts gets no time for it */
        int commands = s->link.ops->unsent(&s->link) != 0;
        s->link.ops->send_ack(&s->link, n);
        if (quit_in_flight(s) && s->link.ops->unsent(&s->link) < sizeof "QUIT\r\n" - 1)
            s->quit_left = 1;
        if (!s->pause && commands && s->state != SECURING) s->moved = 1;
        if (s->state != LEAVING)
            pump(s);
        else if (popcl_session_send_buf(s, &offered), offered == 0)
            leave(s);
    }
    popcl_session_release(s);
}

/* What never left is answered by nothing: it stays unsent, and what comes is seen as what nobody
 * asked for. */
void popcl_session_send_failed(popcl_session *s) {
    if (!popcl_session_hold(s)) return;
    s->send_failed = 1;
    if (s->state == LEAVING)
        leave(s);
    else if (s->state != CONNECTING)
        pump(s);
    popcl_session_release(s);
}

unsigned char *popcl_session_recv_buf(const popcl_session *s, size_t *n) {
    *n = 0;
    return popcl_session_state(s) & POPCL_RECV ? s->link.ops->recv_buf(&s->link, n) : NULL;
}

void popcl_session_recv_ack(popcl_session *s, size_t n) {
    size_t offered;
    if (!popcl_session_hold(s)) return;
    popcl_session_recv_buf(s, &offered);
    if (n > offered) {
        finish(s, POPCL_ERR_PORT);
    } else if (n) {
        /* a handshake has one limit for its whole length */
        if (s->link.ops->recv_ack(&s->link, n) && s->state != SECURING) s->moved = 1;
        pump(s);
    }
    popcl_session_release(s);
}

void popcl_session_recv_eof(popcl_session *s) {
    if (!popcl_session_hold(s)) return;
    s->eof = 1;
    if (s->state == LEAVING)
        leave(s);
    else
        pump(s);
    popcl_session_release(s);
}

void popcl_session_resume(popcl_session *s) {
    if (!popcl_session_hold(s)) return;
    if (s->pause) {
        s->pause = 0;
        s->moved = 1;
        pump(s);
    }
    popcl_session_release(s);
}

/* Which deadline has passed when nothing moved for idle_ms. */
static popcl_err idle_error(const popcl_session *s) {
    switch (s->state) {
    case SECURING: return POPCL_ERR_TIMEOUT_TLS;
    case GREETING: return POPCL_ERR_TIMEOUT_GREETING;
    case BODY: return POPCL_ERR_TIMEOUT_MESSAGE;
    case IDLE: /* half a TLS record came, and the buffer is taken */
    case UNASKED:
    case ENDING: return POPCL_ERR_UNASKED;
    default: break;
    }
    if (s->link.ops->unsent(&s->link)) return POPCL_ERR_TIMEOUT_SEND;
    return quit_in_flight(s) ? POPCL_ERR_TIMEOUT_QUIT : POPCL_ERR_TIMEOUT_REPLY;
}

/* Milliseconds left of what began at `from` and may take ms. */
static uint32_t left(const popcl_session *s, uint32_t from, uint32_t ms) {
    uint32_t passed = s->now - from;
    return passed < ms ? ms - passed : 0;
}

/* Milliseconds until the next deadline, and what its passing means. */
static uint32_t deadline(const popcl_session *s, popcl_err *means) {
    uint32_t total = left(s, s->began, s->total_ms), other = POPCL_MS_MAX;
    popcl_err e = POPCL_OK;
    size_t room;
    if (s->pause) {
        other = left(s, s->moved ? s->now : s->since, s->pause_ms);
        e = POPCL_ERR_TIMEOUT_PAUSE;
    } else if (s->state == CONNECTING) {
        other = left(s, s->began, s->connect_ms);
        e = POPCL_ERR_TIMEOUT_CONNECT;
    } else if (s->state == LEAVING) {
        other = left(s, s->moved ? s->now : s->since, LEAVE_MS);
    } else if (s->state != IDLE ||
               !s->link.ops->out(&s->link, &room)) { /* an owner who sends nothing waits on purpose,
                                                        one who cannot does not */
        other = left(s, s->moved ? s->now : s->since, s->idle_ms);
        e = idle_error(s);
    }
    *means = total && other < total ? e : POPCL_ERR_TIMEOUT_TOTAL;
    return other < total ? other : total;
}

void popcl_session_tick(popcl_session *s, uint32_t now_ms) {
    popcl_err e;
    if (!popcl_session_hold(s)) return;
    set_now(s, now_ms);
    if (s->moved) s->since = s->now;
    s->moved = 0;
    if (s->state != CLOSED && deadline(s, &e) == 0) finish(s, e);
    popcl_session_release(s);
}

uint32_t popcl_session_elapsed(const popcl_session *s) { return s->now - s->began; }

uint32_t popcl_session_next_deadline(const popcl_session *s) {
    popcl_err e;
    return s->state == CLOSED ? POPCL_MS_MAX : deadline(s, &e);
}

int popcl_session_can_submit(const popcl_session *s) {
    unsigned window =
        s->phase & POPCL_IN_TRANSACTION && s->caps.tags & POPCL_CAPA_PIPELINING ? POPCL_WINDOW : 1;
    int busy_state = s->state == UNASKED || s->state == ENDING || over(s);
    return s->phase != 0 && !busy_state && !s->send_failed && s->in_flight < window;
}

static void trace_command(const popcl_session *s, const unsigned char *line, size_t len,
                          size_t secret_from, size_t secret_to) {
    if (secret_to > secret_from) {
        trace(s, POPCL_TRACE_SENT, line, secret_from);
        trace(s, POPCL_TRACE_SENT, "***", 3);
    } else {
        trace(s, POPCL_TRACE_SENT, line, len - 2);
    }
    trace(s, POPCL_TRACE_SENT, "", 0);
}

popcl_err popcl_session_submit(popcl_session *s, const popcl_command *c, uint32_t tag) {
    size_t room, len, secret_from, secret_to;
    if ((unsigned)c->verb >= POPCL_VERBS || !(popcl_verbs[c->verb].states & s->phase))
        return POPCL_ERR_STATE;
    if (!popcl_session_can_submit(s))
        return s->state == UNASKED || s->state == ENDING ? POPCL_ERR_STATE : POPCL_ERR_WOULD_BLOCK;
    if (c->number > s->count) return POPCL_ERR_MESSAGE_NUMBER;
    unsigned char *line = s->link.ops->out(&s->link, &room);
    if (room < popcl_command_room(c)) return POPCL_ERR_WOULD_BLOCK;
    popcl_err e = popcl_command_write(c, line, &len, &secret_from, &secret_to);
    if (e) return e;
    popcl_flight *f = &s->flight[(s->head + s->in_flight) % POPCL_WINDOW];
    f->tag = tag;
    f->verb = (uint8_t)c->verb;
    f->argument = c->number != 0;
    f->octets = (uint8_t)len;
    s->in_flight++;
    s->flight_octets += (uint32_t)len;
    trace_command(s, line, len, secret_from, secret_to); /* before the link may seal it */
    s->link.ops->out_ack(&s->link, len);
    s->moved = 1; /* the wait for the reply begins now */
    if (c->verb == POPCL_QUIT) s->phase = 0;
    if (s->state == IDLE) await_next(s);
    return POPCL_OK;
}

unsigned popcl_session_in_flight(const popcl_session *s) { return s->in_flight; }

void popcl_session_fail(popcl_session *s, popcl_err why, int net_code) {
    if (s->state == CLOSED) return;
    if (!over(s)) s->net_code = net_code;
    /* a reset while QUIT waits for its answer leaves the same question open as an end does */
    if (why == POPCL_ERR_NET && s->quit_left) why = POPCL_ERR_QUIT_UNKNOWN;
    /* and one inside a handshake is how some servers say that they want none of this client */
    if (why == POPCL_ERR_NET && s->state == SECURING) why = POPCL_ERR_TLS_CLOSED;
    finish(s, why == POPCL_OK || why == POPCL_MORE ? POPCL_ERR_ARGUMENT : why);
}

popcl_err popcl_session_result(const popcl_session *s) {
    return s->result || s->events ? (popcl_err)s->result : POPCL_ERR_STATE;
}

int popcl_session_quit_left(const popcl_session *s) { return s->quit_left; }

void *popcl_session_spare(const popcl_session *s, size_t *n) {
    *n = 0;
    return s->link.tls ? popcl_tls_layer_of(s->link.tls)->spare(s->link.tls, n) : NULL;
}

int popcl_session_net_code(const popcl_session *s) { return s->net_code; }

const popcl_reply *popcl_session_reply(const popcl_session *s) { return &s->reply; }

popcl_verb popcl_session_verb(const popcl_session *s) { return (popcl_verb)s->verb; }

popcl_verb popcl_session_refused(const popcl_session *s) { return (popcl_verb)s->err_verb; }

uint32_t popcl_session_passed_over(const popcl_session *s) { return s->passed_over + s->stray; }

const popcl_caps *popcl_session_caps(const popcl_session *s) { return &s->caps; }

const char *popcl_session_state_name(const popcl_session *s) { return state_name(s->state); }

void popcl_session_wipe(popcl_session *s) {
    if (!popcl_session_hold(s)) return;
    if (s->link.buf) popcl_zero(s->link.buf, s->link.len);
    if (s->link.tls) popcl_tls_layer_of(s->link.tls)->wipe(s->link.tls);
    popcl_zero(s, sizeof *s);
}
