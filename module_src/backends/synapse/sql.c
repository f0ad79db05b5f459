/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/sql.h"

#include <stdio.h>

#include "backends/database.h"
#include "backends/homeserver/password_hash.h"

/* Matrix Authentication Service has a table of that name, too. */
static const struct database_mark mark = {
    .table = "users",
    .not_beside = "user_passwords",
    .other = "user_passwords",
    .advice = "is the one of Matrix Authentication Service, and not Synapse's own; give the one "
              "that homeserver.yaml names",
};

/* Since this minor version of 1, the running server remembers who is an
 * administrator. */
#define CACHED_SINCE 135

bool
sql_is_open(const struct backend *backend)
{
    return backend->database != NULL;
}

int
sql_become(struct backend *backend, struct error *error)
{
    if (database_open(backend, &mark, error) == NULL)
        return -1;
    backend->authority = AUTHORITY_ADMINISTRATOR;
    return 0;
}

/* Accounts are stored by their whole id. */
static int
need_user_id(const struct backend *backend, const struct observation *observed,
    struct error *error)
{
    (void)backend;
    if (observed->account.user_id != NULL)
        return 0;
    return error_set(error, ERROR_INVALID,
        "the server does not tell its name, and the database has accounts by their whole ids; "
        "give server_name");
}

int
sql_lookup(struct backend *backend, struct observation *observed, struct error *error)
{
    const char *const values[] = {observed->account.user_id};
    struct postgres_rows rows = {0};
    int result = need_user_id(backend, observed, error);

    if (result == 0)
        result = postgres_run(backend->database,
            "SELECT admin, deactivated FROM users WHERE name = $1", values, 1, &rows, error);
    if (result == 0 && postgres_rows_count(&rows) == 0) {
        observed->presence = PRESENCE_ABSENT;
    } else if (result == 0) {
        observed->presence = PRESENCE_PRESENT;
        account_state_bool(&observed->account, ACCOUNT_ADMIN, postgres_rows_true(&rows, 0, 0));
        account_state_bool(&observed->account, ACCOUNT_DEACTIVATED,
            postgres_rows_true(&rows, 0, 1));
    }
    postgres_rows_free(&rows);
    return result;
}

static void
note_restart(struct backend *backend, const char *user_id)
{
    int major, minor;

    if (sscanf(backend->version, "%d.%d", &major, &minor) == 2 && major == 1 &&
        minor < CACHED_SINCE)
        return;
    backend->restart_required = true;
    list_add(backend->warnings,
        "that %s was changed in the database is known to the running Synapse only after a "
        "restart: it remembers who is an administrator",
        user_id);
}

int
sql_set_admin(struct backend *backend, struct observation *observed, bool admin,
    struct error *error)
{
    const char *user_id = observed->account.user_id;
    const char *const values[] = {user_id, admin ? "1" : "0"};
    struct postgres_rows rows = {0};
    int result = need_user_id(backend, observed, error);

    if (result == 0)
        result = postgres_run(backend->database,
            "UPDATE users SET admin = $2::smallint WHERE name = $1", values, 2, &rows, error);
    if (result == 0 && postgres_rows_changed(&rows) != 1)
        result = error_set(error, ERROR_NOT_FOUND,
            "%s is not in the database any more, so it was not changed", user_id);
    postgres_rows_free(&rows);
    if (result != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, admin);
    note_restart(backend, user_id);
    return 0;
}

int
sql_ask_password(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    const char *const values[] = {observed->account.user_id};
    struct postgres *postgres = database_open(backend, &mark, error);
    struct postgres_rows rows = {0};
    struct secret seasoned = {0};
    int result = postgres == NULL ? -1 : need_user_id(backend, observed, error);

    if (result == 0)
        result = postgres_run(postgres, "SELECT password_hash FROM users WHERE name = $1",
            values, 1, &rows, error);
    /* synapse/handlers/auth.py, hash */
    if (result == 0)
        result = password_hash_season(&seasoned, password, true,
            backend->connection->password_pepper, error);
    if (result == 0)
        result = password_hash_compare(postgres_rows_value(&rows, 0, 0), &seasoned, answer,
            why, error);
    secret_free(&seasoned);
    postgres_rows_free(&rows);
    return result;
}
