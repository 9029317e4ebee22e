/* SPDX-License-Identifier: MIT */
/* script - see script.h. Reading fails loudly: a transcript that is not understood tests nothing.
 */
#include "script.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki.h"
#include "tls_client.h"

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

static const char *reading;
static int line_number;

static void malformed(const char *what, const char *text) {
    fprintf(stderr, "%s:%d: %s: %s\n", reading, line_number, what, text);
    exit(2);
}

static void *grow(void *p, size_t count, size_t size) {
    p = realloc(p, count * size);
    if (!p) abort();
    return p;
}

/* ---- words and texts ---- */

/* Cuts the next word off *at; "" at the end. */
static char *word(char **at) {
    while (**at == ' ')
        ++*at;
    char *w = *at;
    while (**at && **at != ' ')
        ++*at;
    if (**at) *(*at)++ = 0;
    return w;
}

static long number(const char *text) {
    char *end;
    long value = strtol(text, &end, 0);
    if (!*text || *end) malformed("not a number", text);
    return value;
}

static void put(octets *o, const void *p, size_t n) {
    o->p = grow(o->p, o->n + n + 1, 1);
    if (n) memcpy(o->p + o->n, p, n);
    o->n += n;
    o->p[o->n] = 0;
}

static octets unescape(const char *text, size_t n) {
    static const char from[] = "rnt\\\"", to[] = "\r\n\t\\\"";
    octets o = {0};
    put(&o, "", 0);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\\') {
            unsigned value;
            const char *known = i + 1 < n ? strchr(from, text[i + 1]) : NULL;
            if (known && *known) {
                c = to[known - from];
                i++;
            } else if (i + 3 < n && text[i + 1] == 'x' &&
                       sscanf(text + i + 2, "%2x", &value) == 1) {
                c = (char)value;
                i += 3;
            } else {
                malformed("unknown escape", text + i);
            }
        }
        put(&o, &c, 1);
    }
    return o;
}

static octets repeat(octets o, long times) {
    octets all = {0};
    all.p = grow(NULL, o.n * (size_t)times + 1, 1);
    for (long i = 0; i < times; i++) {
        memcpy(all.p + all.n, o.p, o.n);
        all.n += o.n;
    }
    all.p[all.n] = 0;
    free(o.p);
    return all;
}

static popcl_err error_named(const char *name) {
    for (int e = 0; e < POPCL_ERR_COUNT_; e++) {
        if (strcmp(popcl_err_name((popcl_err)e), name) == 0) return (popcl_err)e;
    }
    malformed("unknown error", name);
    return POPCL_OK;
}

/* Adds more to the end of an octets. */
static void extend(octets *o, octets more) {
    o->p = realloc(o->p, o->n + more.n + 1);
    if (!o->p) abort();
    memcpy(o->p + o->n, more.p, more.n + 1);
    o->n += more.n;
    free(more.p);
}

/* ---- settings ---- */

