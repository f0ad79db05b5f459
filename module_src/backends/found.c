/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/found.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/loopback.h"
#include "base/memory.h"
#include "db/postgres_parameters.h"

static void
free_database(struct found_database *database)
{
    secret_free(&database->uri);
    secret_free(&database->password);
    memory_free(database->host);
    memory_free(database->name);
    memory_free(database->user);
    memory_free(database->sslmode);
    memory_free(database->ca_path);
}

static void
free_listener(struct found_listener *listener)
{
    memory_free(listener->url);
    memory_free(listener->unix_socket);
    memory_free(listener->address);
}

static void
free_mas(struct found_mas *mas)
{
    list_free(&mas->files);
    memory_free(mas->container);
    memory_free(mas->config);
    free_listener(&mas->oauth);
    free_listener(&mas->admin);
    memory_free(mas->public_base);
    memory_free(mas->client_id);
    secret_free(&mas->client_secret);
    free_database(&mas->database);
    for (size_t i = 0; i < MAS_SCHEMES_MOST; i++)
        secret_free(&mas->schemes.items[i].secret);
}

void
found_free(struct found *found)
{
    list_free(&found->files);
    memory_free(found->container);
    memory_free(found->server_name);
    memory_free(found->url);
    memory_free(found->unix_socket);
    memory_free(found->address);
    memory_free(found->secret_from);
    secret_free(&found->shared_secret);
    secret_free(&found->registration_token);
    secret_free(&found->emergency_password);
    free_database(&found->database);
    free_mas(&found->mas);
    memset(found, 0, sizeof(*found));
}

void
found_secrets(const struct found *found,
    void (*visit)(const struct secret *secret, void *context), void *context)
{
    visit(&found->shared_secret, context);
    visit(&found->registration_token, context);
    visit(&found->emergency_password, context);
    visit(&found->database.uri, context);
    visit(&found->database.password, context);
    visit(&found->mas.client_secret, context);
    visit(&found->mas.database.uri, context);
    visit(&found->mas.database.password, context);
    for (size_t i = 0; i < MAS_SCHEMES_MOST; i++)
        visit(&found->mas.schemes.items[i].secret, context);
}

const char *
found_place(const struct found *found)
{
    return found->files.count > 0 ? found->files.items[0] : found->container;
}

int
found_text(char **place, struct error *error, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    memory_free(*place);
    *place = length < 0 ? NULL : memory_allocate((size_t)length + 1);
    if (*place == NULL)
        return error_no_memory(error);
    va_start(arguments, format);
    vsnprintf(*place, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return 0;
}

/* Whether a host is one that each container has for itself. */
static bool
is_within_container(const struct config_place *place, const char *host)
{
    if (place->mounts == NULL)
        return false;
    if (host == NULL)
        return true;
    return !place->mounts->has_host_network && loopback_is(host);
}

int
found_take_host(struct found_database *database, const struct config_place *place,
    const char *host, struct error *error)
{
    char here[PATH_MAX];

    if (is_within_container(place, host))
        return error_set(error, ERROR_INVALID,
            "%s is inside the container %.200s, where it cannot be reached; give database",
            host == NULL ? "libpq's own socket" : host, place->container);
    if (host == NULL)
        return 0;
    if (host[0] != '/') {
        database->may_be_container = place->container != NULL;
        return found_text(&database->host, error, "%s", host);
    }
    if (config_place_path(place, host, here, error) != 0)
        return -1;
    return found_text(&database->host, error, "%s", here);
}

int
found_take_uri(struct found_database *database, const struct config_place *place,
    const char *uri, const char *host, struct error *error)
{
    char *named = NULL;
    int result;

    if (secret_set(&database->uri, uri, strlen(uri)) != 0)
        return error_no_memory(error);
    database->is_there = true;
    result = postgres_parameters_place(&named, &database->port, &database->uri, error);
    if (result == 0)
        result = found_take_host(database, place, named != NULL ? named : host, error);
    memory_free(named);
    return result;
}
