/* SPDX-License-Identifier: MIT */
/* client - the stub of WiFiClient over this machine's sockets. Like the real ones it tries one
 * address of a name, and waits for a second at most to connect. Unlike most of them write does not
 * wait: it takes what there is room for. */
#include <WiFi.h>
#include <errno.h>

extern "C" {
#include "host_sockets/host.h"
}

static const int CONNECT_MS = 1000;

int WiFiClient::connect(const char *host, uint16_t port) {
    unsigned char addresses[2][4];
    int came = 0, error = 1;
    stop();
    if (host_read_address(0, host, addresses[0]) != 1 && host_look_up(host, addresses) < 1)
        return 0;
    fd_ = host_socket(0, 0);
    host_set_no_delay(fd_);
    if (host_connect(fd_, 0, addresses[0], port) == 0) return 1;
    if (errno == EINPROGRESS && host_poll(fd_, HOST_OUT, CONNECT_MS, &came) == 1 &&
        host_error(fd_, &error) == 0 && error == 0)
        return 1;
    stop();
    return 0;
}
size_t WiFiClient::write(uint8_t octet) { return write(&octet, 1); }
size_t WiFiClient::write(const uint8_t *buf, size_t size) {
    long sent = fd_ < 0 ? 0 : host_send(fd_, buf, size);
    return sent > 0 ? (size_t)sent : 0;
}
int WiFiClient::available() {
    char octet;
    return fd_ >= 0 && host_recv(fd_, &octet, 1, 1) > 0;
}
int WiFiClient::read() {
    uint8_t octet;
    return read(&octet, 1) == 1 ? octet : -1;
}
int WiFiClient::read(uint8_t *buf, size_t size) {
    return fd_ < 0 ? -1 : (int)host_recv(fd_, buf, size, 0);
}
int WiFiClient::peek() { return -1; }
void WiFiClient::flush() {}
void WiFiClient::stop() {
    if (fd_ >= 0) host_close(fd_);
    fd_ = -1;
}
uint8_t WiFiClient::connected() {
    char octet;
    int came;
    if (fd_ < 0) return 0;
    return host_poll(fd_, HOST_IN, 0, &came) != 1 || host_recv(fd_, &octet, 1, 1) > 0;
}
WiFiClient::operator bool() { return fd_ >= 0; }
