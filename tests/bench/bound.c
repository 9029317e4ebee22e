/* SPDX-License-Identifier: MIT */
/* bound - what receiving alone costs: a session without a client's work.
 *
 *     bound recv|unstuff PORT USER MESSAGES [BUFFER-OCTETS [CERTIFICATE.der]]
 *
 * recv looks at nothing but the end of what came. unstuff also finds dots at the begin of lines and
 * undoes the stuffing, as every client must. With a CERTIFICATE, the server's own, it is BearSSL's
 * receive loop: AES-128-GCM, and no chain is checked. Prints octets=N, those of the bodies.
 *
 * The processor time is for the program that started it to measure. It is no client: it trusts the
 * server blindly, and must not know popcl. The socket does not block, as popcl's does not. On a
 * quiet machine a loop that blocked in recv() took 1.7 times as long, for an unknown reason. That
 * would make a client look cheaper than receiving. Even so it is a yardstick, and no proof of a
 * least cost. On a busy machine its rounds spread more than the difference to a client that only
 * counts. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <bearssl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char buffer[1048576];
static size_t room = 131072;
static int fd;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void connect_to(const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)},
                            .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) die("bound: connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) die("bound: fcntl");
}

static size_t received(unsigned char *to, size_t most) {
    struct pollfd p = {fd, POLLIN, 0};
    ssize_t got;
    while ((got = recv(fd, to, most, 0)) < 0 && errno == EAGAIN)
        if (poll(&p, 1, -1) < 0) die("bound: poll");
    if (got <= 0) die("bound: recv");
    return (size_t)got;
}

/* ---- TLS ---- */

static br_ssl_client_context tls;

static void secure(const char *certificate) {
    static const uint16_t suite[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256};
    static unsigned char records[BR_SSL_BUFSIZE_BIDI], key[512];
    static br_x509_minimal_context chain;
    static br_x509_knownkey_context known;
    static br_x509_decoder_context decoder;
    static br_ec_public_key public_key;
    FILE *f = fopen(certificate, "rb");
    if (!f) die(certificate);
    br_x509_decoder_init(&decoder, NULL, NULL);
    br_x509_decoder_push(&decoder, buffer, fread(buffer, 1, sizeof buffer, f));
    fclose(f);
    const br_x509_pkey *found = br_x509_decoder_get_pkey(&decoder);
    if (!found || found->key_type != BR_KEYTYPE_EC || found->key.ec.qlen > sizeof key) {
        fprintf(stderr, "bound: %s has no usable key\n", certificate);
        exit(1);
    }
    memcpy(key, found->key.ec.q, found->key.ec.qlen);
    public_key = found->key.ec;
    public_key.q = key;
    br_ssl_client_init_full(&tls, &chain, NULL, 0);
    br_x509_knownkey_init_ec(&known, &public_key, BR_KEYTYPE_SIGN);
    br_ssl_engine_set_x509(&tls.eng, &known.vtable);
    br_ssl_engine_set_suites(&tls.eng, suite, 1);
    br_ssl_engine_set_buffer(&tls.eng, records, sizeof records, 1);
    if (!br_ssl_client_reset(&tls, "localhost", 0)) die("bound: TLS");
}

static void send_all(const unsigned char *p, size_t n) {
    if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n) die("bound: send");
}

/* Moves records until the engine can do what is wanted. */
static void pump(unsigned want) {
    size_t n;
    for (;;) {
        unsigned state = br_ssl_engine_current_state(&tls.eng);
        if (state & BR_SSL_SENDREC) {
            const unsigned char *p = br_ssl_engine_sendrec_buf(&tls.eng, &n);
            send_all(p, n);
            br_ssl_engine_sendrec_ack(&tls.eng, n);
        } else if (state & want) {
            return;
        } else if (state & BR_SSL_RECVREC) {
            unsigned char *p = br_ssl_engine_recvrec_buf(&tls.eng, &n);
            br_ssl_engine_recvrec_ack(&tls.eng, received(p, n));
        } else {
            fprintf(stderr, "bound: TLS ends, error %d\n", br_ssl_engine_last_error(&tls.eng));
            exit(1);
        }
    }
}

/* ---- both ---- */

static int is_secure;

static void command(const char *text) {
    size_t n = strlen(text), fits;
    if (!is_secure) {
        send_all((const unsigned char *)text, n);
        return;
    }
    pump(BR_SSL_SENDAPP);
    unsigned char *p = br_ssl_engine_sendapp_buf(&tls.eng, &fits);
    memcpy(p, text, n);
    br_ssl_engine_sendapp_ack(&tls.eng, n);
    br_ssl_engine_flush(&tls.eng, 0);
}

