/* SPDX-License-Identifier: MIT */
/* net - the interface: its address by DHCP or as the settings say. Not for lwIP's callbacks; with a
 * kernel, for lwIP's thread. */
#ifndef NET_H
#define NET_H

#include <lwip/netif.h>

/* Brings the interface up; input is ethernet_input, or with a kernel tcpip_input. */
void net_start(netif_input_fn input);
struct netif *net_if(void);

/* 1: there is an address, and the cable is in. Tells it on the console when it is new. */
int net_is_up(void);

/* To be called often. Looks whether the cable was pulled or put back, which tells lwIP: DHCP then
 * asks anew whether its address is good here. */
void net_look(void);
/* A server could not be reached. Where no PHY tells of the cable, this may be why: DHCP asks. */
void net_doubt(void);

/* "pbufs 3 of 3 max, heap max 1234, pcbs 0", the last without those in TIME-WAIT; only the last
 * without STATS. */
void net_report(void);

#endif
