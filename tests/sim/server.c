/* SPDX-License-Identifier: MIT */
/* server - see server.h. */
#include "server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

/* ---- what it says ---- */

static void put(sim_server *s, const char *p, size_t n) {
    if (s->out_at == s->out_n) s->out_at = s->out_n = 0;
    if (s->out_n + n > s->out_room) {
        s->out_room = (s->out_n + n) * 2 + 1024;
        s->out = realloc(s->out, s->out_room);
        if (!s->out) abort();
    }
    memcpy(s->out + s->out_n, p, n);
    s->out_n += n;
}

static void say(sim_server *s, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    put(s, line, (size_t)n);
    put(s, "\r\n", 2);
}

/* A body: dots at line starts are doubled (RFC 1939, 3). */
static void say_text(sim_server *s, const char *text, int header_only) {
    while (*text) {
        const char *end = strstr(text, "\r\n");
        size_t n = end ? (size_t)(end - text) + 2 : strlen(text);
        if (*text == '.') put(s, ".", 1);
        put(s, text, n);
        text += n;
        if (header_only && n == 2) break;
    }
    say(s, ".");
}

static const sim_message *message(sim_server *s, uint32_t number) {
    static sim_message made;
    if (number == 0 || number > s->numbers) return NULL;
    if (!s->generated) return s->marked[number - 1] ? NULL : &s->messages[s->map[number - 1]];
    snprintf(made.uid, sizeof made.uid, "uid-%" PRIu32, number);
    made.text = "Subject: made\r\n\r\n";
    return &made;
}

static void take_later(sim_server *s);

static void list(sim_server *s, uint32_t what) {
    say(s, "+OK listing follows");
    s->listing = what;
    s->listing_at = 0;
}

/* Says listing lines as they are asked for: a large listing is never in memory. */
static void go_on_listing(sim_server *s) {
    while (s->listing && s->out_at == s->out_n) {
        uint32_t number = ++s->listing_at;
        if (number > s->numbers) {
            say(s, ".");
            if (s->again) {
                s->again = 0;
                list(s, s->listing);
                return;
            }
            s->listing = 0;
            take_later(s);
            return;
        }
        const sim_message *m = message(s, number);
        if (m && s->listing == 'U')
            say(s, "%" PRIu32 " %s", number, m->uid);
        else if (m)
            say(s, "%" PRIu32 " %zu", number, strlen(m->text));
    }
}

/* ---- commands ---- */

static void stat_maildrop(sim_server *s) {
    uint32_t count = 0;
    uint64_t octets = 0;
    for (uint32_t n = 1; n <= s->numbers && !s->generated; n++) {
        const sim_message *m = message(s, n);
        count += m != NULL;
        octets += m ? strlen(m->text) : 0;
    }
    if (s->generated) count = s->generated;
    say(s, "+OK %" PRIu32 " %" PRIu64, count, octets);
}

static void retrieve(sim_server *s, const sim_message *m, int header_only) {
    say(s, "+OK %zu octets", strlen(m->text));
    say_text(s, m->text, header_only);
}

static void dele(sim_server *s, uint32_t number) {
    if (s->on_dele) s->on_dele(s->ctx, number, message(s, number));
    if (!s->generated) s->marked[number - 1] = 1;
    s->dele_seen++;
    say(s, "+OK marked");
}

static void quit(sim_server *s) {
    for (uint32_t i = 0; i < s->numbers && !s->generated; i++) {
        if (s->marked[i]) s->messages[s->map[i]].gone = 1;
    }
    s->quit_seen = s->over = 1;
    say(s, "+OK bye");
}

static void log_in(sim_server *s, const char *password) {
    if (!s->user_named || strcmp(password, s->password) != 0) {
        say(s, "-ERR [AUTH] no");
        return;
    }
    s->logged_in = 1;
    say(s, "+OK welcome");
}

/* A response of SCRAM. The last one is empty. */
static void respond(sim_server *s, const char *line) {
    char answer[700];
    int step = s->exchange++;
    int ok = step == 0   ? scram_side_first(s->scram, line, answer)
             : step == 1 ? scram_side_last(s->scram, line, answer)
                         : !*line;
    if (!ok || step == 2) s->exchange = -1;
    s->logged_in = ok && step == 2;
    say(s, "%s", !ok ? "-ERR [AUTH] no" : step == 2 ? "+OK welcome" : answer);
}

/* ---- AUTH (RFC 5034) ---- */

#define CRAM_CHALLENGE "<1896.697170952@pop.example>"

