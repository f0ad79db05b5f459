/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: generate_password and verify_login. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "fake_backend.h"

static struct trial trial;

static int
clean_up(void **state)
{
    (void)state;
    trial_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static struct wish *
start_generate(enum trial_credential credential, const char *name)
{
    struct wish *wish;

    trial_start(&trial, credential);
    wish = trial_wish(&trial, name, NULL);
    wish->generate_password = true;
    return wish;
}

static struct wish *
start_verify(enum trial_credential credential, const char *name, const char *password)
{
    struct wish *wish;

    trial_start(&trial, credential);
    wish = trial_wish(&trial, name, password);
    wish->verify_login = true;
    return wish;
}

static void
run_and_assert(enum ensure_mode mode, const char *actions, const char *calls)
{
    assert_int_equal(trial_run(&trial, mode), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, calls);
    assert_string_equal(trial_actions(&trial), actions);
}

static bool
is_handed_out(size_t i)
{
    return secret_given(&trial.outcomes[i].generated_password);
}

/* The one that the server has by now. */
static void
assert_handed_out(size_t i, const char *localpart)
{
    assert_true(is_handed_out(i));
    assert_string_equal(trial.outcomes[i].generated_password.bytes,
        trial_find(&trial, localpart)->password);
    assert_int_equal(trial.outcomes[i].generated_password.length, 24);
}

TEST(a_created_account_gets_a_password_that_is_handed_out)
{
    start_generate(BY_ADMINISTRATOR, "bob");
    run_and_assert(ENSURE_APPLY, "create", "lookup bob, create bob, ");
    assert_handed_out(0, "bob");
    assert_true(trial.outcomes[0].password_set);
}

/* A password is all that the shared secret's registration lacked. */
TEST(a_made_up_password_spares_the_administrator)
{
    start_generate(BY_SERVICE_ACCOUNT, "bob");
    run_and_assert(ENSURE_APPLY, "create", "lookup bob, create bob, ");
    assert_handed_out(0, "bob");
    assert_int_equal(trial.actions.count, 0);
}

TEST(each_account_gets_a_password_of_its_own)
{
    start_generate(BY_ADMINISTRATOR, "bob");
    trial_wish(&trial, "carol", NULL)->generate_password = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_handed_out(0, "bob");
    assert_handed_out(1, "carol");
    assert_string_not_equal(trial.outcomes[0].generated_password.bytes,
        trial.outcomes[1].generated_password.bytes);
}

TEST(an_account_that_is_there_keeps_its_password)
{
    trial_want(start_generate(BY_ADMINISTRATOR, "alice"), ACCOUNT_ADMIN, true);
    run_and_assert(ENSURE_APPLY, "set admin", "lookup alice, may_update alice, update alice, ");
    assert_false(is_handed_out(0));
    assert_false(trial.outcomes[0].password_set);
    assert_string_equal(trial_find(&trial, "alice")->password, "right");
}

TEST(a_reactivated_account_gets_a_password_that_is_handed_out)
{
    trial_want(start_generate(BY_ADMINISTRATOR, "alice"), ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    run_and_assert(ENSURE_APPLY, "reactivate, set password",
        "lookup alice, may_update alice, update alice, ");
    assert_handed_out(0, "alice");
    assert_true(trial.outcomes[0].password_set);
}

TEST(permission_to_reactivate_alone_makes_no_password_up)
{
    trial_want(start_generate(BY_ADMINISTRATOR, "alice"), ACCOUNT_DEACTIVATED, false);
    run_and_assert(ENSURE_APPLY, "", "lookup alice, ");
    assert_false(is_handed_out(0));
}

TEST(in_check_mode_no_password_is_handed_out)
{
    start_generate(BY_ADMINISTRATOR, "bob");
    run_and_assert(ENSURE_PREDICT, "create", "lookup bob, may_create bob, ");
    assert_false(is_handed_out(0));
    assert_true(trial.outcomes[0].password_set);
    trial_end(&trial);
    trial_want(start_generate(BY_ADMINISTRATOR, "alice"), ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    run_and_assert(ENSURE_PREDICT, "reactivate, set password",
        "lookup alice, may_update alice, ");
    assert_false(is_handed_out(0));
}

/* Nobody can have a password that was made up a moment ago. */
TEST(in_check_mode_nobody_is_asked_about_a_made_up_password)
{
    start_generate(BY_SHARED_SECRET, "bob");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_string_equal(trial.fake.calls, "lookup bob, may_create bob, ");
    assert_string_equal(trial_actions(&trial), "create");
}

TEST(a_creation_that_was_refused_hands_nothing_out)
{
    start_generate(BY_ADMINISTRATOR, "bob");
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_POLICY, 400, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_POLICY);
    assert_false(is_handed_out(0));
}

/* It may be the account's only password, and nobody else knows it. */
TEST(a_creation_of_which_nobody_knows_hands_the_password_out)
{
    start_generate(BY_ADMINISTRATOR, "bob");
    trial.fake.faults[0] =
        (struct fake_fault){"create", "bob", ERROR_UNREACHABLE, 0, true, 1};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0); /* the look settles it */
    assert_handed_out(0, "bob");
    trial_end(&trial);

    start_generate(BY_SHARED_SECRET, "bob");
    trial.fake.faults[0] =
        (struct fake_fault){"create", "bob", ERROR_UNREACHABLE, 0, true, 1};
    trial.fake.faults[1] =
        (struct fake_fault){"create", "bob", ERROR_UNREACHABLE, 0, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.outcomes[0].error, ERROR_UNREACHABLE);
    assert_true(trial.outcomes[0].changed);
    assert_handed_out(0, "bob");
}

TEST(a_reactivation_of_which_nobody_knows_hands_the_password_out)
{
    trial_want(start_generate(BY_ADMINISTRATOR, "alice"), ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    trial.fake.faults[0] = (struct fake_fault){"update", "alice", ERROR_UNREACHABLE, 0, true,
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_PASSWORD)};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_true(trial.outcomes[0].changed);
    assert_handed_out(0, "alice");
}

/* Whatever kind of error it is that hides what came of it. */
TEST(a_password_that_may_have_been_set_counts_as_changed)
{
    static const struct {
        enum error_kind kind;
        bool maybe_done;
    } table[] = {{ERROR_PROTOCOL, true}, {ERROR_FORBIDDEN, true}, {ERROR_FORBIDDEN, false}};

    for (size_t i = 0; i < COUNT(table); i++) {
        start_verify(BY_ADMINISTRATOR, "alice", "new")->update_password =
            UPDATE_PASSWORD_ALWAYS;
        trial.fake.faults[0] = (struct fake_fault){"update", "alice", table[i].kind, 0,
            table[i].maybe_done, 0};
        assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
        assert_kind(&trial.outcomes[0].error, table[i].kind);
        assert_int_equal(trial.outcomes[0].changed, table[i].maybe_done);
        trial_end(&trial);
    }
}

TEST(a_creation_that_could_not_be_completed_hands_the_password_out)
{
    trial_want(start_generate(BY_ADMINISTRATOR, "bob"), ACCOUNT_LOCKED, true);
    trial.fake.faults[0] = (struct fake_fault){"update", "bob", ERROR_SERVER, 500, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_handed_out(0, "bob");
}

/* The name is taken by an account that nobody could see. */
TEST(a_name_that_turns_out_to_be_taken_hands_nothing_out)
{
    start_generate(BY_SHARED_SECRET, "alice");
    run_and_assert(ENSURE_APPLY, "", "lookup alice, create alice, ");
    assert_false(is_handed_out(0));
    assert_string_equal(trial_find(&trial, "alice")->password, "right");
}

TEST(a_made_up_password_opens_no_account_that_was_there_before)
{
    trial_want_text(start_generate(BY_SHARED_SECRET, "alice"), ACCOUNT_DISPLAYNAME, "New");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_UNAUTHORIZED);
    assert_string_equal(trial.fake.calls, "lookup alice, create alice, "); /* no login */
    assert_false(is_handed_out(0));
}

TEST(a_login_is_tried_last)
{
    start_verify(BY_ADMINISTRATOR, "bob", "x");
    trial_want(&trial.wishes[0], ACCOUNT_LOCKED, true);
    run_and_assert(ENSURE_APPLY, "create",
        "lookup bob, create bob, may_update bob, update bob, verify bob, ");
    trial_end(&trial);
    start_verify(BY_ADMINISTRATOR, "alice", "new")->update_password = UPDATE_PASSWORD_ALWAYS;
    run_and_assert(ENSURE_APPLY, "set password",
        "lookup alice, ask alice, may_update alice, update alice, verify alice, ");
}

TEST(a_login_is_tried_also_where_nothing_changed)
{
    start_verify(BY_SHARED_SECRET, "alice", "right");
    run_and_assert(ENSURE_APPLY, "", "lookup alice, create alice, verify alice, ");
    assert_false(trial.outcomes[0].changed);
}

TEST(a_login_is_tried_with_the_password_that_was_made_up)
{
    start_verify(BY_ADMINISTRATOR, "bob", NULL)->generate_password = true;
    run_and_assert(ENSURE_APPLY, "create", "lookup bob, create bob, verify bob, ");
    assert_handed_out(0, "bob");
}

TEST(in_check_mode_a_login_is_left_out_with_a_warning)
{
    start_verify(BY_ADMINISTRATOR, "bob", "x");
    run_and_assert(ENSURE_PREDICT, "create", "lookup bob, may_create bob, ");
    assert_int_equal(trial.warnings.count, 1);
    assert_in("verify_login", trial.warnings.items[0]);
    assert_in("@bob:example.org", trial.warnings.items[0]);
}

TEST(where_no_password_was_made_up_a_login_is_left_out_with_a_warning)
{
    start_verify(BY_ADMINISTRATOR, "alice", NULL)->generate_password = true;
    run_and_assert(ENSURE_APPLY, "", "lookup alice, ");
    assert_int_equal(trial.warnings.count, 1);
    assert_in("verify_login", trial.warnings.items[0]);
}

/* Also where one was made up before the name turned out to be taken. */
TEST(where_no_password_was_set_a_login_is_left_out_with_a_warning)
{
    start_verify(BY_SHARED_SECRET, "alice", NULL)->generate_password = true;
    run_and_assert(ENSURE_APPLY, "", "lookup alice, create alice, ");
    assert_int_equal(trial.warnings.count, 1);
    assert_in("verify_login", trial.warnings.items[0]);
}

TEST(a_login_that_fails_fails_the_account)
{
    start_verify(BY_ADMINISTRATOR, "alice", "wrong");
    trial_wish(&trial, "bob", "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_UNAUTHORIZED);
    assert_false(trial.outcomes[0].changed);
    assert_true(trial.outcomes[1].created); /* the list goes on */
}

TEST(a_login_that_fails_leaves_what_was_done_told)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start_verify(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] =
        (struct fake_fault){"verify", "bob", ERROR_RATE_LIMITED, 429, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&outcome->error, ERROR_RATE_LIMITED);
    assert_true(outcome->changed);
    assert_true(outcome->created);
    assert_true(outcome->password_set);
    assert_string_equal(trial_actions(&trial), "create");
    assert_string_equal(outcome->after.user_id, "@bob:example.org");
}

TEST(no_login_is_tried_where_something_failed_before)
{
    start_verify(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_POLICY, 400, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_POLICY);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
}

TEST(a_login_that_cannot_be_is_refused_before_anything_is_done)
{
    trial_start(&trial, BY_ADMINISTRATOR);
    trial_wish(&trial, "bob", "x");
    trial_wish(&trial, "carol", "x")->verify_login = true;
    trial.fake.no_logins = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.error, ERROR_UNSUPPORTED);
    assert_string_equal(trial.fake.calls, "");
    assert_false(trial.outcomes[0].tried);
    assert_string_equal(trial.outcomes[1].after.user_id, "@carol:example.org");
}

