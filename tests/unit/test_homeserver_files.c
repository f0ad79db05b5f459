/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/homeserver_yaml.h: a configuration of several files. Expected
 * is what synapse/config/_base.py does: find_config_files and read_config_files
 * (Synapse 1.163.2).
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "found_trial.h"
#include "private_place.h"

#define IN_LINE "registration_shared_secret"

static void
read_well(void)
{
    struct error error = {0};

    if (found_read(&error) != 0)
        fail_msg("%s", error.text);
}

static void
assert_refused(const char *file, const char *words)
{
    struct error error = {0};

    assert_int_equal(found_read(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(place_path(file), error.text);
    assert_in(words, error.text);
}

static void
assert_secret(const char *expected)
{
    assert_kind(&found.secret_trouble, ERROR_NONE);
    assert_int_equal(secret_given(&found.shared_secret), expected != NULL);
    if (expected != NULL)
        assert_string_equal(found.shared_secret.bytes, expected);
}

/* Of text, so that 10 comes before 9. */
TEST(files_of_the_folder_come_after_the_first_in_the_order_of_their_names)
{
    char from[400];

    place_write("homeserver.yaml", NAME LISTENERS IN_LINE ": " SECRET "0\n", 0600);
    place_write("conf.d/9.yaml", "\n" IN_LINE ": " SECRET "9\n", 0600);
    place_write("conf.d/10.yaml", IN_LINE ": " SECRET "10\n", 0600);
    place_write("conf.d/B.yaml", "server_name: b.example.org\n", 0600);
    place_write("conf.d/a.yaml", "server_name: a.example.org\n", 0600);
    read_well();
    assert_secret(SECRET "9");
    snprintf(from, sizeof(from), "%s, line 2", place_path("conf.d/9.yaml"));
    assert_string_equal(found.secret_from, from);
    assert_string_equal(found.server_name, "a.example.org");
    assert_int_equal(found.files.count, 5);
    assert_string_equal(found.files.items[0], place_path("homeserver.yaml"));
    assert_string_equal(found.files.items[1], place_path("conf.d/10.yaml"));
    assert_string_equal(found.files.items[2], place_path("conf.d/9.yaml"));
    assert_string_equal(found.files.items[3], place_path("conf.d/B.yaml"));
    assert_string_equal(found.files.items[4], place_path("conf.d/a.yaml"));
}

/* specified_config.update(yaml_config) */
TEST(a_later_file_replaces_what_is_at_the_top_and_all_below_it)
{
    place_write("homeserver.yaml",
        NAME LISTENERS "experimental_features: {msc3861: {enabled: true}}\n", 0600);
    read_well();
    assert_true(found.is_delegated);
    place_write("conf.d/a.yaml", "experimental_features: {msc1: true}\n", 0600);
    read_well();
    assert_false(found.is_delegated);
    place_write("conf.d/b.yaml",
        "listeners: [{port: 8118, type: http, resources: [{names: [client]}]}]\n", 0600);
    read_well();
    assert_string_equal(found.url, "http://127.0.0.1:8118");
}

TEST(a_null_in_a_later_file_replaces_too)
{
    place_write("homeserver.yaml", NAME LISTENERS IN_LINE ": " SECRET "\n", 0600);
    place_write("conf.d/a.yaml", IN_LINE ":\n", 0600);
    read_well();
    assert_secret(NULL);
    place_write("conf.d/b.yaml", "server_name: ~\n", 0600);
    assert_refused("homeserver.yaml", " has no server_name");
}

TEST(a_secret_by_path_and_one_inline_in_different_files_is_trouble)
{
    place_write("homeserver.yaml", NAME LISTENERS IN_LINE ": " SECRET "\n", 0600);
    place_write("conf.d/a.yaml", IN_LINE "_path: /run/" SECRET "\n", 0600);
    read_well();
    assert_kind(&found.secret_trouble, ERROR_INVALID);
    assert_in(place_path("homeserver.yaml"), found.secret_trouble.text);
}

/* os.path.isfile, entry.endswith(".yaml"); listdir has hidden files. */
TEST(what_ends_otherwise_or_is_no_file_is_ignored)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    place_write("conf.d/a.yml", IN_LINE ": wrong\n", 0600);
    place_write("conf.d/a.yaml.bak", IN_LINE ": wrong\n", 0600);
    place_write("conf.d/a.yaml~", "{", 0600);
    place_write("conf.d/a.YAML", IN_LINE ": wrong\n", 0600);
    place_write("conf.d/yaml", IN_LINE ": wrong\n", 0600);
    assert_int_equal(mkdir(place_path("conf.d/b.yaml"), 0700), 0);
    assert_int_equal(mkfifo(place_path("conf.d/c.yaml"), 0600), 0);
    assert_int_equal(symlink("nowhere", place_path("conf.d/d.yaml")), 0);
    read_well();
    assert_secret(NULL);
    assert_int_equal(found.files.count, 1);
}

TEST(hidden_files_and_links_to_files_are_read)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    place_write("conf.d/.yaml", IN_LINE ": " SECRET "1\n", 0600);
    read_well();
    assert_secret(SECRET "1");
    place_write("conf.d/.z.yaml", IN_LINE ": " SECRET "2\n", 0600);
    read_well();
    assert_secret(SECRET "2");
    place_write("elsewhere", IN_LINE ": " SECRET "3\n", 0600);
    assert_int_equal(symlink("../elsewhere", place_path("conf.d/z.yaml")), 0);
    read_well();
    assert_secret(SECRET "3");
}

