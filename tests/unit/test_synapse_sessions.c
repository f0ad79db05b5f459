/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/administrator.h with a session file: what is kept of the
 * service account between tasks. How the file is kept itself is for
 * test_session_file.c and test_kept_session.c. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "matrix/session_file.h"
#include "private_place.h"
#include "service_trial.h"

static struct secret shared = {(char[]){"shared"}, 6};
static struct secret old = {(char[]){"old"}, 3};

static int
end(void **state)
{
    service_end(state);
    return place_remove(state);
}

#define TRIAL(name) cmocka_unit_test_setup_teardown(name, place_make, end)

#define IS_SERVICE {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@svc:x\"}"}
#define IS_OVER {"GET " WHOAMI, 401, NULL, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"}

static void
begin(const struct recorded_reply *replies)
{
    service_begin(replies);
    service.connection.session_file = place_path("sessions");
}

/* As an earlier task with this secret left it. */
static void
keep(const char *token, const char *server_name, const struct secret *credential)
{
    char user_id[32];
    const struct session_key key = {synapse_url(), "svc", server_name, credential};
    const struct session session = {.access_token = secret_over(token), .user_id = user_id};
    char device_id[SESSION_DEVICE_SIZE];
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file =
        session_file_open(place_path("sessions"), &warnings, &error);

    snprintf(user_id, sizeof(user_id), "@svc:%s", server_name);
    session_file_lock(file, 0, &error);
    session_file_device(file, &key, DEVICE_OF_ENTRY, device_id, &error);
    session_file_store(file, &key, &session, device_id, &error);
    session_file_close(file);
    assert_kind(&error, ERROR_NONE);
}

/* What a later task with this secret would find. */
static void
assert_kept(enum session_found expected, const char *token, const struct secret *credential)
{
    const struct session_key key = {synapse_url(), "svc", "x", credential};
    struct session session = {0};
    struct list warnings = {0};
    struct error error = {0};
    enum session_found found = SESSION_NONE;
    struct session_file *file =
        session_file_open(place_path("sessions"), &warnings, &error);

    session_file_find(file, &key, &session, &found, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(found, expected);
    if (expected == SESSION_FOUND)
        assert_string_equal(session.access_token.bytes, token);
    client_logout(NULL, &session, NULL); /* it is not ours: only freed */
    session_file_close(file);
}

/* Opens; what was asked for that, in words. */
static const char *
open_and_see(void)
{
    struct error error = {0};

    synapse_open(&service, &error);
    assert_kind(&error, ERROR_NONE);
    return service_steps(synapse_asked());
}

static const char *
close_and_see(void)
{
    synapse_close(&service);
    return service_steps(synapse_asked());
}

static const struct recorded_reply registering[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
    REGISTERED, NO_ROOMS, IS_SERVICE, LOGGED_OUT, {0}};

TEST(the_session_of_a_service_account_that_was_made_is_kept_and_not_logged_out)
{
    begin(registering);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_in("\"device_id\":\"REGISTRAR_", service_body("POST " REGISTER, 0));
    assert_string_equal(close_and_see(), "");
    assert_kept(SESSION_FOUND, "syt_svc", &shared);
}

TEST(the_next_task_is_an_administrator_from_the_start)
{
    begin(registering);
    keep("syt_kept", "x", &shared);
    assert_string_equal(open_and_see(), "nonce name whoami(syt_kept) rooms(syt_kept)");
    assert_int_equal(service.backend->authority, AUTHORITY_ADMINISTRATOR);
    assert_int_equal(service.actions.count, 0);
    assert_string_equal(close_and_see(), "");
    assert_kept(SESSION_FOUND, "syt_kept", &shared);
}

TEST(in_check_mode_a_kept_session_is_used_as_well)
{
    service.predict = true;
    begin(registering);
    keep("syt_kept", "x", &shared);
    assert_string_equal(open_and_see(), "nonce name whoami(syt_kept)");
    assert_int_equal(service.backend->authority, AUTHORITY_ADMINISTRATOR);
    assert_string_equal(close_and_see(), "");
}

TEST(without_a_kept_session_nothing_is_asked_before_it_is_needed)
{
    begin(registering);
    assert_string_equal(open_and_see(), "nonce");
    assert_int_equal(service.backend->authority, AUTHORITY_NONE);
    assert_string_equal(close_and_see(), "");
    assert_false(place_has("sessions"));
}

TEST(a_session_that_is_over_is_followed_by_a_login_when_it_is_needed)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_OVER, FLOWS, PROFILED,
        LOGGED_IN, NO_ROOMS, LOGGED_OUT, {0}};

    begin(replies);
    keep("syt_kept", "x", &shared);
    assert_string_equal(open_and_see(), "nonce name whoami(syt_kept)");
    assert_int_equal(service.backend->authority, AUTHORITY_NONE);
    synapse_close(&service);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "whoami(syt_kept) flows profile login rooms(syt_svc)");
    assert_in("\"device_id\":\"REGISTRAR_", service_body("POST " LOGIN, 0));
    assert_string_equal(close_and_see(), "");
    assert_kept(SESSION_FOUND, "syt_svc", &shared);
}

