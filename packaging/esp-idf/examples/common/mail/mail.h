/* SPDX-License-Identifier: MIT */
/* mail.h - what both examples share: a job that prints each new message once, and the set of UIDs
 * in NVS, with room for 200. Kconfig.projbuild has their settings. It knows neither the port nor
 * TLS. */
#ifndef MAIL_H
#define MAIL_H

#include "popcl_fetch.h"
#include "popcl_net.h"

/* Reads the set of UIDs from NVS; call once. nvs_flash_init comes before. */
void mail_begin(void);

/* Asks the time server, for up to 15 s. Returns 0 if it did not answer: then the time is unknown.
 */
int mail_set_clock(const char *server);

/* Fetches once through a port. `session` has host, account, TLS and record buffer. Returns the
 * result of popcl. */
popcl_err mail_look(const popcl_config *session, const char *password, const popcl_net *port,
                    void *ctx);

#endif
