/* SPDX-License-Identifier: MIT */
/* callbacks - what a client may tell its caller, and what the answers oblige it to: the sink,
 * decide, listed and fate of a job; the events of an owner of one's own. */
#include <string.h>

#include "rules.h"

/* ---- callbacks of a job ---- */

static int max_reached(const model *m) {
    return m->cfg.max_messages && m->begun >= m->cfg.max_messages;
}

static void check_mail(model *m, uint32_t number, const char *uid, const char *where) {
    const model_line *l = model_line_of(m, m->planner, number, uid);
    if (number == 0 || number > m->count)
        model_differs(m, "%s: no message has the number %u [R8]", where, (unsigned)number);
    else if (m->planner && !l)
        model_differs(m, "%s: the listing does not name %u", where, (unsigned)number);
    else if (m->by_number ? *uid != 0 : l && !model_same_uid(l, uid))
        model_differs(m, "%s: the UID of %u is not %s [R33 R34]", where, (unsigned)number, uid);
}

static void callback(model *m, const char *name) {
    if (m->over) model_differs(m, "%s after the end", name);
    if (m->aborting && strcmp(name, "abort") != 0)
        model_differs(m, "%s, and the sink failed: abort is due", name);
}

void model_listed(model *m, uint32_t number, const char *uid, uint64_t size) {
    callback(m, "listed");
    const model_command *p = &m->commands[m->planner];
    if (number && m->planner && m->sizer && m->told == p->last - p->first)
        model_without_uids(m, 1); /* LIST, which left with UIDL, plans instead */
    model_command *c = &m->commands[m->planner];
    if (!number) {
        int all = m->planner ? c->complete && c->status > 0 && !m->unordered &&
                                   c->last - c->first == (size_t)m->count
                             : 0;
        if (m->count && m->sizer && !m->commands[m->sizer].complete)
            model_differs(m, "listed: LIST, which left with UIDL, is not answered");
        if ((!all && m->count) || m->complete_told++)
            model_differs(m, "listed: the listing is not complete");
        return;
    }
    if (m->pass > 1) model_differs(m, "listed in a later pass");
    if (!m->planner || m->told >= c->last - c->first) {
        model_differs(m, "listed: %u, and no such line has come", (unsigned)number);
        return;
    }
    const model_line *l = &m->lines[c->first + m->told++];
    if (l->number != number || !model_same_uid(l, uid) || l->size != size)
        model_differs(m, "listed: %u %s, and the line says %u %s", (unsigned)number, uid,
                      (unsigned)l->number, l->uid);
}

/* What LIST says of a message, if it was asked; [B41] a size is advice. */
static void check_size(model *m, uint32_t number, uint64_t size) {
    const uint64_t most = (uint64_t)1 << 39;
    int sure;
    uint64_t seen = model_size_of(m, number, &sure);
    if (sure && (seen > most && seen != MODEL_UNKNOWN ? size <= most : size != seen))
        model_differs(m, "the size of %u is not %llu", (unsigned)number, (unsigned long long)size);
}

static void want_whole(model *m, model_mail *x, uint64_t size) {
    if (max_reached(m)) {
        m->more = 1;
    } else if (m->cfg.max_size && size != MODEL_UNKNOWN && size > m->cfg.max_size) {
        x->failed = 1; /* [B42] */
        m->causes |= M_BY_SIZE;
        m->failed = 1;
    } else {
        x->wanted = 1;
        m->begun++;
    }
}

static void decided_uid(model *m, model_mail *x, uint32_t number, const char *uid, unsigned a) {
    if (m->plan_full) model_differs(m, "decide: %u, and the plan is full", (unsigned)number);
    if (number < m->from)
        model_differs(m, "decide: %u belongs to an earlier pass", (unsigned)number);
    if (x->looked_at && !m->unordered)
        model_differs(m, "decide: %u a second time", (unsigned)number);
    if (x->asked && !m->unordered) model_differs(m, "decide: %u twice", (unsigned)number);
    x->asked = 1;
    x->skipped = !a;
    if (!a) return;
    if (m->planned + 12 + strlen(uid) > m->cfg.plan_len)
        m->plan_full = number; /* the next pass begins here */
    else
        m->planned += 12 + strlen(uid);
}

