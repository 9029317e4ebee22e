/* SPDX-License-Identifier: MIT */
/* login - counts on a core in QEMU what a login by SASL takes of the client. Each mechanism
 * makes all its responses to the challenges of a server. The server side of SCRAM is not here, so
 * that login ends with the client's proof. Prints figures, a name and its numbers a line, and exits
 * 0 if each mechanism came as far as it should. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../src/auth/scram.h"
#include "core.h"

#define STACK_WORDS 2048u

static struct {
    uint32_t began, total, longest, stack;
    volatile uint32_t *floor;
} meter;

static void count_from_here(uint32_t *sp) {
    meter.floor = core_paint(sp, STACK_WORDS);
    meter.began = core_now();
}

static void count_to_here(void) {
    uint32_t n = core_now() - meter.began, octets = core_used(meter.floor, STACK_WORDS);
    meter.total += n;
    if (n > meter.longest) meter.longest = n;
    if (octets > meter.stack) meter.stack = octets;
}

#define COUNTED(expression) (count_from_here(core_stack_pointer()), (expression), count_to_here())

static const unsigned char nonce[POPCL_NONCE_LEN] = "eighteen octets..";
static uint64_t scratch[POPCL_PLAN_MIN_SCRAM_PLUS / 8];
static popcl_fetch job;

/* The text of the response, as the session pulls it. */
static void pull(const popcl_secret *s) {
    char text[64];
    size_t off = 0;
    int got;
    if (!s) return;
    do {
        COUNTED(got = s->get(s->ctx, off, text, sizeof text));
        off += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    s->get(s->ctx, 0, NULL, 0);
}

/* Returns 0 if the mechanism made all its responses; SCRAM: its proof. */
static int log_in(const popcl_mech *m) {
    static char challenge[200];
    popcl_fetch_config cfg;
    popcl_reply reply;
    memset(&cfg, 0, sizeof cfg);
    memset(&job, 0, sizeof job);
    memset(&reply, 0, sizeof reply);
    memset(scratch, 0, sizeof scratch);
    memset(&meter, 0, sizeof meter);
    cfg.session.user = "user";
    cfg.secret.octets = cfg.token.octets = "a secret password";
    job.cfg = &cfg;
    job.mech = m;
    job.has_caps = 1;
    job.session.caps.sasl = m->sasl;
    memcpy(job.nonce, nonce, sizeof job.nonce);
    popcl_login l = {.job = &job, .scratch = scratch};
    char first[128] = "r=";
    size_t n = 2 + popcl_scram_base64(first + 2, nonce, sizeof nonce);
    strcpy(first + n, "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
    n = popcl_scram_base64(challenge, first, strlen(first));
    reply.status = POPCL_STATUS_CHALLENGE;
    unsigned responses = m->hash ? 2 : m->responses, made = 0;
    for (unsigned step = 0; made < responses; step++) {
        popcl_command c = {.verb = POPCL_VERBS};
        popcl_err e;
        do
            COUNTED(e = m->step(&l, step, &c));
        while (e == POPCL_MORE);
        if (e) return 1;
        pull(c.secret);
        made += c.secret != NULL;
        if (made == responses) break;
        if (m->challenge) COUNTED(m->challenge(scratch, step, (const unsigned char *)challenge, n));
        COUNTED(e = m->answered(&l, step, &reply));
        if (e != POPCL_MORE) return 1;
    }
    return 0;
}

int main(void) {
    int failed = 0;
    core_be_strict();
    core_start_clock();
    for (const popcl_mech *const *m = popcl_mechs_all; *m; m++) {
        unsigned n = 0;
        if (!(*m)->sasl) continue;
        while (!((*m)->sasl >> n & 1))
            n++;
        failed |= log_in(*m);
        printf("%s %u %lu %lu %lu\n", popcl_sasl_name(n), (unsigned)(*m)->plan_min,
               (unsigned long)core_instructions(meter.total),
               (unsigned long)core_instructions(meter.longest), (unsigned long)meter.stack);
    }
    return failed;
}
