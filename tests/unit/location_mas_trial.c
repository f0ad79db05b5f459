/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "location_mas_trial.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

#include "ansible/options.h"
#include "private_place.h"
#include "recorded_server.h"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct recorded_server *engine;
struct connection_options mas_given;
struct location mas_location;

/* The containers "synapse" and MAS's, whose /data is the place. */
void
mas_engine_has_it(bool runs)
{
    static char body[800], stopped[800];
    const struct recorded_reply replies[] = {{"/containers/synapse/", 200, NULL, body},
        {"/containers/" MAS "/", 200, NULL, runs ? body : stopped},
        {"/", 404, NULL, "{\"message\": \"No such container\"}"}, {0}};
    static const char format[] =
        "{\"State\": {\"Status\": \"%s\", \"Running\": %s, \"Pid\": %d},"
        " \"HostConfig\": {\"NetworkMode\": \"m\"}, \"NetworkSettings\": {\"Networks\": {}},"
        " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"%s\", \"Destination\": \"/data\"}]}";

    snprintf(body, sizeof(body), format, "running", "true", 4711, place_path(""));
    snprintf(stopped, sizeof(stopped), format, "exited", "false", 0, place_path(""));
    recorded_server_say(engine, replies);
}

int
mas_locating(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    if (found_make(state) != 0)
        return -1;
    engine = recorded_server_start_at(place_path("engine.sock"), nothing);
    mas_engine_has_it(true);
    place_write("homeserver.yaml", DELEGATED, 0600);
    return 0;
}

int
mas_located_all(void **state)
{
    void *const into[] = {&mas_given};

    location_free(&mas_location);
    options_free(&schema, into);
    recorded_server_stop(engine);
    return found_remove(state);
}

/* Options as JSON with apostrophes, beside the engine. */
int
mas_locate(const char *options, struct error *error)
{
    void *const into[] = {&mas_given};
    struct list warnings = {0};
    char json[2000];
    json_t *parameters;

    snprintf(json, sizeof(json), "{'container_socket': '%s', 'timeout': 7, %s}",
        place_path("engine.sock"), options);
    for (char *byte = json; *byte != '\0'; byte++)
        if (*byte == '\'')
            *byte = '"';
    parameters = json_loads(json, 0, NULL);
    if (parameters == NULL)
        fail_msg("no JSON: %s", json);
    location_free(&mas_location);
    options_free(&schema, into);
    memset(&mas_given, 0, sizeof(mas_given));
    if (options_parse(&schema, parameters, into, &warnings, error) != 0)
        fail_msg("%s", error->text);
    json_decref(parameters);
    list_free(&warnings);
    return location_find(&mas_given, &mas_location, error);
}

const struct connection *
mas_located(const char *mas_yaml, const char *options)
{
    struct error error = {0};

    if (mas_yaml != NULL)
        place_write("config.yaml", mas_yaml, 0600);
    if (mas_locate(options, &error) != 0)
        fail_msg("%s", error.text);
    return &mas_location.connection;
}

void
mas_not_located(const char *mas_yaml, const char *options, enum error_kind kind, const char *words)
{
    struct error error = {0};

    if (mas_yaml != NULL)
        place_write("config.yaml", mas_yaml, 0600);
    assert_int_equal(mas_locate(options, &error), -1);
    assert_kind(&error, kind);
    assert_in(words, error.text);
    assert_not_in(SECRET, error.text);
}

unsigned
mas_engine_requests(void)
{
    return recorded_server_requests(engine);
}
