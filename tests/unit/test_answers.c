/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/call.h, and backends/detect.h and capabilities.h, which read answers. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "backends/capabilities.h"
#include "backends/detect.h"
#include "matrix/call.h"
#include "matrix/client.h"
#include "recorded_server.h"

static struct recorded_server *server;
static struct http *http;
static struct retry retry;
static struct http_options options;
static struct matrix matrix;

static int
start(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};
    struct error error = {0};

    (void)state;
    use_program_memory();
    server = recorded_server_start(nothing);
    options = (struct http_options){.url = recorded_server_url(server), .timeout_ms = 30000};
    http = http_open(&options, &error);
    matrix = (struct matrix){.http = http, .retry = &retry};
    return http == NULL;
}

static int
stop(void **state)
{
    (void)state;
    http_close(http);
    recorded_server_stop(server);
    return 0;
}

static int
ask(int status, const char *headers, const char *body, struct answer *answer,
    struct error *error)
{
    const struct recorded_reply replies[] = {{"/", status, headers, body}, {0}};
    const struct secret token = secret_over("syt_token_of_an_admin");
    const struct secret password = secret_over("hunter2");
    const struct call call = {
        .method = "GET",
        .path = "/x",
        .bearer = &token,
        .secrets = {&password},
        .report_429 = true,
    };
    int result;

    recorded_server_say(server, replies);
    result = call_send(&matrix, &call, answer, error);
    /* libcurl calls some of its own failed allocations a lost connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(a_refusal_has_status_errcode_and_words)
{
    struct answer answer;
    struct error error = {0};

    assert_int_equal(ask(403, NULL, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Not you\"}",
                         &answer, &error),
        0);
    assert_false(answer_ok(&answer));
    assert_true(answer_is(&answer, 403, "M_FORBIDDEN"));
    assert_false(answer_is(&answer, 401, "M_FORBIDDEN"));
    assert_false(answer_is(&answer, 403, "M_UNKNOWN"));
    assert_int_equal(answer_refused(&answer, "making tea", &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_int_equal(error.status, 403);
    assert_string_equal(error.errcode, "M_FORBIDDEN");
    assert_in("making tea: ", error.text);
    assert_in("403 M_FORBIDDEN (Not you)", error.text);
    answer_free(&answer);
}

TEST(a_refusal_of_a_kind_of_our_own_says_what_to_do)
{
    struct answer answer;
    struct error error = {0};

    ask(400, NULL, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"no\"}", &answer, &error);
    assert_int_equal(
        answer_refused_as(&answer, ERROR_POLICY, "making tea", "buy some", &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("; buy some", error.text);
    answer_free(&answer);
}

TEST(the_first_error_wins_over_a_refusal_with_all_its_details)
{
    struct answer answer;
    struct error error = {0};

    ask(404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}", &answer, &error);
    error_set(&error, ERROR_TLS, "first");
    assert_int_equal(answer_refused(&answer, "x", &error), -1);
    assert_kind(&error, ERROR_TLS);
    assert_int_equal(error.status, 0);
    assert_string_equal(error.errcode, "");
    answer_free(&answer);
}

TEST(a_rate_limit_that_is_an_answer_says_how_long)
{
    struct answer answer;
    struct error error = {0};

    ask(429, "Retry-After: 7\r\n", "{\"errcode\": \"M_LIMIT_EXCEEDED\"}", &answer, &error);
    assert_int_equal(answer.retry_after_ms, 7000);
    answer_refused(&answer, "x", &error);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_int_equal(error.retry_after_ms, 7000);
    answer_free(&answer);
}

TEST(secrets_that_a_server_echoes_are_not_in_its_words)
{
    struct answer answer;
    struct error error = {0};

    ask(400, NULL,
        "{\"errcode\": \"M_UNKNOWN\", \"error\": \"hunter2 of syt_token_of_an_admin\"}",
        &answer, &error);
    assert_string_equal(answer.message, "******** of ********");
    answer_free(&answer);
}

TEST(what_does_not_look_like_an_errcode_is_dropped)
{
    static const char *const bodies[] = {"{\"errcode\": \"hunter2\"}", "{\"errcode\": 5}",
        "{\"errcode\": null}", "{\"errcode\": \"M_ WITH SPACE\"}", "{\"errcode\": \"\"}",
        "{\"errcode\": \"M_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct answer answer;
        struct error error = {0};

        assert_int_equal(ask(400, NULL, bodies[i], &answer, &error), 0);
        assert_string_equal(answer.errcode, "");
        answer_free(&answer);
    }
}

TEST(a_success_that_is_no_json_object_is_no_homeservers)
{
    static const char *const bodies[] = {"", "[]", "true", "<html></html>", "{\"a\": 1",
        "{} x", "{\"a\": \"\xff\"}", "{\"a\": \"\\ud800\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct answer answer;
        struct error error = {0};

        assert_int_equal(ask(200, NULL, bodies[i], &answer, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_int_equal(error.status, 200);
        answer_free(&answer);
    }
}

TEST(a_refusal_that_is_no_json_object_points_at_a_proxy)
{
    struct answer answer;
    struct error error = {0};

    assert_int_equal(ask(404, NULL, "<html>nginx</html>", &answer, &error), 0);
    answer_refused(&answer, "x", &error);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("proxy", error.text);
    answer_free(&answer);
}

TEST(a_string_that_must_be_there_is_there_or_an_error)
{
    static const struct {
        const char *body;
        bool usable;
    } table[] = {
        {"{\"nonce\": \"abc\"}", true},
        {"{}", false},
        {"{\"nonce\": \"\"}", false},
        {"{\"nonce\": null}", false},
        {"{\"nonce\": 5}", false},
        {"{\"nonce\": [\"abc\"]}", false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct answer answer;
        struct error error = {0};
        const char *nonce;

        assert_int_equal(ask(200, NULL, table[i].body, &answer, &error), 0);
        nonce = answer_string(&answer, "nonce", "asking", &error);
        if (table[i].usable) {
            assert_string_equal(nonce, "abc");
        } else {
            assert_null(nonce);
            assert_kind(&error, ERROR_PROTOCOL);
            assert_in("nonce", error.text);
        }
        answer_free(&answer);
    }
}

/* Synapse 1.163.2 names itself in the Server header of every answer
 * (synapse/http/site.py) and in the federation's version
 * (synapse/federation/transport/server/federation.py). */
TEST(a_server_is_known_by_what_it_says)
{
    static const struct {
        const char *headers, *body;
        int status;
        const char *product, *version;
    } table[] = {
        {"Server: Synapse/1.163.2\r\n", "", 404, "Synapse", ""},
        {"Server: nginx\r\n", "{\"server\": {\"name\": \"Synapse\", \"version\": \"1\"}}", 200,
            "Synapse", "1"},
        {"Server: nginx\r\n", "", 404, NULL, ""},
        {NULL, "", 404, NULL, ""},
        {"Server: SynapseLike/1\r\n", "", 404, NULL, ""},
        {"Server: Syn\r\n", "", 404, NULL, ""},
        {NULL, "{\"server\": {\"name\": \"Dendrite\", \"version\": \"0.15.2+1a\"}}", 200,
            "Dendrite", "0.15.2+1a"},
        {"Server: Synapse/1\r\n", "{\"server\": {\"name\": \"Grapevine\"}}", 200, NULL, ""},
        {NULL, "{\"server\": \"Synapse\"}", 200, NULL, ""},
        {NULL, "{\"server\": {\"name\": 7}}", 200, NULL, ""},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"/_matrix/federation/v1/version", table[i].status, table[i].headers,
                table[i].body},
            {0}};
        struct backend backend = {.matrix = matrix};
        struct error error = {0};
        const struct backend_type *type;