enum type { FLAG, LONG, U8, U16, U32, U64, OCTETS };
static const struct {
    const char *name;
    enum type type;
    size_t at;
} settings[] = {
#define OF(field) offsetof(script, field)
    {"user", OCTETS, OF(user)},
    {"pass", OCTETS, OF(pass)},
    {"host", OCTETS, OF(host)},
    {"port", U16, OF(cfg.session.port)},
    {"security", U8, OF(cfg.session.security)},
    {"iobuf", LONG, OF(iobuf_len)},
    {"plan", LONG, OF(plan_len)},
    {"passes", U16, OF(cfg.passes)},
    {"max_size", U64, OF(cfg.max_size)},
    {"max_messages", U32, OF(cfg.max_messages)},
    {"drain_max", U32, OF(cfg.drain_max)},
    {"group_messages", U32, OF(cfg.group_messages)},
    {"group_octets", U32, OF(cfg.group_octets)},
    {"connect_ms", U32, OF(cfg.session.connect_ms)},
    {"idle_ms", U32, OF(cfg.session.idle_ms)},
    {"pause_ms", U32, OF(cfg.session.pause_ms)},
    {"total_ms", U32, OF(cfg.session.total_ms)},
    {"uids", U8, OF(cfg.uids)},
    {"need_size", U8, OF(cfg.need_size)},
    {"no_capa", U8, OF(cfg.no_capa)},
    {"top_lines", U16, OF(cfg.top_lines)},
    {"utf8", U8, OF(cfg.utf8)},
    {"lang", OCTETS, OF(lang)},
    {"session", FLAG, OF(session)},         /* drives popcl_command.h */
    {"goes_on", FLAG, OF(goes_on)},         /* there done takes +OK for a challenge */
    {"unconnected", FLAG, OF(unconnected)}, /* until `! connected` */
    {"no_resume", FLAG, OF(no_resume)},     /* pauses last until `! resume` */
    {"no_iobuf", FLAG, OF(no_iobuf)},       /* a NULL in the configuration */
    {"no_sink", FLAG, OF(no_sink)},
    {"no_begin", FLAG, OF(no_begin)},
    {"no_sync", FLAG, OF(no_sync)},
    {"token", LONG, OF(token)},
    {"iterations_max", U32, OF(cfg.scram_iterations_max)},
    {"no_seed", FLAG, OF(no_seed)},
    {"all_mechs", FLAG, OF(all_mechs)}, /* so too with `auth` of a SASL mechanism */
    {"secret_get", LONG, OF(secret_get)},
    {"secret_again", LONG, OF(secret_again)},
    {"secret_waits", LONG, OF(secret_waits)},
    {"tls", FLAG, OF(tls)},
    {"stls", FLAG, OF(stls)},
    {"clear", FLAG, OF(clear)},
    {"below", FLAG, OF(below)},
    {"whole", FLAG, OF(whole)},
    {"one_record", FLAG, OF(one_record)},
    {"suite", LONG, OF(suite)},
    {"version", LONG, OF(version)},
    {"ignores_fragment", FLAG, OF(ignores_fragment)},
    {"handshake_records", LONG, OF(handshake_records)},
    {"utc", LONG, OF(utc)},
    {"tls_name", OCTETS, OF(tls_name)},
#undef OF
};

static int setting(script *s, const char *name, char *rest) {
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (strcmp(settings[i].name, name) != 0) continue;
        char *field = (char *)s + settings[i].at;
        octets o;
        switch (settings[i].type) {
        case FLAG: *(long *)(void *)field = 1; break;
        case LONG: *(long *)(void *)field = number(rest); break;
        case U8: *(uint8_t *)field = (uint8_t)(*rest ? number(rest) : 1); break;
        case U16: *(uint16_t *)(void *)field = (uint16_t)number(rest); break;
        case U32: *(uint32_t *)(void *)field = (uint32_t)number(rest); break;
        case U64: *(uint64_t *)(void *)field = (uint64_t)number(rest); break;
        default:
            o = unescape(rest, strlen(rest));
            free(((octets *)(void *)field)->p);
            memcpy(field, &o, sizeof o);
        }
        return 1;
    }
    return 0;
}

static const struct {
    const char *name;
    unsigned bits;
} mechanisms[] = {{"auto", POPCL_AUTH_AUTO},
                  {"login", POPCL_AUTH_LOGIN},
                  {"cram-md5", POPCL_AUTH_CRAM_MD5},
                  {"scram-sha-1", POPCL_AUTH_SCRAM_SHA_1},
                  {"scram-sha-256", POPCL_AUTH_SCRAM_SHA_256},
                  {"scram-sha-1-plus", POPCL_AUTH_SCRAM_SHA_1_PLUS},
                  {"scram-sha-256-plus", POPCL_AUTH_SCRAM_SHA_256_PLUS},
                  {"xoauth2", POPCL_AUTH_XOAUTH2},
                  {"oauthbearer", POPCL_AUTH_OAUTHBEARER},
                  {"external", POPCL_AUTH_EXTERNAL},
                  {"user", POPCL_AUTH_USER},
                  {"apop", POPCL_AUTH_APOP},
                  {"plain", POPCL_AUTH_PLAIN}};

