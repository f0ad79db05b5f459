/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * modules/location.h and backends/discovery.h: tuwunel, continuwuity and Conduit in
 * containers that a recorded engine tells of, with a configuration and without one.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "ansible/options.h"
#include "base/memory.h"
#include "modules/connection_summary.h"
#include "modules/location.h"
#include "private_place.h"
#include "recorded_server.h"

#define SECRET "S3cr3t"
#define NAME "[global]\nserver_name = \"example.org\"\nport = 6167\naddress = \"0.0.0.0\"\n"
#define TOKEN "registration_token = \"" SECRET "t\"\n"
#define EMERGENCY "emergency_password = \"" SECRET "e\"\n"
#define SHARED "registration_shared_secret = \"" SECRET "s\"\n"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct recorded_server *engine;
static struct connection_options given;
static struct location location;

/* A container of that name, in which the place is that folder. */
static void
engine_has(const char *name, const char *folder)
{
    static char body[800], path[100];
    const struct recorded_reply replies[] = {
        {path, 200, NULL, body}, {"/", 404, NULL, "{\"message\": \"No such container\"}"}, {0}};

    snprintf(path, sizeof(path), "/containers/%s/", name);
    snprintf(body, sizeof(body),
        "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"
        " \"HostConfig\": {\"NetworkMode\": \"m\"}, \"NetworkSettings\": {\"Networks\": {}},"
        " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"%s\", \"Destination\": \"%s\"}]}",
        place_path(""), folder);
    recorded_server_say(engine, replies);
}

static int
start(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    if (place_make(state) != 0)
        return -1;
    engine = recorded_server_start_at(place_path("engine.sock"), nothing);
    return 0;
}

static int
end(void **state)
{
    void *const into[] = {&given};

    location_free(&location);
    options_free(&schema, into);
    recorded_server_stop(engine);
    return place_remove(state);
}

/* Options as JSON with apostrophes, beside the container and its engine. */
static int
find(const char *container, const char *options, struct error *error)
{
    void *const into[] = {&given};
    struct list warnings = {0};
    char json[1000];
    json_t *parameters;

    snprintf(json, sizeof(json),
        "{'container': '%s', 'container_socket': '%s', 'timeout': 10%s%s}", container,
        place_path("engine.sock"), *options == '\0' ? "" : ", ", options);
    for (char *byte = json; *byte != '\0'; byte++)
        if (*byte == '\'')
            *byte = '"';
    parameters = json_loads(json, 0, NULL);
    assert_non_null(parameters);
    location_free(&location);
    options_free(&schema, into);
    memset(&given, 0, sizeof(given));
    if (options_parse(&schema, parameters, into, &warnings, error) != 0)
        fail_msg("%s", error->text);
    json_decref(parameters);
    list_free(&warnings);
    return location_find(&given, &location, error);
}

static const struct connection *
located(const char *container, const char *options)
{
    struct error error = {0};

    if (find(container, options, &error) != 0)
        fail_msg("%s", error.text);
    return &location.connection;
}

static void
refused(const char *container, const char *options, const char *words)
{
    struct error error = {0};

    assert_int_equal(find(container, options, &error), -1);
    assert_in(words, error.text);
    assert_not_in(SECRET, error.text);
}

static void
assert_secret(const struct secret *secret, const char *expected)
{
    if (expected == NULL) {
        assert_null(secret);
        return;
    }
    assert_non_null(secret);
    assert_string_equal(secret->bytes, expected);
}

/* What is told of it, without the address; for memory_free. */
static char *
told(void)
{
    json_t *discovered = location_describe(&location.found);
    json_t *reply = json_pack(
        "{s:{s:s}, s:O}", "connection", "url", "URL", "discovered", discovered);
    char *line = connection_summary_make(reply, false, NULL);
    char *all = json_dumps(discovered, 0);

    assert_non_null(line);
    assert_non_null(all);
    assert_not_in(SECRET, line);
    assert_not_in(SECRET, all);
    memory_free(all);
    json_decref(discovered);
    json_decref(reply);
    return line;
}

