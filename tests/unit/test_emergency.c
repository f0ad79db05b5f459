/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/administrator.h where a server of the Conduit family is opened: as
 * its own user with emergency_password, and with an account that it makes just after it
 * began to listen. Answers are as Conduit 0.10.12 and continuwuity 26.7.3 were seen to
 * give them.
 */
#include "family_trial.h"

#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/state.h"
#include "private_place.h"

#define LOGGED_IN                                                                          \
    {"POST " FAMILY_LOGIN, 200, NULL,                                                      \
        "{\"user_id\": \"@conduit:x\", \"access_token\": \"bot\"}"}
#define ALL_LOGGED_OUT {"POST " FAMILY_LOGOUT "/all", 200, NULL, "{}"}

static struct family_trial trial;
static struct secret emergency, other;

static void
begin(const struct recorded_reply *replies)
{
    emergency = secret_over("break-glass");
    other = secret_over("Passw0rd");
    family_start(&trial, replies);
    trial.connection.emergency_password = &emergency;
    family_connect_well(&trial);
}

static int
clean_up(void **state)
{
    (void)state;
    family_close(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static void
open_well(void)
{
    struct error error = {0};

    administrator_open(&trial.backend, &error);
    assert_kind(&error, ERROR_NONE);
}

/* ---- Which credential it is ------------------------------------------------------------- */

TEST(emergency_password_comes_after_all_that_makes_an_administrator)
{
    const struct secret secret = secret_over("s");
    static const struct {
        bool token, admin, shared, service, registration, emergency;
        bool is_emergency, has_administrator, may_administrate, can_create;
    } table[] = {
        {.emergency = true, .is_emergency = true, .has_administrator = true,
            .may_administrate = true, .can_create = true},
        {.emergency = true, .token = true, .has_administrator = true, .may_administrate = true,
            .can_create = true},
        {.emergency = true, .admin = true, .has_administrator = true, .may_administrate = true,
            .can_create = true},
        {.emergency = true, .shared = true, .service = true, .may_administrate = true,
            .can_create = true},
        {.emergency = true, .shared = true, .is_emergency = true, .has_administrator = true,
            .may_administrate = true, .can_create = true},
        {.emergency = true, .registration = true, .is_emergency = true,
            .has_administrator = true, .may_administrate = true, .can_create = true},
        {.registration = true, .can_create = true},
        {.shared = true, .can_create = true},
        {.shared = true, .service = true, .may_administrate = true, .can_create = true},
        {.service = true},
        {0},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct connection connection = {
            .access_token = table[i].token ? &secret : NULL,
            .admin_username = table[i].admin ? "admin" : NULL,
            .shared_secret = table[i].shared ? &secret : NULL,
            .service_account = table[i].service ? "svc" : NULL,
            .registration_token = table[i].registration ? &secret : NULL,
            .emergency_password = table[i].emergency ? &secret : NULL,
        };

        assert_int_equal(connection_is_emergency(&connection), table[i].is_emergency);
        assert_int_equal(connection_has_administrator(&connection), table[i].has_administrator);
        assert_int_equal(connection_may_administrate(&connection), table[i].may_administrate);
        assert_int_equal(connection_can_create(&connection), table[i].can_create);
    }
}

/* ---- The server's own user -------------------------------------------------------------- */

TEST(the_server_is_opened_as_its_own_user)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};

    begin(replies);
    open_well();
    /* On a device of its own. */
    family_assert_asked("POST " FAMILY_LOGIN " - {\"type\":\"m.login.password\","
        "\"identifier\":{\"type\":\"m.id.user\",\"user\":\"conduit\"},"
        "\"password\":\"break-glass\",\"initial_device_display_name\":\"Registrar\"}\n");
    assert_true(state_of(&trial.backend)->is_server_itself);
    assert_int_equal(trial.backend.authority, AUTHORITY_ADMINISTRATOR);
    assert_string_equal(trial.backend.authenticated_by, "emergency_password");
    assert_string_equal(trial.backend.server_name, "x");
}

TEST(each_run_warns_that_the_password_is_to_be_unset_and_what_remains)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};

    begin(replies);
    open_well();
    assert_int_equal(trial.warnings.count, 1);
    assert_in("as its own user @conduit:x", trial.warnings.items[0]);
    assert_in("unset it in the server's configuration", trial.warnings.items[0]);
    assert_not_in("break-glass", trial.warnings.items[0]);
    clean_up(NULL);

    begin(replies);
    trial.dialect.emergency_rest = "The old one goes on working: deactivate @conduit";
    open_well();
    assert_in("administrator. The old one goes on working", trial.warnings.items[0]);
}

