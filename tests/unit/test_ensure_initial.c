/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: what an account is to be when it is made, and is not asked for
 * later. */
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

static void
begin_as(struct wish *wish, bool admin, const char *user_type)
{
    struct error error = {0};

    account_state_bool(&wish->initial, ACCOUNT_ADMIN, admin);
    if (user_type != NULL)
        assert_int_equal(
            account_state_text(&wish->initial, ACCOUNT_USER_TYPE, user_type, &error), 0);
}

/* Somebody who is to begin as an administrator of the type "bot". */
static struct wish *
start(enum trial_credential credential, const char *name, const char *password)
{
    struct wish *wish;

    trial_start(&trial, credential);
    wish = trial_wish(&trial, name, password);
    begin_as(wish, true, "bot");
    return wish;
}

static void
run_and_assert(const char *actions, const char *calls)
{
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, calls);
    assert_string_equal(trial_actions(&trial), actions);
    assert_int_equal(trial.outcomes[0].changed, actions[0] != '\0');
}

static void
assert_ordinary(const char *localpart)
{
    const struct fake_account *account = trial_find(&trial, localpart);

    assert_false(account->admin);
    assert_string_equal(account->user_type, "");
}

static void
assert_told_as_begun(const struct account *after)
{
    assert_true(account_is(after, ACCOUNT_ADMIN));
    assert_true(account_states(after, ACCOUNT_USER_TYPE));
    assert_string_equal(after->user_type, "bot");
}

TEST(a_new_account_is_made_as_it_is_to_begin_and_told_so)
{
    static const enum trial_credential credentials[] = {
        BY_ADMINISTRATOR, BY_SHARED_SECRET, BY_SERVICE_ACCOUNT};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        trial_end(&trial);
        start(credentials[i], "bob", "x");
        run_and_assert("create", "lookup bob, create bob, ");
        assert_true(trial_find(&trial, "bob")->admin);
        assert_string_equal(trial_find(&trial, "bob")->user_type, "bot");
        assert_told_as_begun(&trial.outcomes[0].after);
        assert_int_equal(trial.outcomes[0].before.stated, 0);
        assert_false(trial.fake.has_service);
        assert_int_equal(trial.actions.count, 0);
    }
}

TEST(one_that_exists_is_left_alone_with_no_login_and_no_administrator)
{
    static const enum trial_credential credentials[] = {
        BY_SHARED_SECRET, BY_SERVICE_ACCOUNT};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        trial_end(&trial);
        start(credentials[i], "alice", "another");
        trial.fake.profiles = true;
        run_and_assert("", "lookup alice, ");
        assert_ordinary("alice");
        assert_false(trial.fake.has_service);
        assert_false(account_states(&trial.outcomes[0].after, ACCOUNT_ADMIN));
        assert_false(account_states(&trial.outcomes[0].after, ACCOUNT_USER_TYPE));
    }
}

TEST(one_that_exists_unseen_is_left_alone_when_its_name_turns_out_to_be_taken)
{
    static const enum trial_credential credentials[] = {
        BY_SHARED_SECRET, BY_SERVICE_ACCOUNT};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        trial_end(&trial);
        start(credentials[i], "alice", "another");
        run_and_assert("", "lookup alice, create alice, ");
        assert_ordinary("alice");
        assert_false(trial.fake.has_service);
        assert_false(account_states(&trial.outcomes[0].after, ACCOUNT_ADMIN));
    }
}

TEST(an_administrator_leaves_one_that_exists_alone_too)
{
    start(BY_ADMINISTRATOR, "alice", "another");
    run_and_assert("", "lookup alice, ");
    assert_ordinary("alice");
}

TEST(nobody_is_demoted_for_what_a_new_one_would_be)
{
    struct wish *wish;

    trial_start(&trial, BY_ADMINISTRATOR);
    wish = trial_wish(&trial, "alice", "another");
    begin_as(wish, false, NULL);
    trial_find(&trial, "alice")->admin = true;
    strcpy(trial_find(&trial, "alice")->user_type, "support");
    run_and_assert("", "lookup alice, ");
    assert_true(trial_find(&trial, "alice")->admin);
    assert_string_equal(trial_find(&trial, "alice")->user_type, "support");
}

