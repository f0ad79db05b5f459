/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/service.h: check mode, servers without password logins, the
 * service account as a target, and no memory. */
#include <stdbool.h>
#include <string.h>

#include "private_place.h"
#include "service_trial.h"

static struct secret previous = {(char[]){"old"}, 3};

#define TRIAL(name) cmocka_unit_test_teardown(name, service_end)
#define FILE_TRIAL(name) cmocka_unit_test_setup_teardown(name, place_make, end_with_file)

static int
end_with_file(void **state)
{
    service_end(state);
    return place_remove(state);
}

/* ---- Check mode: nothing is made or changed ---- */

TEST(in_check_mode_who_is_not_there_is_predicted_once_the_secret_is_proven)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, PROVEN,
        {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "create service account",
        "name flows profile register");
    assert_in("\"refresh_token\":\"prove\"", service_body("POST " REGISTER, 0));
    assert_not_in("\"svc\"", service_body("POST " REGISTER, 0));
}

TEST(in_check_mode_another_secret_is_an_error)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        OTHER_SECRET, {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_UNAUTHORIZED, AUTHORITY_NONE, "", "name flows profile register");
}

/* Logging in with a credential is done in check mode as well. */
TEST(in_check_mode_who_is_there_is_logged_in_and_stays_in_its_rooms)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        LOGGED_OUT, {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "", "name flows profile login");
    synapse_close(&service);
    assert_string_equal(service_steps(synapse_asked()), "logout(syt_svc)");
}

TEST(in_check_mode_who_hides_and_does_not_open_is_predicted_to_be_made)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, HIDDEN, WRONG, PROVEN,
        {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "create service account",
        "name flows profile login register");
}

TEST(in_check_mode_an_account_that_is_not_ours_is_a_conflict)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, WRONG,
        PROVEN, {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "", "name flows profile login register");
}

TEST(in_check_mode_a_previous_secret_is_tried_and_nothing_set)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, PROVEN,
        WRONG_ONCE, LOGGED_IN, LOGGED_OUT, {0}};

    service.predict = true;
    service_begin(replies);
    service.connection.shared_secret_previous = &previous;
    service_assert(ERROR_NONE, AUTHORITY_PREDICTED, "update service account",
        "name flows profile login register login logout(syt_svc)");
    assert_in(PREVIOUS_PASSWORD, service_body("POST " LOGIN, 1));
}

TEST(in_check_mode_a_limit_on_logins_is_an_error)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, HIDDEN, LIMITED,
        PROVEN, {0}};

    service.predict = true;
    service_begin(replies);
    service_assert(ERROR_RATE_LIMITED, AUTHORITY_NONE, "", "name flows profile login");
}

/* ---- Servers without password logins ---- */

TEST(without_password_logins_and_a_session_file_it_would_be_useless)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, NO_FLOWS, NO_PROFILE,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};
    struct error error = {0};

    service_begin(replies);
    assert_int_equal(service_become(&error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_false(error_ends_list(&error)); /* others may need no administrator */
    assert_in("session_file", error.text);
    assert_int_equal(service.actions.count, 0);
    assert_null(strstr(synapse_asked(), "POST "));
}

TEST(without_password_logins_its_session_is_kept_and_no_login_is_tried)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, NO_FLOWS, HIDDEN, REGISTERED,
        NO_ROOMS, LOGGED_OUT, {0}};

    service_begin(replies);
    service.connection.session_file = place_path("sessions");
    service_assert(ERROR_NONE, AUTHORITY_ADMINISTRATOR, "create service account",
        "name flows profile register rooms(syt_svc)");
    assert_in("\"device_id\":\"REGISTRAR_", service_body("POST " REGISTER, 0));
    synapse_close(&service);
    assert_string_equal(service_steps(synapse_asked()), "");
    assert_in("syt_svc", place_read("sessions"));
}

TEST(without_password_logins_who_is_there_cannot_be_opened)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, NO_FLOWS, PROFILED, TAKEN,
        {0}};

    service_begin(replies);
    service.connection.session_file = place_path("sessions");
    service.connection.shared_secret_previous = &previous;
    service_assert(ERROR_CONFLICT, AUTHORITY_NONE, "", "name flows profile register");
    assert_false(place_has("sessions"));
}

/* ---- The service account as the target of a task ---- */

static int
vet(const char *localpart, bool deactivated, struct error *error)
{
    struct account wanted = {0};
    int result;

    assert_int_equal(account_name(&wanted, NULL, localpart, error), 0);
    if (deactivated)
        account_state_bool(&wanted, ACCOUNT_DEACTIVATED, true);
    result = service.backend->type->vet(service.backend, &wanted, error);
    account_free(&wanted);
    return result;
}

