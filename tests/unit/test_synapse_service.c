/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/service.h without a session file: how the service account
 * is found, made, or given the password of a new secret. */
#include <stdbool.h>
#include <string.h>

#include "service_trial.h"

static struct secret previous = {(char[]){"old"}, 3};

#define TRIAL(name) cmocka_unit_test_teardown(name, service_end)

TEST(who_has_no_profile_is_made_without_a_login)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_string_equal(service.backend->server_name, "x");
    assert_int_equal(service.warnings.count, 0);
}

/* The MAC is Python's hmac over nonce, name, password, "admin" and "support". */
TEST(it_is_made_an_administrator_of_the_type_support_with_a_name_that_says_what_it_is)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_string_equal(service_body("POST " REGISTER, 0),
        "{\"nonce\":\"abcd\",\"username\":\"svc\",\"password\":\"" SERVICE_PASSWORD
        "\",\"admin\":true,\"mac\":\"c855e869e5a1b8213fe679aa9b06c1a4117ffe02\","
        "\"user_type\":\"support\",\"displayname\":\"Registrar service account\","
        "\"initial_device_display_name\":\"Registrar\"}");
}

TEST(who_has_a_profile_is_logged_in_and_not_made)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile login rooms(syt_svc)");
    assert_in("\"password\":\"" SERVICE_PASSWORD "\"", service_body("POST " LOGIN, 0));
    assert_in("\"user\":\"svc\"", service_body("POST " LOGIN, 0));
    assert_not_in("device_id", service_body("POST " LOGIN, 0));
}

TEST(whose_profile_is_hidden_is_logged_in_first)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, HIDDEN, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile login rooms(syt_svc)");
}

TEST(whose_profile_is_hidden_is_made_after_a_login_that_failed)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, HIDDEN, WRONG,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile login register rooms(syt_svc)");
}

/* A listener for clients only does not say its name. */
TEST(without_the_servers_name_nobody_is_looked_for_and_the_login_tells_it)
{
    static const struct recorded_reply replies[] = {NONCE, FLOWS, LOGGED_IN, NO_ROOMS,
        LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "", "name flows login rooms(syt_svc)");
    assert_string_equal(service.backend->server_name, "x");
}

/* Synapse shows an account without a name and an avatar as none. */
TEST(who_turns_out_to_be_there_is_logged_in)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, TAKEN,
        LOGGED_IN, NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile register login rooms(syt_svc)");
}

TEST(an_account_that_is_not_ours_is_a_conflict_and_not_touched)
{
    static const struct recorded_reply seen[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN, WRONG,
        LOGGED_OUT, {0}};
    static const struct recorded_reply unseen[] = {NONCE, NAMED, FLOWS, NO_PROFILE, TAKEN,
        WRONG, LOGGED_OUT, {0}};
    static const struct recorded_reply hidden[] = {NONCE, NAMED, FLOWS, HIDDEN, TAKEN, WRONG,
        LOGGED_OUT, {0}};

    service_begin(seen);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "", "name flows profile login register");
    service_end(NULL);
    service_begin(unseen);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "", "name flows profile register login");
    service_end(NULL);
    service_begin(hidden);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "", "name flows profile login register");
}

TEST(what_is_not_ours_ends_a_list_and_says_what_to_do)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
        WRONG, {0}};
    struct error error = {0};

    service_begin(replies);
    assert_int_equal(service_become(&error), -1);
    assert_true(error_ends_list(&error));
    assert_in("svc", error.text);
    assert_in("registration_shared_secret_previous", error.text);
    assert_in("service_account", error.text);
    assert_not_in(SERVICE_PASSWORD, error.text);
}

TEST(another_secret_than_the_servers_is_unauthorized)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        OTHER_SECRET, {0}};

    service_begin(replies);
    service_assert(ERROR_UNAUTHORIZED, AUTHORITY_NONE, "", "name flows profile register");
}

/* The registration is sent again; the login tells that the first one made it. */
TEST(a_registration_whose_reply_was_lost_is_settled_by_a_login)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        {"POST " REGISTER, RECORDED_ONCE + RECORDED_LOST, NULL, ""}, TAKEN, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register nonce register login rooms(syt_svc)");
}

TEST(a_registration_that_never_arrived_is_made_by_the_second_one)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        {"POST " REGISTER, RECORDED_ONCE + RECORDED_LOST, NULL, ""}, REGISTERED, NO_ROOMS,
        LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register nonce register rooms(syt_svc)");
}

TEST(a_lost_registration_of_a_strangers_name_is_a_conflict)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        {"POST " REGISTER, RECORDED_ONCE + RECORDED_LOST, NULL, ""}, TAKEN, WRONG,
        LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "",
        "name flows profile register nonce register login");
}

