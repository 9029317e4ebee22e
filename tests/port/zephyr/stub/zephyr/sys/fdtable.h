/* SPDX-License-Identifier: MIT */
/* fdtable.h - include/zephyr/sys/fdtable.h of Zephyr: 4.4 has flags of its own (net_ip.h), 3.7
 * those of fcntl.h. */
#ifdef STUB_ZEPHYR_NET_
#define ZVFS_F_SETFL    4
#define ZVFS_O_NONBLOCK 0x4000
#endif
