/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room as continuwuity has it: seeing accounts, and administrators. The rest is
 * in test_continuwuity_changes.c and test_room_creation.c. */
#include "bot_trial.h"

#include <string.h>

#define BACKEND "continuwuity"
#define ADMIN_BIT ACCOUNT_BIT(ACCOUNT_ADMIN)
#define BOTH_BITS (ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_SUSPENDED))

static const char *const silence[] = {NULL};

static int
lookup(unsigned mask, struct error *error)
{
    return bot.backend->type->lookup(bot.backend, mask, &bot_observed, error);
}

static void
lookup_well(unsigned mask)
{
    struct error error = {0};

    lookup(mask, &error);
    assert_kind(&error, ERROR_NONE);
}

/* Nothing was said in the room. */
static void
assert_silent(void)
{
    bot_assert_sent(silence);
}

/* ---- Seeing -------------------------------------------------------------------------- */

TEST(an_administrator_sees_what_the_server_tells_of_an_account)
{
    static const struct recorded_reply rows[] = {
        {"GET " SUSPENSION, 200, NULL, "{\"suspended\": true}"},
        {"GET " LOCK, 200, NULL, "{\"locked\": true}"}, MEMBERS_ARE(", \"@alice:x\": {}"),
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"}, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(~0u);
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    assert_true(account_states(&bot_observed.account, ACCOUNT_DEACTIVATED));
    assert_false(bot_observed.account.deactivated);
    assert_true(account_is(&bot_observed.account, ACCOUNT_SUSPENDED));
    assert_true(account_is(&bot_observed.account, ACCOUNT_LOCKED));
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
    assert_string_equal(bot_observed.account.displayname, "Al");
    assert_true(account_states(&bot_observed.account, ACCOUNT_AVATAR_URL));
}

TEST(what_is_not_wanted_is_not_asked)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(ACCOUNT_BIT(ACCOUNT_DEACTIVATED));
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    bot_log();
    lookup_well(ACCOUNT_BIT(ACCOUNT_DEACTIVATED));
    synapse_assert_asked("GET " SUSPENSION " syt_admin\n");
}

