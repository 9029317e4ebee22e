/* SPDX-License-Identifier: MIT */
/* relay - makes TCP connections for the port at the other end of the line, and carries octets,
 * ends, resets and refusals (line.h). It knows nothing of POP3. One connection at a time is the
 * line's; earlier ones may still be on their way out:
 *
 *     FREE --OPEN--> ASKED --name--> CONNECTING --> UP --CLOSE--> LEAVING --> FREE
 *
 * A turn of a connection tries all that it could do, and nothing in it waits; only the loop at the
 * end does. As a child of a process that may have threads it takes nothing from the heap. */
#define _POSIX_C_SOURCE 200809L
#include "relay.h"

#include "line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 4
#define NEWS        5      /* FOUND, UP, DEAF and an end, or fewer */
#define LEAVING_MS  60000u /* how long what was sent may take to go out */
#define HOST_MAX    (LINE_PAYLOAD - 6)

enum state { FREE, ASKED, CONNECTING, UP, LEAVING };

typedef struct connection {
    enum state state;
    unsigned call;
    int fd; /* -1: none */
    uint16_t port;
    char host[HOST_MAX + 1];
    const char *addresses[3];    /* up to NULL */
    unsigned at;                 /* of addresses: the one that is tried */
    uint32_t began_ms, limit_ms; /* from OPEN on, later from CLOSE on */
    uint32_t tried_ms, share_ms; /* of this address */
    int silent;                  /* one address did not answer */
    int code;                    /* errno of the last failure */
    int ended;                   /* nothing comes from the server any more */
    int deaf;                    /* nothing goes to it any more */
    int shut;                    /* it was told our end */
    struct news {
        unsigned char type;
        int code;
    } news[NEWS]; /* to be told, in order, before any octet that comes later */
    unsigned news_n;
    unsigned char out[LINE_WINDOW]; /* from the port, for the server */
    size_t out_n;
    uint32_t owed, grant; /* credit for the port, and from it */
} connection;

static connection connections[CONNECTIONS];
static struct {
    int to, from;
    int full; /* 1: it had no room, and has not said since that it has */
    int gone; /* 1: nobody is at its other end, or nobody who speaks frames */
    line_frame in;
} line;

/* The names it knows; what stands in no list is no name. The last one is asked of a name server
 * that does not answer. */
static const struct name {
    const char *name, *addresses[3];
} names[] = {
    {RELAY_NAME, {"127.0.0.1"}},
    {RELAY_DEAD_FIRST, {"127.0.0.2", "127.0.0.1"}},
    {RELAY_SILENT_FIRST, {RELAY_SILENT, "127.0.0.1"}},
    {RELAY_SLOW, {NULL}},
};

static uint32_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000);
}

static uint32_t left_of(uint32_t began, uint32_t limit) {
    uint32_t passed = now_ms() - began;
    return passed < limit ? limit - passed : 0;
}

/* ---- to the port ---- */

static int say(const connection *c, unsigned type, const void *payload, size_t n) {
    int result = line.gone || line.full ? 0 : line_put(line.to, type, c->call, payload, n);
    if (result == 0) line.full = 1;
    if (result < 0) line.gone = 1;
    return result == 1;
}

/* Whether a frame can be said, of any size: nobody else writes to the line. */
static int line_has_room(void) {
    if (!line.full && !line_ready(line.to, POLLOUT)) line.full = 1;
    return !line.full;
}

static int say_number(const connection *c, unsigned type, uint32_t number) {
    unsigned char octets[2];
    line_number(octets, number, 2);
    return say(c, type, octets, 2);
}

static void tell(connection *c, unsigned char type, int code) {
    if (c->news_n == NEWS) return;
    c->news[c->news_n].type = type;
    c->news[c->news_n++].code = code;
}

