/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/credential.h, connection_options_vet, and what opens a server that has no
 * administrator: backends/homeserver/registration_token.h. */
#include "support.h"

#include <string.h>

#include "ansible/options.h"
#include "backends/homeserver/registration_token.h"
#include "modules/connection_options.h"
#include "modules/credential.h"
#include "recorded_server.h"

#define TOKEN "t/0k en?&"
#define TOKEN_ENCODED "t%2F0k%20en%3F%26"
#define VALIDITY "/_matrix/client/v1/register/m.login.registration_token/validity"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct connection_options given;
static struct connection connection;

/* parameters becomes this function's. */
static void
apply(json_t *parameters)
{
    void *const into[] = {&given};
    struct list warnings = {0};
    struct error error = {0};

    assert_non_null(parameters);
    options_free(&schema, into);
    memset(&given, 0, sizeof(given));
    if (options_parse(&schema, parameters, into, &warnings, &error) != 0 ||
        connection_options_apply(&given, &connection, &error) != 0)
        fail_msg("%s", error.text);
    json_decref(parameters);
    list_free(&warnings);
}

static int
end(void **state)
{
    void *const into[] = {&given};

    (void)state;
    options_free(&schema, into);
    return 0;
}

TEST(what_opens_a_server_without_an_administrator_is_there_as_given_or_not_at_all)
{
    apply(json_pack("{s:s, s:s, s:s}", "backend", "continuwuity", "registration_token", " t",
        "emergency_password", "p "));
    assert_string_equal(connection.backend, "continuwuity");
    assert_string_equal(connection.registration_token->bytes, " t");
    assert_string_equal(connection.emergency_password->bytes, "p ");
    apply(json_pack("{s:n, s:n}", "registration_token", "emergency_password"));
    assert_null(connection.registration_token);
    assert_null(connection.emergency_password);
}

/* Gives that option alone, with a value, and asks whether a server takes it. */
static int
vet(const char *option, enum server server, const char *asked, struct error *error)
{
    apply(strcmp(option, "database") == 0
              ? json_pack("{s:{s:s, s:s}}", option, "host", "/run", "name", "d")
              : json_pack("{s:s}", option, "S3cr3t"));
    return connection_options_vet(&connection, server, asked, error);
}

TEST(a_credential_that_a_server_has_not_is_refused_with_those_that_have_it)
{
    static const struct {
        const char *option;
        enum server server;
        const char *words; /* NULL: it is taken */
    } cases[] = {
        {"registration_token", SERVER_SYNAPSE, "; tuwunel, continuwuity, conduit can"},
        {"registration_token", SERVER_DENDRITE, "dendrite cannot do what the option reg"},
        {"registration_token", SERVER_MAS, "mas cannot"},
        {"registration_token", SERVER_TUWUNEL, NULL},
        {"registration_token", SERVER_CONTINUWUITY, NULL},
        {"registration_token", SERVER_CONDUIT, NULL},
        {"emergency_password", SERVER_SYNAPSE, "the option emergency_password"},
        {"emergency_password", SERVER_CONDUIT, NULL},
        {"registration_shared_secret", SERVER_CONDUIT, "; synapse, dendrite, tuwunel can"},
        {"registration_shared_secret", SERVER_CONTINUWUITY, "continuwuity cannot"},
        {"registration_shared_secret", SERVER_TUWUNEL, NULL},
        {"registration_shared_secret", SERVER_MAS, NULL}, /* it is the homeserver's */
        {"database", SERVER_TUWUNEL, "; synapse, dendrite, mas can"},
        {"database", SERVER_MAS, NULL},
        {"mas_token", SERVER_SYNAPSE, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        int result = vet(cases[i].option, cases[i].server, NULL, &error);

        assert_int_equal(result, cases[i].words == NULL ? 0 : -1);
        if (cases[i].words == NULL)
            continue;
        assert_kind(&error, ERROR_UNSUPPORTED);
        assert_in(cases[i].words, error.text);
        assert_not_in("S3cr3t", error.text);
        assert_int_equal(
            connection_options_vet(&connection, cases[i].server, "access_token", &error), 0);
    }
}

TEST(each_credential_can_be_had_alone_and_the_database_is_with_each)
{
    const struct secret secret = secret_over("s");
    const struct postgres_options database = {0};
    const struct connection all = {
        .access_token = &secret,
        .admin_username = "a",
        .shared_secret = &secret,
        .registration_token = &secret,
        .emergency_password = &secret,
        .mas = {.client_id = "c", .token = &secret, .url = "http://mas"},
        .database = &database,
    };

    for (int which = 0; which <= CREDENTIALS; which++) {
        struct connection one = credential_alone(&all, (enum credential)which);

        for (int other = 0; other < CREDENTIALS; other++)
            assert_int_equal(credential_is_given(&one, (enum credential)other),
                other == which || other == CREDENTIAL_DATABASE);
        assert_string_equal(one.mas.url, "http://mas");
    }
}

/* ---- Whether a registration token is good --------------------------------------------- */

static struct recorded_server *server;

static int
check(const struct recorded_reply *replies, bool *told, struct error *error)
{
    struct backend backend = {.connection = &connection};
    int result = -1;

    recorded_server_say(server, replies);
    apply(json_pack("{s:s, s:s}", "url", recorded_server_url(server), "registration_token",
        TOKEN));
    retry_init(&backend.retry, 0, 0);
    backend.matrix.retry = &backend.retry;
    backend.matrix.http = http_open(&connection.http, error);
    if (backend.matrix.http != NULL)
        result = registration_token_check(&backend, told, error);
    http_close(backend.matrix.http);
    return result;
}

static int
serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    server = recorded_server_start(nothing);
    return 0;
}