/* A token of one server is not sent to another at the same address. */
TEST(a_session_of_another_server_is_not_used)
{
    begin(registering);
    keep("syt_kept", "other", &shared);
    assert_string_equal(open_and_see(), "nonce name");
    assert_int_equal(service.backend->authority, AUTHORITY_NONE);
}

/* The secret was changed; the session made with the old one sets the password. */
TEST(a_session_of_the_old_secret_gives_the_account_the_new_ones_password)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, FLOWS, PROFILED,
        TAKEN, WRONG, CHANGED, LOGGED_OUT, {0}};

    begin(replies);
    keep("syt_kept", "x", &old);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "update service account",
        "whoami(syt_kept) flows profile login register put(syt_kept) rooms(syt_kept)");
    assert_string_equal(service_body("PUT " USERS, 0),
        "{\"password\":\"" SERVICE_PASSWORD "\",\"logout_devices\":false}");
    assert_string_equal(close_and_see(), "");
    assert_kept(SESSION_FOUND, "syt_kept", &shared);
}

/* Somebody has set the new password already; the old session is not needed. */
TEST(a_session_of_the_old_secret_is_logged_out_where_the_new_one_opens)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, FLOWS, PROFILED,
        LOGGED_IN, NO_ROOMS, LOGGED_OUT, {0}};

    begin(replies);
    keep("syt_kept", "x", &old);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "whoami(syt_kept) flows profile login logout(syt_kept) rooms(syt_svc)");
    assert_kept(SESSION_FOUND, "syt_svc", &shared);
}

TEST(without_password_logins_the_old_secrets_session_goes_on_as_the_new_ones)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, NO_FLOWS,
        PROFILED, TAKEN, LOGGED_OUT, {0}};

    begin(replies);
    keep("syt_kept", "x", &old);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "",
        "whoami(syt_kept) flows profile register rooms(syt_kept)");
    assert_kept(SESSION_FOUND, "syt_kept", &shared);
}

/* Whoever only knows a wrong secret must not take a session over. */
TEST(a_session_of_the_old_secret_is_nothing_to_who_has_a_wrong_one)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, FLOWS, PROFILED,
        OTHER_SECRET, WRONG, CHANGED, LOGGED_OUT, {0}};

    begin(replies);
    keep("syt_kept", "x", &old);
    service_assert(ERROR_UNAUTHORIZED, AUTHORITY_NONE, "",
        "whoami(syt_kept) flows profile login register");
    assert_kept(SESSION_FOUND, "syt_kept", &old);
}

TEST(in_check_mode_the_new_password_is_predicted_and_the_file_stays)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, FLOWS, PROFILED,
        PROVEN, WRONG, CHANGED, LOGGED_OUT, {0}};

    service.predict = true;
    begin(replies);
    keep("syt_kept", "x", &old);
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "update service account",
        "whoami(syt_kept) flows profile login register");
    assert_string_equal(close_and_see(), "");
    assert_kept(SESSION_FOUND, "syt_kept", &old);
}

