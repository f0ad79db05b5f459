/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/detect.h: which server it is, where that is not the first thing it says, and
 * how few requests that takes. Bodies are as tuwunel 1.9.0, continuwuity 26.7.3 and
 * Conduit 0.10.12 were seen to answer. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "backends/detect.h"
#include "recorded_server.h"

#define FEDERATION "/_matrix/federation/v1/version"
#define VERSIONS "/_matrix/client/versions"
#define UNRECOGNIZED "{\"errcode\": \"M_UNRECOGNIZED\", \"error\": \"not found :(\"}"
#define FORBIDDEN "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Federation is disabled.\"}"
#define IS_OFF "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Federation is disabled.\"}"
#define PLAIN "{\"versions\": [\"v1.12\"], \"unstable_features\": {\"org.matrix.msc4155\": true}}"

#define NOT_FOUND {"/", 404, NULL, UNRECOGNIZED}, {0}

static struct recorded_server *server;
static struct connection connection;
static struct backend backend;

static int
serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    server = recorded_server_start(nothing);
    return 0;
}

static int
serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(server);
    return 0;
}

/* Skips the test where no backend is for that server. */
static void
need(enum server managed)
{
    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (backend_types[i]->server == managed)
            return;
    skip();
}

/* The name of what was found, or NULL. It may wait for ten seconds, which nothing here
 * has a reason to do. */
static const char *
detect(const struct recorded_reply *replies, struct error *error)
{
    const struct backend_type *type;

    recorded_server_say(server, replies);
    recorded_server_log(server);
    connection = (struct connection){
        .backend = "auto",
        .http = {.url = recorded_server_url(server), .timeout_ms = 10000},
    };
    backend = (struct backend){.connection = &connection};
    retry_init(&backend.retry, 10000, 0);
    backend.matrix.retry = &backend.retry;
    backend.matrix.http = http_open(&connection.http, error);
    assert_non_null(backend.matrix.http);
    type = detect_server(&backend, error);
    assert_int_equal(type == NULL, error->kind != ERROR_NONE);
    http_close(backend.matrix.http);
    assert_int_equal(backend.retry.waited_ms, 0);
    return type == NULL ? NULL : capabilities_server_name(type->server);
}

static void
assert_detected(const struct recorded_reply *replies, const char *name, const char *version,
    const char *requests)
{
    struct error error = {0};
    const char *found = detect(replies, &error);

    if (found == NULL)
        fail_msg("%s", error.text);
    assert_string_equal(found, name);
    assert_string_equal(backend.version, version);
    assert_string_equal(recorded_server_log(server), requests);
}

TEST(whoever_serves_federation_says_it_to_the_first_request)
{
    static const struct {
        const char *body, *name, *version;
    } table[] = {
        {"{\"server\": {\"name\": \"Tuwunel\", \"version\": \"1.9.0\", \"compiler\": \"c\"}}",
            "tuwunel", "1.9.0"},
        {"{\"server\": {\"name\": \"continuwuity\", \"version\": \"26.7.3 (6957ff7)\"}}",
            "continuwuity", "26.7.3"},
        {"{\"server\": {\"name\": \"Conduit\", \"version\": \"0.10.12\"}}", "conduit",
            "0.10.12"},
    };

    need(SERVER_TUWUNEL);
    need(SERVER_CONTINUWUITY);
    need(SERVER_CONDUIT);
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {FEDERATION, 200, NULL, table[i].body}, NOT_FOUND};

        assert_detected(replies, table[i].name, table[i].version, "GET " FEDERATION " -\n");
    }
}

TEST(synapse_takes_one_request_though_it_serves_no_federation)
{
    static const struct recorded_reply replies[] = {
        {"/", 404, "Server: Synapse/1.163.2\r\n", UNRECOGNIZED}, {0}};

    assert_detected(replies, "synapse", "", "GET " FEDERATION " -\n");
}

TEST(tuwunel_without_federation_says_it_to_clients_and_is_not_taken_for_synapse)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 403, NULL, FORBIDDEN},
        {VERSIONS, 200, NULL,
            "{\"versions\": [\"v1.19\"], \"server\": {\"name\": \"Tuwunel\", \"version\":"
            " \"1.9.0\", \"compiler\": \"rustc\"}}"},
        {"/_synapse/admin/v1/server_version", 200, NULL, "{\"server_version\": \"1.9.0\"}"},
        {"/_tuwunel/server_version", 200, NULL,
            "{\"name\": \"Tuwunel\", \"version\": \"1.9.0\"}"},
        NOT_FOUND};

    need(SERVER_TUWUNEL);
    assert_detected(replies, "tuwunel", "1.9.0",
        "GET " FEDERATION " -\n"
        "GET " VERSIONS " -\n");
}

/* The statement to clients came later than the path. */
TEST(an_older_tuwunel_is_known_by_its_own_path)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 403, NULL, FORBIDDEN},
        {VERSIONS, 200, NULL, PLAIN},
        {"/_tuwunel/server_version", 200, NULL,
            "{\"name\": \"Tuwunel\", \"version\": \"1.4.2\"}"},
        NOT_FOUND};
    struct error error = {0};

    need(SERVER_TUWUNEL);
    assert_string_equal(detect(replies, &error), "tuwunel");
    assert_string_equal(backend.version, "1.4.2");
}

