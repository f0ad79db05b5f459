/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/manage.h: opening, and changes of a user that is there. */
#include "manage_trial.h"

#include <signal.h>
#include <string.h>

#include "base/stop.h"

/* How many commands were made, and that each has this one's words somewhere. */
static void
assert_commands(const char *first, const char *second)
{
    const char *log = recorded_server_log(trial.server);
    const char *at = strstr(log, first);

    assert_non_null(at);
    assert_true(second == NULL || strstr(at, second) != NULL);
}

TEST(it_is_possible_with_a_container_an_engine_and_the_database)
{
    assert_true(manage_is_possible(&trial.backend));
    trial.backend.database_is_unusable = true;
    assert_false(manage_is_possible(&trial.backend));
    trial.backend.database_is_unusable = false;
    trial.connection.database = NULL;
    assert_false(manage_is_possible(&trial.backend));
    manage_begin(NULL);
    trial.connection.mas.command_container = NULL;
    assert_false(manage_is_possible(&trial.backend));
    manage_begin(NULL);
    trial.connection.engine.socket = "/nonexistent/engine.sock";
    assert_false(manage_is_possible(&trial.backend));
}

TEST(opening_reads_only)
{
    struct error error = {0};

    assert_int_equal(manage_way.open(&trial.backend, &error), 0);
    assert_string_equal(recorded_server_log(trial.server), "GET /containers/mas/json -\n");
}

TEST(opening_takes_the_database_and_a_container_that_runs)
{
    static const struct recorded_reply absent[] = {
        {"GET /containers/mas/json", 404, NULL, "{\"message\":\"No such container: mas\"}"}, {0}};
    struct error none = {0}, shut = {0}, gone = {0};

    trial.database.opened = 0;
    assert_int_equal(manage_way.open(&trial.backend, &none), -1);
    assert_kind(&none, ERROR_UNAUTHORIZED);
    trial.database.opened = -1;
    assert_int_equal(manage_way.open(&trial.backend, &shut), -1);
    assert_kind(&shut, ERROR_DATABASE);
    trial.database.opened = 1;
    recorded_server_say(trial.server, absent);
    assert_int_equal(manage_way.open(&trial.backend, &gone), -1);
    assert_kind(&gone, ERROR_UNREACHABLE);
}

/* Each with what the database had before, and has after. */
TEST(each_step_is_its_command_and_is_looked_at)
{
    static const struct {
        int (*set)(struct backend *backend, struct mas_user *user, const char *localpart,
            bool value, struct error *error);
        bool value;
        const struct mas_user *after;
        const char *words;
    } steps[] = {
        {NULL, true, &admin, "\"promote-admin\",\"--\",\"alice\""},
        {NULL, false, &plain, "\"demote-admin\",\"--\",\"alice\""},
        {NULL, true, &locked, "\"lock-user\",\"--\",\"alice\""},
        {NULL, false, &plain, "\"unlock-user\",\"--\",\"alice\""},
    };

    for (size_t i = 0; i < COUNT(steps); i++) {
        struct error error = {0}, other = {0};
        bool of_admin = i < 2;

        manage_begin(NULL);
        trial.user = steps[i].value ? plain : of_admin ? admin : locked;
        trial.database.users[0] = steps[i].after;
        (of_admin ? manage_way.set_admin : manage_way.set_locked)(&trial.backend, &trial.user, "alice",
            steps[i].value, &error);
        assert_kind(&error, ERROR_NONE);
        assert_memory_equal(&trial.user, steps[i].after, sizeof(trial.user));
        assert_in(steps[i].words, manage_command());
        trial.database.users[0] = steps[i].value ? &plain : of_admin ? &admin : &locked;
        (of_admin ? manage_way.set_admin : manage_way.set_locked)(&trial.backend, &trial.user, "alice",
            steps[i].value, &other);
        assert_kind(&other, ERROR_DATABASE);
        assert_in("says that it is done, and the database has no", other.text);
    }
}

TEST(a_step_whose_end_is_not_known_is_looked_for)
{
    static const struct recorded_reply replies[] = HANGS;
    struct error error = {0}, other = {0};

    recorded_server_say(trial.server, replies);
    trial.database.users[0] = &admin;
    trial.user = plain;
    assert_int_equal(manage_way.set_admin(&trial.backend, &trial.user, "alice", true, &error), 0);
    assert_true(trial.user.admin);
    assert_true(manage_is_warned("although: mas-cli in the container mas has not ended"));
    trial.database.users[0] = &plain;
    assert_int_equal(manage_way.set_admin(&trial.backend, &trial.user, "alice", true, &other), -1);
    assert_kind(&other, ERROR_SERVER);
    assert_true(other.maybe_done);
}

