/* SPDX-License-Identifier: MIT */
/* ahead - runs a case once more, with a server that offers PIPELINING and a job that has a window.
 * The server is made of the script. It answers each command with the S lines that follow it there,
 * in the order in which commands come. A command that is not in the script gets the answer that RFC
 * 1939 wants. The job sends commands as early as it likes.
 *
 * These must be the same as in the script:
 * - the calls of the sink, the fates of stored messages and the result, in their order;
 * - the fates of other messages, in their order;
 * - the fates of deletions, in their order, if each DELE of the script was answered;
 * - the calls of decide and listed, in their order;
 * - the diagnosis, except capabilities, `quit_left`, and a text that another refusal replaced;
 * - the commands, in any order. Others may come: CAPA, STAT and LIST, and any while another command
 *   has no answer.
 *
 * If LIST has another size than the body, the job aborts the body (R49). Then only the calls before
 * it are compared. For some scripts the order is their topic: see stands_alone. They are run too,
 * and only the invariants of each run hold for them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum {
    COMMANDS = 1024,
    SIZE_USUAL = 3,
    MISSED = 200 /* entries of the script that are looked for: its first commands */
};

static struct {
    char *waiting[COMMANDS]; /* commands that came and have no answer yet: a ring */
    size_t first, count, most;
    size_t steps;
    octets *answers;            /* by step */
    unsigned char *used;        /* by step: its answer was given */
    uint32_t messages, deleted; /* STAT's count, and DELE that were answered with +OK */
    int refused;                /* a command that is not in the script got -ERR */
} server;

/* ---- the script as a table of answers ---- */

static int is_text(const octets *o, const char *text) {
    return strcmp((const char *)o->p, text) == 0;
}

/* The step of this command: the first one without an answer, else the last one; else step_count. */
static size_t step_of(const script *s, const char *command) {
    size_t last = s->step_count;
    for (size_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].kind != STEP_COMMAND || !is_text(&s->steps[i].text, command)) continue;
        last = i;
        if (!server.used[i]) return i;
    }
    return last;
}

/* Puts together the answer to each command: all S lines before the next command. */
static void collect_answers(const script *s) {
    octets *to = NULL;
    server.answers = calloc(s->step_count + 1, sizeof *server.answers);
    if (!server.answers) abort();
    for (size_t i = 0; i < s->step_count; i++) {
        const octets *from = &s->steps[i].text;
        if (s->steps[i].kind == STEP_COMMAND) to = &server.answers[i];
        if (!to || s->steps[i].kind != STEP_SERVER) continue;
        to->p = realloc(to->p, to->n + from->n + 1);
        if (!to->p) abort();
        memcpy(to->p + to->n, from->p, from->n + 1);
        to->n += from->n;
    }
}

/* The answer to the command of steps[at]; NULL: there is no answer. */
static const octets *answer_of(size_t at) {
    return server.answers[at].n ? &server.answers[at] : NULL;
}

static const octets *answer_to(const script *s, const char *command) {
    for (size_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].kind == STEP_COMMAND && is_text(&s->steps[i].text, command))
            return answer_of(i);
    }
    return NULL;
}

static int is_ok(const octets *o) { return o && o->n >= 3 && memcmp(o->p, "+OK", 3) == 0; }

/* Returns the octets of one reply at the beginning of o, 0 if it does not end there. */
static size_t reply_len(const octets *o, const char *command) {
    const char *at = (const char *)o->p, *end = at + o->n;
    int is_listing = strcmp(command, "LIST") == 0 || strcmp(command, "UIDL") == 0 ||
                     strcmp(command, "CAPA") == 0 || strncmp(command, "RETR ", 5) == 0 ||
                     strncmp(command, "TOP ", 4) == 0;
    int wants_dot = is_listing && is_ok(o);
    while (at < end) {
        const char *line = at;
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at++) break;
        if (!wants_dot || (line[0] == '.' && line[1] == '\r' && at - line == 3 && line[-2] == '\r'))
            return (size_t)(at - (const char *)o->p);
    }
    return 0;
}

/* Returns whether more than its answer follows a command. Then commands that are ahead would get
 * other answers. */
