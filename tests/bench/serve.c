/* SPDX-License-Identifier: MIT */
/* serve - a POP3 server that answers from memory, so that a measurement shows its client.
 *
 *     serve [-p all|login|none] [CERTIFICATE.der KEY.der]
 *
 * Listens on 127.0.0.1, in clear text and, with a certificate, also for POP3S. Prints its ports on
 * one line, and ends with its standard input. -p: PIPELINING is offered always, only after login,
 * or never. TLS is BearSSL's, version 1.2, one suite: each client works with the same cipher.
 *
 * A user name is a maildrop: KIND.COUNT.OCTETS, such as text.2000.3000. Any password is taken. The
 * octets are of one message. From 100 messages on they vary by a third to both sides. Nothing is
 * stored for a message: its number gives its size and its place in a block of lines. So each run
 * serves the same mail. Nothing is ever deleted.
 *
 * When a session ends, one line reports it: user=NAME commands=N listed=N, with the octets of LIST
 * and UIDL replies of more than one line. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <bearssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK      262144u           /* a block has this many octets or a line more */
#define LINE_ROOM  80u               /* of a line that is made here, dots and CRLF included */
#define LINES_MOST (BLOCK / 3u + 2u) /* and the end */
#define OUT_ROOM   131072u           /* replies to commands that came together leave together */
#define LARGE      16384u            /* octets that are sent from where they are */
#define MANY       100u              /* from so many messages on their sizes vary */

/* ---- what is served ---- */

/* The same octets in every run: xorshift, after Marsaglia. */
static uint32_t chance(uint32_t below) {
    static uint32_t x = 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x % below;
}

static void fill(unsigned char *to, size_t n, const char *letters) {
    uint32_t count = (uint32_t)strlen(letters);
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)letters[chance(count)];
}

/* Each of these makes a line without CRLF and returns its length. */

static size_t base64_line(unsigned char *to) { /* an attachment: not one dot */
    fill(to, 76, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    return 76;
}

/* eight dots in a line of text, one line in seven begins with one */
static size_t text_line(unsigned char *to) {
    size_t n = 40 + chance(35);
    fill(to, n, "etaoinshrdlu ..");
    return n;
}

/* the worst that a server may send: each line begins with a dot */
static size_t stuffed_line(unsigned char *to) {
    to[0] = '.';
    fill(to + 1, 71, "etaoin shrdlu");
    return 72;
}

static size_t short_line(unsigned char *to) { /* and each line short */
    size_t n = 1 + chance(8);
    fill(to, n, "etaoin.shrdlu");
    return n;
}

typedef struct kind {
    const char *name;
    size_t (*line)(unsigned char *to);
    uint32_t lines;
    uint32_t at[LINES_MOST];     /* the begin of each line, as it is sent; then the end */
    uint32_t octets[LINES_MOST]; /* before a line, unstuffed; then of the block */
    unsigned char block[BLOCK + LINE_ROOM];
} kind;

static kind kinds[] = {
    {.name = "base64", .line = base64_line},
    {.name = "text", .line = text_line},
    {.name = "stuffed", .line = stuffed_line},
    {.name = "short", .line = short_line},
};

static void make(kind *k) {
    while (k->at[k->lines] < BLOCK) {
        uint32_t i = k->lines++;
        unsigned char *to = k->block + k->at[i];
        size_t n = k->line(to + 1);
        size_t stuffed = to[1] == '.';
        if (stuffed)
            to[0] = '.';
        else
            memmove(to, to + 1, n);
        memcpy(to + n + stuffed, "\r\n", 2);
        k->at[i + 1] = k->at[i] + (uint32_t)(n + 2 + stuffed);
        k->octets[i + 1] = k->octets[i] + (uint32_t)(n + 2);
    }
}

typedef struct maildrop {
    const kind *kind; /* NULL: there is no such one */
    uint32_t count;
    uint64_t octets; /* wanted, of a message */
} maildrop;

static maildrop maildrop_of(const char *user) {
    char name[16];
    unsigned long count;
    unsigned long long octets;
    maildrop m = {NULL, 0, 0};
    if (sscanf(user, "%15[a-z0-9].%lu.%llu", name, &count, &octets) != 3) return m;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0) m.kind = &kinds[i];
    m.count = (uint32_t)count;
    m.octets = octets;
    return m;
}

/* A header as mail has it. Its length is the same for each message. */
static const char head[] = "Return-Path: <sender@example.org>\r\n"
                           "Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n"
                           "\tby mail.example.com (Postfix) with ESMTPS id %08lX\r\n"
                           "\tfor <user@example.com>; Mon, 03 Jun 2024 10:00:00 +0000\r\n"
                           "Date: Mon, 03 Jun 2024 10:00:00 +0000\r\n"
                           "From: A sender <sender@example.org>\r\n"
                           "To: user@example.com\r\n"
                           "Subject: message %08lu\r\n"
                           "Message-ID: <%08lx@example.org>\r\n"
                           "\r\n";
