/* SPDX-License-Identifier: MIT */
/* lwipopts.h - lwIP for the tests on this machine: sized as for a board with 64 KB of RAM, so that
 * what runs out there runs out here. A build says NO_SYS (1: main loop; 0: threads) and LWIP_IPV6
 * by -D. Pools are counted, and every checksum is looked at. */
#ifndef TESTS_LWIP_LWIPOPTS_H
#define TESTS_LWIP_LWIPOPTS_H

#ifndef NO_SYS
#define NO_SYS 1
#endif
#ifndef LWIP_IPV6
#define LWIP_IPV6 0
#endif
#define LWIP_NETCONN         !NO_SYS
#define LWIP_SOCKET          !NO_SYS
#define LWIP_SOCKET_SELECT   0
#define SYS_LIGHTWEIGHT_PROT !NO_SYS
#define LWIP_ERRNO_STDINCLUDE
#define LWIP_COMPAT_SOCKETS 0 /* the C library has functions of these names */
/* segments that wait: a window of the smallest that the tests send */
#define DEFAULT_TCP_RECVMBOX_SIZE 32
#define TCPIP_MBOX_SIZE           12
#define DEFAULT_ACCEPTMBOX_SIZE   4

#ifndef LWIP_DNS
#define LWIP_DNS 1
#endif
#define LWIP_DHCP 0
#define LWIP_ICMP 1
#define LWIP_RAW  0
#define LWIP_IGMP 0
#define LWIP_UDP  1

/* Memory. Pointers are twice as long as on a board: room for the same number of things takes more
 * octets. */
#define ETH_PAD_SIZE  2
#define MEM_ALIGNMENT 8
#define MEM_SIZE      4096
#if TEST_HEAP /* all from the C library's heap, where the sanitizers see what is used after it was \
                 freed */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#endif
#define MEMP_NUM_TCP_PCB 2
#define MEMP_NUM_UDP_PCB 2
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_PBUF    4
#if NO_SYS
#define PBUF_POOL_SIZE    3
#define PBUF_POOL_BUFSIZE 1524
#else
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 4) /* the tests' own */
/* What came waits in buffers: small ones, so that a window of small segments is no more than one of
 * large ones. */
#define PBUF_POOL_SIZE       32
#define PBUF_POOL_BUFSIZE    256
#endif
#define ARP_TABLE_SIZE         4
#define LWIP_ND6_NUM_NEIGHBORS 4
#define IPV6_FRAG_COPYHEADER   1

#ifndef TCP_MSS
#define TCP_MSS 536
#endif
#ifndef TCP_WND
#define TCP_WND (4 * TCP_MSS)
#endif
#define TCP_SND_BUF      (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 6
#define TCP_MAXRTX       6 /* how long an end that nobody answers is kept */
#define TCP_QUEUE_OOSEQ  1
/* room is left for the frame that fills the gap */
#define TCP_OOSEQ_MAX_PBUFS (PBUF_POOL_SIZE - 1 - (TCP_MSS + 57) / PBUF_POOL_BUFSIZE)
/* The window is wider than the pool, on purpose: the port keeps no pbuf. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define LWIP_STATS          1
#define LWIP_STATS_DISPLAY  0
#define MEM_STATS           1
#define MEMP_STATS          1
#define MEMP_OVERFLOW_CHECK 1
#define MEMP_SANITY_CHECK   1

#define LWIP_HOOK_FILENAME "arch/hooks.h"

#endif
