/* SPDX-License-Identifier: MIT */
/* random.h - include/zephyr/random/random.h of Zephyr 3.7. */
#include <stddef.h>
void sys_rand_get(void *dst, size_t len);
int sys_csrand_get(void *dst, size_t len);
