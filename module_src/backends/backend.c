/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/backend.h"

#include <string.h>

#include "backends/database.h"
#include "backends/dendrite/dendrite.h"
#include "backends/detect.h"
#include "backends/mas/mas.h"
#include "backends/room/conduit.h"
#include "backends/room/continuwuity.h"
#include "backends/synapse/synapse.h"
#include "backends/tuwunel/tuwunel.h"
#include "base/memory.h"
#include "db/postgres.h"
#include "matrix/client.h"

const struct backend_type *const backend_types[] = {
    &synapse_backend, &dendrite_backend, &mas_backend, &tuwunel_backend,
    &continuwuity_backend, &conduit_backend, NULL};

static const struct backend_type *
type_named(const char *name)
{
    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (strcmp(capabilities_server_name(backend_types[i]->server), name) == 0)
            return backend_types[i];
    return NULL;
}

/* Which server it is, with MAS in the place of a homeserver that has handed its
 * accounts over, where there is what opens that. */
static const struct backend_type *
choose_type(struct backend *backend, struct error *error)
{
    const struct backend_type *type = type_named(backend->connection->backend);

    if (type != NULL)
        return type;
    if (backend->matrix.http == NULL)
        return &mas_backend;
    type = detect_server(backend, error);
    if (type == NULL || type->server != SERVER_SYNAPSE ||
        !connection_opens_mas(backend->connection))
        return type;
    return detect_delegate(backend, type, error);
}

struct backend *
backend_open(const struct connection *connection, const struct backend_setting *setting,
    struct error *error)
{
    struct backend *backend = memory_zeroed(1, sizeof(*backend));

    if (backend == NULL) {
        error_no_memory(error);
        return NULL;
    }
    backend->connection = connection;
    backend->warnings = setting->warnings;
    backend->actions = setting->actions;
    backend->predict = setting->predict;
    if (connection->http.url != NULL)
        backend->matrix.http = http_open(&connection->http, error);
    if (error->kind != ERROR_NONE) {
        memory_free(backend);
        return NULL;
    }
    if (connection->database_trouble != NULL)
        list_add(backend->warnings, "the database that was found is not used: %.900s",
            connection->database_trouble);
    retry_init(&backend->retry, connection->wait_timeout_ms, connection->retry_timeout_ms);
    backend->matrix.retry = &backend->retry;
    backend->matrix.login_advice =
        connection->session_file == NULL
            ? "set session_file, which keeps the session between runs, or give an "
              "access_token, which needs no login"
            : "give an access_token, which needs no login";
    database_begin(backend);
    backend->type = choose_type(backend, error);
    if (backend->type != NULL) {
        backend->type->open(backend, error);
        detect_version(backend);
    }
    return backend;
}

void
backend_close(struct backend *backend)
{
    if (backend == NULL)
        return;
    if (backend->type != NULL)
        backend->type->close(backend);
    http_close(backend->matrix.http);
    postgres_close(backend->database_begun);
    postgres_close(backend->database);
    memory_free(backend->server_name);
    memory_free(backend);
}

int
backend_check_server_name(const struct backend *backend, struct error *error)
{
    const char *stated = backend->connection->server_name;

    if (stated == NULL || strcmp(stated, backend->server_name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "server_name says \"%s\", but %s serves \"%.255s\"", stated,
        backend->matrix.http != NULL ? http_origin(backend->matrix.http)
                                     : backend->connection->mas.url,
        backend->server_name);
}

int
backend_learn_server_name(struct backend *backend, struct error *error)
{
    const char *stated = backend->connection->server_name;

    if (backend->server_name != NULL || backend->server_name_asked)
        return 0;
    if (backend->matrix.http != NULL &&
        client_server_name(&backend->matrix, &backend->server_name, error) != 0)
        return -1;
    backend->server_name_asked = true;
    if (stated == NULL)
        return 0;
    if (backend->server_name == NULL) {
        backend->server_name = memory_copy_string(stated);
        return backend->server_name == NULL ? error_no_memory(error) : 0;
    }
    return backend_check_server_name(backend, error);
}
