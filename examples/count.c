/* count - prints how many messages wait and how large they are, and fetches none:  count HOST PORT
 * USER PASSWORD-FILE Shows popcl_session.h: a sequence of commands of one's own, here USER, PASS,
 * STAT, QUIT, over the POSIX port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcl_posix.h"

typedef struct counter {
    popcl_session session;
    const char *user;
    popcl_secret password;
    int next; /* index into sequence */
} counter;

static const popcl_verb sequence[] = {POPCL_USER, POPCL_PASS, POPCL_STAT, POPCL_QUIT};

static unsigned ready(void *ctx) {
    counter *c = ctx;
    popcl_command command = {sequence[c->next], 0, 0, c->user, strlen(c->user), &c->password};
    popcl_err e = popcl_session_submit(&c->session, &command, (uint32_t)c->next);
    if (e)
        popcl_session_fail(&c->session, e, 0);
    else
        c->next++;
    return 0;
}

static unsigned done(void *ctx, uint32_t tag, const popcl_reply *r) {
    counter *c = ctx;
    if (tag == POPCL_TAG_GREETING) return 0;
    popcl_err refused = sequence[tag] == POPCL_STAT ? POPCL_ERR_COMMAND_REFUSED : POPCL_ERR_AUTH;
    if (r->status != POPCL_STATUS_OK && sequence[tag] != POPCL_QUIT)
        popcl_session_fail(&c->session, popcl_reply_error(r, refused), 0);
    if (r->status == POPCL_STATUS_OK && sequence[tag] == POPCL_STAT)
        printf("%lu messages, %llu octets\n", (unsigned long)r->number,
               (unsigned long long)r->size);
    return 0;
}

/* STAT is the only command here with something to tell: listings and bodies do not come. */
static void line(void *ctx, uint32_t tag, const popcl_reply *r) { (void)ctx, (void)tag, (void)r; }
static void opened(void *ctx, uint32_t tag, const popcl_reply *r) { (void)ctx, (void)tag, (void)r; }
static size_t body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    return (void)ctx, (void)tag, (void)p, n;
}
static void closed(void *ctx, popcl_err result) { (void)ctx, (void)result; }

/* Moves octets between session and socket until the session is over. */
static void pump(popcl_session *s, popcl_posix_net *net) {
    size_t n;
    while (!(popcl_session_state(s) & POPCL_DONE)) {
        const unsigned char *out = popcl_session_send_buf(s, &n);
        int32_t sent = n ? popcl_posix.send(net, out, n) : 0;
        if (sent > 0) popcl_session_send_ack(s, (size_t)sent);
        unsigned char *in = popcl_session_recv_buf(s, &n);
        int32_t got = n ? popcl_posix.recv(net, in, n) : POPCL_NET_AGAIN;
        if (got > 0)
            popcl_session_recv_ack(s, (size_t)got);
        else if (got == POPCL_NET_EOF)
            popcl_session_recv_eof(s);
        else if (got == POPCL_NET_FAILED)
            popcl_session_fail(s, POPCL_ERR_NET, popcl_posix.code(net));
        popcl_session_tick(s, popcl_posix.now_ms(net));
        unsigned want = popcl_session_state(s) & (POPCL_SEND | POPCL_RECV);
        if (sent <= 0 && got == POPCL_NET_AGAIN)
            popcl_posix.wait(net, want, popcl_session_next_deadline(s));
    }
}

int main(int argc, char **argv) {
    static const popcl_session_events events = {NULL, line, opened, body, done, ready, closed};
    static unsigned char iobuf[1024];
    static char password[256];
    static counter c;
    FILE *f = argc == 5 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: count HOST PORT USER PASSWORD-FILE\n"), 64;
    fclose(f);
    popcl_posix_net net = {0};
    popcl_session_config config = {
        .iobuf = iobuf, .iobuf_len = sizeof iobuf, .events = &events, .ctx = &c};
    popcl_err e = popcl_session_start(&c.session, &config, popcl_posix.now_ms(&net));
    c.user = argv[3];
    c.password.octets = password;
    if (!e) e = popcl_posix.open(&net, argv[1], (uint16_t)atoi(argv[2]), POPCL_CONNECT_MS);
    if (!e) {
        popcl_session_connected(&c.session, popcl_posix.now_ms(&net));
        pump(&c.session, &net);
        popcl_posix.close(&net);
        e = popcl_session_result(&c.session);
    }
    if (e)
        fprintf(stderr, "count: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_session_wipe(&c.session);
    memset(password, 0, sizeof password);
    return e != POPCL_OK;
}