TEST(what_else_is_wanted_of_one_that_exists_is_all_that_changes)
{
    trial_want_text(start(BY_ADMINISTRATOR, "alice", "x"), ACCOUNT_DISPLAYNAME, "New");
    run_and_assert("set displayname", "lookup alice, may_update alice, update alice, ");
    assert_ordinary("alice");
}

TEST(one_that_is_brought_back_is_not_made_anew)
{
    trial_want(start(BY_ADMINISTRATOR, "alice", "new"), ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    run_and_assert("reactivate, set password",
        "lookup alice, may_update alice, update alice, ");
    assert_ordinary("alice");
}

TEST(a_match_asks_whose_it_is_and_for_nothing_more)
{
    start(BY_SERVICE_ACCOUNT, "alice", "right")->if_exists = IF_EXISTS_MATCH;
    run_and_assert("", "lookup alice, create alice, ask alice, ");
    assert_ordinary("alice");
    assert_false(trial.fake.has_service);
}

/* Only an administrator makes an account without a password; that one exists is
 * seen first. */
TEST(an_administrator_that_the_creation_takes_finds_it_there_and_leaves_it)
{
    start(BY_SERVICE_ACCOUNT, "alice", NULL);
    run_and_assert("", "lookup alice, become service, lookup alice, ");
    assert_ordinary("alice");
}

TEST(an_administrator_that_the_creation_takes_makes_it_as_it_is_to_begin)
{
    start(BY_SERVICE_ACCOUNT, "bob", NULL);
    run_and_assert("create", "lookup bob, become service, lookup bob, create bob, ");
    assert_true(trial_find(&trial, "bob")->admin);
    assert_told_as_begun(&trial.outcomes[0].after);
}

TEST(in_check_mode_a_creation_is_predicted_as_it_is_to_begin)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_string_equal(trial.fake.calls, "lookup bob, may_create bob, ");
    assert_string_equal(trial_actions(&trial), "create");
    assert_told_as_begun(&trial.outcomes[0].after);
    assert_false(trial.outcomes[0].guess);
    assert_null(trial_find(&trial, "bob"));
}

TEST(in_check_mode_who_is_not_seen_is_a_guess_and_no_administrator_is_predicted)
{
    start(BY_SERVICE_ACCOUNT, "bob", "x");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_string_equal(trial.fake.calls, "lookup bob, ask bob, may_create bob, ");
    assert_true(trial.outcomes[0].guess);
    assert_told_as_begun(&trial.outcomes[0].after);
    assert_int_equal(trial.backend.authority, AUTHORITY_NONE);
    assert_int_equal(trial.actions.count, 0);
}

TEST(in_check_mode_one_of_ones_own_is_found_and_left_alone)
{
    start(BY_SERVICE_ACCOUNT, "alice", "right");
    assert_int_equal(trial_run(&trial, ENSURE_PREDICT), 0);
    assert_string_equal(trial.fake.calls, "lookup alice, ask alice, ");
    assert_false(trial.outcomes[0].changed);
    assert_false(trial.outcomes[0].guess);
    assert_false(trial.outcomes[0].after.admin);
}

static const struct fake_fault lost_creation = {
    "create", "bob", ERROR_UNREACHABLE, 0, true, 1};
static const struct fake_fault creation_not_made = {
    "create", "bob", ERROR_UNREACHABLE, 0, true, 0};

TEST(a_creation_whose_reply_was_lost_is_told_as_it_is_to_begin)
{
    static const enum trial_credential credentials[] = {BY_ADMINISTRATOR, BY_SHARED_SECRET};
    static const char *const calls[] = {"lookup bob, create bob, lookup bob, ",
        "lookup bob, create bob, lookup bob, create bob, "};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        trial_end(&trial);
        start(credentials[i], "bob", "x");
        trial.fake.faults[0] = lost_creation;
        run_and_assert("create", calls[i]);
        assert_told_as_begun(&trial.outcomes[0].after);
        assert_in("lost", trial.warnings.items[0]);
    }
}

