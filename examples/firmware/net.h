/* SPDX-License-Identifier: MIT */
/* net - the interface: its address comes from DHCP or the settings. Not for lwIP's callbacks; with
 * a kernel, for lwIP's thread. */
#ifndef NET_H
#define NET_H

#include <lwip/netif.h>

/* Brings the interface up; input is ethernet_input, or with a kernel tcpip_input. */
void net_start(netif_input_fn input);
struct netif *net_if(void);

/* 1 = there is an address, and the cable is in. Prints it on the console when it is new. */
int net_is_up(void);

/* Call it often. Looks whether the cable was pulled or put back, and reports that to lwIP. DHCP
 * then asks again whether its address is good here. */
void net_look(void);
/* A server could not be reached. If no PHY reports the cable, the cable may be the reason: DHCP
 * asks. */
void net_doubt(void);

/* Prints "pbufs 3 of 3 max, heap max 1234, pcbs 0", the last without those in TIME-WAIT. Without
 * STATS it prints only the last. */
void net_report(void);

#endif
