/* SPDX-License-Identifier: MIT */
/* printk.h - include/zephyr/sys/printk.h of Zephyr 3.7. */
__attribute__((format(printf, 1, 2))) void printk(const char *fmt, ...);
