/* SPDX-License-Identifier: MIT */
/* stubs.h - a clock that can be set. */
#ifndef TESTS_PORT_FREERTOS_TCP_STUBS_H
#define TESTS_PORT_FREERTOS_TCP_STUBS_H

#include <stdint.h>

void stub_clock_to(uint32_t ms);

#endif
