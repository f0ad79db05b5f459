/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room/commands.h: what is said to a bot. What it answers is in
 * test_room_answers.c. */
#include "bot_trial.h"

#include <string.h>

#include "backends/room/commands.h"
#include "backends/room/seat.h"

static struct command_outcome outcome;
static struct command_order order;

static int
clean_up(void **state)
{
    commands_outcome_free(&outcome);
    memset(&order, 0, sizeof(order));
    return bot_clean_up(state);
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* Gives one command about @alice:x, with a password or none, that is answered so. */
static int
give(const char *backend, enum command command, const struct secret *password,
    const char *answer, struct error *error)
{
    static const struct recorded_reply nothing[] = {{0}};
    const char *const answers[] = {answer, NULL};

    bot_start(backend, answers, nothing);
    order.command = command;
    order.user_id = "@alice:x";
    order.password = password;
    return seat_order(bot.backend, &order, &outcome, error);
}

/* ---- Passwords that a line carries --------------------------------------------------- */

/* Both servers split a line at white space, and continuwuity tells a password between
 * backticks. */
TEST(a_password_is_carried_unless_a_line_would_mangle_it)
{
    static const struct {
        const char *password;
        bool carried;
    } table[] = {
        {"abc", true}, {"-dash", true}, {"\"q\"", true}, {"back\\slash", true}, {"*", true},
        {"<b>&amp;", true}, {"p\xc3\xa4ss", true}, {"\xf0\x9f\x92\x95", true},
        {"", false}, {" ", false}, {"a b", false}, {"a\tb", false}, {"a\nb", false},
        {"a\rb", false}, {"`", false}, {"a`b", false}, {"a\x7f", false},
        {"a\xc2\x85" "b", false},     /* U+0085 */
        {"a\xc2\xa0" "b", false},     /* U+00A0 */
        {"a\xe1\x9a\x80" "b", false}, /* U+1680 */
        {"a\xe2\x80\x80" "b", false}, /* U+2000 */
        {"a\xe2\x80\x8a" "b", false}, /* U+200A */
        {"a\xe2\x80\x8b" "b", true},  /* U+200B has no width, and is no white space */
        {"a\xe2\x80\xa8" "b", false}, /* U+2028 */
        {"a\xe2\x80\xa9" "b", false}, /* U+2029 */
        {"a\xe2\x80\xaf" "b", false}, /* U+202F */
        {"a\xe2\x81\x9f" "b", false}, /* U+205F */
        {"a\xe3\x80\x80" "b", false}, /* U+3000 */
        {"a\xff", false},
    };
    char long_one[COMMANDS_PASSWORD_LONGEST + 2];

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct secret secret = secret_over(table[i].password);

        if (commands_carry(&secret) != table[i].carried)
            fail_msg("row %zu: \"%s\"", i, table[i].password);
    }
    memset(long_one, 'x', sizeof(long_one));
    assert_true(commands_carry(
        &(struct secret){.bytes = long_one, .length = COMMANDS_PASSWORD_LONGEST}));
    assert_false(commands_carry(
        &(struct secret){.bytes = long_one, .length = COMMANDS_PASSWORD_LONGEST + 1}));
}

/* ---- What is said -------------------------------------------------------------------- */

TEST(each_command_is_said_in_its_servers_words)
{
    static const struct {
        const char *backend;
        enum command command;
        const char *password, *answer, *line;
        bool logout_devices;
    } table[] = {
        {"continuwuity", COMMAND_CREATE, "pw", "Created user @alice:x with password `pw`",
            "!admin users create-user @alice:x pw", false},
        {"continuwuity", COMMAND_CREATE, NULL, "Created user @alice:x with password `made`",
            "!admin users create-user @alice:x", true},
        {"continuwuity", COMMAND_CREATE, "-pw", "Created user @alice:x with password `-pw`",
            "!admin users create-user @alice:x -- -pw", false},
        {"continuwuity", COMMAND_RESET, "pw",
            "Successfully reset the password for user @alice:x: `pw`",
            "!admin users reset-password @alice:x pw", false},
        {"continuwuity", COMMAND_RESET, "-pw",
            "Successfully reset the password for user @alice:x: `-pw`\nAll existing sessions "
            "have been logged out.",
            "!admin users reset-password --logout @alice:x -- -pw", true},
        {"continuwuity", COMMAND_REVIVE, "pw", "",
            "!admin users reset-password --convert-to-local-account @alice:x pw", true},
        {"continuwuity", COMMAND_PROMOTE, NULL, "@alice:x has been granted admin privileges.",
            "!admin users make-user-admin @alice:x", false},
        {"continuwuity", COMMAND_DEMOTE, NULL, "@alice:x has left !a.",
            "!admin users force-leave-room @alice:x #admins:x", false},
        {"continuwuity", COMMAND_DEACTIVATE, NULL, "User @alice:x has been deactivated",
            "!admin users deactivate @alice:x", false},
        {"continuwuity", COMMAND_LOCK, NULL, "User @alice:x has been locked.",
            "!admin users lock @alice:x", false},
        {"continuwuity", COMMAND_UNLOCK, NULL, "User @alice:x has been unlocked.",
            "!admin users unlock @alice:x", false},
        {"continuwuity", COMMAND_SUSPEND, NULL, "User @alice:x has been suspended.",
            "!admin users suspend @alice:x", false},
        {"continuwuity", COMMAND_UNSUSPEND, NULL, "User @alice:x has been unsuspended.",
            "!admin users unsuspend @alice:x", false},
        {"conduit", COMMAND_CREATE, "pw",
            "Created user with user_id: @alice:x and password: pw",
            "@conduit:x: create-user @alice:x pw", false},
        {"conduit", COMMAND_RESET, NULL,
            "Successfully reset the password for user @alice:x: made",
            "@conduit:x: reset-password @alice:x", true},
        {"conduit", COMMAND_REVIVE, NULL,
            "Successfully reset the password for user @alice:x: made",
            "@conduit:x: reset-password @alice:x", false},
        {"conduit", COMMAND_DEACTIVATE, NULL, "User @alice:x has been deactivated",
            "@conduit:x: deactivate-user --leave-rooms @alice:x", false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const char *const lines[] = {table[i].line, NULL};
        struct secret password = {0};
        struct error error = {0};

        if (table[i].password != NULL)
            password = secret_over(table[i].password);
        order.logout_devices = table[i].logout_devices;
        give(table[i].backend, table[i].command, table[i].password == NULL ? NULL : &password,
            table[i].answer, &error);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(outcome.verdict, VERDICT_DONE);
        bot_assert_sent(lines);
        clean_up(NULL);
    }
}

TEST(what_a_server_has_no_command_for_is_not_sent)
{
    static const enum command commands[] = {COMMAND_PROMOTE, COMMAND_DEMOTE, COMMAND_LOCK,
        COMMAND_UNLOCK, COMMAND_SUSPEND, COMMAND_UNSUSPEND};
    static const char *const none[] = {NULL};

    for (size_t i = 0; i < COUNT(commands); i++) {
        struct error error = {0};

        assert_int_equal(give("conduit", commands[i], NULL, "?", &error), -1);
        assert_kind(&error, ERROR_UNSUPPORTED);
        bot_assert_sent(none);
        clean_up(NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_carried_unless_a_line_would_mangle_it),
        TRIAL(each_command_is_said_in_its_servers_words),
        TRIAL(what_a_server_has_no_command_for_is_not_sent),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
