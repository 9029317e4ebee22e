/* SPDX-License-Identifier: MIT */
/* lwiphooks - see lwipopts.h. */
#ifndef LWIPHOOKS_H
#define LWIPHOOKS_H

#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) device_random()

#endif
