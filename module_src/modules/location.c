/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/location.h"

#include <string.h>

#include "ansible/reply.h"
#include "backends/capabilities.h"
#include "backends/discovery.h"
#include "base/stop.h"

/* The options' backend, or the one whose configuration it is. */
static int
take_backend(struct location *location, struct error *error)
{
    const char *name = capabilities_server_name(location->found.server);
    const char **backend = &location->connection.backend;

    if (strcmp(*backend, "auto") == 0)
        *backend = name;
    if (strcmp(*backend, name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "backend says %s, but the configuration that was found, %s, is one of %s; give url",
        *backend, location->found.files.items[0], name);
}

static int
take_server_name(struct location *location, struct error *error)
{
    const char **given = &location->connection.server_name;
    const char *name = location->found.server_name;

    if (*given == NULL)
        *given = name;
    if (strcmp(*given, name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "server_name says \"%s\", but %s is the configuration of \"%.255s\"; give url", *given,
        location->found.files.items[0], name);
}

static void
take_address(struct location *location, const struct connection_options *options)
{
    struct connection *connection = &location->connection;
    const struct found *found = &location->found;
    const struct engine_options engine = connection_options_engine(options);

    connection->http.url = found->url;
    connection_over_socket(connection, found->unix_socket);
    connection->http.address = found->address;
    connection->http.finder = NULL;
    /* It is on this machine, whichever of its addresses it listens at. */
    connection->http.use_proxy = false;
    if (found->container != NULL && found->unix_socket == NULL)
        connection_into_container(connection, found->container, &engine);
}

/* Dendrite can do little without it; Synapse needs it where nothing else opens it. */
static void
take_database(struct location *location, const struct connection_options *options)
{
    struct connection *connection = &location->connection;
    const struct found_database *found = &location->found.database;
    bool needed = location->found.server == SERVER_DENDRITE ||
                  !connection_can_create(connection);

    if (connection->database != NULL || !needed)
        return;
    if (found->trouble.kind != ERROR_NONE)
        connection->database_trouble = found->trouble.text;
    if (found->trouble.kind != ERROR_NONE || !found->is_there)
        return;
    location->database = (struct postgres_options){
        .uri = secret_given(&found->uri) ? &found->uri : NULL,
        .host = found->host,
        .port = found->port,
        .name = found->name,
        .user = found->user,
        .password = secret_given(&found->password) ? &found->password : NULL,
        .sslmode = found->sslmode,
        .ca_path = found->ca_path,
        .connect_timeout_ms = 10000,
        .statement_timeout_ms = options->timeout.value * 1000,
    };
    connection->database = &location->database;
    connection->database_is_found = true;
    connection->database_container = found->may_be_container ? found->host : NULL;
    connection->engine = connection_options_engine(options);
}

/* A credential that is given is the one that is meant. */
static int
take_credential(struct location *location, struct error *error)
{
    struct connection *connection = &location->connection;
    const struct found *found = &location->found;

    if (connection_can_create(connection))
        return 0;
    if (found->secret_trouble.kind != ERROR_NONE) {
        *error = found->secret_trouble;
        return -1;
    }
    if (secret_given(&found->shared_secret))
        connection->shared_secret = &found->shared_secret;
    return 0;
}

/* What was waited for a container is not waited for its server once more. */
static void
spend_wait(struct connection *connection, long long waited_ms)
{
    connection->wait_timeout_ms -= waited_ms < connection->wait_timeout_ms
                                       ? waited_ms
                                       : connection->wait_timeout_ms;
}

int
location_find(struct connection_options *options, struct location *location,
    struct error *error)
{
    const struct discovery_options discovery = {
        .container = options->container,
        .engine = connection_options_engine(options),
        .wait_timeout_ms = options->wait_timeout.value * 1000LL,
    };
    long long began = stop_clock_ms();

    memset(location, 0, sizeof(*location));
    if (connection_options_apply(options, &location->connection, error) != 0)
        return -1;
    if (location->connection.http.url != NULL)
        return 0;
    if (discovery_run(&discovery, &location->found, error) != 0 ||
        take_backend(location, error) != 0 || take_server_name(location, error) != 0 ||
        take_credential(location, error) != 0)
        return -1;
    take_address(location, options);
    take_database(location, options);
    spend_wait(&location->connection, stop_clock_ms() - began);
    return 0;
}

void
location_free(struct location *location)
{
    found_free(&location->found);
    memset(location, 0, sizeof(*location));
}

json_t *
location_describe(const struct found *found)
{
    return json_pack("{s:s, s:o, s:s*, s:s, s:s, s:s*, s:s*, s:b, s:s*, s:s*, s:b, s:b, s:s*}",
        "backend",
        capabilities_server_name(found->server), "files", reply_list(&found->files),
        "container", found->container, "server_name", found->server_name, "url", found->url,
        "unix_socket", found->unix_socket, "address", found->address,
        "registration_shared_secret", secret_given(&found->shared_secret),
        "registration_shared_secret_from", found->secret_from,
        "registration_shared_secret_problem",
        found->secret_trouble.kind != ERROR_NONE ? found->secret_trouble.text : NULL, "mas",
        found->is_delegated, "database", found->database.is_there, "database_problem",
        found->database.trouble.kind != ERROR_NONE ? found->database.trouble.text : NULL);
}
