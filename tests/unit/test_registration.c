/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/registration.h: what registering takes, and registering in one request. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "matrix/registration.h"
#include "recorded_server.h"

#define REGISTER "/_matrix/client/v3/register"
#define LOGOUT "/_matrix/client/v3/logout"
#define FLOWS(stages) "{\"flows\": [{\"stages\": [" stages "]}], \"completed\": []," REST
#define REST "\"params\": {}, \"session\": \"s\"}"
#define DUMMY "\"m.login.dummy\""
#define TOKEN "\"m.login.registration_token\""

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

/* What registering is answered with from here on. */
static void
say(int status, const char *body)
{
    const struct recorded_reply replies[] = {
        {"POST " REGISTER " ", status, NULL, body}, {"POST " LOGOUT, 200, NULL, "{}"}, {0}};

    recorded_server_say(server, replies);
    recorded_server_log(server);
}

/* ---- What it takes --------------------------------------------------------------------- */

TEST(registering_is_open_or_takes_a_token_or_is_closed)
{
    static const struct {
        int status;
        const char *body;
        enum registration_gate gate;
        const char *why;
    } table[] = {
        {401, FLOWS(DUMMY), REGISTRATION_OPEN, ""},
        {401, FLOWS(""), REGISTRATION_OPEN, ""},
        {401, FLOWS(TOKEN), REGISTRATION_TOKEN, ""},
        {401, "{\"flows\": [{\"stages\": [" TOKEN "]}, {\"stages\": [" DUMMY "]}]," REST,
            REGISTRATION_OPEN, ""},
        {401,
            "{\"flows\": [{\"stages\": [\"m.login.recaptcha\"]}, {\"stages\": [" TOKEN "]}]," REST,
            REGISTRATION_TOKEN, ""},
        {401, FLOWS("\"m.login.terms\", " TOKEN), REGISTRATION_CLOSED,
            "registration takes terms that a person has to agree to"},
        {401, FLOWS("\"m.login.email.identity\""), REGISTRATION_CLOSED,
            "registration takes an e-mail address that is confirmed"},
        {401, FLOWS("\"m.login.recaptcha\", \"m.login.terms\""), REGISTRATION_CLOSED,
            "registration takes a CAPTCHA"},
        {401, FLOWS("\"org.example.dance\""), REGISTRATION_CLOSED,
            "registration takes what no program can do"},
        {401, "{\"flows\": []," REST, REGISTRATION_CLOSED,
            "registration takes what no program can do"},
        /* Of hostile servers: no list, no text, none at all. */
        {401, "{\"flows\": [{\"stages\": {\"0\": " DUMMY "}}, {\"stages\": [7]}, 5, null, {}]}",
            REGISTRATION_CLOSED, "registration takes what no program can do"},
        /* continuwuity 26.7.3 and Conduit 0.10.12, seen running. */
        {403,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"This server is not accepting "
            "registrations at this time.\"}",
            REGISTRATION_CLOSED, "This server is not accepting registrations at this time."},
        {403, "{\"errcode\": \"M_FORBIDDEN\"}", REGISTRATION_CLOSED, "registration is closed"},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\", \"error\": \"Unrecognized\"}",
            REGISTRATION_CLOSED, "Unrecognized"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        enum registration_gate gate;
        char why[REGISTRATION_WHY_SIZE];
        struct error error = {0};

        say(table[i].status, table[i].body);
        assert_int_equal(registration_ask(&matrix, &gate, why, &error), 0);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(gate, table[i].gate);
        assert_string_equal(why, table[i].why);
        assert_string_equal(
            recorded_server_log(server), "POST " REGISTER " - {\"inhibit_login\":true}\n");
        assert_int_equal(registration_ask(&matrix, &gate, NULL, &error), 0);
        assert_int_equal(gate, table[i].gate);
    }
}

TEST(what_is_no_answer_to_that_question_is_an_error)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {200, "{\"user_id\": \"@random:x\"}", ERROR_PROTOCOL},
        {401, "{\"errcode\": \"M_MISSING_TOKEN\"}", ERROR_UNAUTHORIZED},
        {401, "{\"flows\": {}}", ERROR_UNAUTHORIZED},
        {403, "<html>", ERROR_PROTOCOL},
        {404, "not here", ERROR_PROTOCOL},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        enum registration_gate gate;
        char why[REGISTRATION_WHY_SIZE];
        struct error error = {0};

        say(table[i].status, table[i].body);
        assert_int_equal(registration_ask(&matrix, &gate, why, &error), -1);
        assert_kind(&error, table[i].kind);
        assert_int_equal(gate, REGISTRATION_CLOSED);
    }
}