const char *script_mechanism(unsigned bits) {
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
        if (mechanisms[i].bits == bits) return mechanisms[i].name;
    }
    return "?";
}

/* auth NAME [NAME...] */
static void set_auth(script *s, char *rest) {
    while (*rest) {
        const char *name = word(&rest);
        size_t i = 0;
        while (i < COUNT_OF(mechanisms) && strcmp(mechanisms[i].name, name) != 0)
            i++;
        if (i == COUNT_OF(mechanisms)) malformed("unknown mechanism", name);
        s->cfg.auth |= (uint16_t)mechanisms[i].bits;
    }
}

/* pass* COUNT TEXT    the text so many times */
static void set_long_pass(script *s, char *rest) {
    long times = number(word(&rest));
    free(s->pass.p);
    s->pass = repeat(unescape(rest, strlen(rest)), times);
}

static void set_certificate(script *s, const char *name) {
    static const char *const names[PKI_KINDS] = {"right",      "rsa",      "by-rsa",  "by-p384",
                                                 "other-name", "no-san",   "expired", "not-yet",
                                                 "untrusted",  "other-key"};
    for (s->certificate = 0; s->certificate < PKI_KINDS; s->certificate++) {
        if (strcmp(names[s->certificate], name) == 0) return;
    }
    malformed("unknown certificate", name);
}

static void set_profile(script *s, const char *name) {
    for (s->profile = 0; s->profile < TLS_PROFILES; s->profile++) {
        if (strcmp(tls_profile_name((enum tls_profile)s->profile), name) == 0) return;
    }
    malformed("unknown profile", name);
}

static void set_window(script *s, const char *commands) {
    s->window = number(commands);
    if (s->window < 0 || s->window > TEST_WINDOW_MAX) malformed("too many commands", commands);
}

static void set_show(script *s, char *rest) {
    static const char *const names[] = {"fate", "listed", "decide", "trace", "text"};
    for (char *w = word(&rest); *w; w = word(&rest)) {
        size_t i = 0;
        while (i < COUNT_OF(names) && strcmp(names[i], w) != 0)
            i++;
        if (i == COUNT_OF(names)) malformed("unknown event", w);
        s->show |= 1u << i;
    }
}

/* ---- rules for callbacks ---- */

static rule *add_rule(script *s, enum rule_kind kind, const char *message) {
    s->rules = grow(s->rules, s->rule_count + 1, sizeof *s->rules);
    rule *r = &s->rules[s->rule_count++];
    memset(r, 0, sizeof *r);
    r->kind = kind;
    r->number = strcmp(message, "*") == 0 ? EACH : (uint32_t)number(message);
    return r;
}

static int value_named(const char *name) {
    static const struct {
        const char *name;
        int value;
    } values[] = {
        {"stop", POPCL_SINK_STOP},     {"staged", POPCL_STAGED},
        {"again", POPCL_AGAIN},        {"skip", (int)POPCL_SKIP},
        {"fetch", (int)POPCL_FETCH},   {"headers", (int)POPCL_HEADERS_FIRST},
        {"delete", (int)POPCL_DELETE}, {"unfetched", (int)POPCL_DELETE_UNFETCHED},
    };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (strcmp(values[i].name, name) == 0) return values[i].value;
    }
    return (int)number(name);
}

