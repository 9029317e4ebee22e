/* SPDX-License-Identifier: MIT */
/* FreeRTOS.h - components/freertos/FreeRTOS-Kernel/include/freertos/FreeRTOS.h of ESP-IDF 5.3. */
#ifndef STUB_IDF_FREERTOS_H
#define STUB_IDF_FREERTOS_H
#include <stdint.h>
typedef uint32_t TickType_t;
typedef int BaseType_t;
typedef unsigned UBaseType_t;
#define configTICK_RATE_HZ 100
#define pdMS_TO_TICKS(ms)  ((TickType_t)(((uint64_t)(ms)*configTICK_RATE_HZ) / 1000u))
#endif