static void decided_size(model *m, model_mail *x, uint32_t number, uint64_t size, unsigned a) {
    unsigned fetches = a & (M_FETCH | M_HEADERS);
    const model_command *p = &m->commands[m->planner];
    check_size(m, number, size);
    if (m->stopping) model_differs(m, "decide after the stop");
    if (x->looked_at++ && !m->unordered && !max_reached(m))
        model_differs(m, "decide: %u twice with its size", (unsigned)number);
    if (m->planner && (!p->complete || !x->asked || x->skipped))
        model_differs(m, "decide: %u is not in the plan", (unsigned)number);
    if (m->sizer && (!m->commands[m->sizer].complete || !model_line_of(m, m->sizer, number, NULL)))
        model_differs(m, "decide: %u, and LIST does not name it", (unsigned)number);
    if (m->cfg.sizes && m->planner && !m->by_number && !m->sizer)
        model_differs(m, "decide: %u before LIST", (unsigned)number);
    if (fetches && a & M_DELETE) x->delete_wanted = 1;
    if (a & M_HEADERS)
        x->top_wanted = 1;
    else if (a & M_FETCH)
        want_whole(m, x, size);
    else if (a & M_DELETE_UNFETCHED)
        x->unfetched = 1;
}

void model_decided(model *m, uint32_t number, const char *uid, uint64_t size, int stage,
                   unsigned answer) {
    model_mail *x = model_mail_of(m, number);
    callback(m, "decide");
    check_mail(m, number, uid, "decide");
    if (stage == M_AT_UID) {
        decided_uid(m, x, number, uid, answer);
    } else if (stage == M_AT_SIZE) {
        decided_size(m, x, number, size, answer);
    } else {
        if (!x->headers || x->headers_seen++)
            model_differs(m, "decide: the header of %u is not there", (unsigned)number);
        if (answer & M_FETCH && answer & M_DELETE) x->delete_wanted = 1;
        if (answer & M_FETCH)
            want_whole(m, x, size);
        else if (answer & M_DELETE_UNFETCHED && !(answer & M_HEADERS))
            x->unfetched = 1;
    }
}

static void sink_said(model *m, model_answer a) {
    if (a != M_STOP && a != M_FAILED) return;
    m->causes |= M_BY_SINK;
    m->failed = 1;
    if (a != M_STOP) return;
    m->gave_up = m->stopping = 1; /* [K8] */
}

void model_begun(model *m, uint32_t number, const char *uid, int headers, model_answer answer) {
    size_t i = m->cursor;
    model_verb verb = headers ? M_TOP : M_RETR;
    callback(m, "begin");
    check_mail(m, number, uid, "begin");
    if (m->mute) m->syncing = 0; /* no command can be sent: sync is asked again at the end */
    if (m->body_bad) model_differs(m, "begin, and replies are shifted");
    if (m->open || m->syncing)
        model_differs(m, "begin inside a message, or while sync is asked for");
    if (m->stopping) model_differs(m, "begin after the stop");
    while (i < m->commands_n && (m->commands[i].verb != verb || m->commands[i].number != number ||
                                 m->commands[i].opened || m->commands[i].again))
        i++;
    model_command *c = &m->commands[i];
    if (i == m->commands_n || c->status <= 0) {
        model_differs(m, "begin: %s %u was not answered +OK", model_verb_name(verb),
                      (unsigned)number);
        return;
    }
    for (size_t k = m->cursor; k < i; k++)
        model_settled(m, &m->commands[k]); /* replies come in order [R49 B71] */
    c->opened = 1;
    sink_said(m, answer);
    if (answer == M_OK) {
        m->open = i;
    } else {
        c->dropped = 1;
        model_mail_of(m, number)->failed = 1;
    }
}

void model_data(model *m, const unsigned char *p, size_t n, size_t taken, model_answer answer) {
    model_command *c = &m->commands[m->open];
    callback(m, "data");
    if (!m->open || m->committing) {
        model_differs(m, "data outside a message [I7]");
        return;
    }
    if (n == 0 || n > c->end - c->body - c->got || memcmp(p, m->body + c->body + c->got, n) != 0) {
        model_differs(m, "data: octets %lu to %lu of %u are not those [R16 R17 R20 R21]",
                      (unsigned long)c->got, (unsigned long)(c->got + n), (unsigned)c->number);
        return;
    }
    model_heard_body(m, c);
    if (m->body_bad) model_differs(m, "data, and replies are shifted");
    c->got += taken;
    if (m->cfg.max_size && c->got + n - taken > m->cfg.max_size)
        model_differs(m, "data: more than max_size [B42]");
    sink_said(m, answer);
    if (answer != M_OK) m->aborting = 1;
}