TEST(all_sessions_of_the_servers_own_user_are_ended_at_the_close)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};

    begin(replies);
    open_well();
    family_asked();
    administrator_close(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT "/all bot\n");
    assert_int_equal(trial.warnings.count, 1);
    assert_null(state_of(&trial.backend)->administrator.user_id);
}

TEST(an_administrator_is_logged_out_of_this_session_alone)
{
    static const struct recorded_reply replies[] = {
        {"POST " FAMILY_LOGIN, 200, NULL,
            "{\"user_id\": \"@admin:x\", \"access_token\": \"adm\"}"},
        FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    trial.connection.admin_username = "admin";
    trial.connection.admin_password = &other;
    open_well();
    assert_false(state_of(&trial.backend)->is_server_itself);
    assert_int_equal(trial.warnings.count, 0);
    family_asked();
    administrator_close(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT " adm\n");
}

TEST(that_it_could_not_be_logged_out_is_a_warning)
{
    static const struct recorded_reply replies[] = {
        LOGGED_IN, {"POST " FAMILY_LOGOUT "/all", 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}};

    begin(replies);
    open_well();
    administrator_close(&trial.backend);
    assert_int_equal(trial.warnings.count, 2);
    assert_in("could not be logged out everywhere", trial.warnings.items[1]);
}

/* A name that is not the server's is told after the login, which has to be undone. */
TEST(it_is_logged_out_everywhere_also_when_opening_fails_later)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies);
    trial.connection.server_name = "y";
    assert_int_equal(administrator_open(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    family_asked();
    administrator_close(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT "/all bot\n");
}

TEST(its_session_is_never_kept)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};

    place_make(NULL);
    begin(replies);
    trial.connection.session_file = place_path("sessions");
    open_well();
    administrator_close(&trial.backend);
    assert_false(place_has("sessions"));
    place_remove(NULL);
}

TEST(a_server_that_has_no_such_password_or_another_says_so)
{
    static const struct {
        const char *body, *words;
    } table[] = {
        {"{\"errcode\": \"M_USER_DEACTIVATED\", \"error\": \"deactivated\"}",
            "the running server has none"},
        {"{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Wrong username or password.\"}",
            "the running server has another one"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"POST " FAMILY_LOGIN, 403, NULL, table[i].body}, {0}};
        struct error error = {0};

        begin(replies);
        assert_int_equal(administrator_open(&trial.backend, &error), -1);
        assert_kind(&error, ERROR_UNAUTHORIZED);
        assert_in(table[i].words, error.text);
        assert_in("restart it", error.text);
        assert_not_in("break-glass", error.text);
        assert_true(error_ends_list(&error));
        assert_int_equal(trial.warnings.count, 0);
        clean_up(NULL);
    }
}

