/* SPDX-License-Identifier: MIT */
/* board - what zephyr/samples/pop3 calls beside the port: console, random numbers, time. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include <zephyr/kernel.h>
#include <zephyr/net/sntp.h>
#include <zephyr/net/tls_credentials.h>
#include <zephyr/random/random.h>
#include <zephyr/sys/printk.h>

#include "port_under_test.h"

void printk(const char *fmt, ...) {
    va_list more;
    va_start(more, fmt);
    (void)vprintf(fmt, more);
    va_end(more);
    (void)fflush(stdout);
}

void sys_rand_get(void *dst, size_t len) { (void)!getrandom(dst, len, 0); }

int sys_csrand_get(void *dst, size_t len) {
    return getrandom(dst, len, 0) == (ssize_t)len ? 0 : -1;
}

int sntp_simple(const char *server, uint32_t timeout, struct sntp_time *ts) {
    (void)server, (void)timeout;
    ts->seconds = (uint64_t)time(NULL);
    ts->fraction = 0;
    return 0;
}

int tls_credential_add(sec_tag_t tag, enum tls_credential_type type, const void *cred,
                       size_t credlen) {
    return tag > 0 && type == TLS_CREDENTIAL_CA_CERTIFICATE && cred && credlen ? 0 : -1;
}

/* One look only. */
int32_t k_sleep(k_timeout_t timeout) {
    printk("sleeps %d ms\n", (int)timeout.ticks);
    exit(0);
}

/* of the suite, which is not here */
int port_silence(const char *address, uint16_t tcp_port) {
    return (void)address, (void)tcp_port, 0;
}
