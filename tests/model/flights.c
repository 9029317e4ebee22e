/* SPDX-License-Identifier: MIT */
/* flights - what holds for commands that leave ahead of replies (RFC 2449, 6.6): who may follow
 * whom, how many octets may be on their way, and which replies are not believed. A server that
 * loses one command of a flight shifts all its replies. So STAT and the listing come first, a body
 * must have its listed size, and a last STAT shows that no reply is missing. */
#include <string.h>

#include "rules.h"

#define BIT(verb) (1u << (verb))

/* ---- who may follow whom ---- */

unsigned model_most_in_flight(const model *m) {
    const model_command *next = &m->commands[m->answer];
    /* inside an event a later CAPA is not read yet; inside its list both may be true */
    int in_list = m->answer < m->commands_n && next->verb == M_CAPA && next->status > 0;
    int offered = m->inside ? m->once_offered : m->pipelining || in_list;
    return offered && m->cfg.window > 1 ? m->cfg.window : 1; /* [R49] */
}

static int for_message(const model_command *c) {
    return model_is_body(c) || c->verb == M_DELE || (c->verb == M_LIST && c->number);
}

/* The verbs that a command of a job may leave behind; PASS behind USER is another matter. */
static unsigned leaders_of(const model *m, const model_command *c) {
    const unsigned message = BIT(M_RETR) | BIT(M_DELE) | BIT(M_CAPA);
    switch (c->verb) {
    case M_UIDL: return BIT(M_STAT);
    case M_LIST:
        if (c->number) return message | BIT(M_LIST);
        return BIT(M_STAT) | BIT(M_UIDL) | BIT(M_CAPA);
    case M_CAPA: return m->logged_in ? BIT(M_STAT) | BIT(M_UIDL) | BIT(M_LIST) : 0;
    case M_RETR:
    case M_DELE: return message | BIT(M_LIST);
    case M_STAT: return c->probe ? message | BIT(M_LIST) : 0;
    case M_QUIT: return m->logged_in ? message | BIT(M_STAT) | BIT(M_UIDL) | BIT(M_LIST) : 0;
    default: return 0; /* a header has no listed size: TOP is alone */
    }
}

/* Nobody may read a password for which USER waits, nor one that the server wanted to go over TLS.
 */
static int pass_may_follow(const model *m) {
    const model_command *user = &m->commands[m->commands_n - 1];
    int shown = m->cfg.tls || (m->capas[0] && m->with_user && !m->with_stls);
    return user->verb == M_USER && model_unanswered(m) == 1 && shown;
}

/* Whether a deletion is wanted that QUIT would make final. */
static int deletes(const model *m) {
    for (uint32_t i = 1; i <= MODEL_MAIL; i++) {
        const model_mail *x = &m->mail[i];
        if (x->dele || x->unfetched || (x->delete_wanted && !x->failed)) return 1;
    }
    return 0;
}

static void behind(model *m, const model_command *c, const model_command *leader) {
    const char *verb = model_verb_name(c->verb), *other = model_verb_name(leader->verb);
    int listing = leader->verb == M_LIST && !leader->number;
    if (!(leaders_of(m, c) & BIT(leader->verb)))
        model_differs(m, "%s ahead of the reply to %s", verb, other);
    if (for_message(c) && listing)
        model_differs(m, "%s %u ahead of the reply to LIST", verb, (unsigned)c->number);
    if (for_message(c) && leader->probe)
        model_differs(m, "%s %u ahead of the reply to the last STAT", verb, (unsigned)c->number);
}

/* Bodies on their way are bounded: a sink that fails must not cost a long drain. */
static uint64_t weight(const model *m, uint32_t number) {
    int sure;
    uint64_t size = model_size_of(m, number, &sure), most = m->cfg.ahead_octets;
    return size == MODEL_UNKNOWN ? most / 8 : size < most ? size : most;
}

