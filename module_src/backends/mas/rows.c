/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables are those of MAS 1.0 to 1.22 (crates/storage-pg/migrations). */
#include "backends/mas/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/email.h"
#include "backends/database.h"
#include "backends/mas/hash.h"
#include "backends/mas/ulid.h"
#include "base/memory.h"

/* Synapse's has a table "users", too, and none of the other name. */
static const struct database_mark mark = {
    .table = "user_passwords",
    .other = "users",
    .advice = "is a homeserver's, and not the one of Matrix Authentication Service; give the one "
              "that MAS's config.yaml names",
};

/* The columns that are read below; says the first that is not there. */
static const char find_missing_column[] =
    "SELECT c.of_table || '.' || c.name FROM (VALUES "
    "(1, 'users', 'user_id'), (2, 'users', 'username'), (3, 'users', 'can_request_admin'), "
    "(4, 'users', 'locked_at'), (5, 'users', 'deactivated_at'), "
    "(6, 'user_passwords', 'user_id'), (7, 'user_passwords', 'hashed_password'), "
    "(8, 'user_passwords', 'version'), (9, 'user_passwords', 'created_at'), "
    "(10, 'user_emails', 'user_id'), (11, 'user_emails', 'email'), "
    "(12, 'user_emails', 'created_at'), "
    "(13, 'upstream_oauth_links', 'user_id'), (14, 'upstream_oauth_links', 'subject'), "
    "(15, 'upstream_oauth_links', 'upstream_oauth_provider_id')"
    ") AS c (number, of_table, name) WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a "
    "WHERE a.attrelid = pg_catalog.to_regclass(c.of_table) AND a.attname = c.name AND "
    "NOT a.attisdropped) ORDER BY c.number LIMIT 1";

static int
check_version(struct postgres *postgres, struct error *error)
{
    struct postgres_rows rows;
    int result = postgres_run(postgres, find_missing_column, NULL, 0, &rows, error);

    if (result == 0 && postgres_rows_count(&rows) > 0)
        result = error_set(error, ERROR_DATABASE,
            "%s is not one of MAS 1.0 or newer, it has no %s; start a newer MAS on it once, which "
            "changes its tables",
            postgres_where(postgres), postgres_rows_value(&rows, 0, 0));
    postgres_rows_free(&rows);
    return result;
}

int
rows_open(struct backend *backend, struct error *error)
{
    bool was_open = backend->database != NULL;
    int result = database_try(backend, &mark, error);

    if (result <= 0 || was_open)
        return result;
    if (check_version(backend->database, error) == 0)
        return 1;
    postgres_close(backend->database);
    backend->database = NULL;
    return -1;
}

/* A row that MAS could not have written. */
static int
unexpected(const struct backend *backend, const char *what, struct error *error)
{
    return error_set(error, ERROR_DATABASE, "%s has %s, which no MAS writes",
        postgres_where(backend->database), what);
}

static int
take_id(const struct backend *backend, const char *uuid, char id[MAS_ID_SIZE],
    struct error *error)
{
    if (uuid != NULL && ulid_from_uuid(uuid, id))
        return 0;
    return unexpected(backend, "an id that is no uuid", error);
}

/* Runs a statement whose $1 is the user's id. */
static int
run_for(struct backend *backend, const struct mas_user *user, const char *statement,
    struct postgres_rows *rows, struct error *error)
{
    char uuid[ULID_UUID_SIZE];
    const char *const values[] = {uuid};

    memset(rows, 0, sizeof(*rows));
    if (!ulid_to_uuid(user->id, uuid))
        return error_set(error, ERROR_INTERNAL, "MAS's id of a user is no ULID");
    return postgres_run(backend->database, statement, values, 1, rows, error);
}

/* MAS takes the only one that has the name in any case; of several the one that has
 * it exactly, and none where there is no such one (storage-pg, find_by_username). */
static bool
is_meant(const struct postgres_rows *rows, const char *localpart)
{
    const char *name = postgres_rows_value(rows, 0, 1);

    if (postgres_rows_count(rows) == 1)
        return true;
    return postgres_rows_count(rows) > 1 && name != NULL && strcmp(name, localpart) == 0;
}

int
rows_find(struct backend *backend, const char *localpart, struct mas_user *user,
    bool *found, struct error *error)
{
    const char *const values[] = {localpart};
    struct postgres_rows rows;
    int result = postgres_run(backend->database,
        "SELECT u.user_id, u.username, u.can_request_admin, u.locked_at IS NOT NULL, "
        "u.deactivated_at IS NOT NULL, "
        "EXISTS (SELECT 1 FROM user_passwords p WHERE p.user_id = u.user_id) FROM users u "
        "WHERE lower(u.username) = lower($1) ORDER BY u.username <> $1 LIMIT 2",
        values, 1, &rows, error);

    memset(user, 0, sizeof(*user));
    *found = result == 0 && is_meant(&rows, localpart);
    if (*found) {
        const char *name = postgres_rows_value(&rows, 0, 1);

        result = take_id(backend, postgres_rows_value(&rows, 0, 0), user->id, error);
        snprintf(user->name, sizeof(user->name), "%s", name == NULL ? localpart : name);
        user->admin = postgres_rows_true(&rows, 0, 2);
        user->locked = postgres_rows_true(&rows, 0, 3);
        user->deactivated = postgres_rows_true(&rows, 0, 4);
        user->knows_password = true;
        user->has_password = postgres_rows_true(&rows, 0, 5);
    }
    postgres_rows_free(&rows);
    return result;
}

/* MAS's own command, mas-cli manage add-email, takes an address that is none, which is told
 * as it stands. */
