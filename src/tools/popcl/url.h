/* SPDX-License-Identifier: MIT */
/* url - the parts of SERVER if it is a URL of RFC 2384: scheme, user name, mechanism, and the rest
 * with host and port. It decodes percent signs, and refuses a password. It knows no option, and
 * does not look into host and port. */
#ifndef POPCL_CMD_URL_H
#define POPCL_CMD_URL_H

#include <stddef.h>

#define CMD_USER_MAX          255 /* octets of a user name: no command line has more */
#define CMD_URL_MECHANISM_MAX 31

typedef struct cmd_url {
    int is_tls;                                /* 1 = pop3s:// */
    char user[CMD_USER_MAX + 1];               /* decoded; "" = there is no user name */
    char mechanism[CMD_URL_MECHANISM_MAX + 1]; /* decoded value of ;AUTH=; "" = it is not there */
    const char *host;                          /* HOST or HOST:PORT, in the text that was read */
    size_t host_len;                           /* octets */
    const char *advice;                        /* after a fault: the remedy */
} cmd_url;

/* Reads pop://, pop3:// or pop3s://, [USER][;AUTH=MECHANISM]@, HOST[:PORT], and a slash at the end
 * (RFC 2384, 3 to 5). Text without :// is a host alone. Returns NULL, or the fault as a sentence
 * that repeats nothing of the text. `text` must stay as long as `host` is used. */
const char *cmd_url_read(cmd_url *u, const char *text);

#endif
