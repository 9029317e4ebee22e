/* SPDX-License-Identifier: MIT */
/* drive - what a driver of popcl.h has to bring to its end: a fetch job, and a sequence of commands
 * of its own, each with what only a driver can do for it. The driver moves octets between the owner
 * and the server, gives it the time, resumes it, and asks here for stops and for time that flies.
 */
#ifndef TESTS_SIM_DRIVE_H
#define TESTS_SIM_DRIVE_H

#include "hand.h"
#include "server.h"

enum drive_what {
    DRIVE_PLAIN,
    DRIVE_PAUSES,        /* every callback that can ask for time does */
    DRIVE_STOP,          /* wanted inside the first message */
    DRIVE_LATE,          /* the reserve for QUIT begins inside the first message */
    DRIVE_LATE_IN_PAUSE, /* and the owner takes nothing of that message until then */
    DRIVE_CLOSED,        /* the connection ends, and the owner asks for time three times */
    DRIVE_CLOSED_LAST,   /* it asks for time for ever */
    DRIVE_NO_CONNECTION, /* the driver cannot connect; the owner asks for time for ever */
    DRIVES
};

typedef struct drive {
    hand h;
    sim_server *server;
    enum drive_what what;
    int job, ends, asked;
    unsigned step;
    char message[20001]; /* far more than a driver moves before it asks whether to stop */
} drive;

/* Fills the server's maildrop, and starts the owner. */
void drive_init(drive *d, enum drive_what what, int job, unsigned window, sim_server *server);

/* Whether the driver is to call popcl_stop now: once. */
int drive_wants_stop(drive *d);

/* Milliseconds that pass at once, now: once. */
uint32_t drive_skips_ms(drive *d);

/* The driver says that it is done, took_ms after it connected. Returns what is wrong, or NULL; and
 * wipes the owner. */
const char *drive_end(drive *d, uint32_t took_ms);

#endif