        recorded_server_say(server, replies);
        type = detect_server(&backend, &error);
        if (table[i].product == NULL) {
            assert_null(type);
            assert_kind(&error, ERROR_UNSUPPORTED);
            continue;
        }
        assert_non_null(type);
        assert_string_equal(type->product, table[i].product);
        assert_string_equal(backend.version, table[i].version);
    }
}

/* Dendrite: setup/base/base.go, where federation is switched off. */
TEST(a_server_that_says_nothing_is_known_by_a_path_of_its_own)
{
    const struct recorded_reply replies[] = {
        {"/_matrix/federation/v1/version", 404, NULL, ""},
        {"/_dendrite/monitor/up", 200, NULL, ""},
        {0}};
    struct backend backend = {.matrix = matrix};
    struct error error = {0};

    recorded_server_say(server, replies);
    assert_ptr_equal(detect_server(&backend, &error), backend_types[1]);
}

TEST(the_version_is_taken_from_the_header_of_the_server_that_it_is)
{
    static const struct {
        const char *header, *version;
    } table[] = {
        {"Synapse/1.163.2", "1.163.2"},
        {"Synapse/1.164.0rc1 (b=develop,abc)", "1.164.0rc1"},
        {"Synapse", ""},
        {"Synapse/", ""},
        {"nginx/1.22.1", ""},
        {"", ""},
        {"Synapse/11111111111111111111111111111111111111111111", ""},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct backend backend = {.type = backend_types[0]};

        strcpy(backend.matrix.server_header, table[i].header);
        detect_version(&backend);
        assert_string_equal(backend.version, table[i].version);
    }
}

