/* SPDX-License-Identifier: MIT */
/* esp_random.h - components/esp_hw_support/include/esp_random.h of ESP-IDF 5.3. */
#include <stddef.h>
void esp_fill_random(void *buf, size_t len);
