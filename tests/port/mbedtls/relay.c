/* SPDX-License-Identifier: MIT */
/* relay - see relay.h. A thread for each connection, over OpenSSL. Octets that were read are
 * written before more is read, so a side that does not read holds the other one back. */
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

static SSL_CTX *settings;
static uint16_t peer_port;

/* ---- the certificate ---- */

static X509 *make_certificate(EVP_PKEY *key, const char *const *names) {
    X509 *own = X509_new();
    char text[512] = "";
    for (; *names; names++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof text - n, "%sDNS:%s", n ? "," : "", *names);
    }
    X509_set_version(own, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(own), 1);
    X509_gmtime_adj(X509_getm_notBefore(own), -3600);
    X509_gmtime_adj(X509_getm_notAfter(own), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(own), "CN", MBSTRING_ASC,
                               (const unsigned char *)"relay", -1, -1, 0);
    X509_set_issuer_name(own, X509_get_subject_name(own));
    X509_set_pubkey(own, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    X509_add_ext(own, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(own, key, EVP_sha256());
    return own;
}

/* ---- one connection ---- */

typedef struct pair {
    SSL *ssl;
    int client, server;
    int client_ended, server_ended; /* nothing more comes from there */
    int server_reset, is_broken;
    unsigned char down[16384], up[16384]; /* to the client, to the server */
    size_t down_from, down_to, up_from, up_to;
} pair;

static void wait_for(int fd, short events, int limit_ms) {
    struct pollfd p = {fd, events, 0};
    (void)poll(&p, 1, limit_ms);
}

/* Returns 1 if something moved. A client that went away takes nothing more, and ends too. */
static int to_client(pair *c) {
    if (c->down_from == c->down_to) return 0;
    int n = SSL_write(c->ssl, c->down + c->down_from, (int)(c->down_to - c->down_from));
    if (n > 0) {
        c->down_from += (size_t)n;
    } else if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE &&
               SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
        c->down_from = c->down_to;
        c->client_ended = 1;
    }
    return n > 0;
}

static int from_client(pair *c) {
    if (c->client_ended || c->up_from < c->up_to) return 0;
    int n = SSL_read(c->ssl, c->up, sizeof c->up);
    c->up_from = 0;
    c->up_to = n > 0 ? (size_t)n : 0;
    if (n > 0) return 1;
    int why = SSL_get_error(c->ssl, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return 0;
    c->client_ended = 1;
    return 1;
}

static int to_server(pair *c) {
    if (c->up_from == c->up_to) return 0;
    ssize_t n = send(c->server, c->up + c->up_from, c->up_to - c->up_from, MSG_NOSIGNAL);
    if (n > 0) c->up_from += (size_t)n;
    if (n < 0 && errno != EAGAIN) {
        c->up_from = c->up_to;
        c->is_broken =
            1; /* the system reports a reset once: recv then returns 0 behind the octets */
    }
    return n > 0;
}

static int from_server(pair *c) {
    if (c->server_ended || c->down_from < c->down_to) return 0;
    ssize_t n = recv(c->server, c->down, sizeof c->down, 0);
    c->down_from = 0;
    c->down_to = n > 0 ? (size_t)n : 0;
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) c->server_ended = 1;
    if (n < 0 || c->is_broken) c->server_reset = n <= 0;
    return 1;
}

/* Until the client's system has all octets. A reset would overtake them. */
static void until_all_arrived(int fd) {
    int left = 1;
    for (int i = 0; i < 3000 && ioctl(fd, SIOCOUTQ, &left) == 0 && left; i++)
        usleep(1000);
}

static void reset(int fd) {
    const struct linger at_once = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Carries octets until both sides ended. */
static void carry(pair *c) {
    int told_client = 0, told_server = 0;
    while (!c->client_ended || !c->server_ended || c->up_from < c->up_to) {
        int moved = to_client(c) | from_client(c) | to_server(c) | from_server(c);
        if (c->server_reset && c->down_from == c->down_to) {
            until_all_arrived(c->client);
            reset(c->client);
            return;
        }
        if (c->server_ended && c->down_from == c->down_to && !told_client) {
            told_client = 1;
            SSL_shutdown(c->ssl);
            (void)shutdown(c->client, SHUT_WR);
        }
        if (c->client_ended && c->up_from == c->up_to && !told_server) {
            told_server = 1;
            (void)shutdown(c->server, SHUT_WR);
        }
        if (moved) continue;
        short client = (short)((c->down_from < c->down_to ? POLLOUT : 0) |
                               (!c->client_ended && c->up_from == c->up_to ? POLLIN : 0)),
              server = (short)((c->up_from < c->up_to ? POLLOUT : 0) |
                               (!c->server_ended && c->down_from == c->down_to ? POLLIN : 0));
        struct pollfd p[2] = {{client ? c->client : -1, client, 0},
                              {c->server_ended && !server ? -1 : c->server, server, 0}};
        (void)poll(p, 2, 1000);
    }
}

static int connect_to_peer(void) {
    const int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer_port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) return close(fd), -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void *serve(void *ctx) {
    pair *c = ctx;
    int n;
    c->server = connect_to_peer();
    while ((n = SSL_accept(c->ssl)) != 1 && (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ ||
                                             SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE))
        wait_for(c->client, SSL_want_read(c->ssl) ? POLLIN : POLLOUT, 1000);
    if (c->server >= 0 && n == 1) carry(c);
    if (c->server >= 0) close(c->server);
    SSL_free(c->ssl);
    close(c->client);
    free(c);
    return NULL;
}

/* ---- the process ---- */

static void listen_on(int listener) {
    const int on = 1;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pair *c = calloc(1, sizeof *c);
        pthread_t thread;
        if (fd < 0 || !c) _exit(2);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->client = fd;
        c->ssl = SSL_new(settings);
        SSL_set_fd(c->ssl, fd);
        if (pthread_create(&thread, NULL, serve, c) != 0) _exit(2);
        pthread_detach(thread);
    }
}

/* The suite's sockets would not be seen to close while this process holds them too. */
static void close_all_but(int fd) {
    for (int other = 3; other < 1024; other++) {
        if (other != fd) close(other);
    }
}

int relay_start(uint16_t tcp_port, const char *const *names, char *pem, size_t pem_len,
                uint16_t *listens_at) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = key ? make_certificate(key, names) : NULL;
    BIO *text = BIO_new(BIO_s_mem());
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    settings = SSL_CTX_new(TLS_server_method());
    if (!own || !text || !settings || !PEM_write_bio_X509(text, own) ||
        !SSL_CTX_use_certificate(settings, own) || !SSL_CTX_use_PrivateKey(settings, key) ||
        bind(listener, (const struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &n) != 0)
        return 0;
    SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *listens_at = ntohs(at.sin_port);
    int len = BIO_read(text, pem, (int)pem_len - 1);
    if (len <= 0) return 0;
    pem[len] = '\0';
    peer_port = tcp_port;
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        close_all_but(listener);
        listen_on(listener);
    }
    close(listener);
    return child > 0;
}
