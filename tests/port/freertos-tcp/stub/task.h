/* SPDX-License-Identifier: MIT */
/* task.h - of the FreeRTOS kernel V10.6. */
TickType_t xTaskGetTickCount(void);
void vTaskDelay(const TickType_t xTicksToDelay);
