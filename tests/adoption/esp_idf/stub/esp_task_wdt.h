/* SPDX-License-Identifier: MIT */
/* esp_task_wdt.h - components/esp_system/include/esp_task_wdt.h of ESP-IDF 5.3. */
#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
esp_err_t esp_task_wdt_add(TaskHandle_t task_handle);
esp_err_t esp_task_wdt_reset(void);
