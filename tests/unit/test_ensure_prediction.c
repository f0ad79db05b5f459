/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: check mode with the shared secret, where the service account that
 * would see more is there only when the task is really run. What cannot be
 * known is predicted, and the reply says that it is a guess. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "fake_backend.h"

static struct trial trial;
static struct fake before; /* what the server had */

static int
clean_up(void **state)
{
    (void)state;
    trial_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static struct wish *
start(const char *name, const char *password)
{
    trial_start(&trial, BY_SERVICE_ACCOUNT);
    return trial_wish(&trial, name, password);
}

/* Predicts, with whatever becomes of it; the server has to stay as it is. */
static void
predict(void)
{
    before = trial.fake;
    trial_run(&trial, ENSURE_PREDICT);
    assert_memory_equal(trial.fake.accounts, before.accounts, sizeof(before.accounts));
    assert_int_equal(trial.fake.count, before.count);
    assert_true(trial.fake.has_service == before.has_service);
    assert_not_in(", create", trial.fake.calls);
    assert_not_in(", update", trial.fake.calls);
}

static void
assert_predicted(const char *actions, bool guess, const char *calls)
{
    predict();
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, calls);
    assert_string_equal(trial_actions(&trial), actions);
    assert_int_equal(trial.outcomes[0].changed, actions[0] != '\0');
    assert_true(trial.outcomes[0].guess == guess);
    assert_true((trial.warnings.count > 0) == guess);
}

static void
assert_service_account_predicted(void)
{
    assert_int_equal(trial.actions.count, 1);
    assert_string_equal(trial.actions.items[0], "create service account");
    assert_int_equal(trial.backend.authority, AUTHORITY_PREDICTED);
}

TEST(what_an_administrator_would_see_is_guessed_to_differ)
{
    trial_want(start("alice", NULL), ACCOUNT_ADMIN, true);
    trial.fake.profiles = true;
    assert_predicted("set admin", true, "become service, lookup alice, ");
    assert_true(trial.outcomes[0].after.admin);
    assert_in("guess", trial.warnings.items[0]);
    assert_service_account_predicted();
}

/* Even what is so already: nobody can know. */
TEST(a_guess_may_be_wrong_and_says_so)
{
    trial_want_text(start("alice", NULL), ACCOUNT_USER_TYPE, "bot");
    trial.fake.profiles = true;
    strcpy(trial_find(&trial, "alice")->user_type, "bot");
    assert_predicted("set user_type", true, "become service, lookup alice, ");
    assert_service_account_predicted();
}

TEST(what_can_be_seen_is_no_guess)
{
    trial_want_text(start("alice", NULL), ACCOUNT_DISPLAYNAME, "New");
    trial.fake.profiles = true;
    assert_predicted("set displayname", false, "become service, lookup alice, ");
    assert_service_account_predicted();
}

TEST(what_is_seen_to_be_so_is_not_predicted_to_change)
{
    trial_want_text(start("alice", NULL), ACCOUNT_DISPLAYNAME, "Alice");
    trial.fake.profiles = true;
    assert_predicted("", false, "become service, lookup alice, ");
}

TEST(the_accounts_own_password_is_tried_before_anything_is_guessed)
{
    struct wish *wish = start("alice", "right");

    trial_want(wish, ACCOUNT_ADMIN, false);
    trial_want(wish, ACCOUNT_LOCKED, true);
    trial.fake.profiles = true;
    assert_predicted("lock", false, "become service, lookup alice, ask alice, ");
}

TEST(with_another_password_the_rest_is_guessed)
{
    trial_want(start("alice", "wrong"), ACCOUNT_ADMIN, false);
    trial.fake.profiles = true;
    assert_predicted("unset admin", true, "become service, lookup alice, ask alice, ");
}

TEST(a_limit_on_logins_is_no_reason_to_predict_nothing)
{
    struct wish *wish = start("alice", "right");

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial.fake.profiles = true;
    trial.fake.faults[0] =
        (struct fake_fault){"ask", "alice", ERROR_RATE_LIMITED, 429, false, 0};
    assert_predicted("set admin", true, "become service, lookup alice, ask alice, ");
}

TEST(a_server_without_password_logins_is_no_reason_to_predict_nothing)
{
    trial_want(start("alice", "right"), ACCOUNT_ADMIN, true);
    trial.fake.profiles = true;
    trial.fake.faults[0] =
        (struct fake_fault){"ask", "alice", ERROR_UNSUPPORTED, 400, false, 0};
    assert_predicted("set admin", true, "become service, lookup alice, ask alice, ");
}