/* Nobody knows, so it is told: the account may be there from now on. */
TEST(a_registration_of_which_nothing_is_heard_is_told_as_made)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        {"POST " REGISTER, RECORDED_LOST, NULL, ""}, {0}};

    service_begin(replies);
    service_assert(ERROR_UNREACHABLE, AUTHORITY_NONE, "create service account",
        "name flows profile register nonce register");
}

/* It was made, whatever the server says of it: 200 is an answer. */
TEST(a_registration_without_a_session_is_told_as_made)
{
    static const char *const bodies[] = {"{}", "{\"user_id\": \"@svc:x\"}",
        "{\"access_token\": \"syt_svc\"}", SESSION_OF("@svc:x", "syt svc"),
        SESSION_OF("@other:x", "syt_svc"), SESSION_OF("@svc:other", "syt_svc"),
        SESSION_OF("svc", "syt_svc")};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
            {"POST " REGISTER, 200, NULL, bodies[i]}, LOGGED_OUT, {0}};
        struct error error = {0};

        service_begin(replies);
        assert_int_equal(service_become(&error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_int_equal(service.actions.count, 1);
        assert_string_equal(service.actions.items[0], "create service account");
        assert_int_equal(service.backend->authority, AUTHORITY_NONE);
        /* A token that came along does not live on. */
        assert_true((strstr(bodies[i], "syt_svc") != NULL) ==
                    (strstr(synapse_asked(), "POST " LOGOUT " syt_svc") != NULL));
        service_end(NULL);
    }
}

TEST(a_login_as_somebody_else_is_not_believed)
{
    static const char *const bodies[] = {SESSION_OF("@other:x", "syt_svc"),
        SESSION_OF("@svc:other", "syt_svc"), SESSION_OF("@svcx:x", "syt_svc")};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED,
            {"POST " LOGIN, 200, NULL, bodies[i]}, LOGGED_OUT, {0}};

        service_begin(replies);
        service_assert(ERROR_PROTOCOL, AUTHORITY_NONE, "",
            "name flows profile login logout(syt_svc)");
        service_end(NULL);
    }
}

TEST(the_previous_secret_opens_the_account_and_the_new_ones_password_is_set)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
        WRONG_ONCE, LOGGED_IN, NO_ROOMS, CHANGED, LOGGED_OUT, {0}};

    service_begin(replies);
    service.connection.shared_secret_previous = &previous;
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "update service account",
        "name flows profile login register login put(syt_svc) rooms(syt_svc)");
    assert_in(PREVIOUS_PASSWORD, service_body("POST " LOGIN, 1));
    assert_true(service_asked("PUT " USERS "%40svc%3Ax syt_svc "));
    assert_string_equal(service_body("PUT " USERS, 0),
        "{\"password\":\"" SERVICE_PASSWORD "\",\"logout_devices\":false}");
}

TEST(a_previous_secret_that_does_not_open_it_either_is_a_conflict)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
        WRONG, LOGGED_OUT, {0}};

    service_begin(replies);
    service.connection.shared_secret_previous = &previous;
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "",
        "name flows profile login register login");
}

TEST(a_previous_secret_is_not_tried_where_the_new_one_opens)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service.connection.shared_secret_previous = &previous;
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile login rooms(syt_svc)");
}

/* 403: password changes are off (password_config); 500: nobody knows. */
TEST(a_password_that_cannot_be_set_is_an_error_and_the_session_ends)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
        const char *actions;
    } table[] = {{403, "{\"errcode\": \"M_FORBIDDEN\"}", ERROR_FORBIDDEN, ""},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER, "update service account"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
            WRONG_ONCE, LOGGED_IN, NO_ROOMS,
            {"PUT " USERS, table[i].status, NULL, table[i].body}, LOGGED_OUT, {0}};

        service_begin(replies);
        service.connection.shared_secret_previous = &previous;
        service_assert(table[i].kind, AUTHORITY_NONE, table[i].actions,
            "name flows profile login register login put(syt_svc) "
            "logout(syt_svc)");
        service_end(NULL);
    }
}

/* The limit hides whether it is there; a registration has none. */
TEST(a_login_that_is_limited_gives_way_to_a_registration_where_nobody_was_seen)
{
    static const struct recorded_reply made[] = {NONCE, NAMED, FLOWS, HIDDEN, LIMITED,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};
    static const struct recorded_reply taken[] = {NONCE, NAMED, FLOWS, HIDDEN, LIMITED, TAKEN,
        {0}};
    static const struct recorded_reply seen[] = {NONCE, NAMED, FLOWS, PROFILED, LIMITED, {0}};

    service_begin(made);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile login register rooms(syt_svc)");
    service_end(NULL);
    service_begin(taken);
    service_assert(ERROR_RATE_LIMITED, AUTHORITY_NONE, "", "name flows profile login register");
    service_end(NULL);
    service_begin(seen);
    service_assert(ERROR_RATE_LIMITED, AUTHORITY_NONE, "", "name flows profile login");
}

