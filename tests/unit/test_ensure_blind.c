/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ensure/ on a server whose API shows an administrator no more than anybody, as
 * Dendrite's: an account is seen by its own login or in the database. The rules are
 * those of docs/dendrite.md.
 */
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

static struct wish *
start(enum trial_credential credential, bool has_database, const char *name,
    const char *password)
{
    trial_start(&trial, credential);
    trial_blind(&trial, has_database);
    return trial_wish(&trial, name, password);
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
run_and_assert_error(enum error_kind kind, const char *words, const char *calls)
{
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, kind);
    assert_in(words, trial.outcomes[0].error.text);
    assert_string_equal(trial.fake.calls, calls);
    assert_false(trial.outcomes[0].changed);
}

/* ---- Without a database --------------------------------------------------------------- */

/* It would see nothing that is not seen already. */
TEST(no_administrator_is_made_only_to_look)
{
    struct wish *wish = start(BY_SERVICE_ACCOUNT, false, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    run_and_assert_error(ERROR_UNAUTHORIZED,
        "what its admin is nobody says here: give the fake's database", "lookup alice, ");
    assert_false(trial.fake.has_service);
}

TEST(an_administrator_who_is_given_sees_no_more)
{
    struct wish *wish = start(BY_ADMINISTRATOR, false, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, false);
    run_and_assert_error(ERROR_UNAUTHORIZED, "nobody says here", "lookup alice, ");
}

TEST(in_check_mode_what_nobody_says_is_not_guessed_either)
{
    struct wish *wish = start(BY_SERVICE_ACCOUNT, false, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_run(&trial, ENSURE_PREDICT);
    assert_kind(&trial.outcomes[0].error, ERROR_UNAUTHORIZED);
    assert_false(trial.outcomes[0].guess);
}

TEST(the_accounts_own_password_shows_it_to_anybody_and_to_an_administrator)
{
    static const enum trial_credential credentials[] = {
        BY_SHARED_SECRET, BY_SERVICE_ACCOUNT, BY_ADMINISTRATOR};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        struct wish *wish = start(credentials[i], false, "alice", "right");

        trial_want(wish, ACCOUNT_ADMIN, false);
        run_and_assert("", "lookup alice, ask alice, ");
        assert_false(trial.fake.has_service);
        trial_end(&trial);
    }
    start(BY_SHARED_SECRET, false, "alice", NULL); /* for clean_up */
}

TEST(with_another_password_it_stays_unseen)
{
    struct wish *wish = start(BY_ADMINISTRATOR, false, "alice", "wrong");

    trial_want(wish, ACCOUNT_ADMIN, false);
    run_and_assert_error(ERROR_UNAUTHORIZED, "nobody says here", "lookup alice, ask alice, ");
}

/* What is seen already, as a display name is, takes its password only to be changed. */
TEST(a_display_name_that_is_right_takes_no_password)
{
    struct wish *wish = start(BY_SHARED_SECRET, false, "alice", "right");

    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Alice");
    run_and_assert("", "lookup alice, ");
}

TEST(a_display_name_is_changed_by_the_account_itself_also_beside_an_administrator)
{
    static const enum trial_credential credentials[] = {
        BY_SHARED_SECRET, BY_SERVICE_ACCOUNT, BY_ADMINISTRATOR};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        struct wish *wish = start(credentials[i], false, "alice", "right");

        trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Al");
        run_and_assert("set displayname",
            "lookup alice, ask alice, may_update alice, update alice, ");
        assert_string_equal(trial_find(&trial, "alice")->displayname, "Al");
        assert_false(trial.fake.has_service);
        trial_end(&trial);
    }
    start(BY_SHARED_SECRET, false, "alice", NULL); /* for clean_up */
}

