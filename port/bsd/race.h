/* race.h - connects to one of several addresses, as RFC 8305 asks: families take turns, an address
 * that does not answer at once is joined by the next one, and the first connection that stands is
 * used. Functions, not declarations; connect.h says what it wants, and besides:
 *
 *     POP_ADDRESSES_MAX         of a pop_resolved
 *     pop_poll_all(p, n, ms)    poll for n descriptors
 *
 *     start the next address -> wait -> one stands: the others are closed
 *                                    -> one failed, or the step's time passed: start the next
 * address
 *                                    -> none is left; the deadline; the stop flag */
#ifndef POPCL_BSD_RACE_H
#define POPCL_BSD_RACE_H

#include "connect.h"

#define STEP_MS 250u /* RFC 8305, 5: the recommended Connection Attempt Delay */

typedef struct race {
    pop_net *net;
    const pop_address *order[POP_ADDRESSES_MAX]; /* to be tried, in this order */
    const pop_address *of[POP_ADDRESSES_MAX];    /* whom each running attempt is for */
    struct pollfd running[POP_ADDRESSES_MAX];
    unsigned count, next, runs;
    uint32_t step_ms; /* between two addresses */
    pop_deadline step;
    popcl_err result;
} race;

/* RFC 8305, 4: the resolver's order, but the families alternate. */
static void sort_addresses(race *r, const pop_resolved *found) {
    unsigned same = 0, other = 0;
    for (int take_other = 0; r->count < found->count; take_other = !take_other) {
        unsigned *i = take_other ? &other : &same;
        while (*i < found->count &&
               (found->address[*i].any.sa_family == found->address[0].any.sa_family) == take_other)
            ++*i;
        if (*i < found->count) r->order[r->count++] = &found->address[(*i)++];
    }
}

static void race_failed(race *r, int error) {
    popcl_err e = connect_failed(r->net, error);
    if (e != POPCL_ERR_CONNECT) r->result = e;
    r->step.limit_ms = 0; /* RFC 8305, 5: the next one at once */
}

static void remove_attempt(race *r, unsigned i) {
    r->runs--;
    r->running[i] = r->running[r->runs];
    r->of[i] = r->of[r->runs];
}

static popcl_err race_won(race *r, int fd, const pop_address *address) {
    for (unsigned i = 0; i < r->runs; i++)
        if (r->running[i].fd != fd) POP_CALL(close)(r->running[i].fd);
    r->runs = 0;
    return connect_succeeded(r->net, fd, address);
}

/* Starts the next address. Returns 1 where it stands at once, 0, or -1 where this machine is short
 * of something and nothing runs that could free it. */
static int race_next(race *r) {
    const pop_address *address = r->order[r->next++];
    int error, fd = begin_connect(address, &error);
    r->step = pop_deadline_in(r->step_ms);
    if (fd >= 0 && error == 0) {
        (void)race_won(r, fd, address);
        return 1;
    }
    if (fd >= 0) {
        r->of[r->runs] = address;
        r->running[r->runs].fd = fd;
        r->running[r->runs++].events = POLLOUT;
        return 0;
    }
    if (!pop_is_shortage(error)) {
        race_failed(r, error);
        return 0;
    }
    if (r->runs) {
        r->next--; /* again when another has failed, or after a while */
        r->step = pop_deadline_in(STEP_MS);
        return 0;
    }
    r->result = connect_failed(r->net, error);
    return -1;
}

/* Looks at the attempts that poll told of. Returns 1 where one stands. */
static int race_look(race *r) {
    for (unsigned i = 0; i < r->runs;) {
        int fd = r->running[i].fd;
        int error = r->running[i].revents ? end_of_connect(fd) : EINPROGRESS;
        if (error == 0) {
            (void)race_won(r, fd, r->of[i]);
            return 1;
        }
        i += error == EINPROGRESS;
        if (error == EINPROGRESS) continue;
        POP_CALL(close)(fd);
        remove_attempt(r, i);
        race_failed(r, error);
    }
    return 0;
}

static popcl_err race_lost(race *r, popcl_err why) {
    for (unsigned i = 0; i < r->runs; i++)
        POP_CALL(close)(r->running[i].fd);
    return why;
}

static popcl_err connect_any(pop_net *n, const pop_resolved *found, const pop_deadline *deadline) {
    race r = {.net = n, .result = POPCL_ERR_CONNECT};
    sort_addresses(&r, found);
    /* All have begun when half of the time is over: the last one needs time for an answer too. */
    r.step_ms = pop_deadline_left(deadline) / (2 * r.count + 1);
    if (r.step_ms > STEP_MS) r.step_ms = STEP_MS;
    while (r.next < r.count || r.runs) {
        uint32_t left = pop_deadline_left(deadline);
        if (n->stop && *n->stop) return race_lost(&r, POPCL_ERR_STOPPED);
        if (r.next < r.count && (r.runs == 0 || pop_deadline_left(&r.step) == 0)) {
            int started = race_next(&r);
            if (started) return started > 0 ? POPCL_OK : r.result;
            continue;
        }
        uint32_t nap = r.next < r.count ? pop_deadline_left(&r.step) : POP_POLL_SLICE_MS;
        int ready = pop_poll_all(r.running, r.runs, (int)(left < nap ? left : nap));
        if (ready > 0 && race_look(&r)) return POPCL_OK;
        if (ready < 0 && errno != EINTR && errno != EAGAIN) {
            keep_error(n, errno);
            return race_lost(&r, POPCL_ERR_NET);
        }
        if (left == 0) break;
    }
    if (r.runs) race_failed(&r, ETIMEDOUT);
    return race_lost(&r, all_failed(n, r.result));
}

#endif
