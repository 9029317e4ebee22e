/* SPDX-License-Identifier: MIT */
/* rules - what the files of the model that judge share. */
#ifndef TESTS_MODEL_RULES_H
#define TESTS_MODEL_RULES_H

#include "model.h"

/* The client may go to QUIT without the rest, and its result has to be a failure. */
void model_give_up(model *m, unsigned cause);

/* What is known of a message. */
model_mail *model_mail_of(model *m, uint32_t number);

/* Its line in a listing, with this UID if there are several; NULL: there is none. */
const model_line *model_line_of(const model *m, size_t command, uint32_t number, const char *uid);
int model_same_uid(const model_line *l, const char *uid);

int model_is_body(const model_command *c);

/* Whether a body is still to come to the sink. */
int model_bodies_left(const model *m);

/* Commands that were written, and the greeting, whose replies have not come. */
size_t model_unanswered(const model *m);

/* Judges whether the effects of a command's reply are there, as far as it was heard. */
void model_settled(model *m, model_command *c);
void model_all_settled(model *m);

/* Begins a pass with this listing. */
void model_begin_pass(model *m, size_t planner);

/* ---- flights.c ---- */

/* How many commands may be in flight, by the window and the server's list. */
unsigned model_most_in_flight(const model *m);

/* Judges whether a command may leave behind those whose replies have not come. */
void model_may_follow(model *m, const model_command *c);

/* The size of a message by LIST; MODEL_UNKNOWN: none is known. *sure becomes 0 if it was given
 * several times. */
uint64_t model_size_of(const model *m, uint32_t number, int *sure);

/* Whether a whole body has the size of its message; 2: it may be judged either way. Learns how the
 * server counts line ends. */
int model_has_size(model *m, const model_command *c);

/* A body does not have its size: the replies in flight are not believed. */
void model_disbelieve(model *m);

/* Whether doubt is left that replies belong to their commands. */
int model_doubts(const model *m);

/* A body as far as it came: one that begins like a reply shows that replies are shifted. The second
 * call returns whether there may be such a one, in what was heard. */
void model_heard_body(model *m, const model_command *c);
int model_may_be_shifted(const model *m);

/* The reply to the STAT behind all messages. */
void model_probed(model *m, const model_command *c);

/* The time has begun that is kept for QUIT. */
int model_late(const model *m);

/* The job may have stopped planning, by its clock or for a listing that is out of order. */
int model_may_stop(const model *m);

/* A UIDL that names no message by more than its number is none, and one that is refused is none:
 * then LIST plans [B46 Q18 R32]. shown: the client has begun to plan so. */
void model_without_uids(model *m, int shown);

#endif
