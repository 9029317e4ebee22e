/* SPDX-License-Identifier: MIT */
/* rules - what holds between two calls of a client, and at its end. A rule that a client may follow
 * early or late is judged here, where it must have been followed; commands.c and callbacks.c judge
 * all others at once. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

void model_differs(model *m, const char *format, ...) {
    va_list args;
    if (m->fault[0]) return;
    va_start(args, format);
    vsnprintf(m->fault, sizeof m->fault, format, args);
    va_end(args);
}

/* Clears what a session uses, not all of the arrays: there are thousands of sessions a second. */
void model_begin_session(model *m, const model_config *cfg, uint32_t now) {
    size_t body = offsetof(model, body), after_body = body + sizeof m->body;
    memset(m, 0, body);
    memset((char *)m + after_body, 0, offsetof(model, lines) - after_body);
    memset((char *)m + offsetof(model, lines_n), 0,
           offsetof(model, commands) - offsetof(model, lines_n));
    memset((char *)m + offsetof(model, commands_n), 0, sizeof *m - offsetof(model, commands_n));
    memset(&m->commands[0], 0, sizeof m->commands[0]);
    m->cfg = *cfg;
    m->commands_n = m->leaving = 1; /* the greeting */
    m->count = UINT32_MAX;
    m->by_number = cfg->no_uid;
    m->now = m->began = m->moved = m->based = now;
}

/* Commands that were written, and the greeting, whose replies have not come. */
size_t model_unanswered(const model *m) { return m->commands_n - m->answer; }

void model_blame(model *m, unsigned cause) { m->causes |= cause; }

void model_give_up(model *m, unsigned cause) {
    m->causes |= cause;
    m->gave_up = m->failed = 1;
}

model_mail *model_mail_of(model *m, uint32_t number) {
    if (number <= MODEL_MAIL) return &m->mail[number];
    m->beyond = 1;
    return &m->mail[0];
}

/* ---- time [I5 A3 A5 A19 A22] ---- */

void model_moved(model *m) {
    m->moved = m->now;
    m->moved_since = 1;
}

/* A pause that brought nothing goes on in the next one: its end need not be progress. */
void model_resumed(model *m) { m->moved_since = 1; }

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The time has begun that is kept for QUIT. */
int model_late(const model *m) {
    uint32_t quarter = m->cfg.total_ms / 4;
    return m->now - m->began >= m->cfg.total_ms - least(quarter, 10000);
}

void model_time(model *m, uint32_t now) {
    const model_config *c = &m->cfg;
    m->now = now;
    if (m->moved_since) m->based = now;
    m->moved_since = 0;
    if (model_late(m)) {
        m->causes |= M_BY_TIME;
        m->gave_up = 1;
    }
    if (now - (c->tls ? m->began : m->moved) >=
        least(least(c->idle_ms, c->pause_ms), c->connect_ms))
        m->causes |= M_BY_TIME;
}

void model_stopped(model *m) {
    m->causes |= M_BY_STOP;
    /* the reply to QUIT may have come behind bodies for which the session pauses */
    int ends = m->quit_ok && !m->syncing && !m->committing && !model_bodies_left(m);
    if (ends || m->over || !m->cfg.job) return;
    model_give_up(m, M_BY_STOP);
    m->stopping = 1;
}

void model_end_of_stream(model *m) {
    m->ended = 1;
    m->causes |= M_BY_END;
}

/* ---- what was heard must have had its effect ---- */

/* A UID that breaks the rules has a digest for a name [B48]. */
int model_same_uid(const model_line *l, const char *uid) {
    return l->odd ? uid[0] == 0x7f && strlen(uid) == 33 : strcmp(l->uid, uid) == 0;
}

const model_line *model_line_of(const model *m, size_t command, uint32_t number, const char *uid) {
    const model_command *c = &m->commands[command];
    const model_line *found = NULL;
    if (!command) return NULL;
    for (size_t i = c->first; i < c->last; i++) {
        const model_line *l = &m->lines[i];
        if (l->number != number) continue;
        found = l;
        if (!uid || model_same_uid(l, uid)) break;
    }
    return found;
}

int model_bodies_left(const model *m) {
    for (size_t i = m->cursor; i < m->commands_n; i++) {
        const model_command *c = &m->commands[i];
        int over = c->done || c->dropped || (c->complete && c->status < 0);
        if (model_is_body(c) && !over) return 1;
    }
    return 0;
}

int model_is_body(const model_command *c) { return c->verb == M_RETR || c->verb == M_TOP; }

