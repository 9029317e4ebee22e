/* SPDX-License-Identifier: MIT */
/* commands - what a client may write, one command at a time: which, in what order, how many at
 * once, and in which octets they leave. */
#include <stdio.h>
#include <string.h>

#include "rules.h"

#define SECRET_OCTET '\1' /* in a command's line: any hex digit */

/* ---- commands of a job ---- */

static int said(const model *m, model_verb verb) {
    for (size_t i = 1; i < m->commands_n; i++) {
        if (m->commands[i].verb == verb) return 1;
    }
    return 0;
}

static void write_login(model *m, const model_command *c, const char *verb) {
    const model_command *before = &m->commands[m->commands_n - 1];
    if (m->logged_in || (m->gave_up && !model_late(m))) model_differs(m, "%s now", verb);
    if (m->cfg.capa_first && !m->capas[0]) model_differs(m, "%s before CAPA", verb);
    if (c->verb != M_PASS && (said(m, M_USER) || said(m, M_APOP)))
        model_differs(m, "a second login [E6 E5]");
    if (c->verb == M_APOP && (!m->cfg.may_apop || m->stamp == 0))
        model_differs(m, "APOP without a stamp, or not allowed [E1 E2 R37]");
    if (c->verb == M_USER && (!m->cfg.may_user || (m->cfg.may_apop && m->stamp == 1)))
        model_differs(m, "USER where APOP is due, or not allowed");
    if (c->verb == M_PASS && (before->verb != M_USER || before->status < 0))
        model_differs(m, "PASS, and USER was not answered +OK [E6]"); /* or not yet: flights.c */
}

/* The line after the verb has to be this. */
static void check_line(model *m, const model_command *c, const char *argument) {
    char want[256];
    snprintf(want, sizeof want, "%s%s%s\r\n", model_verb_name(c->verb), *argument ? " " : "",
             argument);
    if (strlen(want) != c->len || memcmp(want, c->line, c->len) != 0)
        model_differs(m, "a command is not written as it should be: %.*s [R5]", (int)c->len - 2,
                      c->line);
}

static void write_listing(model *m, const model_command *c, size_t index) {
    const model_command *plan = &m->commands[m->planner];
    const char *verb = model_verb_name(c->verb);
    check_line(m, c, "");
    model_without_uids(m, 0);
    int stat_left = m->commands[m->answer].verb == M_STAT && model_unanswered(m);
    if (!said(m, M_STAT) || m->count == 0 || (m->count == UINT32_MAX && !stat_left))
        model_differs(m, "%s where there is nothing to list", verb);
    if (c->verb == M_LIST && !m->by_number && m->planner && plan->status >= 0 && !m->sizer) {
        m->sizer = index;
        if (!m->cfg.sizes && !m->ahead) model_differs(m, "LIST, and no size is wanted");
        if (!m->cfg.sizes && !plan->complete)
            model_differs(m, "LIST, and it is not known whether many are new");
        return;
    }
    if ((c->verb == M_UIDL) == m->by_number) model_differs(m, "%s now [B46]", verb);
    if (m->by_number && m->cfg.no_uid && !m->cfg.sizes && !m->ahead)
        model_differs(m, "LIST, and numbers would do");
    if (m->planner && !m->restarted && !m->plan_full)
        model_differs(m, "a further listing, and the plan had room for all [B36]");
    if (!m->restarted && m->pass >= m->cfg.passes) model_differs(m, "one pass too many");
    model_begin_pass(m, index);
}