static void check_octets(model *m, const model_command *c) {
    uint64_t sum = weight(m, c->number);
    int others = 0;
    for (size_t i = m->answer; i < m->commands_n; i++) {
        if (m->commands[i].verb != M_RETR) continue;
        others = 1;
        sum += weight(m, m->commands[i].number);
    }
    if (others && sum > m->cfg.ahead_octets)
        model_differs(m, "RETR %u, and %llu octets are on their way", (unsigned)c->number,
                      (unsigned long long)sum);
}

static void check_job(model *m, const model_command *c) {
    size_t others = model_unanswered(m);
    int sure;
    if (c->verb == M_STAT && !c->probe) m->ahead = m->was_ahead = model_most_in_flight(m) > 1;
    if (model_doubts(m) && (c->verb != M_STAT || others))
        model_differs(m, "%s, and STAT alone is due", model_verb_name(c->verb));
    if (c->verb == M_RETR && m->ahead && !m->mail[c->number].list &&
        model_size_of(m, c->number, &sure) == MODEL_UNKNOWN)
        model_differs(m, "RETR %u, and its size was not asked for", (unsigned)c->number);
    if (for_message(c)) m->last_mail = m->commands_n;
    if (for_message(c) && (m->ahead || m->doubt)) m->risky = m->commands_n;
    if (!others) return;
    if (c->verb <= M_CAPA || c->verb == M_UIDL || (c->verb == M_LIST && !c->number))
        m->early = m->commands_n;
    if (c->verb == M_PASS) {
        if (!pass_may_follow(m)) model_differs(m, "PASS ahead of the reply to USER");
        return;
    }
    if (!m->ahead) model_differs(m, "%s ahead of replies", model_verb_name(c->verb));
    for (size_t i = m->answer; i < m->commands_n; i++)
        behind(m, c, &m->commands[i]);
    if (c->verb == M_RETR) check_octets(m, c);
    if (c->verb == M_QUIT && deletes(m))
        model_differs(m, "QUIT with deletions, ahead of replies [G10]");
    m->behind = 1;
}

void model_may_follow(model *m, const model_command *c) {
    const char *verb = model_verb_name(c->verb);
    size_t others = model_unanswered(m), octets = c->len;
    model_verb last = m->commands[m->commands_n - 1].verb;
    int opens = last == M_PASS || last == M_APOP || last == M_AUTH || last == M_RESPONSE;
    if (others >= model_most_in_flight(m))
        model_differs(m, "%s is one command too many in flight", verb);
    if (others && opens)
        model_differs(m, "%s ahead of the reply to %s", verb, model_verb_name(last));
    for (size_t i = m->answer; i < m->commands_n; i++)
        octets += m->commands[i].len;
    if (others && m->cfg.one_way && octets > MODEL_ONE_WAY)
        model_differs(m, "%s is behind %lu octets of commands", verb,
                      (unsigned long)(octets - c->len));
    if (m->cfg.job) check_job(m, c);
}

/* ---- sizes ---- */

uint64_t model_size_of(const model *m, uint32_t number, int *sure) {
    size_t from = m->sizer ? m->sizer : m->by_number ? m->planner : 0;
    const model_command *list = &m->commands[m->mail[number].list], *c = &m->commands[from];
    uint64_t size = MODEL_UNKNOWN;
    unsigned times = 0;
    *sure = 1;
    if (m->mail[number].list && list->status > 0 && list->value == number) return list->size;
    for (size_t i = c->first; from && i < c->last; i++) {
        if (m->lines[i].number == number) size = m->lines[i].size, times++;
    }
    *sure = times <= 1;
    return size;
}

/* The body of RETR begins like a reply: another reply came twice, and this command uses up both. */
static int begins_like_reply(const model *m, const model_command *c) {
    return c->verb == M_RETR && c->status > 0 && c->end > c->body && m->body[c->body] == '+';
}

void model_heard_body(model *m, const model_command *c) {
    if (!begins_like_reply(m, c) || !(m->ahead || c->again)) return;
    m->body_bad = m->failed = 1;
    m->causes |= M_BY_SHIFT;
}

