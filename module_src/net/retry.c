/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/retry.h"

#include <jansson.h>
#include <stdio.h>
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
    *retry = (struct retry){
        .start_budget_ms = wait_timeout_ms,
        .limit_budget_ms = retry_timeout_ms,
        .may_wait = wait_timeout_ms > 0,
    };
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

/* Conduit's, which stays so (conduit 0.10.12: src/api/server_server.rs). */
static bool
is_refusal_of_federation(const struct http_reply *reply)
{
    return reply->body != NULL && strstr(reply->body, "Federation is disabled.") != NULL;
}

/* The same request again gets another answer when the database is back; one
 * that changes something may have been done. */
static bool
is_breakdown_of_reading(const struct http_request *request, const struct http_reply *reply)
{
    return reply->status == 500 && strcmp(request->method, "GET") == 0 &&
           !is_refusal_of_federation(reply);
}

/*
 * Sleeps before the next look at a server, what was tried since then being a
 * part of the wait. False when the budget is used up or the program is asked to
 * stop.
 */
static bool
wait_for_start(struct retry *retry, long long since_ms, long long pause_ms)
{
    long long tried_ms = stop_clock_ms() - since_ms;
    long long waited_ms;

    if (pause_ms > retry->start_budget_ms - tried_ms)
        pause_ms = retry->start_budget_ms - tried_ms;
    if (pause_ms <= 0 || stop_sleep_ms(pause_ms) != 0) {
        retry->start_budget_ms -= tried_ms;
        return false;
    }
    waited_ms = stop_clock_ms() - since_ms;
    retry->start_budget_ms -= waited_ms;
    retry->waited_ms += waited_ms;
    return true;
}

bool
retry_pause(struct retry *retry, long long duration_ms)
{
    return wait_for_start(retry, stop_clock_ms(), duration_ms);
}

void
retry_tell_wait(char text[RETRY_WAIT_SIZE], long long waited_ms)
{
    long long seconds = (waited_ms + 500) / 1000;

    text[0] = '\0';
    if (waited_ms > 0)
        snprintf(text, RETRY_WAIT_SIZE, "; this task has waited %lld s for the server",
            seconds == 0 ? 1 : seconds);
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

/* How the texts end: how long was waited, or that nothing was. */
static void
tell_wait(const struct retry *retry, char text[RETRY_WAIT_SIZE])
{
    retry_tell_wait(text, retry->waited_ms);
    if (!retry->may_wait)
        snprintf(text, RETRY_WAIT_SIZE, "; if it is only starting, set wait_timeout (seconds)");
}

static void
tell_not_ready(const struct retry *retry, const struct http *http,
    const struct http_reply *reply, struct error *error)
{
    char wait[RETRY_WAIT_SIZE];

    tell_wait(retry, wait);
    error->status = reply->status;
    error_set(error, ERROR_NOT_READY,
        "%s answers %ld in the homeserver's place: a reverse proxy is up, and the homeserver "
        "behind it is not, or not yet; look what has become of its systemd unit "
        "(systemctl status) and into its log (journalctl -u)%s",
        http_origin(http), reply->status, wait);
}

static void
tell_unreachable(const struct retry *retry, const struct http_reply *reply,
    const struct error *failure, struct error *error)
{
    char wait[RETRY_WAIT_SIZE];

    error->maybe_done = failure->maybe_done;
    if (reply->refused) {
        tell_wait(retry, wait);
        error_set(error, ERROR_UNREACHABLE,
            "%s; nothing listens there: the homeserver is not running, or still starting "
            "(systemctl status of its unit), or this is not its address as seen from this "
            "host%s",
            failure->text, wait);
    } else {
        retry_tell_wait(wait, retry->waited_ms);
        error_set(error, ERROR_UNREACHABLE, "%s%s", failure->text, wait);
    }
}

/* What an exchange was that is not tried again. 0: its reply is the answer. */
static int
give_up(const struct retry *retry, const struct http *http,
    const struct http_request *request, const struct http_reply *reply,
    const struct error *failure, struct error *error)
{
    bool of_proxy = failure->kind == ERROR_NONE && is_proxy_failure(reply);
    bool maybe_done = of_proxy ? may_have_arrived(request) : failure->maybe_done;

    /* The wait may have ended because of it. */
    if (stop_signal() != 0) {
        interrupted(error);
        error->maybe_done = maybe_done;
        return -1;
    }
    if (failure->kind == ERROR_UNREACHABLE)
        tell_unreachable(retry, reply, failure, error);
    else if (failure->kind != ERROR_NONE)
        *error = *failure;
    else if (of_proxy)
        tell_not_ready(retry, http, reply, error);
    else
        return 0;
    error->maybe_done = maybe_done;
    return -1;
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
        bool curable;

        if (http_exchange(http, request, reply, &failure) != 0) {
            curable = may_send_again(&failure, class);
        } else if (is_proxy_failure(reply)) {
            curable = class == RETRY_SAFE;
        } else if (is_breakdown_of_reading(request, reply)) {
            curable = true;
        } else if (!report_429 && retry_is_rate_limit(reply, &wait_ms)) {
            if (retry_wait(retry, http_origin(http), wait_ms, error) != 0)
                return -1;
            http_reply_free(reply);
            continue;
        } else {
            return 0;
        }
        if (!curable || !wait_for_start(retry, before, pause_ms))
            return give_up(retry, http, request, reply, &failure, error);
        pause_ms = pause_ms * 2 > POLL_LONGEST_MS ? POLL_LONGEST_MS : pause_ms * 2;
        http_reply_free(reply);
    }
}