static int has_surplus(const script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        const step *t = &s->steps[i];
        const octets *o = t->kind == STEP_COMMAND ? answer_of(i) : i == 0 ? &t->text : NULL;
        size_t n = o && o->n ? reply_len(o, i ? (const char *)t->text.p : "") : 0;
        if (n && n < o->n) return 1;
    }
    return 0;
}

/* Octets of the body that RETR's answer has, with its line ends and without stuffing. */
static size_t body_size(const octets *o) {
    const char *at = memchr(o->p, '\n', o->n), *end = (const char *)o->p + o->n;
    size_t n = 0;
    for (at = at ? at + 1 : end; at < end;) {
        const char *next = at;
        do {
            next = memchr(next, '\n', (size_t)(end - next));
            next = next ? next + 1 : end;
        } while (next < end && next[-2] != '\r');
        if (*at == '.' && next - at == 3 && at[1] == '\r') break;
        n += (size_t)(next - at) - (*at == '.');
        at = next;
    }
    return n;
}

/* The listed size of message n: from LIST in the script, else the octets of its body. */
static size_t size_of(const script *s, unsigned long n) {
    char command[40];
    const octets *all = answer_to(s, "LIST"), *body;
    for (const char *at = is_ok(all) ? (const char *)all->p : NULL; at;) {
        unsigned long number, size;
        at = strchr(at, '\n');
        if (!at++) break;
        if (sscanf(at, "%lu %lu", &number, &size) == 2 && number == n) return size;
    }
    snprintf(command, sizeof command, "RETR %lu", n);
    body = answer_to(s, command);
    return is_ok(body) ? body_size(body) : SIZE_USUAL;
}

/* ---- answers that the script does not have ---- */

static void append(octets *o, const char *text) {
    size_t n = strlen(text);
    o->p = realloc(o->p, o->n + n + 1);
    if (!o->p) abort();
    memcpy(o->p + o->n, text, n + 1);
    o->n += n;
}

/* Whether a command that begins so is refused. */
static int refuses(const script *s, const char *begin) {
    for (size_t i = 0; i < s->step_count; i++) {
        const char *text = (const char *)s->steps[i].text.p;
        const octets *o = s->steps[i].kind == STEP_COMMAND ? answer_of(i) : NULL;
        if (o && strncmp(text, begin, strlen(begin)) == 0 && !is_ok(o)) return 1;
    }
    return 0;
}

static octets usual_capabilities(const script *s) {
    octets o = {0};
    append(&o, "+OK\r\nUSER\r\nUIDL\r\nPIPELINING\r\n");
    if (!refuses(s, "TOP ")) append(&o, "TOP\r\n");
    append(&o, "SASL");
    for (unsigned bit = POPCL_AUTH_PLAIN; bit <= s->cfg.auth; bit <<= 1) {
        if (!(s->cfg.auth & bit)) continue;
        append(&o, " ");
        append(&o, script_mechanism(bit)); /* a name has no case (RFC 2449, 4) */
    }
    append(&o, "\r\n");
    append(&o, ".\r\n");
    return o;
}

/* The script's list, with PIPELINING in it. */
static octets with_pipelining(const octets *from) {
    octets o = {0};
    size_t head = from->n >= 3 && memcmp(from->p + from->n - 3, ".\r\n", 3) == 0 ? from->n - 3 : 0;
    char *text = malloc(from->n + 1);
    if (!text) abort();
    memcpy(text, from->p, from->n + 1);
    if (!is_ok(from) || !head) {
        append(&o, text);
    } else {
        text[head] = 0;
        append(&o, text);
        append(&o, "PIPELINING\r\n.\r\n");
    }
    free(text);
    return o;
}

static octets usual_body(size_t size) {
    octets o = {0};
    o.p = malloc(size + 16);
    if (!o.p) abort();
    memcpy(o.p, "+OK\r\n", 5);
    memset(o.p + 5, 'x', size);
    o.n = 5 + size;
    if (size >= 2) memcpy(o.p + o.n - 2, "\r\n", 2);
    memcpy(o.p + o.n, ".\r\n", 4);
    o.n += 3;
    return o;
}

