/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/session_file.h: devices, names of servers, many runs at once. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "quick_fingerprint.h"
#include "session_trial.h"

/* ---- Devices ----------------------------------------------------------------- */

TEST(a_device_is_made_once_and_written_down_at_once)
{
    struct session_file *file = open_locked();
    const char *device_id = device(file, DEVICE_OF_ENTRY);

    assert_int_equal(strncmp(device_id, "REGISTRAR_", strlen("REGISTRAR_")), 0);
    assert_int_equal(strspn(device_id + strlen("REGISTRAR_"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        SESSION_DEVICE_SIZE - 1 - strlen("REGISTRAR_"));
    assert_string_equal(written(0, "device_id"), device_id);
    assert_string_equal(written(0, "origin"), ORIGIN);
    assert_string_equal(written(0, "server_name"), "example.org");
    assert_string_equal(written(0, "localpart"), "admin");
    session_file_close(file);
    file = open_locked();
    assert_finds(file, SESSION_NONE, NULL);
    assert_string_equal(device(file, DEVICE_OF_ENTRY), device_id);
    session_file_close(file);
}

TEST(two_accounts_have_two_devices)
{
    struct session_file *file = open_locked();
    const char *device_id = device(file, DEVICE_OF_ENTRY);

    key.localpart = "alice";
    assert_string_not_equal(device(file, DEVICE_OF_ENTRY), device_id);
    session_file_close(file);
}

TEST(the_device_is_the_same_with_another_credential)
{
    struct session_file *file;

    place_write("file", FILE_OF(ENTRY), 0600);
    file = open_locked();
    key.credential = &other_password;
    assert_string_equal(device(file, DEVICE_OF_ENTRY), DEVICE);
    session_file_close(file);
}

TEST(a_device_beside_a_session_that_goes_on_is_another_one)
{
    struct session_file *file;
    const char *beside;

    place_write("file", FILE_OF(ENTRY), 0600);
    file = open_locked();
    beside = device(file, DEVICE_BESIDE);
    assert_string_not_equal(beside, DEVICE);
    assert_string_equal(written(0, "device_id"), DEVICE);
    /* Cut off here, the next run takes the login over that may have been. */
    assert_string_equal(device(file, DEVICE_BESIDE), beside);
    assert_string_equal(device(file, DEVICE_OF_ENTRY), beside);
    store(file, "@admin:example.org", "syt_new", beside);
    assert_string_equal(written(0, "device_id"), beside);
    assert_string_not_equal(device(file, DEVICE_BESIDE), beside);
    session_file_close(file);
}

TEST(a_session_that_goes_on_keeps_its_device)
{
    struct session_file *file;

    place_write("file", FILE_OF(ENTRY), 0600);
    file = open_locked();
    device(file, DEVICE_BESIDE);
    store(file, "@admin:example.org", "syt_kept", NULL);
    assert_string_equal(device(file, DEVICE_OF_ENTRY), DEVICE);
    session_file_close(file);
}

/* Logging somebody's own client out would be the end of it. */
TEST(a_device_that_is_not_one_of_ours_is_not_taken)
{
    static const char *const others[] = {"ABCDEFGHIJ", "", "REGISTRAR_", DEVICE "X",
        "REGISTRAR_ABCDEFGHIJKLMNOPQRST1", "registrar_ABCDEFGHIJKLMNOPQRSTU"};

    for (size_t i = 0; i < COUNT(others); i++) {
        char text[512];
        struct session_file *file;

        snprintf(text, sizeof(text),
            FILE_OF("{\"origin\": \"" ORIGIN "\", \"localpart\": \"admin\", "
                    "\"device_id\": \"%s\"}"),
            others[i]);
        place_write("file", text, 0600);
        file = open_locked();
        assert_int_equal(strlen(device(file, DEVICE_OF_ENTRY)), SESSION_DEVICE_SIZE - 1);
        assert_string_not_equal(device(file, DEVICE_OF_ENTRY), others[i]);
        session_file_close(file);
        assert_int_equal(entries_written(), 1);
    }
}

/* ---- A server's name that a login tells ---------------------------------------- */

TEST(an_entry_gets_its_server_name_from_the_login)
{
    struct session_file *file = open_locked();
    const char *device_id;

    key.server_name = NULL;
    device_id = device(file, DEVICE_OF_ENTRY);
    store(file, "@admin:example.org", "syt_new", device_id);
    assert_finds(file, SESSION_FOUND, "syt_new");
    key.server_name = "example.org";
    assert_finds(file, SESSION_FOUND, "syt_new");
    assert_string_equal(device(file, DEVICE_OF_ENTRY), device_id);
    session_file_close(file);
    assert_int_equal(entries_written(), 1);
}

TEST(an_entry_without_a_server_name_is_taken_over_by_who_knows_it)
{
    struct session_file *file = open_locked();
    const char *device_id;

    key.server_name = NULL;
    device_id = device(file, DEVICE_OF_ENTRY);
    key.server_name = "example.org";
    assert_string_equal(device(file, DEVICE_OF_ENTRY), device_id);
    store(file, "@admin:example.org", "syt_new", device_id);
    session_file_close(file);
    assert_int_equal(entries_written(), 1);
    assert_string_equal(written(0, "server_name"), "example.org");
}

/* Another server is at this address now; nobody takes the old one's token. */
TEST(an_entry_follows_its_origin_to_another_server)
{
    struct session_file *file;

    place_write("file", FILE_OF(ENTRY), 0600);
    file = open_locked();
    key.server_name = NULL;
    store(file, "@admin:example.com", "syt_new", device(file, DEVICE_OF_ENTRY));
    assert_finds(file, SESSION_FOUND, "syt_new");
    key.server_name = "example.org";
    assert_finds(file, SESSION_NONE, NULL);
    session_file_close(file);
    assert_int_equal(entries_written(), 1);
}

/* ---- Many at once ------------------------------------------------------------ */

/* One run: reads the number that is the token, and stores the next one. */
static int
count_one(void)
{
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, &error);
    struct session session;
    enum session_found found;
    char token[32];
    int result;

    if (file == NULL || session_file_lock(file, 60000, &error) != 0 ||
        session_file_find(file, &key, &session, &found, &error) != 0)
        return -1;
    snprintf(token, sizeof(token), "%ld",
        found == SESSION_NONE ? 1 : strtol(session.access_token.bytes, NULL, 10) + 1);
    client_logout(NULL, &session, NULL);
    session.access_token = secret_over(token);
    session.user_id = (char[]){"@admin:example.org"};
    result = session_file_store(file, &key, &session, NULL, &error);
    session_file_close(file);
    return result;
}

TEST(forty_runs_at_once_lose_nothing)
{
    enum { RUNS = 40 };
    pid_t children[RUNS];
    struct session_file *file;

    for (int i = 0; i < RUNS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(count_one() != 0);
    }
    for (int i = 0; i < RUNS; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    file = open_file();
    assert_finds(file, SESSION_FOUND, "40");
    session_file_close(file);
    assert_false(place_has("file.new"));
}

/* Wherever a run is killed, the next one works and reads a whole session. */
TEST(runs_that_are_killed_leave_a_file_that_works)
{
    long before = 0;

    for (long i = 0; i < 40; i++) {
        const struct timespec pause = {0, i * 250000};
        pid_t child = fork();
        struct session_file *file;
        int status;

        if (child == 0)
            for (;;)
                count_one();
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(count_one(), 0);
        file = open_file();
        assert_true(strtol(written(0, "access_token"), NULL, 10) > before);
        before = strtol(written(0, "access_token"), NULL, 10);
        session_file_close(file);
        assert_false(place_has("file.new"));
    }
}

/* ---- Without memory ------------------------------------------------------------ */

/* Removes with a context, stores without. */
static int
use_file(void *context, struct error *error)
{
    static const char two[] =
        FILE_OF("7, " ENTRY_OF(ORIGIN, "example.org", "alice", "syt_a") ", " ENTRY);
    struct list warnings = {0};
    struct session_file *file;
    struct session session = {.access_token = secret_over("syt_new"),
        .user_id = (char[]){"@admin:example.org"}};
    char device_id[SESSION_DEVICE_SIZE];
    int result = -1;

    place_write("file", two, 0600);
    file = session_file_open(place_path("file"), &warnings, error);
    if (file != NULL)
        result = session_file_lock(file, 0, error);
    if (result == 0 && context != NULL)
        result = session_file_remove(file, &key, error);
    else if (result == 0 &&
             (result = session_file_device(file, &key, DEVICE_BESIDE, device_id, error)) == 0)
        result = session_file_store(file, &key, &session, device_id, error);
    session_file_close(file);
    return result;
}

static int
find(void *context, struct error *error)
{
    struct list warnings = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, error);
    struct session session = {0};
    enum session_found found = SESSION_NONE;
    int result = file == NULL ? -1 : session_file_find(file, &key, &session, &found, error);

    (void)context;
    assert_true(result != 0 || found == SESSION_FOUND);
    assert_true((session.user_id != NULL) == (result == 0));
    client_logout(NULL, &session, NULL);
    session_file_close(file);
    return result;
}

TEST(without_memory_nothing_is_found)
{
    struct session_file *file = open_locked();

    store(file, "@admin:example.org", "syt_kept", NULL);
    session_file_close(file);
    fail_each_allocation(find, NULL);
}

TEST(without_memory_nothing_is_stored)
{
    fail_each_allocation(use_file, NULL);
    assert_int_equal(entries_written(), 3);
}

TEST(without_memory_nothing_is_removed)
{
    fail_each_allocation(use_file, &key);
    assert_int_equal(entries_written(), 2);
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, trial_make, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_device_is_made_once_and_written_down_at_once),
        IN_PLACE(two_accounts_have_two_devices),
        IN_PLACE(the_device_is_the_same_with_another_credential),
        IN_PLACE(a_device_beside_a_session_that_goes_on_is_another_one),
        IN_PLACE(a_session_that_goes_on_keeps_its_device),
        IN_PLACE(a_device_that_is_not_one_of_ours_is_not_taken),
        IN_PLACE(an_entry_gets_its_server_name_from_the_login),
        IN_PLACE(an_entry_without_a_server_name_is_taken_over_by_who_knows_it),
        IN_PLACE(an_entry_follows_its_origin_to_another_server),
        IN_PLACE(forty_runs_at_once_lose_nothing),
        IN_PLACE(runs_that_are_killed_leave_a_file_that_works),
        IN_PLACE(without_memory_nothing_is_found),
        IN_PLACE(without_memory_nothing_is_stored),
        IN_PLACE(without_memory_nothing_is_removed),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("devices of sessions", tests, NULL, NULL);
}
