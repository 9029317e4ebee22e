/* SPDX-License-Identifier: MIT */
/* esp_event.h - components/esp_event/include/esp_event.h of ESP-IDF 5.3. */
#include "esp_err.h"
esp_err_t esp_event_loop_create_default(void);
