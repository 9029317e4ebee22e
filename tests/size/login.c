/* SPDX-License-Identifier: MIT */
/* login - counts on a Cortex-M in QEMU what a login by SASL takes of the client. Each mechanism
 * makes all its responses to the challenges of a server. The server side of SCRAM is not here, so
 * that login ends with the client's proof. The clock and the paint are those of count.c. Prints
 * figures, a name and its numbers a line, and exits 0 if each mechanism came as far as it should.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../src/auth/scram.h"

#define TIMER       ((volatile uint32_t *)0x40000000) /* CTRL, VALUE, RELOAD; counts down */
#define STACK_WORDS 2048u
#define PAINT       0x5ac35ac3u

static struct {
    uint32_t began, total, longest, stack;
    volatile uint32_t *floor;
} meter;

#ifdef __arm__
static inline uint32_t *stack_pointer(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}
#else /* here it is compiled, and never run */
static inline uint32_t *stack_pointer(void) { return NULL; }
#endif

/* `-icount shift=6`: 1.6 ticks of the timer an instruction */
static uint32_t instructions(uint32_t ticks) { return (uint32_t)((uint64_t)ticks * 5 / 8); }

static void count_from_here(uint32_t *sp) {
    meter.floor = sp - STACK_WORDS;
    for (uint32_t i = 0; i < STACK_WORDS - 16; i++)
        meter.floor[i] = PAINT;
    meter.began = ~TIMER[1];
}

static void count_to_here(void) {
    uint32_t n = ~TIMER[1] - meter.began, i = 0;
    meter.total += n;
    if (n > meter.longest) meter.longest = n;
    while (meter.floor[i] == PAINT)
        i++;
    if ((STACK_WORDS - i) * 4 > meter.stack) meter.stack = (STACK_WORDS - i) * 4;
}

#define COUNTED(expression) (count_from_here(stack_pointer()), (expression), count_to_here())

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
    TIMER[2] = TIMER[1] = 0xffffffffu;
    TIMER[0] = 1;
    for (const popcl_mech *const *m = popcl_mechs_all; *m; m++) {
        unsigned n = 0;
        if (!(*m)->sasl) continue;
        while (!((*m)->sasl >> n & 1))
            n++;
        failed |= log_in(*m);
        printf("%s %u %lu %lu %lu\n", popcl_sasl_name(n), (unsigned)(*m)->plan_min,
               (unsigned long)instructions(meter.total), (unsigned long)instructions(meter.longest),
               (unsigned long)meter.stack);
    }
    return failed;
}
