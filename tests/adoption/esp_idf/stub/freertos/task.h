/* SPDX-License-Identifier: MIT */
/* task.h - components/freertos/FreeRTOS-Kernel/include/freertos/task.h of ESP-IDF 5.3. */
#ifndef STUB_IDF_TASK_H
#define STUB_IDF_TASK_H
typedef struct tskTaskControlBlock *TaskHandle_t;
typedef void (*TaskFunction_t)(void *);
void vTaskDelay(TickType_t ticks);
BaseType_t xTaskCreate(TaskFunction_t code, const char *name, uint32_t stack_bytes, void *ctx,
                       UBaseType_t priority, TaskHandle_t *handle);
#endif
