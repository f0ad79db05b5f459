/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/config_yaml.h: the client, the database and the schemes. Expected is what
 * MAS does with its configuration (MAS: docs/reference/configuration.md,
 * crates/config/src/sections). YAML itself is in test_config.c, mounts are in
 * test_config_place.c, listeners in test_mas_listeners.c.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "mas_config_trial.h"
#include "private_place.h"

#define ID "01GFWR32NCQ12B8Z0J8CPXRRB6"
#define OTHER_ID "01GFWR3WHR93Y5HK389H28VHZ9"
#define LISTED "policy: {data: {admin_clients: [" ID "]}}\n"
#define CLIENT(rest) "clients: [{client_id: " ID ", client_auth_method: " rest "}]\n"
#define BASIC "client_secret_basic, client_secret: " SECRET
#define LISTENER                                                                           \
    "http: {listeners: [{resources: [{name: oauth}, {name: adminapi}],"                    \
    " binds: [{port: 8080}]}]}\n"

/* ---- The client (clients.rs, policy.data) -------------------------------------------- */

static void
assert_client(const char *id, const char *secret, bool in_body)
{
    const struct found_mas *mas = &mas_found.mas;

    assert_kind(&mas->client_trouble, ERROR_NONE);
    mas_assert_text(id, mas->client_id);
    assert_int_equal(secret_given(&mas->client_secret), secret != NULL);
    if (secret != NULL)
        assert_string_equal(mas->client_secret.bytes, secret);
    assert_int_equal(mas->sends_secret_in_body, in_body);
}

TEST(a_client_that_is_known_and_listed_opens_the_admin_api)
{
    mas_well(MATRIX LISTED CLIENT(BASIC));
    assert_client(ID, SECRET, false);
    mas_well(MATRIX LISTED CLIENT("client_secret_post, client_secret: ' c1!%+: '"));
    assert_client(ID, " c1!%+: ", true);
}

TEST(a_client_that_is_only_one_of_both_is_none)
{
    mas_well(MATRIX CLIENT(BASIC));
    assert_client(NULL, NULL, false);
    mas_well(MATRIX LISTED);
    assert_client(NULL, NULL, false);
    mas_well(MATRIX "policy: {data: {admin_clients: [" OTHER_ID "]}}\n" CLIENT(BASIC));
    assert_client(NULL, NULL, false);
    mas_well(MATRIX "policy: {data: {admin_users: [" ID "]}}\n" CLIENT(BASIC));
    assert_client(NULL, NULL, false);
}

/* It cannot ask for a token by itself. */
TEST(a_client_without_a_secret_is_none)
{
    mas_well(MATRIX LISTED CLIENT("none"));
    assert_client(NULL, NULL, false);
    mas_well(MATRIX LISTED CLIENT("private_key_jwt, jwks_uri: 'https://h/'"));
    assert_client(NULL, NULL, false);
    mas_well(MATRIX LISTED CLIENT("client_secret_jwt, client_secret: " SECRET));
    assert_client(NULL, NULL, false);
    mas_well(MATRIX LISTED CLIENT("client_secret_basic"));
    assert_kind(&mas_found.mas.client_trouble, ERROR_INVALID);
    assert_in("has no client_secret", mas_found.mas.client_trouble.text);
}

TEST(the_first_that_can_is_taken_and_ids_have_no_case)
{
    mas_well(MATRIX "policy: {data: {admin_clients: [" OTHER_ID ", "
                      "01gfwr32ncq12b8z0j8cpxrrb6]}}\n" CLIENT(BASIC));
    assert_client(ID, SECRET, false);
}

/* ClientSecret::value: tokio::fs::read_to_string, and no trim. */
TEST(a_secret_in_a_file_is_all_of_the_file)
{
    char yaml[600];

    place_write("secret", SECRET "\n", 0600);
    snprintf(yaml, sizeof(yaml), MATRIX LISTED CLIENT("client_secret_post, client_secret_file: %s"),
        place_path("secret"));
    mas_well(yaml);
    assert_client(ID, SECRET "\n", true);
    mas_well_inside(
        MATRIX LISTED CLIENT("client_secret_basic, client_secret_file: /data/secret"));
    assert_client(ID, SECRET "\n", false);
}

