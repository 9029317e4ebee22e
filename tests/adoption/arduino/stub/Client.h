/* SPDX-License-Identifier: MIT */
/* Client.h - cores/arduino/Client.h of ArduinoCore-API 1.4: the functions that PopclClient calls,
 * and two that an implementation of it needs. */
#ifndef STUB_CLIENT_H
#define STUB_CLIENT_H
#include <stddef.h>
#include <stdint.h>
class Client {
  public:
    virtual ~Client() {}
    virtual int connect(const char *host, uint16_t port) = 0;
    virtual size_t write(uint8_t) = 0;
    virtual size_t write(const uint8_t *buf, size_t size) = 0;
    virtual int available() = 0;
    virtual int read() = 0;
    virtual int read(uint8_t *buf, size_t size) = 0;
    virtual int peek() = 0;
    virtual void flush() = 0;
    virtual void stop() = 0;
    virtual uint8_t connected() = 0;
    virtual operator bool() = 0;
};
#endif
