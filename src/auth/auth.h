/* SPDX-License-Identifier: MIT */
/* auth - the interface between the login and its mechanisms. A mechanism turns credentials into
 * commands, one a step, and judges the replies. It only reads the job: it sends nothing itself, and
 * knows no connection. It keeps its state between greeting and login in scratch: memory of the
 * caller that is wiped after the login. */
#ifndef POPCL_AUTH_AUTH_H
#define POPCL_AUTH_AUTH_H

#include "popcl_command.h"
#include "popcl_fetch.h"
#include "refusal.h"

/* Of the job a mechanism reads cfg, its own row (mech), the nonce that popcl_mech.nonce made at
 * start, and the calls below. The session is for popcl_machine_end_point. */
typedef struct popcl_login {
    const popcl_fetch *job;
    void *scratch; /* aligned for any type; zeroed at the start */
} popcl_login;

/* The place of a mechanism in the order of choice. The least number is taken. */
#define POPCL_RANK_NEVER   0u    /* it cannot be used with this security */
#define POPCL_RANK_BY_NAME 0x80u /* added: POPCL_AUTH_AUTO does not take it */
/* popcl_mech.rank of a mechanism with one place over TLS, of any kind, and one in clear text. */
#define POPCL_RANK(over_tls, in_clear)                                                             \
    {                                                                                              \
        [POPCL_CLEAR] = (in_clear), [POPCL_TLS] = (over_tls), [POPCL_STLS] = (over_tls),           \
        [POPCL_TLS_BELOW] = (over_tls)                                                             \
    }

/* The part of a login that USER/PASS alone does not need. A program links it if it names another
 * mechanism. */
typedef struct popcl_choice {
    /* Makes the command of the next step. Before that, chooses the mechanism if none is chosen yet.
     * Returns as popcl_mech.step. */
    popcl_err (*next)(popcl_fetch *f, popcl_command *c);
    /* Takes octets of the text of a status line that is no refused login. */
    void (*text)(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n);
} popcl_choice;

extern const popcl_choice popcl_login_choice; /* ../core/fetch_choice.c */

struct popcl_mech {
    const popcl_choice *choice; /* NULL = USER/PASS: it needs none if no other one is linked */
    uint16_t bit;               /* POPCL_AUTH_* */
    uint16_t sasl;              /* POPCL_SASL_*, its bit in CAPA's list; 0 = no SASL mechanism */
    uint16_t plan_min;          /* bytes of the plan for a login, POPCL_LOGIN_ROOM */
    uint8_t rank[POPCL_TLS_BELOW + 1]; /* POPCL_RANK_*, for each popcl_security */
    uint8_t user_max;   /* octets of the longest user name that fits its command (RFC 2449, 4); 0 =
                           65,535 */
    uint8_t secret_max; /* the same for the password */
    uint8_t reads;      /* 1: a step reads the secret; else the session does, to send it */
    uint8_t token;      /* 1: its secret is the token */
    uint8_t no_secret;  /* 1: it has none */
    uint8_t together;   /* 1: its two commands may leave together */
    uint8_t initial;    /* SASL: 1: the first response may be sent with AUTH */
    uint8_t responses;  /* SASL: how many there are, if the server takes each */
    popcl_err refused;  /* the meaning of -ERR, if no response code gives one */
    popcl_err unusable; /* why it cannot be used with this server */
    /* of SCRAM, which cannot use every user name and password (saslprep.h); NULL = another one */
    const struct br_hash_class_ *hash;
    /* Makes the session's nonce from the seed, at start. NULL = the mechanism needs no seed.
     * Returns POPCL_OK or ERR_SEED. */
    popcl_err (*nonce)(unsigned char nonce[POPCL_NONCE_LEN], const popcl_seed *seed);
    /* Takes octets of the greeting, as they stream, from its beginning to its end. NULL = none. */
    void (*greeting)(void *scratch, const unsigned char *p, size_t n);
    /* Returns whether it can be used after that greeting and with these capabilities. NULL =
     * always. */
    int (*usable)(const popcl_login *l);
    /* Writes the command of step 0, 1, ... to *c. Its pointers lead into login or scratch. A secret
     * of its own with a get passes on the last call of get to the login's secret, if it called that
     * one (sasl.c). Returns
     * POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT, ERR_CREDENTIAL_OCTET or ERR_PASSWORD_FORM. POPCL_MORE:
     * the step is called again in the next tick, because it has more to compute. */
    popcl_err (*step)(const popcl_login *l, unsigned step, popcl_command *c);
    /* Takes octets of a challenge, as they stream, before `answered` is called. NULL = none. */
    void (*challenge)(void *scratch, unsigned step, const unsigned char *p, size_t n);
    /* Returns the meaning of the reply to that step. -ERR: the error, if no response code gives
     * another one. +OK or a challenge: POPCL_OK if the login is complete, which only +OK to a
     * command that logs in can mean. POPCL_MORE: the next step follows, after a challenge or after
     * +OK to an AUTH without initial response. Any other error: the server
     * is not believed. A challenge is then answered by a cancel, and +OK ends the session. NULL =
     * after +OK the next step follows, until a command logs in. */
    popcl_err (*answered)(const popcl_login *l, unsigned step, const popcl_reply *r);
    /* SASL: prepares response `number`, 0 to responses - 1, in the popcl_sasl that scratch begins
     * with. Returns as step. */
    popcl_err (*respond)(const popcl_login *l, unsigned number);
};

/* Returns the secret that a mechanism takes: the password or the token. */
static inline const popcl_secret *popcl_mech_secret(const popcl_mech *m,
                                                    const popcl_fetch_config *cfg) {
    return m->token ? &cfg->token : &cfg->secret;
}

static inline const popcl_secret *popcl_login_secret(const popcl_login *l) {
    return popcl_mech_secret(l->job->mech, l->job->cfg);
}

static inline const char *popcl_login_user(const popcl_login *l) {
    return l->job->cfg->session.user;
}

/* Returns the answer to the newest CAPA before the login; NULL = none was answered. */
static inline const popcl_caps *popcl_login_caps(const popcl_login *l) {
    return l->job->has_caps ? &l->job->session.caps : NULL;
}

/* The mechanisms of a job without popcl_fetch_config.mechs, ended by NULL. */
extern const popcl_mech *const popcl_mechs_default[];

static inline const popcl_mech *const *popcl_mechs_of(const popcl_fetch_config *cfg) {
    return cfg->mechs ? cfg->mechs : popcl_mechs_default;
}

/* Bytes of the plan for a login with this many bytes of scratch. Before the scratch is the
 * popcl_refusal, and before that the padding that aligns both. */
#define POPCL_LOGIN_ROOM(scratch) (7u + sizeof(popcl_refusal) + (scratch))

#endif
