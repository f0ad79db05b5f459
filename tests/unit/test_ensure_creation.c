/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: a creation that leaves something to do, and if_absent: fail. The
 * fake's creations make all but `locked`. */
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
start(enum trial_credential credential, const char *name, const char *password)
{
    trial_start(&trial, credential);
    return trial_wish(&trial, name, password);
}

/* Bob, who is to be created and locked. */
static void
start_locked(enum trial_credential credential)
{
    trial_want(start(credential, "bob", "x"), ACCOUNT_LOCKED, true);
}

static void
assert_refused(enum error_kind kind, const char *calls)
{
    assert_kind(&trial.outcomes[0].error, kind);
    assert_string_equal(trial.fake.calls, calls);
    assert_false(trial.outcomes[0].changed);
    assert_int_equal(trial.outcomes[0].actions.count, 0);
}

TEST(what_a_creation_does_not_make_is_updated_afterwards)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start_locked(BY_ADMINISTRATOR);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&outcome->error, ERROR_NONE);
    assert_string_equal(trial.fake.calls,
        "lookup bob, create bob, may_update bob, update bob, ");
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(outcome->created);
    assert_true(outcome->after.locked);
    assert_int_equal(outcome->before.stated, 0);
    assert_true(trial_find(&trial, "bob")->locked);
    assert_false(trial.fake.logged_out_devices);
}

TEST(a_creation_that_makes_everything_is_followed_by_no_update)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "bob", "x");

    trial_want(wish, ACCOUNT_LOCKED, false); /* as it is made */
    trial_want_text(wish, ACCOUNT_USER_TYPE, "bot");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
    assert_string_equal(trial_find(&trial, "bob")->user_type, "bot");
}

TEST(an_update_that_fails_after_the_creation_reports_the_creation)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start_locked(BY_ADMINISTRATOR);
    trial_wish(&trial, "carol", "x");
    trial.fake.faults[0] = (struct fake_fault){"update", "bob", ERROR_SERVER, 500, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&outcome->error, ERROR_SERVER);
    assert_true(outcome->created);
    assert_true(outcome->changed);
    assert_true(outcome->password_set);
    assert_string_equal(trial_actions(&trial), "create");
    assert_string_equal(outcome->after.user_id, "@bob:example.org");
    assert_true(account_states(&outcome->after, ACCOUNT_LOCKED)); /* as it is */
    assert_false(outcome->after.locked);
    assert_true(trial.outcomes[1].created);
}

/* An address that belongs to somebody else, say. */
TEST(an_update_that_is_not_let_through_after_the_creation_reports_the_creation)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start_locked(BY_ADMINISTRATOR);
    trial.fake.itself = "bob";
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&outcome->error, ERROR_POLICY);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, may_update bob, ");
    assert_true(outcome->created);
    assert_true(outcome->changed);
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(account_states(&outcome->after, ACCOUNT_LOCKED));
    assert_false(outcome->after.locked);
}

/* The next run finds the account and ends what was begun. */
TEST(what_was_left_undone_is_done_by_the_next_run)
{
    start_locked(BY_ADMINISTRATOR);
    trial.fake.faults[0] =
        (struct fake_fault){"update", "bob", ERROR_UNREACHABLE, 0, true, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_true(trial.outcomes[0].created);
    assert_true(trial.outcomes[0].changed);
    trial_repeat(&trial);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial_actions(&trial), "lock");
    trial_repeat(&trial);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial_actions(&trial), "");
}

TEST(a_creation_whose_reply_was_lost_is_completed_as_well)
{
    start_locked(BY_ADMINISTRATOR);
    trial.fake.faults[0] =
        (struct fake_fault){"create", "bob", ERROR_UNREACHABLE, 0, true, 1};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls,
        "lookup bob, create bob, lookup bob, may_update bob, update bob, ");
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(trial_find(&trial, "bob")->locked);
}