static octets usual_listing(const script *s, const char *command) {
    octets o = {0};
    char line[64];
    append(&o, "+OK\r\n");
    for (uint32_t n = 1; n <= server.messages && n <= MESSAGES; n++) {
        if (*command == 'U')
            snprintf(line, sizeof line, "%" PRIu32 " uid-%" PRIu32 "\r\n", n, n);
        else
            snprintf(line, sizeof line, "%" PRIu32 " %zu\r\n", n, size_of(s, n));
        append(&o, line);
    }
    append(&o, ".\r\n");
    return o;
}

static octets usual_answer(const script *s, const char *command) {
    octets o = {0};
    char line[64] = "+OK\r\n";
    unsigned long n = 0;
    if (sscanf(command, "RETR %lu", &n) == 1) return usual_body(size_of(s, n));
    if (strcmp(command, "CAPA") == 0) return usual_capabilities(s);
    if (strcmp(command, "LIST") == 0 || strcmp(command, "UIDL") == 0)
        return usual_listing(s, command);
    if (sscanf(command, "LIST %lu", &n) == 1)
        snprintf(line, sizeof line, "+OK %lu %zu\r\n", n, size_of(s, n));
    else if (strcmp(command, "STAT") == 0)
        snprintf(line, sizeof line, "+OK %" PRIu32 " 0\r\n", server.messages - server.deleted);
    else if (strncmp(command, "PASS ", 5) == 0) /* USER was refused */
        strcpy(line, "-ERR\r\n");
    else if (sscanf(command, "TOP %lu", &n) == 1)
        strcpy(line, "+OK\r\na: b\r\n.\r\n");
    append(&o, line);
    return o;
}

/* ---- one run ---- */