/* The client's next line answers this challenge. */
enum sasl_step {
    NO_SASL,
    PLAIN,
    LOGIN_NAME,
    LOGIN_PASSWORD,
    CRAM,
    XOAUTH2,
    BEARER,
    REFUSED_XOAUTH2,
    REFUSED_BEARER
};

static void say_challenge(sim_server *s, enum sasl_step next, const char *text) {
    s->sasl_step = (int)next;
    say(s, "+ %s", text);
}

/* Decodes base64 of a line into text, which has as much room. Returns its length. */
static size_t decode(const char *line, char *text) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned long bits = 0;
    size_t count = 0, n = 0;
    for (const char *c; *line && (c = strchr(alphabet, *line)) != NULL; line++) {
        bits = bits << 6 | (unsigned long)(c - alphabet);
        if (++count % 4 != 1) text[n++] = (char)(bits >> (6 - 2 * ((count - 1) % 4)));
    }
    text[n] = 0;
    return n;
}

/* Returns whether a form gives this text. In the form U is the user and S the secret. 0 and 1 are
 * these octets. */
static int is_made_of(const char *text, size_t n, const char *form, const char *user,
                      const char *secret) {
    char wanted[sizeof((sim_server *)0)->line];
    size_t at = 0;
    for (; *form && at < sizeof wanted; form++) {
        const char *word = *form == 'U' ? user : *form == 'S' ? secret : NULL;
        if (word)
            at += (size_t)snprintf(wanted + at, sizeof wanted - at, "%s", word);
        else
            wanted[at++] = *form == '0' ? 0 : *form == '1' ? 1 : *form;
    }
    return at == n && at <= sizeof wanted && memcmp(text, wanted, n) == 0;
}

static int is_digest(const sim_server *s, const char *text, size_t n) {
    unsigned char digest[16];
    char hex[33];
    br_hmac_key_context key;
    br_hmac_context hmac;
    br_hmac_key_init(&key, &br_md5_vtable, s->password, strlen(s->password));
    br_hmac_init(&hmac, &key, 0);
    br_hmac_update(&hmac, CRAM_CHALLENGE, sizeof CRAM_CHALLENGE - 1);
    br_hmac_out(&hmac, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return is_made_of(text, n, "U S", s->user, hex);
}

static void sasl_ends(sim_server *s, int good) {
    s->sasl_step = NO_SASL;
    s->logged_in = good;
    say(s, good ? "+OK welcome" : "-ERR [AUTH] no");
}

/* A refused token is reported as JSON in a challenge, which has an answer. */
static void token_ends(sim_server *s, int good, enum sasl_step refused) {
    if (good)
        sasl_ends(s, 1);
    else
        say_challenge(s, refused, "eyJzdGF0dXMiOiI0MDEifQ==");
}

static void sasl_response(sim_server *s, const char *line) {
    char text[sizeof s->line];
    size_t n = decode(line, text);
    enum sasl_step step = (enum sasl_step)s->sasl_step;
    s->user_named = 1;
    if (strcmp(line, "*") == 0) {
        s->sasl_step = NO_SASL;
        say(s, "-ERR cancelled");
        return;
    }
    switch (step) {
    case PLAIN: sasl_ends(s, is_made_of(text, n, "0U0S", s->user, s->password)); break;
    case LOGIN_NAME:
        if (is_made_of(text, n, "U", s->user, ""))
            say_challenge(s, LOGIN_PASSWORD, "UGFzc3dvcmQ6");
        else
            sasl_ends(s, 0);
        break;
    case LOGIN_PASSWORD: sasl_ends(s, is_made_of(text, n, "S", "", s->password)); break;
    case CRAM: sasl_ends(s, is_digest(s, text, n)); break;
    case XOAUTH2:
        token_ends(s, is_made_of(text, n, "user=U1auth=Bearer S11", s->user, s->password),
                   REFUSED_XOAUTH2);
        break;
    case BEARER:
        token_ends(s, is_made_of(text, n, "n,a=U,1auth=Bearer S11", s->user, s->password),
                   REFUSED_BEARER);
        break;
    case REFUSED_XOAUTH2:
        sasl_ends(s, 0);
        s->odd_answer |= *line != 0;
        break;
    case REFUSED_BEARER:
        sasl_ends(s, 0);
        s->odd_answer |= strcmp(line, "AQ==") != 0;
        break;
    case NO_SASL: break;
    }
}

/* AUTH MECHANISM [RESPONSE] */
static void authenticate(sim_server *s, char *words) {
    static const struct {
        const char *name, *challenge;
        enum sasl_step step;
    } mechanisms[] = {{"PLAIN", "", PLAIN},
                      {"LOGIN", "VXNlcm5hbWU6", LOGIN_NAME},
                      {"CRAM-MD5", "PDE4OTYuNjk3MTcwOTUyQHBvcC5leGFtcGxlPg==", CRAM},
                      {"XOAUTH2", "", XOAUTH2},
                      {"OAUTHBEARER", "", BEARER}};
    char *response = strchr(words, ' ');
    if (response) *response++ = 0;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (strcmp(words, mechanisms[i].name) != 0) continue;
        s->sasl_step = (int)mechanisms[i].step;
        if (response)
            sasl_response(s, response);
        else
            say_challenge(s, mechanisms[i].step, mechanisms[i].challenge);
        return;
    }
    say(s, "-ERR no such mechanism");
}

