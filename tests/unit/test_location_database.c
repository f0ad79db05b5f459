/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * modules/location.h and modules/database_options.h: which database is used,
 * that which is given or that which the configuration in a container names.
 */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ansible/options.h"
#include "base/memory.h"
#include "found_trial.h"
#include "modules/location.h"
#include "private_place.h"
#include "recorded_server.h"

#define DENDRITE                                                                           \
    "global: {server_name: example.org}\n"                                                 \
    "client_api: {registration_shared_secret: " SECRET "}\n"                               \
    "user_api:\n  account_database:\n    connection_string: '" URI "'\n"
#define URI "postgresql://dendrite:" SECRET "@matrix-postgres/userapi"
#define SYNAPSE                                                                            \
    NAME LISTENERS "database: {name: psycopg2, args: {host: /data/run, port: 5433,"        \
                   " user: synapse, password: " SECRET ", dbname: synapse}}\n"
#define WITH_SECRET "registration_shared_secret: " SECRET "\n"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct recorded_server *engine;
static struct connection_options given;
static struct location location;

/* Whichever container is asked for, its /data is the place. */
static int
start_on(void **state, const char *network)
{
    static char body[800];
    static const struct recorded_reply replies[] = {{"/containers/", 200, NULL, body}, {0}};

    if (found_make(state) != 0)
        return -1;
    engine = recorded_server_start_at(place_path("engine.sock"), replies);
    snprintf(body, sizeof(body),
        "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"
        " \"HostConfig\": {\"NetworkMode\": \"%s\"}, \"NetworkSettings\": {\"Networks\": {}},"
        " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"%s\", \"Destination\": \"/data\"}]}",
        network, place_path(""));
    return 0;
}

static int
start(void **state)
{
    return start_on(state, "m");
}

static int
start_on_the_hosts_network(void **state)
{
    return start_on(state, "host");
}

static int
end(void **state)
{
    void *const into[] = {&given};

    location_free(&location);
    options_free(&schema, into);
    recorded_server_stop(engine);
    return found_remove(state);
}

/* Options as JSON with apostrophes, beside the container and its engine. */
static int
find(const char *options, struct error *error)
{
    void *const into[] = {&given};
    struct list warnings = {0};
    char json[2000];
    json_t *parameters;

    snprintf(json, sizeof(json),
        "{'container': 'matrix', 'container_socket': '%s', 'timeout': 7%s%s}",
        place_path("engine.sock"), *options == '\0' ? "" : ", ", options);
    for (char *byte = json; *byte != '\0'; byte++)
        if (*byte == '\'')
            *byte = '"';
    parameters = json_loads(json, 0, NULL);
    if (parameters == NULL)
        fail_msg("no JSON: %s", json);
    location_free(&location);
    options_free(&schema, into);
    memset(&given, 0, sizeof(given));
    if (options_parse(&schema, parameters, into, &warnings, error) != 0)
        fail_msg("%s", error->text);
    json_decref(parameters);
    list_free(&warnings);
    return location_find(&given, &location, error);
}

static const struct postgres_options *
found_as(const char *file, const char *yaml, const char *options)
{
    struct error error = {0};

    place_write(file, yaml, 0600);
    if (find(options, &error) != 0)
        fail_msg("%s", error.text);
    return location.connection.database;
}

