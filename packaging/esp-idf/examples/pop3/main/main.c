/* SPDX-License-Identifier: MIT */
/* main - POP3S by TLS of popcl, over lwIP's sockets. A task looks for mail every few minutes, and
 * feeds the task watchdog in each wait and in `breathe`. */
#include <time.h>

#include "esp_event.h"
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "mail.h"
#include "nvs_flash.h"
#include "popcl_lwip_sockets.h"
#include "popcl_tls.h"
#include "protocol_examples_common.h"

enum { STACK = 10 * 1024, NAP_MS = 1000 }; /* the default stack of main, 3584 bytes, is too small */

extern const popcl_trust ca_trust; /* anchors.c, from popcl-ta */

static void feed(void) { (void)esp_task_wdt_reset(); }

static void breathe(void *ctx) {
    (void)ctx;
    feed();
}

static int32_t wait_fed(void *ctx, unsigned want, uint32_t limit_ms) {
    for (;;) {
        uint32_t piece = limit_ms < NAP_MS ? limit_ms : NAP_MS;
        feed();
        int32_t came = popcl_lwip_sockets.wait(ctx, want, piece);
        limit_ms -= piece;
        if (came || limit_ms == 0) return came;
    }
}

static void look(void) {
    /* static: lwIP may answer a question for a name after the job is over */
    static popcl_lwip_sockets_net net;
    static popcl_tls_public_storage storage;
    static unsigned char iobuf[POPCL_IOBUF_SIZE(4096)];
    static popcl_seed seed;
    popcl_net port = popcl_lwip_sockets;
    popcl_tls tls = {.profile = &popcl_tls_public,
                     .storage = &storage,
                     .storage_len = sizeof storage,
                     .trust = &ca_trust,
                     .utc_s = time(NULL), /* before SNTP answered it is in 1970: an error */
                     .breathe = breathe};
    popcl_config session = {.host = CONFIG_MAIL_HOST,
                            .security = POPCL_TLS,
                            .user = CONFIG_MAIL_USER,
                            .tls = &tls,
                            .seed = &seed,
                            .iobuf = iobuf,
                            .iobuf_len = sizeof iobuf,
                            .connect_ms = 8000}; /* open does not feed: less than the watchdog */
    port.wait = wait_fed;
    esp_fill_random(seed.bytes, sizeof seed.bytes); /* true random numbers while Wi-Fi is on */
    (void)mail_look(&session, CONFIG_MAIL_PASSWORD, &port, &net);
}

static void mail_task(void *ctx) {
    (void)ctx;
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
    for (;;) {
        look();
        for (int s = 0; s < 60 * CONFIG_MAIL_MINUTES; s++) {
            feed();
            vTaskDelay(pdMS_TO_TICKS(1000));
        }
    }
}

void app_main(void) {
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    mail_begin();
    (void)mail_set_clock(CONFIG_MAIL_SNTP); /* it goes on in the background */
    (void)xTaskCreate(mail_task, "mail", STACK, NULL, 5, NULL);
}
