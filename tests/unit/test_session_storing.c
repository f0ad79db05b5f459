/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/session_file.h: what is stored and removed. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "session_trial.h"

/* Synapse knows "@Admin:example.org" from old times, and logs it in as "admin". */
TEST(a_user_id_of_old_times_is_the_accounts)
{
    struct session_file *file = open_locked();
    struct session session = {.user_id = (char[]){"@Admin:example.org"}};
    struct error error = {0};
    bool fits;

    assert_int_equal(session_file_fits(&key, &session, &fits, &error), 0);
    assert_true(fits);
    store(file, "@Admin:example.org", "syt_new", device(file, DEVICE_OF_ENTRY));
    assert_finds(file, SESSION_FOUND, "syt_new");
    session_file_close(file);
}

TEST(another_accounts_session_does_not_fit)
{
    static const char *const others[] = {"@root:example.org", "@admin:example.com", "admin",
        "@admin", "", "@admin:", "@admin:example.org x"};

    for (size_t i = 0; i < COUNT(others); i++) {
        char id[64];
        struct session session = {.user_id = id};
        struct error error = {0};
        bool fits = true;

        snprintf(id, sizeof(id), "%s", others[i]);
        assert_int_equal(session_file_fits(&key, &session, &fits, &error), 0);
        assert_false(fits);
    }
}

/* ---- Storing ----------------------------------------------------------------- */

TEST(what_is_stored_is_found_by_another_run)
{
    struct session_file *file = open_locked(), *other;
    const char *device_id = device(file, DEVICE_OF_ENTRY);

    assert_finds(file, SESSION_NONE, NULL);
    store(file, "@admin:example.org", "syt_new", device_id);
    assert_finds(file, SESSION_FOUND, "syt_new");
    session_file_unlock(file);
    other = open_file();
    assert_finds(other, SESSION_FOUND, "syt_new");
    assert_string_equal(written(0, "device_id"), device_id);
    session_file_close(other);
    session_file_close(file);
    assert_int_equal(place_mode("file"), 0600);
}

TEST(the_file_does_not_hold_the_credential)
{
    struct session_file *file = open_locked();
    char salt[64];

    store(file, "@admin:example.org", "syt_new", DEVICE);
    assert_not_in("wonderland", place_read("file"));
    snprintf(salt, sizeof(salt), "%s", written(0, "salt"));
    assert_int_equal(strlen(salt), 32);
    assert_int_equal(strlen(written(0, "fingerprint")), 64);
    store(file, "@admin:example.org", "syt_new", DEVICE);
    assert_string_not_equal(written(0, "salt"), salt);
    session_file_close(file);
}

TEST(a_session_takes_the_place_of_the_one_before)
{
    struct session_file *file;

    place_write("file", FILE_OF(ENTRY), 0600);
    file = open_locked();
    key.credential = &other_password;
    store(file, "@admin:example.org", "syt_new", NULL);
    assert_finds(file, SESSION_FOUND, "syt_new");
    key.credential = &password;
    assert_finds(file, SESSION_OF_OTHER_CREDENTIAL, "syt_new");
    session_file_close(file);
    assert_int_equal(entries_written(), 1);
    assert_string_equal(written(0, "device_id"), DEVICE);
}

TEST(a_token_that_cannot_be_kept_is_not_stored)
{
    char token[SESSION_DEVICE_SIZE + 5000];
    struct session session = {.user_id = (char[]){"@admin:example.org"}};
    struct session_file *file = open_locked();
    struct error error = {0}, second = {0};

    memset(token, 'x', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    session.access_token = secret_over(token);
    assert_int_equal(session_file_store(file, &key, &session, NULL, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    session.access_token = secret_over("with space");
    assert_int_equal(session_file_store(file, &key, &session, NULL, &second), -1);
    assert_kind(&second, ERROR_PROTOCOL);
    session_file_close(file);
    assert_string_equal(place_read("file"), "");
}

TEST(what_another_version_wrote_is_kept)
{
    static const char foreign[] =
        "{\"kind\": \"creation\", \"of\": [1, 2.5, {\"x\": \"\\u0000\"}]}";
    struct session_file *file;
    json_t *root, *expected = json_loads(foreign, JSON_ALLOW_NUL, NULL);

    place_write("file",
        "{\"later\": {\"a\": [true, null]}, \"registrar\": 1, \"sessions\": ["
        "{\"kind\": \"creation\", \"of\": [1, 2.5, {\"x\": \"\\u0000\"}]}, 7, "
        "{\"origin\": \"" ORIGIN "\", \"localpart\": \"admin\", \"note\": \"mine\"}]}",
        0600);
    file = open_locked();
    store(file, "@admin:example.org", "syt_new", device(file, DEVICE_OF_ENTRY));
    session_file_close(file);
    root = json_loads(place_read("file"), JSON_ALLOW_NUL, NULL);
    assert_true(json_is_true(
        json_array_get(json_object_get(json_object_get(root, "later"), "a"), 0)));
    assert_true(json_equal(json_array_get(json_object_get(root, "sessions"), 0), expected));
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(root, "sessions"), 1)), 7);
    assert_int_equal(json_array_size(json_object_get(root, "sessions")), 3);
    assert_string_equal(written(2, "access_token"), "syt_new");
    assert_string_equal(written(2, "note"), "mine");
    json_decref(root);
    json_decref(expected);
}

