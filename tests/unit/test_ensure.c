/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: one account, whatever is there and whatever is wanted. The rules
 * are those of the module's documentation (library/matrix_user.yml). */
#include "support.h"

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

static void
assert_outcome(const char *actions, const char *calls)
{
    const struct outcome *outcome = &trial.outcomes[0];

    assert_kind(&outcome->error, ERROR_NONE);
    assert_string_equal(trial_actions(&trial), actions);
    assert_string_equal(trial.fake.calls, calls);
    assert_int_equal(outcome->changed, actions[0] != '\0');
}

static void
assert_refused(enum error_kind kind, const char *calls)
{
    const struct outcome *outcome = &trial.outcomes[0];

    assert_kind(&outcome->error, kind);
    assert_false(outcome->changed);
    assert_int_equal(outcome->actions.count, 0);
    assert_string_equal(trial.fake.calls, calls);
}

static struct wish *
start(enum trial_credential credential, const char *name, const char *password)
{
    trial_start(&trial, credential);
    return trial_wish(&trial, name, password);
}

TEST(an_absent_account_is_created_and_then_is_unchanged)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "bob", "secret");

    trial_want(wish, ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("create", "lookup bob, create bob, ");
    assert_true(trial.outcomes[0].created);
    assert_true(trial.outcomes[0].password_set);
    assert_int_equal(trial.outcomes[0].before.stated, 0);
    assert_true(trial.outcomes[0].after.admin);
    assert_string_equal(trial.outcomes[0].after.user_id, "@bob:example.org");
    assert_true(trial_find(&trial, "bob")->admin);
    outcome_free(&trial.outcomes[0]);
    trial.fake.calls[0] = '\0';
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup bob, ");
    assert_false(trial.outcomes[0].password_set);
}

TEST(in_check_mode_nothing_is_created)
{
    start(BY_ADMINISTRATOR, "bob", "secret");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_outcome("create", "lookup bob, may_create bob, ");
    assert_null(trial_find(&trial, "bob"));
    assert_false(trial.outcomes[0].guess);
    assert_int_equal(trial.warnings.count, 0);
}

TEST(in_check_mode_a_creation_that_would_be_refused_is_refused)
{
    start(BY_ADMINISTRATOR, "bob", "secret");
    trial.fake.forbidden = "bob";
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_refused(ERROR_POLICY, "lookup bob, may_create bob, ");
}

TEST(a_prediction_by_somebody_who_cannot_see_all_is_a_guess_and_says_so)
{
    start(BY_SHARED_SECRET, "bob", "secret");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_outcome("create", "lookup bob, ask bob, may_create bob, ");
    assert_true(trial.outcomes[0].guess);
    assert_int_equal(trial.warnings.count, 1);
}

/* The public profile shows nothing; the account's own password does. */
TEST(in_check_mode_an_account_of_ones_own_is_found_by_its_password)
{
    start(BY_SHARED_SECRET, "alice", "right");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_outcome("", "lookup alice, ask alice, ");
    assert_false(trial.outcomes[0].guess);
    assert_int_equal(trial.warnings.count, 0);
}

TEST(only_what_differs_is_changed)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "other");

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Alice");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("set admin", "lookup alice, may_update alice, update alice, ");
    assert_true(trial_find(&trial, "alice")->admin);
    assert_string_equal(trial_find(&trial, "alice")->password, "right"); /* on_create */
    assert_false(trial.outcomes[0].before.admin);
    assert_true(trial.outcomes[0].after.admin);
    assert_false(trial.outcomes[0].password_set);
}

TEST(in_check_mode_nothing_is_changed_and_the_same_is_told)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_outcome("set admin, clear displayname", "lookup alice, may_update alice, ");
    assert_false(trial_find(&trial, "alice")->admin);
    assert_true(trial.outcomes[0].after.admin);
    assert_null(trial.outcomes[0].after.displayname);
    assert_string_equal(trial.outcomes[0].before.displayname, "Alice");
}

TEST(what_may_not_be_changed_is_not_sent)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial.fake.itself = "alice";
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_POLICY, "lookup alice, may_update alice, ");
}

TEST(if_exists_fail_changes_nothing)
{
    start(BY_ADMINISTRATOR, "alice", "right")->if_exists = IF_EXISTS_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, ");
}

TEST(if_exists_fail_creates_what_is_absent)
{
    start(BY_ADMINISTRATOR, "bob", "x")->if_exists = IF_EXISTS_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("create", "lookup bob, create bob, ");
}

TEST(if_exists_match_takes_the_account_whose_password_it_is)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "right");

    wish->if_exists = IF_EXISTS_MATCH;
    trial_want(wish, ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("set admin", "lookup alice, ask alice, may_update alice, update alice, ");
}

TEST(if_exists_match_is_a_conflict_with_another_password)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "wrong");

    wish->if_exists = IF_EXISTS_MATCH;
    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    trial_want(wish, ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, ask alice, ");
    assert_string_equal(trial_find(&trial, "alice")->password, "right");
}