static void transaction(sim_server *s, const char *verb, const char *rest) {
    uint32_t number = (uint32_t)strtoul(rest, NULL, 10);
    const sim_message *m = message(s, number);
    if (strcmp(verb, "STAT") == 0)
        stat_maildrop(s);
    else if (strcmp(verb, "LIST") == 0 && !*rest)
        list(s, 'L');
    else if (strcmp(verb, "LIST") == 0 && m)
        say(s, "+OK %" PRIu32 " %zu", number, strlen(m->text));
    else if (strcmp(verb, "UIDL") == 0 && !*rest && !s->no_uidl)
        list(s, 'U');
    else if (strcmp(verb, "RETR") == 0 && m)
        retrieve(s, m, 0);
    else if (strcmp(verb, "TOP") == 0 && m && !s->no_top)
        retrieve(s, m, 1);
    else if (strcmp(verb, "DELE") == 0 && m)
        dele(s, number);
    else if (strcmp(verb, "NOOP") == 0)
        say(s, "+OK");
    else
        say(s, "-ERR cannot do that");
}

static void obey(sim_server *s, char *line) {
    if (s->scram && s->exchange > 0 && s->commands != s->refuse_command) {
        respond(s, line);
        return;
    }
    if (s->sasl_step && s->commands != s->refuse_command) {
        sasl_response(s, line);
        return;
    }
    s->sasl_step = NO_SASL;
    char *rest = strchr(line, ' ');
    if (rest)
        *rest++ = 0;
    else
        rest = line + strlen(line);
    if (s->commands == s->refuse_command) {
        s->exchange = -1;
        say(s, "-ERR refused on order");
        return;
    }
    if (strcmp(line, "QUIT") == 0) {
        if (s->logged_in)
            quit(s);
        else
            say(s, "+OK"), s->over = 1;
    } else if (strcmp(line, "CAPA") == 0 && !s->no_capa) {
        say(s, "+OK");
        say(s, "TOP");
        say(s, "UIDL");
        say(s, "PIPELINING");
        if (s->capa_user) say(s, "USER");
        if (s->sasl && !s->logged_in) say(s, "SASL %s", s->sasl);
        if (s->stls && !s->in_tls) say(s, "STLS");
        say(s, ".");
    } else if (strcmp(line, "STLS") == 0 && s->stls && !s->in_tls && !s->logged_in) {
        say(s, "+OK begin");
        s->in_tls = 1;
    } else if (s->logged_in) {
        transaction(s, line, rest);
    } else if (strcmp(line, "USER") == 0) {
        s->user_named = strcmp(rest, s->user) == 0;
        say(s, "+OK");
    } else if (s->scram && strcmp(line, "AUTH") == 0 && strncmp(rest, "SCRAM-SHA-256 ", 14) == 0) {
        s->exchange = 0;
        respond(s, rest + 14);
    } else if (strcmp(line, "PASS") == 0 && !s->scram) {
        log_in(s, rest);
    } else if (strcmp(line, "AUTH") == 0 && s->sasl) {
        authenticate(s, rest);
    } else {
        say(s, "-ERR log in first");
    }
}

static void obey_twice(sim_server *s, char *line) {
    char copy[sizeof s->line];
    size_t from = s->out_at == s->out_n ? 0 : s->out_n, n;
    (void)snprintf(copy, sizeof copy, "%s", line);
    obey(s, copy);
    s->again = s->listing != 0;
    n = s->again ? 0 : s->out_n - from;
    char *said = malloc(n + 1);
    if (!said) abort();
    memcpy(said, s->out + from, n);
    put(s, said, n);
    free(said);
}

