/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/session_file.h: the entries. How the file itself is kept is in
 * test_private_file*.c. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "matrix/session_file.h"
#include "matrix/user_id.h"
#include "private_place.h"

#define ORIGIN "https://matrix.example.org"
#define DEVICE "REGISTRAR_ABCDEFGHIJKLMNOPQRSTU"
/* Python: hashlib.pbkdf2_hmac("sha256", b"wonderland", bytes(range(16)), 20000) */
#define SALT "000102030405060708090a0b0c0d0e0f"
#define FINGERPRINT "33cf2fd8c4ed8111e8869e47858d918576d452a32b0e06ce8eed45cc002276a7"

#define ENTRY_OF(origin, server, localpart, token)                                           \
    "{\"origin\": \"" origin "\", \"server_name\": \"" server "\", \"localpart\": \"" localpart   \
    "\", \"user_id\": \"@" localpart ":" server "\", \"device_id\": \"" DEVICE                   \
    "\", \"salt\": \"" SALT "\", \"fingerprint\": \"" FINGERPRINT "\", \"access_token\": \"" token \
    "\"}"
#define ENTRY ENTRY_OF(ORIGIN, "example.org", "admin", "syt_kept")
#define FILE_OF(entries) "{\"registrar\": 1, \"sessions\": [" entries "]}"

static struct secret password, other_password;
static struct session_key key;

static int
start(void **state)
{
    password = secret_over("wonderland");
    other_password = secret_over("looking-glass");
    key = (struct session_key){ORIGIN, "admin", "example.org", &password};
    return place_make(state);
}

static struct session_file *
open_file(void)
{
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, &error);

    assert_kind(&error, ERROR_NONE);
    assert_non_null(file);
    assert_int_equal(warnings.count, 0);
    return file;
}

static struct session_file *
open_locked(void)
{
    struct session_file *file = open_file();
    struct error error = {0};

    session_file_lock(file, 10000, &error);
    assert_kind(&error, ERROR_NONE);
    return file;
}

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
forget(struct session *session)
{
    client_logout(NULL, session, NULL); /* not ours, so nobody is asked */
}

/* token NULL: whichever. */
static void
assert_finds(const struct session_file *file, enum session_found expected, const char *token)
{
    struct session session = {0};
    struct error error = {0};
    enum session_found found;

    session_file_find(file, &key, &session, &found, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(found, expected);
    assert_true(secret_given(&session.access_token) == (expected != SESSION_NONE));
    assert_true((session.user_id != NULL) == (expected != SESSION_NONE));
    assert_false(session.is_ours);
    if (token != NULL)
        assert_string_equal(session.access_token.bytes, token);
    forget(&session);
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

static const char *
device(struct session_file *file, enum session_device which)
{
    static char devices[4][SESSION_DEVICE_SIZE];
    static unsigned next;
    char *device_id = devices[next++ % COUNT(devices)];
    struct error error = {0};

    session_file_device(file, &key, which, device_id, &error);
    assert_kind(&error, ERROR_NONE);
    return device_id;
}

static void
store(struct session_file *file, const char *user_id, const char *token, const char *device_id)
{
    struct error error = {0};
    char id[USER_ID_LONGEST + 1];
    struct session session = {.access_token = secret_over(token), .user_id = id};

    snprintf(id, sizeof(id), "%s", user_id);
    session_file_store(file, &key, &session, device_id, &error);
    assert_kind(&error, ERROR_NONE);
}

/* A member of the entry at a place, as it stands in the file; "" for none. */
static const char *
written(size_t index, const char *member)
{
    static char value[600];
    json_t *root = json_loads(place_read("file"), JSON_ALLOW_NUL, NULL);
    json_t *entry = json_array_get(json_object_get(root, "sessions"), index);
    const char *text = json_string_value(json_object_get(entry, member));

    assert_non_null(root);
    snprintf(value, sizeof(value), "%s", text == NULL ? "" : text);
    json_decref(root);
    return value;
}

static size_t
entries_written(void)
{
    json_t *root = json_loads(place_read("file"), JSON_ALLOW_NUL, NULL);
    size_t count = json_array_size(json_object_get(root, "sessions"));

    json_decref(root);
    return count;
}

/* ---- The file ---------------------------------------------------------------- */

TEST(a_file_that_is_not_there_is_an_empty_one_and_is_not_made)
{
    struct session_file *file = open_file();

    assert_finds(file, SESSION_NONE, NULL);
    session_file_close(file);
    assert_false(place_has("file"));
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
    static const char foreign[] = "{\"kind\": \"creation\", \"of\": [1, 2.5, {\"x\": \"\\u0000\"}]}";
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
    struct session_file *file = open_locked();
    char device_id[SESSION_DEVICE_SIZE], origin[64];
    struct error error = {0};
    int result = 0;

    key.origin = origin;
    for (int i = 0; i <= 256 && result == 0; i++) {
        snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", 8000 + i);
        result = session_file_device(file, &key, DEVICE_OF_ENTRY, device_id, &error);
    }
    assert_kind(&error, ERROR_INVALID);
    assert_in("full", error.text);
    assert_int_equal(entries_written(), 256);
    snprintf(origin, sizeof(origin), "http://127.0.0.1:8255");
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

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, start, place_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_file_that_is_not_there_is_an_empty_one_and_is_not_made),
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
        IN_PLACE(an_entry_is_removed_whatever_its_credential),
        IN_PLACE(the_file_goes_with_its_last_entry),
        IN_PLACE(the_file_stays_while_another_version_has_something_in_it),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("session file", tests, NULL, NULL);
}
