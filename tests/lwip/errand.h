/* SPDX-License-Identifier: MIT */
/* errand.h - work of a test that lwIP has to do, where it has threads: in its own, or under its
 * lock. */
#ifndef TESTS_LWIP_ERRAND_H
#define TESTS_LWIP_ERRAND_H

#include <lwip/priv/tcpip_priv.h>

typedef struct errand {
    struct tcpip_api_call_data call; /* first: lwIP gives back a pointer to it */
    void (*run)(u32_t n);
    u32_t n;
} errand;

static inline err_t errand_run(struct tcpip_api_call_data *call) {
    errand *e = (errand *)(void *)call;
    e->run(e->n);
    return ERR_OK;
}

/* Returns once it is done. */
static inline void in_lwip(void (*run)(u32_t n), u32_t n) {
    errand e = {.run = run, .n = n};
    if (tcpip_api_call(errand_run, &e.call) != ERR_OK) abort();
}

#endif