/* Was seen by none, and there by the second look, as our request never made it. */
static int
appear_after_a_look(void)
{
    struct fake_account *bob = trial_account(&trial, "bob");

    strcpy(bob->password, "theirs");
    return trial_run(&trial, ENSURE_APPLY);
}

TEST(an_account_that_cannot_be_the_one_whose_reply_was_lost_is_somebody_elses)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.hidden_once = "bob";
    trial.fake.faults[0] = creation_not_made;
    assert_int_equal(appear_after_a_look(), 0);
    assert_kind(&outcome->error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, lookup bob, ");
    assert_false(outcome->changed);
    assert_false(outcome->created);
    assert_false(outcome->after.admin);
    assert_ordinary("bob");
}

TEST(a_made_up_password_is_not_handed_out_for_somebody_elses_account)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "bob", NULL);

    wish->generate_password = true;
    trial.fake.hidden_once = "bob";
    trial.fake.faults[0] = creation_not_made;
    assert_int_equal(appear_after_a_look(), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_false(secret_given(&trial.outcomes[0].generated_password));
    assert_string_equal(trial_find(&trial, "bob")->password, "theirs");
}

/* Between the look and the creation, which says that the name is taken. */
TEST(an_account_that_appears_before_the_creation_is_one_that_exists)
{
    start(BY_SHARED_SECRET, "bob", "x");
    trial.fake.profiles = true;
    trial.fake.hidden_once = "bob";
    assert_int_equal(appear_after_a_look(), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
    assert_false(trial.outcomes[0].changed);
    assert_ordinary("bob");
}

/* So says one request that could have changed it, as well (Synapse's PUT). */
TEST(an_account_that_was_there_by_then_and_has_another_password_is_one_that_exists)
{
    const struct outcome *outcome = &trial.outcomes[0];

    start(BY_ADMINISTRATOR, "bob", "x");
    begin_as(&trial.wishes[0], false, NULL);
    trial.wishes[0].initial.stated = ACCOUNT_BIT(ACCOUNT_ADMIN); /* as they are */
    trial.fake.hidden_once = "bob";
    trial.fake.there_by_then = true;
    assert_int_equal(appear_after_a_look(), 0);
    assert_kind(&outcome->error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ask bob, lookup bob, ");
    assert_false(outcome->changed);
    assert_false(outcome->password_set);
    assert_ordinary("bob");
}

TEST(an_account_that_was_there_by_then_as_it_was_to_begin_counts_as_created)
{
    struct fake_account *bob;

    start(BY_ADMINISTRATOR, "bob", "x");
    bob = trial_account(&trial, "bob");
    strcpy(bob->password, "x");
    strcpy(bob->user_type, "bot");
    bob->admin = true;
    trial.fake.hidden_once = "bob";
    trial.fake.there_by_then = true;
    run_and_assert("create", "lookup bob, create bob, ask bob, ");
    assert_told_as_begun(&trial.outcomes[0].after);
    assert_in("lost", trial.warnings.items[0]);
}

TEST(an_account_that_was_there_by_then_may_be_changed_where_it_cannot_be_asked)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.hidden_once = "bob";
    trial.fake.there_by_then = true;
    trial.fake.faults[0] = (struct fake_fault){"ask", "bob", ERROR_SERVER, 500, false, 0};
    appear_after_a_look();
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_true(trial.outcomes[0].changed);
    assert_ordinary("bob");
}

TEST(a_list_of_them_asks_for_no_administrator_twice)
{
    static const char *const names[] = {"bob", "carol", "dave", "erin", "frank", "grace"};

    trial_start(&trial, BY_SERVICE_ACCOUNT);
    for (size_t i = 0; i < COUNT(names); i++)
        begin_as(trial_wish(&trial, names[i], "x"), i % 2 == 0, NULL);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_not_in("become", trial.fake.calls);
    trial_repeat(&trial);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_not_in("become", trial.fake.calls);
    assert_not_in("ask", trial.fake.calls);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
        assert_false(trial.outcomes[i].changed);
    }
}

