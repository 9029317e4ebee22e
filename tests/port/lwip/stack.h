/* SPDX-License-Identifier: MIT */
/* stack.h - between relay.c, which sees the sockets of this machine, and stack.c, which sees lwIP:
 * the two define the same names. */
#ifndef TESTS_PORT_LWIP_STACK_H
#define TESTS_PORT_LWIP_STACK_H

#include <stddef.h>
#include <stdint.h>

#define STACK_WINDOW 16384 /* at least TCP_WND: what may come before it is taken */

void stack_start(uint16_t tcp_port);
void stack_clock_changed(void);
size_t stack_room(void *pcb);
void stack_write(void *pcb, const void *p, size_t n); /* n up to room */
void stack_took(void *pcb, size_t n); /* the peer has so many octets: the window opens */
int stack_all_acked(void *pcb);
void stack_end(void *pcb);   /* behind all that was written */
void stack_close(void *pcb); /* gives it back */
void stack_abort(void *pcb);

/* The relay's, called from lwIP. */
void *line_begin(void *pcb);
size_t line_room(const void *line);
void line_put(void *line, const void *p, size_t n);
void line_ended(void *line);
void line_broke(void *line);
int line_is_of(const void *line);
uint32_t clock_now(void);

#endif
