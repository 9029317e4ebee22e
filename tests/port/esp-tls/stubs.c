/* SPDX-License-Identifier: MIT */
/* stubs - esp_tls, a clock and lwIP's poll as far as port/esp-tls calls them, over this machine's
 * sockets. A step of esp_tls waits up to timeout_ms; a name whose server is silent costs 200 ms,
 * and is then unknown. TLS is that of ../zephyr-tls. */
#define _GNU_SOURCE
#include "stubs.h"

#include <errno.h>
#include <esp_timer.h>
#include <esp_tls.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <lwip/sockets.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host_sockets/host.h"

enum { AUTHORITY = 1, DNS_MS = 200 };

const stub_tls *stub_secure_sockets;
uint16_t stub_peer_port, stub_relay_port;

/* ---- clock ---- */

static uint32_t shift_ms;

int64_t esp_timer_get_time(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + (int64_t)shift_ms * 1000;
}

void stub_clock_to(uint32_t ms) { shift_ms += ms - (uint32_t)(esp_timer_get_time() / 1000); }

static void nap(uint32_t ms) {
    const struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&span, NULL);
}

void vTaskDelay(TickType_t ticks) { nap(ticks * (1000 / configTICK_RATE_HZ)); }

/* ---- poll ---- */

int lwip_poll(struct pollfd *fds, nfds_t nfds, int timeout) {
    int came = 0;
    if (nfds != 1 || fds->fd < 0) abort();
    int n = host_poll(fds->fd,
                      (fds->events & POLLIN ? HOST_IN : 0) | (fds->events & POLLOUT ? HOST_OUT : 0),
                      timeout, &came);
    fds->revents = (short)((came & HOST_IN ? POLLIN : 0) | (came & HOST_OUT ? POLLOUT : 0) |
                           (came & HOST_ERR ? POLLERR : 0) | (came & HOST_HUP ? POLLHUP : 0));
    return n;
}

/* ---- esp_tls ---- */

struct esp_tls_last_error {
    esp_err_t e;
};

struct esp_tls {
    int fd, is_connecting, is_up;
    unsigned char address[4];
    int count;
    struct esp_tls_last_error last;
};

esp_tls_t *esp_tls_init(void) {
    esp_tls_t *tls = calloc(1, sizeof *tls);
    if (tls) tls->fd = -1;
    return tls;
}

static int step_failed(esp_tls_t *tls, esp_err_t e) {
    tls->last.e = e;
    return -1;
}

static int find(esp_tls_t *tls, const char *host, int len) {
    unsigned char found[2][4] = {{0}};
    char name[256] = "";
    if (tls->count) return 1;
    if (len < (int)sizeof name) memcpy(name, host, (size_t)len);
    tls->count = 1;
    if (host_read_address(0, name, found[0]) != 1) tls->count = host_look_up(name, found);
    memcpy(tls->address, found[0], sizeof tls->address);
    if (tls->count < 0) nap(DNS_MS);
    return tls->count > 0;
}

/* esp_tls tries one address of a name. */
static int begin(esp_tls_t *tls, int port) {
    tls->fd = host_socket(0, 0);
    if (tls->fd < 0) return step_failed(tls, ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET);
    if (port == stub_peer_port) port = stub_relay_port;
    if (host_connect(tls->fd, 0, tls->address, (uint16_t)port) != 0 && errno != EINPROGRESS)
        return step_failed(tls, ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST);
    tls->is_connecting = 1;
    return 0;
}

int esp_tls_conn_new_async(const char *hostname, int hostlen, int port, const esp_tls_cfg_t *cfg,
                           esp_tls_t *tls) {
    static const int tag = AUTHORITY;
    int came, error = 0;
    char name[256] = "";
    if (!cfg->non_block || hostlen >= (int)sizeof name) abort();
    if (!find(tls, hostname, hostlen))
        return step_failed(tls, ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME);
    if (!tls->is_connecting) return begin(tls, port);
    if (host_poll(tls->fd, HOST_OUT, cfg->timeout_ms, &came) != 1) return 0;
    if (host_error(tls->fd, &error) != 0 || error)
        return step_failed(tls, ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST);
    (void)host_set_no_delay(tls->fd);
    memcpy(name, hostname, (size_t)hostlen);
    if (stub_secure_sockets->connect(tls->fd, name, &tag, 1) != 0)
        return step_failed(tls, ESP_ERR_ESP_TLS_BASE + 0x1a); /* MBEDTLS_SSL_HANDSHAKE_FAILED */
    tls->is_up = 1;
    return 1;
}

ssize_t esp_tls_conn_write(esp_tls_t *tls, const void *data, size_t datalen) {
    ssize_t n = stub_secure_sockets->send(tls->fd, data, datalen);
    return n < 0 ? errno == EAGAIN ? ESP_TLS_ERR_SSL_WANT_WRITE : -0x50 : n;
}

ssize_t esp_tls_conn_read(esp_tls_t *tls, void *data, size_t datalen) {
    ssize_t n = stub_secure_sockets->recv(tls->fd, data, datalen);
    return n < 0 ? errno == EAGAIN ? ESP_TLS_ERR_SSL_WANT_READ : -0x50 : n;
}

int esp_tls_conn_destroy(esp_tls_t *tls) {
    if (tls->is_up) stub_secure_sockets->close(tls->fd);
    if (tls->fd >= 0) (void)host_close(tls->fd);
    free(tls);
    return 0;
}

ssize_t esp_tls_get_bytes_avail(esp_tls_t *tls) { return stub_secure_sockets->has_octets(tls->fd); }

esp_err_t esp_tls_get_conn_sockfd(esp_tls_t *tls, int *sockfd) {
    *sockfd = tls->fd;
    return ESP_OK;
}

esp_err_t esp_tls_get_error_handle(esp_tls_t *tls, esp_tls_error_handle_t *error_handle) {
    *error_handle = &tls->last;
    return ESP_OK;
}

esp_err_t esp_tls_get_and_clear_last_error(esp_tls_error_handle_t h, int *esp_tls_code,
                                           int *esp_tls_flags) {
    esp_err_t e = h->e;
    *esp_tls_code = *esp_tls_flags = 0;
    h->e = ESP_OK;
    return e;
}