/* Returns 1 once there are no news. */
static int news_are_told(connection *c) {
    while (c->news_n > 0 && say_number(c, c->news[0].type, (uint32_t)c->news[0].code)) {
        memmove(c->news, c->news + 1, --c->news_n * sizeof *c->news);
    }
    return c->news_n == 0;
}

/* ---- connecting ---- */

static void hang_up(connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

/* Begins to connect to the address whose turn it is. Returns 0 or an errno. */
static int begin_to_connect(connection *c) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to;
    const char *text = c->addresses[c->at];
    int six = strchr(text, ':') != NULL, on = 1;
    memset(&to, 0, sizeof to);
    to.any.sa_family = six ? AF_INET6 : AF_INET;
    if (six)
        to.v6.sin6_port = htons(c->port);
    else
        to.v4.sin_port = htons(c->port);
    if (inet_pton(to.any.sa_family, text,
                  six ? (void *)&to.v6.sin6_addr : (void *)&to.v4.sin_addr) != 1)
        return EINVAL;
    c->fd = socket(to.any.sa_family, SOCK_STREAM, 0);
    if (c->fd < 0) return errno;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, &to.any, six ? sizeof to.v6 : sizeof to.v4) == 0 || errno == EINPROGRESS)
        return 0;
    return errno;
}

static int is_shortage(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

/* The next address that can be tried, from c->at on, each with a share of the time that is left; or
 * the sum of all, if there is none. */
static void try_addresses(connection *c) {
    for (; c->addresses[c->at]; c->at++) {
        uint32_t with_it = 1; /* addresses that are left */
        int code = begin_to_connect(c);
        while (c->addresses[c->at + with_it])
            with_it++;
        c->tried_ms = now_ms();
        c->share_ms = left_of(c->began_ms, c->limit_ms) / with_it;
        if (code == 0) return;
        c->code = code;
        hang_up(c);
        if (is_shortage(code)) break;
    }
    tell(c, is_shortage(c->code) ? LINE_SHORT : c->silent ? LINE_SILENT : LINE_REFUSED, c->code);
    c->state = ASKED; /* nothing more happens to it until CLOSE */
}

/* The server said yes, and broke the connection before we looked: what it sent between the two can
 * still be read. */
static int was_reset(int code) { return code == ECONNRESET || code == EPIPE; }

static void come_up(connection *c, int code) {
    c->state = UP;
    tell(c, LINE_UP, 0);
    if (code == 0) return;
    c->code = code;
    c->deaf = 1;
    tell(c, LINE_DEAF, code);
}

static void turn_connecting(connection *c) {
    int code = 0;
    socklen_t size = sizeof code;
    if (line_ready(c->fd, POLLOUT)) {
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &size);
        if (code == 0 || was_reset(code)) {
            come_up(c, code);
            return;
        }
    } else {
        if (left_of(c->tried_ms, c->share_ms) > 0) return;
        code = ETIMEDOUT;
    }
    if (code == ETIMEDOUT) c->silent = 1;
    c->code = code;
    hang_up(c);
    c->at++;
    try_addresses(c);
}

/* What the host stands for, into c->addresses. Returns 0 while nobody answers, -1: no such name. */
static int look_up(connection *c) {
    unsigned char octets[16];
    if (inet_pton(AF_INET, c->host, octets) == 1 || inet_pton(AF_INET6, c->host, octets) == 1) {
        c->addresses[0] = c->host;
        return 1;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, c->host) != 0) continue;
        memcpy(c->addresses, names[i].addresses, sizeof c->addresses);
        return c->addresses[0] != NULL;
    }
    return -1;
}

/* ---- a connection that is up ---- */

