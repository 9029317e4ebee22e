/* SPDX-License-Identifier: MIT */
/* settings - the settings of the device: host, account, how often. Defaults are compiled in (a
 * product's, or none), and words `key=value` of the run's command line change them. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdint.h>

typedef struct settings {
    const char *host, *user, *pass;
    const char *name;          /* of the certificate, if it is not host; NULL */
    const char *ip, *gw, *dns; /* ip as A.B.C.D/LEN; NULL = by DHCP */
    const char *utc;           /* Unix seconds at the start, or "unknown"; NULL = console_utc_s */
    const char *state;         /* the host's file in place of the flash; NULL = nothing is kept */
    const char *trust; /* the host's file in place of the flash for signed trust; NULL = only what
                          is compiled in */
    const char *renew; /* a file of the host with a signed set, which is taken at the start; NULL */
    const char *out;   /* the host's folder for messages; NULL = they are printed */
    const char *seed;  /* for tests: "none": the generator fails; "once": from the second poll on */
    const char *security; /* tls, stls or clear */
    uint32_t port;        /* 0 = the protocol's own */
    uint32_t polls;       /* how many; 0 = for ever */
    uint32_t every;       /* ms from one poll's end to the next */
    uint32_t idle;        /* ms that a server may send nothing; 0 = popcl's own */
    uint32_t hang;   /* for tests: the number of the poll that hangs, so that the watchdog bites */
    uint32_t starve; /* for tests: so many bursts of frames find no buffer */
    uint32_t hurry;  /* for tests: the clock runs so many times faster */
    uint32_t up;     /* for tests: seconds that it seems to have been up at the start */
    uint32_t pause;  /* for tests: how often the sink takes nothing at first */
    uint32_t new;    /* 1 = only messages that no earlier poll stored */
    uint32_t delete; /* 1 = stored messages are deleted from the server */
    uint32_t resume; /* 1 = the next poll resumes the TLS session */
} settings;

extern settings set;

/* Reads the command line. Returns NULL, or the name of a word that is unknown or whose value is
 * wrong. */
const char *settings_read(void);

/* Reads "1234": up to 10 digits; anything else ends it. Unsigned, 0 without digits. */
uint32_t settings_number(const char *text);

#endif
