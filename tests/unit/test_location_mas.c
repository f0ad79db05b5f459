/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * modules/location.h and backends/discovery.h: where MAS is that has a homeserver's
 * accounts, and what opens it. What is told of it is in test_location_mas_told.c.
 */
/* The flags of namespaces are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "location_mas_trial.h"
#include "private_place.h"
#include "room.h"

/* ---- What is found ------------------------------------------------------------------- */

TEST(accounts_that_a_homeserver_has_handed_over_are_mas_s)
{
    const struct connection *connection = mas_located(MATRIX API CLIENT, SYNAPSE);
    const struct mas_connection *mas = &connection->mas;

    assert_string_equal(connection->backend, "mas");
    assert_string_equal(connection->server_name, "example.org");
    assert_string_equal(connection->http.url, "http://synapse:8008");
    assert_null(connection->shared_secret);
    assert_string_equal(mas->url, "http://" MAS ":8080/auth");
    assert_string_equal(mas->admin_url, "http://" MAS ":8080/auth");
    assert_true(mas->reach.into_container && mas->admin_reach.into_container);
    assert_false(mas->reach.use_proxy);
    assert_string_equal(mas->finder.where, "container " MAS);
    assert_ptr_equal(mas->finder.context, &mas->container);
    assert_string_equal(mas->client_id, ID);
    assert_string_equal(mas->client_secret->bytes, SECRET);
    assert_true(mas->sends_secret_in_body);
    assert_string_equal(mas->command_container, MAS);
    assert_string_equal(mas->command_config, "/data/config.yaml");
    assert_int_equal(mas->schemes->count, 1);
    assert_true(connection_opens_mas(connection));
}

TEST(the_database_is_then_mas_s)
{
    const struct connection *connection = mas_located(MATRIX API CLIENT DATABASE, SYNAPSE);

    assert_string_equal(connection->database->host, "matrix-postgres");
    assert_string_equal(connection->database->name, "masdb");
    assert_string_equal(connection->database->user, "mas");
    assert_string_equal(connection->database->password->bytes, SECRET);
    assert_string_equal(connection->database_container, "matrix-postgres");
    assert_true(connection->database_is_found);
    /* Synapse's is none. */
    connection = mas_located(MATRIX API CLIENT, SYNAPSE);
    assert_null(connection->database);
}

/* matrix-docker-ansible-deploy, by default */
TEST(without_the_admin_api_its_command_and_its_database_open_it)
{
    const struct connection *connection = mas_located(MATRIX NO_API DATABASE CLIENT, SYNAPSE);

    assert_string_equal(connection->backend, "mas");
    assert_null(connection->mas.client_id);
    assert_null(connection->mas.admin_url);
    assert_string_equal(connection->mas.url, "http://" MAS ":8080/auth");
    assert_string_equal(connection->database->name, "masdb");
    assert_string_equal(connection->mas.command_container, MAS);
}

TEST(where_nothing_opens_mas_the_homeserver_is_left_to_refuse)
{
    assert_string_equal(mas_located(MATRIX NO_API, SYNAPSE)->backend, "synapse");
    assert_string_equal(mas_located(MATRIX API, SYNAPSE)->backend, "synapse");
    unlink(place_path("config.yaml"));
    assert_string_equal(mas_located(NULL, SYNAPSE)->backend, "synapse");
    assert_false(mas_location.found.mas.is_there);
}

TEST(synapse_that_is_asked_for_is_left_to_refuse)
{
    const struct connection *connection =
        mas_located(MATRIX API CLIENT DATABASE, SYNAPSE ", 'backend': 'synapse'");

    assert_string_equal(connection->backend, "synapse");
    assert_string_equal(connection->shared_secret->bytes, SECRET);
    assert_null(connection->database);
}

TEST(a_homeserver_that_has_its_accounts_is_not_mas_s)
{
    place_write("homeserver.yaml", NAME LISTENERS, 0600);
    assert_string_equal(mas_located(MATRIX API CLIENT, SYNAPSE)->backend, "synapse");
    assert_false(mas_location.found.mas.is_there);
    mas_not_located(NULL, SYNAPSE ", 'backend': 'mas'", ERROR_INVALID, "is one of synapse; give url");
}

