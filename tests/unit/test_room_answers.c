/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room/commands.h: what the answers of a bot mean. */
#include "bot_trial.h"
#include "quick_pause.h"

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

/* ---- What is answered ---------------------------------------------------------------- */

#define FAILED(text) "Command failed with error:\n```\n" text "\n```"
#define LOGGED "| level | span | message |\n| ------: | :-----: | :------- |\n"

TEST(each_answer_is_understood)
{
    static const struct {
        const char *backend;
        enum command command;
        const char *answer;
        enum verdict verdict;
    } table[] = {
        {"continuwuity", COMMAND_CREATE, FAILED("Username is not available."), VERDICT_TAKEN},
        {"continuwuity", COMMAND_RESET, FAILED("The provided user does not exist."),
            VERDICT_ABSENT},
        {"continuwuity", COMMAND_RESET,
            FAILED("The provided user is a shadow or deactivated account. To convert it"),
            VERDICT_DEACTIVATED},
        {"continuwuity", COMMAND_REVIVE, FAILED("This account does not exist."),
            VERDICT_ABSENT},
        {"continuwuity", COMMAND_PROMOTE, FAILED("User is already joined in the admin room"),
            VERDICT_ALREADY},
        {"continuwuity", COMMAND_PROMOTE,
            FAILED("User is already pending an invitation to the admin room"),
            VERDICT_PENDING},
        {"continuwuity", COMMAND_PROMOTE,
            LOGGED "| INFO | command | Joining @alice:x |\n\n@alice:x has been granted admin "
                   "privileges.",
            VERDICT_DONE},
        {"continuwuity", COMMAND_DEMOTE, FAILED("@alice:x is not joined in the room"),
            VERDICT_ALREADY},
        {"continuwuity", COMMAND_DEACTIVATE, FAILED("This account is deactivated."),
            VERDICT_ALREADY},
        {"continuwuity", COMMAND_DEACTIVATE, FAILED("This account does not exist."),
            VERDICT_ABSENT},
        {"continuwuity", COMMAND_LOCK, FAILED("This account does not exist."), VERDICT_ABSENT},
        {"continuwuity", COMMAND_SUSPEND, FAILED("This account is deactivated."),
            VERDICT_DEACTIVATED},
        {"conduit", COMMAND_CREATE, "Userid @alice:x already exists", VERDICT_TAKEN},
        {"conduit", COMMAND_RESET, "The specified user does not exist!", VERDICT_ABSENT},
        {"conduit", COMMAND_DEACTIVATE, "User @alice:x doesn't exist on this server",
            VERDICT_ABSENT},
    };
    const struct secret password = secret_over("pw");

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        give(table[i].backend, table[i].command, &password, table[i].answer, &error);
        if (error.kind != ERROR_NONE || outcome.verdict != table[i].verdict)
            fail_msg("row %zu: %d, %s", i, (int)outcome.verdict, error.text);
        clean_up(NULL);
    }
}

TEST(each_refusal_is_told_with_its_reason)
{
    static const struct {
        const char *backend;
        enum command command;
        const char *answer;
        enum error_kind kind;
        const char *says;
    } table[] = {
        {"continuwuity", COMMAND_CREATE,
            FAILED("Username alice contains disallowed characters or spaces: x"),
            ERROR_INVALID, "contains disallowed characters"},
        {"continuwuity", COMMAND_CREATE, FAILED("Username @alice:y is not local to this server"),
            ERROR_INVALID, "is not local"},
        {"continuwuity", COMMAND_CREATE, FAILED("Username alice is not valid: why"),
            ERROR_INVALID, "is not valid: why"},
        {"continuwuity", COMMAND_CREATE, FAILED("Username is forbidden"), ERROR_POLICY,
            "forbidden_usernames"},
        {"continuwuity", COMMAND_CREATE, FAILED("Username is reserved by an appservice."),
            ERROR_POLICY, "namespaces"},
        {"continuwuity", COMMAND_RESET,
            FAILED("Not allowed to set the password for the server account. Please use the "
                   "emergency password config option."),
            ERROR_POLICY, "the server's own account"},
        {"continuwuity", COMMAND_DEACTIVATE,
            FAILED("Not allowed to deactivate the server service account."), ERROR_POLICY,
            "the server's own account"},
        {"continuwuity", COMMAND_DEACTIVATE, FAILED("User \"@x:y\" does not belong to our server."),
            ERROR_INVALID, "does not belong"},
        {"continuwuity", COMMAND_DEMOTE,
            LOGGED "| ERROR | command | Last admin cannot leave the admins room. |\n\n"
            FAILED("Last admin cannot leave the admins room."),
            ERROR_POLICY, "make another one first"},
        {"continuwuity", COMMAND_LOCK, FAILED("Admin users cannot be locked."), ERROR_POLICY,
            "admin: false"},
        {"continuwuity", COMMAND_SUSPEND, FAILED("Admin users cannot be suspended."),
            ERROR_POLICY, "admin: false"},
        {"continuwuity", COMMAND_LOCK, "error: unrecognized subcommand 'lock'\n\nUsage: ...",
            ERROR_UNSUPPORTED, "no such command"},
        {"continuwuity", COMMAND_LOCK, "Panic occurred while processing command:\n```\nx\n```",
            ERROR_SERVER, "look into its log"},
        {"conduit", COMMAND_CREATE, "Userid @alice:x is not allowed due to historical",
            ERROR_INVALID, "not allowed due to historical"},
        {"conduit", COMMAND_CREATE,
            "The supplied username is not a valid username: invalid localpart", ERROR_INVALID,
            "not a valid username"},
        {"conduit", COMMAND_CREATE, "The specified user is not from this server!",
            ERROR_INVALID, "not from this server"},
        {"conduit", COMMAND_RESET,
            "Encountered an error while handling the command:\n```\nx\n```", ERROR_SERVER,
            "look into its log"},
    };
    const struct secret password = secret_over("secret-pw");

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        assert_int_equal(
            give(table[i].backend, table[i].command, &password, table[i].answer, &error), -1);
        assert_kind(&error, table[i].kind);
        assert_in(table[i].says, error.text);
        assert_in("@alice:x", error.text);
        assert_false(error_hides_outcome(&error));
        clean_up(NULL);
    }
}