#define HEAD_LEN (sizeof head - 1 + 3 * (8 - 5))

typedef struct message {
    uint64_t size;       /* unstuffed */
    uint64_t blocks;     /* that it has whole */
    uint32_t begin, end; /* lines of the block: the first one; and the one after the last, */
    int wraps;           /* at the block's begin again */
} message;

static uint64_t scattered(uint64_t x) { /* after Stafford's mixer 13 */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The first line before which there are `octets` or more. */
static uint32_t line_after(const kind *k, uint64_t octets) {
    uint32_t low = 0, high = k->lines;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (k->octets[middle] < octets)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static message message_of(const maildrop *m, uint32_t number) {
    const kind *k = m->kind;
    uint64_t x = scattered(number), wanted = m->octets, whole = k->octets[k->lines];
    message one = {.size = HEAD_LEN};
    if (m->count >= MANY) {
        wanted = wanted * 2 / 3 + (x >> 32) % (wanted * 2 / 3 + 1);
        one.begin = (uint32_t)x % k->lines;
    }
    wanted = wanted > HEAD_LEN ? wanted - HEAD_LEN : 0;
    one.blocks = wanted / whole;
    uint64_t end = k->octets[one.begin] + wanted % whole;
    one.wraps = end > whole;
    one.end = line_after(k, one.wraps ? end - whole : end);
    one.size += one.blocks * whole + k->octets[one.end] - k->octets[one.begin];
    if (one.wraps) one.size += whole;
    return one;
}

/* ---- a connection ---- */

typedef struct client {
    int fd, secure, logged_in;
    char user[64];
    maildrop drop;
    unsigned long commands;
    unsigned long long listed;
    size_t n;
    unsigned char out[OUT_ROOM];
    br_ssl_server_context tls;
    br_sslio_context io;
    unsigned char records[BR_SSL_BUFSIZE_BIDI];
} client;

static int low_read(void *fd, unsigned char *p, size_t n) {
    ssize_t got = recv(*(int *)fd, p, n, 0);
    return got > 0 ? (int)got : -1;
}

static int low_write(void *fd, const unsigned char *p, size_t n) {
    ssize_t sent = send(*(int *)fd, p, n, MSG_NOSIGNAL);
    return sent > 0 ? (int)sent : -1;
}

/* Returns 0, or -1: the client is gone. So do the next ones. */
static int send_now(client *c, const unsigned char *p, size_t n) {
    if (c->secure) return br_sslio_write_all(&c->io, p, n);
    while (n > 0) {
        int sent = low_write(&c->fd, p, n);
        if (sent < 0) return -1;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static int flush(client *c) {
    size_t n = c->n;
    c->n = 0;
    if (n && send_now(c, c->out, n)) return -1;
    return c->secure ? br_sslio_flush(&c->io) : 0;
}

static int put(client *c, const void *octets, size_t n) {
    if (c->n + n > sizeof c->out) {
        size_t held = c->n;
        c->n = 0;
        if (send_now(c, c->out, held)) return -1;
    }
    if (n > LARGE) {
        size_t held = c->n;
        c->n = 0;
        return (held && send_now(c, c->out, held)) || send_now(c, octets, n) ? -1 : 0;
    }
    memcpy(c->out + c->n, octets, n);
    c->n += n;
    return 0;
}

static int say(client *c, const char *text) { return put(c, text, strlen(text)); }

static int put_lines(client *c, uint32_t begin, uint32_t end) {
    const kind *k = c->drop.kind;
    return put(c, k->block + k->at[begin], k->at[end] - k->at[begin]);
}

static int put_header(client *c, uint32_t number, uint64_t size) {
    char text[sizeof head + 64];
    unsigned long n = number;
    int len = snprintf(text, sizeof text, "+OK %llu octets\r\n", (unsigned long long)size);
    if (put(c, text, (size_t)len)) return -1;
    len = snprintf(text, sizeof text, head, n, n, n);
    return put(c, text, (size_t)len);
}

/* ---- the commands ---- */

static enum { ALWAYS, AFTER_LOGIN, NEVER } pipelining;

static int capa(client *c, const char *rest) {
    int pipelines = pipelining == ALWAYS || (pipelining == AFTER_LOGIN && c->logged_in);
    (void)rest;
    return say(c, pipelines ? "+OK\r\nTOP\r\nUSER\r\nUIDL\r\nPIPELINING\r\n.\r\n"
                            : "+OK\r\nTOP\r\nUSER\r\nUIDL\r\n.\r\n");
}

static int user(client *c, const char *rest) {
    (void)snprintf(c->user, sizeof c->user, "%s", rest);
    return say(c, "+OK\r\n");
}

static int pass(client *c, const char *rest) {
    (void)rest;
    c->drop = maildrop_of(c->user);
    c->logged_in = c->drop.kind != NULL;
    return say(c, c->logged_in ? "+OK\r\n" : "-ERR [AUTH] a user is KIND.COUNT.OCTETS\r\n");
}

static int stat(client *c, const char *rest) {
    char line[64];
    uint64_t sum = 0;
    (void)rest;
    for (uint32_t i = 1; i <= c->drop.count; i++)
        sum += message_of(&c->drop, i).size;
    (void)snprintf(line, sizeof line, "+OK %lu %llu\r\n", (unsigned long)c->drop.count,
                   (unsigned long long)sum);
    return say(c, line);
}

/* The number that a command names, or 0 after an answer that refuses it. */
static uint32_t named(client *c, const char *rest) {
    unsigned long number = strtoul(rest, NULL, 10);
    if (number > 0 && number <= c->drop.count) return (uint32_t)number;
    (void)say(c, "-ERR no such message\r\n");
    return 0;
}

static int scan_line(client *c, uint32_t number, char *line, size_t room) {
    return snprintf(line, room, "%lu %llu\r\n", (unsigned long)number,
                    (unsigned long long)message_of(&c->drop, number).size);
}

static int uid_line(client *c, uint32_t number, char *line, size_t room) {
    (void)c;
    return snprintf(line, room, "%lu %08lx65000000\r\n", (unsigned long)number,
                    (unsigned long)number);
}

/* A line of each message, or of the one that is named. */
static int listing(client *c, const char *rest,
                   int (*make_line)(client *, uint32_t, char *, size_t)) {
    char line[64];
    if (*rest) {
        uint32_t number = named(c, rest);
        if (number == 0) return 0;
        (void)make_line(c, number, line, sizeof line);
        return say(c, "+OK ") || say(c, line) ? -1 : 0;
    }
    if (say(c, "+OK\r\n")) return -1;
    c->listed += 5 + 3;
    for (uint32_t i = 1; i <= c->drop.count; i++) {
        int len = make_line(c, i, line, sizeof line);
        c->listed += (unsigned)len;
        if (put(c, line, (size_t)len)) return -1;
    }
    return say(c, ".\r\n");
}

static int list(client *c, const char *rest) { return listing(c, rest, scan_line); }

static int uidl(client *c, const char *rest) { return listing(c, rest, uid_line); }

static int retr(client *c, const char *rest) {
    uint32_t number = named(c, rest), last = c->drop.kind->lines;
    if (number == 0) return 0;
    message one = message_of(&c->drop, number);
    if (put_header(c, number, one.size)) return -1;
    for (uint64_t i = 0; i < one.blocks; i++)
        if (put_lines(c, one.begin, last) || put_lines(c, 0, one.begin)) return -1;
    if (one.wraps ? put_lines(c, one.begin, last) || put_lines(c, 0, one.end)
                  : put_lines(c, one.begin, one.end))
        return -1;
    return say(c, ".\r\n");
}

static int top(client *c, const char *rest) {
    uint32_t number = named(c, rest);
    if (number == 0) return 0;
    return put_header(c, number, message_of(&c->drop, number).size) || say(c, ".\r\n") ? -1 : 0;
}

static int nothing(client *c, const char *rest) {
    (void)rest;
    return say(c, "+OK\r\n");
}

static int quit(client *c, const char *rest) {
    (void)nothing(c, rest);
    (void)flush(c);
    return -1;
}

static const struct {
    const char *verb;
    int (*answer)(client *c, const char *rest);
    int transaction; /* only after the login */
} verbs[] = {
    {"CAPA", capa, 0},    {"USER", user, 0},    {"PASS", pass, 0},    {"STAT", stat, 1},
    {"LIST", list, 1},    {"UIDL", uidl, 1},    {"RETR", retr, 1},    {"TOP", top, 1},
    {"DELE", nothing, 1}, {"NOOP", nothing, 1}, {"RSET", nothing, 1}, {"QUIT", quit, 0},
};

static int answer(client *c, char *line) {
    size_t word = strcspn(line, " ");
    const char *rest = line + word + (line[word] == ' ');
    c->commands++;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strlen(verbs[i].verb) == word && strncasecmp(line, verbs[i].verb, word) == 0 &&
            (c->logged_in || !verbs[i].transaction))
            return verbs[i].answer(c, rest);
    return say(c, "-ERR not known here, or not now\r\n");
}

/* Answers lines until the client leaves, sends QUIT, or sends a line too long to be one. */
static void serve(client *c) {
    char in[4096];
    size_t n = 0;
    if (say(c, "+OK ready\r\n") || flush(c)) return;
    while (n < sizeof in) {
        int got = c->secure ? br_sslio_read(&c->io, in + n, sizeof in - n)
                            : low_read(&c->fd, (unsigned char *)in + n, sizeof in - n);
        char *from = in, *end;
        if (got <= 0) return;
        n += (size_t)got;
        for (; (end = memchr(from, '\n', n)) != NULL; from = end + 1) {
            *end = '\0';
            if (end > from && end[-1] == '\r') end[-1] = '\0';
            if (answer(c, from)) return;
            n -= (size_t)(end + 1 - from);
        }
        memmove(in, from, n);
        if (flush(c)) return;
    }
}

/* ---- TLS ---- */

static struct {
    br_x509_certificate certificate;
    br_skey_decoder_context key;
} own;

static unsigned char *whole_file(const char *name, size_t *len) {
    enum { ROOM = 8192 };
    unsigned char *octets = malloc(ROOM);
    FILE *f = fopen(name, "rb");
    if (!f || !octets || (*len = fread(octets, 1, ROOM, f)) == 0) {
        perror(name);
        exit(1);
    }
    fclose(f);
    return octets;
}

static void load(const char *certificate, const char *key) {
    size_t len;
    own.certificate.data = whole_file(certificate, &own.certificate.data_len);
    unsigned char *octets = whole_file(key, &len);
    br_skey_decoder_init(&own.key);
    br_skey_decoder_push(&own.key, octets, len);
    free(octets);
    if (br_skey_decoder_key_type(&own.key) != BR_KEYTYPE_EC) {
        fprintf(stderr, "serve: %s has no key of an elliptic curve\n", key);
        exit(1);
    }
}

static void secure(client *c) {
    static const uint16_t suite[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256};
    br_ssl_server_init_full_ec(&c->tls, &own.certificate, 1, BR_KEYTYPE_EC,
                               br_skey_decoder_get_ec(&own.key));
    br_ssl_engine_set_versions(&c->tls.eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(&c->tls.eng, suite, 1);
    br_ssl_engine_set_buffer(&c->tls.eng, c->records, sizeof c->records, 1);
    br_ssl_server_reset(&c->tls);
    br_sslio_init(&c->io, &c->tls.eng, low_read, &c->fd, low_write, &c->fd);
}

/* ---- the process ---- */

static void *session(void *context) {
    client *c = context;
    const int on = 1;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (c->secure) secure(c);
    serve(c);
    printf("user=%s commands=%lu listed=%llu\n", *c->user ? c->user : "-", c->commands, c->listed);
    fflush(stdout);
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    free(c);
    return NULL;
}

static void take(int listener, int is_secure) {
    pthread_t thread;
    client *c = calloc(1, sizeof *c);
    if (!c || (c->fd = accept(listener, NULL, NULL)) < 0) {
        free(c);
        return;
    }
    c->secure = is_secure;
    if (pthread_create(&thread, NULL, session, c) == 0)
        pthread_detach(thread);
    else
        close(c->fd), free(c);
}

static int listening(uint16_t *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
        perror("serve");
        exit(1);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static int usage(void) {
    fputs("usage: serve [-p all|login|none] [CERTIFICATE.der KEY.der]\n", stderr);
    return 64;
}

int main(int argc, char **argv) {
    static const char *const policies[] = {"all", "login", "none"};
    uint16_t port = 0, tls_port = 0;
    int at = 1;
    if (argc > 2 && strcmp(argv[1], "-p") == 0) {
        unsigned i = 0;
        while (i < 3 && strcmp(argv[2], policies[i]) != 0)
            i++;
        if (i == 3) return usage();
        pipelining = i;
        at = 3;
    }
    if (argc != at && argc != at + 2) return usage();
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        make(&kinds[i]);
    struct pollfd wait[] = {
        {STDIN_FILENO, POLLIN, 0}, {listening(&port), POLLIN, 0}, {-1, POLLIN, 0}};
    if (argc == at + 2) {
        load(argv[at], argv[at + 1]);
        wait[2].fd = listening(&tls_port);
    }
    printf("%u %u\n", port, tls_port);
    fflush(stdout);
    while (poll(wait, 3, -1) > 0 && wait[0].revents == 0)
        for (int i = 1; i <= 2; i++)
            if (wait[i].revents) take(wait[i].fd, i == 2);
    return 0;
}
