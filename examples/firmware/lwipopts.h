/* SPDX-License-Identifier: MIT */
/* lwipopts - lwIP for a client with one connection, as small as possible; each option with its
 * reason. The Makefile sets RECORD, IPV6, NO_SYS and STATS. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* ---- the way of running ---- */

#ifndef NO_SYS
#define NO_SYS 1 /* 0 = with a kernel, for NET=sockets */
#endif
/* without a kernel lwIP runs in the main loop only: the interrupt does not call it */
#define SYS_LIGHTWEIGHT_PROT !NO_SYS
#define LWIP_NETCONN         !NO_SYS
#define LWIP_SOCKET          !NO_SYS
#define MEM_ALIGNMENT        4
#define LWIP_SINGLE_NETIF    1 /* no list of interfaces, no choice of a route */
#define ETH_PAD_SIZE         2 /* words of the controller are words of a buffer: eth.h */

#if !NO_SYS
#define LWIP_TCPIP_CORE_LOCKING 1 /* the task calls lwIP itself: fewer switches, no messages */
#define TCPIP_THREAD_STACKSIZE  1536
#define TCPIP_THREAD_PRIO       2 /* before the task: frames are taken from the controller */
#define TCPIP_MBOX_SIZE         MBOX_MAX
/* segments that wait for the task; any more are sent again */
#define DEFAULT_TCP_RECVMBOX_SIZE MBOX_MAX
#define DEFAULT_UDP_RECVMBOX_SIZE MBOX_MAX
#define DEFAULT_RAW_RECVMBOX_SIZE MBOX_MAX
#define DEFAULT_ACCEPTMBOX_SIZE   1
#define MEMP_NUM_TCPIP_MSG_API    2 /* for the interrupt, and a spare */
#define MEMP_NUM_TCPIP_MSG_INPKT  1
#define MEMP_NUM_NETCONN          1
#define MEMP_NUM_NETBUF           1
#define MEMP_NUM_SYS_TIMEOUT      (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* main_task.c has one */
#define LWIP_SOCKET_SELECT        0                                   /* poll is enough */
#define LWIP_COMPAT_SOCKETS       0
#define LWIP_PROVIDE_ERRNO        1
#endif

/* ---- protocols ---- */

#define LWIP_IPV4 1
#define LWIP_DHCP 1
#define LWIP_DNS  1
#define LWIP_RAW  0
/* TCP keeps to the MSS, and DHCP's and DNS's answers fit into a frame */
#define IP_REASSEMBLY      0
#define IP_FRAG            0
#define IP_OPTIONS_ALLOWED 0 /* nobody sends options: such packets are dropped */
#ifndef LWIP_ICMP
#define LWIP_ICMP 0 /* 1 = answers ping, for half a KB */
#endif
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define DHCP_DOES_ARP_CHECK      0 /* the server has asked whether the address is free */
#define LWIP_NETIF_LOOPBACK      0
#define LWIP_HAVE_LOOPIF         0
#define ARP_QUEUEING             0 /* one packet waits for an address: there is one connection */
/* the gateway, a DNS server, a mail server in the same network, a spare */
#define ARP_TABLE_SIZE 4
/* one name is looked up at a time; an entry has room for a name of 255 octets */
#define DNS_TABLE_SIZE  1
#define DNS_MAX_SERVERS 2
/* with one name at a time, the other of its measures does not count */
#define LWIP_DNS_SECURE (LWIP_DNS_SECURE_RAND_XID | LWIP_DNS_SECURE_RAND_SRC_PORT)

#if IPV6
#define LWIP_IPV6                      1
#define LWIP_IPV6_REASS                0
#define LWIP_IPV6_FRAG                 0
#define LWIP_IPV6_FORWARD              0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS  1
#define LWIP_IPV6_NUM_ADDRESSES        2 /* link-local, and one that a router gives */
#define LWIP_ND6_NUM_NEIGHBORS         4
#define LWIP_ND6_NUM_DESTINATIONS      2
#define LWIP_ND6_NUM_PREFIXES          2
#define LWIP_ND6_NUM_ROUTERS           1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 1
#define LWIP_ND6_QUEUEING              0
#define LWIP_ICMP6                     1
#define MEMP_NUM_MLD6_GROUP            3
#else
#define LWIP_IPV6 0
#endif

