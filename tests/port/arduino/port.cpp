/* SPDX-License-Identifier: MIT */
/* port - port/arduino under the conformance suite, over a Client on this machine's sockets. A
 * Client tries one address of a name, and does not say why it failed: cases about that are not
 * tried. */
#include "PopclClient.h"

#include <WiFi.h>
#include <new>
#include <time.h>

extern "C" {
#include "port_under_test.h"
}

static uint32_t skew_ms;
static int stop_wanted;

/* PopclClient has no virtual function: it is the port's context itself. */
static PopclClient *connections[8];

unsigned long millis() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000) + skew_ms;
}

void delay(unsigned long ms) {
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

static void prepare(void *ctx) {
    static size_t turn;
    WiFiClient *client = new WiFiClient; /* until the case, a process of its own, ends */
    PopclClient *c = new (ctx) PopclClient(*client);
    connections[turn++ % (sizeof connections / sizeof connections[0])] = c;
    c->stop = stop_wanted;
}

static void stop(void *, int wanted) {
    stop_wanted = wanted;
    for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++)
        if (connections[i]) connections[i]->stop = wanted;
}

static void clock_to(uint32_t ms) { skew_ms += ms - (uint32_t)millis(); }

/* In the order of port_under_test.h: C++11 has no initializers by name. */
extern const port_under_test port_tested = {&PopclClient::port,
                                            sizeof(PopclClient),
                                            NULL,
                                            prepare,
                                            NULL,
                                            NULL,
                                            stop,
                                            clock_to,
                                            NULL,
                                            NULL,
                                            NULL,
                                            "peer.test",
                                            NULL,
                                            NULL,
                                            NULL,
                                            NULL,
                                            0,
                                            0};
