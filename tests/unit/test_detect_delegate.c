/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/detect.h: who has the accounts of a Synapse, as a recorded one says. */
#include "support.h"

#include <stdbool.h>

#include "backends/detect.h"
#include "backends/synapse/synapse.h"
#include "recorded_server.h"

#define METADATA "/_matrix/client/v1/auth_metadata"
#define GRAPHQL "org.matrix.matrix-authentication-service.graphql_endpoint"

static struct recorded_server *homeserver;
static struct connection connection;
static struct backend backend;

static int
serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    homeserver = recorded_server_start(nothing);
    return 0;
}

static int
serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(homeserver);
    return 0;
}

static const struct backend_type *
detect(int status, const char *body, const char *mas_url, struct error *error)
{
    const struct recorded_reply replies[] = {
        {METADATA, status, NULL, body}, {"/", 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}, {0}};
    const struct backend_type *type;

    recorded_server_say(homeserver, replies);
    connection = (struct connection){
        .backend = "auto",
        .http = {.url = recorded_server_url(homeserver), .timeout_ms = 10000},
        .mas = {.url = mas_url},
    };
    backend = (struct backend){.connection = &connection, .version = "1.163.2"};
    retry_init(&backend.retry, 0, 0);
    backend.matrix.retry = &backend.retry;
    backend.matrix.http = http_open(&connection.http, error);
    assert_non_null(backend.matrix.http);
    type = detect_delegate(&backend, &synapse_backend, error);
    http_close(backend.matrix.http);
    return type;
}

/* Skips the test where no backend is for MAS. */
static void
assert_mas(const struct backend_type *type)
{
    bool has_mas = false;

    for (size_t i = 0; backend_types[i] != NULL; i++)
        has_mas |= backend_types[i]->server == SERVER_MAS;
    if (!has_mas)
        skip();
    assert_non_null(type);
    assert_int_equal(type->server, SERVER_MAS);
    assert_true(backend.is_delegated);
    /* It was the homeserver's. */
    assert_string_equal(backend.version, "");
}

TEST(a_homeserver_that_names_nobody_has_its_accounts)
{
    struct error error = {0};

    assert_ptr_equal(detect(404, "{}", "http://h", &error), &synapse_backend);
    assert_kind(&error, ERROR_NONE);
    assert_false(backend.is_delegated);
    assert_string_equal(backend.version, "1.163.2");
}

TEST(another_service_is_left_to_the_homeserver_to_refuse)
{
    struct error error = {0};

    assert_ptr_equal(detect(200, "{\"issuer\": \"https://h/\"}", NULL, &error), &synapse_backend);
    assert_kind(&error, ERROR_NONE);
}

TEST(mas_takes_the_place_of_a_homeserver_that_names_it)
{
    struct error error = {0};

    assert_mas(detect(200,
        "{\"token_endpoint\": \"https://h/oauth2/token\", \"" GRAPHQL "\": \"https://h/g\"}",
        NULL, &error));
    assert_kind(&error, ERROR_NONE);
}

/* Synapse, while MAS does not answer it. */
TEST(a_homeserver_that_breaks_down_has_handed_its_accounts_over)
{
    static const char body[] =
        "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Internal server error\"}";
    struct error error = {0};

    assert_null(detect(500, body, NULL, &error));
    assert_kind(&error, ERROR_NOT_READY);
    assert_in("cannot reach Matrix Authentication Service", error.text);
    error = (struct error){0};
    assert_mas(detect(500, body, "http://127.0.0.1:8080", &error));
    assert_kind(&error, ERROR_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_homeserver_that_names_nobody_has_its_accounts),
        cmocka_unit_test(another_service_is_left_to_the_homeserver_to_refuse),
        cmocka_unit_test(mas_takes_the_place_of_a_homeserver_that_names_it),
        cmocka_unit_test(a_homeserver_that_breaks_down_has_handed_its_accounts_over),
    };

    return cmocka_run_group_tests(tests, serve, serve_no_more);
}