/* "File %r is empty or doesn't parse into a key-value map. IGNORING." */
TEST(a_file_that_is_no_mapping_changes_nothing)
{
    static const char *const texts[] = {"", "# nothing\n", "---\n", "[a, b]\n", "text\n",
        "7\n", "null\n"};

    place_write("homeserver.yaml", NAME LISTENERS IN_LINE ": " SECRET "\n", 0600);
    for (size_t i = 0; i < COUNT(texts); i++) {
        place_write("conf.d/a.yaml", texts[i], 0600);
        read_well();
        assert_secret(SECRET);
    }
}

TEST(the_first_file_may_be_empty_when_others_say_all)
{
    place_write("homeserver.yaml", "", 0600);
    place_write("conf.d/a.yaml", NAME, 0600);
    place_write("conf.d/b.yaml", LISTENERS IN_LINE ": " SECRET "\n", 0600);
    read_well();
    assert_string_equal(found.server_name, "example.org");
    assert_secret(SECRET);
}

TEST(a_later_file_that_is_no_yaml_is_an_error_that_names_it)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    place_write("conf.d/a.yaml", "a: b\n" IN_LINE ": [" SECRET "\n", 0600);
    assert_refused("conf.d/a.yaml", ", line ");
}

TEST(an_error_in_a_later_file_names_that_one)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    place_write("conf.d/a.yaml", "#\nserver_name: 7\n", 0600);
    assert_refused("conf.d/a.yaml", ", line 2: server_name is not a text");
}

/* A package may have removed it. */
TEST(the_folder_may_be_missing)
{
    assert_int_equal(rmdir(place_path("conf.d")), 0);
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    read_well();
    assert_int_equal(found.files.count, 1);
}

TEST(without_the_first_file_the_folder_is_no_configuration)
{
    struct error error = {0};

    place_write("conf.d/a.yaml", NAME LISTENERS, 0600);
    assert_int_equal(found_read(&error), 1);
}

TEST(a_folder_that_cannot_be_read_is_an_error)
{
    assert_int_equal(rmdir(place_path("conf.d")), 0);
    place_write("conf.d", "", 0600);
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    assert_refused("conf.d", "cannot read ");
}

TEST(a_hundred_files_are_read_and_no_more)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    for (unsigned i = 0; i < 99; i++) {
        char name[40];

        snprintf(name, sizeof(name), "conf.d/%02u.yaml", i);
        place_write(name, i == 98 ? IN_LINE ": " SECRET "\n" : "a: b\n", 0600);
    }
    read_well();
    assert_secret(SECRET);
    assert_int_equal(found.files.count, 100);
    place_write("conf.d/99.yaml", "a: b\n", 0600);
    assert_refused("conf.d", "has more than 99 files");
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, found_make, found_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(files_of_the_folder_come_after_the_first_in_the_order_of_their_names),
        IN_A_PLACE(a_later_file_replaces_what_is_at_the_top_and_all_below_it),
        IN_A_PLACE(a_null_in_a_later_file_replaces_too),
        IN_A_PLACE(a_secret_by_path_and_one_inline_in_different_files_is_trouble),
        IN_A_PLACE(what_ends_otherwise_or_is_no_file_is_ignored),
        IN_A_PLACE(hidden_files_and_links_to_files_are_read),
        IN_A_PLACE(a_file_that_is_no_mapping_changes_nothing),
        IN_A_PLACE(the_first_file_may_be_empty_when_others_say_all),
        IN_A_PLACE(a_later_file_that_is_no_yaml_is_an_error_that_names_it),
        IN_A_PLACE(an_error_in_a_later_file_names_that_one),
        IN_A_PLACE(the_folder_may_be_missing),
        IN_A_PLACE(without_the_first_file_the_folder_is_no_configuration),
        IN_A_PLACE(a_folder_that_cannot_be_read_is_an_error),
        IN_A_PLACE(a_hundred_files_are_read_and_no_more),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("several files of homeserver.yaml", tests, NULL, NULL);
}