static void note_answer(const char *command, const octets *answer) {
    unsigned long n;
    if (!is_ok(answer)) return;
    if (strncmp(command, "DELE ", 5) == 0) server.deleted++;
    if (strcmp(command, "STAT") == 0 && server.messages == 0 &&
        sscanf((const char *)answer->p, "+OK %lu", &n) == 1)
        server.messages = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void say_once(run *r, octets o) {
    run_server_says(r, &o);
    free(o.p);
}

/* Answers by the lines after steps[at]. The second time, time does not pass, and no action follows.
 */
static void answer_by_script(run *r, size_t at) {
    const script *s = r->s;
    const char *command = (const char *)s->steps[at].text.p;
    int again = server.used[at], is_capa = strcmp(command, "CAPA") == 0;
    if (popcl_state(r->session) == POPCL_DONE) return;
    server.used[at] = 1;
    for (size_t i = at + 1; i < s->step_count && s->steps[i].kind != STEP_COMMAND; i++) {
        const step *t = &s->steps[i];
        if (r->fault[0] || r->wiped) return;
        if (t->kind == STEP_SERVER && !again) note_answer(command, &t->text);
        if (t->kind == STEP_SERVER && is_capa)
            say_once(r, with_pipelining(&t->text));
        else if (t->kind == STEP_SERVER || !again)
            run_play_step(r, t);
    }
}

static void answer_command(run *r, const char *command) {
    const script *s = r->s;
    size_t at = step_of(s, command);
    /* STAT counts less after DELE */
    int in_script =
        at < s->step_count && (!server.used[at] || (answer_of(at) && strcmp(command, "STAT") != 0));
    r->quit_sent = strcmp(command, "QUIT") == 0;
    if (in_script) { /* it is not marked as answered if the connection is gone */
        answer_by_script(r, at);
        return;
    }
    octets o = usual_answer(s, command);
    server.refused |= !is_ok(&o);
    note_answer(command, &o);
    say_once(r, o);
}

/* A command that the script does not have came alone. */
static int comes_for_nothing(const script *s, const char *command) {
    return server.count == 0 && step_of(s, command) == s->step_count &&
           strcmp(command, "CAPA") != 0 && strcmp(command, "STAT") != 0 &&
           strncmp(command, "LIST", 4) != 0;
}

/* All commands that the job gives. */
static void take_all(run *r) {
    while (!r->fault[0] && !r->wiped && server.count < COMMANDS && run_take_command(r)) {
        char *copy = malloc(strlen(r->line) + 1);
        if (!copy) abort();
        strcpy(copy, r->line);
        if (comes_for_nothing(r->s, copy)) run_fault(r, "not in the script, and alone: %s", copy);
        server.waiting[(server.first + server.count++) % COMMANDS] = copy;
        r->quit_sent = 0; /* until it is answered */
    }
    if (server.count > server.most) server.most = server.count;
    if (server.count > r->m->window && !has_surplus(r->s))
        run_fault(r, "%zu commands in flight", server.count);
}

size_t ahead_play(run *r) {
    const script *s = r->s;
    size_t i = 0;
    for (; i < server.steps; i++)
        free(server.answers[i].p);
    free(server.answers);
    free(server.used);
    memset(&server, 0, sizeof server);
    server.steps = s->step_count;
    server.used = calloc(s->step_count + 1, 1);
    if (!server.used) abort();
    collect_answers(s);
    i = 0;
    for (; i < s->step_count && s->steps[i].kind != STEP_COMMAND && !r->fault[0] && !r->wiped;
         i++) {
        if (r->m->security == POPCL_TLS && !r->in_tls && r->connected) secure_handshake(r);
        run_play_step(r, &s->steps[i]);
    }
    while (take_all(r), server.count > 0) {
        char *command = server.waiting[server.first];
        server.first = (server.first + 1) % COMMANDS;
        server.count--;
        if (!r->fault[0] && !r->wiped) answer_command(r, command);
        free(command);
    }
    if (r->m->security != POPCL_CLEAR) secure_check_clear(r);
    return server.most;
}

/* ---- the verdict ---- */

static int is_command(const entry *e) {
    return !e->merges && strncmp((const char *)e->p, "C: ", 3) == 0;
}

static int is_other_size(const entry *e) {
    return !e->merges && strcmp((const char *)e->p, "abort ERR_BODY_SIZE") == 0;
}

/* Returns the first event of a body that is aborted since LIST gave another size, or the count. */
static size_t until_other_size(const event_log *l) {
    size_t begun = l->count;
    for (size_t i = 0; i < l->count; i++) {
        if (!l->entries[i].merges && strncmp((const char *)l->entries[i].p, "begin ", 6) == 0)
            begun = i;
        if (is_other_size(&l->entries[i])) return begun;
    }
    return l->count;
}

/* Something happens at the answer to DELE: it comes later, once RETR is ahead of DELE. */
static int has_event_at_dele(const script *s) {
    const char *command = "";
    for (size_t i = 0; i < s->step_count; i++) {
        const step *t = &s->steps[i];
        if (t->kind == STEP_COMMAND)
            command = (const char *)t->text.p;
        else if (t->kind != STEP_SERVER && strncmp(command, "DELE ", 5) == 0)
            return 1;
    }
    return 0;
}

static int ends_with(const script *s, const char *text) {
    const event_log *l = &s->expected;
    return l->count && strcmp((const char *)l->entries[l->count - 1].p, text) == 0;
}

/* A CAPA of the script did not come, since PIPELINING was known: then its answer counts for
 * nothing. */
static int lacks_capa(const script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        const step *t = &s->steps[i];
        if (t->kind == STEP_COMMAND && is_text(&t->text, "CAPA") && !server.used[i]) return 1;
    }
    return 0;
}

static int each_dele_was_answered(const script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        const step *t = &s->steps[i];
        if (t->kind == STEP_COMMAND && strncmp((const char *)t->text.p, "DELE ", 5) == 0 &&
            !server.used[i])
            return 0;
    }
    return 1;
}

/* The order is the topic of these cases. The server answers more than it is asked, or something
 * happens at a DELE. Or the transport takes nothing, or a CAPA is not due any more. */
static int stands_alone(const script *s) {
    return lacks_capa(s) || has_surplus(s) || has_event_at_dele(s) ||
           ends_with(s, "result ERR_TIMEOUT_SEND");
}

