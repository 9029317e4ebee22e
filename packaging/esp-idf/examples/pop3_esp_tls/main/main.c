/* SPDX-License-Identifier: MIT */
/* main - POP3S by TLS of ESP-IDF (esp_tls, with its bundle of authorities). popcl has no TLS here,
 * and the linker leaves BearSSL out except its hashes. */
#include "esp_crt_bundle.h"
#include "esp_event.h"
#include "esp_netif.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "mail.h"
#include "nvs_flash.h"
#include "popcl_esp_tls.h"
#include "protocol_examples_common.h"

enum { STACK = 10 * 1024 };

static void mail_task(void *ctx) {
    static const esp_tls_cfg_t conf = {.crt_bundle_attach = esp_crt_bundle_attach};
    static unsigned char iobuf[2048];
    static popcl_esp_tls net = {.conf = &conf};
    static const popcl_config session = {.host = CONFIG_MAIL_HOST,
                                         .security = POPCL_TLS_BELOW,
                                         .user = CONFIG_MAIL_USER,
                                         .iobuf = iobuf,
                                         .iobuf_len = sizeof iobuf};
    (void)ctx;
    for (;;) {
        (void)mail_look(&session, CONFIG_MAIL_PASSWORD, &popcl_esp_tls_net, &net);
        vTaskDelay(pdMS_TO_TICKS(60000) * CONFIG_MAIL_MINUTES);
    }
}

void app_main(void) {
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    mail_begin();
    while (!mail_set_clock(CONFIG_MAIL_SNTP)) /* dates of certificates need it */
        vTaskDelay(pdMS_TO_TICKS(60000));
    (void)xTaskCreate(mail_task, "mail", STACK, NULL, 5, NULL);
}