static void write_message(model *m, const model_command *c, size_t index) {
    model_mail *x = model_mail_of(m, c->number);
    unsigned n = (unsigned)c->number;
    char argument[40];
    if (c->number == 0 || c->number > m->count)
        model_differs(m, "%s %u: there is no such message [R8]", model_verb_name(c->verb), n);
    snprintf(argument, sizeof argument, c->verb == M_TOP ? "%u 0" : "%u", n);
    check_line(m, c, argument); /* [R31] */
    if (c->verb == M_LIST) {
        if (!m->ahead || x->list || !x->wanted || x->retr_sent)
            model_differs(m, "LIST %u is not wanted", n);
        x->list = index;
        return;
    }
    if (c->verb == M_DELE) {
        if (x->dele) model_differs(m, "DELE %u twice", n);
        if (x->empty) model_differs(m, "DELE %u, whose body was empty [Q19]", n);
        if (!x->unfetched && !x->durable) model_differs(m, "DELE %u, which is not durable [I3]", n);
        if (!x->unfetched && !x->delete_wanted)
            model_differs(m, "DELE %u, and decide did not say so [G7]", n);
        x->dele = index;
        return;
    }
    if (m->stopping) model_differs(m, "%s %u after the stop", model_verb_name(c->verb), n);
    if (m->staged >= m->cfg.group_messages || m->staged_octets >= m->cfg.group_octets)
        model_differs(m, "%s %u, and the group is full", model_verb_name(c->verb), n);
    if (c->verb == M_TOP) {
        if (!x->top_wanted || x->top_sent++) model_differs(m, "TOP %u is not wanted", n);
        return;
    }
    if (!x->wanted || x->retr_sent++) model_differs(m, "RETR %u is not wanted", n);
    m->retrs++;
    if (m->cfg.max_messages && m->retrs > m->cfg.max_messages)
        model_differs(m, "RETR %u is one more than max_messages", n);
}

/* Nothing may be left undone when QUIT is written, unless there is a reason. */
static void nothing_left(model *m) {
    const model_command *p = &m->commands[m->planner];
    if (m->risky > m->probe_ok && !m->commands[m->commands_n - 1].probe)
        model_differs(m, "QUIT, and no STAT shows that no reply is missing");
    if (m->count == 0 || m->gave_up) return;
    if (!said(m, M_STAT)) model_differs(m, "QUIT before STAT");
    if (!m->by_number && !m->planner) model_differs(m, "QUIT before a listing");
    if (m->restarted) model_differs(m, "QUIT, and LIST was to plan [B46]");
    for (size_t i = p->first; m->planner && i < p->last; i++) {
        const model_mail *x = model_mail_of(m, m->lines[i].number);
        int passed_over = m->sizer && !model_line_of(m, m->sizer, m->lines[i].number, NULL);
        if (m->lines[i].number < m->from) continue;
        if (!x->asked && !x->looked_at && !m->plan_full)
            model_differs(m, "QUIT, and %u was never asked about", (unsigned)m->lines[i].number);
        if (x->asked && !x->skipped && !x->looked_at && !passed_over && !m->more && !m->plan_full)
            model_differs(m, "QUIT, and %u was forgotten", (unsigned)m->lines[i].number);
    }
    if (m->plan_full && m->pass < m->cfg.passes && !m->more)
        model_differs(m, "QUIT, and a pass was left [B36]");
    for (uint32_t i = 1; i <= MODEL_MAIL && i <= m->count; i++) {
        const model_mail *x = &m->mail[i];
        if (x->wanted && !x->stored && !x->not_stored && !x->retr_sent)
            model_differs(m, "QUIT, and %u was not fetched", (unsigned)i);
        if (x->top_wanted && !x->headers_seen && !x->not_stored)
            model_differs(m, "QUIT, and the header of %u was not fetched", (unsigned)i);
    }
    int ascends =
        m->planner && m->pass == 1 && !m->unordered && p->last - p->first == (size_t)m->count;
    if (ascends && !m->complete_told)
        model_differs(m, "the listing was complete, and listed was not told so");
}

