/* SPDX-License-Identifier: MIT */
/* esp_netif.h - components/esp_netif/include/esp_netif.h of ESP-IDF 5.3. */
#include "esp_err.h"
esp_err_t esp_netif_init(void);
