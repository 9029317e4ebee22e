/* SPDX-License-Identifier: MIT */
/* modem - fetches mail over a cellular modem on a serial line, with TLS of popcl over the modem's
 * TCP. The modem moves octets, and sees neither mail nor password.
 *
 *     modem TTY HOST PORT USER PASSWORD-FILE CA-FILE [APN]
 *
 * TTY is the line to a module of Quectel, such as /dev/ttyUSB2. With an APN it is first attached to
 * the network. A device has the functions for its UART in place of the ones for the tty. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"
#include "popcl_quectel.h"

/* ---- the serial line ---- */

static int32_t line_read(void *line_ctx, void *p, size_t n, uint32_t limit_ms) {
    struct pollfd wish = {.fd = *(int *)line_ctx, .events = POLLIN};
    int ready = poll(&wish, 1, (int)limit_ms);
    if (ready <= 0) return ready == 0 || errno == EINTR ? 0 : -1;
    ssize_t got = read(wish.fd, p, n);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    return got > 0 ? (int32_t)got : -1; /* 0: the modem was unplugged */
}

static int32_t line_write(void *line_ctx, const void *p, size_t n) {
    ssize_t written = write(*(int *)line_ctx, p, n);
    if (written < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return (int32_t)written;
}

static uint32_t line_now_ms(void *line_ctx) {
    struct timespec t;
    (void)line_ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

static const popcl_quectel_line line = {
    .read = line_read, .write = line_write, .now_ms = line_now_ms};

static int open_tty(const char *name) {
    struct termios settings;
    int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &settings)) return -1;
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    cfsetspeed(&settings, B115200);
    return tcsetattr(fd, TCSANOW, &settings) ? -1 : fd;
}

/* Gives one command before there is a connection. Returns 0 once the modem answered OK. */
static int command(int fd, const char *text, uint32_t limit_ms) {
    char answer[256];
    size_t have = 0;
    uint32_t began = line_now_ms(NULL);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) return -1;
    while (have < sizeof answer - 1 && line_now_ms(NULL) - began < limit_ms) {
        int32_t got = line_read(&fd, answer + have, sizeof answer - 1 - have, 100);
        if (got < 0) return -1;
        have += (size_t)got;
        answer[have] = '\0';
        if (strstr(answer, "\r\nOK\r\n")) return 0;
        if (strstr(answer, "ERROR")) return -1;
    }
    return -1;
}

/* An error of QIACT may be that the context is active already: then open works anyway. */
static int attach(int fd, const char *apn) {
    char text[128];
    int n = snprintf(text, sizeof text, "AT+QICSGP=1,1,\"%s\"\r", apn);
    if (strpbrk(apn, "\"\r\n") || n >= (int)sizeof text || command(fd, text, 5000)) return -1;
    (void)command(fd, "AT+QIACT=1\r", 150000);
    return 0;
}

/* ---- the mail ---- */

static int begin(void *ctx, const popcl_msg *m) {
    return (void)ctx, printf("--- %lu %s\n", (unsigned long)m->number, m->uid) < 0 ? -1 : 0;
}
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}
static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why, puts("--- cut"); }

static popcl_err fetch(popcl_fetch_config *config, popcl_quectel *net, popcl_tls *tls) {
    static popcl_fetch job;
    static popcl_seed seed;
    popcl_diag diag;
    if (popcl_posix_seed(&seed, sizeof seed)) return POPCL_ERR_SEED;
    tls->utc_s = time(NULL);
    config->session.tls = tls;
    config->session.seed = &seed;
    popcl_fetch_start(&job, config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_quectel_net, net);
    popcl_fetch_get_diag(&job, &diag);
    popcl_fetch_wipe(&job);
    if (e && e != POPCL_MORE)
        fprintf(stderr, "modem: %s: %s; %s; code %d\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e), diag.net_code);
    return e;
}

int main(int argc, char **argv) {
    static popcl_quectel net;
    static int fd; /* net keeps its address */
    static popcl_tls_public_storage storage;
    static unsigned char iobuf[POPCL_IOBUF_SIZE(4096)];
    static char password[256], why[POPCL_POSIX_WHY];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    popcl_posix_trust trust;
    FILE *f = argc == 7 || argc == 8 ? fopen(argv[5], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fputs("usage: modem TTY HOST PORT USER PASSWORD-FILE CA-FILE [APN]\n", stderr), 64;
    fclose(f);
    if (popcl_posix_trust_load(&trust, argv[6], NULL, time(NULL), why, sizeof why))
        return fprintf(stderr, "modem: %s\n", why), 66;
    fd = open_tty(argv[1]);
    if (fd < 0 || (argc == 8 && attach(fd, argv[7])))
        return fprintf(stderr, "modem: %s: no answer, or no such line\n", argv[1]), 69;
    net.line = &line;
    net.line_ctx = &fd;
    popcl_tls tls = {.profile = &popcl_tls_public,
                     .storage = &storage,
                     .storage_len = sizeof storage,
                     .trust = &trust.trust};
    popcl_fetch_config config = {.session = {.host = argv[2],
                                             .port = (uint16_t)atoi(argv[3]),
                                             .user = argv[4],
                                             .security = POPCL_TLS,
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .passes = UINT16_MAX,
                                 .sink = &sink};
    popcl_err e = fetch(&config, &net, &tls);
    popcl_posix_trust_free(&trust);
    close(fd);
    return e && e != POPCL_MORE;
}