static void send_out(connection *c) {
    ssize_t sent = 1;
    while (c->out_n > 0 && !c->deaf && sent > 0) {
        sent = send(c->fd, c->out, c->out_n, MSG_NOSIGNAL);
        if (sent > 0) {
            c->out_n -= (size_t)sent;
            memmove(c->out, c->out + sent, c->out_n);
            c->owed += (uint32_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            c->code = errno; /* recv does not tell it again: the system tells an error once */
            c->deaf = 1;
        }
    }
    if (c->deaf) c->out_n = 0;
}

/* What the server said, while the port has room; the end and the reset lie behind all of it. */
static void take_in(connection *c) {
    unsigned char octets[LINE_PAYLOAD];
    while (!c->ended && c->grant > 0 && line_has_room()) {
        ssize_t got = recv(c->fd, octets, c->grant < sizeof octets ? c->grant : sizeof octets, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got > 0) {
            c->grant -= (uint32_t)got;
            say(c, LINE_DATA, octets, (size_t)got);
            continue;
        }
        if (got < 0) c->code = errno;
        c->ended = 1;
        tell(c, got < 0 || c->deaf ? LINE_RESET : LINE_END, c->code);
    }
}

static void turn_up(connection *c) {
    int was_deaf = c->deaf;
    send_out(c);
    if (line_ready(c->fd, 0)) c->deaf = 1; /* it was reset, or ended both ways */
    if (c->deaf && !was_deaf) tell(c, LINE_DEAF, c->code);
    if (!news_are_told(c)) return;
    if (c->owed > 0 && say_number(c, LINE_CREDIT, c->owed)) c->owed = 0;
    take_in(c);
    (void)news_are_told(c);
}

/* What was sent goes out, then our end, and then the server's is awaited: to close at once would
 * reset the connection wherever the server still speaks, and take from it what is on its way. */
static void leave(connection *c) {
    if (c->state != UP) {
        hang_up(c);
        c->state = FREE;
        return;
    }
    c->state = LEAVING;
    c->news_n = 0;
    c->began_ms = now_ms();
    c->limit_ms = LEAVING_MS;
}

static void turn_leaving(connection *c) {
    unsigned char octets[4096];
    ssize_t got = 1;
    send_out(c);
    if (c->out_n == 0 && !c->shut) {
        shutdown(c->fd, SHUT_WR);
        c->shut = 1;
    }
    while (!c->ended && got > 0)
        got = recv(c->fd, octets, sizeof octets, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) c->ended = 1;
    if ((c->out_n > 0 || !c->ended) && left_of(c->began_ms, c->limit_ms) > 0) return;
    hang_up(c);
    c->state = FREE;
}

/* ---- from the port ---- */

static connection *room_for_one(void) {
    connection *oldest = &connections[0];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connection *c = &connections[i];
        if (c->state == FREE) return c;
        if (oldest->began_ms - c->began_ms < 0x80000000u) oldest = c;
    }
    hang_up(oldest);
    return oldest;
}

static void open_one(const line_frame *f) {
    connection *c;
    int found;
    if (f->n < 6) return;
    c = room_for_one();
    memset(c, 0, sizeof *c);
    c->state = ASKED;
    c->call = f->head[1];
    c->fd = -1;
    c->began_ms = now_ms();
    c->limit_ms = line_number_at(f->payload, 4);
    c->port = (uint16_t)line_number_at(f->payload + 4, 2);
    c->grant = LINE_WINDOW;
    memcpy(c->host, f->payload + 6, f->n - 6);
    found = look_up(c);
    if (found < 0) tell(c, LINE_NO_NAME, ENOENT);
    if (found < 1) return;
    tell(c, LINE_FOUND, 0);
    c->state = CONNECTING;
    try_addresses(c);
}

/* The one that the line belongs to now; NULL: none. */
static connection *current(void) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (connections[i].state != FREE && connections[i].state != LEAVING) return &connections[i];
    }
    return NULL;
}

static void take_data(connection *c, const line_frame *f) {
    if (c->deaf) return;
    if (c->state != UP || f->n > LINE_WINDOW - c->out_n) {
        line.gone = 1; /* a port that minds no credit */
        return;
    }
    memcpy(c->out + c->out_n, f->payload, f->n);
    c->out_n += f->n;
}

