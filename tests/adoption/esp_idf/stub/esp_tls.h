/* SPDX-License-Identifier: MIT */
/* esp_tls.h - components/esp-tls/esp_tls.h and esp_tls_errors.h of ESP-IDF 5.3: what port/esp-tls
 * uses. */
#ifndef STUB_ESP_TLS_H
#define STUB_ESP_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif
#define ESP_ERR_ESP_TLS_BASE                    0x8000
#define ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME (ESP_ERR_ESP_TLS_BASE + 0x01)
#define ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET    (ESP_ERR_ESP_TLS_BASE + 0x02)
#define ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST  (ESP_ERR_ESP_TLS_BASE + 0x04)
#define ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT      (ESP_ERR_ESP_TLS_BASE + 0x06)
#define ESP_TLS_ERR_SSL_WANT_READ               -0x6900
#define ESP_TLS_ERR_SSL_WANT_WRITE              -0x6880

typedef struct esp_tls esp_tls_t;
typedef struct esp_tls_last_error *esp_tls_error_handle_t;
typedef struct esp_tls_cfg {
    const char **alpn_protos;
    const unsigned char *cacert_buf;
    unsigned int cacert_bytes;
    bool non_block;
    int timeout_ms;
    bool use_global_ca_store;
    const char *common_name;
    bool skip_common_name;
    esp_err_t (*crt_bundle_attach)(void *conf);
    bool is_plain_tcp;
} esp_tls_cfg_t;

esp_tls_t *esp_tls_init(void);
int esp_tls_conn_new_async(const char *hostname, int hostlen, int port, const esp_tls_cfg_t *cfg,
                           esp_tls_t *tls);
ssize_t esp_tls_conn_write(esp_tls_t *tls, const void *data, size_t datalen);
ssize_t esp_tls_conn_read(esp_tls_t *tls, void *data, size_t datalen);
int esp_tls_conn_destroy(esp_tls_t *tls);
ssize_t esp_tls_get_bytes_avail(esp_tls_t *tls);
esp_err_t esp_tls_get_conn_sockfd(esp_tls_t *tls, int *sockfd);
esp_err_t esp_tls_get_and_clear_last_error(esp_tls_error_handle_t h, int *esp_tls_code,
                                           int *esp_tls_flags);
esp_err_t esp_tls_get_error_handle(esp_tls_t *tls, esp_tls_error_handle_t *error_handle);
#ifdef __cplusplus
}
#endif
#endif