TEST(a_server_without_logins_is_no_matter_where_none_is_asked_for)
{
    trial_start(&trial, BY_ADMINISTRATOR);
    trial_wish(&trial, "bob", "x");
    trial.fake.no_logins = true;
    run_and_assert(ENSURE_APPLY, "create", "lookup bob, create bob, ");
}

TEST(nobody_logs_in_who_was_not_asked_to)
{
    trial_start(&trial, BY_ADMINISTRATOR);
    trial_wish(&trial, "bob", "x");
    run_and_assert(ENSURE_APPLY, "create", "lookup bob, create bob, ");
}

static int
generate_and_verify(void *context, struct error *error)
{
    static struct fake before;
    struct outcome *outcome = &trial.outcomes[0];
    const struct fake_account *bob;
    int result;

    (void)context;
    memcpy(&before, &trial.fake, sizeof(before));
    result = trial_run(&trial, ENSURE_APPLY);
    *error = outcome->error;
    bob = trial_find(&trial, "bob");
    if (result == 0 && error->kind == ERROR_NONE &&
        (bob == NULL || !is_handed_out(0) ||
            strcmp(outcome->generated_password.bytes, bob->password) != 0))
        error_set(error, ERROR_INTERNAL, "the password is not handed out");
    memcpy(&trial.fake, &before, sizeof(before));
    trial_repeat(&trial);
    return error->kind == ERROR_NONE ? result : -1;
}

