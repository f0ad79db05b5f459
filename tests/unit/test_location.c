/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * modules/location.h and backends/discovery.h: what is given wins over what is
 * found, here inside of a container that a recorded engine tells of. Finding on
 * a whole machine is for the suites with real servers.
 */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ansible/options.h"
#include "base/memory.h"
#include "base/stop.h"
#include "found_trial.h"
#include "modules/location.h"
#include "private_place.h"
#include "recorded_server.h"

#define NAMED_SECRET "registration_shared_secret: " SECRET "\n"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct recorded_server *engine;
static struct connection_options given;
static struct location location;

/* The container "synapse", whose /data is the place. */
static void
engine_has_it(bool at_the_second_look)
{
    static char body[800];
    static const char no_such[] = "{\"message\": \"No such container\"}";
    const struct recorded_reply replies[] = {
        {"/containers/synapse/", at_the_second_look ? RECORDED_ONCE + 404 : RECORDED_ONCE + 200,
            NULL, at_the_second_look ? no_such : body},
        {"/containers/synapse/", 200, NULL, body}, {"/", 404, NULL, no_such}, {0}};

    snprintf(body, sizeof(body),
        "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"
        " \"HostConfig\": {\"NetworkMode\": \"m\"}, \"NetworkSettings\": {\"Networks\": {}},"
        " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"%s\", \"Destination\": \"/data\"}]}",
        place_path(""));
    recorded_server_say(engine, replies);
}

