/* SPDX-License-Identifier: MIT */
/* optionserver - the argument SERVER: a host, an address, a host with a port, or a URL. It fills in
 * the options that the argument gives. It resolves no name. */
#ifndef POPCL_CMD_OPTIONSERVER_H
#define POPCL_CMD_OPTIONSERVER_H

#include "options.h"

/* Returns 0, or -1 with error and advice set. `server` must stay as long as *o is used. */
int cmd_option_server(cmd_options *o, const char *server);

/* Reads HOST:PORT or [IPV6]:PORT of --socks. Returns 0, or -1 without an error. */
int cmd_option_socks(cmd_options *o, const char *value);

#endif
