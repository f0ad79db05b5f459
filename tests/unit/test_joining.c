/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/joining.h: whether anybody may register, and what becomes of who
 * does. */
#include "joining_trial.h"

#include <stdbool.h>
#include <string.h>

#include "backends/homeserver/administrator.h"

static struct joining_trial trial;

static int
clean_up(void **state)
{
    (void)state;
    joining_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* ---- Whether anybody may ------------------------------------------------------------------ */

TEST(whether_anybody_may_register_is_asked_once)
{
    static const struct {
        struct recorded_reply reply;
        bool has_token, possible;
        const char *why;
    } table[] = {
        {OPEN, false, true, ""},
        {OPEN, true, true, ""},
        {TAKES_TOKEN, false, false, "registration takes a token"},
        {TAKES_TOKEN, true, true, ""},
        {CLOSED, false, false, "Registration has been disabled."},
        {CLOSED, true, false, "Registration has been disabled."},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {table[i].reply, {0}};

        joining_begin_with_token(&trial, replies);
        if (!table[i].has_token)
            trial.family.connection.registration_token = NULL;
        for (size_t time = 0; time < 2; time++) {
            char why[JOINING_WHY_SIZE] = "?";
            struct error error = {0};
            bool possible;

            assert_int_equal(joining_is_possible(&trial.family.backend, &possible, why, &error), 0);
            assert_int_equal(possible, table[i].possible);
            assert_string_equal(why, table[i].why);
        }
        family_assert_asked(ASKED);
        clean_up(NULL);
    }
}

TEST(what_no_registration_makes_is_refused_before_anything_is_sent)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, {0}};

    joining_begin(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_LOCKED, true);
    joining_refuse(&trial, ERROR_UNAUTHORIZED,
        "with locked takes an administrator: give the family's");
    clean_up(NULL);

    joining_begin(&trial, replies);
    trial.family.dialect.first_account = FIRST_IS_NOBODY;
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_refuse(&trial, ERROR_UNAUTHORIZED, "with admin takes an administrator");
    clean_up(NULL);

    joining_begin(&trial, replies);
    account_unstate_password(&trial.wanted);
    joining_refuse(&trial, ERROR_INVALID, "a password is needed");
    family_assert_asked("");
}

TEST(where_nobody_may_register_the_error_says_what_would_do)
{
    static const struct recorded_reply replies[] = {CLOSED, {0}};
    struct error error = {0};

    joining_begin(&trial, replies);
    joining_refuse(&trial, ERROR_UNAUTHORIZED,
        "to create alice on Family, Registrar needs the family's creator (registering as anybody "
        "may does not do: Registration has been disabled.)");
    assert_int_equal(trial.creation, CREATION_NAME_TAKEN);
    family_assert_asked(ASKED);
    assert_int_equal(joining_may_create(&trial.family.backend, &trial.wanted, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    family_assert_asked("");
}

TEST(in_check_mode_it_is_asked_and_that_one_becomes_an_administrator_is_a_guess)
{
    static const struct recorded_reply replies[] = {OPEN, {0}};
    struct error error = {0};

    joining_begin(&trial, replies);
    trial.family.backend.predict = true;
    assert_int_equal(joining_may_create(&trial.family.backend, &trial.wanted, &error), 0);
    assert_int_equal(trial.family.warnings.count, 0);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(joining_may_create(&trial.family.backend, &trial.wanted, &error), 0);
    assert_int_equal(trial.family.warnings.count, 1);
    assert_in("that alice becomes an administrator is a guess", trial.family.warnings.items[0]);
    family_assert_asked(ASKED);
}

/* ---- Creating ------------------------------------------------------------------------------ */

TEST(the_first_account_becomes_an_administrator_with_the_token)
{
    static const struct recorded_reply replies[] = {
        TAKES_TOKEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin_with_token(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_TOKEN, ON_DEVICE) LOOKED);
    assert_int_equal(trial.observed.presence, PRESENCE_PRESENT);
    assert_string_equal(trial.observed.account.user_id, "@alice:x");
    assert_true(account_is(&trial.observed.account, ACCOUNT_ADMIN));
    assert_true(account_states(&trial.observed.account, ACCOUNT_DEACTIVATED));
    assert_false(trial.observed.account.deactivated);
    assert_int_equal(trial.family.warnings.count, 0);
}

/* Registration may be over with it, and others are to be made. */
TEST(who_was_to_be_an_administrator_is_the_one_of_this_task_until_its_end)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_make_well(&trial, CREATION_DONE);
    assert_int_equal(trial.family.backend.authority, AUTHORITY_ADMINISTRATOR);
    assert_string_equal(
        state_of(&trial.family.backend)->administrator.user_id, "@alice:x");
    assert_string_equal(trial.family.backend.server_name, "x");
    family_asked();
    administrator_close(&trial.family.backend);
    family_assert_asked(LOGGED_OUT);
}

TEST(a_server_of_another_name_than_was_said_has_no_administrator_for_us)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    trial.family.connection.server_name = "y";
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_refuse(&trial, ERROR_INVALID, "server_name says \"y\"");
    assert_int_equal(trial.creation, CREATION_DONE);
}