TEST(the_rooms_that_everybody_is_put_into_are_left)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED,
        {"GET /_matrix/client/v3/joined_rooms", 200, NULL, "{\"joined_rooms\": [\"!a:x\"]}"},
        {"POST /_matrix/client/v3/rooms/%21a%3Ax/leave", 200, NULL, "{}"}, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc) leave(syt_svc)");
    assert_int_equal(service.warnings.count, 0);
}

TEST(rooms_that_cannot_be_left_are_a_warning)
{
    static const struct recorded_reply refused[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED,
        {"GET /_matrix/client/v3/joined_rooms", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"},
        LOGGED_OUT, {0}};
    static const struct recorded_reply lost[] = {NONCE, NAMED, FLOWS, NO_PROFILE, REGISTERED,
        {"GET /_matrix/client/v3/joined_rooms", RECORDED_LOST, NULL, ""}, LOGGED_OUT, {0}};

    service_begin(refused);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_int_equal(service.warnings.count, 1);
    assert_in("@svc:x", service.warnings.items[0]);
    service_end(NULL);
    service_begin(lost);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_int_equal(service.warnings.count, 1);
}

TEST(without_a_session_file_the_session_ends_with_the_task)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    synapse_close(&service);
    assert_string_equal(service_steps(synapse_asked()), "logout(syt_svc)");
}

TEST(who_is_an_administrator_becomes_none_again)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};
    struct error error = {0};

    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "name flows profile login rooms(syt_svc)");
    assert_int_equal(
        service.backend->type->become_administrator(service.backend, &error), 0);
    synapse_assert_asked("");
}

TEST(where_no_service_account_is_allowed_nothing_is_asked)
{
    static const struct recorded_reply replies[] = {NONCE, {0}};
    struct error error = {0};

    service_begin(replies);
    service.connection.service_account = NULL;
    synapse_open_well(&service);
    assert_int_equal(
        service.backend->type->become_administrator(service.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_false(error_ends_list(&error));
    assert_in("service_account", error.text);
    synapse_assert_asked("");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(who_has_no_profile_is_made_without_a_login),
        TRIAL(it_is_made_an_administrator_of_the_type_support_with_a_name_that_says_what_it_is),
        TRIAL(who_has_a_profile_is_logged_in_and_not_made),
        TRIAL(whose_profile_is_hidden_is_logged_in_first),
        TRIAL(whose_profile_is_hidden_is_made_after_a_login_that_failed),
        TRIAL(without_the_servers_name_nobody_is_looked_for_and_the_login_tells_it),
        TRIAL(who_turns_out_to_be_there_is_logged_in),
        TRIAL(an_account_that_is_not_ours_is_a_conflict_and_not_touched),
        TRIAL(what_is_not_ours_ends_a_list_and_says_what_to_do),
        TRIAL(another_secret_than_the_servers_is_unauthorized),
        TRIAL(a_registration_whose_reply_was_lost_is_settled_by_a_login),
        TRIAL(a_registration_that_never_arrived_is_made_by_the_second_one),
        TRIAL(a_lost_registration_of_a_strangers_name_is_a_conflict),
        TRIAL(a_registration_of_which_nothing_is_heard_is_told_as_made),
        TRIAL(a_registration_without_a_session_is_told_as_made),
        TRIAL(a_login_as_somebody_else_is_not_believed),
        TRIAL(the_previous_secret_opens_the_account_and_the_new_ones_password_is_set),
        TRIAL(a_previous_secret_that_does_not_open_it_either_is_a_conflict),
        TRIAL(a_previous_secret_is_not_tried_where_the_new_one_opens),
        TRIAL(a_password_that_cannot_be_set_is_an_error_and_the_session_ends),
        TRIAL(a_login_that_is_limited_gives_way_to_a_registration_where_nobody_was_seen),
        TRIAL(the_rooms_that_everybody_is_put_into_are_left),
        TRIAL(rooms_that_cannot_be_left_are_a_warning),
        TRIAL(without_a_session_file_the_session_ends_with_the_task),
        TRIAL(who_is_an_administrator_becomes_none_again),
        TRIAL(where_no_service_account_is_allowed_nothing_is_asked),
    };

    return cmocka_run_group_tests_name("synapse, service account", tests, synapse_serve,
        synapse_serve_no_more);
}
