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

/* Commands that were written, and the greeting, whose replies have not come. */
size_t model_unanswered(const model *m);

/* Judges whether the effects of a command's reply are there, as far as it was heard. */
void model_settled(model *m, model_command *c);
void model_all_settled(model *m);

/* The time has begun that is kept for QUIT. */
int model_late(const model *m);

/* The job may have stopped planning, by its clock or for a listing that is out of order. */
int model_may_stop(const model *m);

/* A UIDL that names no message by more than its number is none, and one that is refused is none:
 * then LIST plans [B46 Q18 R32]. */
void model_without_uids(model *m);

#endif