int ahead_compares(const run *r, const char *check) {
    static const char *const keys[] = {"caps", "quit_left ", "text ", "deletions "};
    const int holds[] = {0, 0, !server.refused, each_dele_was_answered(r->s)};
    if (stands_alone(r->s) || until_other_size(&r->log) < r->log.count) return 0;
    for (size_t i = 0; check && i < sizeof keys / sizeof keys[0]; i++) {
        if (strncmp(check, keys[i], strlen(keys[i])) == 0) return holds[i];
    }
    return 1;
}

/* The order in one stream is the script's. */
enum stream { MAIL, FAILURES, MARKS, DECISIONS, STREAMS };

static enum stream stream_of(const script *s, const entry *e) {
    const char *text = (const char *)e->p;
    if (e->merges) return MAIL;
    if (is_command(e) || strncmp(text, "trace ", 6) == 0) return STREAMS;
    /* without a listing there is no such stage */
    if (strncmp(text, "decide uid ", 11) == 0 && s->cfg.uids == POPCL_UIDS_UNUSED) return STREAMS;
    if (strncmp(text, "decide ", 7) == 0 || strncmp(text, "listed ", 7) == 0) return DECISIONS;
    if (strncmp(text, "fate ", 5) != 0) return MAIL;
    if (strstr(text, "NOT_STORED")) return FAILURES;
    return strstr(text, "MARKED") || strstr(text, "fate all") ? MARKS : MAIL;
}

/* A script may have no size, if the job without a window asks for none. */
static void copy_entry(event_log *to, const entry *e) {
    static const char unknown[] = " size=?";
    size_t n = e->n, tail = sizeof unknown - 1;
    if (e->line && n > tail && strcmp((const char *)e->p + n - tail, unknown) == 0) n -= tail;
    if (e->merges)
        log_data(to, e->line, e->p, e->n);
    else
        log_line(to, e->line, "%.*s", (int)n, (const char *)e->p);
}

static void copy_stream(const script *s, const event_log *from, size_t until, enum stream which,
                        event_log *to) {
    for (size_t i = 0; i < until; i++) {
        if (stream_of(s, &from->entries[i]) == which) copy_entry(to, &from->entries[i]);
    }
}

/* A command of the script that did not come. CAPA comes once more only if PIPELINING is not known,
 * and `! stop` may come before a command. */
static const char *missing_command(const run *r) {
    const event_log *expected = &r->s->expected, *actual = &r->log;
    for (size_t i = 0; i < expected->count && i < MISSED; i++) {
        const entry *e = &expected->entries[i];
        size_t wanted = 0, came = 0;
        if (!is_command(e) || strcmp((const char *)e->p, "C: CAPA") == 0) continue;
        for (size_t k = 0; k < expected->count; k++)
            wanted += strcmp((const char *)expected->entries[k].p, (const char *)e->p) == 0;
        for (size_t k = 0; k < actual->count; k++)
            came += strcmp((const char *)actual->entries[k].p, (const char *)e->p) == 0;
        if (came < wanted) return (const char *)e->p;
    }
    return NULL;
}

static int stops(const script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].kind == STEP_ACTION && s->steps[i].action == DO_STOP) return 1;
    }
    return 0;
}

long ahead_judge(run *r, event_log *expected, event_log *actual) {
    const script *s = r->s;
    size_t until = until_other_size(&r->log);
    if (stands_alone(s)) return -1;
    if (until < r->log.count && !answer_to(s, "LIST"))
        run_fault(r, "aborted, and its size is right");
    for (int which = MAIL; which < STREAMS; which++) {
        if (which == MARKS && !each_dele_was_answered(s)) continue;
        if (which != MAIL && until < r->log.count) continue;
        copy_stream(s, &s->expected, s->expected.count, (enum stream)which, expected);
        copy_stream(s, &r->log, until, (enum stream)which, actual);
    }
    long at = log_difference(expected, actual, 0);
    if (until < r->log.count) return at == (long)actual->count ? -1 : at;
    const char *missing = missing_command(r);
    if (missing && each_dele_was_answered(s) && !stops(s))
        run_fault(r, "it did not come: %.60s", missing);
    return at;
}
