/* SPDX-License-Identifier: MIT */
/* drive - see drive.h. */
#include "drive.h"

#include <stdio.h>
#include <string.h>

#define TOTAL_MS   40000u /* of which the last 10 s are the reserve */
#define ASKS_TIMES 3

static int has_a_body(const drive *d) { return d->h.count[IN_BODY] || d->h.count[IN_DATA]; }

/* A sequence: two messages, and QUIT; only QUIT once an end is wanted. */
static void next_command(drive *d) {
    static const popcl_verb verbs[] = {POPCL_USER, POPCL_PASS, POPCL_STAT,
                                       POPCL_RETR, POPCL_RETR, POPCL_QUIT};
    enum { LAST = sizeof verbs / sizeof *verbs - 1 };
    if (popcl_in_flight(d->h.s) || d->step > LAST) return;
    if (d->ends) d->step = LAST;
    popcl_verb verb = verbs[d->step];
    uint32_t number = verb == POPCL_RETR ? d->step - 2 : 0;
    if (hand_submit(&d->h, verb, number, d->step + 1) == POPCL_OK) d->step++;
}

static void inside(hand *h, enum place place) {
    drive *d = (drive *)h; /* its first member */
    if (place == IN_READY) next_command(d);
    if (place == IN_LATE || place == IN_STOP) {
        d->ends = 1;
        h->times[IN_BODY] = 0;
    }
    if (place == IN_COMMIT) {
        int again = d->what == DRIVE_PAUSES && h->count[IN_COMMIT] <= ASKS_TIMES;
        h->answer[IN_COMMIT] = again ? POPCL_AGAIN : POPCL_STAGED;
    }
}

static void answer(drive *d, enum place place, int with, unsigned times) {
    d->h.answer[place] = with;
    d->h.times[place] = times;
}