static int
start(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    if (found_make(state) != 0)
        return -1;
    engine = recorded_server_start_at(place_path("engine.sock"), nothing);
    engine_has_it(false);
    return 0;
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
        "{'container': 'synapse', 'container_socket': '%s', 'timeout': 10%s%s}",
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

static void
found_as(const char *yaml, const char *options)
{
    struct error error = {0};

    place_write("homeserver.yaml", yaml, 0600);
    if (find(options, &error) != 0)
        fail_msg("%s", error.text);
}

static void
refused(const char *yaml, const char *options, const char *words)
{
    struct error error = {0};

    place_write("homeserver.yaml", yaml, 0600);
    assert_int_equal(find(options, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(words, error.text);
    assert_not_in(SECRET, error.text);
}

static void
assert_secret(const struct secret *secret, const char *expected)
{
    assert_non_null(secret);
    assert_int_equal(secret->length, strlen(expected));
    assert_string_equal(secret->bytes, expected);
}

/* ---- What is found ------------------------------------------------------------------ */

TEST(with_nothing_given_all_is_as_found)
{
    const struct connection *connection = &location.connection;

    found_as(NAME LISTENERS NAMED_SECRET, "");
    assert_true(location.found.is_there);
    assert_string_equal(location.found.container, "synapse");
    assert_string_equal(connection->backend, "synapse");
    assert_string_equal(connection->server_name, "example.org");
    assert_string_equal(connection->http.url, "http://synapse:8008");
    assert_null(connection->http.unix_socket);
    assert_null(connection->http.address);
    assert_ptr_equal(connection->http.finder, &connection->finder);
    assert_string_equal(connection->http.finder->where, "container synapse");
    assert_secret(connection->shared_secret, SECRET);
}

TEST(a_unix_socket_that_is_found_needs_no_way_into_the_container)
{
    const struct connection *connection = &location.connection;

    found_as(NAME "listeners: [{path: /data/s.sock, type: http,"
                  " resources: [{names: [client]}]}]\n" NAMED_SECRET,
        "");
    assert_string_equal(connection->http.url, "http://localhost");
    assert_string_equal(connection->http.unix_socket, place_path("s.sock"));
    assert_true(connection->http.forwarded);
    assert_null(connection->http.finder);
}

TEST(without_a_secret_there_is_no_credential)
{
    found_as(NAME LISTENERS, "");
    assert_null(location.connection.shared_secret);
    assert_false(connection_can_create(&location.connection));
}

TEST(a_secret_that_cannot_be_read_is_an_error_when_nothing_else_opens_the_server)
{
    refused(NAME LISTENERS "registration_shared_secret_path: /data/nothing\n", "",
        "is a file that is not there");
    refused(NAME LISTENERS NAMED_SECRET "registration_shared_secret_path: /data/nothing\n", "",
        "stands beside registration_shared_secret_path");
}

/* ---- What is given ------------------------------------------------------------------- */

TEST(with_a_url_nothing_is_looked_for)
{
    place_write("homeserver.yaml", NAME LISTENERS NAMED_SECRET, 0600);
    found_as(NAME LISTENERS NAMED_SECRET, "'url': 'http://matrix.example.org:8008'");
    assert_false(location.found.is_there);
    assert_string_equal(location.connection.http.url, "http://matrix.example.org:8008");
    assert_ptr_equal(location.connection.http.finder, &location.connection.finder);
    assert_string_equal(location.connection.backend, "auto");
    assert_null(location.connection.server_name);
    assert_null(location.connection.shared_secret);
    assert_int_equal(recorded_server_requests(engine), 0);
}

TEST(a_credential_that_is_given_wins)
{
    found_as(NAME LISTENERS NAMED_SECRET, "'registration_shared_secret': 'given'");
    assert_secret(location.connection.shared_secret, "given");
    found_as(NAME LISTENERS NAMED_SECRET, "'access_token': 'syt_given'");
    assert_secret(location.connection.access_token, "syt_given");
    assert_null(location.connection.shared_secret);
    found_as(NAME LISTENERS NAMED_SECRET, "'admin_username': 'a', 'admin_password': 'p'");
    assert_string_equal(location.connection.admin_username, "a");
    assert_null(location.connection.shared_secret);
}

TEST(with_another_credential_a_secret_that_cannot_be_read_does_not_matter)
{
    found_as(NAME LISTENERS "registration_shared_secret_path: /run/nothing\n",
        "'access_token': 'syt_given'");
    assert_kind(&location.found.secret_trouble, ERROR_INVALID);
    assert_secret(location.connection.access_token, "syt_given");
}

TEST(what_is_given_may_be_what_is_found)
{
    found_as(NAME LISTENERS NAMED_SECRET, "'server_name': 'example.org', 'backend': 'synapse'");
    assert_string_equal(location.connection.server_name, "example.org");
    assert_string_equal(location.connection.backend, "synapse");
}

TEST(a_server_of_another_name_is_not_the_one_that_is_meant)
{
    refused(NAME LISTENERS NAMED_SECRET, "'server_name': 'example.com'",
        "server_name says \"example.com\", but ");
    refused(NAME LISTENERS NAMED_SECRET, "'server_name': 'example.com'",
        " is the configuration of \"example.org\"; give url");
}

TEST(a_previous_secret_stands_beside_the_one_that_is_found)
{
    found_as(NAME LISTENERS NAMED_SECRET, "'registration_shared_secret_previous': 'before'");
    assert_secret(location.connection.shared_secret, SECRET);
    assert_secret(location.connection.shared_secret_previous, "before");
}

/* ---- What cannot be found ------------------------------------------------------------- */

TEST(a_container_without_a_configuration_is_named_with_what_was_looked_for)
{
    struct error error = {0};

    assert_int_equal(find("", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_string_equal(error.text,
        "the container synapse has no configuration of a homeserver that could be found "
        "(looked for: /data/homeserver.yaml, /data/dendrite.yaml, /etc/tuwunel/tuwunel.toml, "
        "/etc/continuwuity/continuwuity.toml, /etc/matrix-conduit/conduit.toml); give url, and "
        "what opens the server");
}

TEST(a_configuration_that_cannot_be_used_is_an_error)
{
    refused("server_name: [" SECRET "\n", "", "homeserver.yaml, line ");
    refused(NAME, "", "has no listener that serves clients");
}

TEST(a_container_that_is_not_there_is_unreachable)
{
    static const struct recorded_reply none[] = {{"/", 404, NULL, "{\"message\": \"none\"}"}, {0}};
    struct error error = {0};

    recorded_server_say(engine, none);
    assert_int_equal(find("", &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_in("the container synapse is not there", error.text);
}

TEST(a_container_that_is_still_to_come_is_waited_for_as_a_part_of_the_wait)
{
    long long began = stop_clock_ms();

    engine_has_it(true);
    found_as(NAME LISTENERS NAMED_SECRET, "'wait_timeout': 20");
    assert_int_equal(recorded_server_requests(engine), 2);
    assert_in_range(stop_clock_ms() - began, 400, 15000);
    assert_in_range(location.connection.wait_timeout_ms, 5000, 19600);
}

TEST(a_configuration_that_cannot_be_used_is_not_waited_for)
{
    long long began = stop_clock_ms();

    refused(NAME, "'wait_timeout': 60", "has no listener that serves clients");
    assert_true(stop_clock_ms() - began < 30000);
}

/* ---- Told ------------------------------------------------------------------------------ */

TEST(what_is_told_of_it_has_no_secret)
{
    json_t *told, *expected;
    char from[300];
    char *text;

    found_as(NAME LISTENERS "\n" NAMED_SECRET, "");
    told = location_describe(&location.found);
    assert_non_null(told);
    text = json_dumps(told, 0);
    assert_not_in(SECRET, text);
    memory_free(text);
    snprintf(from, sizeof(from), "%s, line 4", place_path("homeserver.yaml"));
    expected = json_pack("{s:s, s:[s], s:s, s:s, s:s, s:b, s:s, s:b, s:b}", "backend", "synapse",
        "files", place_path("homeserver.yaml"), "container", "synapse", "server_name",
        "example.org", "url", "http://synapse:8008", "registration_shared_secret", 1,
        "registration_shared_secret_from", from, "mas", 0, "database", 0);
    assert_true(json_equal(told, expected));
    json_decref(expected);
    json_decref(told);
}

TEST(what_is_told_says_why_there_is_no_secret)
{
    json_t *told;

    found_as(NAME LISTENERS "registration_shared_secret: [" SECRET "]\n"
                            "matrix_authentication_service: {enabled: true}\n",
        "'access_token': 'syt_given'");
    told = location_describe(&location.found);
    assert_false(json_is_true(json_object_get(told, "registration_shared_secret")));
    assert_in(", line 3: registration_shared_secret is not a text",
        json_string_value(json_object_get(told, "registration_shared_secret_problem")));
    assert_true(json_is_true(json_object_get(told, "mas")));
    json_decref(told);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static int
find_again(void *context, struct error *error)
{
    struct location one;
    int result;

    (void)context;
    result = location_find(&given, &one, error);
    location_free(&one);
    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    found_as(NAME LISTENERS NAMED_SECRET, "");
    fail_each_allocation(find_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, start, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(with_nothing_given_all_is_as_found),
        IN_A_PLACE(a_unix_socket_that_is_found_needs_no_way_into_the_container),
        IN_A_PLACE(without_a_secret_there_is_no_credential),
        IN_A_PLACE(a_secret_that_cannot_be_read_is_an_error_when_nothing_else_opens_the_server),
        IN_A_PLACE(with_a_url_nothing_is_looked_for),
        IN_A_PLACE(a_credential_that_is_given_wins),
        IN_A_PLACE(with_another_credential_a_secret_that_cannot_be_read_does_not_matter),
        IN_A_PLACE(what_is_given_may_be_what_is_found),
        IN_A_PLACE(a_server_of_another_name_is_not_the_one_that_is_meant),
        IN_A_PLACE(a_previous_secret_stands_beside_the_one_that_is_found),
        IN_A_PLACE(a_container_without_a_configuration_is_named_with_what_was_looked_for),
        IN_A_PLACE(a_configuration_that_cannot_be_used_is_an_error),
        IN_A_PLACE(a_container_that_is_not_there_is_unreachable),
        IN_A_PLACE(a_container_that_is_still_to_come_is_waited_for_as_a_part_of_the_wait),
        IN_A_PLACE(a_configuration_that_cannot_be_used_is_not_waited_for),
        IN_A_PLACE(what_is_told_of_it_has_no_secret),
        IN_A_PLACE(what_is_told_says_why_there_is_no_secret),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("modules/location", tests, NULL, NULL);
}
