/* SPDX-License-Identifier: MIT */
/* Arduino.h - of ArduinoCore-API 1.4, and of the ESP32 core 3.0 (esp_random, configTime): what the
 * sketches call. */
#ifndef STUB_ARDUINO_H
#define STUB_ARDUINO_H
#include <stddef.h>
#include <stdint.h>
#define HIGH   1
#define LOW    0
#define OUTPUT 1
unsigned long millis();
void delay(unsigned long ms);
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
uint32_t esp_random();
void configTime(long gmt_offset_s, int daylight_offset_s, const char *server);
class SerialStub {
  public:
    void begin(unsigned long baud);
    size_t print(const char *text);
    size_t println(const char *text);
    size_t write(const uint8_t *buf, size_t size);
};
extern SerialStub Serial;
#endif