TEST(in_check_mode_who_would_be_made_leaves_no_file)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, PROVEN,
        {0}};

    service.predict = true;
    begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "create service account",
        "name flows profile register");
    synapse_close(&service);
    assert_false(place_has("sessions"));
}

TEST(a_stranger_leaves_no_entry_in_the_file)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
        WRONG, {0}};

    begin(replies);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "",
        "name flows profile login register");
    synapse_close(&service);
    assert_false(place_has("sessions"));
}

TEST(a_file_that_others_can_read_is_not_used)
{
    struct error error = {0};

    begin(registering);
    place_write("sessions", "{\"registrar\": 1, \"sessions\": []}", 0644);
    synapse_open(&service, &error);
    assert_kind(&error, ERROR_INVALID);
    assert_true(error_ends_list(&error));
    assert_null(strstr(synapse_asked(), "POST "));
}

/* Wanted deactivated, the service account is forgotten: erased, too. */
static int
forget(struct error *error)
{
    struct account change = {0};
    struct observation observed = {0};
    const struct backend_type *type = service.backend->type;
    int result = account_name(&change, NULL, "svc", error);

    account_state_bool(&change, ACCOUNT_DEACTIVATED, true);
    if (result == 0)
        result = type->vet(service.backend, &change, error);
    if (result == 0)
        result = type->become_administrator(service.backend, error);
    if (result == 0)
        result = account_name(&change, "@svc:x", "svc", error);
    if (result == 0)
        result = account_name(&observed.account, "@svc:x", "svc", error);
    if (result == 0)
        result = type->lookup(service.backend, ~0u, &observed, error);
    if (result == 0 && observed.presence == PRESENCE_PRESENT)
        result = type->update(service.backend, &observed, &change, false, error);
    account_free(&change);
    account_free(&observed.account);
    return result;
}

/* The body that GET v2/users gives of it. */
static const char svc[] =
    "{\"name\": \"@svc:x\", \"admin\": true, \"deactivated\": false, \"locked\": false,"
    " \"shadow_banned\": false, \"user_type\": \"support\", \"suspended\": false,"
    " \"displayname\": \"Registrar service account\", \"avatar_url\": null,"
    " \"threepids\": [], \"external_ids\": [], \"erased\": false}";

TEST(the_service_account_that_is_forgotten_is_erased_and_its_session_too)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE,
        {"GET " USERS, 200, NULL, svc}, {"GET " V1_USERS, 200, NULL, "{}"},
        {"POST /_synapse/admin/v1/deactivate/%40svc%3Ax", 200, NULL, "{}"}, {0}};
    struct error error = {0};
    const char *steps;

    begin(replies);
    keep("syt_kept", "x", &shared);
    synapse_open_well(&service);
    forget(&error);
    assert_kind(&error, ERROR_NONE);
    steps = service_steps(synapse_asked());
    assert_string_equal(steps, "user(syt_kept) other(syt_kept) erase(syt_kept)");
    assert_false(place_has("sessions"));
    assert_string_equal(close_and_see(), "");
}

TEST(a_service_account_that_is_gone_leaves_no_entry_behind)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_OVER, FLOWS, NO_PROFILE,
        PROVEN, {0}};
    struct error error = {0};

    begin(replies);
    keep("syt_kept", "x", &shared);
    synapse_open_well(&service);
    forget(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(service.backend->authority, AUTHORITY_NONE);
    assert_false(place_has("sessions"));
    assert_int_equal(service.actions.count, 0);
}