static void write_quit(model *m, const model_command *c) {
    check_line(m, c, "");
    if (!model_may_stop(m)) model_without_uids(m, 0);
    int bodies = 0; /* on their way: sync comes behind the last of them */
    for (size_t i = m->answer; i < m->commands_n; i++)
        bodies |= model_is_body(&m->commands[i]);
    if (m->staged && !bodies) model_differs(m, "QUIT before sync");
    for (uint32_t i = 1; i <= MODEL_MAIL; i++) {
        const model_mail *x = &m->mail[i];
        int due = x->unfetched || (x->durable && x->delete_wanted && !x->empty);
        if (due && !x->dele) model_differs(m, "QUIT before DELE %u [G10]", (unsigned)i);
    }
    nothing_left(m);
    m->quit_written = 1;
}

/* A server may offer PIPELINING only after the login: whoever gives a window wants to know. */
static int capa_is_due(const model *m) {
    return m->cfg.window > 1 && !m->pipelining && !m->cfg.no_capa && !m->capas[1] &&
           !(m->refused & 1u << M_CAPA);
}

static void write_job(model *m, const model_command *c, size_t index) {
    const unsigned login = 1u << M_USER | 1u << M_PASS | 1u << M_APOP;
    if (m->syncing && model_late(m)) {
        m->syncing = 0;
        m->staged = 0;
    } /* it asked for too much time */
    if (m->syncing) model_differs(m, "a command while sync is asked for");
    if (m->committing) model_differs(m, "a command while commit is asked for");
    model_all_settled(m);
    switch (c->verb) {
    case M_CAPA: {
        unsigned after = m->logged_in ? 1 : 0;
        check_line(m, c, "");
        if (m->cfg.no_capa || m->capas[after]++) model_differs(m, "CAPA is not wanted");
        if (!after && (!m->cfg.capa_first || said(m, M_USER))) model_differs(m, "CAPA now");
        if (after && m->retrs) model_differs(m, "CAPA behind a message [R43]");
        break;
    }
    case M_USER:
        check_line(m, c, m->cfg.user);
        write_login(m, c, "USER");
        break;
    case M_PASS:
        check_line(m, c, m->cfg.secret);
        write_login(m, c, "PASS");
        break;
    case M_APOP: write_login(m, c, "APOP"); break;
    case M_STAT:
        check_line(m, c, "");
        if (!m->logged_in) model_differs(m, "STAT now");
        int probes = m->risky > m->probe_ok || model_doubts(m);
        if (c->probe ? !probes : capa_is_due(m))
            model_differs(m, c->probe ? "STAT, and no reply can be missing" : "STAT before CAPA");
        break;
    case M_LIST:
        if (c->number) {
            write_message(m, c, index);
            break;
        }
        /* fall through */
    case M_UIDL:
        if (m->gave_up && m->stopping) model_differs(m, "a listing after the stop");
        write_listing(m, c, index);
        break;
    case M_RETR:
    case M_TOP:
    case M_DELE: write_message(m, c, index); break;
    case M_QUIT:
        /* a refusal that leaves nothing else to do */
        if (m->refused & login) model_give_up(m, M_BY_LOGIN);
        if (m->count && m->refused & (1u << M_STAT | 1u << M_LIST)) model_give_up(m, M_BY_REFUSAL);
        if (!m->logged_in && m->stamp != 1 && m->cfg.may_apop && !m->cfg.may_user)
            model_give_up(m, M_BY_LOGIN); /* [E1] */
        write_quit(m, c);
        break;
    default: model_differs(m, "a command that no job has: %.*s", (int)c->len - 2, c->line); break;
    }
    /* a refusal after which nothing but QUIT may come [E5 E6 Q16] */
    if (c->verb != M_QUIT && m->refused & (login | 1u << M_STAT))
        model_differs(m, "%s after a refusal", model_verb_name(c->verb));
    if (m->refused & 1u << M_LIST && c->verb != M_QUIT && c->verb != M_DELE && !c->probe)
        model_differs(m, "%s after -ERR to LIST", model_verb_name(c->verb));
}

/* ---- commands of both ---- */