/* decide STAGE MESSAGE ANSWER...    the answers are a set */
static void set_decide(script *s, char *rest) {
    static const char *const stages[] = {"uid", "size", "headers"};
    const char *stage = word(&rest);
    rule *r = add_rule(s, RULE_DECIDE, word(&rest));
    r->stage = -1;
    for (int i = 0; i < 3; i++) {
        if (strcmp(stages[i], stage) == 0) r->stage = i;
    }
    if (r->stage < 0 && strcmp(stage, "*") != 0) malformed("unknown stage", stage);
    for (char *w = word(&rest); *w; w = word(&rest))
        r->answer |= value_named(w);
}

/* An answer that may be `again COUNT` first. */
static void set_answer(char *rest, int *again, int *answer) {
    char *w = word(&rest);
    if (strcmp(w, "again") == 0) {
        *again = (int)number(word(&rest));
        w = word(&rest);
    }
    *answer = *w ? value_named(w) : 0;
}

/* sink begin|commit MESSAGE ANSWER, sink data MESSAGE OCTET ANSWER, sink take COUNT, sink sync
 * ANSWER */
static void set_sink(script *s, char *rest) {
    const char *what = word(&rest);
    if (strcmp(what, "take") == 0) {
        s->take = number(word(&rest));
    } else if (strcmp(what, "sync") == 0) {
        set_answer(rest, &s->sync_again, &s->sync_answer);
    } else if (strcmp(what, "begin") == 0) {
        rule *r = add_rule(s, RULE_BEGIN, word(&rest));
        r->answer = value_named(word(&rest));
    } else if (strcmp(what, "data") == 0) {
        rule *r = add_rule(s, RULE_DATA, word(&rest));
        r->at = (size_t)number(word(&rest));
        r->answer = value_named(word(&rest));
    } else if (strcmp(what, "commit") == 0) {
        rule *r = add_rule(s, RULE_COMMIT, word(&rest));
        set_answer(rest, &r->again, &r->answer);
    } else {
        malformed("unknown call of the sink", what);
    }
}

static void read_line(script *s, const char *text);

/* login COUNT OCTETS    the dialogue up to STAT's answer, as most cases have it */
static void log_in(script *s, const char *stat) {
    static const char *const lines[] = {"S: +OK ready",   "C: USER fred", "S: +OK",
                                        "C: PASS secret", "S: +OK",       "C: STAT"};
    char answer[80];
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        read_line(s, lines[i]);
    snprintf(answer, sizeof answer, "S: +OK %s", stat);
    read_line(s, answer);
}

static void read_setting(script *s, char *text) {
    char *rest = text;
    char *name = word(&rest);
    if (strcmp(name, "auth") == 0)
        set_auth(s, rest);
    else if (strcmp(name, "no_uid") == 0)
        s->cfg.uids = POPCL_UIDS_UNUSED;
    else if (strcmp(name, "need_uid") == 0)
        s->cfg.uids = POPCL_UIDS_REQUIRED;
    else if (strcmp(name, "pass*") == 0)
        set_long_pass(s, rest);
    else if (strcmp(name, "window") == 0)
        set_window(s, rest);
    else if (strcmp(name, "show") == 0)
        set_show(s, rest);
    else if (strcmp(name, "decide") == 0)
        set_decide(s, rest);
    else if (strcmp(name, "sink") == 0)
        set_sink(s, rest);
    else if (strcmp(name, "login") == 0)
        log_in(s, rest);
    else if (strcmp(name, "certificate") == 0)
        set_certificate(s, rest);
    else if (strcmp(name, "profile") == 0)
        set_profile(s, rest);
    else if (!setting(s, name, rest))
        malformed("unknown setting", name);
}

/* ---- dialogue ---- */

static step *add_step(script *s, enum step_kind kind) {
    s->steps = grow(s->steps, s->step_count + 1, sizeof *s->steps);
    step *t = &s->steps[s->step_count++];
    memset(t, 0, sizeof *t);
    t->kind = kind;
    t->line = line_number;
    return t;
}

