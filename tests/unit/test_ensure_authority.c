/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ensure/: when it becomes an administrator, and what it does where it cannot.
 * The rules are those of docs/ and the module's documentation on
 * service_account. */
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
start(enum trial_credential credential, const char *name, const char *password)
{
    trial_start(&trial, credential);
    return trial_wish(&trial, name, password);
}

static struct wish *
start_match(const char *name, const char *password)
{
    struct wish *wish = start(BY_SERVICE_ACCOUNT, name, password);

    wish->if_exists = IF_EXISTS_MATCH;
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

/* Wishes of all sorts; each field is one that somebody could state. */
struct sort {
    enum trial_credential credential;
    enum if_exists if_exists;
    enum if_absent if_absent;
    enum update_password update_password;
    const char *password;
    unsigned stated;
};

static void
assert_begins(const struct sort *sort, bool as_administrator)
{
    struct wish *wish = start(sort->credential, "bob", sort->password);
    bool begins_so;

    wish->if_exists = sort->if_exists;
    wish->if_absent = sort->if_absent;
    wish->update_password = sort->update_password;
    if ((sort->stated & ACCOUNT_BIT(ACCOUNT_ADMIN)) != 0)
        trial_want(wish, ACCOUNT_ADMIN, true);
    if ((sort->stated & ACCOUNT_BIT(ACCOUNT_LOCKED)) != 0)
        trial_want(wish, ACCOUNT_LOCKED, false);
    if ((sort->stated & ACCOUNT_BIT(ACCOUNT_DISPLAYNAME)) != 0)
        trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Bob");
    trial_run(&trial, ENSURE_APPLY);
    begins_so = strncmp(trial.fake.calls, "become ", strlen("become ")) == 0;
    if (begins_so != as_administrator)
        fail_msg("credential %d, if_exists %d, if_absent %d, update_password %d, %s, %x: %s",
            (int)sort->credential, (int)sort->if_exists, (int)sort->if_absent,
            (int)sort->update_password, sort->password == NULL ? "no password" : "password",
            sort->stated, trial.fake.calls);
    trial_end(&trial);
}

/*
 * An administrator is asked for from the start only with the shared secret and
 * a service account, if_exists: update, and more than a name and a password to
 * see to: in the first run, so that the second is a true no-op.
 */
TEST(an_administrator_is_had_from_the_start_where_a_later_run_would_need_one)
{
    static const unsigned stated[] = {0, ACCOUNT_BIT(ACCOUNT_ADMIN),
        ACCOUNT_BIT(ACCOUNT_LOCKED), ACCOUNT_BIT(ACCOUNT_DISPLAYNAME)};
    unsigned sorts = 0, from_the_start = 0;

    for (unsigned i = 0; i < 4 * 3 * 2 * 2 * 2 * COUNT(stated); i++) {
        const struct sort sort = {
            .credential = (enum trial_credential)(i % 4),
            .if_exists = (enum if_exists)(i / 4 % 3),
            .if_absent = (enum if_absent)(i / 12 % 2),
            .update_password = (enum update_password)(i / 24 % 2),
            .password = i / 48 % 2 == 0 ? NULL : "x",
            .stated = stated[i / 96],
        };
        bool expected = sort.credential == BY_SERVICE_ACCOUNT &&
                        sort.if_exists == IF_EXISTS_UPDATE &&
                        (sort.stated != 0 || sort.if_absent == IF_ABSENT_FAIL ||
                            sort.update_password == UPDATE_PASSWORD_ALWAYS);

        assert_begins(&sort, expected);
        sorts++;
        from_the_start += expected;
    }
    assert_int_equal(sorts, 384);
    assert_int_equal(from_the_start, 30);
    start(BY_NOBODY, "bob", NULL); /* for clean_up */
}

TEST(a_plain_registration_asks_for_no_administrator_and_its_second_run_neither)
{
    start(BY_SERVICE_ACCOUNT, "bob", "x");
    run_and_assert("create", "lookup bob, create bob, ");
    trial_repeat(&trial);
    run_and_assert("", "lookup bob, create bob, ");
    trial_repeat(&trial);
    trial.fake.profiles = true;
    run_and_assert("", "lookup bob, ");
    assert_false(trial.fake.has_service);
    assert_int_equal(trial.actions.count, 0);
}

TEST(registering_ones_own_name_a_second_time_asks_for_no_administrator)
{
    struct wish *wish = start_match("bob", "x");

    trial_want(wish, ACCOUNT_ADMIN, false);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Bob");
    run_and_assert("create", "lookup bob, create bob, ");
    trial_repeat(&trial);
    run_and_assert("", "lookup bob, create bob, ask bob, ");
    assert_false(trial.fake.has_service);
}

TEST(the_administrator_of_a_first_run_is_there_for_the_second_which_changes_nothing)
{
    trial_want(start(BY_SERVICE_ACCOUNT, "bob", "x"), ACCOUNT_LOCKED, true);
    run_and_assert("create", "become service, lookup bob, create bob, may_update bob, "
                             "update bob, ");
    assert_string_equal(trial.actions.items[0], "create service account");
    trial_repeat(&trial);
    run_and_assert("", "become service, lookup bob, ");
    assert_int_equal(trial.actions.count, 0);
}

TEST(an_account_of_ones_own_shows_what_it_may_before_an_administrator_is_asked_for)
{
    struct wish *wish = start_match("alice", "right");

    trial_want(wish, ACCOUNT_ADMIN, false);
    trial_want(wish, ACCOUNT_LOCKED, false);
    trial_want_text(wish, ACCOUNT_DISPLAYNAME, "Alice");
    trial.fake.profiles = true; /* else it might be to be created, locked or not */
    run_and_assert("", "lookup alice, ask alice, ");
}

TEST(an_account_of_ones_own_sets_its_own_name_without_an_administrator)
{
    trial_want_text(start_match("alice", "right"), ACCOUNT_DISPLAYNAME, "New");
    run_and_assert("set displayname",
        "lookup alice, create alice, ask alice, may_update alice, update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->displayname, "New");
}

TEST(what_ones_own_password_does_not_show_is_asked_of_an_administrator)
{
    trial_want_text(start_match("alice", "right"), ACCOUNT_USER_TYPE, "bot");
    run_and_assert("set user_type", "lookup alice, create alice, ask alice, become service, "
                                    "lookup alice, may_update alice, update alice, ");
    assert_string_equal(trial_find(&trial, "alice")->user_type, "bot");
    assert_string_equal(trial.actions.items[0], "create service account");
}

TEST(what_ones_own_password_cannot_change_takes_an_administrator)
{
    trial_want(start_match("alice", "right"), ACCOUNT_ADMIN, true);
    run_and_assert("set admin", "lookup alice, create alice, ask alice, become service, "
                                "lookup alice, may_update alice, update alice, ");
    assert_true(trial_find(&trial, "alice")->admin);
}

TEST(somebody_elses_account_is_a_conflict_before_an_administrator_is_asked_for)
{
    trial_want(start_match("alice", "wrong"), ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_CONFLICT);
    assert_string_equal(trial.fake.calls, "lookup alice, create alice, ask alice, ");
    assert_false(trial.outcomes[0].changed);
}

TEST(if_exists_fail_asks_for_an_administrator_only_where_a_creation_needs_one)
{
    start(BY_SERVICE_ACCOUNT, "alice", "right")->if_exists = IF_EXISTS_FAIL;
    trial_want(&trial.wishes[0], ACCOUNT_ADMIN, true);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_CONFLICT);
    assert_string_equal(trial.fake.calls, "lookup alice, create alice, ");
    trial_end(&trial);
    start(BY_SERVICE_ACCOUNT, "bob", "x")->if_exists = IF_EXISTS_FAIL;
    trial_want(&trial.wishes[0], ACCOUNT_LOCKED, true);
    run_and_assert("create", "lookup bob, become service, lookup bob, create bob, "
                             "may_update bob, update bob, ");
    assert_true(trial_find(&trial, "bob")->locked);
}

TEST(a_creation_without_a_password_takes_an_administrator)
{
    start(BY_SERVICE_ACCOUNT, "bob", NULL);
    run_and_assert("create", "lookup bob, become service, lookup bob, create bob, ");
}

/* With other eyes, the account may turn out to be there. */
TEST(what_an_administrator_sees_counts_from_then_on)
{
    struct wish *wish = start_match("alice", "right");

    trial_want(wish, ACCOUNT_LOCKED, true);
    run_and_assert("lock", "lookup alice, become service, lookup alice, ask alice, "
                           "may_update alice, update alice, ");
    assert_true(trial_find(&trial, "alice")->locked);
}

TEST(a_login_that_the_server_limits_makes_it_become_an_administrator)
{
    start_match("alice", "right");
    trial.fake.faults[0] =
        (struct fake_fault){"ask", "alice", ERROR_RATE_LIMITED, 429, false, 0};
    run_and_assert("", "lookup alice, create alice, ask alice, become service, "
                       "lookup alice, ask alice, ");
}

TEST(a_login_that_the_server_limits_is_the_error_where_there_is_no_administrator)
{
    start(BY_SHARED_SECRET, "alice", "right")->if_exists = IF_EXISTS_MATCH;
    trial.fake.faults[0] =
        (struct fake_fault){"ask", "alice", ERROR_RATE_LIMITED, 429, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_RATE_LIMITED);
    assert_string_equal(trial.fake.calls, "lookup alice, create alice, ask alice, ");
}

TEST(a_login_that_fails_for_another_reason_makes_nobody_an_administrator)
{
    start_match("alice", "right");
    trial.fake.faults[0] = (struct fake_fault){"ask", "alice", ERROR_SERVER, 500, false, 0};
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_SERVER);
    assert_string_equal(trial.fake.calls, "lookup alice, create alice, ask alice, ");
}