static int
add_email(struct pairs *emails, const char *email, struct error *error)
{
    char *canonical = NULL;
    const char *reason;
    int result = email_canonical(email, &canonical, &reason);

    if (result == -2)
        return error_no_memory(error);
    result = pairs_add(emails, "email", result == 0 ? canonical : email, error);
    memory_free(canonical);
    return result;
}

int
rows_emails(struct backend *backend, const struct mas_user *user, struct pairs *emails,
    struct error *error)
{
    struct postgres_rows rows;
    int result = run_for(backend, user,
        "SELECT email FROM user_emails WHERE user_id = $1::pg_catalog.uuid AND email IS NOT NULL",
        &rows, error);

    for (size_t i = 0; result == 0 && i < postgres_rows_count(&rows); i++)
        result = add_email(emails, postgres_rows_value(&rows, i, 0), error);
    postgres_rows_free(&rows);
    return result;
}

int
rows_links(struct backend *backend, const struct mas_user *user, struct pairs *links,
    struct error *error)
{
    char provider[MAS_ID_SIZE];
    struct postgres_rows rows;
    int result = run_for(backend, user,
        "SELECT upstream_oauth_provider_id, subject FROM upstream_oauth_links "
        "WHERE user_id = $1::pg_catalog.uuid AND subject IS NOT NULL",
        &rows, error);

    for (size_t i = 0; result == 0 && i < postgres_rows_count(&rows); i++) {
        result = take_id(backend, postgres_rows_value(&rows, i, 0), provider, error);
        if (result == 0)
            result = pairs_add(links, provider, postgres_rows_value(&rows, i, 1), error);
    }
    postgres_rows_free(&rows);
    return result;
}

int
rows_email_owner(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
    struct error *error)
{
    const char *const values[] = {email};
    struct postgres_rows rows;
    int result = postgres_run(backend->database,
        "SELECT user_id FROM user_emails WHERE lower(email) = lower($1) "
        "ORDER BY created_at LIMIT 1",
        values, 1, &rows, error);

    owner[0] = '\0';
    if (result == 0 && postgres_rows_count(&rows) > 0)
        result = take_id(backend, postgres_rows_value(&rows, 0, 0), owner, error);
    postgres_rows_free(&rows);
    return result;
}

int
rows_list_administrators(struct backend *backend, struct list *localparts,
    struct error *error)
{
    struct postgres_rows rows;
    int result = postgres_run(backend->database,
        "SELECT username FROM users WHERE can_request_admin AND locked_at IS NULL AND "
        "deactivated_at IS NULL AND username IS NOT NULL ORDER BY username",
        NULL, 0, &rows, error);

    for (size_t i = 0; result == 0 && i < postgres_rows_count(&rows); i++)
        list_add(localparts, "%.255s", postgres_rows_value(&rows, i, 0));
    postgres_rows_free(&rows);
    return result == 0 && localparts->failed ? error_no_memory(error) : result;
}

/*
 * "-> the scheme" by which a hash of this version was made. Without a configuration
 * the pepper that was given is all that is known of it; NULL, then: no pepper. False:
 * the configuration has no such scheme, and MAS would not compare with it, either.
 */
static bool
find_scheme(const struct connection *connection, const char *version,
    struct mas_scheme *given, const struct mas_scheme **scheme)
{
    const struct mas_schemes *schemes = connection->mas.schemes;

    *scheme = NULL;
    /* Without its pepper, a hash would be that of another password. */
    if (connection->mas.schemes_trouble != NULL && connection->password_pepper == NULL)
        return false;
    if (schemes == NULL || schemes->count == 0) {
        if (connection->password_pepper != NULL) {
            given->secret = *connection->password_pepper;
            *scheme = given;
        }
        return true;
    }
    for (size_t i = 0; i < schemes->count; i++)
        if (version != NULL && schemes->items[i].version == strtol(version, NULL, 10))
            *scheme = &schemes->items[i];
    return *scheme != NULL;
}

static void
tell_why(const struct connection *connection, const char *version, char *why)
{
    if (connection->mas.schemes_trouble != NULL)
        snprintf(why, PASSWORD_WHY_SIZE, "%.220s; or give password_pepper",
            connection->mas.schemes_trouble);
    else
        snprintf(why, PASSWORD_WHY_SIZE,
            "the database has a hash of version %.11s for it, which MAS's configuration has "
            "not (passwords.schemes)",
            version == NULL ? "" : version);
}

int
rows_ask_password(struct backend *backend, const struct mas_user *user,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct mas_scheme given = {0}; /* its secret is the connection's */
    const struct mas_scheme *scheme;
    const char *version;
    struct postgres_rows rows;
    int result = run_for(backend, user,
        "SELECT hashed_password, version FROM user_passwords "
        "WHERE user_id = $1::pg_catalog.uuid ORDER BY created_at DESC LIMIT 1",
        &rows, error);

    *answer = PASSWORD_DIFFERENT;
    if (result != 0 || postgres_rows_count(&rows) == 0)
        goto out;
    version = postgres_rows_value(&rows, 0, 1);
    if (find_scheme(backend->connection, version, &given, &scheme)) {
        result = hash_compare(postgres_rows_value(&rows, 0, 0), password, scheme, answer, why,
            error);
        goto out;
    }
    *answer = PASSWORD_CANNOT_TELL;
    tell_why(backend->connection, version, why);
out:
    postgres_rows_free(&rows);
    return result;
}

int
rows_has_password(struct backend *backend, const struct mas_user *user, bool *has,
    struct error *error)
{
    struct postgres_rows rows;
    int result = run_for(backend, user,
        "SELECT 1 FROM user_passwords WHERE user_id = $1::pg_catalog.uuid LIMIT 1", &rows, error);

    *has = result == 0 && postgres_rows_count(&rows) > 0;
    postgres_rows_free(&rows);
    return result;
}
