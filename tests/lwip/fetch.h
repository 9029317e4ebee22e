/* SPDX-License-Identifier: MIT */
/* fetch.h - the two halves of fetch: what it does (fetch.c), and how lwIP runs meanwhile: in its
 * main loop (fetch_raw.c), or in threads (fetch_sockets.c). */
#ifndef TESTS_LWIP_FETCH_H
#define TESTS_LWIP_FETCH_H

#include "popcl_fetch.h"
#include "tap.h"

extern tap fetch_wire; /* lwIP's alone, from fetch_start on */

const char *fetch_setting(const char *name, const char *otherwise);

/* Below, of the other half. Starts lwIP, and has it call `connect` where it may be used; connect
 * gives netif_add this input. */
void fetch_start(void (*connect)(void));
extern const netif_input_fn fetch_input;

popcl_err fetch_run(popcl *session);

/* Waits a while for the last acknowledgements, and has lwIP call `conclude`. Nothing runs
 * afterwards. */
void fetch_end(void (*conclude)(void));

#endif