TEST(a_made_up_password_is_handed_out_where_it_may_be_the_one)
{
    start(BY_ADMINISTRATOR, "bob", NULL)->generate_password = true;
    trial.fake.hidden_once = "bob";
    trial.fake.there_by_then = true;
    trial.fake.faults[0] = (struct fake_fault){"ask", "bob", ERROR_SERVER, 500, false, 0};
    appear_after_a_look();
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_true(secret_given(&trial.outcomes[0].generated_password));
}

/* One run, after which the server is as it was. */
static int
create_once(void *context, struct error *error)
{
    static struct fake before;
    const struct outcome *outcome = &trial.outcomes[0];
    int result;

    (void)context;
    memcpy(&before, &trial.fake, sizeof(before));
    result = trial_run(&trial, ENSURE_APPLY);
    *error = outcome->error;
    /* The loss that could not be settled is an honest answer as well. */
    if (error->kind == ERROR_UNREACHABLE && outcome->changed)
        error->kind = ERROR_MEMORY;
    if ((trial_find(&trial, "bob") != NULL) != outcome->changed ||
        (outcome->changed && !trial_find(&trial, "bob")->admin)) {
        error_clear(error);
        error_set(error, ERROR_INTERNAL, "it is not told, or not made, as it is to begin");
    }
    memcpy(&trial.fake, &before, sizeof(before));
    trial_repeat(&trial);
    return error->kind == ERROR_NONE ? result : -1;
}

TEST(it_is_made_as_it_is_to_begin_or_memory_was_short)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    fail_each_allocation(create_once, NULL);
    trial.fake.faults[0] = lost_creation;
    fail_each_allocation(create_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_new_account_is_made_as_it_is_to_begin_and_told_so),
        TRIAL(one_that_exists_is_left_alone_with_no_login_and_no_administrator),
        TRIAL(one_that_exists_unseen_is_left_alone_when_its_name_turns_out_to_be_taken),
        TRIAL(an_administrator_leaves_one_that_exists_alone_too),
        TRIAL(nobody_is_demoted_for_what_a_new_one_would_be),
        TRIAL(what_else_is_wanted_of_one_that_exists_is_all_that_changes),
        TRIAL(one_that_is_brought_back_is_not_made_anew),
        TRIAL(a_match_asks_whose_it_is_and_for_nothing_more),
        TRIAL(an_administrator_that_the_creation_takes_finds_it_there_and_leaves_it),
        TRIAL(an_administrator_that_the_creation_takes_makes_it_as_it_is_to_begin),
        TRIAL(in_check_mode_a_creation_is_predicted_as_it_is_to_begin),
        TRIAL(in_check_mode_who_is_not_seen_is_a_guess_and_no_administrator_is_predicted),
        TRIAL(in_check_mode_one_of_ones_own_is_found_and_left_alone),
        TRIAL(a_creation_whose_reply_was_lost_is_told_as_it_is_to_begin),
        TRIAL(an_account_that_cannot_be_the_one_whose_reply_was_lost_is_somebody_elses),
        TRIAL(a_made_up_password_is_not_handed_out_for_somebody_elses_account),
        TRIAL(an_account_that_appears_before_the_creation_is_one_that_exists),
        TRIAL(an_account_that_was_there_by_then_and_has_another_password_is_one_that_exists),
        TRIAL(an_account_that_was_there_by_then_as_it_was_to_begin_counts_as_created),
        TRIAL(an_account_that_was_there_by_then_may_be_changed_where_it_cannot_be_asked),
        TRIAL(a_list_of_them_asks_for_no_administrator_twice),
        TRIAL(a_made_up_password_is_handed_out_where_it_may_be_the_one),
        TRIAL(it_is_made_as_it_is_to_begin_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, initial", tests, NULL, NULL);
}