/* With --deactivate it locks, too: the worker deactivates a moment later. */
TEST(a_deactivation_is_waited_for_and_leaves_no_lock)
{
    struct error error = {0};

    trial.user = plain;
    trial.database.users[0] = &locked;
    trial.database.users[1] = &locked_closed;
    trial.database.users[2] = &closed;
    assert_int_equal(manage_way.deactivate(&trial.backend, &trial.user, "alice", false, &error), 0);
    assert_memory_equal(&trial.user, &closed, sizeof(trial.user));
    assert_commands("\"lock-user\",\"--deactivate\",\"--\",\"alice\"",
        "\"unlock-user\",\"--\",\"alice\"");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(a_lock_that_was_there_stays)
{
    struct error error = {0};

    trial.user = locked;
    trial.database.users[0] = &locked_closed;
    assert_int_equal(manage_way.deactivate(&trial.backend, &trial.user, "alice", false, &error), 0);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"lock-user\",\"--deactivate\",\"--\",\"alice\"");
}

TEST(a_deactivation_that_the_worker_has_not_done_is_told)
{
    struct error error = {0};

    trial.user = plain;
    trial.database.users[0] = &locked;
    assert_int_equal(manage_way.deactivate(&trial.backend, &trial.user, "alice", false, &error), 0);
    assert_true(manage_is_warned("its deactivation is left to MAS's worker"));
    assert_not_in("unlock-user", recorded_server_log(trial.server));
}