TEST(schemes_that_cannot_be_read_are_told)
{
    const struct connection *connection =
        mas_located(MATRIX API CLIENT "passwords: {schemes: [{version: 1, secret_file: /p}]}\n",
            SYNAPSE);

    assert_null(connection->mas.schemes);
    assert_in("secret_file", connection->mas.schemes_trouble);
}

/* ---- What is given ------------------------------------------------------------------- */

TEST(an_address_that_is_given_wins)
{
    const struct connection *connection =
        mas_located(MATRIX API CLIENT, SYNAPSE ", 'mas_url': 'http://127.0.0.1:9/m'");

    assert_string_equal(connection->backend, "mas");
    assert_string_equal(connection->mas.url, "http://127.0.0.1:9/m");
    assert_null(connection->mas.admin_url);
    assert_false(connection->mas.reach.into_container);
    assert_true(connection->mas.reach.use_proxy);
    assert_string_equal(connection->mas.client_id, ID);
    connection = mas_located(NULL, SYNAPSE ", 'mas_admin_url': 'http://127.0.0.1:9'");
    assert_string_equal(connection->mas.url, "http://" MAS ":8080/auth");
    assert_true(connection->mas.reach.into_container);
    assert_string_equal(connection->mas.admin_url, "http://127.0.0.1:9");
    assert_false(connection->mas.admin_reach.into_container);
}

TEST(a_credential_that_is_given_wins)
{
    const struct connection *connection = mas_located(MATRIX API CLIENT,
        SYNAPSE ", 'mas_client_id': '" OTHER_ID "', 'mas_client_secret': 'given'");

    assert_string_equal(connection->mas.client_id, OTHER_ID);
    assert_string_equal(connection->mas.client_secret->bytes, "given");
    assert_false(connection->mas.sends_secret_in_body);
    connection = mas_located(NULL, SYNAPSE ", 'mas_token': 'mpt_given'");
    assert_null(connection->mas.client_id);
    assert_string_equal(connection->mas.token->bytes, "mpt_given");
    /* What the configuration says of the same one holds. */
    connection = mas_located(NULL,
        SYNAPSE ", 'mas_client_id': '" ID "', 'mas_client_secret': 'given'");
    assert_string_equal(connection->mas.client_secret->bytes, "given");
    assert_true(connection->mas.sends_secret_in_body);
}

TEST(a_credential_that_is_given_needs_no_configuration)
{
    const struct connection *connection = mas_located(NULL, SYNAPSE ", 'mas_token': 'mpt_given'");

    assert_string_equal(connection->backend, "mas");
    /* The homeserver will say. */
    assert_null(connection->mas.url);
    assert_null(connection->mas.finder.find);
}

TEST(a_database_that_is_given_wins)
{
    const struct connection *connection =
        mas_located(MATRIX NO_API DATABASE, SYNAPSE ", 'database': {'name': 'given'}");

    assert_string_equal(connection->backend, "mas");
    assert_string_equal(connection->database->name, "given");
    assert_false(connection->database_is_found);
}

TEST(a_container_that_is_named_is_looked_into)
{
    mas_not_located(MATRIX API CLIENT, SYNAPSE ", 'mas_container': 'other'", ERROR_UNREACHABLE,
        "the container other is not there");
    assert_string_equal(
        mas_located(NULL, SYNAPSE ", 'mas_container': '" MAS "'")->mas.client_id, ID);
    unlink(place_path("config.yaml"));
    mas_not_located(NULL, SYNAPSE ", 'mas_container': '" MAS "'", ERROR_INVALID,
        "has no configuration of a Matrix Authentication Service");
}

/* ---- Without a homeserver's configuration -------------------------------------------- */

TEST(with_a_url_nothing_is_looked_for)
{
    const struct connection *connection =
        mas_located(MATRIX API CLIENT, "'url': 'http://127.0.0.1:8008'");

    assert_string_equal(connection->backend, "auto");
    assert_null(connection->mas.url);
    assert_null(connection->mas.client_id);
    assert_int_equal(mas_engine_requests(), 0);
}

