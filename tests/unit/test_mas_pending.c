/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/pending.h. Answers are MAS 1.22's; its clock says noon of a day. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "matrix/session_file.h"
#include "pending_trial.h"

#define SESSIONS(kind, id) "GET " ADMIN "/" kind "?page%5Bfirst%5D=1&filter%5Buser%5D=" id

#define ASKED_SESSIONS                                                                     \
    SESSIONS("compat-sessions", ALICE_ID) " mat_admin\n"                                   \
    SESSIONS("user-sessions", ALICE_ID) " mat_admin\n"                                     \
    SESSIONS("oauth2-sessions", ALICE_ID) " mat_admin\n"
#define MADE_AT(time)                                                                      \
    {"GET " ADMIN "/users/" ALICE_ID, 200, NULL,                                           \
        "{\"data\": {\"id\": \"" ALICE_ID "\", \"attributes\": {\"created_at\": " time "}}}"}
#define ASKED_USER "GET " ADMIN "/users/" ALICE_ID " mat_admin\n"
#define A_SESSION(id)                                                                      \
    "{\"data\": [{\"id\": \"" SESSION_ID "\", \"attributes\": {\"user_id\": \"" id "\"}}]}"

TEST(a_creation_that_ends_leaves_nothing)
{
    mas_pair_say(NULL, NULL);
    begin_creation();
    assert_in("\"localpart\": \"alice\"", place_read("file"));
    assert_in("\"begun\": 1795435200", place_read("file"));
    assert_not_in("\"id\"", place_read("file"));
    make_creation();
    assert_in("\"id\": \"" ALICE_ID "\"", place_read("file"));
    end_creation();
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(a_creation_that_was_cut_off_is_known_to_the_next_run)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};

    mas_pair_say(mas, NULL);
    begin_creation();
    make_creation();
    next_run();
    assert_true(has_creation("alice", &alice));
    assert_mas_asked(ASKED_SESSIONS);
    assert_false(has_creation("bob", &bob));
    assert_mas_asked("");
    assert_true(has_creation("alice", &alice));
    end_creation();
    assert_false(place_has("file"));
    assert_false(has_creation("alice", &alice));
}

TEST(another_user_of_that_name_was_not_cut_off)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    struct mas_user other = {.id = BOB_ID};

    mas_pair_say(mas, NULL);
    begin_creation();
    make_creation();
    next_run();
    assert_false(has_creation("alice", &other));
    assert_mas_asked("");
    assert_false(place_has("file"));
}

/* Killed before the answer came: MAS says when the user was made. */
TEST(a_creation_without_an_id_is_that_of_a_user_made_since)
{
    static const struct {
        const char *made_at;
        bool unfinished;
    } table[] = {
        {"\"2026-11-23T12:00:00Z\"", true},
        {"\"2026-11-23T12:00:00.805560539Z\"", true},
        {"\"2026-11-24T00:00:00Z\"", true},
        {"\"2027-01-01T00:00:00Z\"", true},
        {"\"2026-11-23T11:59:00Z\"", true}, /* clocks may differ so much */
        {"\"2026-11-23T11:58:59.999Z\"", false},
        {"\"2026-11-22T12:00:00Z\"", false},
        {"\"2026-10-31T23:59:59Z\"", false},
        {"\"2024-02-29T12:00:00Z\"", false},
        {"\"1970-01-01T00:00:00Z\"", false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char body[256];
        const struct recorded_reply mas[] = {
            NO_SESSIONS, {"GET " ADMIN "/users/" ALICE_ID, 200, NULL, body}, {0}};

        snprintf(body, sizeof(body), "{\"data\": {\"attributes\": {\"created_at\": %s}}}",
            table[i].made_at);
        mas_pair_say(mas, NULL);
        begin_creation();
        next_run();
        assert_true(has_creation("alice", &alice) == table[i].unfinished);
        end_creation();
        next_run();
    }
}

TEST(a_time_that_is_none_is_an_error)
{
    static const char *const times[] = {"null", "5", "\"\"", "\"yesterday\"",
        "\"2026-11-23\"", "\"2026-11-23T12:00:00\"", "\"2026-11-23T12:00:00+01:00\"",
        "\"2026-13-23T12:00:00Z\"", "\"2026-00-23T12:00:00Z\"", "\"1969-01-01T00:00:00Z\"",
        "\"2026-11-23T12:00:00ZZ\"", "\"2026-11-23T12:0\""};

    for (size_t i = 0; i < COUNT(times); i++) {
        char body[256];
        const struct recorded_reply mas[] = {
            NO_SESSIONS, {"GET " ADMIN "/users/" ALICE_ID, 200, NULL, body}, {0}};

        snprintf(body, sizeof(body), "{\"data\": {\"attributes\": {\"created_at\": %s}}}",
            times[i]);
        mas_pair_say(mas, NULL);
        begin_creation();
        next_run();
        assert_has_fails(ERROR_PROTOCOL, "when a user was made");
        next_run();
    }
}

TEST(a_creation_is_honoured_for_a_day)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    static const struct {
        long long later;
        bool unfinished;
    } table[] = {{24 * 3600, true}, {24 * 3600 + 1, false}, {-60, true}, {-61, false}};

    for (size_t i = 0; i < COUNT(table); i++) {
        mas_pair_say(mas, NULL);
        clock_s = NOON;
        begin_creation();
        make_creation();
        next_run();
        clock_s = NOON + table[i].later;
        assert_true(has_creation("alice", &alice) == table[i].unfinished);
        next_run();
    }
}

