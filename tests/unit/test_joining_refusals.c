/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/joining.h: registrations that are refused, or whose reply is
 * lost. */
#include "joining_trial.h"

#include <stdbool.h>
#include <string.h>

static struct joining_trial trial;

static int
clean_up(void **state)
{
    (void)state;
    joining_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* ---- Refusals ---------------------------------------------------------------------------- */

TEST(a_name_that_is_taken_is_an_answer)
{
    static const struct recorded_reply replies[] = {
        OPEN, ONCE(400, "{\"errcode\": \"M_USER_IN_USE\"}"), {0}};

    joining_begin(&trial, replies);
    joining_make_well(&trial, CREATION_NAME_TAKEN);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE));
}

TEST(a_wrong_token_is_told_with_what_continuwuity_takes_at_first)
{
    static const struct recorded_reply replies[] = {TAKES_TOKEN,
        ONCE(401, "{\"flows\": [{\"stages\": [\"m.login.registration_token\"]}], "
                  "\"errcode\": \"M_FORBIDDEN\", \"error\": \"Invalid registration token.\"}"),
        {0}};
    struct error error = {0};

    joining_begin_with_token(&trial, replies);
    assert_int_equal(joining_make(&trial, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("does not take this registration_token", error.text);
    assert_not_in("printed into its log", error.text);
    assert_true(error_ends_list(&error));
    clean_up(NULL);

    joining_begin_with_token(&trial, replies);
    trial.family.type.server = SERVER_CONTINUWUITY;
    joining_refuse(&trial, ERROR_UNAUTHORIZED, "printed into its log when it was last started");
}

/* Two runs at once, of which the other one was the first (continuwuity 26.7.3). */
TEST(a_registration_that_was_closed_meanwhile_is_asked_about_again)
{
    static const struct recorded_reply replies[] = {TAKES_TOKEN, CLOSED, {0}};

    joining_begin_with_token(&trial, replies);
    joining_refuse(&trial, ERROR_UNAUTHORIZED, "may does not do: Registration has been disabled.");
    family_assert_asked(ASKED SENT("false", BY_TOKEN, ON_DEVICE) ASKED);
    assert_int_equal(trial.creation, CREATION_NAME_TAKEN);
}

/* ---- Lost replies ---------------------------------------------------------------------- */

#define LOST {"POST " FAMILY_REGISTER " ", RECORDED_ONCE + RECORDED_LOST, NULL, ""}

TEST(a_lost_reply_is_settled_by_a_login_as_the_account)
{
    static const struct recorded_reply replies[] = {OPEN, LOST, FAMILY_LOGGED_IN, IS_ROOM,
        IS_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_want_text(&trial, ACCOUNT_DISPLAYNAME, "Al");
    joining_make_well(&trial, CREATION_PERHAPS);
    assert_true(account_is(&trial.observed.account, ACCOUNT_ADMIN));
    assert_string_equal(trial.observed.account.displayname, "Al");
    assert_in("POST " FAMILY_LOGOUT " own\n", family_asked());
}

TEST(a_lost_reply_that_no_login_settles_is_told_as_lost)
{
    static const struct recorded_reply replies[] = {OPEN, LOST, WRONG_LOGIN, {0}};
    struct error error = {0};

    joining_begin(&trial, replies);
    assert_int_equal(joining_make(&trial, &error), -1);
    assert_true(error_hides_outcome(&error));
    assert_int_not_equal(trial.creation, CREATION_DONE);
    assert_int_equal(trial.observed.presence, PRESENCE_UNKNOWN);
}

/* The connection breaks under the request, and libcurl sends it again. */
#define OPEN_ONCE_MORE                                                                     \
    {"POST " FAMILY_REGISTER " ", RECORDED_KEPT + RECORDED_ONCE + 401, NULL, STAGE("dummy")}
#define TAKEN ONCE(400, "{\"errcode\": \"M_USER_IN_USE\"}")

TEST(a_name_may_be_taken_by_a_request_that_went_out_twice)
{
    static const struct recorded_reply replies[] = {OPEN_ONCE_MORE, TAKEN, FAMILY_LOGGED_IN,
        IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    joining_make_well(&trial, CREATION_PERHAPS);
    assert_in(SENT("false", BY_DUMMY, ON_DEVICE) SENT("false", BY_DUMMY, ON_DEVICE),
        family_asked());
    assert_string_equal(trial.observed.account.user_id, "@alice:x");
}

TEST(a_name_that_is_somebody_elses_is_taken_also_after_two_requests)
{
    static const struct recorded_reply replies[] = {OPEN_ONCE_MORE, TAKEN, WRONG_LOGIN,
        {"GET " FAMILY_AVAILABLE "alice", 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}, {0}};

    joining_begin(&trial, replies);
    joining_make_well(&trial, CREATION_NAME_TAKEN);
}

TEST(two_requests_that_made_nothing_are_a_refusal)
{
    static const struct recorded_reply replies[] = {
        OPEN_ONCE_MORE, IS_FREE, CLOSED, WRONG_LOGIN, {0}};

    joining_begin(&trial, replies);
    joining_refuse(&trial, ERROR_UNAUTHORIZED, "Registration has been disabled.");
    assert_int_equal(trial.creation, CREATION_NAME_TAKEN);
}

TEST(an_answer_that_names_another_account_is_of_one_that_was_made)
{
    static const struct recorded_reply replies[] = {
        OPEN, ONCE(200, "{\"user_id\": \"@bob:x\", \"access_token\": \"new\"}"),
        FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    joining_refuse(&trial, ERROR_PROTOCOL, "names another account");
    assert_int_equal(trial.creation, CREATION_DONE);
    assert_in(LOGGED_OUT, family_asked());
}

/* ---- Memory -------------------------------------------------------------------------------- */

struct making {
    enum first_account first;
    bool wants_admin;
    const struct recorded_reply *replies;
};

static int
make_again(void *context, struct error *error)
{
    const struct making *making = context;
    const struct secret password = secret_over("Passw0rd");
    int result;

    memset(&trial, 0, sizeof(trial));
    family_start(&trial.family, making->replies);
    trial.family.dialect.first_account = making->first;
    result = family_connect(&trial.family, error);
    if (result == 0)
        result = account_name(&trial.wanted, "@alice:y", "alice", error);
    if (result == 0)
        result = account_state_password(&trial.wanted, &password, error);
    if (result == 0)
        result = account_state_text(&trial.wanted, ACCOUNT_DISPLAYNAME, "Al", error);
    if (result == 0 && making->wants_admin)
        account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    if (result == 0)
        result = joining_make(&trial, error);
    clean_up(NULL);
    return family_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply closed[] = {CLOSED, {0}};
    static const struct recorded_reply silent[] = {
        OPEN, MADE_SILENTLY, FAMILY_LOGGED_IN, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};
    static const struct recorded_reply loud[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};
    struct making makings[] = {{FIRST_WITH_SESSION, false, closed},
        {FIRST_WITH_SESSION, false, silent}, {FIRST_PROMOTED, false, loud},
        {FIRST_PROMOTED, true, loud}};

    for (size_t i = 0; i < COUNT(makings); i++)
        fail_each_allocation(make_again, &makings[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_name_that_is_taken_is_an_answer),
        TRIAL(a_wrong_token_is_told_with_what_continuwuity_takes_at_first),
        TRIAL(a_registration_that_was_closed_meanwhile_is_asked_about_again),
        TRIAL(a_lost_reply_is_settled_by_a_login_as_the_account),
        TRIAL(a_lost_reply_that_no_login_settles_is_told_as_lost),
        TRIAL(a_name_may_be_taken_by_a_request_that_went_out_twice),
        TRIAL(a_name_that_is_somebody_elses_is_taken_also_after_two_requests),
        TRIAL(two_requests_that_made_nothing_are_a_refusal),
        TRIAL(an_answer_that_names_another_account_is_of_one_that_was_made),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
