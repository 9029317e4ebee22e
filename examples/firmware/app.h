/* app - the poller: fetches what is in the maildrop, says what came of it, and does so again,
 * whatever happens. It knows neither the network nor how it is run: main_raw.c drives it from a
 * main loop, main_task.c from a task.
 *
 *     app_start();
 *     for (;;) {
 *         ... wait for an address ...
 *         config = app_prepare();
 *         ... start the job with it, and run it until it is POPCL_DONE ...
 *         ... wait for app_conclude() milliseconds ...
 *     } */
#ifndef APP_H
#define APP_H

#include "popcl.h"

/* Reads the settings and the saved state, says who it is. `net` is "raw" or "sockets". */
void app_start(const char *net);

/* The one job, and what it is to do now: a fresh seed, the time. What cannot be had is not in it,
 * and popcl_start says so. Ends the program where as many polls are over as the settings say. */
extern popcl app_job;
const popcl_config *app_prepare(void);

/* The job is done, or was refused: tells the result, saves what has to be saved, wipes it. Returns
 * how long to wait until the next poll, in ms. */
uint32_t app_conclude(void);

/* Whether the last poll did not get as far as a connection. */
int app_was_unreachable(void);

#endif
