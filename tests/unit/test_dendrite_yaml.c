/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/dendrite/dendrite_yaml.h: names, the secret and the database.
 * Expected is what Dendrite 0.15.2 does (dendrite: setup/config). YAML itself is
 * in test_config.c, mounts are in test_config_place.c.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/dendrite/dendrite_yaml.h"
#include "private_place.h"

/* Stands in every secret of these tests: in no error's text. */
#define SECRET "S3cr3t"
#define NAME "version: 2\nglobal: {server_name: example.org}\n"
#define WITH_SECRET "client_api: {registration_shared_secret: " SECRET "}\n"
#define WITH_DATABASE(uri) "user_api: {account_database: {connection_string: '" uri "'}}\n"
#define URI "postgresql://dendrite:" SECRET "@db.example.org:5433/accounts?sslmode=require"

static struct found found;

static int
remove_place(void **state)
{
    found_free(&found);
    return place_remove(state);
}

static int
read_place(const struct config_place *place, struct error *error)
{
    int absent = 0;
    int result;

    found_free(&found);
    result = dendrite_yaml_source.read(place, &found, &absent, error);
    assert_int_equal(result == 0, error->kind == ERROR_NONE);
    assert_not_in(SECRET, error->text);
    assert_not_in(SECRET, found.secret_trouble.text);
    assert_not_in(SECRET, found.database.trouble.text);
    return result == 0 && absent ? 1 : result;
}

static int
read_here(struct error *error)
{
    char file[300];
    const struct config_place place = {.file = file};

    snprintf(file, sizeof(file), "%s", place_path("dendrite.yaml"));
    return read_place(&place, error);
}

static void
found_well(const char *yaml)
{
    struct error error = {0};

    place_write("dendrite.yaml", yaml, 0600);
    if (read_here(&error) != 0)
        fail_msg("%s\n%s", yaml, error.text);
}

/* As in matrix-docker-ansible-deploy, where /data is the folder of the file. */
static void
found_well_inside(const char *yaml)
{
    char source[300], destination[] = "/data";
    struct engine_mount mount = {.source = source, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/data/dendrite.yaml", .container = "matrix-dendrite", .mounts = &container};
    struct error error = {0};

    snprintf(source, sizeof(source), "%s", place_path(""));
    place_write("dendrite.yaml", yaml, 0600);
    if (read_place(&place, &error) != 0)
        fail_msg("%s\n%s", yaml, error.text);
}

static void
refused(const char *yaml, unsigned line, const char *words)
{
    char start[400];
    struct error error = {0};

    place_write("dendrite.yaml", yaml, 0600);
    if (read_here(&error) == 0)
        fail_msg("not refused: %s", yaml);
    assert_kind(&error, ERROR_INVALID);
    if (line == 0)
        snprintf(start, sizeof(start), "%s", place_path("dendrite.yaml"));
    else
        snprintf(start, sizeof(start), "%s, line %u: ", place_path("dendrite.yaml"), line);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error.text, start);
    assert_in(words, error.text);
}

static void
assert_secret(const char *expected)
{
    assert_kind(&found.secret_trouble, ERROR_NONE);
    assert_int_equal(secret_given(&found.shared_secret), expected != NULL);
    assert_int_equal(found.secret_from != NULL, expected != NULL);
    if (expected != NULL)
        assert_string_equal(found.shared_secret.bytes, expected);
}

TEST(a_configuration_says_where_the_server_is_and_what_opens_it)
{
    char expected[400];

    found_well("# Dendrite\n" NAME WITH_SECRET WITH_DATABASE(URI));
    assert_string_equal(found.server_name, "example.org");
    /* It is an argument of the program; this is its default. */
    assert_string_equal(found.url, "http://127.0.0.1:8008");
    assert_null(found.unix_socket);
    assert_null(found.address);
    assert_null(found.container);
    assert_false(found.is_delegated);
    assert_secret(SECRET);
    snprintf(expected, sizeof(expected), "%s, line 4", place_path("dendrite.yaml"));
    assert_string_equal(found.secret_from, expected);
    assert_true(found.database.is_there);
    assert_kind(&found.database.trouble, ERROR_NONE);
    assert_string_equal(found.database.uri.bytes, URI);
    assert_int_equal(found.files.count, 1);
    assert_string_equal(found.files.items[0], place_path("dendrite.yaml"));
}

TEST(without_the_file_there_is_no_configuration)
{
    struct error error = {0};

    assert_int_equal(read_here(&error), 1);
    assert_null(found.server_name);
    assert_int_equal(found.files.count, 0);
}

TEST(what_is_no_yaml_is_refused_with_its_line)
{
    refused(NAME "client_api: '" SECRET "' x\n", 3, "");
    refused("[" SECRET "]\n", 1, "this is no configuration of Dendrite");
    refused(SECRET "\n", 1, "this is no configuration of Dendrite");
}

