/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/synapse.h"

#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/itself.h"
#include "backends/homeserver/logins.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/dialect.h"
#include "backends/synapse/guard.h"
#include "backends/synapse/homeserver_yaml.h"
#include "backends/synapse/inspection.h"
#include "backends/homeserver/own.h"
#include "backends/synapse/password.h"
#include "backends/homeserver/register.h"
#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "backends/synapse/sql.h"
#include "backends/synapse/users.h"
#include "backends/synapse/vet.h"
#include "base/memory.h"
#include "matrix/profile.h"

static int
open_synapse(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;

    backend->state = memory_zeroed(1, sizeof(struct state));
    if (backend->state == NULL)
        return error_no_memory(error);
    /* First of all, and also where nothing will have to be changed: with MAS,
     * what Synapse says of an account is not how things are. */
    if (register_probe(backend, error) != 0)
        return -1;
    if (connection_has_administrator(connection))
        return administrator_open(backend, error);
    backend->authenticated_by = connection->shared_secret != NULL
                                    ? "registration_shared_secret"
                                : connection->database != NULL ? "database"
                                                               : "password";
    return administrator_resume(backend, error);
}

/* Without an administrator: what the public profile says. */
static int
lookup_profile(struct backend *backend, struct observation *observed, struct error *error)
{
    struct account *account = &observed->account;
    struct profile profile = {0};
    int result;

    observed->presence = PRESENCE_UNKNOWN;
    if (account->user_id == NULL)
        return 0;
    result = profile_get(&backend->matrix, account->user_id, NULL, &profile, error);
    if (result == 0 && profile.result == PROFILE_FOUND) {
        observed->presence = PRESENCE_PRESENT;
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    }
    profile_free(&profile);
    return result;
}

/* There is no administrator, and the database is open in its place. */
static bool
works_by_database(const struct backend *backend)
{
    return !state_has_administrator(backend) && sql_is_open(backend) &&
           backend->authority == AUTHORITY_ADMINISTRATOR;
}

/* The API before the database: only that is known to the running server. */
static int
become_administrator(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;

    if (backend->authority != AUTHORITY_NONE || connection_may_administrate(connection) ||
        connection->database == NULL)
        return administrator_become(backend, error);
    return sql_become(backend, error);
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    own_end(backend);
    state_of(backend)->mask = mask;
    if (state_has_administrator(backend))
        return acting_lookup(backend, mask, observed, error);
    if (works_by_database(backend))
        return sql_lookup(backend, observed, error);
    if (state_of(backend)->forgetting && service_is(backend, observed->account.localpart)) {
        /* It would have opened, were it there. */
        observed->presence = PRESENCE_ABSENT;
        return administrator_forget(backend, error);
    }
    return lookup_profile(backend, observed, error);
}

static bool
asks_by_login(const struct backend *backend)
{
    return !state_has_administrator(backend) && backend->connection->database == NULL;
}

static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    if (backend->connection->database != NULL)
        return sql_ask_password(backend, observed, password, answer, why, error);
    if (state_has_administrator(backend))
        return password_ask(backend, observed, password, answer, why, error);
    return acting_by_itself(own_ask(backend, observed, password, answer, why, error), error);
}

/* The fields that a registration with the shared secret makes. */
#define REGISTERED_FIELDS                                                                  \
    (ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                          \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_USER_TYPE) |                \
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED))

/* What a registration cannot make of the account. */
static unsigned
beyond_registration(const struct account *wanted)
{
    unsigned beyond = wanted->stated & ~REGISTERED_FIELDS;

    /* Without a type, the server's configuration may give it one. */
    if (account_states(wanted, ACCOUNT_USER_TYPE) && wanted->user_type == NULL)
        beyond |= ACCOUNT_BIT(ACCOUNT_USER_TYPE);
    return beyond;
}

static bool
creates(const struct backend *backend, const struct account *wanted)
{
    return state_has_administrator(backend) ||
           (account_states(wanted, ACCOUNT_PASSWORD) && beyond_registration(wanted) == 0);
}