/* Returns the octets that came next, *n of them. They are valid until took(). */
static const unsigned char *next(size_t *n) {
    if (!is_secure) {
        *n = received(buffer, room);
        return buffer;
    }
    pump(BR_SSL_RECVAPP);
    return br_ssl_engine_recvapp_buf(&tls.eng, n);
}

static void took(size_t n) {
    if (is_secure) br_ssl_engine_recvapp_ack(&tls.eng, n);
}

/* Receives until `end` has come at the end of what came. Returns the octets. */
static unsigned long long until(const char *end) {
    unsigned long long octets = 0;
    size_t want = strlen(end), had = 0, got;
    char tail[8] = "";
    do {
        const unsigned char *p = next(&got);
        size_t fresh = got < want ? got : want;
        size_t old = had < want - fresh ? had : want - fresh;
        memmove(tail, tail + had - old, old);
        memcpy(tail + old, p + got - fresh, fresh);
        had = old + fresh;
        octets += got;
        took(got);
    } while (had < want || memcmp(tail, end, want) != 0);
    return octets;
}

/* The place in a line: its begin, after a dot there, after that dot and CR, or later. */
typedef enum place { BEGIN, DOT, DOT_CR, INSIDE } place;

/* Returns the end of a run of content that begins inside a line: the next dot at the begin of a
 * line, or the end of the line of another dot, or `end`. So base64 is one run. */
static const unsigned char *inside(const unsigned char *p, const unsigned char *end) {
    const unsigned char *dot = memchr(p, '.', (size_t)(end - p));
    if (!dot) return end;
    if (dot > p && dot[-1] == '\n') return dot;
    const unsigned char *line_end = memchr(dot, '\n', (size_t)(end - dot));
    return line_end ? line_end + 1 : end;
}

/* Reads a part of a body. Returns the octets that it has unstuffed; sets *at, and *over after the
 * last line. */
static unsigned long long unstuffed(const unsigned char *p, size_t n, place *at, int *over) {
    const unsigned char *end = p + n, *stop;
    unsigned long long octets = 0;
    while (p < end) {
        switch (*at) {
        case BEGIN:
            *at = *p == '.' ? DOT : INSIDE;
            p += *at == DOT;
            break;
        case DOT:
            *at = *p == '\r' ? DOT_CR : INSIDE;
            p += *at == DOT_CR;
            break;
        case DOT_CR:
            if (*p == '\n') {
                *over = 1;
                return octets;
            }
            octets++; /* a line of this CR and more */
            *at = INSIDE;
            break;
        case INSIDE:
            stop = inside(p, end);
            octets += (unsigned long long)(stop - p);
            *at = stop[-1] == '\n' ? BEGIN : INSIDE;
            p = stop;
            break;
        }
    }
    return octets;
}

/* The octets of a message, with those of its reply's first line. */
static unsigned long long message(void) {
    unsigned long long octets = 0;
    place at = INSIDE;
    int over = 0;
    while (!over) {
        size_t got;
        const unsigned char *p = next(&got);
        octets += unstuffed(p, got, &at, &over);
        took(got);
    }
    return octets;
}

int main(int argc, char **argv) {
    char text[256];
    unsigned long long octets = 0;
    if (argc > 5) room = strtoul(argv[5], NULL, 10);
    if (argc < 5 || room == 0 || room > sizeof buffer || strlen(argv[3]) > 200) {
        fprintf(stderr,
                "usage: bound recv|unstuff PORT USER MESSAGES "
                "[BUFFER-OCTETS up to %zu [CERTIFICATE.der]]\n",
                sizeof buffer);
        return 64;
    }
    int unstuffs = strcmp(argv[1], "unstuff") == 0;
    connect_to(argv[2]);
    is_secure = argc > 6;
    if (is_secure) secure(argv[6]);
    until("\r\n");
    (void)snprintf(text, sizeof text, "USER %s\r\n", argv[3]);
    command(text);
    until("\r\n");
    command("PASS secret\r\n");
    until("\r\n");
    for (unsigned long i = 1, last = strtoul(argv[4], NULL, 10); i <= last; i++) {
        (void)snprintf(text, sizeof text, "RETR %lu\r\n", i);
        command(text);
        octets += unstuffs ? message() : until("\r\n.\r\n");
    }
    printf("octets=%llu\n", octets);
    command("QUIT\r\n");
    until("\r\n");
    close(fd);
    return 0;
}
