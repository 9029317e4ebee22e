/* SPDX-License-Identifier: MIT */
/* board - the stubs of Arduino besides WiFiClient, and main: setup, then loop until a delay of a
 * minute or more. */
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern "C" int port_silence(const char *address, uint16_t tcp_port);

SerialStub Serial;
WiFiStub WiFi;
void setup();
void loop();

int port_silence(const char *, uint16_t) { return 0; }

unsigned long millis() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

void delay(unsigned long ms) {
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    if (ms >= 60000) exit(0);
    nanosleep(&span, NULL);
}

void pinMode(uint8_t pin, uint8_t mode) { printf("pin %d mode %d\n", pin, mode); }
void digitalWrite(uint8_t pin, uint8_t value) { printf("pin %d is %d\n", pin, value); }
uint32_t esp_random() { return (uint32_t)rand(); }
void configTime(long, int, const char *) {}
void SerialStub::begin(unsigned long) {}
size_t SerialStub::print(const char *text) { return fwrite(text, 1, strlen(text), stdout); }
size_t SerialStub::println(const char *text) { return print(text) + print("\n"); }
size_t SerialStub::write(const uint8_t *buf, size_t size) { return fwrite(buf, 1, size, stdout); }
wl_status_t WiFiStub::begin(const char *, const char *) { return WL_CONNECTED; }
wl_status_t WiFiStub::status() { return WL_CONNECTED; }
void WiFiClientSecure::setCACert(const char *authority) {
    if (!authority) abort();
}

int main() {
    setup();
    for (;;)
        loop();
}
