/* SPDX-License-Identifier: MIT */
/* esp_crt_bundle.h - components/mbedtls/esp_crt_bundle/include/esp_crt_bundle.h of ESP-IDF 5.3. */
#include "esp_err.h"
esp_err_t esp_crt_bundle_attach(void *conf);
