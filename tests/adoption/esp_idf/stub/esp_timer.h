/* SPDX-License-Identifier: MIT */
/* esp_timer.h - components/esp_timer/include/esp_timer.h of ESP-IDF 5.3. */
#include <stdint.h>
int64_t esp_timer_get_time(void);