TEST(a_server_that_fails_is_an_error_also_where_it_would_be_guessed)
{
    trial_want(start("alice", "right"), ACCOUNT_ADMIN, true);
    trial.fake.profiles = true;
    trial.fake.faults[0] = (struct fake_fault){"ask", "alice", ERROR_SERVER, 500, false, 0};
    predict();
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_false(trial.outcomes[0].changed);
}

TEST(who_is_not_seen_is_guessed_not_to_be_there)
{
    trial_want(start("bob", "x"), ACCOUNT_ADMIN, true);
    assert_predicted("create", true,
        "become service, lookup bob, ask bob, may_create bob, ");
    assert_true(trial.outcomes[0].created);
    assert_true(trial.outcomes[0].after.admin);
    assert_service_account_predicted();
}

/* Whether the secret's own registration would be let through is no question. */
TEST(a_creation_that_takes_the_administrator_is_guessed)
{
    trial_want(start("bob", "x"), ACCOUNT_LOCKED, true);
    assert_predicted("create", true, "become service, lookup bob, ask bob, ");
    assert_true(trial.outcomes[0].after.locked);
}

TEST(a_creation_that_would_be_refused_is_refused_also_when_guessed)
{
    trial_want(start("bob", "x"), ACCOUNT_ADMIN, true);
    trial.fake.forbidden = "bob";
    predict();
    assert_kind(&trial.outcomes[0].error, ERROR_POLICY);
    assert_false(trial.outcomes[0].changed);
}

TEST(an_account_of_ones_own_that_hides_is_found_by_its_password)
{
    trial_want_text(start("alice", "right"), ACCOUNT_DISPLAYNAME, "Alice");
    assert_predicted("", false, "become service, lookup alice, ask alice, ");
}

TEST(that_nobody_is_there_to_be_deactivated_is_a_guess)
{
    trial_want(start("bob", NULL), ACCOUNT_DEACTIVATED, true);
    assert_predicted("", true, "become service, lookup bob, ");
}

TEST(a_deactivation_of_who_is_seen_is_guessed)
{
    trial_want(start("alice", NULL), ACCOUNT_DEACTIVATED, true);
    trial.fake.profiles = true;
    assert_predicted("deactivate", true, "become service, lookup alice, ");
}

TEST(a_password_that_was_asked_about_is_no_guess)
{
    start("alice", "right")->update_password = UPDATE_PASSWORD_ALWAYS;
    trial.fake.profiles = true;
    assert_predicted("", false, "become service, lookup alice, ask alice, ");
    trial_repeat(&trial);
    strcpy(trial_find(&trial, "alice")->password, "other");
    assert_predicted("set password", false, "become service, lookup alice, ask alice, ");
}

TEST(a_password_that_could_not_be_asked_about_is_guessed_to_be_set)
{
    start("alice", "right")->update_password = UPDATE_PASSWORD_ALWAYS;
    trial.fake.profiles = true;
    trial.fake.faults[0] =
        (struct fake_fault){"ask", "alice", ERROR_RATE_LIMITED, 429, false, 0};
    trial.fake.faults[1] = trial.fake.faults[0];
    predict();
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial_actions(&trial), "set password");
    assert_true(trial.outcomes[0].guess);
}

TEST(a_match_that_needs_more_is_guessed_after_it_was_proven)
{
    struct wish *wish = start("alice", "right");

    wish->if_exists = IF_EXISTS_MATCH;
    trial_want_text(wish, ACCOUNT_USER_TYPE, "bot");
    trial.fake.profiles = true;
    assert_predicted("set user_type", true, "lookup alice, ask alice, become service, ");
    assert_service_account_predicted();
}

TEST(a_match_with_another_password_is_a_conflict_and_no_guess)
{
    struct wish *wish = start("alice", "wrong");

    wish->if_exists = IF_EXISTS_MATCH;
    trial_want_text(wish, ACCOUNT_USER_TYPE, "bot");
    trial.fake.profiles = true;
    predict();
    assert_kind(&trial.outcomes[0].error, ERROR_CONFLICT);
    assert_int_equal(trial.actions.count, 0);
}

