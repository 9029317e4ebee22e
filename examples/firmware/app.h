/* SPDX-License-Identifier: MIT */
/* app - the poller: fetches the messages of the maildrop, reports the result, and repeats, after
 * any failure. It knows neither the network nor its driver: main_raw.c drives it from a main loop,
 * main_task.c from a task.
 *
 *     app_start();
 *     for (;;) {
 *         ... wait for an address ...
 *         session = app_begin(connect_ms);
 *         ... run the session until it is POPCL_DONE ...
 *         ... wait for app_conclude() milliseconds ...
 *     } */
#ifndef APP_H
#define APP_H

#include "popcl_fetch.h"

/* Reads the settings and the saved state, and prints a greeting. `net` is "raw" or "sockets". */
void app_start(const char *net);

/* Starts the job of the next poll, with a fresh seed and the time, and returns its session. A
 * session that could not be started is POPCL_DONE. connect_ms: as in popcl_config, an upper limit.
 * Ends the program once as many polls are over as the settings want. */
popcl *app_begin(uint32_t connect_ms);

/* The job is done, or was refused: reports the result, saves the state if it changed, wipes the
 * job. Returns how long to wait until the next poll, in ms. */
uint32_t app_conclude(void);

/* Returns whether the last poll failed before it had a connection. */
int app_was_unreachable(void);

#endif
