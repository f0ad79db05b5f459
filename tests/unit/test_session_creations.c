/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/session_file.h: creations that are under way. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "session_trial.h"

#define ID "01KAPNTGDJYD28S7K08PVVN0VE"
#define NAMES                                                                              \
    "\"origin\": \"" ORIGIN "\", \"server_name\": \"example.org\", \"localpart\": \"admin\""
#define CREATION_OF(begun, more) "{" NAMES ", \"begun\": " begun more "}"
#define CREATION CREATION_OF("1000", ", \"id\": \"" ID "\"")
#define WITH_CREATIONS(creations)                                                          \
    "{\"registrar\": 1, \"sessions\": [], \"creations\": [" creations "]}"

/* What key finds, anew: begun, or -1 for nothing. id, until the next call. */
static char id[SESSION_CREATION_ID_SIZE];

static long long
begun(void)
{
    struct session_file *file = open_file();
    struct session_creation creation;
    bool found = session_file_find_creation(file, &key, &creation);

    session_file_close(file);
    memcpy(id, creation.id, sizeof(id));
    return found ? creation.begun_s : -1;
}

static void
store_creation(long long begun_s, const char *its_id, long long oldest_s)
{
    struct session_file *file = open_locked();
    struct session_creation creation = {.begun_s = begun_s};
    struct error error = {0};

    snprintf(creation.id, sizeof(creation.id), "%s", its_id);
    session_file_store_creation(file, &key, &creation, oldest_s, &error);
    assert_kind(&error, ERROR_NONE);
    session_file_close(file);
}

static void
remove_creation(long long oldest_s)
{
    struct session_file *file = open_locked();
    struct error error = {0};

    session_file_remove_creation(file, &key, oldest_s, &error);
    assert_kind(&error, ERROR_NONE);
    session_file_close(file);
}

static size_t
creations_written(void)
{
    json_t *root = json_loads(place_read("file"), 0, NULL);
    size_t count = json_array_size(json_object_get(root, "creations"));

    json_decref(root);
    return count;
}

TEST(a_creation_is_found_again_with_and_without_an_id)
{
    assert_int_equal(begun(), -1);
    store_creation(1000, "", 0);
    assert_int_equal(begun(), 1000);
    assert_string_equal(id, "");
    store_creation(1000, ID, 0);
    assert_int_equal(begun(), 1000);
    assert_string_equal(id, ID);
    assert_int_equal(creations_written(), 1);
    assert_int_equal(place_mode("file"), 0600);
}

TEST(a_creation_of_another_server_or_account_is_not_found)
{
    place_write("file", WITH_CREATIONS(CREATION), 0600);
    assert_int_equal(begun(), 1000);
    key.origin = "https://elsewhere";
    assert_int_equal(begun(), -1);
    key.origin = ORIGIN;
    key.server_name = "example.com";
    assert_int_equal(begun(), -1);
    key.server_name = NULL;
    assert_int_equal(begun(), -1);
    key.server_name = "example.org";
    key.localpart = "root";
    assert_int_equal(begun(), -1);
}

TEST(without_the_servers_name_a_creation_is_found_without_one)
{
    key.server_name = NULL;
    store_creation(5, ID, 0);
    assert_int_equal(begun(), 5);
    key.server_name = "example.org";
    assert_int_equal(begun(), -1);
}

TEST(what_is_no_creation_is_none)
{
    static const char *const creations[] = {"5", "null", "[]", "{}",
        CREATION_OF("\"1000\"", ""), CREATION_OF("1000.5", ""), CREATION_OF("-1", ""),
        CREATION_OF("null", ""), CREATION_OF("1000", ", \"id\": 5"),
        CREATION_OF("1000", ", \"id\": \"\""), CREATION_OF("1000", ", \"id\": \"a\\u0000b\""),
        CREATION_OF("1000", ", \"id\": null"),
        CREATION_OF("1000", ", \"id\": \"0123456789012345678901234567890123456789012345678901"
                            "23456789abcdef\""),
        "{\"origin\": \"" ORIGIN "\", \"server_name\": 5, \"localpart\": \"admin\", \"begun\": 1}",
        "{\"origin\": \"" ORIGIN "\", \"localpart\": \"admin\", \"begun\": 1}"};

    for (size_t i = 0; i < COUNT(creations); i++) {
        char text[1024];

        snprintf(text, sizeof(text), WITH_CREATIONS("%s"), creations[i]);
        place_write("file", text, 0600);
        assert_int_equal(begun(), -1);
        assert_string_equal(id, "");
    }
}

