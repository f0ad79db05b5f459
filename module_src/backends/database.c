/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/database.h"

#include <string.h>

#include "base/stop.h"
#include "net/container.h"
#include "net/probe.h"

#define DEFAULT_PORT 5432
/* How long an address of this host's own bridges may take to answer. */
#define PROBE_MS 2000
/* A connection that nobody went on with for this long the database may have closed, and
 * will: after a minute (authentication_timeout). */
#define STALE_MS 5000

/* How many schemas have the table, and not the one beside it that not_beside names,
 * as far as this user may look; the search path becomes one of them. */
static int
find_schema(struct postgres *postgres, const char *table, const char *not_beside,
    size_t *schemas, struct error *error)
{
    const char *const values[] = {table, not_beside};
    struct postgres_rows rows;
    int result = postgres_run(postgres,
        "SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident(n.nspname), false) "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname = $1 AND c.relkind IN ('r', 'p') "
        "AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' "
        "AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') "
        "AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class o WHERE o.relnamespace = n.oid "
        "AND o.relname = $2 AND o.relkind IN ('r', 'p'))",
        values, 2, &rows, error);

    *schemas = postgres_rows_count(&rows);
    postgres_rows_free(&rows);
    return result;
}

static int
choose_schema(struct postgres *postgres, const struct database_mark *mark,
    const char *product, struct error *error)
{
    const char *where = postgres_where(postgres);
    size_t schemas;

    if (find_schema(postgres, mark->table, mark->not_beside, &schemas, error) != 0)
        return -1;
    if (schemas == 1)
        return 0;
    if (schemas > 1)
        return error_set(error, ERROR_DATABASE,
            "%s has the table %s in more than one schema, so which is %s's is not clear; give a "
            "user who may use only that one",
            where, mark->table, product);
    if (mark->other != NULL &&
        find_schema(postgres, mark->other, NULL, &schemas, error) != 0)
        return -1;
    if (schemas > 0)
        return error_set(error, ERROR_DATABASE, "%s %s", where, mark->advice);
    return error_set(error, ERROR_DATABASE,
        "%s is not one of %s: it has no table %s that this user may see", where, product,
        mark->table);
}

static int
check_primary(const struct postgres *postgres, struct error *error)
{
    return postgres_is_replica(postgres)
               ? error_set(error, ERROR_DATABASE, "%s is a read-only replica; give the primary",
                     postgres_where(postgres))
               : 0;
}

/* A host's name that is a container's is known to its engine alone. */
static int
find_address(const struct connection *connection, char address[ROUTE_ADDRESS_SIZE],
    struct error *error)
{
    struct engine_container container = {0};
    struct error unknown = {0};
    int index = -1;

    address[0] = '\0';
    if (connection->database_container == NULL)
        return 0;
    if (container_inspect(&connection->engine, connection->database_container, &container,
            &unknown) == 0)
        index = probe_connect(&container.addresses,
            connection->database->port > 0 ? connection->database->port : DEFAULT_PORT, -1,
            PROBE_MS);
    if (index >= 0)
        memcpy(address, container.addresses.items[index], ROUTE_ADDRESS_SIZE);
    engine_container_free(&container);
    return unknown.kind == ERROR_MEMORY ? error_no_memory(error) : 0;
}

void
database_begin(struct backend *backend)
{
    const struct connection *connection = backend->connection;
    struct error ignored = {0};

    if (connection->database == NULL || connection->database_is_found)
        return;
    backend->database_options = *connection->database;
    backend->database_begun_ms = stop_clock_ms();
    backend->database_begun = postgres_begin(&backend->database_options, &ignored);
}

static struct postgres *
connect_afresh(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;

    backend->database_options = *connection->database;
    if (find_address(connection, backend->database_address, error) != 0)
        return NULL;
    if (backend->database_address[0] != '\0')
        backend->database_options.address = backend->database_address;
    return postgres_open(&backend->database_options, error);
}

static struct postgres *
connect_to_it(struct backend *backend, struct error *error)
{
    struct postgres *begun = backend->database_begun;
    bool is_stale = stop_clock_ms() - backend->database_begun_ms > STALE_MS;
    struct error failure = {0};

    backend->database_begun = NULL;
    if (begun == NULL)
        return connect_afresh(backend, error);
    if (postgres_finish(begun, &failure) == 0)
        return begun;
    postgres_close(begun);
    if (is_stale && failure.kind == ERROR_DATABASE)
        return connect_afresh(backend, error);
    *error = failure;
    return NULL;
}

int
database_try(struct backend *backend, const struct database_mark *mark, struct error *error)
{
    struct error failure = {0};

    if (backend->database != NULL)
        return 1;
    if (backend->connection->database == NULL || backend->database_is_unusable)
        return 0;
    if (database_open(backend, mark, &failure) != NULL)
        return 1;
    if (backend->connection->database_is_found && failure.kind != ERROR_MEMORY &&
        failure.kind != ERROR_INTERRUPTED) {
        backend->database_is_unusable = true;
        list_add(backend->warnings, "the database that was found is not used: %.900s",
            failure.text);
        return 0;
    }
    *error = failure;
    return -1;
}

struct postgres *
database_open(struct backend *backend, const struct database_mark *mark,
    struct error *error)
{
    struct postgres *postgres;

    if (backend->database != NULL)
        return backend->database;
    postgres = connect_to_it(backend, error);
    if (postgres == NULL)
        return NULL;
    if (choose_schema(postgres, mark, backend->type->product, error) != 0 ||
        check_primary(postgres, error) != 0) {
        postgres_close(postgres);
        return NULL;
    }
    backend->database = postgres;
    return postgres;
}
