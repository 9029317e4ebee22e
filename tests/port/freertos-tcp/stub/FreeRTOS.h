/* SPDX-License-Identifier: MIT */
/* FreeRTOS.h - of the kernel V10.6, with a port whose tick has 1 ms; and projdefs.h. */
#ifndef STUB_FREERTOS_H
#define STUB_FREERTOS_H
#include <stddef.h>
#include <stdint.h>
typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t;
#define configTICK_RATE_HZ 1000
#define pdMS_TO_TICKS(ms)                                                                          \
    ((TickType_t)(((TickType_t)(ms) * (TickType_t)configTICK_RATE_HZ) / 1000U))
#define pdTRUE                       ((BaseType_t)1)
#define pdFALSE                      ((BaseType_t)0)
#define pdFREERTOS_ERRNO_ENOENT      2
#define pdFREERTOS_ERRNO_EWOULDBLOCK 11
#define pdFREERTOS_ERRNO_ENOMEM      12
#define pdFREERTOS_ERRNO_EINVAL      22
#define pdFREERTOS_ERRNO_ENOSPC      28
#define pdFREERTOS_ERRNO_ETIMEDOUT   116
#define pdFREERTOS_ERRNO_ENOTCONN    128
#endif
