/* SPDX-License-Identifier: MIT */
/* info - `popcl --info`: a report about a server on standard output, made without a login. It has
 * the capabilities, the certificates, also refused ones, the anchor that vouches for them, and the
 * line of popcl-ta for a device. With --tofu it stores the server's key. */
#ifndef POPCL_CMD_INFO_H
#define POPCL_CMD_INFO_H

#include "options.h"
#include "report.h"
#include "tls.h"

/* Looks at the server of the options, and prints. tls is open, and total_ms is left of the run.
 * Returns an exit code, and has printed its reason. */
int cmd_info(const cmd_options *o, cmd_tls *tls, cmd_report *r, const volatile sig_atomic_t *stop,
             uint32_t total_ms);

#endif