TEST(whoever_has_had_a_session_was_not_cut_off)
{
    static const char *const kinds[] = {
        "/compat-sessions?", "/user-sessions?", "/oauth2-sessions?"};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        char path[64];
        const struct recorded_reply mas[] = {
            {path, 200, NULL, A_SESSION(ALICE_ID)}, NO_SESSIONS, {0}};

        snprintf(path, sizeof(path), "GET " ADMIN "%s", kinds[i]);
        mas_pair_say(mas, NULL);
        begin_creation();
        make_creation();
        next_run();
        assert_false(has_creation("alice", &alice));
        assert_false(place_has("file"));
        next_run();
    }
}

/* MAS ignores a filter that it does not know. */
TEST(a_list_that_is_not_of_this_user_is_an_error)
{
    static const char *const bodies[] = {A_SESSION(BOB_ID), "{}", "{\"data\": {}}",
        "{\"data\": [5]}", "{\"data\": [{\"attributes\": {\"user_id\": null}}]}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply mas[] = {
            {"GET " ADMIN "/compat-sessions?", 200, NULL, bodies[i]}, {0}};

        mas_pair_say(mas, NULL);
        begin_creation();
        make_creation();
        next_run();
        assert_has_fails(ERROR_PROTOCOL, "compat-sessions of one user is none");
        next_run();
    }
}

TEST(a_password_that_is_there_ends_it_and_one_that_is_not_is_seen_in_the_rows)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    static const struct mas_way other = {.sets_password_at_once = true};

    mas_pair_say(mas, NULL);
    begin_creation();
    make_creation();
    next_run();
    pair.state.way = &other;
    alice.knows_password = true;
    assert_true(has_creation("alice", &alice));
    pair.state.way = NULL;
    alice.knows_password = false;
    assert_false(has_creation("alice", &alice));
    assert_true(place_has("file"));
    pair.state.way = &api_way;
    alice.knows_password = alice.has_password = true;
    assert_false(has_creation("alice", &alice));
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(a_user_who_was_not_begun_costs_nothing)
{
    mas_pair_say(NULL, NULL);
    assert_false(has_creation("alice", &alice));
    make_creation();
    end_creation();
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(without_a_session_file_nothing_happens)
{
    mas_pair_say(NULL, NULL);
    pair.connection.session_file = NULL;
    begin_creation();
    make_creation();
    assert_false(has_creation("alice", &alice));
    end_creation();
    assert_mas_asked("");
}

TEST(a_run_knows_its_own_creation_without_a_file_until_it_is_answered)
{
    static const struct recorded_reply mas[] = {
        NO_SESSIONS, MADE_AT("\"2026-11-23T12:00:00Z\""), {0}};

    mas_pair_say(mas, NULL);
    pair.connection.session_file = NULL;
    begin_creation();
    assert_true(has_creation("alice", &alice));
    assert_mas_asked(ASKED_USER ASKED_SESSIONS);
    assert_false(has_creation("bob", &bob));
    end_creation();
    assert_false(has_creation("alice", &alice));
    assert_mas_asked("");
}

TEST(check_mode_writes_nothing_and_locks_nobody_out)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file;
    char before[1024];

    mas_pair_say(mas, NULL);
    pair.backend.predict = true;
    begin_creation();
    make_creation();
    assert_false(place_has("file"));
    pair.backend.predict = false;
    begin_creation();
    make_creation();
    next_run();
    snprintf(before, sizeof(before), "%s", place_read("file"));
    file = session_file_open(place_path("file"), &warnings, &error);
    assert_int_equal(session_file_lock(file, 0, &error), 0);
    pair.backend.predict = true;
    assert_true(has_creation("alice", &alice));
    end_creation();
    session_file_close(file);
    assert_string_equal(place_read("file"), before);
}

static int
create_with_little(void *context, struct error *error)
{
    bool unfinished;
    int result = pending_begin(&pair.backend, "alice", error);

    (void)context;
    if (result == 0)
        result = pending_made(&pair.backend, "alice", &alice, error);
    pending_close(&pair.backend);
    if (result == 0)
        result = pending_has(&pair.backend, "alice", &alice, &unfinished, error);
    if (result == 0 && !unfinished)
        result = error_set(error, ERROR_INTERNAL, "it was not written");
    if (result == 0)
        result = pending_end(&pair.backend, "alice", error);
    pending_close(&pair.backend);
    return mas_pair_or_no_memory(result, error);
}

TEST(a_creation_is_written_or_memory_was_short)
{
    static const struct recorded_reply mas[] = {
        MADE_AT("\"2099-01-01T00:00:00Z\""), NO_SESSIONS, {0}};

    mas_pair_say(mas, NULL);
    fail_each_allocation(create_with_little, NULL);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, pending_trial_begin, pending_trial_finish)
    const struct CMUnitTest tests[] = {
        CASE(a_creation_that_ends_leaves_nothing),
        CASE(a_creation_that_was_cut_off_is_known_to_the_next_run),
        CASE(another_user_of_that_name_was_not_cut_off),
        CASE(a_creation_without_an_id_is_that_of_a_user_made_since),
        CASE(a_time_that_is_none_is_an_error),
        CASE(a_creation_is_honoured_for_a_day),
        CASE(whoever_has_had_a_session_was_not_cut_off),
        CASE(a_list_that_is_not_of_this_user_is_an_error),
        CASE(a_password_that_is_there_ends_it_and_one_that_is_not_is_seen_in_the_rows),
        CASE(a_user_who_was_not_begun_costs_nothing),
        CASE(without_a_session_file_nothing_happens),
        CASE(a_run_knows_its_own_creation_without_a_file_until_it_is_answered),
        CASE(check_mode_writes_nothing_and_locks_nobody_out),
        CASE(a_creation_is_written_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("creations at MAS that were cut off", tests, mas_pair_serve,
        mas_pair_serve_no_more);
}