static void
start_list(size_t matches)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave"};

    trial_start(&trial, BY_SERVICE_ACCOUNT);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct wish *wish = trial_wish(&trial, names[i], "right");

        if (i > 0)
            strcpy(trial_account(&trial, names[i])->password, "right");
        if (i < matches)
            wish->if_exists = IF_EXISTS_MATCH;
    }
}

/* ENSURE_LOGINS_MOST, 3: Synapse's own limit is a burst of five. */
TEST(more_matches_than_logins_make_it_an_administrator_from_the_start)
{
    start_list(4);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_string_equal(trial.fake.calls,
        "become service, lookup alice, ask alice, lookup bob, ask bob, lookup carol, "
        "ask carol, lookup dave, ask dave, ");
    for (size_t i = 0; i < 4; i++)
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
}

TEST(as_many_matches_as_logins_ask_for_no_administrator)
{
    start_list(3);
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_not_in("become", trial.fake.calls);
    assert_in("ask carol, ", trial.fake.calls);
    for (size_t i = 0; i < 4; i++)
        assert_kind(&trial.outcomes[i].error, ERROR_NONE);
}

static const struct fake_fault unsupported = {
    "become", FAKE_SERVICE, ERROR_UNSUPPORTED, 0, false, 0};
static const struct fake_fault conflict = {
    "become", FAKE_SERVICE, ERROR_CONFLICT, 0, false, 0};

