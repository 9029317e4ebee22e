/* SPDX-License-Identifier: MIT */
/* PopclClient.h - popcl over a Client of Arduino: WiFiClient, EthernetClient, or one that does TLS
 * itself, such as WiFiClientSecure. One class, for popcl_run:
 *
 *     WiFiClientSecure wifi;                   (wifi.setCACert(authority))
 *     PopclClient net(wifi, PopclClient::CHECKS_CERTIFICATES);
 *     popcl_run(&job.session, &PopclClient::port, &net);
 *
 * A Client has no limits of popcl's: connect and write block as long as the class wants. Set its
 * timeout below popcl_config.connect_ms. */
#ifndef POPCL_CLIENT_H
#define POPCL_CLIENT_H

#include <Client.h>

#include "popcl_net.h"

/* A transport over a Client. */
class PopclClient {
  public:
    /* The promise of the sketch about its Client. */
    enum Trust {
        /* There is no TLS, or it accepts any server (setInsecure): for POPCL_CLEAR alone. */
        NO_TLS,
        /* TLS that checks chain, name and dates of the server's certificate: for POPCL_TLS_BELOW.
         * The clock has to be set. popcl cannot check this promise. */
        CHECKS_CERTIFICATES
    };

    /* The Client is borrowed as long as this object is used. */
    explicit PopclClient(Client &client, Trust trust = NO_TLS);

    /* Nonzero asks for an orderly shutdown. */
    volatile int stop;

    /* For popcl_run, with a PopclClient * as its context. It reports no code. */
    static const popcl_net port;

  private:
    static popcl_err open(void *ctx, const char *host, uint16_t port_number, uint32_t limit_ms);
    static int32_t recv(void *ctx, void *p, size_t n);
    static int32_t send(void *ctx, const void *p, size_t n);
    static int32_t wait(void *ctx, unsigned want, uint32_t limit_ms);
    static void close(void *ctx);
    static uint32_t nowMs(void *ctx);
    static int secured(void *ctx);

    Client &client_;
    Trust trust_;
    bool open_, full_;
    uint32_t full_ms_; /* when a write took nothing */
};

#endif