int model_may_be_shifted(const model *m) {
    int any = m->probe_bad || m->body_bad;
    for (size_t i = m->cursor; m->was_ahead && i < m->commands_n; i++)
        any |= begins_like_reply(m, &m->commands[i]);
    return any;
}

/* A server adds a line end that the message lacks, and does not count it. A line end has two
 * octets; some count one, and some three. A server counts in one way. */
int model_has_size(model *m, const model_command *c) {
    uint64_t octets = c->end - c->body, lines = 0;
    int sure;
    uint64_t size = model_size_of(m, c->number, &sure);
    for (size_t i = c->body; i < c->end; i++)
        lines += m->body[i] == '\n';
    if (size == MODEL_UNKNOWN) return 0;
    for (int each = 1; each <= 3; each++) {
        uint64_t counted = octets + lines * (uint64_t)each - lines * 2;
        int same = counted >= size && counted - size <= 2;
        if (!same || (lines > 2 && m->line_ends && m->line_ends != each)) continue;
        if (lines > 2) m->line_ends = each; /* two lines can look like one way or another */
        return sure ? 1 : 2;
    }
    return sure ? 0 : 2;
}

/* ---- replies that are not believed ---- */

int model_doubts(const model *m) { return m->doubt && m->probe_ok <= m->doubt; }

void model_disbelieve(model *m) {
    m->ahead = 0;
    m->doubt = m->last_mail;
    for (size_t i = m->open; i < m->commands_n; i++) {
        model_command *c = &m->commands[i];
        model_mail *x = c->number ? model_mail_of(m, c->number) : NULL;
        if (c->verb != M_RETR) continue;
        c->again = c->dropped = 1;
        if (m->quit_written) { /* nothing can be asked for any more */
            x->failed = 1;
            m->causes |= M_BY_SHIFT;
            continue;
        }
        x->retr_sent = 0;
        m->retrs--;
    }
}

/* A message that is marked is not counted any more (RFC 1939, 5); one that came since may be. */
void model_probed(model *m, const model_command *c) {
    uint32_t marked = 0;
    for (size_t i = 1; i < m->answer; i++)
        marked += m->commands[i].verb == M_DELE && m->commands[i].status > 0;
    if (c->status > 0 && c->size != MODEL_UNKNOWN && c->value >= m->first_count - marked) {
        m->probe_ok = (size_t)(c - m->commands);
    } else {
        m->probe_bad = m->failed = 1;
        m->causes |= M_BY_SHIFT;
    }
}

/* A reply may be missing from a flight of the login or the listing. */
static int misses_early(const model *m) {
    for (size_t i = m->answer; i < m->commands_n && i <= m->early; i++) {
        model_verb v = m->commands[i].verb;
        if (v == M_PASS || v == M_UIDL || (v == M_LIST && !m->commands[i].number)) return 1;
    }
    return 0;
}

void model_told(model *m, unsigned bits, int settled) {
    int unsure = m->risky > m->probe_ok || misses_early(m), told = (bits & M_UNSURE) != 0;
    int stat_written = 0;
    for (size_t i = 1; i < m->commands_n && !stat_written; i++)
        stat_written = m->commands[i].verb == M_STAT;
    if (unsure && !told) model_differs(m, "a reply may be missing, and `unsure` is 0");
    int perhaps = settled ? m->early > m->last_mail : m->early || m->risky;
    if (told && !unsure && !perhaps) model_differs(m, "no reply is missing, and `unsure` is 1");
    if (m->doubt && !(bits & M_SHIFTED))
        model_differs(m, "a body had another size, and `shifted` is 0");
    int odd = told && m->causes & M_BY_SERVER; /* it may be the reply to another command */
    if (bits & M_SHIFTED && !m->doubt && !odd && !model_may_be_shifted(m))
        model_differs(m, "all replies match, and `shifted` is 1");
    if (m->behind && !(bits & M_AHEAD)) model_differs(m, "commands left ahead, `ahead` is 0");
    if (bits & M_AHEAD && stat_written && !m->was_ahead)
        model_differs(m, "no command may leave ahead, and `ahead` is 1");
}
