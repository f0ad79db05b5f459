/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/connection.h"

#include <stddef.h>

void
connection_over_socket(struct connection *connection, const char *unix_socket)
{
    connection->http.unix_socket = unix_socket;
    connection->http.forwarded = unix_socket != NULL;
}

void
connection_into_container(struct connection *connection, const char *name,
    const struct engine_options *engine)
{
    container_init(&connection->container, name, engine);
    connection->finder = (struct route_finder){
        .find = container_find,
        .context = &connection->container,
        .where = connection->container.where,
    };
    connection->http.finder = &connection->finder;
}

void
connection_mas_into_container(struct mas_connection *mas, const char *name,
    const struct engine_options *engine)
{
    container_init(&mas->container, name, engine);
    mas->finder = (struct route_finder){
        .find = container_find,
        .context = &mas->container,
        .where = mas->container.where,
    };
}

bool
connection_has_mas_credential(const struct connection *connection)
{
    return connection->mas.token != NULL || connection->mas.client_id != NULL;
}

bool
connection_opens_mas(const struct connection *connection)
{
    return connection_has_mas_credential(connection) ||
           (connection->mas.command_container != NULL && connection->database != NULL);
}

/* The service account comes before the server's own user, whose password is to be unset
 * again. */
static bool
has_service_account(const struct connection *connection)
{
    return connection->shared_secret != NULL && connection->service_account != NULL;
}

bool
connection_is_emergency(const struct connection *connection)
{
    return connection->emergency_password != NULL && connection->access_token == NULL &&
           connection->admin_username == NULL && !has_service_account(connection);
}

bool
connection_has_administrator(const struct connection *connection)
{
    return connection->access_token != NULL || connection->admin_username != NULL ||
           connection_is_emergency(connection);
}

bool
connection_may_administrate(const struct connection *connection)
{
    return connection_has_administrator(connection) || has_service_account(connection);
}

bool
connection_can_create(const struct connection *connection)
{
    return connection_has_administrator(connection) || connection->shared_secret != NULL ||
           connection->registration_token != NULL;
}
