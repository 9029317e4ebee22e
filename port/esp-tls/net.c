/* SPDX-License-Identifier: MIT */
/* net - popcl over esp_tls of ESP-IDF 5 (popcl_esp_tls.h). esp_tls looks up the name, connects and
 * shakes hands in steps; this file gives it time, and waits at the socket below it. */
#include "popcl_esp_tls.h"

#include <errno.h>
#include <esp_timer.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <lwip/sockets.h>
#include <string.h>

typedef popcl_esp_tls pop_net;
typedef volatile int pop_flag;

#define pop_clock_ms  esp_clock_ms
#define pop_poll      esp_poll
#define pop_send_once esp_send_once

static uint32_t esp_clock_ms(void) { return (uint32_t)(esp_timer_get_time() / 1000); }

static int esp_poll(struct pollfd *p, int limit_ms) {
    if (p->fd >= 0) return lwip_poll(p, 1, limit_ms);
    vTaskDelay(pdMS_TO_TICKS(limit_ms));
    return 0;
}

#include "../bsd/wait.inc"

#define STEP_MS 100 /* the longest wait of esp_tls inside one step */
#define NAP_MS  10u

/* ---- opening ---- */

/* The first of these is the one that the others cannot mend. The bits are those of Mbed TLS. */
static popcl_err esp_refused(int flags) {
    if (flags & 0x48) return POPCL_ERR_CERT_UNTRUSTED; /* NOT_TRUSTED, MISSING */
    if (flags & 0x04) return POPCL_ERR_CERT_NAME;
    if (flags & 0x01) return POPCL_ERR_CERT_EXPIRED;
    if (flags & 0x0200) return POPCL_ERR_CERT_NOT_YET;
    return POPCL_ERR_TLS_PROTOCOL;
}

/* Returns the meaning of a step that failed. */
static popcl_err esp_failed(pop_net *n) {
    esp_tls_error_handle_t last;
    int code = 0, flags = 0;
    n->error = ECONNABORTED;
    if (esp_tls_get_error_handle(n->tls, &last) != ESP_OK) return POPCL_ERR_TLS_PROTOCOL;
    esp_err_t e = esp_tls_get_and_clear_last_error(last, &code, &flags);
    n->error = e;
    switch (e) {
    case ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME: return POPCL_ERR_RESOLVE;
    case ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST: return POPCL_ERR_CONNECT;
    case ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT: return POPCL_ERR_TIMEOUT_CONNECT;
    case ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET:
    case ESP_ERR_NO_MEM: return POPCL_ERR_NET;
    default: return flags > 0 ? esp_refused(flags) : POPCL_ERR_TLS_PROTOCOL;
    }
}

static int checks_server(const esp_tls_cfg_t *conf) {
    return conf && !conf->skip_common_name && !conf->is_plain_tcp &&
           (conf->cacert_buf || conf->crt_bundle_attach || conf->use_global_ca_store);
}

/* Takes steps until one of them ends it. A dot at the end of a name is not in certificates. */
static popcl_err esp_connect(pop_net *n, const char *host, uint16_t port, uint32_t limit_ms) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    esp_tls_cfg_t conf = *n->conf;
    size_t len = strlen(host);
    conf.non_block = true;
    conf.timeout_ms = STEP_MS;
    if (len && host[len - 1] == '.') len--;
    for (;;) {
        if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
        int done = esp_tls_conn_new_async(host, (int)len, port, &conf, n->tls);
        if (done > 0) return POPCL_OK;
        if (done < 0) return esp_failed(n);
        if (pop_deadline_left(&deadline) == 0) break;
        vTaskDelay(pdMS_TO_TICKS(NAP_MS));
    }
    n->error = ETIMEDOUT;
    return POPCL_ERR_TIMEOUT_CONNECT;
}

static void esp_close(void *ctx) {
    pop_net *n = ctx;
    if (n->tls) (void)esp_tls_conn_destroy(n->tls);
    n->tls = NULL;
    n->fd = -1;
}

