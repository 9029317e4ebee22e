/* SPDX-License-Identifier: MIT */
/* byteorder.h - include/zephyr/sys/byteorder.h of Zephyr 3.7, for a machine with little-endian
 * numbers. */
#define sys_cpu_to_be16(val) ((uint16_t)((((val) >> 8) & 0xffu) | (((val)&0xffu) << 8)))
