/* SPDX-License-Identifier: MIT */
/* session - runs of popcl_command.h: commands that the script submits, and the events that they
 * bring. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static const char *tag_text(uint32_t tag, char text[16]) {
    if (tag == POPCL_TAG_GREETING)
        strcpy(text, "greeting");
    else
        snprintf(text, 16, "%" PRIu32, tag);
    return text;
}

static const char *code_text(unsigned code) {
    static const char *const codes[] = {
        "", " [IN-USE]", " [LOGIN-DELAY]", " [SYS/TEMP]", " [SYS/PERM]", " [SYS]", " [AUTH]"};
    return code < sizeof codes / sizeof codes[0] ? codes[code] : " [?]";
}

/* number, size and UID of a reply, as far as it has them */
static void fields_text(run *r, const popcl_reply *p, char text[160]) {
    int n = snprintf(text, 160, " %" PRIu32, p->number);
    if (p->size != POPCL_SIZE_UNKNOWN)
        n += snprintf(text + n, 160u - (size_t)n, " %" PRIu64, p->size);
    if (p->uid_len) snprintf(text + n, 160u - (size_t)n, " uid=%s", p->text);
    if (p->uid_len && strlen(p->text) != p->uid_len) run_fault(r, "the UID is not terminated");
}

static void on_text(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    run *r = ctx;
    (void)tag;
    if (r->s->show & SHOW_TEXT) log_data(&r->log, 0, p, n);
}

static void on_line(void *ctx, uint32_t tag, const popcl_reply *line) {
    run *r = ctx;
    char t[16], fields[160];
    fields_text(r, line, fields);
    log_line(&r->log, 0, "line %s%s", tag_text(tag, t), fields);
}

static void on_open(void *ctx, uint32_t tag, const popcl_reply *reply) {
    run *r = ctx;
    char t[16];
    log_line(&r->log, 0, "open %s\t%s", tag_text(tag, t), reply->text);
    if (r->open) run_fault(r, "two bodies at once");
    r->open = 1;
    r->offset = 0;
}

static size_t on_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    run *r = ctx;
    (void)tag;
    if (!r->open) run_fault(r, "body octets without open");
    if (r->s->take >= 0 && n > (size_t)r->s->take) n = (size_t)r->s->take;
    log_data(&r->log, 0, p, n);
    return n;
}

static unsigned on_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    run *r = ctx;
    char t[16], fields[160] = "";
    if (reply->number) fields_text(r, reply, fields);
    int refused = reply->status == POPCL_STATUS_ERR;
    static const char *const words[] = {"?", "OK", "ERR", "CHALLENGE"};
    log_line(&r->log, 0, "done %s %s%s%s\t%s", tag_text(tag, t), words[reply->status],
             refused ? code_text(reply->code) : "", fields, refused ? reply->text : "");
    r->open = 0;
    return r->s->goes_on ? POPCL_LOGIN_GOES_ON : 0;
}

static unsigned on_ready(void *ctx) {
    (void)ctx;
    return 0;
}

static unsigned on_closed(void *ctx, popcl_err *result, popcl_end end) {
    run *r = ctx;
    if (end != POPCL_END_WIPED) log_line(&r->log, 0, "closed %s", popcl_err_name(*result));
    return 0;
}

size_t session_size(void) { return sizeof(popcl); }

popcl_err session_start(run *r) {
    static const popcl_events events = {.text = on_text,
                                        .line = on_line,
                                        .open = on_open,
                                        .body = on_body,
                                        .done = on_done,
                                        .ready = on_ready,
                                        .closed = on_closed};
    run_config(r, &r->cfg.session);
    r->cfg.session.host = (const char *)r->s->host.p;
    return popcl_start(r->session, &r->cfg.session, &events, r, r->now);
}

/* The verb of that name. */
static popcl_verb verb_named(const char *name) {
    if (strcmp(name, "RESPONSE") == 0) return POPCL_RESPONSE;
    for (int v = 0; v < POPCL_VERBS; v++) {
        if (strcmp(popcl_verb_name((popcl_verb)v), name) == 0) return (popcl_verb)v;
    }
    return POPCL_VERBS;
}

/* `VERB [text] [number [lines]]`: USER, APOP and AUTH have a text; PASS and APOP take the case's
 * secret. `AUTH NAME =` and `RESPONSE =` take it too, and `RESPONSE TEXT` that text. */
void session_submit(run *r, const char *text) {
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    char *rest = strchr(copy, ' ');
    if (rest) *rest++ = 0;
    popcl_command c = {.verb = verb_named(copy)};
    int is_sasl = c.verb == POPCL_AUTH || c.verb == POPCL_RESPONSE;
    char *end = is_sasl && rest ? rest + strlen(rest) - 1 : NULL;
    int takes = !is_sasl || (end && *end == '=');
    if (end && *end == '=') *(c.verb == POPCL_AUTH ? end - 1 : end) = 0;
    if (c.verb == POPCL_USER || c.verb == POPCL_APOP || c.verb == POPCL_AUTH) {
        c.text = rest;
        c.text_len = rest ? strlen(rest) : 0;
    } else if (rest && c.verb != POPCL_PASS && !is_sasl) {
        unsigned long number = 0, lines = 0;
        sscanf(rest, "%lu %lu", &number, &lines);
        c.number = (uint32_t)number;
        c.lines = (uint32_t)lines;
    }
    memset(&r->secret, 0, sizeof r->secret);
    if (takes)
        run_secret(r);
    else if (c.verb == POPCL_RESPONSE)
        r->secret.octets = rest ? text + (rest - copy) : NULL;
    c.secret = &r->secret;
    popcl_err e = popcl_submit(r->session, &c, r->tag + 1);
    if (e)
        log_line(&r->log, 0, "submit %s", popcl_err_name(e));
    else
        r->tag++;
}

void session_diagnosis(run *r, void (*tell)(run *r, const char *line)) {
    const popcl *it = r->session;
    char line[POPCL_TEXT_KEEP + 80];
    tell_caps(r, popcl_capabilities(it), tell);
    snprintf(line, sizeof line, "verb %s", popcl_verb_name(popcl_last_verb(it)));
    tell(r, line);
    snprintf(line, sizeof line, "net_code %d", popcl_net_code(it));
    tell(r, line);
    snprintf(line, sizeof line, "text %s", popcl_last_reply(it)->text);
    tell(r, line);
}