TEST(a_secret_that_cannot_be_read_is_trouble_and_no_more)
{
    static const struct {
        const char *rest;
        const char *words;
    } table[] = {
        {"client_secret_basic, client_secret_file: /nothing/secret",
            "client_secret_file is a file that is not there"},
        {"client_secret_basic, client_secret_file: secret", "whole path"},
        {"client_secret_basic, client_secret: [" SECRET "]", "client_secret is not a text"},
        {"client_secret_basic, client_secret: " SECRET ", client_secret_file: /secret",
            "stands beside"},
    };
    char yaml[600];

    for (size_t i = 0; i < COUNT(table); i++) {
        snprintf(yaml, sizeof(yaml),
            MATRIX LISTED "clients: [{client_id: " ID ", client_auth_method: %s}]\n",
            table[i].rest);
        mas_well(yaml);
        assert_kind(&mas_found.mas.client_trouble, ERROR_INVALID);
        assert_in(table[i].words, mas_found.mas.client_trouble.text);
        assert_false(secret_given(&mas_found.mas.client_secret));
        assert_string_equal(mas_found.mas.client_id, ID);
        assert_string_equal(mas_found.mas.oauth.url, "http://[::1]:8080");
    }
}

/* ---- The database (database.rs) ------------------------------------------------------ */

TEST(a_database_is_named_as_a_whole)
{
    static const char uri[] = "postgresql://mas:" SECRET "@db.example.org:5433/mas";
    const struct found_database *database = &mas_found.mas.database;
    char yaml[400];

    snprintf(yaml, sizeof(yaml), MATRIX "database: {uri: '%s', ssl_mode: verify-full}\n", uri);
    mas_well(yaml);
    assert_kind(&database->trouble, ERROR_NONE);
    assert_true(database->is_there);
    assert_string_equal(database->uri.bytes, uri);
    assert_string_equal(database->host, "db.example.org");
    assert_int_equal(database->port, 5433);
    assert_string_equal(database->sslmode, "verify-full");
}

TEST(a_database_is_named_in_parts)
{
    const struct found_database *database = &mas_found.mas.database;

    place_write("ca.pem", "", 0600);
    place_write("password", SECRET "\n", 0600);
    mas_well_inside(MATRIX
        "database: {host: matrix-postgres, port: 5433, username: mas, password: " SECRET
        ", database: masdb, ssl_mode: require, ssl_ca_file: /data/ca.pem}\n");
    assert_kind(&database->trouble, ERROR_NONE);
    assert_true(database->is_there);
    assert_false(secret_given(&database->uri));
    assert_string_equal(database->host, "matrix-postgres");
    assert_true(database->may_be_container);
    assert_int_equal(database->port, 5433);
    assert_string_equal(database->user, "mas");
    assert_string_equal(database->password.bytes, SECRET);
    assert_string_equal(database->name, "masdb");
    assert_string_equal(database->sslmode, "require");
    assert_string_equal(database->ca_path, place_path("ca.pem"));
    mas_well_inside(MATRIX "database: {socket: /data/run, username: mas, database: masdb,"
                             " password_file: /data/password}\n");
    assert_kind(&database->trouble, ERROR_NONE);
    assert_string_equal(database->host, place_path("run"));
    assert_string_equal(database->password.bytes, SECRET);
}

TEST(without_a_database_there_is_none)
{
    mas_well(MATRIX);
    assert_false(mas_found.mas.database.is_there);
    mas_well(MATRIX "database: {max_connections: 10}\n");
    assert_false(mas_found.mas.database.is_there);
    assert_kind(&mas_found.mas.database.trouble, ERROR_NONE);
}

/* Its password would be told to whatever listens here. */
TEST(the_loopback_of_a_container_is_not_this_machines)
{
    static const char *const parts[] = {"uri: 'postgres://m:" SECRET "@localhost/m'",
        "uri: 'postgres:///m?user=m'", "host: 127.0.0.1, username: m", "host: '::1', database: m",
        "username: m, database: m"};
    char yaml[400];

    for (size_t i = 0; i < COUNT(parts); i++) {
        snprintf(yaml, sizeof(yaml), MATRIX "database: {%s}\n", parts[i]);
        mas_well_inside(yaml);
        assert_kind(&mas_found.mas.database.trouble, ERROR_INVALID);
        assert_in("inside the container mas,", mas_found.mas.database.trouble.text);
        mas_well(yaml);
        assert_kind(&mas_found.mas.database.trouble, ERROR_NONE);
    }
}

TEST(a_database_that_cannot_be_used_is_trouble_and_no_more)
{
    static const struct {
        const char *parts;
        const char *words;
    } table[] = {
        {"host: h, username: m, port: 65536", "from 1 to 65535"},
        {"host: h, username: m, ssl_mode: " SECRET, "ssl_mode is none"},
        {"host: h, username: m, ssl_ca: " SECRET, "is not read; give database"},
        {"uri: 'postgres:" SECRET "'", "uri"},
        {"uri: [" SECRET "]", "uri is not a text"},
        {"host: h, username: m, password_file: /nothing/p", "password_file is a file that"},
    };
    char yaml[400];

    for (size_t i = 0; i < COUNT(table); i++) {
        snprintf(yaml, sizeof(yaml), MATRIX LISTED CLIENT(BASIC) "database: {%s}\n",
            table[i].parts);
        mas_well(yaml);
        assert_kind(&mas_found.mas.database.trouble, ERROR_INVALID);
        assert_in(table[i].words, mas_found.mas.database.trouble.text);
        assert_client(ID, SECRET, false);
    }
}

