/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/homeserver_yaml.h: names, secrets and delegation. Several
 * files are in test_homeserver_files.c, listeners in test_listener.c. Expected
 * is what Synapse 1.163.2 does (synapse/config/...).
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "found_trial.h"
#include "private_place.h"

#define IN_LINE "registration_shared_secret"
#define BY_PATH "registration_shared_secret_path"

/* "BY_PATH: PLACE/secret" as a line. */
static const char *
by_path(const char *name)
{
    static char line[400];

    snprintf(line, sizeof(line), BY_PATH ": %s\n", place_path(name));
    return line;
}

static void
assert_secret(const char *expected)
{
    assert_kind(&found.secret_trouble, ERROR_NONE);
    if (expected == NULL) {
        assert_false(secret_given(&found.shared_secret));
        assert_null(found.secret_from);
        return;
    }
    assert_true(secret_given(&found.shared_secret));
    assert_int_equal(found.shared_secret.length, strlen(expected));
    assert_string_equal(found.shared_secret.bytes, expected);
}

/* The configuration is found all the same: who has another credential can use it. */
static void
assert_secret_trouble(const char *words)
{
    assert_kind(&found.secret_trouble, ERROR_INVALID);
    assert_in(place_path("homeserver.yaml"), found.secret_trouble.text);
    assert_in(", line 1: ", found.secret_trouble.text);
    assert_in(words, found.secret_trouble.text);
    assert_false(secret_given(&found.shared_secret));
    assert_string_equal(found.server_name, "example.org");
}

TEST(a_configuration_says_where_the_server_is_and_what_opens_it)
{
    char expected[400];

    found_well("# Synapse\n" NAME IN_LINE ": " SECRET "\n" LISTENERS);
    assert_string_equal(found.server_name, "example.org");
    assert_string_equal(found.url, "http://127.0.0.1:8008");
    assert_null(found.unix_socket);
    assert_null(found.address);
    assert_null(found.container);
    assert_false(found.is_delegated);
    assert_secret(SECRET);
    snprintf(expected, sizeof(expected), "%s, line 3", place_path("homeserver.yaml"));
    assert_string_equal(found.secret_from, expected);
    assert_int_equal(found.files.count, 1);
    assert_string_equal(found.files.items[0], place_path("homeserver.yaml"));
}

TEST(without_the_file_there_is_no_configuration)
{
    struct error error = {0};

    assert_int_equal(found_read(&error), 1);
    assert_null(found.server_name);
    assert_int_equal(found.files.count, 0);
}

TEST(what_is_no_yaml_is_refused_with_its_line)
{
    found_refused(NAME IN_LINE ": \"" SECRET "\n", 3, "");
    found_refused(NAME IN_LINE ": '" SECRET "' x\n", 2, "");
    found_refused(NAME IN_LINE ": !secret " SECRET "\n", 2, "");
}

