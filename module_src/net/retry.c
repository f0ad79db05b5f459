/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/retry.h"

#include <jansson.h>
#include <string.h>

#include "base/stop.h"

#define POLL_FIRST_MS 200
#define POLL_LONGEST_MS 2000
/* Where a 429 does not say how long. */
#define LIMIT_DEFAULT_MS 1000

/* Specification: client-server API, "Rate limiting". */
static const char limit_exceeded[] = "M_LIMIT_EXCEEDED";

void
retry_init(struct retry *retry, long long wait_timeout_ms, long long retry_timeout_ms)
{
    retry->start_budget_ms = wait_timeout_ms;
    retry->limit_budget_ms = retry_timeout_ms;
}

bool
retry_is_rate_limit(const struct http_reply *reply, long long *wait_ms)
{
    json_t *body;
    const char *errcode;
    json_t *told;
    bool is_limit;

    if (reply->status != 429)
        return false;
    body = json_loadb(reply->body, reply->length, 0, NULL);
    errcode = json_string_value(json_object_get(body, "errcode"));
    told = json_object_get(body, "retry_after_ms");
    /* Synapse answers 429 M_UNKNOWN when a module refuses a registration. */
    is_limit = errcode == NULL || strcmp(errcode, limit_exceeded) == 0;
    *wait_ms = 0;
    if (json_is_integer(told) && json_integer_value(told) > 0)
        *wait_ms = json_integer_value(told);
    else if (reply->retry_after_ms > 0)
        *wait_ms = reply->retry_after_ms;
    json_decref(body);
    return is_limit;
}

static int
interrupted(struct error *error)
{
    return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
        stop_signal_name(stop_signal()));
}

long long
retry_seconds(long long wait_ms)
{
    return wait_ms / 1000 + (wait_ms % 1000 > 0);
}

int
retry_wait(struct retry *retry, const char *origin, long long wait_ms, struct error *error)
{
    long long wait = wait_ms > 0 ? wait_ms : LIMIT_DEFAULT_MS;

    if (wait > retry->limit_budget_ms) {
        error->status = 429;
        error->retry_after_ms = wait;
        memcpy(error->errcode, limit_exceeded, sizeof(limit_exceeded));
        return error_set(error, ERROR_RATE_LIMITED,
            "%s limits how often this may be asked and says to wait %lld s, which is more "
            "than is left of retry_timeout; wait that long, raise retry_timeout, or raise "
            "the server's limit",
            origin, retry_seconds(wait));
    }
    retry->limit_budget_ms -= wait;
    return stop_sleep_ms(wait) == 0 ? 0 : interrupted(error);
}

/* A proxy answers for a homeserver that does not; the homeserver's own 503
 * has an errcode. */
static bool
is_proxy_failure(const struct http_reply *reply)
{
    json_t *body;
    bool own_answer;

    if (reply->status != 502 && reply->status != 503 && reply->status != 504)
        return false;
    body = json_loadb(reply->body, reply->length, 0, NULL);
    own_answer = json_is_string(json_object_get(body, "errcode"));
    json_decref(body);
    return !own_answer;
}

/*
 * Sleeps before the next look at a starting server. False when the budget is
 * used up or the program is asked to stop.
 */
static bool
wait_for_start(struct retry *retry, long long *pause_ms)
{
    long long pause =
        *pause_ms < retry->start_budget_ms ? *pause_ms : retry->start_budget_ms;
    long long before = stop_clock_ms();

    if (pause <= 0 || stop_sleep_ms(pause) != 0)
        return false;
    retry->start_budget_ms -= stop_clock_ms() - before;
    *pause_ms = *pause_ms * 2 > POLL_LONGEST_MS ? POLL_LONGEST_MS : *pause_ms * 2;
    return true;
}

static int
not_ready(struct http *http, const struct http_reply *reply, struct error *error)
{
    error->status = reply->status;
    return error_set(error, ERROR_NOT_READY,
        "%s answers %ld: the homeserver behind it is not up, or not yet; look at its log, "
        "or give it time with wait_timeout",
        http_origin(http), reply->status);
}

/* A changing request that a proxy answered for may have arrived behind it. */
static bool
may_have_arrived(const struct http_request *request)
{
    return strcmp(request->method, "GET") != 0;
}

/* Whether a failure of the exchange itself is one that waiting may cure. */
static bool
may_send_again(const struct error *failure, enum retry_class class)
{
    return failure->kind == ERROR_UNREACHABLE &&
           (class == RETRY_SAFE || !failure->maybe_done);
}

/* The wait for a server may have ended because of a signal. */
static int
give_up(struct error *error)
{
    bool maybe_done = error->maybe_done;

    if (stop_signal() == 0)
        return -1;
    error_clear(error);
    error->maybe_done = maybe_done;
    return interrupted(error);
}

int
retry_exchange(struct retry *retry, struct http *http, const struct http_request *request,
    enum retry_class class, bool report_429, struct http_reply *reply, struct error *error)
{
    long long pause_ms = POLL_FIRST_MS;
    long long wait_ms;

    for (;;) {
        struct error failure = {0};
        long long before = stop_clock_ms();

        if (http_exchange(http, request, reply, &failure) != 0) {
            retry->start_budget_ms -= stop_clock_ms() - before;
            if (!may_send_again(&failure, class) || !wait_for_start(retry, &pause_ms)) {
                *error = failure;
                return give_up(error);
            }
        } else if (is_proxy_failure(reply)) {
            retry->start_budget_ms -= stop_clock_ms() - before;
            if (class != RETRY_SAFE || !wait_for_start(retry, &pause_ms)) {
                not_ready(http, reply, &failure);
                failure.maybe_done = may_have_arrived(request);
                *error = failure;
                return give_up(error);
            }
        } else if (!report_429 && retry_is_rate_limit(reply, &wait_ms)) {
            if (retry_wait(retry, http_origin(http), wait_ms, error) != 0)
                return -1;
        } else {
            return 0;
        }
        http_reply_free(reply);
    }
}
