/* SPDX-License-Identifier: MIT */
/* WiFi.h - libraries/WiFi/src/WiFi.h and WiFiClient.h of the ESP32 core 3.0. */
#ifndef STUB_WIFI_H
#define STUB_WIFI_H
#include <Arduino.h>
#include <Client.h>
typedef enum { WL_CONNECTED = 3 } wl_status_t;
class WiFiStub {
  public:
    wl_status_t begin(const char *ssid, const char *password);
    wl_status_t status();
};
extern WiFiStub WiFi;
class WiFiClient : public Client {
  public:
    WiFiClient() : fd_(-1) {}
    int connect(const char *host, uint16_t port);
    size_t write(uint8_t octet);
    size_t write(const uint8_t *buf, size_t size);
    int available();
    int read();
    int read(uint8_t *buf, size_t size);
    int peek();
    void flush();
    void stop();
    uint8_t connected();
    operator bool();

  private:
    int fd_;
};
#endif
