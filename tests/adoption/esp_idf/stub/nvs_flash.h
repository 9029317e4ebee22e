/* SPDX-License-Identifier: MIT */
/* nvs_flash.h - components/nvs_flash/include/nvs_flash.h of ESP-IDF 5.3. */
#include "esp_err.h"
esp_err_t nvs_flash_init(void);