/* A server without password logins, say. */
TEST(where_no_administrator_can_be_had_it_goes_as_far_as_it_can_without)
{
    trial_want_text(start(BY_SERVICE_ACCOUNT, "bob", "x"), ACCOUNT_DISPLAYNAME, "Bob");
    trial.fake.faults[0] = unsupported;
    run_and_assert("create", "become service, lookup bob, create bob, ");
    trial_end(&trial);
    trial_want_text(start(BY_SERVICE_ACCOUNT, "alice", "right"), ACCOUNT_DISPLAYNAME, "New");
    trial.fake.faults[0] = unsupported;
    run_and_assert("set displayname", "become service, lookup alice, create alice, "
                                      "ask alice, may_update alice, update alice, ");
}

TEST(where_no_administrator_can_be_had_what_takes_one_fails_and_the_list_goes_on)
{
    trial_want_text(start(BY_SERVICE_ACCOUNT, "alice", "right"), ACCOUNT_USER_TYPE, "bot");
    trial_wish(&trial, "bob", "x");
    trial.fake.faults[0] = unsupported;
    trial.fake.faults[1] = unsupported;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_UNSUPPORTED);
    assert_false(trial.outcomes[0].changed);
    assert_true(trial.outcomes[1].created);
    assert_string_equal(trial_find(&trial, "alice")->user_type, "");
}

/* A stranger's account of the service account's name. */
TEST(an_administrator_that_is_refused_ends_the_list_before_anything_is_done)
{
    trial_want(start(BY_SERVICE_ACCOUNT, "bob", "x"), ACCOUNT_ADMIN, true);
    trial_wish(&trial, "carol", "x");
    trial.fake.faults[0] = conflict;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.error, ERROR_CONFLICT);
    assert_kind(&trial.outcomes[0].error, ERROR_CONFLICT);
    assert_false(trial.outcomes[0].changed);
    assert_false(trial.outcomes[1].tried);
    assert_string_equal(trial.fake.calls, "become service, ");
}

TEST(an_administrator_that_is_refused_on_the_way_ends_the_list_there)
{
    trial_want(start_match("bob", "x"), ACCOUNT_LOCKED, true);
    trial_wish(&trial, "carol", "x");
    trial.fake.faults[0] = conflict;
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), -1);
    assert_kind(&trial.error, ERROR_CONFLICT);
    assert_string_equal(trial.fake.calls, "lookup bob, become service, ");
    assert_null(trial_find(&trial, "bob"));
    assert_false(trial.outcomes[1].tried);
}