/* Logging in with it is done in check mode as well. */
TEST(a_service_account_that_is_there_makes_check_mode_certain)
{
    trial_want(start("alice", NULL), ACCOUNT_ADMIN, true);
    trial.fake.has_service = true;
    assert_predicted("set admin", false, "become service, lookup alice, may_update alice, ");
    assert_int_equal(trial.actions.count, 0);
    trial_end(&trial);
    trial_want(start("bob", "x"), ACCOUNT_LOCKED, true);
    trial.fake.has_service = true;
    assert_predicted("create", false, "become service, lookup bob, may_create bob, ");
}

TEST(it_is_told_once_that_the_service_account_would_be_made)
{
    trial_want(start("alice", NULL), ACCOUNT_ADMIN, true);
    trial_want(trial_wish(&trial, "bob", "x"), ACCOUNT_ADMIN, true);
    trial.fake.profiles = true;
    predict();
    assert_service_account_predicted();
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_kind(&trial.outcomes[1].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls,
        "become service, lookup alice, lookup bob, ask bob, may_create bob, ");
}

/* What the real run does is what was predicted, where nothing was a guess. */
TEST(what_was_predicted_with_certainty_is_what_happens)
{
    struct wish *wish = start("alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_want(wish, ACCOUNT_LOCKED, true);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "");
    trial.fake.has_service = true;
    assert_predicted("set admin, clear displayname, lock", false,
        "become service, lookup alice, may_update alice, ");
    trial_repeat(&trial);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial_actions(&trial), "set admin, clear displayname, lock");
}

static int
predict_all(void *context, struct error *error)
{
    int result;

    (void)context;
    before = trial.fake;
    result = trial_run(&trial, ENSURE_PREDICT);
    for (size_t i = 0; i < trial.count; i++)
        if (trial.outcomes[i].error.kind != ERROR_NONE && error->kind == ERROR_NONE)
            *error = trial.outcomes[i].error;
    if (result == 0 && error->kind == ERROR_NONE && !trial.actions.failed &&
        (!trial.outcomes[0].guess || trial.actions.count != 1))
        error_set(error, ERROR_INTERNAL, "the prediction is not whole");
    memcpy(&trial.fake, &before, sizeof(before));
    trial_repeat(&trial);
    return error->kind == ERROR_NONE ? result : -1;
}

TEST(it_is_predicted_or_memory_was_short)
{
    trial_want(start("alice", "wrong"), ACCOUNT_ADMIN, true);
    trial_want(trial_wish(&trial, "bob", "x"), ACCOUNT_LOCKED, true);
    trial.fake.profiles = true;
    fail_each_allocation(predict_all, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(what_an_administrator_would_see_is_guessed_to_differ),
        TRIAL(a_guess_may_be_wrong_and_says_so),
        TRIAL(what_can_be_seen_is_no_guess),
        TRIAL(what_is_seen_to_be_so_is_not_predicted_to_change),
        TRIAL(the_accounts_own_password_is_tried_before_anything_is_guessed),
        TRIAL(with_another_password_the_rest_is_guessed),
        TRIAL(a_limit_on_logins_is_no_reason_to_predict_nothing),
        TRIAL(a_server_without_password_logins_is_no_reason_to_predict_nothing),
        TRIAL(a_server_that_fails_is_an_error_also_where_it_would_be_guessed),
        TRIAL(who_is_not_seen_is_guessed_not_to_be_there),
        TRIAL(a_creation_that_takes_the_administrator_is_guessed),
        TRIAL(a_creation_that_would_be_refused_is_refused_also_when_guessed),
        TRIAL(an_account_of_ones_own_that_hides_is_found_by_its_password),
        TRIAL(that_nobody_is_there_to_be_deactivated_is_a_guess),
        TRIAL(a_deactivation_of_who_is_seen_is_guessed),
        TRIAL(a_password_that_was_asked_about_is_no_guess),
        TRIAL(a_password_that_could_not_be_asked_about_is_guessed_to_be_set),
        TRIAL(a_match_that_needs_more_is_guessed_after_it_was_proven),
        TRIAL(a_match_with_another_password_is_a_conflict_and_no_guess),
        TRIAL(a_service_account_that_is_there_makes_check_mode_certain),
        TRIAL(it_is_told_once_that_the_service_account_would_be_made),
        TRIAL(what_was_predicted_with_certainty_is_what_happens),
        TRIAL(it_is_predicted_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, prediction", tests, NULL, NULL);
}