static int
serve_no_more(void **state)
{
    recorded_server_stop(server);
    return end(state);
}

TEST(a_token_is_asked_about_percent_encoded_and_without_making_anything)
{
    static const struct recorded_reply replies[] = {
        {"GET " VALIDITY "?token=" TOKEN_ENCODED, 200, NULL, "{\"valid\": true}"}, {0}};
    struct error error = {0};
    bool told = false;

    recorded_server_log(server);
    assert_int_equal(check(replies, &told, &error), 0);
    assert_true(told);
    assert_string_equal(recorded_server_log(server),
        "GET " VALIDITY "?token=" TOKEN_ENCODED " -\n");
}

TEST(what_is_said_of_a_token_is_told_without_it)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
        bool told;
        const char *words;
    } cases[] = {
        {200, "{\"valid\": false}", ERROR_UNAUTHORIZED, true, "none of its tokens"},
        /* tuwunel 1.9.0: there is no token at all */
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"M_FORBIDDEN: t/0k en?& \"}",
            ERROR_UNAUTHORIZED, true, "takes no registration tokens"},
        /* Conduit 0.10.12 has no such endpoint */
        {404, "{\"errcode\": \"M_UNRECOGNIZED\", \"error\": \"M_UNRECOGNIZED: x\"}", ERROR_NONE,
            false, NULL},
        {405, "{\"errcode\": \"M_UNRECOGNIZED\"}", ERROR_NONE, false, NULL},
        {200, "{\"valid\": \"t/0k en?&\"}", ERROR_PROTOCOL, true, "no usable \"valid\""},
        {200, "{}", ERROR_PROTOCOL, true, "no usable \"valid\""},
        {500, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"" TOKEN_ENCODED " t/0k en?&\"}",
            ERROR_SERVER, true, "500"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct recorded_reply replies[] = {
            {VALIDITY, cases[i].status, NULL, cases[i].body}, {0}};
        struct error error = {0};
        bool told = !cases[i].told;
        int result = check(replies, &told, &error);

        assert_int_equal(result, cases[i].kind == ERROR_NONE ? 0 : -1);
        assert_kind(&error, cases[i].kind);
        assert_int_equal(told, cases[i].told);
        if (cases[i].words == NULL)
            continue;
        assert_in(cases[i].words, error.text);
        assert_not_in("t/0k", error.text);
        assert_not_in(TOKEN_ENCODED, error.text);
    }
}

static int
check_again(void *context, struct error *error)
{
    static const struct recorded_reply replies[] = {
        {VALIDITY, 200, NULL, "{\"valid\": true}"}, {0}};
    struct backend *backend = context;
    bool told;

    recorded_server_say(server, replies);
    return registration_token_check(backend, &told, error);
}

TEST(without_memory_nothing_is_said_of_a_token)
{
    struct backend backend = {.connection = &connection};
    struct error error = {0};

    apply(json_pack("{s:s, s:s}", "url", recorded_server_url(server), "registration_token",
        TOKEN));
    retry_init(&backend.retry, 0, 0);
    backend.matrix.retry = &backend.retry;
    backend.matrix.http = http_open(&connection.http, &error);
    assert_non_null(backend.matrix.http);
    fail_each_allocation(check_again, &backend);
    http_close(backend.matrix.http);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_opens_a_server_without_an_administrator_is_there_as_given_or_not_at_all),
        cmocka_unit_test(a_credential_that_a_server_has_not_is_refused_with_those_that_have_it),
        cmocka_unit_test(each_credential_can_be_had_alone_and_the_database_is_with_each),
        cmocka_unit_test(a_token_is_asked_about_percent_encoded_and_without_making_anything),
        cmocka_unit_test(what_is_said_of_a_token_is_told_without_it),
        cmocka_unit_test(without_memory_nothing_is_said_of_a_token),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, serve, serve_no_more);
}
