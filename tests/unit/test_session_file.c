/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/session_file.h: which file is taken, and which entry is found. What is
 * written is in test_session_storing.c, how the file is kept in
 * test_private_file*.c. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "session_trial.h"

static void
assert_not_ours(const char *text)
{
    struct list warnings = {0};
    struct error error = {0};

    place_write("file", text, 0600);
    assert_null(session_file_open(place_path("file"), &warnings, &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in("remove it", error.text);
    assert_int_equal(warnings.count, 0);
    assert_string_equal(place_read("file"), text);
}

static void
assert_file_finds(const char *text, enum session_found expected, const char *token)
{
    struct session_file *file;

    place_write("file", text, 0600);
    file = open_file();
    assert_finds(file, expected, token);
    session_file_close(file);
}

/* ---- The file ---------------------------------------------------------------- */

TEST(a_file_that_is_not_there_is_an_empty_one_and_is_not_made)
{
    struct session_file *file = open_file();

    assert_finds(file, SESSION_NONE, NULL);
    session_file_close(file);
    assert_false(place_has("file"));
}

TEST(a_file_is_empty_while_it_has_no_session)
{
    struct session_file *file = open_locked();

    assert_true(session_file_is_empty(file));
    store(file, "@admin:example.org", "syt_new", NULL);
    assert_false(session_file_is_empty(file));
    session_file_close(file);
}

TEST(a_file_without_a_byte_is_an_empty_one)
{
    assert_file_finds("", SESSION_NONE, NULL);
}

TEST(a_file_that_is_not_ours_is_refused_and_left_alone)
{
    static const char *const texts[] = {"{", "[]", "1", "\n", "registrar: 1\n", "{}",
        "{\"sessions\": []}", "{\"registrar\": 2, \"sessions\": []}",
        "{\"registrar\": \"1\", \"sessions\": []}", "{\"registrar\": true, \"sessions\": []}",
        "{\"registrar\": 1.0, \"sessions\": []}", "{\"registrar\": 1, \"sessions\": {}}",
        "{\"registrar\": 1, \"sessions\": []} x", "{\"registrar\": 1, \"registrar\": 1}",
        "{\"registrar\": 1, \"x\": \"\xff\"}"};

    for (size_t i = 0; i < COUNT(texts); i++)
        assert_not_ours(texts[i]);
}

TEST(what_is_wrong_with_a_file_is_said_without_what_stands_in_it)
{
    struct list warnings = {0};
    struct error error = {0};

    place_write("file", "{\"access_token\": \"syt_kept\" syt_kept", 0600);
    assert_null(session_file_open(place_path("file"), &warnings, &error));
    assert_not_in("syt_kept", error.text);
}

TEST(a_file_that_became_anothers_is_not_written)
{
    struct session_file *file = open_file();
    struct error error = {0};

    place_write("file", "[mine]", 0600);
    assert_int_equal(session_file_lock(file, 0, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    session_file_close(file);
    assert_string_equal(place_read("file"), "[mine]");
}

TEST(where_no_file_can_be_made_a_warning_tells_and_life_goes_on)
{
    struct list warnings = {0};
    struct error error = {0};

    assert_null(session_file_open(place_path("one/two/file"), &warnings, &error));
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(warnings.count, 1);
    assert_in("session_file", warnings.items[0]);
    assert_in("No such file or directory", warnings.items[0]);
    list_free(&warnings);
}

TEST(closing_nothing_is_allowed)
{
    session_file_close(NULL);
}

/* ---- Finding ----------------------------------------------------------------- */

TEST(an_entry_is_found_with_all_that_it_is_bound_to)
{
    assert_file_finds(FILE_OF(ENTRY), SESSION_FOUND, "syt_kept");
}

TEST(an_entry_of_another_credential_is_told_apart)
{
    key.credential = &other_password;
    assert_file_finds(FILE_OF(ENTRY), SESSION_OF_OTHER_CREDENTIAL, "syt_kept");
}

TEST(an_entry_of_another_origin_server_or_user_is_none)
{
    place_write("file", FILE_OF(ENTRY), 0600);
    struct session_file *file = open_file();

    key.origin = "http://matrix.example.org";
    assert_finds(file, SESSION_NONE, NULL);
    key.origin = ORIGIN ":8448";
    assert_finds(file, SESSION_NONE, NULL);
    key.origin = ORIGIN;
    key.server_name = "example.com";
    assert_finds(file, SESSION_NONE, NULL);
    key.server_name = "example.org";
    key.localpart = "admi";
    assert_finds(file, SESSION_NONE, NULL);
    key.localpart = "admin";
    assert_finds(file, SESSION_FOUND, NULL);
    session_file_close(file);
}

TEST(an_entry_is_found_among_others)
{
    assert_file_finds(FILE_OF(ENTRY_OF(ORIGIN, "example.org", "alice", "syt_alice") ", "
                          ENTRY_OF("http://x", "example.org", "admin", "syt_x") ", " ENTRY),
        SESSION_FOUND, "syt_kept");
}

TEST(without_a_server_name_the_only_entry_is_found)
{
    key.server_name = NULL;
    assert_file_finds(FILE_OF(ENTRY), SESSION_FOUND, "syt_kept");
    assert_file_finds(FILE_OF(ENTRY ", " ENTRY_OF(ORIGIN, "example.com", "admin", "syt_two")),
        SESSION_NONE, NULL);
    assert_file_finds(FILE_OF(ENTRY ", " ENTRY_OF(ORIGIN, "example.com", "alice", "syt_two")),
        SESSION_FOUND, "syt_kept");
    key.server_name = "example.com";
    assert_file_finds(FILE_OF(ENTRY ", " ENTRY_OF(ORIGIN, "example.com", "admin", "syt_two")),
        SESSION_FOUND, "syt_two");
}

/* Every member of a whole entry, exchanged for one that cannot be. */
TEST(an_entry_that_is_not_well_formed_is_never_used)
{
    static const struct {
        const char *member, *value;
    } table[] = {
        {"origin", "5"}, {"origin", "null"}, {"localpart", "[\"admin\"]"},
        {"localpart", "\"admin\\u0000\""}, {"server_name", "5"}, {"server_name", "null"},
        {"server_name", "\"exa mple.org\""}, {"user_id", "null"}, {"user_id", "\"admin\""},
        {"user_id", "\"@root:example.org\""}, {"user_id", "\"@admin:example.com\""},
        {"user_id", "\"@admin:\""}, {"user_id", "\"@admin\""}, {"salt", "null"}, {"salt", "\"\""},
        {"salt", "\"" SALT "00\""}, {"salt", "\"" "00010203040506070809 a0b0c0d0e0f" "\""},
        {"fingerprint", "\"\""}, {"fingerprint", "\"" FINGERPRINT "00\""}, {"fingerprint", "null"},
        {"access_token", "null"}, {"access_token", "\"\""}, {"access_token", "\"syt kept\""},
        {"access_token", "\"syt\\r\\nHost: evil\""}, {"access_token", "\"syt\\u0000\""},
        {"access_token", "\"sytü\""}, {"access_token", "[\"syt_kept\"]"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        json_t *root = json_loads(FILE_OF(ENTRY), 0, NULL);
        json_t *entry = json_array_get(json_object_get(root, "sessions"), 0);
        json_t *value = json_loads(table[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        char *text;

        assert_non_null(value);
        assert_int_equal(json_object_set_new(entry, table[i].member, value), 0);
        text = json_dumps(root, 0);
        assert_file_finds(text, SESSION_NONE, NULL);
        json_object_del(entry, table[i].member);
        memory_free(text);
        text = json_dumps(root, 0);
        assert_file_finds(text, SESSION_NONE, NULL);
        memory_free(text);
        json_decref(root);
    }
    assert_file_finds(FILE_OF("5, null, [], {}, \"x\", " ENTRY), SESSION_FOUND, "syt_kept");
}

TEST(a_token_has_a_longest_length)
{
    char text[8192], token[4200];

    memset(token, 'x', sizeof(token));
    for (size_t length = 4096; length <= 4097; length++) {
        token[length] = '\0';
        snprintf(text, sizeof(text), "%.*s%s\"}]}",
            (int)(strlen(FILE_OF(ENTRY)) - strlen("syt_kept\"}]}")), FILE_OF(ENTRY), token);
        assert_file_finds(text, length == 4096 ? SESSION_FOUND : SESSION_NONE, NULL);
        token[length] = 'x';
    }
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, trial_make, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_file_that_is_not_there_is_an_empty_one_and_is_not_made),
        IN_PLACE(a_file_is_empty_while_it_has_no_session),
        IN_PLACE(a_file_without_a_byte_is_an_empty_one),
        IN_PLACE(a_file_that_is_not_ours_is_refused_and_left_alone),
        IN_PLACE(what_is_wrong_with_a_file_is_said_without_what_stands_in_it),
        IN_PLACE(a_file_that_became_anothers_is_not_written),
        IN_PLACE(where_no_file_can_be_made_a_warning_tells_and_life_goes_on),
        IN_PLACE(closing_nothing_is_allowed),
        IN_PLACE(an_entry_is_found_with_all_that_it_is_bound_to),
        IN_PLACE(an_entry_of_another_credential_is_told_apart),
        IN_PLACE(an_entry_of_another_origin_server_or_user_is_none),
        IN_PLACE(an_entry_is_found_among_others),
        IN_PLACE(without_a_server_name_the_only_entry_is_found),
        IN_PLACE(an_entry_that_is_not_well_formed_is_never_used),
        IN_PLACE(a_token_has_a_longest_length),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("session file", tests, NULL, NULL);
}