/* Whether the effects of one command are there, as far as its reply was heard. */
void model_settled(model *m, model_command *c) {
    model_mail *x = c->number ? model_mail_of(m, c->number) : NULL;
    unsigned n = (unsigned)c->number;
    if (m->cfg.job) model_heard_body(m, c);
    if (m->body_bad) return;
    if (c - m->commands == (ptrdiff_t)m->planner && c->status > 0 && m->pass == 1 &&
        m->count != UINT32_MAX && m->told != c->last - c->first)
        model_differs(m, "listed has told %lu lines of %lu", (unsigned long)m->told,
                      (unsigned long)(c->last - c->first));
    if (c->again) {
        if (c->complete && m->quit_written && !x->not_stored)
            model_differs(m, "%u does not have its size, and its fate is not told", n);
        return;
    }
    /* a body that comes after the stop, or when the job gave up, is not begun */
    if (m->cfg.job && model_is_body(c) && !c->opened &&
        (m->stopping || (m->gave_up && x->not_stored)))
        c->dropped = 1;
    if (model_is_body(c) && c->status > 0 && !c->dropped) {
        if (!c->opened)
            model_differs(m, "the body of %u has come, and begin has not", n);
        else if (c->got != c->end - c->body)
            model_differs(m, "%lu octets of %u have come, and the sink has %lu [R18]",
                          (unsigned long)(c->end - c->body), n, (unsigned long)c->got);
        else if (c->complete && !c->done)
            model_differs(m, "%u is complete, and not committed", n);
    }
    if (c->verb == M_TOP && c->status < 0) m->gave_up = 1; /* the server may not know it [R32] */
    if (!c->complete || !x || !m->cfg.job) return;
    if (model_is_body(c) && (c->status < 0 || c->dropped || x->failed) && !x->not_stored)
        model_differs(m, "%u failed, and its fate is not told [B54]", n);
    if (model_is_body(c) && x->durable && !x->stored)
        model_differs(m, "%u is durable, and its fate is not told", n);
    if (c->verb == M_DELE && !(c->status > 0 ? x->marked : x->not_marked))
        model_differs(m, "DELE %u is answered, and its fate is not told [B57]", n);
}

void model_all_settled(model *m) {
    if (m->aborting) model_differs(m, "the sink failed, and abort has not come [I7]");
    if (!m->cfg.job) {
        const model_command *c = &m->commands[m->cursor];
        if (m->cursor < m->answer)
            model_differs(m, "the reply to %s is complete, and done has not come",
                          model_verb_name(c->verb));
        if (m->cursor < m->commands_n && c->status > 0 && model_is_body(c) &&
            (!c->opened || c->got != c->end - c->body))
            model_differs(m, "octets of a body have come, and body has not told them");
        if (m->cursor < m->commands_n && c->status > 0 && c->listing && c->verb != M_CAPA &&
            c->told != c->last - c->first)
            model_differs(m, "a line has come, and line has not told it");
        return;
    }
    for (; m->cursor < m->answer; m->cursor++)
        model_settled(m, &m->commands[m->cursor]);
    if (m->cursor < m->commands_n) model_settled(m, &m->commands[m->cursor]);
}

void model_returned(model *m, int paused, int over) {
    if (over || m->quit_ok) return;
    if (m->aborting) model_differs(m, "the sink failed, and abort has not come [I7]");
    if (m->cfg.job && m->causes & M_BY_STOP && m->open)
        model_differs(m, "stopped, and a message is still open [K8]");
    if (paused) return;
    if (m->wrong)
        model_differs(m, "the server broke the protocol (%s), and the session goes on", m->why);
    else if (m->ended)
        model_differs(m, "the connection has ended, and the session goes on [A7 A8 A10]");
    else if (m->commands[0].status < 0)
        model_differs(m, "the greeting was -ERR, and the session goes on [B1]");
    else
        model_all_settled(m);
    if (m->probe_bad || m->body_bad)
        model_differs(m, "replies are shifted, and the session goes on");
    if (m->cfg.job && !m->doomed && !m->mute && !m->ended && !model_unanswered(m))
        model_differs(m, "nothing is in flight, and nothing is written");
    uint32_t longest = m->cfg.idle_ms > m->cfg.pause_ms ? m->cfg.idle_ms : m->cfg.pause_ms;
    if (m->cfg.job && !m->moved_since && m->now - m->based > longest &&
        m->now - m->based > m->cfg.connect_ms)
        model_differs(m, "nothing moved for %u ms [I5]", (unsigned)(m->now - m->based));
}

/* The job may have stopped planning, by its clock or for a listing that is out of order. */
int model_may_stop(const model *m) { return model_late(m) || m->unordered; }

void model_begin_pass(model *m, size_t planner) {
    m->planner = planner;
    if (!m->restarted) m->pass++;
    m->told = m->sizer = 0;
    m->unordered = 0;
    m->planned = 0;
    if (!m->restarted) m->from = m->plan_full;
    m->plan_full = 0;
    m->restarted = 0;
    for (uint32_t i = 0; i <= MODEL_MAIL; i++)
        m->mail[i].asked = 0;
}

/* LIST left with UIDL, for the sizes; now it plans. */
static void plan_by_sizer(model *m) {
    const model_command *c = &m->commands[m->sizer];
    model_begin_pass(m, m->sizer);
    for (size_t i = c->first + 1; i < c->last; i++)
        m->unordered |= m->lines[i].number <= m->lines[i - 1].number;
    if (m->unordered) {
        m->gave_up = 1;
        m->causes |= M_BY_LISTING;
    }
}