/* ---- Passwords that are told --------------------------------------------------------- */

TEST(the_password_that_an_answer_tells_is_taken_out_of_it)
{
    static const struct {
        const char *backend;
        enum command command;
        const char *answer, *password;
    } table[] = {
        {"continuwuity", COMMAND_CREATE,
            LOGGED "| INFO | command | Created new user account for @alice:x |\n\n"
                   "Created user @alice:x with password `Gen3rated`",
            "Gen3rated"},
        {"continuwuity", COMMAND_RESET,
            "Successfully reset the password for user @alice:x: `a`b`\nAll existing sessions have "
            "been logged out.",
            "a`b"},
        {"continuwuity", COMMAND_RESET,
            "Successfully reset the password for user @alice:x: ```", "`"},
        {"conduit", COMMAND_CREATE, "Created user with user_id: @alice:x and password: a`b",
            "a`b"},
        {"conduit", COMMAND_RESET,
            "Successfully reset the password for user @alice:x: x password: y\nmore",
            "x password: y"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        give(table[i].backend, table[i].command, NULL, table[i].answer, &error);
        assert_kind(&error, ERROR_NONE);
        assert_string_equal(outcome.password.bytes, table[i].password);
        clean_up(NULL);
    }
}

/* What the server did set counts, should a line have been mangled after all. */
TEST(the_password_that_is_told_counts_before_the_one_that_was_sent)
{
    const struct secret password = secret_over("sent");
    struct error error = {0};

    give("conduit", COMMAND_CREATE, &password,
        "Created user with user_id: @alice:x and password: told", &error);
    assert_string_equal(outcome.password.bytes, "told");
}

TEST(an_empty_answer_leaves_the_password_that_was_sent)
{
    const struct secret password = secret_over("sent");
    struct error error = {0};

    give("continuwuity", COMMAND_REVIVE, &password, "", &error);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(outcome.password.bytes, "sent");
}

TEST(an_answer_without_the_password_that_it_should_tell_is_none)
{
    static const char *const answers[] = {"Created user @alice:x with password ",
        "Created user @alice:x with password pw", "Created user @alice:x with password `",
        "Created user @alice:x with password ``"};

    for (size_t i = 0; i < COUNT(answers); i++) {
        struct error error = {0};

        assert_int_equal(give("continuwuity", COMMAND_CREATE, NULL, answers[i], &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        clean_up(NULL);
    }
}

/* ---- What is not understood ---------------------------------------------------------- */

TEST(an_answer_that_no_table_knows_is_an_error_with_its_text_and_may_be_one_of_success)
{
    const struct secret password = secret_over("open-sesame");
    struct error error = {0};

    assert_int_equal(give("continuwuity", COMMAND_RESET, &password,
                         "Fine: @alice:x has open-sesame now", &error),
        -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("Fine: @alice:x has ******** now", error.text);
    assert_not_in("sesame", error.text);
    assert_true(error_hides_outcome(&error));
}

TEST(a_password_that_nobody_knows_is_not_told_by_an_error)
{
    static const char *const backends[] = {"continuwuity", "conduit"};

    for (size_t i = 0; i < COUNT(backends); i++) {
        struct error error = {0};

        assert_int_equal(give(backends[i], COMMAND_RESET, NULL,
                             "Look, the new password of @alice:x is Gen3rated", &error),
            -1);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_in("Look, the new password ********", error.text);
        assert_not_in("Gen3rated", error.text);
        clean_up(NULL);
    }
}

TEST(anothers_success_is_not_taken_for_ones_own)
{
    static const char *const answers[] = {"User @bob:x has been locked.",
        "User @alice:y has been locked.", "User @alice:x has been unlocked."};

    for (size_t i = 0; i < COUNT(answers); i++) {
        struct error error = {0};

        assert_int_equal(give("continuwuity", COMMAND_LOCK, NULL, answers[i], &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        clean_up(NULL);
    }
}

/* A log line may tell of what was begun. */
TEST(a_failure_with_words_of_success_before_it_is_a_failure)
{
    struct error error = {0};

    assert_int_equal(give("continuwuity", COMMAND_LOCK, NULL,
                         LOGGED "| INFO | command | User @alice:x has been locked. |\n\n"
                         FAILED("the disk is full"),
                         &error),
        -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("the disk is full", error.text);
    assert_not_in("level", error.text);
}

/* Conduit's answers relate to no command, and another administrator may talk in between. */
TEST(an_answer_about_somebody_else_is_passed_over)
{
    static const struct recorded_reply one_page[] = {
        {"GET " AT_ROOM "/messages", 200, NULL,
            "{\"start\": \"18446744073709551615\", \"chunk\": ["
            EVENT("@conduit:x", "$A1",
                TEXT("m.text", "Successfully reset the password for user @alice:x: hers")) ","
            EVENT("@conduit:x", "$A0",
                TEXT("m.text", "Successfully reset the password for user @bob:x: his")) ","
            EVENT("@admin:x", "$E0", TEXT("m.text", "@conduit:x: reset-password @alice:x"))
            "]}"},
        {0}};
    static const char *const answers[] = {"", NULL};
    struct error error = {0};

    bot_start("conduit", answers, one_page);
    order = (struct command_order){.command = COMMAND_RESET, .user_id = "@alice:x"};
    seat_order(bot.backend, &order, &outcome, &error);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(outcome.password.bytes, "hers");
}

/* ---- What stays readable ------------------------------------------------------------- */

#define NOT_TAKEN_AWAY                                                                     \
    {"PUT " AT_ROOM "/redact/", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}

static void
order_and_close(bool is_passing, bool is_changed)
{
    static const struct recorded_reply rows[] = {NOT_TAKEN_AWAY, {0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: made", NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    order = (struct command_order){
        .command = COMMAND_RESET, .user_id = "@alice:x", .is_passing = is_passing};
    seat_order(bot.backend, &order, &outcome, &error);
    assert_kind(&error, ERROR_NONE);
    assert_true((bot.warnings.count > 0) == !is_passing);
    if (is_changed)
        seat_forget_readable(bot.backend);
    backend_close(bot.backend);
    bot.backend = NULL;
}

TEST(a_password_that_stays_readable_is_told_unless_it_is_changed_right_behind)
{
    order_and_close(false, false);
    assert_true(bot.warnings.count > 0);
    clean_up(NULL);
    order_and_close(true, true);
    assert_int_equal(bot.warnings.count, 0);
    clean_up(NULL);
    /* It was to be changed, and that did not come to pass. */
    order_and_close(true, false);
    assert_int_equal(bot.warnings.count, 2);
    assert_in("in which a password stands, stays readable", bot.warnings.items[0]);
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
give_again(void *context, struct error *error)
{
    struct command_outcome told;
    int result = seat_order(bot.backend, context, &told, error);

    commands_outcome_free(&told);
    return synapse_or_no_memory(result, error);
}

/* The room is open and its command has one event id, so that it can be given again. */
TEST(each_failed_allocation_of_a_command_is_told)
{
    static const struct recorded_reply rows[] = {
        {"PUT " AT_ROOM SENDING, 200, NULL, "{\"event_id\": \"$E0\"}"}, {0}};
    static const char *const answers[] = {
        "Created user @alice:x with password `open-sesame`", NULL};
    const struct secret password = secret_over("open-sesame");
    struct command_order creation = {
        .command = COMMAND_CREATE, .user_id = "@alice:x", .password = &password};
    struct admin_room *room;
    struct error error = {0};

    bot_start("continuwuity", answers, rows);
    assert_int_equal(seat_take(bot.backend, &room, &error), 0);
    fail_each_allocation(give_again, &creation);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(each_answer_is_understood),
        TRIAL(each_refusal_is_told_with_its_reason),
        TRIAL(the_password_that_an_answer_tells_is_taken_out_of_it),
        TRIAL(the_password_that_is_told_counts_before_the_one_that_was_sent),
        TRIAL(an_empty_answer_leaves_the_password_that_was_sent),
        TRIAL(an_answer_without_the_password_that_it_should_tell_is_none),
        TRIAL(an_answer_that_no_table_knows_is_an_error_with_its_text_and_may_be_one_of_success),
        TRIAL(a_password_that_nobody_knows_is_not_told_by_an_error),
        TRIAL(anothers_success_is_not_taken_for_ones_own),
        TRIAL(a_failure_with_words_of_success_before_it_is_a_failure),
        TRIAL(an_answer_about_somebody_else_is_passed_over),
        TRIAL(a_password_that_stays_readable_is_told_unless_it_is_changed_right_behind),
        TRIAL(each_failed_allocation_of_a_command_is_told),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
