/* SPDX-License-Identifier: MIT */
/* FreeRTOS_IP.h - of FreeRTOS+TCP V4.2; with STUB_TCP_V3 the parts that V3.1 has otherwise. */
#ifndef STUB_TCP_V3
#define ipFR_TCP_VERSION_MAJOR 4
#endif
