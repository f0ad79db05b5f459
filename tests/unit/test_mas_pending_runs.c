/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/pending.h: runs that are at it at the same time. */
#include "support.h"

#include <string.h>

#include "matrix/session_file.h"
#include "pending_trial.h"

/* Another run, which has the file open. */
static struct session_file *
open_other(void)
{
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, &error);

    assert_kind(&error, ERROR_NONE);
    return file;
}

TEST(a_creation_under_way_in_another_run_is_waited_for)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    struct session_file *other;
    struct error error = {0};

    mas_pair_say(mas, NULL);
    begin_creation();
    make_creation();
    next_run();
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    assert_has_fails(ERROR_CONFLICT, "session_file");
    assert_mas_asked("");
    session_file_unlock(other);
    assert_true(has_creation("alice", &alice));
    session_file_close(other);
}

/* This run has read the file before the other came to its end. */
TEST(a_creation_that_another_run_ended_meanwhile_was_not_cut_off)
{
    struct session_file *other;
    struct error error = {0};
    struct session_key key = {.localpart = "alice", .server_name = "x"};

    mas_pair_say(NULL, NULL);
    begin_creation();
    make_creation();
    next_run();
    assert_false(has_creation("bob", &bob));
    key.origin = http_origin(pair.state.admin.http);
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    assert_int_equal(session_file_remove_creation(other, &key, 0, &error), 0);
    session_file_close(other);
    assert_false(has_creation("alice", &alice));
    assert_mas_asked("");
}

TEST(a_creation_holds_the_file_until_its_end_or_the_next_user)
{
    struct session_file *other;
    struct error error = {0}, still = {0};

    mas_pair_say(NULL, NULL);
    begin_creation();
    make_creation();
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &still), -1);
    assert_kind(&still, ERROR_CONFLICT);
    assert_false(has_creation("bob", &bob)); /* alice's password was refused, say */
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    session_file_close(other);
}

/* It made the user and was killed, while this run, which had seen nobody, waited. */
TEST(a_creation_that_was_cut_off_meanwhile_is_not_forgotten)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};

    mas_pair_say(mas, NULL);
    begin_creation();
    make_creation();
    next_run();
    begin_creation();
    end_creation(); /* 409 "User already exists" */
    assert_in("\"id\": \"" ALICE_ID "\"", place_read("file"));
    assert_true(has_creation("alice", &alice));
    end_creation();
    assert_false(place_has("file"));
}

/* It was killed before it made anybody. */
TEST(a_creation_that_came_to_nothing_is_taken_over)
{
    mas_pair_say(NULL, NULL);
    begin_creation();
    next_run();
    begin_creation();
    make_creation();
    end_creation();
    assert_false(place_has("file"));
}

TEST(a_file_that_cannot_be_used_is_an_error_each_time)
{
    place_write("file", "{}", 0600);
    mas_pair_say(NULL, NULL);
    assert_has_fails(ERROR_INVALID, "session_file");
    assert_has_fails(ERROR_INVALID, "session_file");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, pending_trial_begin, pending_trial_finish)
    const struct CMUnitTest tests[] = {
        CASE(a_creation_under_way_in_another_run_is_waited_for),
        CASE(a_creation_that_another_run_ended_meanwhile_was_not_cut_off),
        CASE(a_creation_holds_the_file_until_its_end_or_the_next_user),
        CASE(a_creation_that_was_cut_off_meanwhile_is_not_forgotten),
        CASE(a_creation_that_came_to_nothing_is_taken_over),
        CASE(a_file_that_cannot_be_used_is_an_error_each_time),
    };

    return cmocka_run_group_tests_name("creations at MAS, of runs beside each other", tests,
        mas_pair_serve, mas_pair_serve_no_more);
}
