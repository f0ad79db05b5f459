/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ensure/ on a server that says which names are taken, and where people may register by
 * themselves or not, as tuwunel, continuwuity and Conduit.
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
start(enum trial_credential credential, const char *shut, const char *name,
    const char *password)
{
    trial_start(&trial, credential);
    trial_shut(&trial, shut);
    return trial_wish(&trial, name, password);
}

static void
assert_refused(enum error_kind kind, const char *words, const char *calls)
{
    assert_kind(&trial.outcomes[0].error, kind);
    assert_in(words, trial.outcomes[0].error.text);
    assert_string_equal(trial.fake.calls, calls);
    assert_false(trial.outcomes[0].changed);
}

TEST(where_everybody_may_register_an_account_is_made_without_a_credential)
{
    start(BY_NOBODY, "", "bob", "x");
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, creates_openly , create bob, ");
    assert_string_equal(trial_actions(&trial), "create");
    assert_non_null(trial_find(&trial, "bob"));
}

TEST(in_check_mode_it_is_predicted_after_the_same_question)
{
    start(BY_NOBODY, "", "bob", "x");
    trial_run(&trial, ENSURE_PREDICT);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, creates_openly , may_create bob, ");
    assert_true(trial.outcomes[0].created);
    assert_false(trial.outcomes[0].guess);
    assert_null(trial_find(&trial, "bob"));
}

/* Neither a login nor a request: the name is known to be free. */
TEST(where_nobody_may_register_the_error_says_so_and_what_would_do)
{
    start(BY_NOBODY, "it is disabled", "bob", "x");
    trial_run(&trial, ENSURE_APPLY);
    assert_refused(ERROR_UNAUTHORIZED,
        "there is no account @bob:example.org, and to create one Registrar needs the fake's "
        "creator (without it, only an open registration would do: it is disabled)",
        "lookup bob, creates_openly , ");
}

TEST(a_server_that_does_not_say_whether_they_may_is_an_error)
{
    start(BY_NOBODY, "", "bob", "x");
    trial.fake.faults[0] =
        (struct fake_fault){"creates_openly", "", ERROR_SERVER, 500, false, 0};
    trial_run(&trial, ENSURE_APPLY);
    assert_refused(ERROR_SERVER, "creates_openly", "lookup bob, creates_openly , ");
}

TEST(nobody_asks_with_a_credential_that_creates)
{
    static const enum trial_credential credentials[] = {BY_ADMINISTRATOR, BY_SHARED_SECRET};

    for (size_t i = 0; i < COUNT(credentials); i++) {
        start(credentials[i], "it is disabled", "bob", "x");
        trial_run(&trial, ENSURE_APPLY);
        assert_kind(&trial.outcomes[0].error, ERROR_NONE);
        assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
        clean_up(NULL);
    }
}

/* What is wrong with the token is the backend's to say. */
TEST(a_registration_token_is_such_a_credential)
{
    const struct secret token = secret_over("first-run");

    start(BY_NOBODY, "it is disabled", "bob", "x");
    trial.connection.registration_token = &token;
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
}

TEST(nobody_asks_about_an_account_that_is_there_or_is_not_to_be)
{
    start(BY_NOBODY, "", "alice", "right");
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup alice, ");
    clean_up(NULL);

    trial_want(start(BY_NOBODY, "", "bob", NULL), ACCOUNT_DEACTIVATED, true);
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial.fake.calls, "lookup bob, ");
}

/* ---- What the server made of it --------------------------------------------------------- */

/* Nobody there could change it. */
TEST(what_the_server_made_otherwise_is_told_as_it_is)
{
    trial_want(start(BY_NOBODY, "", "bob", "x"), ACCOUNT_ADMIN, false);
    trial.fake.promotes = true;
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_true(account_is(&trial.outcomes[0].after, ACCOUNT_ADMIN));
    assert_true(trial.outcomes[0].password_set);
}

TEST(an_administrator_changes_what_the_server_made_otherwise)
{
    trial_want(start(BY_ADMINISTRATOR, "", "bob", "x"), ACCOUNT_ADMIN, false);
    trial.fake.promotes = true;
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_true(account_states(&trial.outcomes[0].after, ACCOUNT_ADMIN));
    assert_false(trial.outcomes[0].after.admin);
    assert_false(trial_find(&trial, "bob")->admin);
}

TEST(an_account_that_was_made_and_is_not_what_it_was_to_be_is_told_with_its_error)
{
    const struct outcome *outcome = &trial.outcomes[0];

    trial_want(start(BY_NOBODY, "", "bob", "x"), ACCOUNT_ADMIN, true);
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_POLICY, 0, false, 1};
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&outcome->error, ERROR_POLICY);
    assert_true(outcome->changed);
    assert_true(outcome->created);
    assert_true(outcome->password_set);
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(account_is(&outcome->after, ACCOUNT_ADMIN)); /* as the fake made it */
}

TEST(a_password_that_was_made_up_is_handed_out_with_that_error)
{
    struct wish *wish = start(BY_NOBODY, "", "bob", NULL);

    wish->generate_password = true;
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_POLICY, 0, false, 1};
    trial_run(&trial, ENSURE_APPLY);
    assert_kind(&trial.outcomes[0].error, ERROR_POLICY);
    assert_string_equal(
        trial.outcomes[0].generated_password.bytes, trial_find(&trial, "bob")->password);
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* One run, after which the server is as it was. */
static int
run_again(void *context, struct error *error)
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

TEST(a_creation_is_told_truly_when_memory_is_short)
{
    trial_want(start(BY_NOBODY, "", "bob", "x"), ACCOUNT_ADMIN, false);
    trial.fake.promotes = true;
    fail_each_allocation(run_again, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(where_everybody_may_register_an_account_is_made_without_a_credential),
        TRIAL(in_check_mode_it_is_predicted_after_the_same_question),
        TRIAL(where_nobody_may_register_the_error_says_so_and_what_would_do),
        TRIAL(a_server_that_does_not_say_whether_they_may_is_an_error),
        TRIAL(nobody_asks_with_a_credential_that_creates),
        TRIAL(a_registration_token_is_such_a_credential),
        TRIAL(nobody_asks_about_an_account_that_is_there_or_is_not_to_be),
        TRIAL(what_the_server_made_otherwise_is_told_as_it_is),
        TRIAL(an_administrator_changes_what_the_server_made_otherwise),
        TRIAL(an_account_that_was_made_and_is_not_what_it_was_to_be_is_told_with_its_error),
        TRIAL(a_password_that_was_made_up_is_handed_out_with_that_error),
        TRIAL(a_creation_is_told_truly_when_memory_is_short),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