/* No password is set any more: what opens it will do. */
TEST(who_is_to_be_forgotten_is_opened_with_the_old_secrets_session)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_SERVICE, FLOWS, PROFILED,
        PROVEN, WRONG, {"GET " USERS, 200, NULL, svc}, {"GET " V1_USERS, 200, NULL, "{}"},
        {"POST /_synapse/admin/v1/deactivate/%40svc%3Ax", 200, NULL, "{}"}, {0}};
    struct error error = {0};

    begin(replies);
    keep("syt_kept", "x", &old);
    synapse_open_well(&service);
    forget(&error);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(service_steps(synapse_asked()),
        "whoami(syt_kept) flows profile login register user(syt_kept) other(syt_kept) "
        "erase(syt_kept)");
    assert_int_equal(service.actions.count, 0);
    assert_false(place_has("sessions"));
}

TEST(in_check_mode_nothing_is_forgotten)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, IS_OVER, FLOWS, NO_PROFILE,
        PROVEN, {0}};
    struct error error = {0};

    service.predict = true;
    begin(replies);
    keep("syt_kept", "x", &shared);
    synapse_open_well(&service);
    forget(&error);
    assert_kind(&error, ERROR_NONE);
    assert_kept(SESSION_FOUND, "syt_kept", &shared);
}

TEST(an_administrators_session_is_kept_and_used_again)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED,
        {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"},
        {"POST " LOGIN, 200, NULL, SESSION_OF("@admin:x", "syt_svc")}, LOGGED_OUT, {0}};
    struct secret password = secret_over("x");

    begin(replies);
    service.connection.admin_username = "@admin:x";
    service.connection.admin_password = &password;
    assert_string_equal(open_and_see(), "nonce name login");
    assert_string_equal(close_and_see(), "");
    service.connection.admin_username = "admin"; /* written otherwise, it is the same */
    assert_string_equal(open_and_see(), "nonce name whoami(syt_svc)");
    assert_int_equal(service.backend->authority, AUTHORITY_ADMINISTRATOR);
    assert_string_equal(close_and_see(), "");
}

TEST(without_a_session_file_an_administrator_that_was_logged_in_is_logged_out)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " LOGIN, 200, NULL, SESSION_OF("@admin:x", "syt_svc")}, LOGGED_OUT, {0}};
    struct secret password = secret_over("x");

    service_begin(replies);
    service.connection.admin_username = "admin";
    service.connection.admin_password = &password;
    assert_string_equal(open_and_see(), "nonce login");
    assert_string_equal(close_and_see(), "logout(syt_svc)");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(the_session_of_a_service_account_that_was_made_is_kept_and_not_logged_out),
        TRIAL(the_next_task_is_an_administrator_from_the_start),
        TRIAL(in_check_mode_a_kept_session_is_used_as_well),
        TRIAL(without_a_kept_session_nothing_is_asked_before_it_is_needed),
        TRIAL(a_session_that_is_over_is_followed_by_a_login_when_it_is_needed),
        TRIAL(a_session_of_another_server_is_not_used),
        TRIAL(a_session_of_the_old_secret_gives_the_account_the_new_ones_password),
        TRIAL(a_session_of_the_old_secret_is_logged_out_where_the_new_one_opens),
        TRIAL(without_password_logins_the_old_secrets_session_goes_on_as_the_new_ones),
        TRIAL(a_session_of_the_old_secret_is_nothing_to_who_has_a_wrong_one),
        TRIAL(in_check_mode_the_new_password_is_predicted_and_the_file_stays),
        TRIAL(in_check_mode_who_would_be_made_leaves_no_file),
        TRIAL(a_stranger_leaves_no_entry_in_the_file),
        TRIAL(a_file_that_others_can_read_is_not_used),
        TRIAL(the_service_account_that_is_forgotten_is_erased_and_its_session_too),
        TRIAL(a_service_account_that_is_gone_leaves_no_entry_behind),
        TRIAL(who_is_to_be_forgotten_is_opened_with_the_old_secrets_session),
        TRIAL(in_check_mode_nothing_is_forgotten),
        TRIAL(an_administrators_session_is_kept_and_used_again),
        TRIAL(without_a_session_file_an_administrator_that_was_logged_in_is_logged_out),
    };

    return cmocka_run_group_tests_name("synapse, kept sessions", tests, synapse_serve,
        synapse_serve_no_more);
}