TEST(if_exists_match_is_a_conflict_when_it_cannot_be_told)
{
    start(BY_ADMINISTRATOR, "alice", "right")->if_exists = IF_EXISTS_MATCH;
    trial.fake.cannot_tell = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, ask alice, ");
    assert_in("the fake does not know", trial.outcomes[0].error.text);
}

TEST(if_exists_match_never_asks_about_a_deactivated_account)
{
    start(BY_ADMINISTRATOR, "alice", "right")->if_exists = IF_EXISTS_MATCH;
    trial_find(&trial, "alice")->deactivated = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, ");
}

TEST(a_password_that_is_the_same_is_not_set_again)
{
    start(BY_ADMINISTRATOR, "alice", "right")->update_password = UPDATE_PASSWORD_ALWAYS;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, ask alice, ");
    assert_false(trial.outcomes[0].password_set);
}

TEST(a_password_that_differs_is_set)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "new");

    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    wish->logout_devices = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("set password", "lookup alice, ask alice, may_update alice, update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->password, "new");
    assert_true(trial.outcomes[0].password_set);
    assert_true(trial.fake.logged_out_devices);
}

TEST(a_password_that_cannot_be_told_is_set_each_time_with_a_warning)
{
    start(BY_ADMINISTRATOR, "alice", "right")->update_password = UPDATE_PASSWORD_ALWAYS;
    trial.fake.cannot_tell = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("set password", "lookup alice, ask alice, may_update alice, update alice, ");
    assert_int_equal(trial.warnings.count, 1);
    assert_in("the fake does not know", trial.warnings.items[0]);
}

TEST(without_probing_a_password_is_set_each_time)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "right");

    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    wish->password_probe = false;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("set password", "lookup alice, may_update alice, update alice, ");
    assert_false(trial.fake.logged_out_devices);
}

TEST(in_check_mode_a_password_is_asked_about_and_not_set)
{
    start(BY_ADMINISTRATOR, "alice", "new")->update_password = UPDATE_PASSWORD_ALWAYS;
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_outcome("set password", "lookup alice, ask alice, may_update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->password, "right");
}

TEST(if_absent_fail_creates_nobody)
{
    start(BY_ADMINISTRATOR, "bob", "x")->if_absent = IF_ABSENT_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_NOT_FOUND, "lookup bob, ");
}

TEST(if_absent_fail_needs_somebody_who_sees_all)
{
    start(BY_SHARED_SECRET, "bob", "x")->if_absent = IF_ABSENT_FAIL;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_UNAUTHORIZED, "lookup bob, ");
    assert_in("the fake's administrator", trial.outcomes[0].error.text);
}

TEST(an_account_is_deactivated_once)
{
    trial_want(start(BY_ADMINISTRATOR, "alice", NULL), ACCOUNT_DEACTIVATED, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("deactivate", "lookup alice, may_update alice, update alice, ");
    outcome_free(&trial.outcomes[0]);
    trial.fake.calls[0] = '\0';
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, ");
}

/* What the server does by itself is foreseen (the fake takes the name away). */
TEST(in_check_mode_a_deactivation_is_told_as_it_will_be)
{
    static const enum ensure_mode modes[] = {ENSURE_PREDICT, ENSURE_APPLY};

    trial_want(start(BY_ADMINISTRATOR, "alice", NULL), ACCOUNT_DEACTIVATED, true);
    for (size_t i = 0; i < COUNT(modes); i++) {
        const struct outcome *outcome = &trial.outcomes[0];

        trial_repeat(&trial);
        assert_int_equal(trial_run(&trial, modes[i]), 0);
        assert_string_equal(trial_actions(&trial), "deactivate");
        assert_string_equal(outcome->before.displayname, "Alice");
        assert_true(account_is(&outcome->after, ACCOUNT_DEACTIVATED));
        assert_true(account_states(&outcome->after, ACCOUNT_DISPLAYNAME));
        assert_null(outcome->after.displayname);
    }
}

TEST(nobody_is_created_to_be_deactivated)
{
    trial_want(start(BY_ADMINISTRATOR, "bob", NULL), ACCOUNT_DEACTIVATED, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup bob, ");
    assert_false(trial.outcomes[0].created);
}

TEST(deactivating_needs_somebody_who_sees_all)
{
    trial_want(start(BY_SHARED_SECRET, "alice", NULL), ACCOUNT_DEACTIVATED, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_UNAUTHORIZED, "lookup alice, ");
}

TEST(a_deactivated_account_stays_so_without_reactivate)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", "new");

    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_find(&trial, "alice")->deactivated = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, ");
    assert_in("reactivate", trial.outcomes[0].error.text);
}

/* Deactivating took the password away, so on_create does not hold it back. */
TEST(reactivating_brings_an_account_back_with_its_password)
{
    trial_want(start(BY_ADMINISTRATOR, "alice", "new"), ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("reactivate, set password",
        "lookup alice, may_update alice, update alice, ");
    assert_false(trial_find(&trial, "alice")->deactivated);
    assert_string_equal(trial_find(&trial, "alice")->password, "new");
}

TEST(reactivate_does_nothing_to_an_account_that_is_active)
{
    trial_want(start(BY_ADMINISTRATOR, "alice", "new"), ACCOUNT_DEACTIVATED, false);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, ");
}

TEST(a_shared_secret_creates_without_looking_closer)
{
    start(BY_SHARED_SECRET, "bob", "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("create", "lookup bob, create bob, ");
}

/* With nothing stated but a name and a password there is nothing to compare. */
TEST(a_shared_secret_leaves_who_exists_alone_without_a_login)
{
    start(BY_SHARED_SECRET, "alice", "wrong");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, create alice, ");
}

TEST(with_a_shared_secret_the_users_own_login_says_what_is_so)
{
    struct wish *wish = start(BY_SHARED_SECRET, "alice", "right");

    trial_want(wish, ACCOUNT_ADMIN, false);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Alice");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, create alice, ask alice, ");
}

TEST(with_a_shared_secret_a_wrong_password_needs_an_administrator)
{
    trial_want(start(BY_SHARED_SECRET, "alice", "wrong"), ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_UNAUTHORIZED, "lookup alice, create alice, ask alice, ");
    assert_in("the fake's administrator", trial.outcomes[0].error.text);
}

TEST(with_a_shared_secret_somebody_elses_name_is_a_conflict)
{
    start(BY_SHARED_SECRET, "alice", "wrong")->if_exists = IF_EXISTS_MATCH;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_CONFLICT, "lookup alice, create alice, ask alice, ");
}

TEST(with_nobodys_credential_ones_own_password_is_enough_to_match)
{
    start(BY_NOBODY, "alice", "right")->if_exists = IF_EXISTS_MATCH;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_outcome("", "lookup alice, ask alice, ");
    assert_string_equal(trial.outcomes[0].after.user_id, "@alice:example.org");
}

TEST(with_nobodys_credential_a_wrong_password_is_unauthorized)
{
    start(BY_NOBODY, "alice", "wrong")->if_exists = IF_EXISTS_MATCH;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_UNAUTHORIZED, "lookup alice, ask alice, ");
}