TEST(another_account_that_it_opens_is_not_the_servers_own)
{
    static const struct recorded_reply replies[] = {FAMILY_LOGGED_IN, FAMILY_LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(administrator_open(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_false(state_of(&trial.backend)->is_server_itself);
    family_asked();
    administrator_close(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT " own\n");
}

TEST(it_is_no_administrator_whose_session_could_be_kept)
{
    static const char *const names[] = {"conduit", "@conduit:x", "@conduit", "Conduit"};
    static const struct recorded_reply replies[] = {LOGGED_IN, FAMILY_LOGGED_OUT, {0}};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct error error = {0};

        begin(replies);
        trial.connection.admin_username = names[i];
        trial.connection.admin_password = &emergency;
        assert_int_equal(administrator_open(&trial.backend, &error), -1);
        assert_kind(&error, ERROR_INVALID);
        assert_in("give its password as emergency_password", error.text);
        family_assert_asked("");
        clean_up(NULL);
    }
}

/* Of that name there may be anybody there. */
TEST(on_a_server_that_promotes_nobody_it_is_an_account_like_others)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    trial.dialect.first_account = FIRST_IS_NOBODY;
    trial.connection.admin_username = "conduit";
    trial.connection.admin_password = &other;
    open_well();
    assert_false(state_of(&trial.backend)->is_server_itself);
}

/* ---- An account that is not there yet ---------------------------------------------------- */

#define NOT_THERE_YET                                                                      \
    {"POST " FAMILY_LOGIN, RECORDED_ONCE + 404, NULL,                                      \
        "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"This account does not exist.\"}"}

static void
begin_with_admin(const struct recorded_reply *replies, long long wait_timeout_ms)
{
    begin(replies);
    trial.connection.admin_username = "admin";
    trial.connection.admin_password = &other;
    retry_init(&trial.backend.retry, wait_timeout_ms, 1000);
}

TEST(an_account_that_is_made_as_the_server_starts_is_waited_for)
{
    static const struct recorded_reply replies[] = {NOT_THERE_YET, NOT_THERE_YET,
        {"POST " FAMILY_LOGIN, 200, NULL,
            "{\"user_id\": \"@admin:x\", \"access_token\": \"adm\"}"},
        FAMILY_LOGGED_OUT, {0}};

    begin_with_admin(replies, 60000);
    open_well();
    assert_string_equal(state_of(&trial.backend)->administrator.user_id, "@admin:x");
    assert_in_range(trial.backend.retry.waited_ms, 900, 5000);
}

TEST(an_account_that_is_not_there_is_not_waited_for_without_a_start_budget)
{
    static const struct recorded_reply replies[] = {NOT_THERE_YET, FAMILY_LOGGED_IN, {0}};
    struct error error = {0};

    begin_with_admin(replies, 0);
    assert_int_equal(administrator_open(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_int_equal(error.status, 404);
    assert_in("cannot log in as admin: the server has no such account", error.text);
    assert_in("set wait_timeout", error.text);
    assert_true(error_ends_list(&error));
}

/* The start budget is the shorter one here. */
TEST(an_account_that_stays_away_is_waited_for_as_long_as_it_may_be)
{
    static const struct recorded_reply replies[] = {
        {"POST " FAMILY_LOGIN, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}, {0}};
    struct error error = {0};

    begin_with_admin(replies, 700);
    assert_int_equal(administrator_open(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("this task has waited 1 s", error.text);
    assert_in_range(trial.backend.retry.waited_ms, 600, 900);
}

TEST(another_refusal_is_not_waited_for)
{
    static const struct recorded_reply replies[] = {
        {"POST " FAMILY_LOGIN, RECORDED_ONCE + 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"},
        FAMILY_LOGGED_IN, {0}};
    struct error error = {0};

    begin_with_admin(replies, 60000);
    assert_int_equal(administrator_open(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("admin_password is wrong", error.text);
    assert_int_equal(trial.backend.retry.waited_ms, 0);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static int
open_again(void *context, struct error *error)
{
    static const struct recorded_reply replies[] = {LOGGED_IN, ALL_LOGGED_OUT, {0}};
    int result;

    (void)context;
    family_start(&trial, replies);
    trial.connection.emergency_password = &emergency;
    result = family_connect(&trial, error);
    if (result == 0)
        result = administrator_open(&trial.backend, error);
    family_close(&trial);
    return family_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    emergency = secret_over("break-glass");
    fail_each_allocation(open_again, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emergency_password_comes_after_all_that_makes_an_administrator),
        TRIAL(the_server_is_opened_as_its_own_user),
        TRIAL(each_run_warns_that_the_password_is_to_be_unset_and_what_remains),
        TRIAL(all_sessions_of_the_servers_own_user_are_ended_at_the_close),
        TRIAL(an_administrator_is_logged_out_of_this_session_alone),
        TRIAL(that_it_could_not_be_logged_out_is_a_warning),
        TRIAL(it_is_logged_out_everywhere_also_when_opening_fails_later),
        TRIAL(its_session_is_never_kept),
        TRIAL(a_server_that_has_no_such_password_or_another_says_so),
        TRIAL(another_account_that_it_opens_is_not_the_servers_own),
        TRIAL(it_is_no_administrator_whose_session_could_be_kept),
        TRIAL(on_a_server_that_promotes_nobody_it_is_an_account_like_others),
        TRIAL(an_account_that_is_made_as_the_server_starts_is_waited_for),
        TRIAL(an_account_that_is_not_there_is_not_waited_for_without_a_start_budget),
        TRIAL(an_account_that_stays_away_is_waited_for_as_long_as_it_may_be),
        TRIAL(another_refusal_is_not_waited_for),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