void model_without_uids(model *m, int shown) {
    const model_command *c = &m->commands[m->planner];
    if (m->by_number || c->verb != M_UIDL || !c->complete || m->count == 0) return;
    int numbers_only = c->status > 0 && !c->named && c->last > c->first;
    if (c->status > 0 && !numbers_only) return;
    if (m->cfg.need_uid || m->pass > 1) {
        model_give_up(m, M_BY_NO_UID | M_BY_REFUSAL);
        return;
    }
    if (m->stopping && !shown) return; /* nothing is planned any more */
    m->gave_up |= c->has_code;         /* some codes are a refusal like any other [B68] */
    if (m->sizer && c->has_code && !shown) return;
    m->by_number = m->restarted = 1;
    if (m->sizer) plan_by_sizer(m);
}

/* ---- the end ---- */

static void check_fates(model *m) {
    for (uint32_t i = 1; i <= MODEL_MAIL; i++) {
        const model_mail *x = &m->mail[i];
        int due = x->unfetched || (x->durable && x->delete_wanted);
        if ((x->wanted || x->retr_sent || (x->top_wanted && !x->headers_seen)) &&
            x->stored + x->not_stored != 1)
            model_differs(m, "%u: STORED and NOT_STORED told %d times", (unsigned)i,
                          x->stored + x->not_stored);
        if ((x->dele || due) && x->marked + x->not_marked != 1)
            model_differs(m, "%u: MARKED and NOT_MARKED told %d times", (unsigned)i,
                          x->marked + x->not_marked);
        if (x->staged) model_differs(m, "%u is staged, and the session is over", (unsigned)i);
    }
}

void model_over(model *m, int success, unsigned causes, int quit_left) {
    if (m->over) return;
    if (model_may_be_shifted(m)) m->causes |= M_BY_SHIFT;
    for (size_t i = m->cursor; i < m->commands_n; i++) {
        const model_command *c = &m->commands[i];
        if (c->verb == M_TOP && c->status < 0) m->gave_up = 1;
        int dropped = !c->again && (c->dropped || (m->gave_up && !c->opened));
        if (dropped && c->end - c->body - c->got > m->cfg.drain_max) m->causes |= M_BY_DRAIN;
    }
    if (model_may_stop(m))
        m->causes |= M_BY_NO_UID;
    else
        model_without_uids(m, 0);
    if (causes == M_BY_END && m->causes == M_BY_END) model_all_settled(m); /* [A12 A13] */
    if (m->open) model_differs(m, "over, and a message is open [I7]");
    if (m->secret_used && !m->secret_released) model_differs(m, "the secret was not released [I9]");
    if (success && !m->quit_ok) model_differs(m, "success without +OK to QUIT [I4]");
    if (success && m->failed) model_differs(m, "success, and something failed [I8 B57]");
    if (!success && !(m->causes & causes))
        model_differs(m, "a failure that nothing explains: causes 0x%x, the result's 0x%x",
                      m->causes, causes);
    if (m->cfg.job) {
        const model_command *last = &m->commands[m->commands_n - 1];
        if (!m->cfg.tls && quit_left != (last->verb == M_QUIT && last->out > 0))
            model_differs(m, "whether QUIT left is not so");
        unsigned ends = M_BY_SERVER | M_BY_END | M_BY_TIME | M_BY_CALLER | M_BY_TLS;
        int early = !m->quit_written && !(m->causes & ends) && !model_may_be_shifted(m) &&
                    m->commands[0].status > 0;
        if (early && m->marked)
            model_differs(m, "deletions wait for QUIT, and it was not sent [G10 G12]");
        if (early && !(m->causes & (M_BY_DRAIN | M_BY_STOP)))
            model_differs(m, "over before QUIT, and nothing ended the session");
        m->more |= m->plan_full > 0;
        if (success == 2 && !m->more) model_differs(m, "MORE, and nothing is left");
        if (success == 1 && m->more) model_differs(m, "OK, and messages are left");
        /* the reply to QUIT counts only behind the bodies before it */
        unsigned outside = M_BY_TIME | M_BY_CALLER | M_BY_END;
        if (!success && m->quit_ok && !m->failed && !m->gave_up && !(m->causes & outside))
            model_differs(m, "a failure, and nothing failed");
        if (m->fates_all != (m->marked > 0))
            model_differs(m, "%u are marked, and the fate of all was told %u times",
                          (unsigned)m->marked, (unsigned)m->fates_all);
        model_fate_kind kind = m->quit_ok ? M_DELETED : quit_left ? M_UNKNOWN_FATE : M_VOID;
        if (m->fates_all && m->fate_all != kind)
            model_differs(m, "the fate of all is not so [R25 R26 R27]");
        check_fates(m);
    }
    m->over = 1;
}