TEST(with_nobodys_credential_and_no_password_nothing_can_be_done)
{
    start(BY_NOBODY, "bob", NULL);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_refused(ERROR_UNAUTHORIZED, "lookup bob, may_create bob, ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(an_absent_account_is_created_and_then_is_unchanged),
        TRIAL(in_check_mode_nothing_is_created),
        TRIAL(in_check_mode_a_creation_that_would_be_refused_is_refused),
        TRIAL(a_prediction_by_somebody_who_cannot_see_all_is_a_guess_and_says_so),
        TRIAL(in_check_mode_an_account_of_ones_own_is_found_by_its_password),
        TRIAL(only_what_differs_is_changed),
        TRIAL(in_check_mode_nothing_is_changed_and_the_same_is_told),
        TRIAL(what_may_not_be_changed_is_not_sent),
        TRIAL(if_exists_fail_changes_nothing),
        TRIAL(if_exists_fail_creates_what_is_absent),
        TRIAL(if_exists_match_takes_the_account_whose_password_it_is),
        TRIAL(if_exists_match_is_a_conflict_with_another_password),
        TRIAL(if_exists_match_is_a_conflict_when_it_cannot_be_told),
        TRIAL(if_exists_match_never_asks_about_a_deactivated_account),
        TRIAL(a_password_that_is_the_same_is_not_set_again),
        TRIAL(a_password_that_differs_is_set),
        TRIAL(a_password_that_cannot_be_told_is_set_each_time_with_a_warning),
        TRIAL(without_probing_a_password_is_set_each_time),
        TRIAL(in_check_mode_a_password_is_asked_about_and_not_set),
        TRIAL(if_absent_fail_creates_nobody),
        TRIAL(if_absent_fail_needs_somebody_who_sees_all),
        TRIAL(an_account_is_deactivated_once),
        TRIAL(in_check_mode_a_deactivation_is_told_as_it_will_be),
        TRIAL(nobody_is_created_to_be_deactivated),
        TRIAL(deactivating_needs_somebody_who_sees_all),
        TRIAL(a_deactivated_account_stays_so_without_reactivate),
        TRIAL(reactivating_brings_an_account_back_with_its_password),
        TRIAL(reactivate_does_nothing_to_an_account_that_is_active),
        TRIAL(a_shared_secret_creates_without_looking_closer),
        TRIAL(a_shared_secret_leaves_who_exists_alone_without_a_login),
        TRIAL(with_a_shared_secret_the_users_own_login_says_what_is_so),
        TRIAL(with_a_shared_secret_a_wrong_password_needs_an_administrator),
        TRIAL(with_a_shared_secret_somebody_elses_name_is_a_conflict),
        TRIAL(with_nobodys_credential_ones_own_password_is_enough_to_match),
        TRIAL(with_nobodys_credential_a_wrong_password_is_unauthorized),
        TRIAL(with_nobodys_credential_and_no_password_nothing_can_be_done),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure", tests, NULL, NULL);
}