/* Conduit takes a token that it did not ask for for a wrong one. */
TEST(a_token_that_nobody_asks_for_is_not_sent)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin_with_token(&trial, replies);
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED LOGGED_OUT);
    assert_true(account_states(&trial.observed.account, ACCOUNT_ADMIN));
    assert_false(trial.observed.account.admin);
    assert_int_equal(trial.family.warnings.count, 0);
}

TEST(who_became_an_administrator_unasked_is_a_warning)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    for (int stated = 0; stated < 2; stated++) {
        joining_begin(&trial, replies);
        if (stated)
            account_state_bool(&trial.wanted, ACCOUNT_ADMIN, false);
        joining_make_well(&trial, CREATION_DONE);
        assert_true(account_is(&trial.observed.account, ACCOUNT_ADMIN));
        assert_int_equal(trial.family.warnings.count, 1);
        assert_in("@alice:x is an administrator now, which nobody asked for",
            trial.family.warnings.items[0]);
        clean_up(NULL);
    }
}

TEST(who_was_to_be_an_administrator_and_is_none_is_made_and_an_error)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_want_text(&trial, ACCOUNT_DISPLAYNAME, "Al");
    joining_refuse(&trial, ERROR_POLICY,
        "@alice:x was created, and is no administrator: Family makes one only of the first that "
        "registers, as long as it has none; whoever is one can promote it: give the family's "
        "administrator");
    assert_int_equal(trial.creation, CREATION_DONE);
    assert_true(trial.observed.password_is_set);
    assert_true(account_states(&trial.observed.account, ACCOUNT_ADMIN));
    assert_false(trial.observed.account.admin);
    assert_string_equal(trial.observed.account.displayname, "Al");
    assert_in(LOGGED_OUT, family_asked());
}

TEST(the_profile_is_set_with_the_session_of_the_registration)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    joining_want_text(&trial, ACCOUNT_DISPLAYNAME, "Al");
    joining_want_text(&trial, ACCOUNT_AVATAR_URL, "mxc://x/1");
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED
        "PUT " FAMILY_PROFILE "%40alice%3Ax/displayname new {\"displayname\":\"Al\"}\n"
        "PUT " FAMILY_PROFILE "%40alice%3Ax/avatar_url new {\"avatar_url\":\"mxc://x/1\"}\n"
        LOGGED_OUT);
    assert_string_equal(trial.observed.account.displayname, "Al");
    assert_string_equal(trial.observed.account.avatar_url, "mxc://x/1");
}

TEST(a_profile_that_is_refused_leaves_an_account_that_was_made)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, IS_ROOM, IS_NO_MEMBER,
        {"PUT " FAMILY_PROFILE, 400, NULL, "{\"errcode\": \"M_BAD_JSON\"}"},
        FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    joining_want_text(&trial, ACCOUNT_AVATAR_URL, "mxc://x/1");
    joining_refuse(&trial, ERROR_INVALID, "setting the avatar_url");
    assert_int_equal(trial.creation, CREATION_DONE);
    assert_true(trial.observed.password_is_set);
    assert_false(account_states(&trial.observed.account, ACCOUNT_AVATAR_URL));
    assert_in(LOGGED_OUT, family_asked());
}

/* Conduit promotes with a session alone, whoever is first. */
TEST(where_a_session_promotes_none_is_asked_for_without_a_wish)
{
    static const struct recorded_reply replies[] = {OPEN, MADE_SILENTLY, {0}};

    joining_begin(&trial, replies);
    trial.family.dialect.first_account = FIRST_WITH_SESSION;
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("true", BY_DUMMY, ""));
    assert_true(account_states(&trial.observed.account, ACCOUNT_ADMIN));
    assert_false(trial.observed.account.admin);
}

TEST(where_a_session_promotes_one_is_asked_for_with_a_wish)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    trial.family.dialect.first_account = FIRST_WITH_SESSION;
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED);
}

