/* SPDX-License-Identifier: MIT */
/* popcl_esp_tls.h - TLS of ESP-IDF 5 (esp_tls) as a transport: for a session with the security
 * POPCL_TLS_BELOW, which needs no popcl_tls and no seed.
 *
 *     static const esp_tls_cfg_t conf = {.crt_bundle_attach = esp_crt_bundle_attach};
 *     static popcl_esp_tls net = {.conf = &conf};
 *     popcl_run(&job.session, &popcl_esp_tls_net, &net);
 *
 * The image needs CONFIG_MBEDTLS_HAVE_TIME_DATE, and the time of day from SNTP. Without this option
 * Mbed TLS does not look at the dates of certificates: then no connection is vouched for, and the
 * session ends with POPCL_ERR_NOT_SECURED. */
#ifndef POPCL_ESP_TLS_H
#define POPCL_ESP_TLS_H

#include <esp_tls.h>

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's. Zeroed except for the first two fields. One thread at a time. */
typedef struct popcl_esp_tls {
    /* Authorities: cacert_buf, crt_bundle_attach or use_global_ca_store. Borrowed until close. The
     * port sets non_block and timeout_ms in a copy. With skip_common_name or is_plain_tcp, or
     * without authorities, open returns POPCL_ERR_NET: nothing could be checked. */
    const esp_tls_cfg_t *conf;
    const volatile int *stop; /* nonzero asks for an orderly shutdown; NULL = never. May be set at
                                 any time; seen within 250 ms, and within the time of one question
                                 to a name server */
    /* private */
    esp_tls_t *tls; /* of the open connection */
    int fd, error;
    uint8_t ended;      /* the peer ended the connection */
    size_t held, ahead; /* port/bsd/repeat.inc */
} popcl_esp_tls;

/* For popcl_run, with a popcl_esp_tls as its context. open connects and shakes hands within its
 * limit. Of a name it tries one address, as esp_tls does. A question for a name may last longer:
 * esp_tls cannot end it. lwIP gives up after DNS_MAX_RETRIES. A handshake that failed is
 * POPCL_ERR_CERT_UNTRUSTED, _NAME, _EXPIRED or _NOT_YET if Mbed TLS reports it, else
 * POPCL_ERR_TLS_PROTOCOL. popcl_diag.net_code is the number of esp_tls, or an errno. */
extern const popcl_net popcl_esp_tls_net;

#ifdef __cplusplus
}
#endif
#endif
