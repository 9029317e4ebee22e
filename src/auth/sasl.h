/* SPDX-License-Identifier: MIT */
/* sasl - the dialog that all SASL mechanisms share (RFC 5034), and the text of a response. The text
 * is made while it is sent, from a form, the user name and the secret. So it needs no buffer, and a
 * token of any length can be sent. A mechanism gives the forms (popcl_mech.respond). */
#ifndef POPCL_AUTH_SASL_H
#define POPCL_AUTH_SASL_H

#include "auth.h"

/* Octets of a form that are replaced by something else. */
#define POPCL_FORM_USER   '\2'
#define POPCL_FORM_NAME   '\3' /* the user name, with , and = escaped (RFC 5802, 5.1) */
#define POPCL_FORM_SECRET '\4'
#define POPCL_FORM_TOKEN  '\5' /* the secret, which has visible ASCII characters only */
#define POPCL_FORM_EXTRA  '\6' /* popcl_sasl.extra */

/* The state of the dialog. The scratch of each mechanism with popcl_sasl_step begins with it. */
typedef struct popcl_sasl {
    popcl_secret response; /* made of the form, as it is read */
    const popcl_secret *secret;
    const char *user;
    const char *form; /* of the present response; NULL = an empty response */
    const char *extra;
    size_t secret_len; /* once it is known */
    uint16_t user_len, extra_len;
    uint8_t form_len;
    uint8_t is_known; /* secret_len */
    uint8_t pulled;   /* the secret's callback was called */
    uint8_t bare;     /* AUTH was sent without a response */
    uint8_t next;     /* number of the next response */
    uint8_t failed;   /* the server reported a failure as a challenge */
} popcl_sasl;

/* Sets the form of the present response. It is borrowed, and so is s->extra. */
void popcl_sasl_form(popcl_sasl *s, const char *form, size_t len);

/* Copies a part of the present response's text, before base64. Parameters and results are those of
 * popcl_text_read (base64.h). */
popcl_err popcl_sasl_text(popcl_sasl *s, size_t off, unsigned char *buf, size_t cap, size_t *n);

/* popcl_mech.step and popcl_mech.answered of a SASL mechanism. */
popcl_err popcl_sasl_step(const popcl_login *l, unsigned step, popcl_command *c);
popcl_err popcl_sasl_answered(const popcl_login *l, unsigned step, const popcl_reply *r);

#endif