TEST(creations_that_are_no_list_make_no_session_file)
{
    struct list warnings = {0};
    struct error error = {0};

    place_write("file", "{\"registrar\": 1, \"sessions\": [], \"creations\": {}}", 0600);
    assert_null(session_file_open(place_path("file"), &warnings, &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in("damaged", error.text);
}

TEST(the_first_of_two_is_found_and_both_are_removed)
{
    place_write("file", WITH_CREATIONS(CREATION ", " CREATION_OF("2000", "")), 0600);
    assert_int_equal(begun(), 1000);
    remove_creation(0);
    assert_int_equal(begun(), -1);
}

TEST(old_creations_go_when_another_is_written_or_removed)
{
    static const char others[] =
        WITH_CREATIONS("{\"origin\": \"o\", \"localpart\": \"old\", \"begun\": 99}, "
                       "{\"origin\": \"o\", \"localpart\": \"new\", \"begun\": 100}, "
                       "{\"of\": \"a later version\"}");

    place_write("file", others, 0600);
    store_creation(200, "", 100);
    assert_int_equal(creations_written(), 3);
    assert_not_in("old", place_read("file"));
    place_write("file", others, 0600);
    remove_creation(100);
    assert_int_equal(creations_written(), 2);
    assert_in("a later version", place_read("file"));
}

TEST(the_last_creation_takes_the_file_with_it)
{
    store_creation(1000, ID, 0);
    remove_creation(0);
    assert_false(place_has("file"));
}

TEST(a_creation_and_a_session_leave_each_other_alone)
{
    struct session_file *file;
    struct error error = {0};

    place_write("file", FILE_OF(ENTRY), 0600);
    store_creation(1000, ID, 0);
    file = open_locked();
    assert_finds(file, SESSION_FOUND, "syt_kept");
    assert_false(session_file_is_empty(file));
    session_file_remove(file, &key, &error);
    assert_kind(&error, ERROR_NONE);
    assert_true(session_file_is_empty(file));
    session_file_close(file);
    assert_int_equal(begun(), 1000);
    remove_creation(0);
    assert_false(place_has("file"));
    place_write("file", FILE_OF(ENTRY), 0600);
    store_creation(1000, ID, 0);
    remove_creation(0);
    file = open_file();
    assert_finds(file, SESSION_FOUND, "syt_kept");
    session_file_close(file);
}

TEST(a_file_full_of_creations_takes_no_more)
{
    struct session_creation creation = {.begun_s = 1000};
    struct error error = {0};
    struct session_file *file;
    char name[16];

    key.localpart = name;
    file = open_locked();
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        session_file_store_creation(file, &key, &creation, 0, &error);
        assert_kind(&error, ERROR_NONE);
    }
    snprintf(name, sizeof(name), "more");
    assert_int_equal(session_file_store_creation(file, &key, &creation, 0, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("is full", error.text);
    session_file_close(file);
}

static int
use_little(void *context, struct error *error)
{
    struct session_creation creation = {.begun_s = 1000, .id = ID};
    struct session_file *file = context;
    int result = session_file_store_creation(file, &key, &creation, 0, error);

    if (result == 0 && !session_file_find_creation(file, &key, &creation))
        result = error_set(error, ERROR_INTERNAL, "it was not stored");
    if (result == 0)
        result = session_file_remove_creation(file, &key, 0, error);
    if (result == 0 && session_file_find_creation(file, &key, &creation))
        result = error_set(error, ERROR_INTERNAL, "it was not removed");
    return result;
}

TEST(a_creation_is_stored_and_removed_or_memory_was_short)
{
    struct session_file *file;

    place_write("file", FILE_OF(ENTRY), 0600); /* so that it stays, and the lock */
    file = open_locked();
    fail_each_allocation(use_little, file);
    session_file_close(file);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, trial_make, place_remove)
    const struct CMUnitTest tests[] = {
        CASE(a_creation_is_found_again_with_and_without_an_id),
        CASE(a_creation_of_another_server_or_account_is_not_found),
        CASE(without_the_servers_name_a_creation_is_found_without_one),
        CASE(what_is_no_creation_is_none),
        CASE(creations_that_are_no_list_make_no_session_file),
        CASE(the_first_of_two_is_found_and_both_are_removed),
        CASE(old_creations_go_when_another_is_written_or_removed),
        CASE(the_last_creation_takes_the_file_with_it),
        CASE(a_creation_and_a_session_leave_each_other_alone),
        CASE(a_file_full_of_creations_takes_no_more),
        CASE(a_creation_is_stored_and_removed_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("creations in the session file", tests, NULL, NULL);
}