/* more: other octets came with the command. */
static void command(sim_server *s, char *line, int more) {
    int now = ++s->commands == s->shift_command;
    if (s->commands > s->commands_most) s->commands_most = s->commands;
    s->dropping = s->shift == DROP_BURSTS ? more : now && s->shift == DROP_BURST;
    if (now && s->shift == TWICE)
        obey_twice(s, line);
    else if (!now || s->shift == DROP_BURSTS)
        obey(s, line);
    if (s->end_behind && s->commands + 1 == s->shift_command + s->end_behind) s->over = 1;
}

/* Commands that were sent ahead wait until a listing is said. */
static void take_later(sim_server *s) {
    char text[sizeof s->later];
    size_t n = s->later_n;
    memcpy(text, s->later, n);
    s->later_n = 0;
    sim_server_take(s, text, n);
}

void sim_server_take(sim_server *s, const void *p, size_t n) {
    const char *text = p;
    for (size_t i = 0; i < n && !s->over; i++) {
        if (s->listing) {
            if (s->later_n + n - i > sizeof s->later) abort();
            memcpy(s->later + s->later_n, text + i, n - i);
            s->later_n += n - i;
            return;
        }
        if (s->line_n < sizeof s->line - 1) s->line[s->line_n++] = text[i];
        if (text[i] != '\n') continue;
        s->line[s->line_n] = 0;
        s->line[strcspn(s->line, "\r\n")] = 0;
        s->line_n = 0;
        command(s, s->line, i + 1 < n);
        if (s->dropping) return;
    }
}

/* ---- sessions ---- */

int sim_server_ready(sim_server *s) {
    go_on_listing(s);
    return s->out_at < s->out_n && (!s->stall_octet || s->said + 1 < s->stall_octet) &&
           (!s->cut_octet || s->said + 1 < s->cut_octet);
}

int sim_server_closed(sim_server *s) {
    go_on_listing(s);
    return (s->over && s->out_at == s->out_n) || (s->cut_octet && s->said + 1 >= s->cut_octet);
}

/* Garbles the octet that is about to be said. Returns how many octets stand for it in to, up to 2
 * if there is room. */
static size_t garbled(sim_server *s, unsigned char *to, size_t room) {
    unsigned char c = (unsigned char)s->out[s->out_at++];
    s->said++;
    to[0] = s->garble == FLIP      ? (unsigned char)(c ^ s->garble_by)
            : s->garble == REPLACE ? s->garble_by
                                   : c;
    if (s->garble == DROP) return 0;
    if (s->garble == DOUBLE && room > 1) to[1] = c;
    return s->garble == DOUBLE && room > 1 ? 2 : 1;
}

size_t sim_server_give(sim_server *s, void *p, size_t n) {
    unsigned char *to = p;
    size_t done = 0;
    while (done < n && sim_server_ready(s)) {
        if (s->said + 1 == s->garble_octet) {
            done += garbled(s, to + done, n - done);
        } else {
            to[done++] = (unsigned char)s->out[s->out_at++];
            s->said++;
        }
    }
    return done;
}

void sim_server_connect(sim_server *s) {
    s->numbers = s->generated;
    for (uint32_t i = 0; i < s->count && !s->generated; i++) {
        if (!s->messages[i].gone) s->map[s->numbers++] = i;
    }
    memset(s->marked, 0, sizeof s->marked);
    s->logged_in = s->user_named = s->over = s->quit_seen = s->in_tls = 0;
    s->sasl_step = NO_SASL;
    s->line_n = s->later_n = s->out_n = s->out_at = 0;
    s->listing = s->commands = s->said = s->dele_seen = 0;
    s->again = s->dropping = s->exchange = 0;
    say(s, "%s", s->greeting ? s->greeting : "+OK ready");
}

void sim_server_init(sim_server *s) {
    memset(s, 0, sizeof *s);
    s->user = "fred";
    s->password = "correct-horse";
}

void sim_server_add(sim_server *s, const char *uid, const char *text) {
    if (s->count == SIM_MESSAGES) abort();
    sim_message *m = &s->messages[s->count++];
    snprintf(m->uid, sizeof m->uid, "%s", uid);
    m->text = text;
    m->gone = 0;
}

uint32_t sim_server_left(const sim_server *s) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < s->count; i++)
        left += !s->messages[i].gone;
    return left;
}

void sim_server_free(sim_server *s) {
    free(s->out);
    s->out = NULL;
    s->out_n = s->out_room = s->out_at = 0;
}