void drive_init(drive *d, enum drive_what what, int job, unsigned window, sim_server *server) {
    memset(d, 0, sizeof *d);
    d->what = what;
    d->job = job;
    d->server = server;
    for (size_t i = 0; i < sizeof d->message - 1; i++)
        d->message[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : (char)('a' + i % 23);
    server->count = 0;
    sim_server_add(server, "a", d->message);
    sim_server_add(server, "b", d->message);
    server->cut_octet = what >= DRIVE_CLOSED ? 30000 : 0; /* inside the second message */
    hand_init(&d->h, window);
    d->h.hold = d->h.quiet = 1;
    d->h.inside = inside;
    d->h.cfg.session.total_ms = TOTAL_MS;
    d->h.cfg.session.idle_ms = d->h.cfg.session.pause_ms = TOTAL_MS;
    d->h.actions = POPCL_FETCH | POPCL_DELETE;
    answer(d, IN_COMMIT, POPCL_STAGED, 1000);
    answer(d, IN_LATE, 1, 1000);
    answer(d, IN_STOP, 1, 1000);
    if (what == DRIVE_PAUSES) {
        answer(d, IN_DONE, POPCL_PAUSED_SINK, ASKS_TIMES);
        answer(d, IN_READY, POPCL_PAUSED_SECRET, ASKS_TIMES);
        answer(d, IN_BODY, 0, ASKS_TIMES);
        answer(d, IN_DATA, 0, ASKS_TIMES);
        if (job) answer(d, IN_GET, POPCL_SECRET_AGAIN, ASKS_TIMES);
    }
    if (what == DRIVE_LATE_IN_PAUSE) {
        answer(d, IN_BODY, 0, UINT32_MAX);
        answer(d, IN_DATA, 0, UINT32_MAX);
    }
    if (what == DRIVE_PAUSES || what >= DRIVE_CLOSED) {
        unsigned times = what >= DRIVE_CLOSED_LAST ? UINT32_MAX : ASKS_TIMES;
        answer(d, IN_CLOSED, POPCL_PAUSED_SYNC, times);
        answer(d, IN_SYNC, POPCL_AGAIN, times);
    }
    hand_start(&d->h, job);
}

int drive_wants_stop(drive *d) {
    int now = d->what == DRIVE_STOP && has_a_body(d) && !d->asked;
    if (now) d->asked = 1;
    return now;
}

uint32_t drive_skips_ms(drive *d) {
    int now = d->what == DRIVE_LATE && has_a_body(d) && !d->asked;
    if (now) d->asked = 1;
    return now ? TOTAL_MS * 3 / 4 : 0;
}

/* ---- what must have come of it ---- */

static popcl_err wanted(const drive *d) {
    if (d->what == DRIVE_NO_CONNECTION) return POPCL_ERR_CONNECT;
    if (d->what >= DRIVE_CLOSED) return POPCL_ERR_CLOSED_MESSAGE;
    if (d->job && d->what == DRIVE_STOP) return POPCL_ERR_STOPPED;
    if (d->job && (d->what == DRIVE_LATE || d->what == DRIVE_LATE_IN_PAUSE))
        return POPCL_ERR_TIMEOUT_TOTAL;
    return POPCL_OK;
}

static const char *odd_sequence(const drive *d) {
    const hand *h = &d->h;
    int ended = d->what >= DRIVE_STOP && d->what <= DRIVE_LATE_IN_PAUSE;
    if (d->what == DRIVE_NO_CONNECTION && h->count[IN_CLOSED] != 1) return "closed comes not once";
    unsigned closed = d->what == DRIVE_PAUSES || d->what == DRIVE_CLOSED ? ASKS_TIMES + 1 : 1;
    if (d->what >= DRIVE_CLOSED_LAST)
        return h->last_end != POPCL_END_LAST ? "closed has no last word" : NULL;
    if (h->count[IN_CLOSED] != closed) return "closed comes not so often as it asked";
    if (h->last_end != POPCL_END_ASKS) return "closed was not waited for";
    if (d->what == DRIVE_CLOSED) return NULL;
    if (!strstr(h->seen, "done 4 OK\n")) return "the first message is not whole";
    if ((strstr(h->seen, "done 5 OK\n") == NULL) != ended) return "the second message";
    if (!strstr(h->seen, "done 6 OK\n")) return "QUIT is not answered";
    if ((d->what == DRIVE_STOP) != (h->count[IN_STOP] == 1)) return "the event of a stop";
    if ((d->what == DRIVE_LATE || d->what == DRIVE_LATE_IN_PAUSE) != (h->count[IN_LATE] > 0))
        return "the event of the reserve";
    return NULL;
}

static const char *odd_job(const drive *d) {
    const hand *h = &d->h;
    int whole = d->what <= DRIVE_PAUSES;
    if (h->count[IN_BEGIN] > 2) return "more messages than there are";
    if (d->what == DRIVE_NO_CONNECTION) return h->seen[0] ? "something is told" : NULL;
    if (d->what == DRIVE_CLOSED_LAST)
        return strstr(h->seen, "1 NOT_STORED ERR_SYNC\n") ? NULL : "what is staged has no end";
    if (d->what == DRIVE_CLOSED && h->count[IN_SYNC] != ASKS_TIMES + 1)
        return "sync comes not so often as it asked";
    int first = whole || d->what == DRIVE_CLOSED;
    if ((strstr(h->seen, "1 STORED\n") != NULL) != first) return "the first message";
    if (whole && !strstr(h->seen, "all DELETED\n")) return "the deletions";
    if (d->what != DRIVE_CLOSED && !d->server->quit_seen) return "QUIT is not sent";
    return NULL;
}

const char *drive_end(drive *d, uint32_t took_ms) {
    popcl_err result = popcl_result(d->h.s);
    const char *odd = d->job ? odd_job(d) : odd_sequence(d);
    if (popcl_state(d->h.s) != POPCL_DONE) odd = "the driver ends before its session";
    if (result != wanted(d)) odd = popcl_err_name(result);
    if (took_ms > TOTAL_MS + POPCL_SETTLE_MS) odd = "it takes too long";
    if (d->what == DRIVE_LATE_IN_PAUSE && took_ms < TOTAL_MS * 3 / 4) odd = "it is not paused";
    if (d->what == DRIVE_CLOSED_LAST && took_ms < POPCL_SETTLE_MS) odd = "closed has no time";
    hand_end(&d->h);
    d->server->cut_octet = 0;
    return odd;
}