/* Of MAS's tags before 0.20: unlocking reactivates. */
TEST(an_old_command_that_reactivates_by_unlocking_is_an_error)
{
    struct error error = {0};

    trial.user = plain;
    trial.database.users[0] = &locked_closed;
    trial.database.users[1] = &plain;
    assert_int_equal(manage_way.deactivate(&trial.backend, &trial.user, "alice", false, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
}

TEST(nothing_is_erased_here)
{
    struct error error = {0};

    assert_false(manage_way.erases);
    assert_int_equal(manage_way.deactivate(&trial.backend, &trial.user, "alice", true, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("admin API", error.text);
    assert_string_equal(manage_command(), "");
}

TEST(a_reactivation_is_waited_for_and_a_lock_that_is_left_is_told)
{
    struct error error = {0}, late = {0};

    trial.user = locked_closed;
    trial.database.users[0] = &locked_closed;
    trial.database.users[1] = &locked;
    assert_int_equal(manage_way.reactivate(&trial.backend, &trial.user, "alice", &error), 0);
    assert_memory_equal(&trial.user, &locked, sizeof(trial.user));
    assert_in("\"unlock-user\",\"--reactivate\",\"--\",\"alice\"", manage_command());
    assert_true(manage_is_warned("alice is active again, and still locked"));
    manage_begin(NULL);
    trial.database.users[0] = &closed;
    assert_int_equal(manage_way.reactivate(&trial.backend, &trial.user, "alice", &late), -1);
    assert_kind(&late, ERROR_NOT_READY);
}

TEST(a_password_is_set_behind_the_options)
{
    const struct secret secret = secret_over("--ignore-complexity");
    struct error error = {0};

    assert_int_equal(manage_way.set_password(&trial.backend, &plain, "-x", &secret, &error), 0);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"set-password\",\"--\",\"-x\",\"--ignore-complexity\"");
    assert_true(manage_is_warned("stood in the arguments"));
    trial.backend.leeway.skip_password_check = true;
    assert_int_equal(manage_way.set_password(&trial.backend, &plain, "alice", &secret, &error), 0);
    assert_in("\"set-password\",\"--ignore-complexity\",\"--\",\"alice\",", manage_command());
}

TEST(a_password_with_a_nul_is_not_cut_off_there)
{
    struct secret secret = {(char *)(uintptr_t)"Pass\0w0rd", 9};
    struct error error = {0}, created;

    assert_int_equal(manage_way.set_password(&trial.backend, &plain, "alice", &secret, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_int_equal(account_state_password(&trial.wanted, &secret, &error), 0);
    created = manage_create();
    assert_kind(&created, ERROR_INVALID);
    assert_string_equal(manage_command(), "");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(sessions_are_ended_by_its_command)
{
    struct error error = {0};

    assert_int_equal(manage_way.end_sessions(&trial.backend, &plain, "alice", &error), 0);
    assert_string_equal(manage_command(), "\"mas-cli\",\"manage\",\"kill-sessions\",\"--\",\"alice\"");
}

/* mas-cli add-email takes each of them, and breaks its trial.user. */
TEST(an_address_that_is_none_is_not_given)
{
    static const char *const wrong[] = {"a b@x.org", "a@x org", "a@", "@x.org", "a@x..org",
        "a@.org", "a@x.org.", "a@-x.org", "a@x-.org", ".a@x.org", "a.@x.org", "a..b@x.org",
        "a@x_y.org", "a@x/y", "\"a b\"@x.org", "a@[::1]", "a(b)@x.org", "a,b@x.org", "a@b@x.org",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.org",
        "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org"};
    char owner[MAS_ID_SIZE];

    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct error added = {0}, asked = {0};

        if (manage_way.add_email(&trial.backend, &plain, "alice", wrong[i], &added) == 0)
            fail_msg("%s is an address", wrong[i]);
        assert_kind(&added, ERROR_INVALID);
        assert_int_equal(manage_way.email_owner(&trial.backend, wrong[i], owner, &asked), -1);
        assert_kind(&asked, ERROR_INVALID);
    }
    assert_string_equal(manage_command(), "");
}

TEST(addresses_are_given)
{
    static const char *const right[] = {"a@b", "a.b+c@x.org", "o'neil@x-y.example.org",
        "{a}|~@x.org", "1@1.1.1.1", "\xc3\xa4@\xc3\xb6.org",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.org"};
    char owner[MAS_ID_SIZE];

    trial.database.owner = OTHER;
    for (size_t i = 0; i < COUNT(right); i++) {
        struct error error = {0};

        if (manage_way.email_owner(&trial.backend, right[i], owner, &error) != 0)
            fail_msg("%s is no address", right[i]);
        assert_string_equal(owner, OTHER);
    }
}

TEST(an_address_is_added_once)
{
    struct error error = {0}, again = {0}, lost = {0};

    trial.database.owner_after = ID;
    assert_int_equal(manage_way.add_email(&trial.backend, &plain, "alice", "-a@x.org", &error), 0);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"add-email\",\"--\",\"alice\",\"-a@x.org\"");
    assert_true(manage_is_warned("does not tell the homeserver"));
    assert_int_equal(manage_way.add_email(&trial.backend, &plain, "alice", "-a@x.org", &again), 0);
    assert_string_equal(manage_command(), "");
    manage_begin(NULL);
    assert_int_equal(manage_way.add_email(&trial.backend, &plain, "alice", "a@x.org", &lost), -1);
    assert_kind(&lost, ERROR_DATABASE);
}

TEST(what_the_command_cannot_do_is_none_of_its_operations)
{
    assert_null(manage_way.remove_email);
    assert_null(manage_way.add_link);
    assert_null(manage_way.remove_link);
    assert_in("admin API", manage_way.lacks);
    assert_true(manage_way.sets_password_at_once);
}

/* The last one: what a signal asked for is never forgotten. */
TEST(after_a_signal_exit_statuses_are_believed_where_nothing_is_read_any_more)
{
    struct error error = {0};

    assert_int_equal(stop_watch(), 0);
    raise(SIGTERM);
    error = manage_create();
    assert_kind(&error, ERROR_INTERRUPTED);
    trial.state.finishing = true;
    trial.database.failure = ERROR_INTERRUPTED;
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    error = manage_create();
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.creation, CREATION_DONE);
    assert_true(trial.user.admin);
    trial.requests_before = recorded_server_requests(trial.server);
    trial.user = plain;
    assert_int_equal(manage_way.set_locked(&trial.backend, &trial.user, "alice", true, &error), 0);
    assert_true(trial.user.locked);
    trial.requests_before = recorded_server_requests(trial.server);
    assert_int_equal(manage_way.reactivate(&trial.backend, &trial.user, "alice", &error), -1);
    assert_kind(&error, ERROR_INTERRUPTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(it_is_possible_with_a_container_an_engine_and_the_database),
        TRIAL(opening_reads_only),
        TRIAL(opening_takes_the_database_and_a_container_that_runs),
        TRIAL(each_step_is_its_command_and_is_looked_at),
        TRIAL(a_step_whose_end_is_not_known_is_looked_for),
        TRIAL(a_deactivation_is_waited_for_and_leaves_no_lock),
        TRIAL(a_lock_that_was_there_stays),
        TRIAL(a_deactivation_that_the_worker_has_not_done_is_told),
        TRIAL(an_old_command_that_reactivates_by_unlocking_is_an_error),
        TRIAL(nothing_is_erased_here),
        TRIAL(a_reactivation_is_waited_for_and_a_lock_that_is_left_is_told),
        TRIAL(a_password_is_set_behind_the_options),
        TRIAL(a_password_with_a_nul_is_not_cut_off_there),
        TRIAL(sessions_are_ended_by_its_command),
        TRIAL(an_address_that_is_none_is_not_given),
        TRIAL(addresses_are_given),
        TRIAL(an_address_is_added_once),
        TRIAL(what_the_command_cannot_do_is_none_of_its_operations),
        TRIAL(after_a_signal_exit_statuses_are_believed_where_nothing_is_read_any_more),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/mas/manage", tests, manage_serve, manage_serve_no_more);
}
