/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/accounts.h"

#include <string.h>

#include "backends/database.h"
#include "backends/homeserver/password_hash.h"
#include "matrix/user_id.h"

/* dendrite: userapi/api/api.go, AccountType; 2 are guests, 4 application
 * services. */
#define TYPE_USER "1"
#define TYPE_ADMIN "3"

/* The tables were renamed in 0.10.4 (October 2022). */
static const struct database_mark mark = {
    .table = "userapi_accounts",
    .other = "account_accounts",
    .advice = "is one of a Dendrite before 0.10.4, whose tables have other names; start a newer "
              "Dendrite on it once, which changes them",
};

bool
accounts_are_open(const struct backend *backend)
{
    return backend->database != NULL;
}

/* Since about 0.10.8 (November 2022) a server may have several names. */
static int
check_version(struct postgres *postgres, struct error *error)
{
    struct postgres_rows rows;
    int result = postgres_run(postgres,
        "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = "
        "'userapi_accounts'::pg_catalog.regclass AND attname = 'server_name' AND NOT "
        "attisdropped",
        NULL, 0, &rows, error);

    if (result == 0 && postgres_rows_count(&rows) == 0)
        result = error_set(error, ERROR_DATABASE,
            "%s is one of a Dendrite before 0.10.8, whose tables have other columns; start a "
            "newer Dendrite on it once, which changes them",
            postgres_where(postgres));
    postgres_rows_free(&rows);
    return result;
}

int
accounts_open(struct backend *backend, struct error *error)
{
    bool was_open = accounts_are_open(backend);
    int result = database_try(backend, &mark, error);

    if (result <= 0 || was_open)
        return result;
    if (check_version(backend->database, error) != 0)
        return -1;
    backend->authority = AUTHORITY_ADMINISTRATOR;
    return 1;
}

/* "-> the row of the account": localpart and server name. */
static int
name_row(struct backend *backend, const struct observation *observed,
    const char *values[2], struct error *error)
{
    const char *user_id = observed->account.user_id;

    values[0] = observed->account.localpart;
    values[1] = user_id != NULL ? user_id_server_name(user_id) : backend->server_name;
    if (values[1] != NULL)
        return 0;
    return error_set(error, ERROR_INVALID,
        "the server does not tell its name, and the database has accounts by it; give "
        "server_name");
}

static int
read_row(struct observation *observed, const struct postgres_rows *rows,
    struct error *error)
{
    struct account *account = &observed->account;
    const char *type = postgres_rows_value(rows, 0, 0);

    observed->presence = PRESENCE_PRESENT;
    account_state_bool(account, ACCOUNT_ADMIN, type != NULL && strcmp(type, TYPE_ADMIN) == 0);
    account_state_bool(account, ACCOUNT_DEACTIVATED, postgres_rows_true(rows, 0, 1));
    if (account_state_text(account, ACCOUNT_DISPLAYNAME, postgres_rows_value(rows, 0, 2),
            error) != 0)
        return -1;
    return account_state_text(account, ACCOUNT_AVATAR_URL, postgres_rows_value(rows, 0, 3),
        error);
}

int
accounts_lookup(struct backend *backend, struct observation *observed, struct error *error)
{
    const char *values[2];
    struct postgres_rows rows = {0};
    int result = name_row(backend, observed, values, error);

    if (result == 0)
        result = postgres_run(backend->database,
            "SELECT a.account_type, a.is_deactivated, p.display_name, p.avatar_url "
            "FROM userapi_accounts a LEFT JOIN userapi_profiles p "
            "ON p.localpart = a.localpart AND p.server_name = a.server_name "
            "WHERE a.localpart = $1 AND a.server_name = $2",
            values, 2, &rows, error);
    if (result == 0 && postgres_rows_count(&rows) == 0)
        observed->presence = PRESENCE_ABSENT;
    else if (result == 0)
        result = read_row(observed, &rows, error);
    postgres_rows_free(&rows);
    return result;
}

/* Runs a change of the account's row; none changed is an error. */
static int
change_row(struct backend *backend, const struct observation *observed,
    const char *statement, const char *value, struct error *error)
{
    const char *values[3];
    struct postgres_rows rows = {0};
    int result = name_row(backend, observed, values, error);

    values[2] = value;
    if (result == 0)
        result = postgres_run(backend->database, statement, values, 3, &rows, error);
    if (result == 0 && postgres_rows_changed(&rows) != 1)
        result = error_set(error, ERROR_NOT_FOUND,
            "@%s:%s is not in the database any more, or is a guest or an application "
            "service's, so it was not changed",
            values[0], values[1]);
    postgres_rows_free(&rows);
    return result;
}

