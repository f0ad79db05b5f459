/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room: making accounts, what is refused before, and passwords that take two
 * steps. */
#include "bot_trial.h"

#include <string.h>

#include "backends/room/standin.h"
#include "quick_fingerprint.h"

static const char *const silence[] = {NULL};
static enum creation creation;

/* What quick_fingerprint.h makes of the passwords and "registrar/v1 command\0@alice:x", in
 * base64url. That the real one is asked is shown by test_room_standin.c. */
#define STANDIN "BhIISQQbAAUBWwFeABQAHwkSGhNvYBYDGwcWTg8dRRA"             /* of "two words" */
#define STANDIN_OF_PASSW0RD "IgQUGgREAAUiTgVCV1MdCT0AHRd3cBMIOQIWSQ9CFwM" /* of "Passw0rd" */

#define LOGIN_WITH(password)                                                               \
    "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"            \
    "\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"" password "\","                   \
    "\"initial_device_display_name\":\"Registrar\",\"device_id\":\"registrar\"}\n"
#define CHANGE(from, to)                                                                   \
    "POST " PASSWORD " own {\"new_password\":\"" to "\",\"logout_devices\":false,"         \
    "\"auth\":{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\","      \
    "\"user\":\"@alice:x\"},\"password\":\"" from "\"}}\n"
#define CHANGED {"POST " PASSWORD, 200, NULL, "{}"}
#define LOGGED_IN_ONCE                                                                     \
    {"POST " LOGIN, RECORDED_ONCE + 200, NULL,                                             \
        "{\"user_id\": \"@alice:x\", \"access_token\": \"own\"}"}
