/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/homeserver_yaml.h: the database. Expected is what Synapse
 * 1.163.2 does (synapse/config/database.py), which hands `args` to psycopg2, and
 * that to libpq.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "found_trial.h"
#include "private_place.h"

/* A configuration with these arguments of psycopg2. */
static const char *
with_arguments(const char *arguments)
{
    static char lines[800];

    snprintf(lines, sizeof(lines), "database: {name: psycopg2, args: {%s}}\n", arguments);
    return found_with(lines);
}

/* It is found all the same: who has another way can use it. */
static void
assert_trouble(const char *words)
{
    assert_kind(&found.database.trouble, ERROR_INVALID);
    assert_in(words, found.database.trouble.text);
    assert_not_in(SECRET, found.database.trouble.text);
    assert_string_equal(found.server_name, "example.org");
}

TEST(what_psycopg2_is_told_is_where_the_database_is)
{
    const struct found_database *database = &found.database;

    found_well(with_arguments("user: synapse, password: " SECRET
                              ", dbname: accounts, host: db.example.org, port: 5433, cp_max: 10,"
                              " sslmode: verify-full, sslrootcert: /etc/ca.pem"));
    assert_true(database->is_there);
    assert_kind(&database->trouble, ERROR_NONE);
    assert_string_equal(database->user, "synapse");
    assert_string_equal(database->password.bytes, SECRET);
    assert_string_equal(database->name, "accounts");
    assert_string_equal(database->host, "db.example.org");
    assert_int_equal(database->port, 5433);
    assert_string_equal(database->sslmode, "verify-full");
    assert_string_equal(database->ca_path, "/etc/ca.pem");
    assert_false(secret_given(&database->uri));
    assert_false(database->may_be_container);
}

/* psycopg2 has two names for it, and Synapse's documentation uses both. */
TEST(the_database_has_two_names)
{
    found_well(with_arguments("database: synapse"));
    assert_string_equal(found.database.name, "synapse");
    found_well(with_arguments("dbname: synapse"));
    assert_string_equal(found.database.name, "synapse");
}

TEST(what_is_left_out_is_left_out)
{
    found_well(with_arguments(""));
    assert_true(found.database.is_there);
    assert_null(found.database.host);
    assert_null(found.database.name);
    assert_null(found.database.user);
    assert_null(found.database.sslmode);
    assert_int_equal(found.database.port, 0);
    assert_false(secret_given(&found.database.password));
}

TEST(sqlite_is_no_database_for_others)
{
    found_well(found_with("database: {name: sqlite3, args: {database: /data/homeserver.db}}\n"));
    assert_false(found.database.is_there);
    found_well(found_with(""));
    assert_false(found.database.is_there);
    assert_kind(&found.database.trouble, ERROR_NONE);
}

TEST(arguments_of_a_wrong_kind_are_trouble_and_no_more)
{
    static const struct {
        const char *arguments, *words;
    } table[] = {
        {"host: [" SECRET "]", "line 1: host is not a text"},
        {"password: 12345", "line 1: password is not a text"},
        {"user: {a: " SECRET "}", "line 1: user is not a text"},
        {"port: 65536", "line 1: a port is from 1 to 65535"},
        {"port: -1", "line 1: a port is from 1 to 65535"},
        {"port: x", "line 1: port"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        found_well(with_arguments(table[i].arguments));
        assert_trouble(table[i].words);
        assert_not_in("12345", found.database.trouble.text);
    }
    found_well(found_with("database: {name: [psycopg2]}\n"));
    assert_trouble("line 1: name is not a text");
}

/* ---- Inside a container ------------------------------------------------------------ */

TEST(inside_a_container_the_databases_host_may_be_another_one)
{
    struct error error = {0};

    assert_int_equal(found_try_inside(with_arguments("host: matrix-postgres"), &error), 0);
    assert_string_equal(found.database.host, "matrix-postgres");
    assert_true(found.database.may_be_container);
}

TEST(inside_a_container_a_databases_socket_is_where_its_mount_is)
{
    struct error error = {0};

    assert_int_equal(found_try_inside(with_arguments("host: /data/run"), &error), 0);
    assert_string_equal(found.database.host, place_path("run"));
    assert_false(found.database.may_be_container);
    assert_int_equal(found_try_inside(with_arguments("host: /run-postgres"), &error), 0);
    assert_trouble("/run-postgres is inside the container synapse, behind none of its mounts");
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
    place_write("homeserver.yaml",
        with_arguments("user: synapse, password: " SECRET ", dbname: synapse, host: db, sslmode: "
                       "require, sslrootcert: /etc/ca.pem"),
        0600);
    fail_each_allocation(read_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, found_make, found_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(what_psycopg2_is_told_is_where_the_database_is),
        IN_A_PLACE(the_database_has_two_names),
        IN_A_PLACE(what_is_left_out_is_left_out),
        IN_A_PLACE(sqlite_is_no_database_for_others),
        IN_A_PLACE(arguments_of_a_wrong_kind_are_trouble_and_no_more),
        IN_A_PLACE(inside_a_container_the_databases_host_may_be_another_one),
        IN_A_PLACE(inside_a_container_a_databases_socket_is_where_its_mount_is),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