TEST(what_a_server_cannot_do_is_refused_naming_who_can)
{
    static const struct capability table[] = {{"admin", SERVER_BIT(SERVER_SYNAPSE)},
        {"magic", 0}};
    struct error error = {0};

    assert_int_equal(capabilities_require(table, 2, SERVER_SYNAPSE, "admin", &error), 0);
    assert_int_equal(capabilities_require(table, 2, SERVER_SYNAPSE, "url", &error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(capabilities_require(table, 2, SERVER_SYNAPSE, "magic", &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_string_equal(error.text,
        "synapse cannot do what the option magic asks for; no server can");
}

TEST(every_capability_is_listed_once_and_somebody_has_it)
{
    assert_true(capabilities_count > 0);
    for (size_t i = 0; i < capabilities_count; i++) {
        assert_int_not_equal(capabilities_table[i].servers, 0);
        assert_int_equal(capabilities_table[i].servers >> SERVERS, 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(capabilities_table[i].option, capabilities_table[j].option);
    }
    for (int number = 0; number < SERVERS; number++)
        assert_non_null(capabilities_server_name((enum server)number));
}

static int
read_success(void *context, struct error *error)
{
    struct answer answer;
    int result =
        ask(200, "Server: Synapse/1\r\n", "{\"nonce\": \"abc\", \"b\": [1]}", &answer, error);

    (void)context;
    if (result == 0 && answer_string(&answer, "nonce", "asking", error) == NULL)
        result = -1;
    answer_free(&answer);
    return result;
}

static int
read_refusal(void *context, struct error *error)
{
    struct answer answer;

    (void)context;
    if (ask(429, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Rate limited\", \"hunter2\": []}", &answer,
            error) == 0)
        answer_refused(&answer, "registering", error);
    answer_free(&answer);
    return -1;
}

/* jansson drops a letter that it has no memory for. 40 letters, not 14, 30 or 62:
 * where that is the closing quote, it reads on behind the text (2.14). */
static int
read_token(void *context, struct error *error)
{
    static const char token[] = "syt_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij";
    struct answer answer;
    const char *read;
    int result =
        ask(200, NULL, "{\"t\": \"syt_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij\"}", &answer, error);

    (void)context;
    read = result == 0 ? answer_string(&answer, "t", "asking", error) : NULL;
    if (read == NULL)
        result = -1;
    else if (strcmp(read, token) != 0)
        result = error_set(error, ERROR_INTERNAL, "%s was read", read);
    answer_free(&answer);
    return result;
}

TEST(an_answer_keeps_every_letter_or_memory_was_short)
{
    fail_each_allocation(read_token, NULL);
}

/* A homeserver's answer must not turn into something else. */
TEST(an_answer_without_memory_to_read_it_is_an_error_of_ours)
{
    fail_each_allocation(read_success, NULL);
}

TEST(a_refusal_without_memory_to_read_it_is_an_error_of_ours)
{
    fail_each_allocation(read_refusal, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_has_status_errcode_and_words),
        cmocka_unit_test(a_refusal_of_a_kind_of_our_own_says_what_to_do),
        cmocka_unit_test(the_first_error_wins_over_a_refusal_with_all_its_details),
        cmocka_unit_test(a_rate_limit_that_is_an_answer_says_how_long),
        cmocka_unit_test(secrets_that_a_server_echoes_are_not_in_its_words),
        cmocka_unit_test(what_does_not_look_like_an_errcode_is_dropped),
        cmocka_unit_test(a_success_that_is_no_json_object_is_no_homeservers),
        cmocka_unit_test(a_refusal_that_is_no_json_object_points_at_a_proxy),
        cmocka_unit_test(a_string_that_must_be_there_is_there_or_an_error),
        cmocka_unit_test(a_server_is_known_by_what_it_says),
        cmocka_unit_test(a_server_that_says_nothing_is_known_by_a_path_of_its_own),
        cmocka_unit_test(the_version_is_taken_from_the_header_of_the_server_that_it_is),
        cmocka_unit_test(what_a_server_cannot_do_is_refused_naming_who_can),
        cmocka_unit_test(every_capability_is_listed_once_and_somebody_has_it),
        cmocka_unit_test(an_answer_keeps_every_letter_or_memory_was_short),
        cmocka_unit_test(an_answer_without_memory_to_read_it_is_an_error_of_ours),
        cmocka_unit_test(a_refusal_without_memory_to_read_it_is_an_error_of_ours),
    };

    return cmocka_run_group_tests_name("answers", tests, start, stop);
}