#define WRONG_LOGIN_ONCE                                                                   \
    {"POST " LOGIN, RECORDED_ONCE + 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
/* Of the login that shows that there are any. */
#define NOBODYS_LOGIN                                                                      \
    {"POST " LOGIN, RECORDED_ONCE + 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define NO_AVATAR {"GET " PROFILE, 200, NULL, "{}"}

static int
create(struct error *error)
{
    return bot.backend->type->create(bot.backend, &bot_change, &creation, &bot_observed, error);
}

static void
create_well(void)
{
    struct error error = {0};

    create(&error);
    assert_kind(&error, ERROR_NONE);
}

/* As ensure ends a creation: with the password, where it is not the account's yet. */
static int
finish(struct error *error)
{
    assert_true(bot_observed.unfinished);
    return bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, error);
}

/* ---- Before anything is sent --------------------------------------------------------- */

static int
vet(struct error *error)
{
    return bot.backend->type->vet(bot.backend, &bot_change, error);
}

TEST(the_servers_own_user_is_nobody_to_manage)
{
    static const char *const backends[] = {"continuwuity", "conduit"};
    static const struct recorded_reply rows[] = {{0}};

    for (size_t i = 0; i < COUNT(backends); i++) {
        struct error error = {0};

        bot_start(backends[i], silence, rows);
        assert_int_equal(account_name(&bot_change, NULL, "conduit", &error), 0);
        assert_int_equal(vet(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        synapse_assert_asked("");
        bot_clean_up(NULL);
    }
}

TEST(an_empty_password_and_a_locked_administrator_are_refused)
{
    static const struct recorded_reply rows[] = {{0}};

    for (int i = 0; i < 3; i++) {
        struct error error = {0};

        bot_start("continuwuity", silence, rows);
        if (i == 0)
            bot_want_password("");
        account_state_bool(&bot_change, ACCOUNT_ADMIN, true);
        account_state_bool(&bot_change, ACCOUNT_LOCKED, i == 1);
        account_state_bool(&bot_change, ACCOUNT_SUSPENDED, i == 2);
        assert_int_equal(vet(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        synapse_assert_asked("");
        bot_clean_up(NULL);
    }
}

TEST(whoever_can_create_here_is_known_before)
{
    static const struct recorded_reply rows[] = {{0}};
    const struct secret token = secret_over("registration");
    const struct backend_type *type;

    bot_start("continuwuity", silence, rows);
    type = bot.backend->type;
    account_state_bool(&bot_change, ACCOUNT_LOCKED, true);
    assert_true(type->creates(bot.backend, &bot_change));
    bot_clean_up(NULL);

    bot_start_alone("continuwuity", rows);
    assert_false(type->creates(bot.backend, &bot_change)); /* nothing is, without a password */
    bot_want_password("Passw0rd");
    assert_true(type->creates(bot.backend, &bot_change)); /* registration may be open */
    account_state_bool(&bot_change, ACCOUNT_LOCKED, true);
    assert_false(type->creates(bot.backend, &bot_change));
    bot_change.stated &= ~ACCOUNT_BIT(ACCOUNT_LOCKED);
    bot.connection.registration_token = &token;
    assert_true(type->creates(bot.backend, &bot_change));
    bot.connection.registration_token = NULL;
}

/* ---- Making -------------------------------------------------------------------------- */

TEST(a_password_that_a_line_carries_is_in_the_command_and_taken_away_again)
{
    static const struct recorded_reply rows[] = {{0}};
    static const char *const answers[] = {"Created user @alice:x with password `Passw0rd`", NULL};
    static const char *const lines[] = {"!admin users create-user @alice:x Passw0rd", NULL};

    bot_start("continuwuity", answers, rows);
    bot_want_password("Passw0rd");
    create_well();
    assert_int_equal(creation, CREATION_DONE);
    bot_assert_sent(lines);
    assert_in("PUT " AT_ROOM "/redact/%24E0/", bot_log());
    assert_in("PUT " AT_ROOM "/redact/%24A0/", bot_log());
    assert_not_in(LOGIN, bot_log());
    assert_int_equal(bot_observed.presence, PRESENCE_PRESENT);
    assert_false(bot_observed.unfinished);
    assert_true(bot_observed.password_is_set);
    assert_true(account_states(&bot_observed.account, ACCOUNT_ADMIN));
    assert_false(bot_observed.account.admin);
}

TEST(a_password_that_no_line_carries_takes_two_steps)
{
    static const struct recorded_reply rows[] = {
        NOBODYS_LOGIN, LOGGED_IN, CHANGED, LOGGED_OUT, NO_AVATAR, {0}};
    static const char *const answers[] = {
        "Created user @alice:x with password `" STANDIN "`", NULL};
    static const char *const lines[] = {"!admin users create-user @alice:x " STANDIN, NULL};
    struct error error = {0};

    bot_start("continuwuity", answers, rows);
    bot_want_password("two words");
    create_well();
    assert_false(bot_observed.password_is_set);
    assert_int_equal(finish(&error), 0);
    assert_false(bot_observed.unfinished);
    bot_assert_sent(lines);
    assert_in(LOGIN_WITH(STANDIN), bot_log());
    assert_in(CHANGE(STANDIN, "two words"), bot_log());
    synapse_close(&bot);
    assert_in("POST " LOGOUT " own\n", bot_log());
}

/* Who registers as Conduit's second administrator cannot redact what the bot has said. */
TEST(no_wanted_password_is_in_a_command_to_conduit)
{
    static const struct recorded_reply rows[] = {
        WRONG_LOGIN_ONCE, LOGGED_IN, CHANGED, LOGGED_OUT, NO_AVATAR, {0}};
    static const char *const answers[] = {
        "Created user with user_id: @alice:x and password: " STANDIN_OF_PASSW0RD, NULL};
    static const char *const lines[] = {
        "@conduit:x: create-user @alice:x " STANDIN_OF_PASSW0RD, NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    bot_want_password("Passw0rd");
    create_well();
    assert_int_equal(finish(&error), 0);
    bot_assert_sent(lines);
    assert_in(CHANGE(STANDIN_OF_PASSW0RD, "Passw0rd"), bot_log());
}

TEST(an_account_without_a_password_gets_one_of_the_servers_making)
{
    static const struct recorded_reply rows[] = {
        NOBODYS_LOGIN, LOGGED_IN, LOGGED_OUT, NO_AVATAR, {"PUT " PROFILE, 200, NULL, "{}"}, {0}};
    static const char *const answers[] = {"Created user @alice:x with password `Gen3rated`", NULL};
    static const char *const lines[] = {"!admin users create-user @alice:x", NULL};
    struct error error = {0};

    bot_start("continuwuity", answers, rows);
    assert_int_equal(account_state_text(&bot_change, ACCOUNT_DISPLAYNAME, "Al", &error), 0);
    create_well();
    assert_false(bot_observed.unfinished);
    bot_assert_sent(lines);
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, &error), 0);
    assert_in(LOGIN_WITH("Gen3rated"), bot_log());
    assert_in("PUT " PROFILE ALICE "/displayname own {\"displayname\":\"Al\"}\n", bot_log());
}

TEST(a_taken_name_is_an_answer)
{
    static const struct recorded_reply rows[] = {{0}};
    static const char *const answers[] = {
        "Command failed with error:\n```\nUsername is not available.\n```", NULL};

    bot_start("continuwuity", answers, rows);
    bot_want_password("Passw0rd");
    create_well();
    assert_int_equal(creation, CREATION_NAME_TAKEN);
}

/* make-user-admin took the name before there was an account of it. */
TEST(who_is_an_administrator_from_the_beginning_is_told)
{
    static const struct recorded_reply rows[] = {MEMBERS_ARE(", \"@alice:x\": {}"), {0}};
    static const char *const answers[] = {"Created user @alice:x with password `Passw0rd`", NULL};

    for (int wanted = 0; wanted < 2; wanted++) {
        bot_start("continuwuity", answers, rows);
        bot_want_password("Passw0rd");
        if (wanted == 1)
            account_state_bool(&bot_change, ACCOUNT_ADMIN, false);
        create_well();
        assert_true(account_is(&bot_observed.account, ACCOUNT_ADMIN));
        assert_int_equal(bot.warnings.count, wanted == 1 ? 0 : 1);
        if (wanted == 0)
            assert_in("@alice:x is an administrator from the beginning", bot.warnings.items[0]);
        bot_clean_up(NULL);
    }
}

/* suspend_on_register is of accounts that a command makes, too. */
TEST(a_suspension_that_is_wanted_off_is_looked_at)
{
    static const struct recorded_reply rows[] = {
        {"GET " SUSPENSION, 200, NULL, "{\"suspended\": true}"}, {0}};
    static const char *const answers[] = {"Created user @alice:x with password `Passw0rd`", NULL};

    bot_start("continuwuity", answers, rows);
    bot_want_password("Passw0rd");
    account_state_bool(&bot_change, ACCOUNT_SUSPENDED, false);
    create_well();
    assert_true(account_is(&bot_observed.account, ACCOUNT_SUSPENDED));
}

/* ---- Runs that were cut off ---------------------------------------------------------- */

TEST(an_account_that_was_left_half_made_is_known_by_its_password)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, LOGGED_IN, LOGGED_OUT, {0}};
    struct error error = {0};

    bot_start("continuwuity", silence, rows);
    bot_want_password("two words");
    assert_int_equal(vet(&error), 0);
    assert_int_equal(bot.backend->type->lookup(bot.backend, 0, &bot_observed, &error), 0);
    assert_true(bot_observed.unfinished);
    assert_in(LOGIN_WITH(STANDIN) "POST " LOGOUT " own\n", bot_log());
}

TEST(the_second_step_alone_finishes_what_was_left_half_made)
{
    static const struct recorded_reply rows[] = {
        IS_ACTIVE, LOGGED_IN, CHANGED, LOGGED_OUT, NO_AVATAR, {0}};
    struct error error = {0};

    bot_start("continuwuity", silence, rows);
    bot_want_password("two words");
    assert_int_equal(vet(&error), 0);
    assert_int_equal(bot.backend->type->lookup(bot.backend, 0, &bot_observed, &error), 0);
    assert_int_equal(finish(&error), 0);
    bot_assert_sent(silence);
    assert_in(CHANGE(STANDIN, "two words"), bot_log());
}

TEST(an_account_that_another_password_opens_was_not_left_half_made)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, WRONG_LOGIN, {0}};
    struct error error = {0};

    bot_start("continuwuity", silence, rows);
    bot_want_password("two words");
    assert_int_equal(vet(&error), 0);
    assert_int_equal(bot.backend->type->lookup(bot.backend, 0, &bot_observed, &error), 0);
    assert_false(bot_observed.unfinished);
}