TEST(continuwuity_without_federation_is_known_by_its_own_path)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 403, NULL, FORBIDDEN},
        {VERSIONS, 200, NULL, PLAIN},
        {"/_continuwuity/server_version", 200, NULL,
            "{\"name\": \"continuwuity\", \"version\": \"26.7.3\"}"},
        NOT_FOUND};
    struct error error = {0};

    need(SERVER_CONTINUWUITY);
    assert_string_equal(detect(replies, &error), "continuwuity");
    assert_string_equal(backend.version, "26.7.3");
}

TEST(conduit_without_federation_is_known_by_its_greeting_and_not_waited_for)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 500, NULL, IS_OFF},
        {VERSIONS, 200, NULL, PLAIN},
        {"GET /_", 404, NULL, UNRECOGNIZED},
        {"GET /", 200, "Content-Type: text/plain\r\n", "Hello from Conduit!"},
        {0}};
    struct error error = {0};

    need(SERVER_CONDUIT);
    assert_string_equal(detect(replies, &error), "conduit");
    assert_string_equal(backend.version, "");
    assert_in("GET / -\n", recorded_server_log(server));
}

TEST(another_greeting_is_nobody_s)
{
    static const char *const greetings[] = {"Hello from Conduit! No, not really.",
        "hewwo from tuwunel woof!", "", "<html>Hello from Conduit!</html>"};

    for (size_t i = 0; i < COUNT(greetings); i++) {
        const struct recorded_reply replies[] = {{"GET /_", 404, NULL, UNRECOGNIZED},
            {"GET /", 200, NULL, greetings[i]}, {0}};
        struct error error = {0};

        assert_null(detect(replies, &error));
        assert_kind(&error, ERROR_UNSUPPORTED);
        assert_in("set backend", error.text);
    }
}

TEST(conduwuit_is_told_to_move_to_continuwuity)
{
    static const struct recorded_reply by_name[] = {
        {FEDERATION, 200, NULL,
            "{\"server\": {\"name\": \"conduwuit\", \"version\": \"0.5.0\"}}"},
        NOT_FOUND};
    static const struct recorded_reply by_path[] = {
        {FEDERATION, 403, NULL, FORBIDDEN},
        {"/_conduwuit/server_version", 200, NULL,
            "{\"name\": \"conduwuit\", \"version\": \"0.5.0\"}"},
        NOT_FOUND};
    const struct recorded_reply *const cases[] = {by_name, by_path};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};

        assert_null(detect(cases[i], &error));
        assert_kind(&error, ERROR_UNSUPPORTED);
        assert_in(" is conduwuit, which", error.text);
        assert_in("move to continuwuity", error.text);
    }
}

TEST(a_server_that_is_not_managed_is_named_beside_those_that_are)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 200, NULL,
            "{\"server\": {\"name\": \"Grape\\u001bvine\", \"version\": \"0.1\"}}"},
        NOT_FOUND};
    struct error error = {0};

    assert_null(detect(replies, &error));
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("is Grape vine, which", error.text);
    assert_in("it manages Synapse, Dendrite", error.text);
    assert_in(" and ", error.text);
}

/* A path that says another's name is not the server's own. */
TEST(the_name_at_a_path_counts_and_not_the_path)
{
    static const struct recorded_reply replies[] = {
        {FEDERATION, 404, NULL, UNRECOGNIZED},
        {"GET /_", 200, NULL, "{\"name\": \"Catchall\", \"version\": \"1\"}"},
        {0}};
    struct error error = {0};

    assert_null(detect(replies, &error));
    assert_in("is Catchall, which", error.text);
}

static int
detect_again(void *context, struct error *error)
{
    (void)context;
    backend.version[0] = '\0';
    return detect_server(&backend, error) == NULL ? -1 : 0;
}

TEST(without_memory_nothing_is_detected)
{
    static const struct recorded_reply replies[] = {
        {"GET /_", 404, NULL, ""},
        {"GET /", 200, "Content-Type: text/plain\r\n", "Hello from Conduit!"},
        {0}};
    struct error error = {0};

    recorded_server_say(server, replies);
    backend = (struct backend){.connection = &connection};
    connection = (struct connection){
        .http = {.url = recorded_server_url(server), .timeout_ms = 10000}};
    retry_init(&backend.retry, 0, 0);
    backend.matrix.retry = &backend.retry;
    backend.matrix.http = http_open(&connection.http, &error);
    assert_non_null(backend.matrix.http);
    fail_each_allocation(detect_again, NULL);
    http_close(backend.matrix.http);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_serves_federation_says_it_to_the_first_request),
        cmocka_unit_test(synapse_takes_one_request_though_it_serves_no_federation),
        cmocka_unit_test(tuwunel_without_federation_says_it_to_clients_and_is_not_taken_for_synapse),
        cmocka_unit_test(an_older_tuwunel_is_known_by_its_own_path),
        cmocka_unit_test(continuwuity_without_federation_is_known_by_its_own_path),
        cmocka_unit_test(conduit_without_federation_is_known_by_its_greeting_and_not_waited_for),
        cmocka_unit_test(another_greeting_is_nobody_s),
        cmocka_unit_test(conduwuit_is_told_to_move_to_continuwuity),
        cmocka_unit_test(a_server_that_is_not_managed_is_named_beside_those_that_are),
        cmocka_unit_test(the_name_at_a_path_counts_and_not_the_path),
        cmocka_unit_test(without_memory_nothing_is_detected),
    };

    return cmocka_run_group_tests(tests, serve, serve_no_more);
}
