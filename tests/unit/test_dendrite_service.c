/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The service account on Dendrite, where it is another one than on Synapse: its
 * registration has no type and makes a session on a device that all registrations
 * share, which is exchanged for one of its own; its password is set by another call.
 * Answers are as Dendrite 0.15.2 gives them (dendrite: clientapi/routing).
 */
#include "service_trial.h"

#include <string.h>

#define RESET "/_dendrite/admin/resetPassword/"
#define STRAY {"POST " REGISTER, 200, NULL, SESSION_OF("@svc:x", "stray")}
#define BAD_MAC                                                                            \
    {"POST " REGISTER, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"bad mac\"}"}
#define NAME_REFUSED                                                                       \
    {"POST " REGISTER, 400, NULL, "{\"errcode\": \"M_INVALID_USERNAME\"}"}
#define HAS_RESET {"POST " RESET, 200, NULL, "{\"password_updated\": true}"}
/* HMAC-SHA1 by Python's hmac: nonce, "svc", its password, "admin", and no type. */
#define MAC "3542b29aa2151fb34708753df663224899541836"

static void
begin(const struct recorded_reply *replies)
{
    service_begin(replies);
    service.connection.backend = "dendrite";
}

#define TRIAL(name) cmocka_unit_test_teardown(name, service_end)

TEST(the_session_of_its_registration_is_exchanged_for_one_of_its_own)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, STRAY,
        LOGGED_OUT, LOGGED_IN, NO_ROOMS, {0}};

    begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register logout(stray) login rooms(syt_svc)");
    assert_in("\"password\":\"" SERVICE_PASSWORD "\"", service_body("POST " LOGIN, 0));
}

TEST(it_is_an_administrator_without_a_type)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, STRAY,
        LOGGED_OUT, LOGGED_IN, NO_ROOMS, {0}};
    const char *body;

    begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register logout(stray) login rooms(syt_svc)");
    body = service_body("POST " REGISTER, 0);
    assert_in("\"admin\":true", body);
    assert_in("\"mac\":\"" MAC "\"", body);
    assert_in("\"displayname\":\"Registrar service account\"", body);
    assert_not_in("user_type", body);
}

TEST(one_that_is_not_let_in_after_it_was_made_is_an_error)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, STRAY,
        LOGGED_OUT, WRONG, {0}};

    begin(replies);
    service_assert(ERROR_PROTOCOL, AUTHORITY_NONE, "create service account",
        "name flows profile register logout(stray) login");
}

TEST(one_that_is_there_is_logged_in)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ROOMS, {0}};

    begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile login rooms(syt_svc)");
}

TEST(a_changed_secret_sets_its_password_by_dendrites_own_call)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, WRONG_ONCE,
        {"POST " REGISTER, 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}, LOGGED_IN, HAS_RESET,
        NO_ROOMS, {0}};
    const struct secret old = secret_over("old");

    begin(replies);
    service.connection.shared_secret_previous = &old;
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "update service account",
        "name flows profile login register login other(syt_svc) rooms(syt_svc)");
    assert_in("\"password\":\"" PREVIOUS_PASSWORD "\"", service_body("POST " LOGIN, 1));
    assert_string_equal(service_body("POST " RESET "%40svc%3Ax syt_svc", 0),
        "{\"password\":\"" SERVICE_PASSWORD "\",\"logout_devices\":false}");
}

TEST(in_check_mode_the_secret_is_proven_and_nothing_is_made)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, NAME_REFUSED,
        {0}};

    service.predict = true;
    begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "create service account",
        "name flows profile register");
    assert_in("\"username\":\"!registrar\"", service_body("POST " REGISTER, 0));
}

TEST(in_check_mode_another_secret_is_told)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, BAD_MAC,
        {0}};

    service.predict = true;
    begin(replies);
    service_assert(ERROR_UNAUTHORIZED, AUTHORITY_NONE, "", "name flows profile register");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(the_session_of_its_registration_is_exchanged_for_one_of_its_own),
        TRIAL(it_is_an_administrator_without_a_type),
        TRIAL(one_that_is_not_let_in_after_it_was_made_is_an_error),
        TRIAL(one_that_is_there_is_logged_in),
        TRIAL(a_changed_secret_sets_its_password_by_dendrites_own_call),
        TRIAL(in_check_mode_the_secret_is_proven_and_nothing_is_made),
        TRIAL(in_check_mode_another_secret_is_told),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