TEST(no_login_is_spent_on_a_password_that_a_line_carries)
{
    static const struct recorded_reply rows[] = {IS_ACTIVE, {0}};
    struct error error = {0};

    bot_start("continuwuity", silence, rows);
    bot_want_password("Passw0rd");
    assert_int_equal(vet(&error), 0);
    assert_int_equal(bot.backend->type->lookup(bot.backend, 0, &bot_observed, &error), 0);
    assert_not_in(LOGIN, bot_log());
}

TEST(a_second_step_that_fails_says_what_the_account_is_left_with)
{
    static const struct {
        const char *backend, *answer, *says;
    } table[] = {
        {"continuwuity", "Successfully reset the password for user @alice:x: `" STANDIN "`",
            "until this task is run again, @alice:x has another password"},
        {"conduit", "Successfully reset the password for user @alice:x: Gen3rated",
            "another password, which whoever is in the admin room can read there"},
    };
    static const struct recorded_reply rows[] = {LOGGED_IN_ONCE, WRONG_LOGIN,
        {"POST " PASSWORD, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, LOGGED_OUT, NO_AVATAR,
        {0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const char *const answers[] = {table[i].answer, NULL};
        struct error error = {0};

        bot_start(table[i].backend, answers, rows);
        bot_want_password("two words");
        assert_int_equal(
            bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, &error),
            -1);
        assert_kind(&error, ERROR_FORBIDDEN);
        assert_in(table[i].says, error.text);
        assert_true(error_hides_outcome(&error)); /* the first one changed it */
        bot_clean_up(NULL);
    }
}

/* The first try has changed it, so that the second one has a wrong password. */
TEST(a_change_of_which_the_answer_was_lost_is_known_by_the_new_password)
{
    static const struct recorded_reply rows[] = {LOGGED_IN,
        {"POST " PASSWORD, RECORDED_LOST, NULL, NULL}, LOGGED_OUT, NO_AVATAR, {0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: Gen3rated", NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    bot_want_password("two words");
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, &error), 0);
    assert_in(LOGIN_WITH("two words"), bot_log());
}

/* Two runs at once, and the other one is done by the time of our next look. */
TEST(an_account_that_another_run_has_made_is_opened_with_the_wanted_password)
{
    static const struct recorded_reply rows[] = {NOBODYS_LOGIN, WRONG_LOGIN_ONCE, LOGGED_IN,
        LOGGED_OUT, IS_ACTIVE, {"PUT " PROFILE, 200, NULL, "{}"}, {0}};
    static const char *const answers[] = {
        "Command failed with error:\n```\nUsername is not available.\n```", NULL};
    struct account name = {0};
    struct error error = {0};

    bot_start("continuwuity", answers, rows);
    bot_want_password("two words");
    assert_int_equal(vet(&error), 0);
    create_well();
    assert_int_equal(creation, CREATION_NAME_TAKEN);
    assert_int_equal(bot.backend->type->lookup(bot.backend, 0, &bot_observed, &error), 0);
    assert_false(bot_observed.unfinished);
    assert_int_equal(account_name(&name, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_state_text(&name, ACCOUNT_DISPLAYNAME, "Al", &error), 0);
    assert_true(bot.backend->type->updates(bot.backend, &name));
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &name, false, &error), 0);
    assert_in(LOGIN_WITH("two words") "PUT " PROFILE ALICE "/displayname own", bot_log());
    account_free(&name);
}

