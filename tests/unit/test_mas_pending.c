/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/pending.h. Answers are MAS 1.22's; its clock says noon of a day. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/mas/api.h"
#include "backends/mas/pending.h"
#include "companion_trial.h"
#include "matrix/session_file.h"
#include "private_place.h"

/* 2026-11-23T12:00:00Z; Python: calendar.timegm. */
#define NOON 1795435200LL
#define SESSIONS(kind, id) "GET " ADMIN "/" kind "?page%5Bfirst%5D=1&filter%5Buser%5D=" id

#define NO_SESSIONS                                                                        \
    {"GET " ADMIN "/compat-sessions?", 200, NULL, "{\"data\": []}"},                       \
        {"GET " ADMIN "/user-sessions?", 200, NULL, "{\"data\": []}"},                     \
        {"GET " ADMIN "/oauth2-sessions?", 200, NULL, "{\"data\": []}"}
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

/* What MAS dated its last answer. */
static time_t clock_s;

static int
begin(void **state)
{
    if (place_make(state) != 0)
        return -1;
    trial_open(state);
    trial.connection.session_file = place_path("file");
    trial.connection.http.timeout_ms = 50; /* a wait for the lock is four of them */
    clock_s = NOON;
    return 0;
}

/* As the end of a run, or its death. */
static void
next_run(void)
{
    pending_close(&trial.backend);
}

static int
finish(void **state)
{
    next_run();
    trial_close(state);
    return place_remove(state);
}

static void
start(void)
{
    struct error error = {0};

    trial.state.admin.server_date = clock_s;
    pending_begin(&trial.backend, "alice", &error);
    assert_kind(&error, ERROR_NONE);
}

static void
made(void)
{
    struct error error = {0};

    pending_made(&trial.backend, "alice", &alice, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
end(void)
{
    struct error error = {0};

    pending_end(&trial.backend, "alice", &error);
    assert_kind(&error, ERROR_NONE);
}

static bool
has(const char *localpart, const struct mas_user *user)
{
    struct error error = {0};
    bool unfinished = true;

    trial.state.admin.server_date = clock_s;
    pending_has(&trial.backend, localpart, user, &unfinished, &error);
    assert_kind(&error, ERROR_NONE);
    return unfinished;
}

static void
assert_has_fails(enum error_kind kind, const char *part)
{
    struct error error = {0};
    bool unfinished;

    trial.state.admin.server_date = clock_s;
    assert_int_equal(
        pending_has(&trial.backend, "alice", &alice, &unfinished, &error), -1);
    assert_kind(&error, kind);
    assert_in(part, error.text);
    assert_not_in("mat_admin", error.text);
}

TEST(a_creation_that_ends_leaves_nothing)
{
    trial_say(NULL, NULL);
    start();
    assert_in("\"localpart\": \"alice\"", place_read("file"));
    assert_in("\"begun\": 1795435200", place_read("file"));
    assert_not_in("\"id\"", place_read("file"));
    made();
    assert_in("\"id\": \"" ALICE_ID "\"", place_read("file"));
    end();
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(a_creation_that_was_cut_off_is_known_to_the_next_run)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};

    trial_say(mas, NULL);
    start();
    made();
    next_run();
    assert_true(has("alice", &alice));
    assert_mas_asked(ASKED_SESSIONS);
    assert_false(has("bob", &bob));
    assert_mas_asked("");
    assert_true(has("alice", &alice));
    end();
    assert_false(place_has("file"));
    assert_false(has("alice", &alice));
}

TEST(another_user_of_that_name_was_not_cut_off)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    struct mas_user other = {.id = BOB_ID};

    trial_say(mas, NULL);
    start();
    made();
    next_run();
    assert_false(has("alice", &other));
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
        trial_say(mas, NULL);
        start();
        next_run();
        assert_true(has("alice", &alice) == table[i].unfinished);
        end();
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
        trial_say(mas, NULL);
        start();
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
        trial_say(mas, NULL);
        clock_s = NOON;
        start();
        made();
        next_run();
        clock_s = NOON + table[i].later;
        assert_true(has("alice", &alice) == table[i].unfinished);
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
        trial_say(mas, NULL);
        start();
        made();
        next_run();
        assert_false(has("alice", &alice));
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

        trial_say(mas, NULL);
        start();
        made();
        next_run();
        assert_has_fails(ERROR_PROTOCOL, "compat-sessions of one user is none");
        next_run();
    }
}