/* setup/config/config_global.go: checkNotEmpty(global.server_name) */
TEST(without_a_server_name_there_is_no_configuration)
{
    refused("{}\n", 0, "has no global.server_name");
    refused("global: {}\n", 0, "has no global.server_name");
    refused("global: {server_name: ''}\n", 0, "has no global.server_name");
    refused("server_name: example.org\n", 0, "has no global.server_name");
}

TEST(what_can_be_no_server_name_is_refused_with_its_line)
{
    refused("version: 2\nglobal:\n  server_name: 'exa mple'\n", 3,
        "server_name is no name that a server can have");
    refused("global: {server_name: 7}\n", 1, "server_name is not a text");
    refused("global: {server_name: [" SECRET "]}\n", 1, "server_name is not a text");
}

/* ---- The secret (setup/config/config_clientapi.go) ----------------------------------- */

/* An empty one is none: the route is not there (clientapi/routing/routing.go). */
TEST(an_empty_secret_is_none)
{
    found_well(NAME);
    assert_secret(NULL);
    found_well(NAME "client_api: {}\n");
    assert_secret(NULL);
    found_well(NAME "client_api: {registration_shared_secret: ''}\n");
    assert_secret(NULL);
    found_well(NAME "client_api: {registration_shared_secret: null}\n");
    assert_secret(NULL);
    found_well(NAME "registration_shared_secret: " SECRET "\n");
    assert_secret(NULL);
}

TEST(a_secret_is_taken_to_the_last_space)
{
    found_well(NAME "client_api: {registration_shared_secret: \" " SECRET "\\n\"}\n");
    assert_secret(" " SECRET "\n");
}

TEST(a_secret_that_is_no_text_is_trouble_and_no_more)
{
    static const char *const values[] = {"12345", "true", "[" SECRET "]"};

    for (size_t i = 0; i < COUNT(values); i++) {
        char yaml[400];

        snprintf(yaml, sizeof(yaml),
            NAME WITH_DATABASE(URI) "client_api:\n  registration_shared_secret: %s\n",
            values[i]);
        found_well(yaml);
        assert_kind(&found.secret_trouble, ERROR_INVALID);
        assert_in("line 5: registration_shared_secret is not a text",
            found.secret_trouble.text);
        assert_false(secret_given(&found.shared_secret));
        assert_true(found.database.is_there);
    }
}

/* ---- The database (setup/config/config_userapi.go, config_global.go) ----------------- */

static void
assert_database(const char *uri, const char *host)
{
    assert_kind(&found.database.trouble, ERROR_NONE);
    assert_true(found.database.is_there);
    assert_string_equal(found.database.uri.bytes, uri);
    assert_string_equal(found.database.host, host);
}

TEST(the_accounts_own_database_comes_before_that_of_all_components)
{
    static const char both[] =
        "global:\n  server_name: example.org\n  database:\n"
        "    connection_string: postgres://all@localhost/all\n";
    char yaml[600];

    found_well(both);
    assert_database("postgres://all@localhost/all", "localhost");
    snprintf(yaml, sizeof(yaml), "%s%s", both, WITH_DATABASE(URI));
    found_well(yaml);
    assert_database(URI, "db.example.org");
    snprintf(yaml, sizeof(yaml), "%suser_api: {account_database: {connection_string: ''}}\n",
        both);
    found_well(yaml);
    assert_database("postgres://all@localhost/all", "localhost");
}

/* internal/sqlutil: a connection string that begins with file: is SQLite. */
TEST(sqlite_is_no_database_for_others)
{
    found_well(NAME WITH_DATABASE("file:userapi.db"));
    assert_false(found.database.is_there);
    found_well("global:\n  server_name: example.org\n  database:\n"
               "    connection_string: postgres://all@localhost/all\n" WITH_DATABASE(
                   "file:userapi.db"));
    assert_false(found.database.is_there);
    found_well(NAME);
    assert_false(found.database.is_there);
    assert_kind(&found.database.trouble, ERROR_NONE);
}

TEST(a_database_says_its_host_in_either_way)
{
    found_well(NAME WITH_DATABASE("postgresql:///accounts?host=/run/postgresql&user=d"));
    assert_database("postgresql:///accounts?host=/run/postgresql&user=d", "/run/postgresql");
    found_well(NAME WITH_DATABASE("postgresql://d@%2Frun%2Fpostgresql/accounts"));
    assert_database("postgresql://d@%2Frun%2Fpostgresql/accounts", "/run/postgresql");
    found_well(NAME WITH_DATABASE("postgresql://d@[::1]:5433/accounts"));
    assert_database("postgresql://d@[::1]:5433/accounts", "::1");
}