/* A listener for clients only: nobody says the server's name before a login. */
static void
hide_server_name(void)
{
    trial.backend.server_name = NULL;
    trial.backend.server_name_asked = true;
}

TEST(the_servers_name_that_an_administrator_shows_makes_the_user_id)
{
    trial_want(start_match("bob", "x"), ACCOUNT_LOCKED, true);
    hide_server_name();
    run_and_assert("create", "lookup bob, become service, lookup bob, create bob, "
                             "may_update bob, update bob, ");
    assert_string_equal(trial.outcomes[0].after.user_id, "@bob:example.org");
}

TEST(a_name_of_another_server_is_refused_also_when_that_shows_late)
{
    trial_want(start(BY_SERVICE_ACCOUNT, "@alice:example.com", "right"), ACCOUNT_ADMIN, true);
    hide_server_name();
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_false(trial_find(&trial, "alice")->admin);
    assert_kind(&trial.outcomes[0].error, ERROR_INVALID);
    trial_end(&trial);
    trial_want(start_match("@bob:example.com", "x"), ACCOUNT_LOCKED, true); /* midway */
    hide_server_name();
    assert_int_equal(trial_run(&trial, ENSURE_APPLY), 0);
    assert_kind(&trial.outcomes[0].error, ERROR_INVALID);
    assert_string_equal(trial.fake.calls, "lookup bob, become service, ");
}

/* One run that becomes an administrator midway. */
static int
become_midway(void *context, struct error *error)
{
    static struct fake before;
    int result;

    (void)context;
    memcpy(&before, &trial.fake, sizeof(before));
    result = trial_run(&trial, ENSURE_APPLY);
    if (trial.outcomes[0].error.kind != ERROR_NONE)
        *error = trial.outcomes[0].error;
    else if (result == 0 && !trial_find(&trial, "alice")->admin)
        result = error_set(error, ERROR_INTERNAL, "nothing was done");
    memcpy(&trial.fake, &before, sizeof(before));
    trial_repeat(&trial);
    return error->kind == ERROR_NONE ? result : -1;
}

TEST(an_administrator_is_had_midway_or_memory_was_short)
{
    trial_want(start_match("alice", "right"), ACCOUNT_ADMIN, true);
    fail_each_allocation(become_midway, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(an_administrator_is_had_from_the_start_where_a_later_run_would_need_one),
        TRIAL(a_plain_registration_asks_for_no_administrator_and_its_second_run_neither),
        TRIAL(registering_ones_own_name_a_second_time_asks_for_no_administrator),
        TRIAL(the_administrator_of_a_first_run_is_there_for_the_second_which_changes_nothing),
        TRIAL(an_account_of_ones_own_shows_what_it_may_before_an_administrator_is_asked_for),
        TRIAL(an_account_of_ones_own_sets_its_own_name_without_an_administrator),
        TRIAL(what_ones_own_password_does_not_show_is_asked_of_an_administrator),
        TRIAL(what_ones_own_password_cannot_change_takes_an_administrator),
        TRIAL(somebody_elses_account_is_a_conflict_before_an_administrator_is_asked_for),
        TRIAL(if_exists_fail_asks_for_an_administrator_only_where_a_creation_needs_one),
        TRIAL(a_creation_without_a_password_takes_an_administrator),
        TRIAL(what_an_administrator_sees_counts_from_then_on),
        TRIAL(a_login_that_the_server_limits_makes_it_become_an_administrator),
        TRIAL(a_login_that_the_server_limits_is_the_error_where_there_is_no_administrator),
        TRIAL(a_login_that_fails_for_another_reason_makes_nobody_an_administrator),
        TRIAL(more_matches_than_logins_make_it_an_administrator_from_the_start),
        TRIAL(as_many_matches_as_logins_ask_for_no_administrator),
        TRIAL(where_no_administrator_can_be_had_it_goes_as_far_as_it_can_without),
        TRIAL(where_no_administrator_can_be_had_what_takes_one_fails_and_the_list_goes_on),
        TRIAL(an_administrator_that_is_refused_ends_the_list_before_anything_is_done),
        TRIAL(an_administrator_that_is_refused_on_the_way_ends_the_list_there),
        TRIAL(the_servers_name_that_an_administrator_shows_makes_the_user_id),
        TRIAL(a_name_of_another_server_is_refused_also_when_that_shows_late),
        TRIAL(an_administrator_is_had_midway_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ensure, authority", tests, NULL, NULL);
}