TEST(a_container_without_a_configuration_is_known_by_its_name)
{
    static const struct {
        const char *name, *backend;
    } table[] = {{"matrix-tuwunel", "tuwunel"}, {"matrix-continuwuity", "continuwuity"},
        {"matrix-conduit", "conduit"}, {"conduit", "conduit"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct connection *connection;
        char url[100], words[100];
        char *line;

        /* Its data alone is mounted, as where the settings are in the environment. */
        engine_has(table[i].name, "/var/lib/matrix-conduit");
        connection = located(table[i].name, "");
        snprintf(url, sizeof(url), "http://%s:6167", table[i].name);
        assert_string_equal(connection->backend, table[i].backend);
        assert_string_equal(connection->http.url, url);
        assert_non_null(connection->http.finder);
        assert_null(connection->server_name);
        assert_secret(connection->registration_token, NULL);
        assert_secret(connection->emergency_password, NULL);
        line = told();
        snprintf(words, sizeof(words), ": %s, found by its container %s;", table[i].backend,
            table[i].name);
        assert_in(words, line);
        memory_free(line);
    }
}

TEST(what_is_given_goes_to_a_container_that_shows_no_configuration)
{
    const struct connection *connection;

    engine_has("matrix-conduit", "/var/lib/matrix-conduit");
    connection =
        located("matrix-conduit", "'emergency_password': 'mine', 'server_name': 'x.org'");
    assert_secret(connection->emergency_password, "mine");
    assert_string_equal(connection->server_name, "x.org");
}

TEST(a_container_of_another_name_that_shows_nothing_is_nobody_s)
{
    engine_has("other", "/var/lib/matrix-conduit");
    refused("other", "", "/data/homeserver.yaml is inside the container other, behind none");
}

TEST(another_backend_than_the_one_that_was_found_is_refused_with_the_place)
{
    engine_has("matrix-conduit", "/var/lib/matrix-conduit");
    refused("matrix-conduit", "'backend': 'synapse'",
        "the configuration that was found, matrix-conduit, is one of conduit");
    engine_has("matrix-conduit", "/etc/matrix-conduit");
    place_write("conduit.toml", NAME, 0600);
    refused("matrix-conduit", "'server_name': 'other.org'", "conduit.toml is the configuration");
}

TEST(without_a_credential_those_of_the_configuration_are_taken)
{
    const struct connection *connection;
    char *line;

    engine_has("c", "/etc/continuwuity");
    place_write("continuwuity.toml", NAME TOKEN EMERGENCY SHARED, 0600);
    connection = located("c", "");
    assert_string_equal(connection->backend, "continuwuity");
    assert_string_equal(connection->server_name, "example.org");
    assert_string_equal(connection->http.url, "http://c:6167");
    assert_secret(connection->registration_token, SECRET "t");
    assert_secret(connection->emergency_password, SECRET "e");
    assert_secret(connection->shared_secret, NULL);
    line = told();
    assert_in("continuwuity of example.org, found in ", line);
    assert_in("; registration_token found; emergency_password found", line);
    memory_free(line);
}

TEST(where_a_shared_secret_opens_the_server_its_own_user_is_left_alone)
{
    const struct connection *connection;

    engine_has("t", "/etc/tuwunel");
    place_write("tuwunel.toml", NAME TOKEN EMERGENCY SHARED, 0600);
    connection = located("t", "");
    assert_string_equal(connection->backend, "tuwunel");
    assert_secret(connection->shared_secret, SECRET "s");
    assert_secret(connection->emergency_password, NULL);
}

TEST(a_credential_that_is_given_is_the_only_one)
{
    static const char *const options[] = {"'access_token': 'mine'",
        "'admin_username': 'a', 'admin_password': 'mine'", "'registration_token': 'mine'",
        "'emergency_password': 'mine'"};

    engine_has("t", "/etc/tuwunel");
    place_write("tuwunel.toml", NAME TOKEN EMERGENCY SHARED, 0600);
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct connection *connection = located("t", options[i]);

        assert_secret(connection->shared_secret, NULL);
        if (connection->registration_token != NULL)
            assert_secret(connection->registration_token, "mine");
        if (connection->emergency_password != NULL)
            assert_secret(connection->emergency_password, "mine");
    }
}

/* Nothing that stands in it goes to an address of somebody else's. */
TEST(with_an_address_no_configuration_is_read)
{
    const struct connection *connection;

    engine_has("t", "/etc/tuwunel");
    place_write("tuwunel.toml", NAME TOKEN EMERGENCY SHARED, 0600);
    connection = located("t", "'url': 'http://t:8008'");
    assert_false(location_is_found(&location.found));
    assert_secret(connection->shared_secret, NULL);
    assert_secret(connection->registration_token, NULL);
    assert_secret(connection->emergency_password, NULL);
}

TEST(a_secret_that_cannot_be_read_matters_only_where_there_is_no_other)
{
    engine_has("t", "/etc/tuwunel");
    place_write("tuwunel.toml", NAME "registration_token_file = \"/no/such\"\n", 0600);
    refused("t", "", "registration_token_file");
    located("t", "'access_token': 'mine'");
    place_write("tuwunel.toml", NAME EMERGENCY "registration_token_file = \"/no/such\"\n", 0600);
    assert_secret(located("t", "")->emergency_password, SECRET "e");
}

int
main(void)
{
#define WITH_ENGINE(test) cmocka_unit_test_setup_teardown(test, start, end)
    const struct CMUnitTest tests[] = {
        WITH_ENGINE(a_container_without_a_configuration_is_known_by_its_name),
        WITH_ENGINE(what_is_given_goes_to_a_container_that_shows_no_configuration),
        WITH_ENGINE(a_container_of_another_name_that_shows_nothing_is_nobody_s),
        WITH_ENGINE(another_backend_than_the_one_that_was_found_is_refused_with_the_place),
        WITH_ENGINE(without_a_credential_those_of_the_configuration_are_taken),
        WITH_ENGINE(where_a_shared_secret_opens_the_server_its_own_user_is_left_alone),
        WITH_ENGINE(a_credential_that_is_given_is_the_only_one),
        WITH_ENGINE(with_an_address_no_configuration_is_read),
        WITH_ENGINE(a_secret_that_cannot_be_read_matters_only_where_there_is_no_other),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