/* lib/pq, conn.go: its default for host is localhost. */
TEST(a_database_without_a_host_is_on_the_loopback)
{
    found_well(NAME WITH_DATABASE("postgresql:///accounts?user=d"));
    assert_database("postgresql:///accounts?user=d", "localhost");
}

TEST(on_this_machine_a_host_is_no_container)
{
    found_well(NAME WITH_DATABASE(URI));
    assert_false(found.database.may_be_container);
}

TEST(a_database_that_libpq_cannot_read_is_trouble_and_no_more)
{
    static const char *const uris[] = {"postgresql://d:" SECRET "@[::1/accounts",
        "postgresql://d@h/a?binary_parameters=yes", "postgresql://d@h/a?service=" SECRET,
        "postgres:" SECRET};

    for (size_t i = 0; i < COUNT(uris); i++) {
        char yaml[400];

        snprintf(yaml, sizeof(yaml),
            NAME WITH_SECRET "user_api: {account_database: {connection_string: '%s'}}\n",
            uris[i]);
        found_well(yaml);
        assert_kind(&found.database.trouble, ERROR_INVALID);
        assert_in("uri", found.database.trouble.text);
        assert_secret(SECRET);
    }
    found_well(NAME WITH_SECRET "user_api: {account_database: {connection_string: 7}}\n");
    assert_kind(&found.database.trouble, ERROR_INVALID);
    assert_in("line 4: connection_string is not a text", found.database.trouble.text);
    assert_false(found.database.is_there);
    assert_secret(SECRET);
}

/* ---- Inside a container --------------------------------------------------------------- */

TEST(inside_a_container_the_host_is_its_name)
{
    found_well_inside(NAME WITH_SECRET);
    assert_string_equal(found.url, "http://matrix-dendrite:8008");
    assert_null(found.address);
    assert_secret(SECRET);
    assert_string_equal(found.files.items[0], place_path("dendrite.yaml"));
}

TEST(inside_a_container_the_databases_host_may_be_another_one)
{
    static const char uri[] = "postgresql://dendrite:" SECRET
                              "@matrix-postgres/dendrite_userapi?sslmode=disable";
    char yaml[400];

    snprintf(yaml, sizeof(yaml),
        NAME "user_api: {account_database: {connection_string: '%s'}}\n", uri);
    found_well_inside(yaml);
    assert_database(uri, "matrix-postgres");
    assert_true(found.database.may_be_container);
}

TEST(inside_a_container_a_databases_socket_is_where_its_mount_is)
{
    found_well_inside(NAME WITH_DATABASE("postgresql:///accounts?host=/data/run&user=d"));
    assert_database("postgresql:///accounts?host=/data/run&user=d", place_path("run"));
    assert_false(found.database.may_be_container);
    found_well_inside(NAME WITH_DATABASE("postgresql:///accounts?host=/run&user=d"));
    assert_kind(&found.database.trouble, ERROR_INVALID);
    assert_in("/run is inside the container matrix-dendrite, behind none of its mounts",
        found.database.trouble.text);
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
read_again(void *context, struct error *error)
{
    int result;

    (void)context;
    result = read_here(error);
    found_free(&found);
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    place_write("dendrite.yaml", NAME WITH_SECRET WITH_DATABASE(URI), 0600);
    fail_each_allocation(read_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_configuration_says_where_the_server_is_and_what_opens_it),
        IN_A_PLACE(without_the_file_there_is_no_configuration),
        IN_A_PLACE(what_is_no_yaml_is_refused_with_its_line),
        IN_A_PLACE(without_a_server_name_there_is_no_configuration),
        IN_A_PLACE(what_can_be_no_server_name_is_refused_with_its_line),
        IN_A_PLACE(an_empty_secret_is_none),
        IN_A_PLACE(a_secret_is_taken_to_the_last_space),
        IN_A_PLACE(a_secret_that_is_no_text_is_trouble_and_no_more),
        IN_A_PLACE(the_accounts_own_database_comes_before_that_of_all_components),
        IN_A_PLACE(sqlite_is_no_database_for_others),
        IN_A_PLACE(a_database_says_its_host_in_either_way),
        IN_A_PLACE(a_database_without_a_host_is_on_the_loopback),
        IN_A_PLACE(on_this_machine_a_host_is_no_container),
        IN_A_PLACE(a_database_that_libpq_cannot_read_is_trouble_and_no_more),
        IN_A_PLACE(inside_a_container_the_host_is_its_name),
        IN_A_PLACE(inside_a_container_the_databases_host_may_be_another_one),
        IN_A_PLACE(inside_a_container_a_databases_socket_is_where_its_mount_is),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