int model_allows(const model *m, model_verb verb, uint32_t number) {
    int before = verb == M_USER || verb == M_PASS || verb == M_APOP || verb == M_AUTH ||
                 verb == M_UTF8; /* [R90] */
    int always = verb == M_CAPA || verb == M_QUIT || verb == M_RESPONSE || verb == M_LANG;
    if (m->commands[0].status <= 0 || m->quit_written || m->mute) return 0;
    if (!m->inside && (m->doomed || m->ended)) return 0;
    if (m->exchange != (verb == M_RESPONSE)) return 0; /* [R73] */
    if (!always && before == m->logged_in) return 0;
    if ((verb == M_RETR || verb == M_TOP || verb == M_DELE) && number == 0) return 0;
    if (model_unanswered(m) && m->commands[m->commands_n - 1].verb <= M_RESPONSE &&
        m->commands[m->commands_n - 1].verb != M_USER)
        return 0; /* its reply changes what may follow */
    return (number <= m->count || m->inside) && model_unanswered(m) < model_most_in_flight(m);
}

void model_write(model *m, const char *line, size_t n) {
    size_t index = m->commands_n;
    if (index == MODEL_COMMANDS) {
        m->beyond = 1;
        return;
    }
    model_command *c = &m->commands[index];
    memset(c, 0, sizeof *c);
    model_read_command(line, n, c);
    if (n >= 3 && memcmp(line + n - 3, "***", 3) == 0) {
        memcpy(c->line, line, n - 3);
        n -= 3;
        if (n == 0) c->verb = M_RESPONSE;
        if (c->verb == M_AUTH || c->verb == M_RESPONSE) {
            memcpy(c->line + n, m->response, strlen(m->response));
            n += strlen(m->response);
        } else if (c->verb == M_PASS) {
            memcpy(c->line + n, m->cfg.secret, strlen(m->cfg.secret));
            n += strlen(m->cfg.secret);
        } else {
            memset(c->line + n, SECRET_OCTET, 32); /* [R36] */
            n += 32;
        }
    } else {
        if (n == 0) c->verb = M_RESPONSE;
        c->blank = c->verb == M_AUTH;
        if (c->verb == M_PASS || c->verb == M_APOP)
            model_differs(m, "the trace shows a secret [L6 E13]");
        memcpy(c->line, line, n);
    }
    memcpy(c->line + n, "\r\n", 2);
    c->len = n + 2;
    if (c->len > 255 && c->verb != M_RESPONSE)
        model_differs(m, "a command of %lu octets [R40]", (unsigned long)c->len);
    if (m->over) model_differs(m, "a command after the end");
    if (m->quit_written) model_differs(m, "a command after QUIT [R49]");
    if (m->doomed && !m->inside)
        model_differs(m, "a command after the server broke the protocol [B28]");
    if (m->ended && !m->inside) model_differs(m, "a command after the end of the connection");
    if (m->commands[0].status <= 0) model_differs(m, "a command before the greeting [R4 A5]");
    c->probe = m->cfg.job && c->verb == M_STAT && said(m, M_STAT);
    model_may_follow(m, c);
    if (m->cfg.job)
        write_job(m, c, index);
    else if (c->verb == M_QUIT)
        m->quit_written = 1;
    m->commands_n++;
    model_moved(m);
}

/* [A14] */
void model_leave(model *m, const unsigned char *p, size_t n) {
    m->moved_since = 1; /* in a pause it is no progress */
    for (size_t i = 0; i < n; i++) {
        model_command *c = &m->commands[m->leaving];
        if (m->leaving == m->commands_n) {
            model_differs(m, "octets left that no command has");
            return;
        }
        int hex = (p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f');
        if (c->line[c->out] == SECRET_OCTET ? !hex : (unsigned char)c->line[c->out] != p[i])
            model_differs(m, "octet %lu of %s left as 0x%02x", (unsigned long)c->out,
                          model_verb_name(c->verb), p[i]);
        if (++c->out == c->len) m->leaving++;
    }
}
