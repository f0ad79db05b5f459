/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/retry.h, and Retry-After of net/http.h. */
#include "support.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "net/http.h"
#include "net/retry.h"
#include "recorded_server.h"

/* RFC 9110, 5.6.7: its own example of a date, in its three forms. */
#define EXAMPLE_DATE ((time_t)784111777)

TEST(retry_after_is_seconds_or_a_date)
{
    static const struct {
        const char *value;
        long long wait_ms;
    } table[] = {
        {"0", 0},
        {"120", 120000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 60000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 60000},
        {"Sun Nov  6 08:49:37 1994", 60000},
        {"Sun, 06 Nov 1994 08:48:00 GMT", 0}, /* it has passed */
        {"", -1},
        {"-1", -1},
        {"soon", -1},
        {"120s", -1},
        {"99999999999999999999999", -1},
        {"9223372036854775807", -1},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        long long wait_ms = http_parse_retry_after(table[i].value, EXAMPLE_DATE - 60);

        if (wait_ms != table[i].wait_ms)
            fail_msg("\"%s\" means %lld ms, not %lld", table[i].value, wait_ms,
                table[i].wait_ms);
    }
}

static struct http_reply
reply_with(long status, const char *body)
{
    return (struct http_reply){
        .status = status,
        .body = (char *)(uintptr_t)body,
        .length = strlen(body),
        .retry_after_ms = -1,
    };
}

/* Specification: client-server API, "Rate limiting". */
TEST(the_servers_rate_limit_is_known_with_its_wait)
{
    struct http_reply reply =
        reply_with(429, "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 2500}");
    long long wait_ms = -7;

    assert_true(retry_is_rate_limit(&reply, &wait_ms));
    assert_int_equal(wait_ms, 2500);
    reply.retry_after_ms = 9000; /* the body counts before the header */
    assert_true(retry_is_rate_limit(&reply, &wait_ms));
    assert_int_equal(wait_ms, 2500);
}

TEST(a_proxys_rate_limit_has_the_header_alone)
{
    struct http_reply reply = reply_with(429, "<html>slow down</html>");
    long long wait_ms = -7;

    reply.retry_after_ms = 3000;
    assert_true(retry_is_rate_limit(&reply, &wait_ms));
    assert_int_equal(wait_ms, 3000);
}

TEST(a_rate_limit_that_says_no_time_says_zero)
{
    static const char *const bodies[] = {"", "{}", "{\"errcode\": \"M_LIMIT_EXCEEDED\"}",
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": -5}",
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": \"soon\"}",
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": null}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct http_reply reply = reply_with(429, bodies[i]);
        long long wait_ms = -7;

        assert_true(retry_is_rate_limit(&reply, &wait_ms));
        assert_int_equal(wait_ms, 0);
    }
}

/* Synapse 1.163.2, synapse/handlers/register.py: a spam checker's denial is
 * SynapseError(429, "Rate limited"), whose errcode is M_UNKNOWN. */
TEST(a_429_with_another_errcode_is_no_rate_limit)
{
    struct http_reply reply =
        reply_with(429, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Rate limited\"}");
    long long wait_ms;

    assert_false(retry_is_rate_limit(&reply, &wait_ms));
}

TEST(other_statuses_are_no_rate_limits)
{
    struct http_reply reply = reply_with(403, "{\"errcode\": \"M_LIMIT_EXCEEDED\"}");
    long long wait_ms;

    assert_false(retry_is_rate_limit(&reply, &wait_ms));
}