TEST(a_password_that_is_there_ends_it_and_one_that_is_not_is_seen_in_the_rows)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    static const struct mas_way other = {.sets_password_at_once = true};

    trial_say(mas, NULL);
    start();
    made();
    next_run();
    trial.state.way = &other;
    alice.knows_password = true;
    assert_true(has("alice", &alice));
    trial.state.way = NULL;
    alice.knows_password = false;
    assert_false(has("alice", &alice));
    assert_true(place_has("file"));
    trial.state.way = &api_way;
    alice.knows_password = alice.has_password = true;
    assert_false(has("alice", &alice));
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(a_user_who_was_not_begun_costs_nothing)
{
    trial_say(NULL, NULL);
    assert_false(has("alice", &alice));
    made();
    end();
    assert_false(place_has("file"));
    assert_mas_asked("");
}

TEST(without_a_session_file_nothing_happens)
{
    trial_say(NULL, NULL);
    trial.connection.session_file = NULL;
    start();
    made();
    assert_false(has("alice", &alice));
    end();
    assert_mas_asked("");
}

TEST(check_mode_writes_nothing_and_locks_nobody_out)
{
    static const struct recorded_reply mas[] = {NO_SESSIONS, {0}};
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file;
    char before[1024];

    trial_say(mas, NULL);
    trial.backend.predict = true;
    start();
    made();
    assert_false(place_has("file"));
    trial.backend.predict = false;
    start();
    made();
    next_run();
    snprintf(before, sizeof(before), "%s", place_read("file"));
    file = session_file_open(place_path("file"), &warnings, &error);
    assert_int_equal(session_file_lock(file, 0, &error), 0);
    trial.backend.predict = true;
    assert_true(has("alice", &alice));
    end();
    session_file_close(file);
    assert_string_equal(place_read("file"), before);
}

/* ---- Runs beside each other --------------------------------------------------------- */

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

    trial_say(mas, NULL);
    start();
    made();
    next_run();
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    assert_has_fails(ERROR_CONFLICT, "session_file");
    assert_mas_asked("");
    session_file_unlock(other);
    assert_true(has("alice", &alice));
    session_file_close(other);
}

/* This run has read the file before the other came to its end. */
TEST(a_creation_that_another_run_ended_meanwhile_was_not_cut_off)
{
    struct session_file *other;
    struct error error = {0};
    struct session_key key = {.localpart = "alice", .server_name = "x"};

    trial_say(NULL, NULL);
    start();
    made();
    next_run();
    assert_false(has("bob", &bob));
    key.origin = http_origin(trial.state.admin.http);
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    assert_int_equal(session_file_remove_creation(other, &key, 0, &error), 0);
    session_file_close(other);
    assert_false(has("alice", &alice));
    assert_mas_asked("");
}

TEST(a_creation_holds_the_file_until_its_end_or_the_next_user)
{
    struct session_file *other;
    struct error error = {0}, still = {0};

    trial_say(NULL, NULL);
    start();
    made();
    other = open_other();
    assert_int_equal(session_file_lock(other, 0, &still), -1);
    assert_kind(&still, ERROR_CONFLICT);
    assert_false(has("bob", &bob)); /* alice's password was refused, say */
    assert_int_equal(session_file_lock(other, 0, &error), 0);
    session_file_close(other);
}

TEST(a_file_that_cannot_be_used_is_an_error_each_time)
{
    place_write("file", "{}", 0600);
    trial_say(NULL, NULL);
    assert_has_fails(ERROR_INVALID, "session_file");
    assert_has_fails(ERROR_INVALID, "session_file");
}

static int
create_with_little(void *context, struct error *error)
{
    bool unfinished;
    int result = pending_begin(&trial.backend, "alice", error);

    (void)context;
    if (result == 0)
        result = pending_made(&trial.backend, "alice", &alice, error);
    pending_close(&trial.backend);
    if (result == 0)
        result = pending_has(&trial.backend, "alice", &alice, &unfinished, error);
    if (result == 0 && !unfinished)
        result = error_set(error, ERROR_INTERNAL, "it was not written");
    if (result == 0)
        result = pending_end(&trial.backend, "alice", error);
    pending_close(&trial.backend);
    return trial_or_no_memory(result, error);
}

TEST(a_creation_is_written_or_memory_was_short)
{
    static const struct recorded_reply mas[] = {
        MADE_AT("\"2099-01-01T00:00:00Z\""), NO_SESSIONS, {0}};

    trial_say(mas, NULL);
    fail_each_allocation(create_with_little, NULL);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)
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
        CASE(check_mode_writes_nothing_and_locks_nobody_out),
        CASE(a_creation_under_way_in_another_run_is_waited_for),
        CASE(a_creation_that_another_run_ended_meanwhile_was_not_cut_off),
        CASE(a_creation_holds_the_file_until_its_end_or_the_next_user),
        CASE(a_file_that_cannot_be_used_is_an_error_each_time),
        CASE(a_creation_is_written_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("creations at MAS that were cut off", tests, trial_serve,
        trial_serve_no_more);
}