TEST(what_is_no_file_is_refused)
{
    struct error error = {0};

    assert_int_equal(mkdir(place_path("homeserver.yaml"), 0700), 0);
    assert_int_equal(found_read(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_int_equal(rmdir(place_path("homeserver.yaml")), 0);
    assert_int_equal(mkfifo(place_path("homeserver.yaml"), 0600), 0);
    error_clear(&error);
    assert_int_equal(found_read(&error), -1);
    assert_kind(&error, ERROR_INVALID);
}

/* ---- server_name (synapse/config/server.py: read_config) ----------------------- */

TEST(server_names_are_taken_as_they_are)
{
    static const char *const names[] = {"example.org", "example.org:8448", "localhost",
        "192.0.2.7", "\"[2001:db8::7]\"", "\"[2001:db8::7]:8448\"", "'my.domain'"};

    for (size_t i = 0; i < COUNT(names); i++) {
        char yaml[600], bare[60] = "";

        snprintf(yaml, sizeof(yaml), "server_name: %s\n" LISTENERS, names[i]);
        found_well(yaml);
        sscanf(names[i] + strspn(names[i], "\"'"), "%59[^\"']", bare);
        assert_string_equal(found.server_name, bare);
    }
}

TEST(without_a_server_name_there_is_no_configuration)
{
    found_refused(LISTENERS, 0, " has no server_name");
    found_refused("server_name:\n" LISTENERS, 0, " has no server_name");
    found_refused("server_name: ''\n" LISTENERS, 0, " has no server_name");
    found_refused("", 0, " has no server_name");
    found_refused("[]", 0, " has no server_name");
}

TEST(what_can_be_no_server_name_is_refused_with_its_line)
{
    static const char *const names[] = {"'exa mple'", "https://example.org", "'@a:b'",
        "'example.org:x'", "'[::1'", "\"a\\nb\"", "example.org/" SECRET};
    static const char *const others[] = {"7", "1.5", "true", "[example.org]", "{a: b}",
        "2026-01-01"};
    char yaml[600];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(yaml, sizeof(yaml), LISTENERS "server_name: %s\n", names[i]);
        found_refused(yaml, 2, "server_name is no name that a server can have");
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(yaml, sizeof(yaml), LISTENERS "server_name: %s\n", others[i]);
        found_refused(yaml, 2, "server_name is not a text");
    }
}

/* ---- The secret inline (synapse/config/registration.py: read_config) ------------ */

TEST(an_inline_secret_is_taken_to_the_last_space)
{
    found_well(found_with(IN_LINE ": \" " SECRET "\\t \"\n"));
    assert_secret(" " SECRET "\t ");
    found_well(found_with(IN_LINE ": |\n  " SECRET "\n"));
    assert_secret(SECRET "\n");
    found_well(found_with(IN_LINE ":   " SECRET "   # comment\n"));
    assert_secret(SECRET);
    found_well(found_with(IN_LINE ": \"\\u00a0" SECRET "\"\n"));
    assert_secret("\xc2\xa0" SECRET);
    found_well(found_with(IN_LINE ": '12345'\n"));
    assert_secret("12345");
}

/* `if self.registration_shared_secret` */
TEST(an_empty_secret_is_none)
{
    found_well(found_with(""));
    assert_secret(NULL);
    found_well(found_with(IN_LINE ":\n"));
    assert_secret(NULL);
    found_well(found_with(IN_LINE ": ''\n"));
    assert_secret(NULL);
    found_well(found_with(IN_LINE ": ''\n" BY_PATH ": ''\n"));
    assert_secret(NULL);
    found_well(found_with(IN_LINE ": null\n" BY_PATH ": null\n"));
    assert_secret(NULL);
}

/* Synapse would break down over it: it calls .encode() of what is no str
 * (synapse/rest/admin/users.py: UserRegisterServlet). */
TEST(a_secret_that_is_no_text_is_trouble)
{
    static const char *const values[] = {"12345", "0600", "1.5e+3", "true", "no", "[" SECRET "]",
        "{" SECRET ": " SECRET "}", "2026-01-01"};

    for (size_t i = 0; i < COUNT(values); i++) {
        char line[200];

        snprintf(line, sizeof(line), IN_LINE ": %s\n", values[i]);
        found_well(found_with(line));
        assert_secret_trouble(IN_LINE " is not a text");
        assert_not_in("12345", found.secret_trouble.text);
    }
    found_well(found_with(BY_PATH ": 12345\n"));
    assert_secret_trouble(BY_PATH " is not a text");
}

/* CONFLICTING_SHARED_SECRET_OPTS_ERROR */
TEST(a_secret_inline_and_by_path_is_trouble)
{
    found_well(found_with(IN_LINE ": " SECRET "\n" BY_PATH ": /nowhere/" SECRET "\n"));
    assert_secret_trouble(IN_LINE " stands beside " BY_PATH);
}

/* ---- By path (synapse/config/registration.py: read_file(...).strip()) ------------ */

TEST(a_secret_by_path_is_stripped)
{
    place_write("secret", "\t\n " SECRET " " SECRET "\r\n\n", 0600);
    found_well(found_with(by_path("secret")));
    assert_secret(SECRET " " SECRET);
    assert_string_equal(found.secret_from, place_path("secret"));
    /* U+00A0 and U+3000 are white space to str.strip(). */
    place_write("secret", "\xc2\xa0" SECRET "\xe3\x80\x80\n", 0600);
    found_well(found_with(by_path("secret")));
    assert_secret(SECRET);
}

TEST(an_empty_inline_secret_leaves_the_one_by_path)
{
    char lines[600];

    place_write("secret", SECRET, 0600);
    snprintf(lines, sizeof(lines), IN_LINE ": ''\n%s", by_path("secret"));
    found_well(found_with(lines));
    assert_secret(SECRET);
}

TEST(an_empty_path_leaves_the_inline_secret)
{
    found_well(found_with(IN_LINE ": " SECRET "\n" BY_PATH ": ''\n"));
    assert_secret(SECRET);
}

TEST(a_link_to_a_secret_is_followed_on_this_machine)
{
    place_write("secret", SECRET, 0600);
    assert_int_equal(symlink("secret", place_path("link")), 0);
    found_well(found_with(by_path("link")));
    assert_secret(SECRET);
}

/* Synapse generates it when it is missing (generate_files). */
TEST(a_secret_file_that_is_missing_is_trouble)
{
    found_well(found_with(by_path("secret")));
    assert_secret_trouble(BY_PATH " is a file that is not there");
}

TEST(a_secret_file_of_a_relative_path_is_trouble)
{
    found_well(found_with(BY_PATH ": secret\n"));
    assert_secret_trouble("is relative to a folder that only the server knows");
}

static void
assert_secret_file_trouble(const char *words)
{
    found_well(found_with(by_path("secret")));
    assert_kind(&found.secret_trouble, ERROR_INVALID);
    assert_in(BY_PATH, found.secret_trouble.text);
    assert_in(place_path("secret"), found.secret_trouble.text);
    assert_in(words, found.secret_trouble.text);
    assert_false(secret_given(&found.shared_secret));
}

TEST(a_secret_file_without_a_secret_is_trouble)
{
    place_write("secret", " \n", 0600);
    assert_secret_file_trouble("is empty");
    place_write("secret", SECRET "\xff" SECRET, 0600);
    assert_secret_file_trouble("does not hold a secret");
    assert_int_equal(unlink(place_path("secret")), 0);
    assert_int_equal(mkdir(place_path("secret"), 0700), 0);
    assert_secret_file_trouble("is not a file");
    assert_int_equal(rmdir(place_path("secret")), 0);
    assert_int_equal(mkfifo(place_path("secret"), 0600), 0);
    assert_secret_file_trouble("is not a file");
}

TEST(a_secret_file_that_may_not_be_read_is_trouble)
{
    struct error error = {0};
    int result;

    place_write("secret", SECRET, 0);
    place_write("homeserver.yaml", found_with(by_path("secret")), 0644);
    assert_int_equal(chmod(place_path(""), 0755), 0);
    assert_int_equal(chmod(place_path("conf.d"), 0755), 0);
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    result = found_read(&error);
    assert_int_equal(seteuid(getuid()), 0);
    assert_int_equal(result, 0);
    assert_secret_trouble("Permission denied; who runs this must be able to");
}

/* ---- Inside a container ------------------------------------------------------------ */

TEST(inside_a_container_paths_are_mapped_and_the_host_is_its_name)
{
    struct error error = {0};

    place_write("secret", SECRET "\n", 0600);
    assert_int_equal(found_try_inside(found_with(BY_PATH ": /data/secret\n"), &error), 0);
    assert_string_equal(found.url, "http://synapse:8008");
    assert_null(found.address);
    assert_secret(SECRET);
    assert_string_equal(found.secret_from, place_path("secret"));
    assert_string_equal(found.files.items[0], place_path("homeserver.yaml"));
}

TEST(inside_a_container_a_secret_behind_no_mount_is_trouble)
{
    static const char *const paths[] = {"/run/secret", "/data/../secret"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        char line[200];
        struct error error = {0};

        snprintf(line, sizeof(line), BY_PATH ": %s\n", paths[i]);
        assert_int_equal(found_try_inside(found_with(line), &error), 0);
        assert_secret_trouble("behind none of its mounts");
    }
}

TEST(inside_a_container_no_link_is_followed)
{
    struct error error = {0};

    place_write("secret", SECRET "\n", 0600);
    assert_int_equal(symlink(place_path("secret"), place_path("link")), 0);
    assert_int_equal(found_try_inside(found_with(BY_PATH ": /data/link\n"), &error), 0);
    assert_secret_trouble("a symbolic link leads there");
    assert_int_equal(rename(place_path("homeserver.yaml"), place_path("other.yaml")), 0);
    assert_int_equal(symlink("other.yaml", place_path("homeserver.yaml")), 0);
    assert_int_equal(found_try(found_with(""), &error), 0); /* writes through the link */
    assert_int_equal(found_try_inside(found_with(""), &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("a symbolic link leads there", error.text);
}

/* ---- Delegation (synapse/config/mas.py; experimental.py up to 1.162) ----------------- */

TEST(delegation_is_known_in_both_of_its_forms)
{
    static const struct {
        const char *lines;
        bool is_delegated;
    } table[] = {
        {"", false},
        {"matrix_authentication_service: {enabled: true, secret: " SECRET "}\n", true},
        {"matrix_authentication_service: {enabled: false}\n", false},
        {"matrix_authentication_service: {}\n", false},
        {"matrix_authentication_service:\n", false},
        {"experimental_features: {msc3861: {enabled: true, admin_token: " SECRET "}}\n", true},
        {"experimental_features: {msc3861: {enabled: false}}\n", false},
        {"experimental_features: {msc3861: {}}\n", false},
        {"experimental_features: {msc3861: }\n", false},
        {"experimental_features: {msc1: true}\n", false},
        {"experimental_features:\n", false},
        {"experimental_features: {msc3861: {enabled: true}}\n"
         "matrix_authentication_service: {enabled: false}\n",
            true},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        found_well(found_with(table[i].lines));
        assert_int_equal(found.is_delegated, table[i].is_delegated);
    }
}

/* StrictBool (synapse/config/mas.py: MasConfigModel) */
TEST(delegation_that_is_no_boolean_is_refused)
{
    found_refused(found_with("matrix_authentication_service:\n  enabled: '" SECRET "'\n"), 2,
        "enabled is neither true nor false");
    found_refused(found_with("experimental_features:\n  msc3861:\n    enabled: 1\n"), 3,
        "enabled is neither true nor false");
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
read_again(void *context, struct error *error)
{
    int result;

    (void)context;
    result = found_read(error);
    found_free(&found);
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    place_write("secret", SECRET, 0600);
    place_write("conf.d/a.yaml", by_path("secret"), 0600);
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    fail_each_allocation(read_again, NULL);
    unlink(place_path("conf.d/a.yaml"));
    place_write("homeserver.yaml", found_with(IN_LINE ": " SECRET "\n"), 0600);
    fail_each_allocation(read_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, found_make, found_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_configuration_says_where_the_server_is_and_what_opens_it),
        IN_A_PLACE(without_the_file_there_is_no_configuration),
        IN_A_PLACE(what_is_no_yaml_is_refused_with_its_line),
        IN_A_PLACE(what_is_no_file_is_refused),
        IN_A_PLACE(server_names_are_taken_as_they_are),
        IN_A_PLACE(without_a_server_name_there_is_no_configuration),
        IN_A_PLACE(what_can_be_no_server_name_is_refused_with_its_line),
        IN_A_PLACE(an_inline_secret_is_taken_to_the_last_space),
        IN_A_PLACE(an_empty_secret_is_none),
        IN_A_PLACE(a_secret_that_is_no_text_is_trouble),
        IN_A_PLACE(a_secret_inline_and_by_path_is_trouble),
        IN_A_PLACE(a_secret_by_path_is_stripped),
        IN_A_PLACE(an_empty_inline_secret_leaves_the_one_by_path),
        IN_A_PLACE(an_empty_path_leaves_the_inline_secret),
        IN_A_PLACE(a_link_to_a_secret_is_followed_on_this_machine),
        IN_A_PLACE(a_secret_file_that_is_missing_is_trouble),
        IN_A_PLACE(a_secret_file_of_a_relative_path_is_trouble),
        IN_A_PLACE(a_secret_file_without_a_secret_is_trouble),
        IN_A_PLACE(a_secret_file_that_may_not_be_read_is_trouble),
        IN_A_PLACE(inside_a_container_paths_are_mapped_and_the_host_is_its_name),
        IN_A_PLACE(inside_a_container_a_secret_behind_no_mount_is_trouble),
        IN_A_PLACE(inside_a_container_no_link_is_followed),
        IN_A_PLACE(delegation_is_known_in_both_of_its_forms),
        IN_A_PLACE(delegation_that_is_no_boolean_is_refused),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/synapse/homeserver_yaml", tests, NULL, NULL);
}
