/* SPDX-License-Identifier: MIT */
/* esp_err.h - components/esp_common/include/esp_err.h of ESP-IDF 5.3. */
#ifndef STUB_ESP_ERR_H
#define STUB_ESP_ERR_H
typedef int esp_err_t;
#define ESP_OK         0
#define ESP_ERR_NO_MEM 0x101
void stub_esp_error_check(esp_err_t e);
#define ESP_ERROR_CHECK(x) stub_esp_error_check(x)
#endif