/* ---- TCP ---- */

/* With records of 512 octets RAM is scarce. A segment of 536 octets, which every host must take
 * (RFC 9293, 3.7.1), saves three quarters of a buffer's bytes. */
#if RECORD >= 4096
/* of an MTU of 1500: lwIP sends this number in the SYN */
#define TCP_MSS (IPV6 ? 1440 : 1460)
#define TCP_WND (2 * TCP_MSS)
#else
#define TCP_MSS 536
#define TCP_WND (4 * TCP_MSS)
#endif
/* a flight of the handshake has less than 600 octets; commands are short */
#define TCP_SND_BUF                1072
#define TCP_SND_QUEUELEN           6 /* pieces in flight, with their headers in MEM_SIZE */
#define MEMP_NUM_TCP_SEG           8
#define TCP_CALCULATE_EFF_SEND_MSS 0 /* there is one interface, and its MTU is known */
/* data that is written together is sent together: no room for more in a segment's buffer */
#define TCP_OVERSIZE 0
/* segments that come too early are sent again: a buffer to hold one is one of three. 1 KB less
 * flash, and slower if packets are lost */
#define TCP_QUEUE_OOSEQ 0
/* a server that repeats segments measures the round trip from these alone. Until it has, it waits
 * twice as long after each loss (RFC 7323, 4.1): minutes at 5 % loss */
#define LWIP_TCP_TIMESTAMPS 1
/* the connection, and the one before in TIME-WAIT, which gives way */
#define MEMP_NUM_TCP_PCB        2
#define MEMP_NUM_TCP_PCB_LISTEN 1
/* the window may be larger than the pool: the port takes each segment out at once
 * (port/lwip/raw.c) */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

/* RFC 6528 wants numbers that cannot be guessed: the generator makes all of them. Two connections
 * of one port have 16,000 others between them. */
#define LWIP_HOOK_FILENAME "lwiphooks.h"

/* ---- memory ---- */

#if NO_SYS
/* Three buffers: one for TCP, one for the driver, one spare. Further frames wait in the controller,
 * or are sent again. */
#define PBUF_POOL_SIZE    3
#define PBUF_POOL_BUFSIZE ((TCP_MSS + 40 + (IPV6 ? 20 : 0) + 14 + ETH_PAD_SIZE + 3) / 4 * 4)
#else
/* With sockets, data waits in buffers for the task. There is room for a window of segments of 512
 * octets and their headers, two buffers each, and for one frame more. */
#define PBUF_POOL_BUFSIZE 316
#define PBUF_POOL_SIZE    (RECORD >= 4096 ? 17 : 12)
#endif
/* to send: 1,072 octets of TCP in pieces, or one of DHCP's messages; and DHCP's own 60 bytes */
#define MEM_SIZE         1600
#define MEMP_NUM_PBUF    2 /* no file systems: PBUF_ROM and PBUF_REF are not used */
#define MEMP_NUM_UDP_PCB 3 /* DHCP, DNS, a spare */

/* ---- counts ---- */

/* For tests: the last line of the console has the highest use of the pools. */
#define LWIP_STATS STATS
#if STATS
#define LINK_STATS   0
#define ETHARP_STATS 0
#define IP_STATS     0
#define IP6_STATS    0
#define IPFRAG_STATS 0
#define ICMP_STATS   0
#define ICMP6_STATS  0
#define ND6_STATS    0
#define MLD6_STATS   0
#define UDP_STATS    0
#define TCP_STATS    0
#define SYS_STATS    0
#define MEM_STATS    1
#define MEMP_STATS   1
#endif

#endif