/* What the server says joins the turn before it. */
static void say(script *s, octets o, const char *end) {
    step *last = s->step_count ? &s->steps[s->step_count - 1] : NULL;
    if (!last || last->kind != STEP_SERVER) last = add_step(s, STEP_SERVER);
    put(&last->text, o.p, o.n);
    put(&last->text, end, strlen(end));
    free(o.p);
}

static void read_repeat(script *s, char *rest) {
    long times = number(word(&rest));
    say(s, repeat(unescape(rest, strlen(rest)), times), "");
}

/* `{n}` in text[0..n) is the count, and `{n:5}` the same with zeros in front up to five digits. */
static octets count_into(const char *text, long count) {
    octets o = {0};
    put(&o, "", 0);
    for (const char *at; (at = strstr(text, "{n")) != NULL;) {
        char digits[32];
        char *end;
        long width = at[2] == ':' ? strtol(at + 3, &end, 10) : (end = (char *)at + 2, 0);
        if (*end != '}' || width < 0 || width > 20) malformed("{n} or {n:WIDTH}", at);
        put(&o, text, (size_t)(at - text));
        put(&o, digits, (size_t)snprintf(digits, sizeof digits, "%0*ld", (int)width, count));
        text = end + 1;
    }
    put(&o, text, strlen(text));
    return o;
}

/* S*COUNT: TEXT    so many lines of the server's */
static void read_counted(script *s, const char *given) {
    char *colon;
    long last = strtol(given, &colon, 10);
    if (*colon != ':' || last < 1) malformed("S*COUNT: TEXT", given);
    const char *text = colon + 1 + (colon[1] == ' ');
    for (long count = 1; count <= last; count++) {
        octets line = count_into(text, count);
        say(s, unescape((const char *)line.p, line.n), "\r\n");
        free(line.p);
    }
}

static void read_time(script *s, char *rest) {
    char *unit;
    long value = strtol(rest, &unit, 10);
    if (strcmp(unit, "s") != 0 && strcmp(unit, "ms") != 0) malformed("not a time", rest);
    add_step(s, STEP_TIME)->ms = (uint32_t)value * (*unit == 's' ? 1000u : 1u);
}

static void read_action(script *s, char *rest) {
    static const char *const names[] = {"eof",    "reset", "stop",     "fail",
                                        "resume", "wipe",  "connected"};
    const char *name = word(&rest);
    size_t i = 0;
    while (i < COUNT_OF(names) && strcmp(names[i], name) != 0)
        i++;
    if (i == COUNT_OF(names)) malformed("unknown action", name);
    step *t = add_step(s, STEP_ACTION);
    t->action = (enum action)i;
    if (t->action == DO_RESET) {
        t->action = DO_FAIL;
        t->err = POPCL_ERR_NET;
    } else if (t->action == DO_FAIL) {
        t->err = error_named(word(&rest));
        t->code = (int)number(word(&rest));
    }
}

static void read_event(script *s, char *rest) {
    int repeats = strncmp(rest, "data* ", 6) == 0;
    if (!repeats && strncmp(rest, "data ", 5) != 0) {
        octets text = unescape(rest, strlen(rest));
        log_line(&s->expected, line_number, "%s", (char *)text.p);
        free(text.p);
        return;
    }
    word(&rest);
    long times = repeats ? number(word(&rest)) : 1;
    size_t n = strlen(rest);
    if (n < 2 || rest[0] != '"' || rest[n - 1] != '"') malformed("no quotes", rest);
    octets o = repeat(unescape(rest + 1, n - 2), times);
    log_data(&s->expected, line_number, o.p, o.n);
    free(o.p);
}

static void read_check(script *s, const char *rest) {
    s->checks = grow(s->checks, s->check_count + 1, sizeof *s->checks);
    s->checks[s->check_count++] = unescape(rest, strlen(rest));
}

