/* SPDX-License-Identifier: MIT */
/* sntp.h - include/zephyr/net/sntp.h of Zephyr 3.7. */
#include <stdint.h>
struct sntp_time {
    uint64_t seconds;
    uint32_t fraction;
};
int sntp_simple(const char *server, uint32_t timeout, struct sntp_time *ts);