static void take_frame(const line_frame *f) {
    connection *c = current();
    if (f->head[0] == LINE_OPEN) {
        if (c) leave(c);
        open_one(f);
        return;
    }
    if (!c || c->call != f->head[1]) return;
    switch (f->head[0]) {
    case LINE_DATA: take_data(c, f); break;
    case LINE_CREDIT: c->grant += f->n == 2 ? line_number_at(f->payload, 2) : 0; break;
    case LINE_CLOSE: leave(c); break;
    default: break;
    }
}

/* ---- the loop ---- */

static void turn(connection *c) {
    if (c->state == CONNECTING) turn_connecting(c);
    if (c->state == UP) turn_up(c);
    if (c->state == LEAVING) turn_leaving(c);
    if (c->state != FREE && c->state != LEAVING) (void)news_are_told(c);
}

/* What a connection waits for. */
static struct pollfd wish(const connection *c) {
    struct pollfd p = {c->fd, 0, 0};
    int reads = c->state == LEAVING || (c->grant > 0 && !line.full);
    if (c->state == CONNECTING || (c->out_n > 0 && !c->deaf)) p.events |= POLLOUT;
    if (c->state != CONNECTING && reads && !c->ended) p.events |= POLLIN;
    if (c->deaf) p.fd = -1; /* it would say without end that the connection is broken */
    return p;
}

static int limit_of(const connection *c) {
    if (c->state == CONNECTING) return (int)left_of(c->tried_ms, c->share_ms);
    if (c->state == LEAVING) return (int)left_of(c->began_ms, c->limit_ms);
    return -1;
}

static void sleep_until_something(void) {
    struct pollfd p[CONNECTIONS + 2];
    int limit_ms = -1;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        int mine = limit_of(&connections[i]);
        p[i] = wish(&connections[i]);
        if (mine >= 0 && (limit_ms < 0 || mine < limit_ms)) limit_ms = mine;
    }
    p[CONNECTIONS] = (struct pollfd){line.gone ? -1 : line.from, POLLIN, 0};
    p[CONNECTIONS + 1] = (struct pollfd){line.full && !line.gone ? line.to : -1, POLLOUT, 0};
    if (poll(p, CONNECTIONS + 2, limit_ms) > 0 && p[CONNECTIONS + 1].revents) line.full = 0;
}

static int some_are_left(void) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (connections[i].state != FREE) return 1;
    }
    return 0;
}

static void run(void) {
    do {
        int result = 0;
        sleep_until_something();
        while (!line.gone && (result = line_get(line.from, &line.in)) == 1)
            take_frame(&line.in);
        if (result < 0) line.gone = 1;
        if (line.gone && current()) leave(current());
        for (size_t i = 0; i < CONNECTIONS; i++)
            turn(&connections[i]);
    } while (!line.gone || some_are_left());
}

/* The ends of other lines, and the sockets of the suite, would not be seen to close while this
 * process holds them too. */
static void close_all_but_the_line(void) {
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 0; fd < (most > 0 && most < 4096 ? most : 4096); fd++) {
        if (fd != line.to && fd != line.from && fd != STDERR_FILENO) close(fd);
    }
}

int relay_start(int *to, int *from) {
    int out[2], in[2];
    if (pipe(out) != 0) return 0;
    if (pipe(in) != 0) return close(out[0]), close(out[1]), 0;
    for (int i = 0; i < 2; i++) {
        fcntl(out[i], F_SETFL, O_NONBLOCK);
        fcntl(in[i], F_SETFL, O_NONBLOCK);
    }
    switch (fork()) {
    case 0:
        line.from = out[0];
        line.to = in[1];
        close_all_but_the_line();
        run();
        _exit(0);
    case -1: return close(out[0]), close(out[1]), close(in[0]), close(in[1]), 0;
    default: break;
    }
    close(out[0]);
    close(in[1]);
    *to = out[1];
    *from = in[0];
    return 1;
}