TEST(with_a_url_and_a_container_of_mas_s_that_is_looked_into)
{
    const struct connection *connection = mas_located(MATRIX API CLIENT DATABASE,
        "'url': 'http://127.0.0.1:8008', 'mas_container': '" MAS "'");

    assert_string_equal(connection->backend, "auto");
    assert_string_equal(connection->http.url, "http://127.0.0.1:8008");
    assert_string_equal(connection->server_name, "example.org");
    assert_string_equal(connection->mas.url, "http://" MAS ":8080/auth");
    assert_string_equal(connection->mas.client_id, ID);
    assert_string_equal(connection->database->name, "masdb");
    assert_true(location_is_found(&mas_location.found));
    assert_false(mas_location.found.is_there);
    mas_not_located(NULL,
        "'url': 'http://127.0.0.1:8008', 'mas_container': '" MAS "', 'server_name': 'a.b'",
        ERROR_INVALID, "is the configuration of \"example.org\"; give mas_url");
}

TEST(with_mas_s_address_alone_no_homeserver_is_looked_for)
{
    static const char *const backends[] = {"auto", "mas"};
    char options[200];

    for (size_t i = 0; i < COUNT(backends); i++) {
        const struct connection *connection;

        snprintf(options, sizeof(options),
            "'mas_url': 'http://127.0.0.1:8080', 'mas_token': 'mpt_t', 'backend': '%s'",
            backends[i]);
        connection = mas_located(NULL, options);
        assert_string_equal(connection->backend, "mas");
        assert_null(connection->http.url);
        assert_string_equal(connection->mas.url, "http://127.0.0.1:8080");
        assert_int_equal(mas_engine_requests(), 0);
    }
}

/* Usual places are this room's own, and empty. */
static const char *
find_mas_without_a_homeserver(void)
{
    struct error error = {0};

    ROOM_CHECK(mount("none", "/etc", "tmpfs", 0, NULL) == 0);
    ROOM_CHECK(mount("none", "/matrix", "tmpfs", 0, NULL) == 0 || errno == ENOENT);
    unlink(place_path("homeserver.yaml"));
    ROOM_CHECK(mas_locate("'backend': 'mas', 'mas_container': '" MAS "'", &error) == 0);
    ROOM_CHECK(mas_location.connection.http.url == NULL);
    ROOM_CHECK(strcmp(mas_location.connection.mas.url, "http://" MAS ":8080/auth") == 0);
    ROOM_CHECK(strcmp(mas_location.connection.mas.client_id, ID) == 0);
    ROOM_CHECK(mas_locate("'mas_container': '" MAS "'", &error) == -1);
    ROOM_CHECK(strstr(error.text, "nothing says where the homeserver is") != NULL);
    return NULL;
}

TEST(mas_may_be_on_a_machine_of_its_own)
{
    place_write("config.yaml", MATRIX API CLIENT, 0600);
    room_do(CLONE_NEWNS, find_mas_without_a_homeserver);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, mas_locating, mas_located_all)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(accounts_that_a_homeserver_has_handed_over_are_mas_s),
        IN_A_PLACE(the_database_is_then_mas_s),
        IN_A_PLACE(without_the_admin_api_its_command_and_its_database_open_it),
        IN_A_PLACE(where_nothing_opens_mas_the_homeserver_is_left_to_refuse),
        IN_A_PLACE(synapse_that_is_asked_for_is_left_to_refuse),
        IN_A_PLACE(a_homeserver_that_has_its_accounts_is_not_mas_s),
        IN_A_PLACE(schemes_that_cannot_be_read_are_told),
        IN_A_PLACE(an_address_that_is_given_wins),
        IN_A_PLACE(a_credential_that_is_given_wins),
        IN_A_PLACE(a_credential_that_is_given_needs_no_configuration),
        IN_A_PLACE(a_database_that_is_given_wins),
        IN_A_PLACE(a_container_that_is_named_is_looked_into),
        IN_A_PLACE(with_a_url_nothing_is_looked_for),
        IN_A_PLACE(with_a_url_and_a_container_of_mas_s_that_is_looked_into),
        IN_A_PLACE(with_mas_s_address_alone_no_homeserver_is_looked_for),
        IN_A_PLACE(mas_may_be_on_a_machine_of_its_own),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