TEST(a_profile_takes_a_login_where_there_is_no_session)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE_SILENTLY, FAMILY_LOGGED_IN, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    trial.family.dialect.first_account = FIRST_WITH_SESSION;
    joining_want_text(&trial, ACCOUNT_DISPLAYNAME, "Al");
    joining_make_well(&trial, CREATION_DONE);
    family_assert_asked(ASKED SENT("true", BY_DUMMY, "")
        "POST " FAMILY_LOGIN " - " FAMILY_LOGIN_BODY("alice", "Passw0rd") "\n"
        "PUT " FAMILY_PROFILE "%40alice%3Ax/displayname own {\"displayname\":\"Al\"}\n"
        "POST " FAMILY_LOGOUT " own\n");
}

TEST(an_account_that_was_made_and_lets_nobody_in_is_an_error)
{
    static const struct recorded_reply replies[] = {OPEN, MADE_SILENTLY, WRONG_LOGIN, {0}};

    joining_begin(&trial, replies);
    trial.family.dialect.first_account = FIRST_WITH_SESSION;
    joining_want_text(&trial, ACCOUNT_DISPLAYNAME, "Al");
    joining_refuse(&trial, ERROR_PROTOCOL, "does not let it in");
    assert_int_equal(trial.creation, CREATION_DONE);
}

TEST(whether_it_is_an_administrator_may_stay_unknown_unless_it_is_to_be)
{
    static const struct recorded_reply replies[] = {OPEN, MADE,
        {"GET " FAMILY_ROOM, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, FAMILY_LOGGED_OUT, {0}};

    joining_begin(&trial, replies);
    joining_make_well(&trial, CREATION_DONE);
    assert_int_equal(trial.family.warnings.count, 1);
    assert_in("whether the server has made @alice:x an administrator cannot be told",
        trial.family.warnings.items[0]);
    assert_false(account_states(&trial.observed.account, ACCOUNT_ADMIN));
    clean_up(NULL);

    joining_begin(&trial, replies);
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    joining_refuse(&trial, ERROR_SERVER, "500");
    assert_int_equal(trial.creation, CREATION_DONE);
}

TEST(a_server_that_has_another_name_is_a_warning)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};
    const struct secret password = secret_over("Passw0rd");
    struct error error = {0};

    joining_begin(&trial, replies);
    account_free(&trial.wanted);
    assert_int_equal(account_name(&trial.wanted, "@alice:y", "alice", &error), 0);
    assert_int_equal(account_state_password(&trial.wanted, &password, &error), 0);
    joining_make_well(&trial, CREATION_DONE);
    assert_int_equal(trial.family.warnings.count, 1);
    assert_in("calls the new account @alice:x, not @alice:y", trial.family.warnings.items[0]);
}

TEST(a_session_that_stays_is_a_warning)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, IS_ROOM, IS_NO_MEMBER,
        {"POST " FAMILY_LOGOUT, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}};

    joining_begin(&trial, replies);
    joining_make_well(&trial, CREATION_DONE);
    assert_int_equal(trial.family.warnings.count, 1);
    assert_in("alice could not be logged out", trial.family.warnings.items[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(whether_anybody_may_register_is_asked_once),
        TRIAL(what_no_registration_makes_is_refused_before_anything_is_sent),
        TRIAL(where_nobody_may_register_the_error_says_what_would_do),
        TRIAL(in_check_mode_it_is_asked_and_that_one_becomes_an_administrator_is_a_guess),
        TRIAL(the_first_account_becomes_an_administrator_with_the_token),
        TRIAL(who_was_to_be_an_administrator_is_the_one_of_this_task_until_its_end),
        TRIAL(a_server_of_another_name_than_was_said_has_no_administrator_for_us),
        TRIAL(a_token_that_nobody_asks_for_is_not_sent),
        TRIAL(who_became_an_administrator_unasked_is_a_warning),
        TRIAL(who_was_to_be_an_administrator_and_is_none_is_made_and_an_error),
        TRIAL(the_profile_is_set_with_the_session_of_the_registration),
        TRIAL(a_profile_that_is_refused_leaves_an_account_that_was_made),
        TRIAL(where_a_session_promotes_none_is_asked_for_without_a_wish),
        TRIAL(where_a_session_promotes_one_is_asked_for_with_a_wish),
        TRIAL(a_profile_takes_a_login_where_there_is_no_session),
        TRIAL(an_account_that_was_made_and_lets_nobody_in_is_an_error),
        TRIAL(whether_it_is_an_administrator_may_stay_unknown_unless_it_is_to_be),
        TRIAL(a_server_that_has_another_name_is_a_warning),
        TRIAL(a_session_that_stays_is_a_warning),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