static popcl_err esp_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    pop_net *n = ctx;
    n->error = 0;
    n->ended = 0;
    n->held = n->ahead = 0;
    n->tls = NULL;
    if (!checks_server(n->conf)) {
        n->error = EINVAL;
        return POPCL_ERR_NET;
    }
    n->tls = esp_tls_init();
    if (!n->tls) n->error = ENOMEM;
    popcl_err e = n->tls ? esp_connect(n, host, port, limit_ms) : POPCL_ERR_NET;
    if (e == POPCL_OK && esp_tls_get_conn_sockfd(n->tls, &n->fd) != ESP_OK) e = POPCL_ERR_NET;
    if (e != POPCL_OK) esp_close(n);
    return e;
}

/* ---- moving octets ---- */

static int32_t esp_moved(pop_net *n, ssize_t moved) {
    if (moved > 0) return (int32_t)moved;
    if (moved == ESP_TLS_ERR_SSL_WANT_READ || moved == ESP_TLS_ERR_SSL_WANT_WRITE)
        return POPCL_NET_AGAIN;
    n->error = (int)moved;
    return POPCL_NET_FAILED;
}

static int32_t esp_recv(void *ctx, void *p, size_t len) {
    pop_net *n = ctx;
    if (n->ended) return POPCL_NET_EOF;
    ssize_t got = esp_tls_conn_read(n->tls, p, len);
    if (got != 0) return esp_moved(n, got);
    n->ended = 1;
    return POPCL_NET_EOF;
}

static int32_t esp_send_once(pop_net *n, const void *p, size_t len) {
    ssize_t sent = esp_tls_conn_write(n->tls, p, len);
    return sent ? esp_moved(n, sent) : POPCL_NET_AGAIN;
}

#include "../bsd/repeat.inc"

/* A record may have more octets than the last recv took. The socket does not know of them. */
static int32_t esp_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    pop_net *n = ctx;
    int waits = n->ended || esp_tls_get_bytes_avail(n->tls) > 0;
    unsigned has = want & ((waits ? POPCL_RECV : 0u) | (n->ahead ? POPCL_SEND : 0u));
    unsigned events = ((want & POPCL_RECV) ? POLLIN : 0u) | ((want & POPCL_SEND) ? POLLOUT : 0u);
    const pop_flag *stop = (want & (unsigned)POPCL_NET_STOP) ? n->stop : NULL;
    short came = 0;
    pop_waited w = pop_wait_fd(events ? n->fd : -1, (short)events, &came, has ? 0 : limit_ms, stop);
    if (w == POP_WAITED_STOP) return POPCL_NET_STOP;
    if (w == POP_WAITED_FAILED || came & POLLNVAL) {
        n->error = w == POP_WAITED_FAILED ? errno : EBADF;
        return POPCL_NET_FAILED;
    }
    unsigned ready = ((came & POLLIN) ? POPCL_RECV : 0u) | ((came & POLLOUT) ? POPCL_SEND : 0u);
    if (came & (POLLERR | POLLHUP)) ready = POPCL_RECV | POPCL_SEND;
    return (int32_t)((ready & want) | has);
}

static uint32_t esp_now_ms(void *ctx) {
    (void)ctx;
    return pop_clock_ms();
}

static int esp_code(void *ctx) {
    const pop_net *n = ctx;
    return n->error;
}

static int esp_secured(void *ctx) {
#ifdef CONFIG_MBEDTLS_HAVE_TIME_DATE
    const pop_net *n = ctx;
    return n->tls != NULL;
#else
    (void)ctx;
    return 0;
#endif
}

const popcl_net popcl_esp_tls_net = {
    .open = esp_open,
    .recv = esp_recv,
    .send = send_repeated,
    .wait = esp_wait,
    .close = esp_close,
    .now_ms = esp_now_ms,
    .code = esp_code,
    .secured = esp_secured,
};
