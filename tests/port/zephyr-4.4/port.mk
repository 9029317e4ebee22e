# SPDX-License-Identifier: MIT
# zephyr-4.4: the same with the names that Zephyr has since 4.4.
include tests/port/zephyr/port.mk
PORT_CPPFLAGS += -DSTUB_ZEPHYR_NET_