TEST(the_service_account_may_only_be_deactivated)
{
    static const struct recorded_reply replies[] = {NONCE, {0}};
    struct error error = {0};

    service_begin(replies);
    synapse_open_well(&service);
    assert_int_equal(vet("alice", false, &error), 0);
    assert_int_equal(vet("svc", true, &error), 0);
    assert_int_equal(vet("svc", false, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("svc", error.text);
    synapse_assert_asked("");
}

TEST(another_credentials_task_may_do_what_it_likes_with_that_account)
{
    static const struct recorded_reply replies[] = {OPENING, {0}};
    struct error error = {0};

    synapse_start_with_token(&service, replies);
    service.connection.service_account = "svc";
    synapse_open_well(&service);
    assert_int_equal(vet("svc", false, &error), 0);
    assert_kind(&error, ERROR_NONE);
}

/* What a task that forgets it comes to when it becomes an administrator. */
static void
assert_forgets(const struct recorded_reply *replies, enum error_kind kind,
    enum authority authority, size_t warnings, const char *steps)
{
    struct error error = {0};

    service_begin(replies);
    service.connection.shared_secret_previous = &previous;
    synapse_open_well(&service);
    assert_int_equal(vet("svc", true, &error), 0);
    service.backend->type->become_administrator(service.backend, &error);
    assert_kind(&error, kind);
    assert_string_equal(service_steps(synapse_asked()), steps);
    assert_int_equal(service.backend->authority, authority);
    assert_int_equal(service.actions.count, 0);
    assert_int_equal(service.warnings.count, warnings);
    service_end(NULL);
}

TEST(who_is_to_be_forgotten_is_opened_and_never_made_or_changed)
{
    static const struct recorded_reply opens[] = {NONCE, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ROOMS, LOGGED_OUT, {0}};
    static const struct recorded_reply by_old[] = {NONCE, NAMED, FLOWS, PROFILED, PROVEN,
        WRONG_ONCE, LOGGED_IN, NO_ROOMS, LOGGED_OUT, {0}};
    static const struct recorded_reply gone[] = {NONCE, NAMED, FLOWS, NO_PROFILE, PROVEN,
        WRONG, {0}};
    static const struct recorded_reply hidden[] = {NONCE, NAMED, FLOWS, HIDDEN, PROVEN, WRONG,
        {0}};
    static const struct recorded_reply strangers[] = {NONCE, NAMED, FLOWS, PROFILED, PROVEN,
        WRONG, {0}};
    static const struct recorded_reply other[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        OTHER_SECRET, {0}};

    assert_forgets(opens, ERROR_NONE, AUTHORITY_ADMINISTRATOR, 0,
        "name flows profile login");
    assert_forgets(by_old, ERROR_NONE, AUTHORITY_ADMINISTRATOR, 0,
        "name flows profile login register login");
    assert_forgets(gone, ERROR_NONE, AUTHORITY_NONE, 0, "name flows profile register login");
    assert_forgets(hidden, ERROR_NONE, AUTHORITY_NONE, 1, /* it is a guess */
        "name flows profile login register login");
    assert_forgets(strangers, ERROR_CONFLICT, AUTHORITY_NONE, 0,
        "name flows profile login register login");
    assert_forgets(other, ERROR_UNAUTHORIZED, AUTHORITY_NONE, 0, "name flows profile register");
}

/* ---- No memory ---- */

struct becoming {
    const struct recorded_reply *replies;
    const char *after; /* asked only once something was done; or NULL */
    bool predict;
};

static int
become(void *context, struct error *error)
{
    const struct becoming *becoming = context;
    bool done;
    int result;

    service.predict = becoming->predict;
    service_begin(becoming->replies);
    service.connection.shared_secret_previous = &previous;
    result = service_become(error);
    /* What is done has to be told, whatever happens afterwards. */
    done = becoming->after != NULL && strstr(synapse_asked(), becoming->after) != NULL;
    if (result == 0 && service.backend->authority == AUTHORITY_NONE)
        result = error_set(error, ERROR_INTERNAL, "it is no administrator");
    if (done && service.actions.count == 0 && !service.actions.failed) {
        error_clear(error);
        result = error_set(error, ERROR_INTERNAL, "what was done is not told");
    }
    synapse_close(&service);
    /* libcurl calls some of its own failed allocations a lost connection, and
     * the session of a lost answer then is not ours to know. */
    return synapse_or_no_memory(result, error);
}

TEST(the_service_account_is_made_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, NO_ROOMS, LOGGED_OUT, {0}};
    struct becoming becoming = {replies, "GET /_matrix/client/v3/joined_rooms", false};

    fail_each_allocation(become, &becoming);
}

TEST(the_service_account_is_given_its_password_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, PROFILED, TAKEN,
        WRONG_ONCE, LOGGED_IN, {"GET /_matrix/client/v3/joined_rooms", 404, NULL, "{}"},
        CHANGED, LOGGED_OUT, {0}};
    struct becoming becoming = {replies, NULL, false};

    fail_each_allocation(become, &becoming);
}

TEST(the_service_account_is_predicted_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {NONCE, NAMED, FLOWS, NO_PROFILE, PROVEN,
        {0}};
    struct becoming becoming = {replies, NULL, true};

    fail_each_allocation(become, &becoming);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(in_check_mode_who_is_not_there_is_predicted_once_the_secret_is_proven),
        TRIAL(in_check_mode_another_secret_is_an_error),
        TRIAL(in_check_mode_who_is_there_is_logged_in_and_stays_in_its_rooms),
        TRIAL(in_check_mode_who_hides_and_does_not_open_is_predicted_to_be_made),
        TRIAL(in_check_mode_an_account_that_is_not_ours_is_a_conflict),
        TRIAL(in_check_mode_a_previous_secret_is_tried_and_nothing_set),
        TRIAL(in_check_mode_a_limit_on_logins_is_an_error),
        TRIAL(without_password_logins_and_a_session_file_it_would_be_useless),
        FILE_TRIAL(without_password_logins_its_session_is_kept_and_no_login_is_tried),
        FILE_TRIAL(without_password_logins_who_is_there_cannot_be_opened),
        TRIAL(the_service_account_may_only_be_deactivated),
        TRIAL(another_credentials_task_may_do_what_it_likes_with_that_account),
        TRIAL(who_is_to_be_forgotten_is_opened_and_never_made_or_changed),
        TRIAL(the_service_account_is_made_or_memory_was_short),
        TRIAL(the_service_account_is_given_its_password_or_memory_was_short),
        TRIAL(the_service_account_is_predicted_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("synapse, service account's rules", tests,
        synapse_serve, synapse_serve_no_more);
}