void model_committed(model *m, model_answer answer) {
    model_command *c = &m->commands[m->open];
    model_mail *x = model_mail_of(m, c->number);
    callback(m, "commit");
    if (!m->open || !c->complete || c->got != c->end - c->body)
        model_differs(m, "commit, and the message is not whole [I3 A10]");
    if (m->cfg.max_size && c->got > m->cfg.max_size) model_differs(m, "commit over max_size");
    if (m->ahead && c->verb == M_RETR && c->complete && !model_has_size(m, c))
        model_differs(m, "commit, and %u does not have its listed size", (unsigned)c->number);
    m->committing = answer == M_AGAIN;
    if (answer == M_AGAIN) return;
    m->open = 0;
    c->done = 1;
    sink_said(m, answer);
    if (answer == M_STAGED) {
        m->staged++;
        m->staged_octets += c->got;
    }
    if (answer == M_STOP || answer == M_FAILED) {
        x->failed = 1; /* [G5 K9] */
        return;
    }
    if (c->verb == M_TOP) {
        x->headers = 1;
        return;
    }
    x->staged = answer == M_STAGED;
    x->durable = answer == M_OK;
    int sure;
    uint64_t size = model_size_of(m, c->number, &sure);
    if (c->got == 0 && size && size != MODEL_UNKNOWN) {
        x->empty = m->failed = 1;
        m->causes |= M_BY_EMPTY;
    }
}

void model_synced(model *m, model_answer answer) {
    callback(m, "sync");
    if (m->open || !m->staged) model_differs(m, "sync inside a message, or of nothing");
    int full = m->staged >= m->cfg.group_messages || m->staged_octets >= m->cfg.group_octets;
    if (!full && model_bodies_left(m) && !m->causes)
        model_differs(m, "sync before the group is full");
    m->syncing = answer == M_AGAIN;
    if (answer == M_AGAIN) return;
    sink_said(m, answer);
    m->staged = 0;
    m->staged_octets = 0;
    for (uint32_t i = 1; i <= MODEL_MAIL; i++) {
        model_mail *x = &m->mail[i];
        if (!x->staged) continue;
        x->staged = 0;
        x->durable = answer == M_OK;
        x->failed = answer != M_OK; /* none of them is [F15] */
    }
}

/* The body is not the one of this message, or the server's sizes are wrong. */
static void aborted_for_size(model *m, const model_command *c, int too_large) {
    int differs = c->complete && c->got == c->end - c->body && model_has_size(m, c) != 1;
    if (!m->ahead || c->verb != M_RETR || !(differs || too_large))
        model_differs(m, "abort of %u for its size, which is right", (unsigned)c->number);
    model_disbelieve(m);
    m->open = 0;
    m->aborting = m->committing = 0;
}

void model_aborted(model *m, int sized) {
    model_command *c = &m->commands[m->open];
    callback(m, "abort");
    if (!m->open) {
        model_differs(m, "abort outside a message [I7]");
        return;
    }
    int too_large = m->cfg.max_size && c->end - c->body > m->cfg.max_size;
    model_heard_body(m, c);
    if (sized) {
        aborted_for_size(m, c, too_large);
        return;
    }
    if (too_large) m->causes |= M_BY_SIZE, m->failed = 1;
    if (!m->aborting && !m->causes) model_differs(m, "abort without a reason");
    if (m->causes == M_BY_END && c->got != c->end - c->body)
        model_differs(m, "abort, and octets that came before the end were not used [A13]");
    model_mail_of(m, c->number)->failed = 1;
    c->dropped = 1;
    m->open = 0;
    m->aborting = m->committing = 0;
}