static void
refused(const char *options, const char *words)
{
    struct error error = {0};

    assert_int_equal(find(options, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(words, error.text);
    assert_not_in(SECRET, error.text);
}

/* ---- What is found ------------------------------------------------------------------ */

TEST(dendrites_database_is_found_with_it)
{
    const struct postgres_options *database = found_as("dendrite.yaml", DENDRITE, "");

    assert_non_null(database);
    assert_string_equal(location.connection.backend, "dendrite");
    assert_string_equal(database->uri->bytes, URI);
    assert_string_equal(database->host, "matrix-postgres");
    assert_int_equal(database->statement_timeout_ms, 7000);
    assert_int_equal(database->connect_timeout_ms, 10000);
    assert_false(database->use_environment);
    assert_null(database->run_as);
    assert_true(location.connection.database_is_found);
    /* Only the engine knows where a container is. */
    assert_string_equal(location.connection.database_container, "matrix-postgres");
    assert_string_equal(location.connection.engine.socket, place_path("engine.sock"));
}

TEST(dendrites_database_is_used_beside_any_credential)
{
    assert_non_null(found_as("dendrite.yaml", DENDRITE, "'access_token': 'given'"));
}

TEST(synapses_database_is_used_where_nothing_else_opens_it)
{
    const struct postgres_options *database = found_as("homeserver.yaml", SYNAPSE, "");

    assert_non_null(database);
    assert_string_equal(database->host, place_path("run"));
    assert_int_equal(database->port, 5433);
    assert_string_equal(database->name, "synapse");
    assert_string_equal(database->user, "synapse");
    assert_string_equal(database->password->bytes, SECRET);
    assert_null(location.connection.database_container);
    assert_true(location.connection.database_is_found);
}

TEST(synapses_database_is_left_alone_beside_another_credential)
{
    assert_null(found_as("homeserver.yaml", SYNAPSE, "'access_token': 'given'"));
    assert_null(found_as("homeserver.yaml", SYNAPSE WITH_SECRET, ""));
}

TEST(a_database_that_cannot_be_used_is_none)
{
    static const char yaml[] =
        "global: {server_name: example.org}\n"
        "client_api: {registration_shared_secret: " SECRET "}\n"
        "user_api: {account_database: {connection_string: 'postgres:///a?host=/run'}}\n";
    json_t *told;
    char *text;

    assert_null(found_as("dendrite.yaml", yaml, ""));
    told = location_describe(&location.found);
    assert_non_null(told);
    assert_true(json_is_true(json_object_get(told, "database")));
    assert_in("behind none of its mounts",
        json_string_value(json_object_get(told, "database_problem")));
    text = json_dumps(told, 0);
    assert_not_in(SECRET, text);
    memory_free(text);
    json_decref(told);
}

/* Its password would be told to whatever listens here. */
TEST(the_loopback_of_a_container_is_not_this_machines)
{
    static const char *const uris[] = {"postgres://d:" SECRET "@localhost/a",
        "postgres://d:" SECRET "@127.0.0.9/a", "postgres://d:" SECRET "@[::1]/a",
        "postgres:///a?user=d&password=" SECRET, "postgres://d:" SECRET "@LOCALHOST:5433/a",
        "postgres://d:" SECRET "@db/a?hostaddr=127.0.0.1"};
    static const char *const arguments[] = {"host: localhost", "host: 127.0.0.1", "user: s",
        "host: '::1'"};
    char yaml[600];

    for (size_t i = 0; i < COUNT(uris); i++) {
        snprintf(yaml, sizeof(yaml),
            "global: {server_name: example.org}\n"
            "client_api: {registration_shared_secret: " SECRET "}\n"
            "user_api: {account_database: {connection_string: '%s'}}\n",
            uris[i]);
        assert_null(found_as("dendrite.yaml", yaml, ""));
        assert_in("inside the container matrix,", location.connection.database_trouble);
        assert_not_in(SECRET, location.connection.database_trouble);
    }
    unlink(place_path("dendrite.yaml"));
    for (size_t i = 0; i < COUNT(arguments); i++) {
        snprintf(yaml, sizeof(yaml),
            NAME LISTENERS "database: {name: psycopg2, args: {%s, password: " SECRET
                           ", dbname: synapse}}\n",
            arguments[i]);
        assert_null(found_as("homeserver.yaml", yaml, ""));
        assert_in("inside the container matrix,", location.connection.database_trouble);
    }
}

TEST(the_loopback_of_a_container_on_the_hosts_network_is_this_machines)
{
    const struct postgres_options *database = found_as("homeserver.yaml",
        NAME LISTENERS "database: {name: psycopg2, args: {host: localhost, dbname: synapse}}\n",
        "");

    assert_non_null(database);
    assert_string_equal(database->host, "localhost");
    assert_null(location.connection.database_trouble);
}

TEST(trouble_with_a_database_that_is_not_needed_is_none)
{
    assert_null(found_as("homeserver.yaml",
        NAME LISTENERS WITH_SECRET
        "database: {name: psycopg2, args: {host: localhost, dbname: synapse}}\n",
        ""));
    assert_null(location.connection.database_trouble);
}

TEST(two_configurations_in_one_container_are_not_guessed_between)
{
    place_write("homeserver.yaml", SYNAPSE, 0600);
    place_write("dendrite.yaml", DENDRITE, 0600);
    refused("", "dendrite.yaml");
    refused("", "homeserver.yaml");
}

/* ---- What is given ------------------------------------------------------------------- */

TEST(a_database_that_is_given_wins)
{
    const struct postgres_options *database = found_as("dendrite.yaml", DENDRITE,
        "'database': {'login_host': '/run/postgresql', 'login_db': 'other', 'login_port': '1',"
        " 'login_user': 'u', 'login_password': 'p', 'ssl_mode': 'verify-ca',"
        " 'ca_cert': '/etc/ca.pem', 'connect_timeout': 3, 'run_as': 'postgres'}");

    assert_null(database->uri);
    assert_string_equal(database->host, "/run/postgresql");
    assert_string_equal(database->name, "other");
    assert_int_equal(database->port, 1);
    assert_string_equal(database->user, "u");
    assert_string_equal(database->password->bytes, "p");
    assert_string_equal(database->sslmode, "verify-ca");
    assert_string_equal(database->ca_path, "/etc/ca.pem");
    assert_int_equal(database->connect_timeout_ms, 3000);
    assert_string_equal(database->run_as, "postgres");
    assert_false(location.connection.database_is_found);
    assert_null(location.connection.database_container);
}

TEST(with_a_url_only_a_database_that_is_given_is_used)
{
    assert_null(found_as("dendrite.yaml", DENDRITE, "'url': 'http://127.0.0.1:8008'"));
    assert_non_null(found_as("dendrite.yaml", DENDRITE,
        "'url': 'http://127.0.0.1:8008', 'database': {'name': 'a'}"));
}

TEST(a_database_says_which_it_is)
{
    place_write("dendrite.yaml", DENDRITE, 0600);
    refused("'database': {'user': 'd'}", "database says with uri, or with host and name");
    /* An empty one is none. */
    assert_string_equal(found_as("dendrite.yaml", DENDRITE, "'database': {}")->uri->bytes, URI);
    /* Whoever has said so means the environment. */
    assert_true(found_as("dendrite.yaml", DENDRITE,
        "'database': {'use_libpq_environment': true}")->use_environment);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, start, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(dendrites_database_is_found_with_it),
        IN_A_PLACE(dendrites_database_is_used_beside_any_credential),
        IN_A_PLACE(synapses_database_is_used_where_nothing_else_opens_it),
        IN_A_PLACE(synapses_database_is_left_alone_beside_another_credential),
        IN_A_PLACE(a_database_that_cannot_be_used_is_none),
        IN_A_PLACE(the_loopback_of_a_container_is_not_this_machines),
        cmocka_unit_test_setup_teardown(
            the_loopback_of_a_container_on_the_hosts_network_is_this_machines,
            start_on_the_hosts_network, end),
        IN_A_PLACE(trouble_with_a_database_that_is_not_needed_is_none),
        IN_A_PLACE(two_configurations_in_one_container_are_not_guessed_between),
        IN_A_PLACE(a_database_that_is_given_wins),
        IN_A_PLACE(with_a_url_only_a_database_that_is_given_is_used),
        IN_A_PLACE(a_database_says_which_it_is),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
