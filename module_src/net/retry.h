/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trying again: which answers are worth another try, how long to wait before
 * it, and when to give up. One struct retry is shared by a whole task, so
 * that its budgets are the task's.
 */
#ifndef REGISTRAR_NET_RETRY_H
#define REGISTRAR_NET_RETRY_H

#include <stdbool.h>

#include "base/error.h"
#include "net/http.h"

struct retry {
    long long start_budget_ms; /* left for a server that is not up, or not well */
    long long limit_budget_ms; /* left for waits that 429 asks for */
    long long waited_ms;       /* of the start budget, what was slept through */
    bool may_wait;             /* there was a start budget at all */
};

/* wait_timeout and retry_timeout of a task, in milliseconds. */
void retry_init(struct retry *retry, long long wait_timeout_ms, long long retry_timeout_ms);

/* How a request bears being sent twice. */
enum retry_class {
    RETRY_SAFE,   /* reading: after any failure */
    RETRY_UNSENT, /* changing: only when it cannot have arrived */
};

/*
 * http_exchange, repeated while it makes sense: a server that does not listen
 * yet, or whose proxy answers 502, 503 or 504 for it, or that breaks down over
 * a GET with 500, as Synapse does while its database is away (all within the
 * start budget); and one that asks to slow down with 429 (within the limit
 * budget; its M_LIMIT_EXCEEDED's retry_after_ms counts before its Retry-After).
 * report_429 leaves the 429 to the caller at once. A 429 that is not a rate
 * limit (any other errcode), and a 500 that stays, are answers like any other; so is
 * at once the one with which Conduit says that federation is switched off.
 *
 * The start budget bounds all of a task's waits together: what it exceeds
 * wait_timeout by is the one request that was under way when it ran out.
 *
 * Errors: those of http_exchange, rate_limited (with retry_after_ms),
 * not_ready, interrupted. The texts of unreachable and not_ready say how long
 * was waited.
 */
int retry_exchange(struct retry *retry, struct http *http,
    const struct http_request *request, enum retry_class class, bool report_429,
    struct http_reply *reply, struct error *error);

/*
 * Sleeps once for what a restart of the server may mend: duration_ms, or what
 * is left of the start budget, from which it is taken. False when nothing was
 * left, or the program is asked to stop.
 */
bool retry_pause(struct retry *retry, long long duration_ms);

/* What retry_tell_wait writes has room in this many bytes. */
#define RETRY_WAIT_SIZE 80

/*
 * How long a task has waited (struct retry), for the end of a message:
 * "; this task has waited 15 s for the server", or "" when it has not.
 */
void retry_tell_wait(char text[RETRY_WAIT_SIZE], long long waited_ms);

/*
 * True when a reply is the server's request to slow down; *wait_ms is how
 * long, 0 when it does not say.
 */
bool retry_is_rate_limit(const struct http_reply *reply, long long *wait_ms);

/* Whole seconds of a wait, rounded up, for messages. */
long long retry_seconds(long long wait_ms);

/*
 * Waits because of a 429 that the caller kept. -1: rate_limited (429
 * M_LIMIT_EXCEEDED) when the budget does not allow it, interrupted.
 */
int retry_wait(struct retry *retry, const char *origin, long long wait_ms,
    struct error *error);

#endif