static void read_line(script *s, const char *given) {
    char *text = grow(NULL, strlen(given) + 1, 1);
    strcpy(text, given);
    char *rest = text + 2;
    if (*rest == ' ') rest++;
    if (strncmp(text, "S:", 2) == 0) {
        say(s, unescape(rest, strlen(rest)), "\r\n");
    } else if (strncmp(text, "S-", 2) == 0) {
        say(s, unescape(rest, strlen(rest)), "");
    } else if (strncmp(text, "S* ", 3) == 0) {
        read_repeat(s, rest);
    } else if (strncmp(text, "S*", 2) == 0) {
        read_counted(s, text + 2);
    } else if (strncmp(text, "C- ", 3) == 0) {
        long times = number(word(&rest));
        extend(&s->begun, repeat(unescape(rest, strlen(rest)), times));
    } else if (strncmp(text, "C:", 2) == 0 || strncmp(text, "C* ", 3) == 0) {
        long times = text[1] == '*' ? number(word(&rest)) : 1;
        step *t = add_step(s, STEP_COMMAND);
        t->text = s->begun;
        memset(&s->begun, 0, sizeof s->begun);
        extend(&t->text, repeat(unescape(rest, strlen(rest)), times));
        log_line(&s->expected, line_number, "C: %s", (const char *)t->text.p);
    } else if (strncmp(text, "> ", 2) == 0) {
        read_event(s, rest);
    } else if (strncmp(text, "@ ", 2) == 0) {
        read_time(s, rest);
    } else if (strncmp(text, "! ", 2) == 0) {
        read_action(s, rest);
    } else if (strncmp(text, "? ", 2) == 0) {
        read_check(s, rest);
    } else if (strncmp(text, "T: ", 3) == 0) {
        add_step(s, STEP_TLS)->text = unescape(rest, strlen(rest));
    } else if (strncmp(text, "< ", 2) == 0) {
        add_step(s, STEP_SUBMIT)->text = unescape(rest, strlen(rest));
    } else {
        read_setting(s, text);
    }
    free(text);
}

/* ---- cases ---- */

static void start(script *s, const char *file, const char *name) {
    memset(s, 0, sizeof *s);
    s->file = file;
    s->line = line_number;
    snprintf(s->name, sizeof s->name, "%.150s", name);
    s->iobuf_len = 1024;
    s->plan_len = 2048;
    s->take = s->window = -1;
    s->profile = -1;
    s->cfg.no_capa = 1; /* `no_capa 0` where CAPA is the topic */
    s->user = unescape("fred", 4);
    s->pass = unescape("secret", 6);
    s->host = unescape("pop.example", 11);
    s->tls_name = unescape("", 0);
}

static void release(script *s) {
    for (size_t i = 0; i < s->step_count; i++)
        free(s->steps[i].text.p);
    for (size_t i = 0; i < s->check_count; i++)
        free(s->checks[i].p);
    free(s->steps);
    free(s->checks);
    free(s->rules);
    free(s->lang.p);
    free(s->begun.p);
    free(s->user.p);
    free(s->pass.p);
    free(s->host.p);
    free(s->tls_name.p);
    log_clear(&s->expected);
}

size_t script_read(const char *file, void (*run)(const script *s)) {
    static char text[65536];
    FILE *f = fopen(file, "rb");
    reading = file;
    line_number = 0;
    if (!f) malformed("cannot be read", "");
    size_t cases = 0;
    script s;
    while (fgets(text, sizeof text, f)) {
        line_number++;
        text[strcspn(text, "\n")] = 0;
        if (strncmp(text, "##", 2) == 0 || !*text) continue;
        if (strncmp(text, "# ", 2) == 0) {
            if (cases++) {
                run(&s);
                release(&s);
            }
            start(&s, file, text + 2);
        } else if (cases) {
            read_line(&s, text);
        } else {
            malformed("before the first case", text);
        }
    }
    if (cases) {
        run(&s);
        release(&s);
    }
    fclose(f);
    return cases;
}