TEST(nothing_is_stored_without_the_lock)
{
    struct session_file *file = open_file();
    struct session session = {.access_token = secret_over("syt_new"),
        .user_id = (char[]){"@admin:example.org"}};
    struct error error = {0};

    assert_int_equal(session_file_store(file, &key, &session, NULL, &error), -1);
    assert_kind(&error, ERROR_INTERNAL);
    session_file_close(file);
    assert_false(place_has("file"));
}

TEST(a_file_has_a_most_of_entries)
{
    char text[1024] = "{\"registrar\": 1, \"sessions\": [{}";
    char device_id[SESSION_DEVICE_SIZE];
    struct session_file *file;
    struct error error = {0};

    for (int i = 1; i < 255; i++)
        strcat(text, ",{}");
    strcat(text, "]}");
    place_write("file", text, 0600);
    file = open_locked();
    strcpy(device_id, device(file, DEVICE_OF_ENTRY)); /* the last one */
    key.localpart = "alice";
    assert_int_equal(session_file_device(file, &key, DEVICE_OF_ENTRY, device_id, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("full", error.text);
    assert_int_equal(entries_written(), 256);
    key.localpart = "admin"; /* who is in is not kept from going on */
    store(file, "@admin:example.org", "syt_new", device_id);
    session_file_close(file);
}

TEST(a_file_that_would_be_too_large_to_be_read_is_not_written)
{
    static char text[(1 << 20) - 100];
    struct session_file *file;
    char device_id[SESSION_DEVICE_SIZE];
    struct error error = {0};

    snprintf(text, sizeof(text), "%s", "{\"registrar\": 1, \"x\": \"");
    memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 3);
    memcpy(text + sizeof(text) - 3, "\"}", 3);
    place_write("file", text, 0600);
    file = open_locked();
    assert_int_equal(session_file_device(file, &key, DEVICE_OF_ENTRY, device_id, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("full", error.text);
    session_file_close(file);
}

/* Two servers were at this address: which one it is now, a login tells. */
TEST(an_entry_that_was_made_without_a_name_gives_way_to_the_one_that_has_it)
{
    struct session_file *file;
    const char *device_id;

    place_write("file",
        FILE_OF(ENTRY_OF(ORIGIN, "example.com", "admin", "syt_com") ", " ENTRY), 0600);
    file = open_locked();
    key.server_name = NULL;
    device_id = device(file, DEVICE_OF_ENTRY);
    assert_int_equal(entries_written(), 3);
    store(file, "@admin:example.org", "syt_new", device_id);
    assert_int_equal(entries_written(), 2);
    key.server_name = "example.org";
    assert_finds(file, SESSION_FOUND, "syt_new");
    assert_string_equal(written(1, "device_id"), device_id);
    key.server_name = "example.com";
    assert_finds(file, SESSION_FOUND, "syt_com");
    session_file_close(file);
}

/* ---- Removing ---------------------------------------------------------------- */

static void
remove_entry(void)
{
    struct session_file *file = open_locked();
    struct error error = {0};

    session_file_remove(file, &key, &error);
    assert_kind(&error, ERROR_NONE);
    assert_finds(file, SESSION_NONE, NULL);
    session_file_close(file);
}

TEST(an_entry_is_removed_whatever_its_credential)
{
    place_write("file", FILE_OF(ENTRY ", " ENTRY_OF(ORIGIN, "example.org", "alice", "syt_a")),
        0600);
    key.credential = &other_password;
    remove_entry();
    assert_int_equal(entries_written(), 1);
    assert_string_equal(written(0, "localpart"), "alice");
    remove_entry(); /* nothing of it is left, and that is no error */
    assert_int_equal(entries_written(), 1);
}

TEST(the_file_goes_with_its_last_entry)
{
    place_write("file", FILE_OF(ENTRY), 0600);
    remove_entry();
    assert_false(place_has("file"));
    remove_entry();
    assert_false(place_has("file"));
}

TEST(the_file_stays_while_another_version_has_something_in_it)
{
    place_write("file", "{\"registrar\": 1, \"sessions\": [" ENTRY "], \"later\": 1}", 0600);
    remove_entry();
    assert_in("later", place_read("file"));
    assert_int_equal(entries_written(), 0);
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, trial_make, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_user_id_of_old_times_is_the_accounts),
        IN_PLACE(another_accounts_session_does_not_fit),
        IN_PLACE(what_is_stored_is_found_by_another_run),
        IN_PLACE(the_file_does_not_hold_the_credential),
        IN_PLACE(a_session_takes_the_place_of_the_one_before),
        IN_PLACE(a_token_that_cannot_be_kept_is_not_stored),
        IN_PLACE(what_another_version_wrote_is_kept),
        IN_PLACE(nothing_is_stored_without_the_lock),
        IN_PLACE(a_file_has_a_most_of_entries),
        IN_PLACE(a_file_that_would_be_too_large_to_be_read_is_not_written),
        IN_PLACE(an_entry_that_was_made_without_a_name_gives_way_to_the_one_that_has_it),
        IN_PLACE(an_entry_is_removed_whatever_its_credential),
        IN_PLACE(the_file_goes_with_its_last_entry),
        IN_PLACE(the_file_stays_while_another_version_has_something_in_it),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("storing sessions", tests, NULL, NULL);
}
