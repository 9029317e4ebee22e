/* SPDX-License-Identifier: MIT */
/* under_test - the facts that the conformance suite needs of this port; port_under_test.h has the
 * meaning of each field. It belongs to the tests alone: a device does not compile it. */
#include "port_under_test.h"

#include "my_net.h"

static volatile int stop_wanted;

static void prepare(void *ctx) { ((my_net *)ctx)->stop = &stop_wanted; }

static void stop(void *ctx, int wanted) {
    (void)ctx;
    stop_wanted = wanted;
}

const port_under_test port_tested = {
    .net = &my_port, .ctx_size = sizeof(my_net), .prepare = prepare, .stop = stop,
    /* here: .begin, if the port does not reach 127.0.0.1 of this machine by itself. Also .name,
     * .unknown, .slow and similar fields, if it looks up names */
};