TEST(a_display_name_is_not_changed_with_another_password)
{
    struct wish *wish = start(BY_ADMINISTRATOR, false, "alice", "wrong");

    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Al");
    run_and_assert_error(ERROR_UNAUTHORIZED, "", "lookup alice, ask alice, may_update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->displayname, "Alice");
}

TEST(an_administrator_sets_a_password_and_asks_about_it_without_a_login)
{
    struct wish *wish = start(BY_ADMINISTRATOR, false, "alice", "next");

    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    run_and_assert("set password", "lookup alice, ask alice, may_update alice, update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->password, "next");
    trial_repeat(&trial);
    run_and_assert("", "lookup alice, ask alice, ");
}

/* ---- With a database -------------------------------------------------------------------- */

TEST(a_database_is_looked_into_whatever_is_wanted)
{
    start(BY_SHARED_SECRET, true, "alice", "right");
    run_and_assert("", "become database, lookup alice, ");
    trial_repeat(&trial);
    trial.wishes[0].if_exists = IF_EXISTS_MATCH;
    run_and_assert("", "become database, lookup alice, ask alice, ");
}

TEST(a_database_promotes_without_any_other_credential)
{
    struct wish *wish = start(BY_NOBODY, true, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    run_and_assert("set admin",
        "become database, lookup alice, may_update alice, update alice, ");
    assert_true(trial_find(&trial, "alice")->admin);
    trial_repeat(&trial);
    run_and_assert("", "become database, lookup alice, ");
    assert_false(trial.fake.has_service);
}

TEST(beside_a_database_a_display_name_takes_the_accounts_own_password)
{
    struct wish *wish = start(BY_SHARED_SECRET, true, "alice", "right");

    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Al");
    run_and_assert("set displayname",
        "become database, lookup alice, ask alice, may_update alice, update alice, ");
    trial_end(&trial);

    wish = start(BY_SHARED_SECRET, true, "alice", NULL);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Al");
    run_and_assert_error(ERROR_UNAUTHORIZED, "",
        "become database, lookup alice, may_update alice, ");
}

/* ---- Lists --------------------------------------------------------------------------------- */

/* More than three, the most logins that a task may have. */
static void
want_many(enum trial_credential credential, bool has_database, bool admin)
{
    static const char *const names[] = {"ann", "ben", "cat", "dan"};

    trial_start(&trial, credential);
    trial_blind(&trial, has_database);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct wish *wish = trial_wish(&trial, names[i], "own");

        strcpy(trial_account(&trial, names[i])->password, "own");
        wish->if_exists = IF_EXISTS_MATCH;
        if (admin)
            trial_want(wish, ACCOUNT_ADMIN, false);
    }
}

TEST(a_list_with_many_passwords_to_ask_about_has_an_administrator_from_the_start)
{
    want_many(BY_SERVICE_ACCOUNT, false, false);
    run_and_assert("", "become service, lookup ann, ask ann, lookup ben, ask ben, "
                       "lookup cat, ask cat, lookup dan, ask dan, ");
    assert_true(trial.fake.has_service);
}

TEST(a_list_that_logs_in_more_than_three_is_stopped_with_what_helps)
{
    want_many(BY_SERVICE_ACCOUNT, false, true);
    trial_run(&trial, ENSURE_APPLY);
    for (size_t i = 0; i < 3; i++)
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
    assert_kind(&trial.outcomes[3].error, ERROR_UNAUTHORIZED);
    assert_in("3 at most", trial.outcomes[3].error.text);
}

TEST(a_list_with_a_database_takes_no_login_and_no_administrator)
{
    want_many(BY_SERVICE_ACCOUNT, true, true);
    run_and_assert("", "become database, lookup ann, ask ann, lookup ben, ask ben, "
                       "lookup cat, ask cat, lookup dan, ask dan, ");
    assert_false(trial.fake.has_service);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(no_administrator_is_made_only_to_look),
        TRIAL(an_administrator_who_is_given_sees_no_more),
        TRIAL(in_check_mode_what_nobody_says_is_not_guessed_either),
        TRIAL(the_accounts_own_password_shows_it_to_anybody_and_to_an_administrator),
        TRIAL(with_another_password_it_stays_unseen),
        TRIAL(a_display_name_that_is_right_takes_no_password),
        TRIAL(a_display_name_is_changed_by_the_account_itself_also_beside_an_administrator),
        TRIAL(a_display_name_is_not_changed_with_another_password),
        TRIAL(an_administrator_sets_a_password_and_asks_about_it_without_a_login),
        TRIAL(a_database_is_looked_into_whatever_is_wanted),
        TRIAL(a_database_promotes_without_any_other_credential),
        TRIAL(beside_a_database_a_display_name_takes_the_accounts_own_password),
        TRIAL(a_list_with_many_passwords_to_ask_about_has_an_administrator_from_the_start),
        TRIAL(a_list_that_logs_in_more_than_three_is_stopped_with_what_helps),
        TRIAL(a_list_with_a_database_takes_no_login_and_no_administrator),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
