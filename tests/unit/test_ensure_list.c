/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: names, what goes wrong midway, and lists. */
#include "support.h"

#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stop.h"
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

static void
assert_warned(size_t count, const char *part)
{
    assert_int_equal(trial.warnings.count, count);
    if (count > 0)
        assert_in(part, trial.warnings.items[0]);
}

TEST(a_name_with_capitals_is_the_lower_case_one_with_a_warning)
{
    start(BY_ADMINISTRATOR, "Bob", "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial.fake.calls, "lookup Bob, lookup bob, create bob, ");
    assert_string_equal(trial.outcomes[0].after.user_id, "@bob:example.org");
    assert_warned(1, "upper case");
}

/* Specification: appendices, "Historical User IDs": they may have capitals. */
TEST(a_historical_name_with_capitals_is_taken_as_it_is)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "@Bob:example.org", NULL);

    trial_account(&trial, "Bob");
    trial_account(&trial, "bob");
    trial_want(wish, ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial.fake.calls, "lookup Bob, may_update Bob, update Bob, ");
    assert_true(trial_find(&trial, "Bob")->admin);
    assert_false(trial_find(&trial, "bob")->admin);
    assert_string_equal(trial.outcomes[0].after.user_id, "@Bob:example.org");
    assert_warned(0, "");
}

TEST(a_name_of_another_server_is_refused_before_anything_is_sent)
{
    start(BY_ADMINISTRATOR, "@alice:example.com", "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_INVALID);
    assert_in("example.org", trial.outcomes[0].error.text);
    assert_in("example.com", trial.outcomes[0].error.text);
    assert_string_equal(trial.fake.calls, "");
}

TEST(the_servers_own_name_behind_a_user_is_right)
{
    start(BY_ADMINISTRATOR, "@alice:example.org", "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
}

/* Specification: user ids have at most 255 bytes, sigil and server included. */
TEST(a_user_id_that_the_servers_name_makes_too_long_is_refused)
{
    char name[260];

    memset(name, 'a', sizeof(name));
    name[243] = '\0'; /* '@' + 243 + ":example.org" = 256 */
    start(BY_ADMINISTRATOR, name, "x");
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_INVALID);
    assert_string_equal(trial.fake.calls, "");
}

static const struct fake_fault lost_creation = {
    "create", "bob", ERROR_UNREACHABLE, 0, true, 1};
static const struct fake_fault creation_not_made = {
    "create", "bob", ERROR_UNREACHABLE, 0, true, 0};

/* Looking before showed nobody, so that what is there now is ours. */
TEST(a_creation_whose_reply_was_lost_counts_when_the_account_is_there)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] = lost_creation;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial_actions(&trial), "create");
    assert_true(trial.outcomes[0].created);
    assert_true(trial.outcomes[0].password_set);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, lookup bob, ");
    assert_warned(1, "lost");
}

TEST(a_lost_creation_has_to_match_where_that_is_asked)
{
    start(BY_ADMINISTRATOR, "bob", "x")->if_exists = IF_EXISTS_MATCH;
    trial.fake.faults[0] = lost_creation;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_NONE);
    assert_string_equal(trial_actions(&trial), "create");
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, lookup bob, ask bob, ");
}

TEST(a_creation_that_was_not_made_ends_with_its_own_error)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] = creation_not_made;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.outcomes[0].error, ERROR_UNREACHABLE);
    assert_kind(&trial.error, ERROR_UNREACHABLE);
    assert_false(trial.outcomes[0].created);
    assert_false(trial.outcomes[0].changed); /* an administrator saw that */
    assert_int_equal(trial.outcomes[0].actions.count, 0);
}

/* Who cannot look creates again: the name that is taken now was not before. */
TEST(a_shared_secret_settles_a_lost_creation_by_creating_again)
{
    start(BY_SHARED_SECRET, "bob", "x");
    trial.fake.faults[0] = lost_creation;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial_actions(&trial), "create");
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, lookup bob, create bob, ");
    assert_warned(1, "lost");
    trial_end(&trial);
    start(BY_SHARED_SECRET, "bob", "x");
    trial.fake.faults[0] = creation_not_made;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial_actions(&trial), "create");
    assert_warned(0, "");
}

TEST(a_refused_creation_is_not_looked_for)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_POLICY, 400, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_POLICY);
    assert_int_equal(trial.outcomes[0].error.status, 400);
    assert_false(trial.outcomes[0].changed);
    assert_string_equal(trial.fake.calls, "lookup bob, create bob, ");
}

