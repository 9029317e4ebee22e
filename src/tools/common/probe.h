/* SPDX-License-Identifier: MIT */
/* probe - a look at a server: one connection that sends CAPA, STLS and QUIT, and nothing else. It
 * keeps what the server shows of itself, and its certificates also if they are refused. It knows no
 * login, prints nothing, and uses no heap. */
#ifndef POPCL_TOOL_PROBE_H
#define POPCL_TOOL_PROBE_H

#include "chain.h"
#include "popcl_command.h"
#include "popcl_posix.h"

#define TOOL_PROBE_TEXT 2048u /* bytes for the lines of a CAPA */

/* One look. Zero all of it, then give the settings. */
typedef struct tool_probe {
    /* settings, as in popcl_config */
    const char *host, *dial; /* dial: the host to connect to, if it is not host; NULL = host */
    uint16_t port;
    uint8_t security; /* POPCL_TLS or POPCL_STLS */
    uint8_t no_capa;  /* 1 = no CAPA before TLS; in TLS it is always asked for */
    /* the way to the server, as in popcl_posix_net */
    int family;
    const char *local_address, *socks_host;
    uint16_t socks_port;
    uint32_t connect_ms, idle_ms, total_ms;
    const popcl_tls *tls; /* with the profile `host`; used until tool_probe_end */
    const popcl_seed *seed;
    size_t iobuf_len;                  /* bytes of the record buffer; 0 = the best size */
    const volatile sig_atomic_t *stop; /* as in popcl_posix_net */
    void (*trace)(void *ctx, popcl_trace kind, const char *p, size_t n); /* NULL = none */
    void *trace_ctx;
    /* results */
    popcl_err err;
    int net_code;      /* as popcl_diag.net_code */
    popcl_reply reply; /* the last one */
    popcl_verb verb;   /* of the last command; POPCL_VERBS = the greeting */
    char peer[64];     /* the address that answered, or the SOCKS server's; "" = none did */
    /* The server's own words. They may have any octets: escape them before they are shown. */
    char greeting[512];
    char capas[2][TOOL_PROBE_TEXT]; /* before TLS, and in it: the lines of CAPA, each with a line
                                       feed */
    uint8_t has_capa[2];            /* 1 = CAPA was answered +OK */
    pop_chain chain;
    /* private */
    popcl session;
    const popcl_verb *next;
    int in_tls, in_capa, line_len;
    char line[512];
    unsigned char iobuf[POPCL_IOBUF_DUPLEX + 3072u];
} tool_probe;

/* Connects, and does all of it; blocks for total_ms at most. Returns err. */
popcl_err tool_probe_run(tool_probe *p);

/* Wipes the session and the storage of TLS; the results stay. */
void tool_probe_end(tool_probe *p);

#endif
