/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room as continuwuity has it: locks, suspensions, deactivation, passwords. */
#include "bot_trial.h"

#include <string.h>

#define BACKEND "continuwuity"
#define ADMIN_BIT ACCOUNT_BIT(ACCOUNT_ADMIN)
#define BOTH_BITS (ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_SUSPENDED))

static const char *const silence[] = {NULL};

/* Nothing was said in the room. */
static void
assert_silent(void)
{
    bot_assert_sent(silence);
}

/* ---- Locks and suspensions ----------------------------------------------------------- */

/* The server refuses to lock an administrator, and asks nothing of who is to be made one. */
TEST(an_account_that_is_locked_is_not_made_an_administrator)
{
    static const struct recorded_reply rows[] = {
        IS_ACTIVE, {"GET " LOCK, 200, NULL, "{\"locked\": true}"}, IS_TAKEN, {0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    account_state_bool(&bot_change, ACCOUNT_ADMIN, true);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("@alice:x cannot be an administrator and locked at once", error.text);
    assert_silent();
}

/* 26.7.3 suspends over HTTP where it is told to lock. */
TEST(locks_and_suspensions_are_set_in_the_room_and_never_over_http)
{
    static const struct recorded_reply rows[] = {{0}};
    static const char *const on[] = {
        "User @alice:x has been suspended.", "User @alice:x has been locked.", NULL};
    static const char *const off[] = {
        "User @alice:x has been unlocked.", "User @alice:x has been unsuspended.", NULL};
    static const char *const lines[2][3] = {
        {"!admin users unlock @alice:x", "!admin users unsuspend @alice:x", NULL},
        {"!admin users suspend @alice:x", "!admin users lock @alice:x", NULL}};

    for (int value = 0; value < 2; value++) {
        bot_start(BACKEND, value == 1 ? on : off, rows);
        account_state_bool(&bot_change, ACCOUNT_LOCKED, value == 1);
        account_state_bool(&bot_change, ACCOUNT_SUSPENDED, value == 1);
        bot_update_well();
        bot_assert_sent(lines[value]);
        assert_not_in("PUT /_matrix/client/v1/admin/", bot_log());
        assert_true(account_is(&bot_observed.account, ACCOUNT_LOCKED) == (value == 1));
        assert_true(account_is(&bot_observed.account, ACCOUNT_SUSPENDED) == (value == 1));
        bot_clean_up(NULL);
    }
}

TEST(nobody_is_an_administrator_and_locked_or_suspended_at_once)
{
    static const struct {
        bool is_admin, is_locked;
        unsigned wants; /* ADMIN_BIT: admin: true; LOCKED, SUSPENDED: true */
        bool refused;
    } table[] = {
        {true, false, ACCOUNT_BIT(ACCOUNT_LOCKED), true},
        {true, false, ACCOUNT_BIT(ACCOUNT_SUSPENDED), true},
        {false, true, ADMIN_BIT, true},
        {false, false, ADMIN_BIT | ACCOUNT_BIT(ACCOUNT_SUSPENDED), true},
        {false, false, ADMIN_BIT, false},
        {false, false, BOTH_BITS, false},
    };
    static const struct recorded_reply rows[] = {{0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        int result;

        bot_start(BACKEND, silence, rows);
        account_state_bool(&bot_observed.account, ACCOUNT_ADMIN, table[i].is_admin);
        account_state_bool(&bot_observed.account, ACCOUNT_LOCKED, table[i].is_locked);
        account_state_bool(&bot_observed.account, ACCOUNT_SUSPENDED, false);
        for (int field = 0; field < ACCOUNT_FIELDS; field++)
            if ((table[i].wants & (1u << field)) != 0)
                account_state_bool(&bot_change, (enum account_field)field, true);
        result = bot.backend->type->may_update(bot.backend, &bot_observed, &bot_change, &error);
        if ((result != 0) != table[i].refused)
            fail_msg("row %zu: %s", i, error.text);
        if (result != 0)
            assert_kind(&error, ERROR_POLICY);
        bot_clean_up(NULL);
    }
}

/* ---- Ending and coming back ---------------------------------------------------------- */

TEST(who_was_deactivated_meanwhile_is_deactivated)
{
    static const struct recorded_reply rows[] = {MEMBERS_ARE(""), {0}};
    static const char *const answers[] = {
        "Command failed with error:\n```\nThis account is deactivated.\n```", NULL};

    bot_start(BACKEND, answers, rows);
    account_state_bool(&bot_change, ACCOUNT_DEACTIVATED, true);
    bot_update_well();
    assert_true(account_is(&bot_observed.account, ACCOUNT_DEACTIVATED));
}

static void
want_back(const char *password)
{
    account_state_bool(&bot_observed.account, ACCOUNT_DEACTIVATED, true);
    account_state_bool(&bot_change, ACCOUNT_DEACTIVATED, false);
    if (password != NULL)
        bot_want_password(password);
}

TEST(coming_back_takes_a_password)
{
    static const struct recorded_reply rows[] = {{0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    want_back(NULL);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("generate_password", error.text);
    assert_silent();
}

TEST(an_empty_answer_to_coming_back_is_proven_by_a_look)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, {0}};
    static const char *const answers[] = {"", NULL};
    static const char *const lines[] = {
        "!admin users reset-password --convert-to-local-account @alice:x Passw0rd", NULL};

    bot_start(BACKEND, answers, rows);
    want_back("Passw0rd");
    bot_update_well();
    bot_assert_sent(lines);
    assert_in("GET " SUSPENSION, bot_log());
    assert_false(account_is(&bot_observed.account, ACCOUNT_DEACTIVATED));
}

TEST(an_empty_answer_that_brought_nobody_back_is_an_error)
{
    static const struct recorded_reply rows[] = {IS_DEACTIVATED, {0}};
    static const char *const answers[] = {"", NULL};
    struct error error = {0};

    bot_start(BACKEND, answers, rows);
    want_back("Passw0rd");
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("deactivated still", error.text);
}

/* ---- Passwords ----------------------------------------------------------------------- */

TEST(a_password_that_a_line_carries_is_set_by_the_command_alone)
{
    static const struct recorded_reply rows[] = {{0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: `Passw0rd`", NULL};
    static const char *const lines[] = {"!admin users reset-password @alice:x Passw0rd", NULL};

    bot_start(BACKEND, answers, rows);
    bot_want_password("Passw0rd");
    bot_update_well();
    bot_assert_sent(lines);
    assert_not_in(LOGIN, bot_log());
}

TEST(an_application_services_account_without_a_password_gets_none)
{
    static const struct recorded_reply rows[] = {{0}};
    static const char *const answers[] = {
        "Command failed with error:\n```\nThe provided user is a shadow or deactivated account. "
        "To convert it\n```", NULL};
    struct error error = {0};

    bot_start(BACKEND, answers, rows);
    bot_want_password("Passw0rd");
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("application service's", error.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOT_TRIAL(an_account_that_is_locked_is_not_made_an_administrator),
        BOT_TRIAL(locks_and_suspensions_are_set_in_the_room_and_never_over_http),
        BOT_TRIAL(nobody_is_an_administrator_and_locked_or_suspended_at_once),
        BOT_TRIAL(who_was_deactivated_meanwhile_is_deactivated),
        BOT_TRIAL(coming_back_takes_a_password),
        BOT_TRIAL(an_empty_answer_to_coming_back_is_proven_by_a_look),
        BOT_TRIAL(an_empty_answer_that_brought_nobody_back_is_an_error),
        BOT_TRIAL(a_password_that_a_line_carries_is_set_by_the_command_alone),
        BOT_TRIAL(an_application_services_account_without_a_password_gets_none),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