/* 200 with a body that does not describe the account, say. */
TEST(a_creation_whose_answer_makes_no_sense_is_told_as_made)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] =
        (struct fake_fault){"create", "bob", ERROR_PROTOCOL, 200, false, 1};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_PROTOCOL);
    assert_non_null(trial_find(&trial, "bob"));
    assert_true(trial.outcomes[0].changed);
    assert_string_equal(trial_actions(&trial), "create");
}

TEST(in_check_mode_a_creation_is_predicted_with_all_that_is_wanted)
{
    start_locked(BY_ADMINISTRATOR);
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_string_equal(trial.fake.calls, "lookup bob, may_create bob, ");
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(account_is(&trial.outcomes[0].after, ACCOUNT_LOCKED));
    assert_null(trial_find(&trial, "bob"));
}

TEST(if_absent_fail_makes_nobody_also_with_a_service_account)
{
    start(BY_SERVICE_ACCOUNT, "bob", "x")->if_absent = IF_ABSENT_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_NOT_FOUND, "become service, lookup bob, ");
    assert_in("if_absent", trial.outcomes[0].error.text);
    assert_null(trial_find(&trial, "bob"));
    assert_string_equal(trial.actions.items[0], "create service account");
}

TEST(if_absent_fail_changes_who_is_there)
{
    struct wish *wish = start(BY_SERVICE_ACCOUNT, "alice", NULL);

    wish->if_absent = IF_ABSENT_FAIL;
    trial_want(wish, ACCOUNT_LOCKED, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial_actions(&trial), "lock");
}

/* The public profile shows that she is there, and so there is nothing to see to. */
TEST(if_absent_fail_needs_nobody_for_who_is_seen)
{
    start(BY_SHARED_SECRET, "alice", "x")->if_absent = IF_ABSENT_FAIL;
    trial.fake.profiles = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup alice, ");
}

/* Neither the secret nor the public profile says whether he is there. */
TEST(if_absent_fail_becomes_an_administrator_to_see_where_it_may)
{
    struct wish *wish = start(BY_SERVICE_ACCOUNT, "alice", "right");

    wish->if_exists = IF_EXISTS_MATCH;
    wish->if_absent = IF_ABSENT_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_false(trial.outcomes[0].changed);
}

/* One run, after which the server is as it was. */
static int
create_and_lock(void *context, struct error *error)
{
    static struct fake before;
    const struct outcome *outcome = &trial.outcomes[0];
    int result;

    (void)context;
    memcpy(&before, &trial.fake, sizeof(before));
    result = trial_run(&trial, ENSURE_APPLY);
    *error = outcome->error;
    if ((trial_find(&trial, "bob") != NULL) != outcome->changed) {
        error_clear(error);
        error_set(error, ERROR_INTERNAL, "the creation is not told as it was");
    }
    memcpy(&trial.fake, &before, sizeof(before));
    trial_repeat(&trial);
    return error->kind == ERROR_NONE ? result : -1;
}

TEST(a_creation_in_two_steps_is_told_truly_when_memory_is_short)
{
    start_locked(BY_ADMINISTRATOR);
    fail_each_allocation(create_and_lock, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(what_a_creation_does_not_make_is_updated_afterwards),
        TRIAL(a_creation_that_makes_everything_is_followed_by_no_update),
        TRIAL(an_update_that_fails_after_the_creation_reports_the_creation),
        TRIAL(an_update_that_is_not_let_through_after_the_creation_reports_the_creation),
        TRIAL(what_was_left_undone_is_done_by_the_next_run),
        TRIAL(a_creation_whose_reply_was_lost_is_completed_as_well),
        TRIAL(a_creation_whose_answer_makes_no_sense_is_told_as_made),
        TRIAL(in_check_mode_a_creation_is_predicted_with_all_that_is_wanted),
        TRIAL(if_absent_fail_makes_nobody_also_with_a_service_account),
        TRIAL(if_absent_fail_changes_who_is_there),
        TRIAL(if_absent_fail_needs_nobody_for_who_is_seen),
        TRIAL(if_absent_fail_becomes_an_administrator_to_see_where_it_may),
        TRIAL(a_creation_in_two_steps_is_told_truly_when_memory_is_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, creation", tests, NULL, NULL);
}