/* ---- Making an account ------------------------------------------------------------------- */

static struct secret password, token;
static struct registration registration;
static struct session session;
static enum registration_result result;

static int
begin(void **state)
{
    (void)state;
    password = secret_over("Passw0rd");
    token = secret_over("first-run");
    registration = (struct registration){
        .localpart = "alice", .password = &password, .device_id = "DEVICE"};
    return 0;
}

static int
make(struct error *error)
{
    return registration_make(&matrix, &registration, &session, &result, error);
}

static void
make_well(enum registration_result expected)
{
    struct error error = {0};

    assert_int_equal(make(&error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(result, expected);
}

#define MADE "{\"user_id\": \"@alice:x\", \"access_token\": \"new\", \"device_id\": \"DEVICE\"}"

TEST(a_registration_is_one_request_that_passes_the_one_stage)
{
    say(200, MADE);
    make_well(REGISTRATION_DONE);
    assert_string_equal(recorded_server_log(server),
        "POST " REGISTER " - {\"username\":\"alice\",\"password\":\"Passw0rd\","
        "\"inhibit_login\":false,\"auth\":{\"type\":\"m.login.dummy\"},"
        "\"device_id\":\"DEVICE\",\"initial_device_display_name\":\"Registrar\"}\n");
    assert_string_equal(session.user_id, "@alice:x");
    assert_string_equal(session.access_token.bytes, "new");
    assert_true(session.is_ours);
    client_logout(&matrix, &session, NULL);

    registration.token = &token;
    registration.device_id = NULL;
    make_well(REGISTRATION_DONE);
    assert_in("\"auth\":{\"type\":\"m.login.registration_token\",\"token\":\"first-run\"}",
        recorded_server_request(server));
    assert_not_in("device_id", recorded_server_request(server));
    client_logout(&matrix, &session, NULL);
}

/* Conduit 0.10.12 and continuwuity 26.7.3 answer so to inhibit_login. */
TEST(a_registration_without_a_session_names_the_account)
{
    say(200, "{\"user_id\": \"@alice:x\", \"device_id\": null}");
    registration.without_session = true;
    make_well(REGISTRATION_DONE);
    assert_in("\"inhibit_login\":true", recorded_server_request(server));
    assert_not_in("DEVICE", recorded_server_request(server));
    assert_string_equal(session.user_id, "@alice:x");
    assert_false(session.is_ours);
    assert_false(secret_given(&session.access_token));
    recorded_server_log(server);
    client_logout(&matrix, &session, NULL);
    assert_string_equal(recorded_server_log(server), "");
}

TEST(a_registration_may_be_refused)
{
    static const struct {
        int status;
        const char *body;
        bool with_token;
        enum registration_result result;
    } table[] = {
        {400, "{\"errcode\": \"M_USER_IN_USE\"}", false, REGISTRATION_NAME_TAKEN},
        {400, "{\"errcode\": \"M_USER_IN_USE\"}", true, REGISTRATION_NAME_TAKEN},
        /* A wrong token has an errcode beside the flows, on all three. */
        {401,
            "{\"flows\": [{\"stages\": [" TOKEN "]}], \"errcode\": \"M_FORBIDDEN\","
            " \"error\": \"Invalid registration token.\", \"session\": \"s\"}",
            true, REGISTRATION_WRONG_TOKEN},
        /* m.login.dummy where a token is wanted: passed, and not enough. */
        {401, "{\"flows\": [{\"stages\": [" TOKEN "]}], \"completed\": [" DUMMY "]}", false,
            REGISTRATION_REFUSED},
        {401, "{\"flows\": [{\"stages\": [" TOKEN "]}], \"completed\": [" TOKEN "]}", true,
            REGISTRATION_REFUSED},
        {403,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"M_FORBIDDEN: Registration has been "
            "disabled.\"}",
            true, REGISTRATION_REFUSED},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        say(table[i].status, table[i].body);
        registration.token = table[i].with_token ? &token : NULL;
        make_well(table[i].result);
        assert_null(session.user_id);
        assert_false(session.is_ours);
    }
}

TEST(a_name_or_a_server_that_is_at_fault_is_an_error)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
        const char *words;
    } table[] = {
        {400, "{\"errcode\": \"M_INVALID_USERNAME\", \"error\": \"Disallowed\"}", ERROR_INVALID,
            "Disallowed"},
        {400, "{\"errcode\": \"M_EXCLUSIVE\"}", ERROR_POLICY, "M_EXCLUSIVE"},
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Username is forbidden\"}",
            ERROR_POLICY, "forbidden_usernames"},
        {400, "{\"errcode\": \"M_INVALID_PARAM\", \"error\": \"no Passw0rd, first-run\"}",
            ERROR_INVALID, "no "},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER, "500"},
        {403, "<html>", ERROR_PROTOCOL, "403"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        say(table[i].status, table[i].body);
        registration.token = &token;
        assert_int_equal(make(&error), -1);
        assert_kind(&error, table[i].kind);
        assert_in(table[i].words, error.text);
        assert_not_in("Passw0rd", error.text);
        assert_not_in("first-run", error.text);
        assert_int_equal(result, REGISTRATION_REFUSED);
        assert_null(session.user_id);
    }
}