TEST(a_password_is_handed_out_or_memory_was_short)
{
    start_verify(BY_ADMINISTRATOR, "bob", NULL)->generate_password = true;
    fail_each_allocation(generate_and_verify, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_created_account_gets_a_password_that_is_handed_out),
        TRIAL(a_made_up_password_spares_the_administrator),
        TRIAL(each_account_gets_a_password_of_its_own),
        TRIAL(an_account_that_is_there_keeps_its_password),
        TRIAL(a_reactivated_account_gets_a_password_that_is_handed_out),
        TRIAL(permission_to_reactivate_alone_makes_no_password_up),
        TRIAL(in_check_mode_no_password_is_handed_out),
        TRIAL(in_check_mode_nobody_is_asked_about_a_made_up_password),
        TRIAL(a_creation_that_was_refused_hands_nothing_out),
        TRIAL(a_creation_of_which_nobody_knows_hands_the_password_out),
        TRIAL(a_reactivation_of_which_nobody_knows_hands_the_password_out),
        TRIAL(a_password_that_may_have_been_set_counts_as_changed),
        TRIAL(a_creation_that_could_not_be_completed_hands_the_password_out),
        TRIAL(a_name_that_turns_out_to_be_taken_hands_nothing_out),
        TRIAL(a_made_up_password_opens_no_account_that_was_there_before),
        TRIAL(a_login_is_tried_last),
        TRIAL(a_login_is_tried_also_where_nothing_changed),
        TRIAL(a_login_is_tried_with_the_password_that_was_made_up),
        TRIAL(in_check_mode_a_login_is_left_out_with_a_warning),
        TRIAL(where_no_password_was_made_up_a_login_is_left_out_with_a_warning),
        TRIAL(where_no_password_was_set_a_login_is_left_out_with_a_warning),
        TRIAL(a_login_that_fails_fails_the_account),
        TRIAL(a_login_that_fails_leaves_what_was_done_told),
        TRIAL(no_login_is_tried_where_something_failed_before),
        TRIAL(a_login_that_cannot_be_is_refused_before_anything_is_done),
        TRIAL(a_server_without_logins_is_no_matter_where_none_is_asked_for),
        TRIAL(nobody_logs_in_who_was_not_asked_to),
        TRIAL(a_password_is_handed_out_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, passwords", tests, NULL, NULL);
}