void model_fate(model *m, uint32_t number, const char *uid, model_fate_kind what) {
    unsigned n = (unsigned)number;
    callback(m, "fate");
    if (m->fates_all) model_differs(m, "a fate after the last one");
    if (model_may_be_shifted(m)) m->causes |= M_BY_SHIFT;
    if (!number) {
        m->fates_all++;
        m->fate_all = what;
        if (what < M_DELETED) model_differs(m, "a message's fate without a message");
        return;
    }
    model_mail *x = model_mail_of(m, number);
    check_mail(m, number, uid, "fate");
    const model_command *dele = &m->commands[x->dele];
    int due = x->unfetched || (x->durable && x->delete_wanted);
    switch (what) {
    case M_STORED:
        if (!x->durable || x->stored || x->not_stored)
            model_differs(m, "%u STORED, and it is not so, or was told [I3]", n);
        x->stored++;
        m->stored++;
        break;
    case M_NOT_STORED:
        if (x->durable || x->stored || x->not_stored)
            model_differs(m, "%u NOT_STORED, and it is not so, or was told", n);
        if (!x->failed && !m->causes) model_differs(m, "%u NOT_STORED without a reason", n);
        if (x->staged && !m->syncing) model_differs(m, "%u is staged, and was not synced", n);
        x->staged = 0;
        x->not_stored++;
        m->failed = 1;
        break;
    case M_MARKED:
        if (!x->dele || dele->status <= 0 || x->marked || x->not_marked)
            model_differs(m, "%u MARKED, and DELE was not answered +OK, or it was told [R25]", n);
        x->marked++;
        m->marked++;
        break;
    case M_NOT_MARKED:
        m->failed = 1;
        if (x->marked || x->not_marked) model_differs(m, "%u NOT_MARKED, and it was told", n);
        if (!x->empty && !due) model_differs(m, "%u NOT_MARKED, and it is not so", n);
        if (!x->empty && !m->causes) model_differs(m, "%u NOT_MARKED without a reason", n);
        x->not_marked++;
        break;
    default: model_differs(m, "the fate of all, of one message"); break;
    }
}

void model_secret(model *m, int released, int failed) {
    if (m->over) model_differs(m, "the secret is used after the end");
    if (m->secret_released) model_differs(m, "the secret is used after its release [I9]");
    if (released && !m->secret_used) model_differs(m, "the secret is released and was not used");
    m->secret_used = m->cfg.job || !released; /* each submit of one's own is a use of its own */
    m->secret_released = m->cfg.job && released;
    if (failed && m->cfg.job) model_give_up(m, M_BY_SECRET);
}

/* ---- the events of an owner of one's own ---- */

static model_command *event(model *m, const char *name, size_t tag) {
    callback(m, name);
    if (tag != m->cursor || tag >= m->commands_n || !m->commands[tag].status)
        model_differs(m, "%s of command %lu, and what comes next is of %lu [R49]", name,
                      (unsigned long)tag, (unsigned long)m->cursor);
    return &m->commands[m->cursor];
}

void model_event_line(model *m, size_t tag, uint32_t number, const char *uid, uint64_t size) {
    model_command *c = event(m, "line", tag);
    if (c->told >= c->last - c->first) {
        model_differs(m, "line: no such line has come");
        return;
    }
    const model_line *l = &m->lines[c->first + c->told++];
    if (l->number != number || l->size != size || !model_same_uid(l, uid))
        model_differs(m, "line: %u %s, and it says %u %s", (unsigned)number, uid,
                      (unsigned)l->number, l->uid);
}

void model_event_open(model *m, size_t tag) {
    model_command *c = event(m, "open", tag);
    if (!model_is_body(c) || c->status <= 0 || c->opened)
        model_differs(m, "open, and no body follows");
    c->opened = 1;
}

void model_event_body(model *m, size_t tag, const unsigned char *p, size_t n, size_t taken) {
    model_command *c = event(m, "body", tag);
    if (!c->opened || n == 0 || n > c->end - c->body - c->got ||
        memcmp(p, m->body + c->body + c->got, n) != 0)
        model_differs(m, "body: octets %lu to %lu are not those", (unsigned long)c->got,
                      (unsigned long)(c->got + n));
    c->got += taken;
}

void model_event_done(model *m, size_t tag, int status, uint32_t number, const char *uid,
                      uint64_t size, int pauses) {
    model_command *c = event(m, "done", tag);
    if (!c->complete) model_differs(m, "done, and the reply is not complete [R15]");
    if (status != c->status) model_differs(m, "done: not the status of the reply");
    if (c->got != c->end - c->body) model_differs(m, "done before the body was told");
    if (c->listing && c->verb != M_CAPA && c->told != c->last - c->first)
        model_differs(m, "done before all lines were told");
    int fields = c->status > 0 && !c->listing &&
                 (c->verb == M_STAT || c->verb == M_LIST || c->verb == M_UIDL);
    const model_line *l = &m->lines[c->first];
    if (fields && (l->number != number || (c->verb != M_UIDL && l->size != size) ||
                   (c->verb == M_UIDL && !model_same_uid(l, uid))))
        model_differs(m, "done: not the fields of the reply");
    if (!pauses) m->cursor++;
}

void model_goes_on(model *m, size_t tag) {
    const model_command *c = &m->commands[tag];
    if (c->verb != M_AUTH || !c->blank || c->status != 1 || tag + 1 != m->commands_n) return;
    m->logged_in = 0;
    m->exchange = 1;
}