TEST(waits_are_taken_from_the_budget_of_the_task)
{
    struct retry retry;
    struct error error = {0};
    long long start = stop_clock_ms();

    retry_init(&retry, 5000, 100);
    assert_int_equal(retry_wait(&retry, "http://x", 30, &error), 0);
    assert_int_equal(retry_wait(&retry, "http://x", 30, &error), 0);
    assert_true(stop_clock_ms() - start >= 60);
    assert_int_equal(retry.limit_budget_ms, 40);
    assert_int_equal(retry.start_budget_ms, 5000);
    assert_int_equal(retry_wait(&retry, "http://x", 41, &error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_int_equal(error.status, 429);
    assert_int_equal(error.retry_after_ms, 41);
    assert_int_equal(retry.limit_budget_ms, 40);
    error_clear(&error);
    assert_int_equal(retry_wait(&retry, "http://x", 40, &error), 0);
}

TEST(a_wait_beyond_the_budget_is_refused_at_once_and_told)
{
    struct retry retry;
    struct error error = {0};
    long long start = stop_clock_ms();

    retry_init(&retry, 0, 60000);
    assert_int_equal(retry_wait(&retry, "http://h:1", 61000, &error), -1);
    assert_true(stop_clock_ms() - start < 30000);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_in("http://h:1", error.text);
    assert_in("61 s", error.text);
    assert_in("retry_timeout", error.text);
}

TEST(without_a_budget_no_wait_is_made)
{
    struct retry retry;
    struct error error = {0};

    retry_init(&retry, 0, 0);
    assert_int_equal(retry_wait(&retry, "http://h:1", 0, &error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_true(error.retry_after_ms > 0);
}

/* The status of the answer, -1 without one. */
static long
ask(const char *url, const char *method, enum retry_class class, long long start_budget_ms,
    struct error *error)
{
    const struct http_options options = {.url = url, .timeout_ms = 30000};
    struct http *http = http_open(&options, error);
    const struct http_request request = {.method = method, .path = "/"};
    struct http_reply reply = {0};
    struct retry retry;
    long status;

    assert_non_null(http);
    retry_init(&retry, start_budget_ms, 0);
    status = retry_exchange(&retry, http, &request, class, false, &reply, error) == 0
                 ? reply.status
                 : -1;
    http_reply_free(&reply);
    http_close(http);
    return status;
}

static long
exchange_by(const char *method, const struct recorded_reply *replies,
    enum retry_class class, long long start_budget_ms, unsigned *requests,
    struct error *error)
{
    struct recorded_server *server = recorded_server_start(replies);
    long status =
        ask(recorded_server_url(server), method, class, start_budget_ms, error);

    *requests = recorded_server_requests(server);
    recorded_server_stop(server);
    return status;
}

static int
exchange(const struct recorded_reply *replies, enum retry_class class,
    long long start_budget_ms, unsigned *requests, struct error *error)
{
    return exchange_by(class == RETRY_SAFE ? "GET" : "POST", replies, class,
               start_budget_ms, requests, error) < 0
               ? -1
               : 0;
}

static const struct recorded_reply proxy_failure[] = {
    {"/", 502, NULL, "<html>Bad gateway</html>"}, {0}};

TEST(a_proxy_without_its_homeserver_is_asked_again_while_there_is_time)
{
    struct error error = {0};
    unsigned requests;

    assert_int_equal(exchange(proxy_failure, RETRY_SAFE, 700, &requests, &error), -1);
    assert_kind(&error, ERROR_NOT_READY);
    assert_int_equal(error.status, 502);
    assert_true(requests >= 2);
    assert_false(error.maybe_done);
}

/* Nobody knows whether it had gone through. */
TEST(what_changes_something_is_not_sent_again_after_a_proxys_failure)
{
    struct error error = {0};
    unsigned requests;

    assert_int_equal(exchange(proxy_failure, RETRY_UNSENT, 700, &requests, &error), -1);
    assert_kind(&error, ERROR_NOT_READY);
    assert_int_equal(requests, 1);
    assert_true(error.maybe_done);
}

TEST(the_homeservers_own_503_is_an_answer)
{
    static const struct recorded_reply own[] = {
        {"/", 503, NULL, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"x\"}"}, {0}};
    struct error error = {0};
    unsigned requests;

    assert_int_equal(exchange(own, RETRY_SAFE, 700, &requests, &error), 0);
    assert_int_equal(requests, 1);
}

/* Synapse 1.163.2, synapse/http/server.py, return_json_error: what no servlet
 * caught, which is what an absent database comes to. */
#define BROKE_DOWN                                                                         \
    500, NULL, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Internal server error\"}"

static const struct recorded_reply broken_down[] = {{"/", BROKE_DOWN}, {0}};

TEST(reading_that_a_server_broke_down_over_is_tried_again_while_there_is_time)
{
    static const struct recorded_reply for_a_while[] = {
        {"/", RECORDED_ONCE + BROKE_DOWN}, {"/", 200, NULL, "{}"}, {0}};
    struct error error = {0};
    unsigned requests;

    assert_int_equal(
        exchange_by("GET", for_a_while, RETRY_SAFE, 5000, &requests, &error), 200);
    assert_int_equal(requests, 2);
    assert_int_equal(
        exchange_by("GET", broken_down, RETRY_SAFE, 700, &requests, &error), 500);
    assert_true(requests >= 2);
    assert_kind(&error, ERROR_NONE);
}

/* It may have been done; a PUT is one that changes, however often it may be sent. */
TEST(a_change_that_a_server_broke_down_over_is_not_sent_again)
{
    struct error error = {0};
    unsigned requests;

    assert_int_equal(
        exchange_by("POST", broken_down, RETRY_UNSENT, 700, &requests, &error), 500);
    assert_int_equal(requests, 1);
    assert_int_equal(
        exchange_by("PUT", broken_down, RETRY_SAFE, 700, &requests, &error), 500);
    assert_int_equal(requests, 1);
}

TEST(without_a_start_budget_a_breakdown_is_an_answer_at_once)
{
    struct error error = {0};
    unsigned requests;

    assert_int_equal(
        exchange_by("GET", broken_down, RETRY_SAFE, 0, &requests, &error), 500);
    assert_int_equal(requests, 1);
}

/* The address of a server that has ended: nothing listens there. */
static const char *
nowhere(void)
{
    static char url[64];
    struct recorded_server *server = recorded_server_start(proxy_failure);

    snprintf(url, sizeof(url), "%s", recorded_server_url(server));
    recorded_server_stop(server);
    return url;
}

TEST(a_server_that_does_not_listen_and_a_proxys_failure_are_told_apart)
{
    struct error refused = {0}, failed = {0};
    unsigned requests;

    assert_int_equal(ask(nowhere(), "GET", RETRY_SAFE, 0, &refused), -1);
    assert_kind(&refused, ERROR_UNREACHABLE);
    assert_in("nothing listens there", refused.text);
    assert_not_in("proxy", refused.text);
    assert_int_equal(exchange(proxy_failure, RETRY_SAFE, 0, &requests, &failed), -1);
    assert_in("reverse proxy", failed.text);
    assert_not_in("listens", failed.text);
}

TEST(what_was_not_waited_for_names_the_option_and_what_was_the_time)
{
    struct error error = {0};
    unsigned requests;

    ask(nowhere(), "GET", RETRY_SAFE, 0, &error);
    assert_in("set wait_timeout", error.text);
    error_clear(&error);
    ask(nowhere(), "GET", RETRY_SAFE, 1000, &error);
    assert_in("has waited 1 s", error.text);
    assert_not_in("wait_timeout", error.text);
    error_clear(&error);
    exchange(proxy_failure, RETRY_SAFE, 0, &requests, &error);
    assert_in("set wait_timeout", error.text);
    error_clear(&error);
    exchange(proxy_failure, RETRY_SAFE, 1000, &requests, &error);
    assert_in("has waited 1 s", error.text);
    error_clear(&error);
    /* There was time, but it is no matter of time. */
    exchange(proxy_failure, RETRY_UNSENT, 1000, &requests, &error);
    assert_not_in("wait", error.text);
}

TEST(a_pause_is_as_long_as_the_start_budget_at_most)
{
    struct retry retry;
    long long start = stop_clock_ms();

    retry_init(&retry, 50, 0);
    assert_true(retry_pause(&retry, 20));
    assert_true(retry.waited_ms >= 20);
    assert_int_equal(retry.start_budget_ms, 50 - retry.waited_ms);
    assert_true(retry_pause(&retry, 30000));
    assert_false(retry_pause(&retry, 30000));
    assert_true(stop_clock_ms() - start < 10000);
    retry_init(&retry, 0, 1000);
    assert_false(retry_pause(&retry, 20));
    retry_init(&retry, 1000, 0);
    assert_false(retry_pause(&retry, 0));
}

/* A server may say any number; the time it asks for is told, whatever it is. */
TEST(a_wait_of_the_largest_number_is_refused_and_told)
{
    struct retry retry;
    struct error error = {0};

    retry_init(&retry, 0, 60000);
    assert_int_equal(retry_wait(&retry, "http://h:1", LLONG_MAX, &error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_not_in("wait -", error.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(the_servers_rate_limit_is_known_with_its_wait),
        cmocka_unit_test(a_proxys_rate_limit_has_the_header_alone),
        cmocka_unit_test(a_rate_limit_that_says_no_time_says_zero),
        cmocka_unit_test(a_429_with_another_errcode_is_no_rate_limit),
        cmocka_unit_test(other_statuses_are_no_rate_limits),
        cmocka_unit_test(waits_are_taken_from_the_budget_of_the_task),
        cmocka_unit_test(a_wait_beyond_the_budget_is_refused_at_once_and_told),
        cmocka_unit_test(without_a_budget_no_wait_is_made),
        cmocka_unit_test(a_proxy_without_its_homeserver_is_asked_again_while_there_is_time),
        cmocka_unit_test(what_changes_something_is_not_sent_again_after_a_proxys_failure),
        cmocka_unit_test(the_homeservers_own_503_is_an_answer),
        cmocka_unit_test(reading_that_a_server_broke_down_over_is_tried_again_while_there_is_time),
        cmocka_unit_test(a_change_that_a_server_broke_down_over_is_not_sent_again),
        cmocka_unit_test(without_a_start_budget_a_breakdown_is_an_answer_at_once),
        cmocka_unit_test(a_server_that_does_not_listen_and_a_proxys_failure_are_told_apart),
        cmocka_unit_test(what_was_not_waited_for_names_the_option_and_what_was_the_time),
        cmocka_unit_test(a_pause_is_as_long_as_the_start_budget_at_most),
        /* The last one: undefined behaviour would end the program. */
        cmocka_unit_test(a_wait_of_the_largest_number_is_refused_and_told),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/retry", tests, NULL, NULL);
}