/* Two runs at once both find the account half made. */
TEST(a_change_that_another_run_was_faster_with_is_made)
{
    static const struct recorded_reply rows[] = {LOGGED_IN,
        {"POST " PASSWORD, 401, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, LOGGED_OUT, NO_AVATAR,
        {0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: Gen3rated", NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    bot_want_password("two words");
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, &error), 0);
}

/* Both log in on the one device that there is for it. */
TEST(a_session_that_another_run_has_ended_is_had_again)
{
    static const struct recorded_reply rows[] = {LOGGED_IN_ONCE, WRONG_LOGIN_ONCE, LOGGED_IN,
        {"POST " PASSWORD, RECORDED_ONCE + 401, NULL, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"},
        CHANGED, LOGGED_OUT, {0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: Gen3rated", NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    bot_want_password("two words");
    assert_int_equal(
        bot.backend->type->update(bot.backend, &bot_observed, &bot_change, false, &error), 0);
    assert_in(CHANGE("Gen3rated", "two words"), bot_log());
}

/* Continuwuity with oauth.compatibility_mode "exclusive". */
TEST(what_would_take_a_login_is_refused_before_where_there_are_none)
{
    static const struct recorded_reply rows[] = {
        {"POST " LOGIN, 404, NULL, "{\"errcode\": \"M_UNRECOGNIZED\"}"}, {0}};

    for (int i = 0; i < 3; i++) {
        struct error error = {0};

        bot_start("continuwuity", silence, rows);
        bot_want_password(i == 0 ? "two words" : "Passw0rd");
        if (i == 1)
            account_state_text(&bot_change, ACCOUNT_DISPLAYNAME, "Al", &error);
        assert_true((bot.backend->type->may_create(bot.backend, &bot_change, &error) == 0) ==
                    (i == 2));
        assert_true((bot.backend->type->may_update(bot.backend, &bot_observed, &bot_change,
                         &error) == 0) == (i == 2));
        assert_kind(&error, i == 2 ? ERROR_NONE : ERROR_UNSUPPORTED);
        bot_assert_sent(silence);
        bot_clean_up(NULL);
    }
}

/* ---- Standing in --------------------------------------------------------------------- */

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOT_TRIAL(the_servers_own_user_is_nobody_to_manage),
        BOT_TRIAL(an_empty_password_and_a_locked_administrator_are_refused),
        BOT_TRIAL(whoever_can_create_here_is_known_before),
        BOT_TRIAL(a_password_that_a_line_carries_is_in_the_command_and_taken_away_again),
        BOT_TRIAL(a_password_that_no_line_carries_takes_two_steps),
        BOT_TRIAL(no_wanted_password_is_in_a_command_to_conduit),
        BOT_TRIAL(an_account_without_a_password_gets_one_of_the_servers_making),
        BOT_TRIAL(a_taken_name_is_an_answer),
        BOT_TRIAL(who_is_an_administrator_from_the_beginning_is_told),
        BOT_TRIAL(a_suspension_that_is_wanted_off_is_looked_at),
        BOT_TRIAL(an_account_that_was_left_half_made_is_known_by_its_password),
        BOT_TRIAL(the_second_step_alone_finishes_what_was_left_half_made),
        BOT_TRIAL(an_account_that_another_password_opens_was_not_left_half_made),
        BOT_TRIAL(no_login_is_spent_on_a_password_that_a_line_carries),
        BOT_TRIAL(a_second_step_that_fails_says_what_the_account_is_left_with),
        BOT_TRIAL(a_change_of_which_the_answer_was_lost_is_known_by_the_new_password),
        BOT_TRIAL(a_change_that_another_run_was_faster_with_is_made),
        BOT_TRIAL(a_session_that_another_run_has_ended_is_had_again),
        BOT_TRIAL(an_account_that_another_run_has_made_is_opened_with_the_wanted_password),
        BOT_TRIAL(what_would_take_a_login_is_refused_before_where_there_are_none),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
