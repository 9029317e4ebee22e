/* SPDX-License-Identifier: MIT */
/* PopclClient - see PopclClient.h. A Client reports no errors, and no room to send: write returns
 * what it took. So after a write that took nothing, wait reports room some time later. */
#include "PopclClient.h"

#include <Arduino.h>

static const size_t MOVE_MAX = 0x4000; /* octets in one read or write: int has 16 bits on some */
static const uint32_t FULL_MS = 250;   /* from a write that took nothing to the next */

PopclClient::PopclClient(Client &client, Trust trust)
    : stop(0), client_(client), trust_(trust), open_(false), full_(false), full_ms_(0) {}

popcl_err PopclClient::open(void *ctx, const char *host, uint16_t port_number, uint32_t limit_ms) {
    PopclClient *n = static_cast<PopclClient *>(ctx);
    uint32_t began = nowMs(NULL);
    if (n->stop) return POPCL_ERR_STOPPED;
    if (n->client_.connect(host, port_number)) {
        n->open_ = true;
        n->full_ = false;
        return POPCL_OK;
    }
    n->client_.stop();
    if (n->stop) return POPCL_ERR_STOPPED;
    return nowMs(NULL) - began >= limit_ms ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT;
}

/* Octets that came before the end count: so it looks for octets again after the end. */
int32_t PopclClient::recv(void *ctx, void *p, size_t n) {
    PopclClient *net = static_cast<PopclClient *>(ctx);
    bool up = net->client_.connected();
    if (net->client_.available() <= 0) return up ? POPCL_NET_AGAIN : POPCL_NET_EOF;
    int got = net->client_.read(static_cast<uint8_t *>(p), n < MOVE_MAX ? n : MOVE_MAX);
    if (got > 0) return got;
    return up ? POPCL_NET_AGAIN : POPCL_NET_EOF;
}

int32_t PopclClient::send(void *ctx, const void *p, size_t n) {
    PopclClient *net = static_cast<PopclClient *>(ctx);
    size_t sent = net->client_.write(static_cast<const uint8_t *>(p), n < MOVE_MAX ? n : MOVE_MAX);
    net->full_ = sent == 0;
    net->full_ms_ = nowMs(NULL);
    if (sent) return static_cast<int32_t>(sent);
    if (net->client_.connected()) return POPCL_NET_AGAIN;
    return POPCL_NET_FAILED;
}

int32_t PopclClient::wait(void *ctx, unsigned want, uint32_t limit_ms) {
    PopclClient *net = static_cast<PopclClient *>(ctx);
    uint32_t began = nowMs(NULL);
    for (;;) {
        unsigned can = 0;
        if (!net->full_ || nowMs(NULL) - net->full_ms_ >= FULL_MS || !net->client_.connected())
            can = want & POPCL_SEND;
        if ((want & POPCL_NET_STOP) && net->stop) return POPCL_NET_STOP;
        if ((want & POPCL_RECV) && (net->client_.available() > 0 || !net->client_.connected()))
            can |= POPCL_RECV;
        if (can || nowMs(NULL) - began >= limit_ms) return static_cast<int32_t>(can);
        delay(1);
    }
}

void PopclClient::close(void *ctx) {
    PopclClient *n = static_cast<PopclClient *>(ctx);
    if (n->open_) n->client_.stop();
    n->open_ = false;
}

uint32_t PopclClient::nowMs(void *) { return static_cast<uint32_t>(millis()); }

int PopclClient::secured(void *ctx) {
    const PopclClient *n = static_cast<const PopclClient *>(ctx);
    return n->open_ && n->trust_ == CHECKS_CERTIFICATES;
}

const popcl_net PopclClient::port = {open, recv, send, wait, close, nowMs, NULL, secured, NULL};
