/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room as Conduit has it: seeing accounts by logins, and administrators who come
 * and go by themselves. And what both servers do where there is no administrator. */
#include "bot_trial.h"

#include <string.h>

#include "backends/homeserver/state.h"

#define DEACTIVATED_LOGIN {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_USER_DEACTIVATED\"}"}
#define ALICE_IS_IN MEMBERS_ARE(", \"@alice:x\": {}")
#define INVITE "POST " AT_ROOM "/invite"
#define JOIN "POST " AT_ROOM "/join"
#define LEAVE "POST " AT_ROOM "/leave"
#define NO_POWER {KICK, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}

static const char *const silence[] = {NULL};

static void
lookup_well(void)
{
    struct error error = {0};

    bot.backend->type->lookup(bot.backend, ~0u, &bot_observed, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
want_admin(bool admin)
{
    account_state_bool(&bot_observed.account, ACCOUNT_ADMIN, !admin);
    account_state_bool(&bot_change, ACCOUNT_ADMIN, admin);
}

/* The account's own password, which opens it. */
static enum password_answer
ask_password(void)
{
    const struct secret password = secret_over("Passw0rd");
    enum password_answer answer = PASSWORD_CANNOT_TELL;
    char why[PASSWORD_WHY_SIZE] = "";
    struct error error = {0};

    bot.backend->type->ask_password(bot.backend, &bot_observed, &password, &answer, why, &error);
    assert_kind(&error, ERROR_NONE);
    return answer;
}

/* ---- Seeing -------------------------------------------------------------------------- */

TEST(an_account_is_seen_by_its_name_and_by_what_a_login_says)
{
    static const struct recorded_reply tables[][4] = {
        {IS_TAKEN, WRONG_LOGIN, NO_PROFILE, {0}},
        {IS_TAKEN, DEACTIVATED_LOGIN, NO_PROFILE, {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        bot_start("conduit", silence, tables[i]);
        lookup_well();
        assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
        assert_true(account_states(&bot_observed.account, ACCOUNT_DEACTIVATED));
        assert_true(bot_observed.account.deactivated == (i == 1));
        assert_false(account_is(&bot_observed.account, ACCOUNT_ADMIN));
        assert_not_in("/_synapse/", bot_log());
        assert_not_in("/v1/admin/", bot_log());
        bot_assert_sent(silence); /* a list that is too long kills the bot */
        bot_clean_up(NULL);
    }
}

TEST(no_login_is_spent_on_a_name_that_is_free)
{
    static const struct recorded_reply rows[] = {IS_FREE, {0}};

    bot_start("conduit", silence, rows);
    lookup_well();
    assert_int_equal(bot_observed.presence, PRESENCE_ABSENT);
    assert_not_in(LOGIN, bot_log());
}

/* "register/available" lowers each name, and says that Alice is taken where alice is. */
TEST(a_name_with_capitals_is_never_there)
{
    static const struct recorded_reply rows[] = {IS_TAKEN, WRONG_LOGIN, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    assert_int_equal(account_name(&bot_observed.account, "@Alice:x", "Alice", &error), 0);
    lookup_well();
    assert_int_equal(bot_observed.presence, PRESENCE_ABSENT);
    synapse_assert_asked("");
}

TEST(logins_are_not_counted_where_there_is_an_administrator)
{
    static const struct recorded_reply rows[] = {{0}};

    bot_start("conduit", silence, rows);
    assert_false(bot.backend->type->asks_by_login(bot.backend));
    bot_clean_up(NULL);
    bot_start_alone("conduit", rows);
    assert_true(bot.backend->type->asks_by_login(bot.backend));
}

/* ---- Coming in ----------------------------------------------------------------------- */

TEST(an_account_becomes_an_administrator_by_going_into_the_room_itself)
{
    static const struct recorded_reply rows[] = {LOGGED_IN, LOGGED_OUT, NO_PROFILE,
        {INVITE, 200, NULL, "{}"}, {JOIN, 200, NULL, "{}"}, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    want_admin(true);
    assert_false(bot.backend->type->updates(bot.backend, &bot_change));
    assert_int_equal(ask_password(), PASSWORD_SAME);
    want_admin(true); /* the room showed that it is none yet */
    assert_true(bot.backend->type->updates(bot.backend, &bot_change));
    assert_int_equal(bot_update(&error), 0);
    assert_in(INVITE " syt_admin {\"user_id\":\"@alice:x\"}\n", bot_log());
    assert_in(JOIN " own\n", bot_log());
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

/* There is one device for all runs, and another one's login ends our session. */
TEST(who_lost_its_session_on_the_way_in_comes_back)
{
    static const struct recorded_reply rows[] = {LOGGED_IN, LOGGED_OUT, NO_PROFILE,
        {INVITE, 200, NULL, "{}"},
        {JOIN, RECORDED_ONCE + 401, NULL, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"},
        {JOIN, 200, NULL, "{}"}, {0}};
    const struct secret password = secret_over("Passw0rd");
    struct error error = {0};

    bot_start("conduit", silence, rows);
    want_admin(true);
    assert_int_equal(secret_copy(&state_of(bot.backend)->own_password, &password), 0);
    assert_int_equal(bot_update(&error), 0);
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

TEST(who_cannot_come_in_by_itself_is_not_invited)
{
    static const struct recorded_reply rows[] = {WRONG_LOGIN, {INVITE, 200, NULL, "{}"}, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    assert_int_equal(ask_password(), PASSWORD_DIFFERENT);
    want_admin(true);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("give its own password", error.text);
    assert_not_in(INVITE, bot_log());
}

/* ---- Going out ----------------------------------------------------------------------- */

TEST(an_administrator_with_more_power_takes_another_one_out)
{
    static const struct recorded_reply rows[] = {ALICE_IS_IN, {KICK, 200, NULL, "{}"}, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    want_admin(false);
    assert_int_equal(bot_update(&error), 0);
    assert_in(KICK " syt_admin {\"user_id\":\"@alice:x\"}\n", bot_log());
    assert_true(account_states(&bot_observed.account, ACCOUNT_ADMIN));
    assert_false(bot_observed.account.admin);
}

TEST(who_cannot_be_taken_out_goes_by_itself_where_its_password_is_known)
{
    static const struct recorded_reply rows[] = {ALICE_IS_IN, LOGGED_IN, LOGGED_OUT, NO_PROFILE,
        NO_POWER, {LEAVE, 200, NULL, "{}"}, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    want_admin(false);
    /* So that it is asked for, if it is given. */
    assert_false(bot.backend->type->updates(bot.backend, &bot_change));
    assert_int_equal(ask_password(), PASSWORD_SAME);
    assert_int_equal(bot_update(&error), 0);
    assert_in(LEAVE " own\n", bot_log());
    assert_false(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

TEST(too_little_power_is_told_with_what_helps)
{
    static const struct recorded_reply rows[] = {ALICE_IS_IN, NO_POWER, {0}};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    want_admin(false);
    assert_int_equal(bot_update(&error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_int_equal(error.status, 403);
    assert_in("power level", error.text);
    assert_in("emergency_password", error.text);
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
}

/* ---- The bot alone ------------------------------------------------------------------- */

#define BOT_LOGGED_IN                                                                      \
    {"POST " LOGIN, 200, NULL, "{\"user_id\": \"@conduit:x\", \"access_token\": \"bot\"}"}
#define BOT_ALONE                                                                          \
    {"GET " AT_ROOM "/joined_members", 200, NULL, "{\"joined\": {\"@conduit:x\": {}}}"}
#define BOT_AND_ALICE                                                                      \
    {"GET " AT_ROOM "/joined_members", 200, NULL,                                          \
        "{\"joined\": {\"@conduit:x\": {}, \"@alice:x\": {}}}"}
#define ALL_LOGGED_OUT {"POST " LOGOUT "/all", 200, NULL, "{}"}

/* The next account that registers becomes an administrator, whoever that is. */
TEST(a_room_that_the_bot_is_alone_in_is_told_in_the_end)
{
    static const struct {
        const char *backend;
        struct recorded_reply rows[6];
        bool warned;
    } table[] = {
        {"conduit", {BOT_LOGGED_IN, ROOM_IS_THERE, BOT_ALONE, ALL_LOGGED_OUT, {0}}, true},
        {"conduit", {BOT_LOGGED_IN, ROOM_IS_THERE, BOT_AND_ALICE, ALL_LOGGED_OUT, {0}}, false},
        {"continuwuity", {BOT_LOGGED_IN, ROOM_IS_THERE, BOT_ALONE, ALL_LOGGED_OUT, {0}}, false},
    };
    const struct secret emergency = secret_over("break-glass");

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        bool warned = false;

        synapse_start_with_token(&bot, table[i].rows);
        bot.connection.backend = table[i].backend;
        bot.connection.access_token = NULL;
        bot.connection.emergency_password = &emergency;
        synapse_open_well(&bot);
        assert_int_equal(bot.backend->type->check_credential(bot.backend, &error), 0);
        backend_close(bot.backend);
        bot.backend = NULL;
        for (size_t j = 0; j < bot.warnings.count; j++)
            warned |= strstr(bot.warnings.items[j], "makes the next account") != NULL;
        assert_true(warned == table[i].warned);
        assert_in("POST " LOGOUT "/all bot\n", bot_log());
        bot_clean_up(NULL);
    }
}

TEST(administrators_are_those_in_the_room_but_for_the_bot)
{
    static const struct recorded_reply rows[] = {ALICE_IS_IN, {0}};
    struct list administrators = {0};
    struct error error = {0};

    bot_start("conduit", silence, rows);
    assert_int_equal(
        bot.backend->type->list_administrators(bot.backend, &administrators, &error), 0);
    list_sort(&administrators);
    assert_int_equal(administrators.count, 2);
    assert_string_equal(administrators.items[0], "@admin:x");
    assert_string_equal(administrators.items[1], "@alice:x");
    list_free(&administrators);
}

/* ---- Without an administrator -------------------------------------------------------- */

#define REGISTRATION "POST /_matrix/client/v3/register"

TEST(nothing_that_opens_the_server_is_told_with_what_would)
{
    static const struct recorded_reply rows[] = {
        {REGISTRATION, 403, NULL,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Registration has been disabled.\"}"},
        {0}};
    struct error error = {0};

    bot_start_alone("conduit", rows);
    assert_string_equal(bot.backend->authenticated_by, "password");
    assert_int_equal(bot.backend->type->check_credential(bot.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("Registration has been disabled.", error.text);
    assert_in("emergency_password", error.text);
}

TEST(a_change_that_takes_an_administrator_says_so)
{
    static const struct recorded_reply rows[] = {{0}};
    static const enum account_field fields[] = {ACCOUNT_DEACTIVATED, ACCOUNT_ADMIN,
        ACCOUNT_LOCKED, ACCOUNT_SUSPENDED};

    for (size_t i = 0; i < COUNT(fields); i++) {
        struct error error = {0};

        bot_start_alone("continuwuity", rows);
        account_state_bool(&bot_change, fields[i], true);
        assert_false(bot.backend->type->updates(bot.backend, &bot_change));
        assert_int_equal(bot_update(&error), -1);
        assert_kind(&error, ERROR_UNAUTHORIZED);
        assert_in("takes an administrator: give access_token", error.text);
        bot_clean_up(NULL);
    }
}

TEST(an_account_sees_by_itself_whether_it_is_an_administrator_and_sets_its_name)
{
    static const struct recorded_reply rows[] = {LOGGED_IN, LOGGED_OUT, ROOM_IS_THERE,
        ALICE_IS_IN, {"PUT " PROFILE, 200, NULL, "{}"},
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"}, {0}};
    struct error error = {0};

    bot_start_alone("continuwuity", rows);
    assert_int_equal(ask_password(), PASSWORD_SAME);
    assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
    assert_string_equal(bot_observed.account.displayname, "Al");
    assert_int_equal(account_state_text(&bot_change, ACCOUNT_DISPLAYNAME, "Bo", &error), 0);
    assert_true(bot.backend->type->updates(bot.backend, &bot_change));
    assert_int_equal(bot_update(&error), 0);
    assert_in("PUT " PROFILE ALICE "/displayname own {\"displayname\":\"Bo\"}\n", bot_log());
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOT_TRIAL(an_account_is_seen_by_its_name_and_by_what_a_login_says),
        BOT_TRIAL(no_login_is_spent_on_a_name_that_is_free),
        BOT_TRIAL(a_name_with_capitals_is_never_there),
        BOT_TRIAL(logins_are_not_counted_where_there_is_an_administrator),
        BOT_TRIAL(an_account_becomes_an_administrator_by_going_into_the_room_itself),
        BOT_TRIAL(who_lost_its_session_on_the_way_in_comes_back),
        BOT_TRIAL(who_cannot_come_in_by_itself_is_not_invited),
        BOT_TRIAL(an_administrator_with_more_power_takes_another_one_out),
        BOT_TRIAL(who_cannot_be_taken_out_goes_by_itself_where_its_password_is_known),
        BOT_TRIAL(too_little_power_is_told_with_what_helps),
        BOT_TRIAL(a_room_that_the_bot_is_alone_in_is_told_in_the_end),
        BOT_TRIAL(administrators_are_those_in_the_room_but_for_the_bot),
        BOT_TRIAL(nothing_that_opens_the_server_is_told_with_what_would),
        BOT_TRIAL(a_change_that_takes_an_administrator_says_so),
        BOT_TRIAL(an_account_sees_by_itself_whether_it_is_an_administrator_and_sets_its_name),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