/* ---- Passwords (passwords.rs) -------------------------------------------------------- */

TEST(without_schemes_there_is_the_one_by_default)
{
    const struct mas_schemes *schemes = &mas_well(MATRIX)->schemes;

    assert_int_equal(schemes->count, 1);
    assert_int_equal(schemes->items[0].version, 1);
    assert_false(schemes->items[0].unicode_normalization);
    assert_false(secret_given(&schemes->items[0].secret));
}

/* tokio::fs::read: all of the file. */
TEST(schemes_have_their_secrets_inline_or_in_a_file)
{
    const struct mas_schemes *schemes;

    place_write("pepper", SECRET "\n", 0600);
    schemes = &mas_well_inside(
        MATRIX "passwords:\n  enabled: true\n  schemes:\n"
               "  - {version: 1, algorithm: bcrypt, secret: " SECRET
               ", unicode_normalization: true}\n"
               "  - {version: 2, algorithm: argon2id, secret_file: /data/pepper}\n"
               "  - {version: 3, algorithm: argon2id}\n")
                   ->schemes;
    assert_kind(&mas_found.mas.schemes_trouble, ERROR_NONE);
    assert_int_equal(schemes->count, 3);
    assert_int_equal(schemes->items[0].version, 1);
    assert_true(schemes->items[0].unicode_normalization);
    assert_string_equal(schemes->items[0].secret.bytes, SECRET);
    assert_int_equal(schemes->items[1].version, 2);
    assert_false(schemes->items[1].unicode_normalization);
    assert_string_equal(schemes->items[1].secret.bytes, SECRET "\n");
    assert_false(secret_given(&schemes->items[2].secret));
}

/* A hash without its pepper would look like another password's. */
TEST(schemes_that_cannot_be_read_are_none_at_all)
{
    static const struct {
        const char *schemes;
        const char *words;
    } table[] = {
        {"[{version: 1}, {version: 2, secret_file: /nothing/p}]", "secret_file is a file that"},
        {"[{version: 1, secret: " SECRET ", secret_file: /p}]", "stands beside"},
        {"[{version: 65536}]", "from 0 to 65535"},
        {"[{algorithm: argon2id}]", "from 0 to 65535"},
        {"[{version: 1, unicode_normalization: 7}]", "unicode_normalization is neither"},
        {SECRET, "no list of up to 8"},
        {"[{version: 1}, {version: 2}, {version: 3}, {version: 4}, {version: 5},"
         " {version: 6}, {version: 7}, {version: 8}, {version: 9}]",
            "no list of up to 8"},
    };
    char yaml[600];

    for (size_t i = 0; i < COUNT(table); i++) {
        snprintf(yaml, sizeof(yaml), MATRIX "passwords: {schemes: %s}\n", table[i].schemes);
        mas_well(yaml);
        assert_kind(&mas_found.mas.schemes_trouble, ERROR_INVALID);
        assert_in(table[i].words, mas_found.mas.schemes_trouble.text);
        assert_int_equal(mas_found.mas.schemes.count, 0);
    }
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
read_again(void *context, struct error *error)
{
    int result;

    (void)context;
    result = mas_read_here(error);
    found_free(&mas_found);
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    place_write("config.yaml",
        MATRIX LISTED CLIENT(BASIC) LISTENER
            "database: {host: h, username: m, password: " SECRET ", database: m}\n"
            "passwords: {schemes: [{version: 1, secret: " SECRET "}]}\n",
        0600);
    fail_each_allocation(read_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, mas_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_client_that_is_known_and_listed_opens_the_admin_api),
        IN_A_PLACE(a_client_that_is_only_one_of_both_is_none),
        IN_A_PLACE(a_client_without_a_secret_is_none),
        IN_A_PLACE(the_first_that_can_is_taken_and_ids_have_no_case),
        IN_A_PLACE(a_secret_in_a_file_is_all_of_the_file),
        IN_A_PLACE(a_secret_that_cannot_be_read_is_trouble_and_no_more),
        IN_A_PLACE(a_database_is_named_as_a_whole),
        IN_A_PLACE(a_database_is_named_in_parts),
        IN_A_PLACE(without_a_database_there_is_none),
        IN_A_PLACE(the_loopback_of_a_container_is_not_this_machines),
        IN_A_PLACE(a_database_that_cannot_be_used_is_trouble_and_no_more),
        IN_A_PLACE(without_schemes_there_is_the_one_by_default),
        IN_A_PLACE(schemes_have_their_secrets_inline_or_in_a_file),
        IN_A_PLACE(schemes_that_cannot_be_read_are_none_at_all),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
