/* SPDX-License-Identifier: MIT */
/* WiFiClientSecure.h - libraries/NetworkClientSecure of the ESP32 core 3.0. This stub has no TLS:
 * the sketch is run against a server in clear text. */
#include <WiFi.h>
class WiFiClientSecure : public WiFiClient {
  public:
    void setCACert(const char *authority);
};