TEST(an_account_that_is_deactivated_is_known_by_the_refusal)
{
    static const struct recorded_reply rows[] = {IS_DEACTIVATED, NO_PROFILE, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(~0u);
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    assert_true(account_is(&bot_observed.account, ACCOUNT_DEACTIVATED));
    assert_false(account_is(&bot_observed.account, ACCOUNT_LOCKED));
    assert_not_in(LOCK, bot_log());
}

/* After 26.7.3, it is not there for an administrator, and its name is in use all the same. */
TEST(a_name_that_is_taken_by_nobody_who_is_there_is_a_deactivated_account)
{
    static const struct recorded_reply rows[] = {IS_ABSENT, IS_TAKEN, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(0);
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    assert_true(account_is(&bot_observed.account, ACCOUNT_DEACTIVATED));
}

TEST(an_account_is_absent_where_its_name_is_free_too)
{
    static const struct recorded_reply rows[] = {IS_ABSENT, IS_FREE, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(~0u);
    assert_int_equal(bot_observed.presence, PRESENCE_ABSENT);
}

/* Commands lower each name, so that one about @Alice would be about @alice. */
TEST(a_name_with_capitals_is_never_there_and_never_asked_about)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, {0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    assert_int_equal(account_name(&bot_observed.account, "@Alice:x", "Alice", &error), 0);
    lookup_well(~0u);
    assert_int_equal(bot_observed.presence, PRESENCE_ABSENT);
    synapse_assert_asked("");
}

TEST(a_server_that_does_not_tell_administrators_is_one_of_before)
{
    static const struct recorded_reply rows[] = {
        {"GET " SUSPENSION, 404, NULL, "{\"errcode\": \"M_UNRECOGNIZED\"}"}, {0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    assert_int_equal(lookup(0, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("26.7 and newer", error.text);
}

TEST(an_answer_that_makes_no_sense_is_an_error)
{
    static const struct recorded_reply tables[][3] = {
        {{"GET " SUSPENSION, 200, NULL, "{\"suspended\": 1}"}, {0}},
        {{"GET " SUSPENSION, 200, NULL, "{}"}, {0}},
        {IS_ACTIVE, {"GET " LOCK, 200, NULL, "{\"locked\": null}"}, {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        struct error error = {0};

        bot_start(BACKEND, silence, tables[i]);
        assert_int_equal(lookup(BOTH_BITS, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        bot_clean_up(NULL);
    }
}

TEST(who_is_not_in_the_admin_room_is_no_administrator_for_any_account)
{
    static const struct recorded_reply rows[] = {
        {"GET " AT_ROOM "/joined_members", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"},
        {"POST " AT_ROOM "/join", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, IS_ACTIVE, {0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    assert_int_equal(lookup(0, &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_true(error_ends_list(&error));
    assert_in("@admin:x is no administrator", error.text);
    assert_not_in(SUSPENSION, bot_log());
}

/* Made between the first question and the second. */
TEST(an_account_that_is_just_being_made_is_not_taken_for_a_deactivated_one)
{
    static const struct recorded_reply rows[] = {
        {"GET " SUSPENSION, RECORDED_ONCE + 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"},
        IS_TAKEN, IS_ACTIVE, {0}};

    bot_start(BACKEND, silence, rows);
    lookup_well(0);
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    assert_true(account_states(&bot_observed.account, ACCOUNT_DEACTIVATED));
    assert_false(bot_observed.account.deactivated);
}

/* ---- Administrators ------------------------------------------------------------------ */

static void
want_admin(bool admin)
{
    account_state_bool(&bot_change, ACCOUNT_ADMIN, admin);
}

/* make-user-admin grants any name, and whoever gets it later is an administrator. */
TEST(an_administrator_is_made_of_an_account_that_is_proven_to_exist)
{
    static const struct recorded_reply rows[] = {IS_TAKEN, IS_ACTIVE, {0}};
    static const char *const answers[] = {"@alice:x has been granted admin privileges.", NULL};
    static const char *const lines[] = {"!admin users make-user-admin @alice:x", NULL};

    bot_start(BACKEND, answers, rows);
    want_admin(true);
    bot_update_well();
    bot_assert_sent(lines);
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

TEST(no_administrator_is_made_of_a_name_that_does_not_exist)
{
    static const struct recorded_reply tables[][3] = {
        {IS_FREE, IS_ACTIVE, {0}}, /* one of the two has been wrong */
        {IS_FREE, IS_ABSENT, {0}},
        {{"GET " AVAILABLE, 400, NULL, "{\"errcode\": \"M_INVALID_USERNAME\"}"}, IS_ACTIVE,
            {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        struct error error = {0};

        bot_start(BACKEND, silence, tables[i]);
        want_admin(true);
        assert_int_equal(bot_update(&error), -1);
        assert_kind(&error, ERROR_NOT_FOUND);
        assert_silent();
        bot_clean_up(NULL);
    }
}

TEST(no_administrator_is_made_of_a_deactivated_account)
{
    static const struct recorded_reply rows[] = {IS_TAKEN, IS_DEACTIVATED, {0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    want_admin(true);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_silent();
}

TEST(who_was_made_an_administrator_meanwhile_is_one)
{
    static const struct recorded_reply rows[] = {IS_TAKEN, IS_ACTIVE, {0}};
    static const char *const answers[] = {
        "Command failed with error:\n```\nUser is already joined in the admin room\n```", NULL};

    bot_start(BACKEND, answers, rows);
    want_admin(true);
    bot_update_well();
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

#define PENDING                                                                            \
    "Command failed with error:\n```\nUser is already pending an invitation to the admin " \
    "room\n```"

TEST(an_invitation_that_stands_in_the_way_is_taken_back_first)
{
    static const struct recorded_reply rows[] = {
        IS_TAKEN, IS_ACTIVE, {KICK, 200, NULL, "{}"}, {0}};
    static const char *const answers[] = {
        PENDING, "@alice:x has been granted admin privileges.", NULL};
    static const char *const lines[] = {"!admin users make-user-admin @alice:x",
        "!admin users make-user-admin @alice:x", NULL};

    bot_start(BACKEND, answers, rows);
    want_admin(true);
    bot_update_well();
    bot_assert_sent(lines);
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

TEST(an_invitation_that_cannot_be_taken_back_is_an_error)
{
    static const struct recorded_reply rows[] = {
        IS_TAKEN, IS_ACTIVE, {KICK, 200, NULL, "{}"}, {0}};
    static const char *const answers[] = {PENDING, PENDING, NULL};
    struct error error = {0};

    bot_start(BACKEND, answers, rows);
    want_admin(true);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_false(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

TEST(an_administrator_is_put_out_of_the_room)
{
    static const struct recorded_reply rows[] = {MEMBERS_ARE(", \"@alice:x\": {}"), {0}};
    static const char *const answers[] = {"@alice:x has left !a.", NULL};
    static const char *const lines[] = {"!admin users force-leave-room @alice:x #admins:x", NULL};

    bot_start(BACKEND, answers, rows);
    account_state_bool(&bot_observed.account, ACCOUNT_ADMIN, true);
    want_admin(false);
    bot_update_well();
    bot_assert_sent(lines);
    assert_true(account_states(&bot_observed.account, ACCOUNT_ADMIN));
    assert_false(bot_observed.account.admin);
}

#define ALICE_ALONE                                                                        \
    {"GET " AT_ROOM "/joined_members", 200, NULL,                                          \
        "{\"joined\": {\"@alice:x\": {}, \"@conduit:x\": {}}}"}
/* The administrator that the task works as was in the room when it was opened. */
#define ADMIN_AT_FIRST                                                                     \
    {"GET " AT_ROOM "/joined_members", RECORDED_ONCE + 200, NULL,                          \
        "{\"joined\": {\"@admin:x\": {}, \"@conduit:x\": {}}}"}

TEST(the_last_administrator_is_neither_demoted_nor_deactivated)
{
    static const struct recorded_reply rows[] = {ADMIN_AT_FIRST, ALICE_ALONE, {0}};

    for (int deactivates = 0; deactivates < 2; deactivates++) {
        struct error error = {0};

        bot_start(BACKEND, silence, rows);
        account_state_bool(&bot_observed.account, ACCOUNT_ADMIN, true);
        account_state_bool(&bot_change, deactivates == 1 ? ACCOUNT_DEACTIVATED : ACCOUNT_ADMIN,
            deactivates == 1);
        assert_int_equal(bot_update(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        assert_in("the last administrator", error.text);
        assert_in("admin: true", error.text);
        assert_silent();
        bot_clean_up(NULL);
    }
}

TEST(the_administrator_that_a_task_works_as_does_nothing_to_itself)
{
    static const struct {
        enum account_field field;
        bool value;
        const char *says;
    } table[] = {
        {ACCOUNT_ADMIN, false, "nobody may demote themselves"},
        {ACCOUNT_DEACTIVATED, true, "so it is not deactivated"},
        {ACCOUNT_LOCKED, true, "so it is not locked"},
        {ACCOUNT_SUSPENDED, true, "so it is not suspended"},
    };
    static const struct recorded_reply rows[] = {{0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        bot_start(BACKEND, silence, rows);
        assert_int_equal(account_name(&bot_observed.account, "@admin:x", "admin", &error), 0);
        assert_int_equal(account_name(&bot_change, "@admin:x", "admin", &error), 0);
        account_state_bool(&bot_change, table[i].field, table[i].value);
        assert_int_equal(bot_update(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        assert_in(table[i].says, error.text);
        synapse_assert_asked("");
        bot_clean_up(NULL);
    }
}

TEST(a_task_does_not_end_the_session_that_it_works_with)
{
    static const struct recorded_reply rows[] = {{0}};
    struct error error = {0};

    bot_start(BACKEND, silence, rows);
    assert_int_equal(account_name(&bot_observed.account, "@admin:x", "admin", &error), 0);
    assert_int_equal(account_name(&bot_change, "@admin:x", "admin", &error), 0);
    bot_want_password("Passw0rd");
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &bot_change, true, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("logout_devices", error.text);
    synapse_assert_asked("");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOT_TRIAL(an_administrator_sees_what_the_server_tells_of_an_account),
        BOT_TRIAL(what_is_not_wanted_is_not_asked),
        BOT_TRIAL(an_account_that_is_deactivated_is_known_by_the_refusal),
        BOT_TRIAL(a_name_that_is_taken_by_nobody_who_is_there_is_a_deactivated_account),
        BOT_TRIAL(an_account_that_is_just_being_made_is_not_taken_for_a_deactivated_one),
        BOT_TRIAL(an_account_is_absent_where_its_name_is_free_too),
        BOT_TRIAL(a_name_with_capitals_is_never_there_and_never_asked_about),
        BOT_TRIAL(a_server_that_does_not_tell_administrators_is_one_of_before),
        BOT_TRIAL(an_answer_that_makes_no_sense_is_an_error),
        BOT_TRIAL(who_is_not_in_the_admin_room_is_no_administrator_for_any_account),
        BOT_TRIAL(an_administrator_is_made_of_an_account_that_is_proven_to_exist),
        BOT_TRIAL(no_administrator_is_made_of_a_name_that_does_not_exist),
        BOT_TRIAL(no_administrator_is_made_of_a_deactivated_account),
        BOT_TRIAL(who_was_made_an_administrator_meanwhile_is_one),
        BOT_TRIAL(an_invitation_that_stands_in_the_way_is_taken_back_first),
        BOT_TRIAL(an_invitation_that_cannot_be_taken_back_is_an_error),
        BOT_TRIAL(an_administrator_is_put_out_of_the_room),
        BOT_TRIAL(the_last_administrator_is_neither_demoted_nor_deactivated),
        BOT_TRIAL(the_administrator_that_a_task_works_as_does_nothing_to_itself),
        BOT_TRIAL(a_task_does_not_end_the_session_that_it_works_with),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