/* The account was made, and its session is ended where there is one. */
TEST(an_account_that_cannot_be_told_is_made_and_an_error)
{
    static const struct {
        const char *body;
        bool is_logged_out;
    } table[] = {
        {"{\"user_id\": \"@bob:x\", \"access_token\": \"new\"}", true},
        {"{\"user_id\": \"alice\", \"access_token\": \"new\"}", true},
        {"{\"user_id\": \"@alice:\", \"access_token\": \"new\"}", true},
        {"{\"access_token\": \"new\"}", true},
        {"{\"user_id\": \"@alice:x\"}", false},
        {"{\"user_id\": \"@alice:x\", \"access_token\": \"n w\"}", false},
        {"{\"user_id\": \"@alice:x\", \"access_token\": 7}", false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        const char *log;

        say(200, table[i].body);
        assert_int_equal(make(&error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_int_equal(result, REGISTRATION_DONE);
        assert_null(session.user_id);
        log = recorded_server_log(server);
        assert_int_equal(strstr(log, "POST " LOGOUT " new") != NULL, table[i].is_logged_out);
    }
}

TEST(a_reply_that_is_lost_leaves_it_open)
{
    struct error error = {0};

    say(RECORDED_LOST, "");
    assert_int_equal(make(&error), -1);
    assert_true(error_hides_outcome(&error));
    assert_int_equal(result, REGISTRATION_REFUSED);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static int
or_no_memory(int outcome, struct error *error)
{
    /* libcurl calls some of its own failed allocations a lost connection. */
    if (outcome != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return outcome;
}

static int
ask_again(void *context, struct error *error)
{
    enum registration_gate gate;
    char why[REGISTRATION_WHY_SIZE];

    say(403, context);
    return or_no_memory(registration_ask(&matrix, &gate, why, error), error);
}

static int
make_again(void *context, struct error *error)
{
    int outcome;

    say(200, context);
    outcome = make(error);
    client_logout(&matrix, &session, NULL);
    return or_no_memory(outcome, error);
}

TEST(each_failed_allocation_is_an_error)
{
    registration.token = &token;
    fail_each_allocation(ask_again, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Closed\"}");
    fail_each_allocation(make_again, MADE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registering_is_open_or_takes_a_token_or_is_closed),
        cmocka_unit_test(what_is_no_answer_to_that_question_is_an_error),
        cmocka_unit_test_setup(a_registration_is_one_request_that_passes_the_one_stage, begin),
        cmocka_unit_test_setup(a_registration_without_a_session_names_the_account, begin),
        cmocka_unit_test_setup(a_registration_may_be_refused, begin),
        cmocka_unit_test_setup(a_name_or_a_server_that_is_at_fault_is_an_error, begin),
        cmocka_unit_test_setup(an_account_that_cannot_be_told_is_made_and_an_error, begin),
        cmocka_unit_test_setup(a_reply_that_is_lost_leaves_it_open, begin),
        cmocka_unit_test_setup(each_failed_allocation_is_an_error, begin),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
