/* SPDX-License-Identifier: MIT */
/* serve - a POP3 server that answers from memory, so that a measurement shows its client.
 *     serve OCTETS
 * Says its port on standard output, listens on 127.0.0.1, and ends when standard input does. It
 * serves one client at a time. Each kind of text is a maildrop of its own: the user's name is the
 * kind, any password is taken, and the one message has OCTETS octets or a few more. A message is
 * one block of lines, sent over and over: it costs this process little more than the kernel's send.
 * Nothing is ever deleted. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK     262144u /* a block has this many octets or a line more */
#define LINE_ROOM 80u     /* of a line that is made here, dots and CRLF included */

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
    size_t sent, octets;     /* of the block, on the line and unstuffed */
    unsigned long long size; /* of the message, unstuffed */
    unsigned long times;     /* that the block is sent */
    unsigned char block[BLOCK + LINE_ROOM];
} kind;

static kind kinds[] = {
    {.name = "base64", .line = base64_line},
    {.name = "text", .line = text_line},
    {.name = "stuffed", .line = stuffed_line},
    {.name = "short", .line = short_line},
};

static const char head[] = "Subject: a long message\r\n\r\n";

static void make(kind *k, unsigned long long octets) {
    while (k->sent < BLOCK) {
        unsigned char *to = k->block + k->sent;
        size_t n = k->line(to + 1);
        int stuffed = to[1] == '.';
        if (stuffed)
            to[0] = '.';
        else
            memmove(to, to + 1, n);
        memcpy(to + n + stuffed, "\r\n", 2);
        k->sent += n + 2 + (size_t)stuffed;
        k->octets += n + 2;
    }
    k->times = (unsigned long)((octets + k->octets - 1) / k->octets);
    k->size = sizeof head - 1 + (unsigned long long)k->times * k->octets;
}

/* ---- a session ---- */

typedef struct client {
    int fd;
    kind *drop; /* NULL: not logged in */
    char user[64];
} client;

/* 0, or -1: the client is gone. */
static int put(const client *c, const void *octets, size_t n) {
    const char *p = octets;
    while (n > 0) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) return -1;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static int say(const client *c, const char *text) { return put(c, text, strlen(text)); }

static int capa(client *c, const char *rest) {
    (void)rest;
    return say(c, "+OK\r\nUSER\r\nUIDL\r\n.\r\n");
}

static int user(client *c, const char *rest) {
    (void)snprintf(c->user, sizeof c->user, "%s", rest);
    return say(c, "+OK\r\n");
}

static int pass(client *c, const char *rest) {
    (void)rest;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(c->user, kinds[i].name) == 0) c->drop = &kinds[i];
    return say(c, c->drop ? "+OK\r\n" : "-ERR [AUTH] the users are kinds of text\r\n");
}

static int stat(client *c, const char *rest) {
    char line[64];
    (void)rest;
    (void)snprintf(line, sizeof line, "+OK 1 %llu\r\n", c->drop->size);
    return say(c, line);
}

static int list(client *c, const char *rest) {
    char line[64];
    (void)snprintf(line, sizeof line, *rest ? "+OK 1 %llu\r\n" : "+OK\r\n1 %llu\r\n.\r\n",
                   c->drop->size);
    return say(c, line);
}

static int uidl(client *c, const char *rest) {
    char line[128];
    (void)snprintf(line, sizeof line, *rest ? "+OK 1 %s\r\n" : "+OK\r\n1 %s\r\n.\r\n",
                   c->drop->name);
    return say(c, line);
}

static int retr(client *c, const char *rest) {
    (void)rest;
    if (say(c, "+OK\r\n") || put(c, head, sizeof head - 1)) return -1;
    for (unsigned long i = 0; i < c->drop->times; i++)
        if (put(c, c->drop->block, c->drop->sent)) return -1;
    return say(c, ".\r\n");
}

static int nothing(client *c, const char *rest) {
    (void)rest;
    return say(c, "+OK\r\n");
}

static int quit(client *c, const char *rest) {
    (void)nothing(c, rest);
    return -1;
}

static const struct {
    const char *verb;
    int (*answer)(client *c, const char *rest);
    int transaction; /* only after the login */
} verbs[] = {
    {"CAPA", capa, 0}, {"USER", user, 0},    {"PASS", pass, 0},
    {"STAT", stat, 1}, {"LIST", list, 1},    {"UIDL", uidl, 1},
    {"RETR", retr, 1}, {"NOOP", nothing, 1}, {"QUIT", quit, 0},
};

static int answer(client *c, char *line) {
    size_t word = strcspn(line, " ");
    const char *rest = line + word + (line[word] == ' ');
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (word == 4 && strncasecmp(line, verbs[i].verb, 4) == 0 &&
            (c->drop || !verbs[i].transaction))
            return verbs[i].answer(c, rest);
    return say(c, "-ERR not known here, or not now\r\n");
}

/* Answers lines until the client leaves, says QUIT, or sends a line too long to be one. */
static void serve(int fd) {
    client c = {.fd = fd};
    char in[1024];
    size_t n = 0;
    if (say(&c, "+OK ready\r\n")) return;
    while (n < sizeof in) {
        ssize_t got = recv(fd, in + n, sizeof in - n, 0);
        if (got <= 0) return;
        n += (size_t)got;
        for (char *end; (end = memchr(in, '\n', n)) != NULL;) {
            *end = '\0';
            if (end > in && end[-1] == '\r') end[-1] = '\0';
            if (answer(&c, in)) return;
            n -= (size_t)(end + 1 - in);
            memmove(in, end + 1, n);
        }
    }
}

static int listening(uint16_t *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
        perror("serve");
        exit(1);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

int main(int argc, char **argv) {
    const int on = 1;
    uint16_t port;
    unsigned long long octets = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    if (octets == 0) {
        fprintf(stderr, "usage: serve OCTETS\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        make(&kinds[i], octets);
    int listener = listening(&port);
    printf("%u\n", port);
    fflush(stdout);
    struct pollfd wait[] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while (poll(wait, 2, -1) > 0 && wait[1].revents == 0) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        serve(fd);
        close(fd);
    }
    return 0;
}