/* Whether there is anything to make an account with, and a name to make. */
static int
check_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (strspn(wanted->localpart, "0123456789") == strlen(wanted->localpart))
        return error_set(error, ERROR_INVALID,
            "an account called \"%s\" cannot be created: Synapse keeps names of digits only "
            "for guests",
            wanted->localpart);
    if (state_has_administrator(backend))
        return 0;
    if (backend->connection->shared_secret == NULL)
        return error_set(error, ERROR_UNAUTHORIZED,
            "to create %s, Registrar needs registration_shared_secret (or its _path) or %s",
            wanted->localpart, backend->type->administrator);
    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return error_set(error, ERROR_INVALID,
            "to create %s with the shared secret, a password is needed; only an "
            "administrator (%s) can create an account without one",
            wanted->localpart, backend->type->administrator);
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((beyond_registration(wanted) & (1u << field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "to create %s with %s, the shared secret alone is not enough: give %s",
                wanted->localpart, account_field_option((enum account_field)field),
                backend->type->administrator);
    return 0;
}

/* Where the server hides its version, what it says of its own administrator
 * shows what it knows. */
static int
check_known(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct session *administrator = &state_of(backend)->administrator;
    struct observation itself = {0};
    int result;

    if (!account_states(wanted, ACCOUNT_SUSPENDED) || backend->version[0] != '\0')
        return 0;
    result = account_name(&itself.account, administrator->user_id, "", error);
    if (result == 0)
        result = acting_lookup(backend, 0, &itself, error);
    if (result == 0 && !account_states(&itself.account, ACCOUNT_SUSPENDED))
        result = error_set(error, ERROR_UNSUPPORTED,
            "this version of Synapse cannot do what the option suspended asks for; 1.%d and "
            "newer can",
            VET_SUSPENSION_MINOR);
    account_free(&itself.account);
    return result;
}

static int
may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct account nothing = {0};

    if (check_create(backend, wanted, error) != 0)
        return -1;
    if (!state_has_administrator(backend))
        return register_prove_secret(backend, error);
    if (check_known(backend, wanted, error) != 0 ||
        guard_change(backend, &nothing, wanted, error) != 0)
        return -1;
    return users_may_create(backend, wanted, error);
}

static int
create(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    const struct account nothing = {0};

    if (check_create(backend, wanted, error) != 0)
        return -1;
    if (!state_has_administrator(backend))
        return register_account(backend, wanted, creation, observed, error);
    if (check_known(backend, wanted, error) != 0 ||
        guard_change(backend, &nothing, wanted, error) != 0)
        return -1;
    return users_create(backend, wanted, creation, observed, error);
}

/* What would end the administrator this task works as. */
#define ENDINGS (ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_LOCKED))

/* What can be changed without an administrator: by the account in hand itself,
 * and in the database. */
static unsigned
changed_without(const struct backend *backend)
{
    return (own_is_open(backend) ? OWN_FIELDS : 0) |
           (works_by_database(backend) ? SQL_CHANGED : 0);
}

static bool
updates(const struct backend *backend, const struct account *change)
{
    return state_has_administrator(backend) ||
           (change->stated & ~changed_without(backend)) == 0;
}

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    if (state_has_administrator(backend)) {
        if (itself_spare(backend, change, ENDINGS, error) != 0)
            return -1;
        if (account_states(change, ACCOUNT_PASSWORD) &&
            password_may_be_set(backend, error) != 0)
            return -1;
        return guard_change(backend, &observed->account, change, error);
    }
    return acting_require(backend, change, changed_without(backend), error);
}

/* Whoever is to be forgotten leaves no name behind, so that the next look finds
 * nobody. */
static int
forget(struct backend *backend, struct observation *observed, const struct account *change,
    struct error *error)
{
    struct account forced = *change; /* borrowed, with one field more */

    account_state_bool(&forced, ACCOUNT_ERASED, true);
    if (users_update(backend, observed, &forced, false, error) != 0)
        return -1;
    return administrator_forget(backend, error);
}

static int
update(struct backend *backend, struct observation *observed, const struct account *change,
    bool logout_devices, struct error *error)
{
    if (works_by_database(backend) && account_states(change, ACCOUNT_ADMIN) &&
        sql_set_admin(backend, observed, change->admin, error) != 0)
        return -1;
    if (!state_has_administrator(backend))
        return acting_by_itself(own_update(backend, observed, change, error), error);
    if (state_of(backend)->forgetting && itself_is(backend, change))
        return forget(backend, observed, change, error);
    if (users_update(backend, observed, change, logout_devices, error) != 0)
        return -1;
    return acting_forget_ended(backend, change, error);
}

static int
foresee(const struct backend *backend, struct account *after, const struct account *change,
    struct error *error)
{
    const struct account whole = acting_whole(backend, after, change);

    return users_foresee(after, &whole, error);
}

static void
close_synapse(struct backend *backend)
{
    struct state *state = state_of(backend);

    if (state == NULL)
        return;
    own_end(backend);
    administrator_close(backend);
    memory_free(state);
    backend->state = NULL;
}

const struct backend_type synapse_backend = {
    .server = SERVER_SYNAPSE,
    .product = "Synapse",
    .administrator = "access_token, or admin_username and admin_password",
    .creator = "registration_shared_secret or access_token, or admin_username and "
               "admin_password",
    .source = &homeserver_yaml_source,
    .dialect = &dialect_synapse,
    .open = open_synapse,
    .vet = vet_account,
    .check_credential = inspection_check_credential,
    .list_administrators = inspection_list_administrators,
    .become_administrator = become_administrator,
    .lookup = lookup,
    .asks_by_login = asks_by_login,
    .ask_password = ask_password,
    .creates = creates,
    .may_create = may_create,
    .create = create,
    .updates = updates,
    .may_update = may_update,
    .update = update,
    .foresee = foresee,
    .may_verify_login = logins_may_verify,
    .verify_login = logins_verify,
    .close = close_synapse,
};