TEST(a_look_that_fails_creates_nobody)
{
    start(BY_ADMINISTRATOR, "bob", "x");
    trial.fake.faults[0] = (struct fake_fault){"lookup", "bob", ERROR_SERVER, 500, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_string_equal(trial.fake.calls, "lookup bob, ");
}

/* A task that failed says as well what it changed before. */
TEST(an_update_that_failed_midway_says_what_was_done)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "New");
    trial.fake.faults[0] = (struct fake_fault){
        "update", "alice", ERROR_FORBIDDEN, 403, false, ACCOUNT_BIT(ACCOUNT_ADMIN)};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_FORBIDDEN);
    assert_true(trial.outcomes[0].changed);
    assert_true(trial.outcomes[0].after.admin);
    assert_string_equal(trial.outcomes[0].after.displayname, "Alice");
}

TEST(an_update_that_failed_at_once_changed_nothing)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial.fake.faults[0] =
        (struct fake_fault){"update", "alice", ERROR_FORBIDDEN, 403, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_false(trial.outcomes[0].changed);
    assert_false(trial.outcomes[0].after.admin);
}

TEST(an_update_whose_reply_was_lost_may_have_changed_something)
{
    struct wish *wish = start(BY_ADMINISTRATOR, "alice", NULL);

    trial_want(wish, ACCOUNT_ADMIN, true);
    trial.fake.faults[0] = (struct fake_fault){
        "update", "alice", ERROR_UNREACHABLE, 0, true, ACCOUNT_BIT(ACCOUNT_ADMIN)};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.error, ERROR_UNREACHABLE);
    assert_true(trial.outcomes[0].changed);
}

TEST(a_list_goes_on_after_what_is_one_accounts_error)
{
    trial_start(&trial, BY_ADMINISTRATOR);
    trial_wish(&trial, "bob", "x");
    trial_wish(&trial, "carol", "x");
    trial_wish(&trial, "alice", NULL);
    trial.fake.faults[0] = (struct fake_fault){"create", "bob", ERROR_SERVER, 500, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.error, ERROR_NONE);
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_true(trial.outcomes[1].created);
    assert_kind(&trial.outcomes[1].error, ERROR_NONE);
    assert_true(trial.outcomes[2].tried);
    assert_false(trial.outcomes[2].changed);
}

TEST(a_list_ends_at_what_every_account_would_meet)
{
    static const enum error_kind ending[] = {ERROR_UNREACHABLE, ERROR_TLS, ERROR_NOT_READY,
        ERROR_DATABASE, ERROR_MEMORY};

    for (size_t i = 0; i < COUNT(ending); i++) {
        trial_start(&trial, BY_ADMINISTRATOR);
        trial_wish(&trial, "bob", "x");
        trial_wish(&trial, "carol", "x");
        trial_wish(&trial, "dave", "x");
        trial.fake.faults[0] = (struct fake_fault){"lookup", "carol", ending[i], 0, false, 0};
        assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
        assert_kind(&trial.error, ending[i]);
        assert_true(trial.outcomes[0].created);
        assert_kind(&trial.outcomes[1].error, ending[i]);
        assert_true(trial.outcomes[1].tried);
        assert_false(trial.outcomes[2].tried);
        assert_null(trial_find(&trial, "dave"));
        if (i + 1 < COUNT(ending))
            trial_end(&trial);
    }
}

/* Synapse's rc_login.address allows a burst of five (config/ratelimiting.py). */
TEST(without_an_administrator_a_list_spends_three_logins)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave"};

    trial_start(&trial, BY_SHARED_SECRET);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (i > 0)
            strcpy(trial_account(&trial, names[i])->password, "right");
        trial_want(trial_wish(&trial, names[i], "right"), ACCOUNT_ADMIN, false);
    }
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    for (size_t i = 0; i < 3; i++)
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
    assert_kind(&trial.outcomes[3].error, ERROR_UNAUTHORIZED);
    assert_in("ask carol", trial.fake.calls);
    assert_not_in("ask dave", trial.fake.calls);
}

TEST(an_administrator_spends_no_logins)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "erin"};

    trial_start(&trial, BY_ADMINISTRATOR);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (i > 0)
            strcpy(trial_account(&trial, names[i])->password, "right");
        trial_wish(&trial, names[i], "right")->update_password = UPDATE_PASSWORD_ALWAYS;
    }
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
    assert_in("ask erin", trial.fake.calls);
}