static int
set_admin(struct backend *backend, struct observation *observed, bool admin,
    struct error *error)
{
    if (change_row(backend, observed,
            "UPDATE userapi_accounts SET account_type = $3::smallint WHERE localpart = $1 "
            "AND server_name = $2 AND account_type IN (1, 3)",
            admin ? TYPE_ADMIN : TYPE_USER, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, admin);
    return 0;
}

static int
run_plain(struct backend *backend, const char *statement, struct error *error)
{
    struct postgres_rows rows = {0};
    int result = postgres_run(backend->database, statement, NULL, 0, &rows, error);

    postgres_rows_free(&rows);
    return result;
}

static int
remove_devices(struct backend *backend, const struct observation *observed,
    struct error *error)
{
    const char *values[2];
    struct postgres_rows rows = {0};
    int result = name_row(backend, observed, values, error);

    if (result == 0)
        result = postgres_run(backend->database,
            "DELETE FROM userapi_devices WHERE localpart = $1 AND server_name = $2", values, 2,
            &rows, error);
    postgres_rows_free(&rows);
    return result;
}

/* The row alone would refuse logins and leave the sessions that there are. */
static int
deactivate(struct backend *backend, struct observation *observed, struct error *error)
{
    struct error ignored = {0};

    if (run_plain(backend, "BEGIN", error) != 0)
        return -1;
    if (change_row(backend, observed,
            "UPDATE userapi_accounts SET is_deactivated = $3::boolean WHERE localpart = $1 "
            "AND server_name = $2 AND account_type IN (1, 3)",
            "true", error) != 0 ||
        remove_devices(backend, observed, error) != 0) {
        run_plain(backend, "ROLLBACK", &ignored);
        return -1;
    }
    if (run_plain(backend, "COMMIT", error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, true);
    list_add(backend->warnings,
        "%s cannot log in any more and its sessions are ended; what the database alone cannot "
        "do is left: it stays in its rooms, and its devices' keys and its push rules stay",
        observed->account.user_id != NULL ? observed->account.user_id
                                          : observed->account.localpart);
    return 0;
}

static int
reactivate(struct backend *backend, struct observation *observed, struct error *error)
{
    if (change_row(backend, observed,
            "UPDATE userapi_accounts SET is_deactivated = $3::boolean WHERE localpart = $1 "
            "AND server_name = $2 AND account_type IN (1, 3)",
            "false", error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    return 0;
}

int
accounts_update(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    bool states_end = account_states(change, ACCOUNT_DEACTIVATED);

    if (states_end && !change->deactivated && reactivate(backend, observed, error) != 0)
        return -1;
    if (account_states(change, ACCOUNT_ADMIN) &&
        set_admin(backend, observed, change->admin, error) != 0)
        return -1;
    return states_end && change->deactivated ? deactivate(backend, observed, error) : 0;
}

int
accounts_ask_password(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    const char *values[2];
    struct postgres_rows rows = {0};
    int result = name_row(backend, observed, values, error);

    if (result == 0)
        result = postgres_run(backend->database,
            "SELECT password_hash FROM userapi_accounts WHERE localpart = $1 AND server_name = "
            "$2",
            values, 2, &rows, error);
    if (result == 0)
        result = password_hash_compare(postgres_rows_value(&rows, 0, 0), password, answer, why,
            error);
    postgres_rows_free(&rows);
    return result;
}

int
accounts_list_administrators(struct backend *backend, struct list *user_ids,
    struct error *error)
{
    struct postgres_rows rows;
    int result = postgres_run(backend->database,
        "SELECT '@' || localpart || ':' || server_name FROM userapi_accounts "
        "WHERE account_type = 3 AND is_deactivated IS NOT TRUE ORDER BY localpart, server_name",
        NULL, 0, &rows, error);

    for (size_t i = 0; result == 0 && i < postgres_rows_count(&rows); i++)
        list_add(user_ids, "%.255s", postgres_rows_value(&rows, i, 0));
    postgres_rows_free(&rows);
    return result == 0 && user_ids->failed ? error_no_memory(error) : result;
}