/* In a child: being told to stop cannot be undone. */
TEST(nothing_new_is_begun_after_a_signal)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        bool well;

        trial_start(&trial, BY_ADMINISTRATOR);
        trial_wish(&trial, "bob", "x");
        well = stop_watch() == 0 && raise(SIGTERM) == 0 &&
               trial_run(&trial, ENSURE_APPLY) == -1 &&
               trial.error.kind == ERROR_INTERRUPTED && !trial.outcomes[0].tried &&
               trial.fake.calls[0] == '\0';
        trial_end(&trial);
        _exit(well ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* One run of everything, with the accounts as they were. */
static int
ensure_all(void *context, struct error *error)
{
    /* static: it is compared byte by byte, padding and all. */
    static struct fake before;
    const enum ensure_mode *mode = context;
    int result;

    memcpy(&before, &trial.fake, sizeof(before));
    result = trial_run(&trial, *mode);

    for (size_t i = 0; i < trial.count; i++) {
        const struct outcome *outcome = &trial.outcomes[i];

        if (outcome->error.kind != ERROR_NONE && error->kind == ERROR_NONE)
            *error = outcome->error;
        /* The loss that could not be settled is an honest answer as well. */
        if (error->kind == ERROR_UNREACHABLE && outcome->changed)
            error->kind = ERROR_MEMORY;
        /* What was done must not be told as nothing. */
        if (outcome->error.kind == ERROR_NONE && result == 0 &&
            (outcome->changed != (outcome->actions.count > 0) ||
                outcome->after.localpart == NULL)) {
            error_clear(error);
            error_set(error, ERROR_INTERNAL, "outcome %zu is not whole", i);
        }
        outcome_free(&trial.outcomes[i]);
    }
    if (result == 0 && memcmp(&before, &trial.fake, sizeof(before)) == 0) {
        error_clear(error);
        error_set(error, ERROR_INTERNAL, "nothing was done");
    }
    memcpy(&trial.fake, &before, sizeof(before));
    error_clear(&trial.error);
    list_free(&trial.warnings);
    return error->kind == ERROR_NONE ? result : -1;
}

static void
wish_for_all_sorts(void)
{
    struct wish *wish;

    wish = trial_wish(&trial, "Bob", "x");
    trial_want(wish, ACCOUNT_ADMIN, true);
    wish = trial_wish(&trial, "alice", "new");
    wish->update_password = UPDATE_PASSWORD_ALWAYS;
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "New");
    trial_want(wish, ACCOUNT_DEACTIVATED, false);
    trial_find(&trial, "alice")->deactivated = true;
    trial_want(trial_wish(&trial, "carol", NULL), ACCOUNT_DEACTIVATED, true);
    trial_account(&trial, "carol");
}

TEST(accounts_are_made_so_or_memory_was_short)
{
    enum ensure_mode modes[] = {ENSURE_APPLY, ENSURE_PREDICT};

    trial_start(&trial, BY_ADMINISTRATOR);
    wish_for_all_sorts();
    fail_each_allocation(ensure_all, &modes[0]);
    fail_each_allocation(ensure_all, &modes[1]);
}

TEST(lost_replies_are_settled_or_memory_was_short)
{
    enum ensure_mode mode = ENSURE_APPLY;

    trial_start(&trial, BY_ADMINISTRATOR);
    trial_wish(&trial, "bob", "x")->if_exists = IF_EXISTS_MATCH;
    trial.fake.faults[0] = lost_creation;
    fail_each_allocation(ensure_all, &mode);
}

TEST(a_failed_update_is_told_or_memory_was_short)
{
    enum ensure_mode mode = ENSURE_APPLY;

    trial_start(&trial, BY_ADMINISTRATOR);
    trial_want(trial_wish(&trial, "alice", NULL), ACCOUNT_ADMIN, true);
    trial.fake.faults[0] = (struct fake_fault){
        "update", "alice", ERROR_FORBIDDEN, 403, false, ACCOUNT_BIT(ACCOUNT_ADMIN)};
    fail_each_allocation(ensure_all, &mode);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_name_with_capitals_is_the_lower_case_one_with_a_warning),
        TRIAL(a_historical_name_with_capitals_is_taken_as_it_is),
        TRIAL(a_name_of_another_server_is_refused_before_anything_is_sent),
        TRIAL(the_servers_own_name_behind_a_user_is_right),
        TRIAL(a_user_id_that_the_servers_name_makes_too_long_is_refused),
        TRIAL(a_creation_whose_reply_was_lost_counts_when_the_account_is_there),
        TRIAL(a_lost_creation_has_to_match_where_that_is_asked),
        TRIAL(a_creation_that_was_not_made_ends_with_its_own_error),
        TRIAL(a_shared_secret_settles_a_lost_creation_by_creating_again),
        TRIAL(a_refused_creation_is_not_looked_for),
        TRIAL(a_look_that_fails_creates_nobody),
        TRIAL(an_update_that_failed_midway_says_what_was_done),
        TRIAL(an_update_that_failed_at_once_changed_nothing),
        TRIAL(an_update_whose_reply_was_lost_may_have_changed_something),
        TRIAL(a_list_goes_on_after_what_is_one_accounts_error),
        TRIAL(a_list_ends_at_what_every_account_would_meet),
        TRIAL(without_an_administrator_a_list_spends_three_logins),
        TRIAL(an_administrator_spends_no_logins),
        TRIAL(nothing_new_is_begun_after_a_signal),
        TRIAL(accounts_are_made_so_or_memory_was_short),
        TRIAL(lost_replies_are_settled_or_memory_was_short),
        TRIAL(a_failed_update_is_told_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, lists", tests, NULL, NULL);
}
