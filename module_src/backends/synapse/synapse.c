/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/synapse.h"

#include <string.h>

#include "backends/synapse/own.h"
#include "backends/synapse/password.h"
#include "backends/synapse/register.h"
#include "backends/synapse/state.h"
#include "backends/synapse/users.h"
#include "base/memory.h"
#include "base/text.h"
#include "matrix/user_id.h"

/* synapse/rest/admin/users.py and synapse/handlers/profile.py; in characters. */
#define PASSWORD_LONGEST 512
#define DISPLAYNAME_LONGEST 256
/* bcrypt looks at no more, in bytes. */
#define PASSWORD_SIGNIFICANT 72

static int
open_with_token(struct backend *backend, struct error *error)
{
    struct session *session = &state_of(backend)->administrator;

    backend->authenticated_by = "access_token";
    if (secret_copy(&session->access_token, backend->connection->access_token) != 0)
        return error_no_memory(error);
    return client_whoami(&backend->matrix, session, error);
}

static int
open_with_password(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    enum login_result login;

    backend->authenticated_by = "admin_username";
    if (client_login(&backend->matrix, connection->admin_username,
            connection->admin_password, &state_of(backend)->administrator, &login,
            error) != 0)
        return -1;
    if (login == LOGIN_DONE)
        return 0;
    error->status = 403;
    return error_set(error, ERROR_UNAUTHORIZED,
        "cannot log in as %s: admin_password is wrong, or there is no such account",
        connection->admin_username);
}

/* The server's name is the one in its administrator's user id. */
static int
take_server_name(struct backend *backend, struct error *error)
{
    const char *server_name =
        user_id_server_name(state_of(backend)->administrator.user_id);

    if (server_name == NULL || !user_id_server_name_is_valid(server_name))
        return error_set(error, ERROR_PROTOCOL,
            "the server says that the credential belongs to something that is no user id");
    backend->server_name = memory_copy_string(server_name);
    if (backend->server_name == NULL)
        return error_no_memory(error);
    return backend_check_server_name(backend, error);
}

static int
open_as_administrator(struct backend *backend, struct error *error)
{
    int result = backend->connection->access_token != NULL
                     ? open_with_token(backend, error)
                     : open_with_password(backend, error);

    return result == 0 ? take_server_name(backend, error) : -1;
}

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
        return open_as_administrator(backend, error);
    backend->authenticated_by =
        connection->shared_secret != NULL ? "registration_shared_secret" : "password";
    return 0;
}

static int
vet(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct secret *password = &wanted->password;

    if (account_states(wanted, ACCOUNT_PASSWORD)) {
        if (text_code_points(password->bytes, password->length) > PASSWORD_LONGEST)
            return error_set(error, ERROR_INVALID,
                "the password of %s is too long: Synapse takes at most %d characters",
                wanted->localpart, PASSWORD_LONGEST);
        if (password->length > PASSWORD_SIGNIFICANT)
            list_add(backend->warnings,
                "the password of %s has more than %d bytes; Synapse looks at the first %d "
                "only",
                wanted->localpart, PASSWORD_SIGNIFICANT, PASSWORD_SIGNIFICANT);
    }
    if (wanted->displayname != NULL &&
        text_code_points(wanted->displayname, strlen(wanted->displayname)) >
            DISPLAYNAME_LONGEST)
        return error_set(error, ERROR_INVALID,
            "the displayname of %s is too long: Synapse takes at most %d characters",
            wanted->localpart, DISPLAYNAME_LONGEST);
    return 0;
}

/* Without an administrator: what the public profile says. */
static int
lookup_profile(struct backend *backend, struct observation *observed, struct error *error)
{
    enum profile_result profile;
    char *displayname = NULL;
    int result;

    observed->presence = PRESENCE_UNKNOWN;
    if (observed->account.user_id == NULL)
        return 0;
    result = client_profile(&backend->matrix, observed->account.user_id, NULL, &displayname,
        &profile, error);
    if (result == 0 && profile == PROFILE_FOUND) {
        observed->presence = PRESENCE_PRESENT;
        result = account_state_displayname(&observed->account, displayname, error);
    }
    memory_free(displayname);
    return result;
}

/* An administrator sees every account, or is none. */
static int
lookup_as_administrator(struct backend *backend, struct observation *observed,
    struct error *error)
{
    const struct session *session = &state_of(backend)->administrator;
    struct error failure = {0};

    if (users_lookup(&backend->matrix, &session->access_token, observed, &failure) == 0)
        return 0;
    if (failure.kind == ERROR_FORBIDDEN) {
        error->status = failure.status;
        memcpy(error->errcode, failure.errcode, sizeof(error->errcode));
        error_set(error, ERROR_FORBIDDEN,
            "%s is not an administrator of this server, so its credential cannot manage "
            "accounts",
            session->user_id);
    } else {
        *error = failure;
    }
    error->ends_list = error->kind == ERROR_FORBIDDEN;
    return -1;
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    (void)mask; /* one request shows every field there is so far */
    own_end(backend);
    return state_has_administrator(backend)
               ? lookup_as_administrator(backend, observed, error)
               : lookup_profile(backend, observed, error);
}

static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    if (state_has_administrator(backend))
        return password_ask(backend, observed, password, answer, why, error);
    return own_ask(backend, observed, password, answer, why, error);
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
    return 0;
}

static int
may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (check_create(backend, wanted, error) != 0)
        return -1;
    return state_has_administrator(backend) ? users_may_create(backend, wanted, error)
                                            : register_prove_secret(backend, error);
}

static int
create(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    if (check_create(backend, wanted, error) != 0)
        return -1;
    if (state_has_administrator(backend))
        return users_create(backend, wanted, creation, observed, error);
    return register_account(backend, wanted, creation, observed, error);
}

/* Synapse refuses self-demotion ("You may not demote yourself."); and a run
 * that ends its own credential could not be repeated. */
static int
check_self(const struct backend *backend, const struct account *change,
    struct error *error)
{
    const char *itself = state_of(backend)->administrator.user_id;

    if (itself == NULL || change->user_id == NULL || strcmp(itself, change->user_id) != 0)
        return 0;
    if (account_states(change, ACCOUNT_ADMIN) && !change->admin)
        return error_set(error, ERROR_POLICY,
            "%s is the administrator this task works as, and nobody may demote themselves; "
            "use another administrator's credential",
            itself);
    if (account_states(change, ACCOUNT_DEACTIVATED) && change->deactivated)
        return error_set(error, ERROR_POLICY,
            "%s is the administrator this task works as, so it is not deactivated; use "
            "another administrator's credential",
            itself);
    return 0;
}

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    unsigned by_itself = own_is_open(backend) ? ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) : 0;

    (void)observed;
    if (state_has_administrator(backend)) {
        if (check_self(backend, change, error) != 0)
            return -1;
        return account_states(change, ACCOUNT_PASSWORD) ? password_may_be_set(backend, error)
                                                        : 0;
    }
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((change->stated & ~by_itself & (1u << field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "%s exists, and changing its %s takes an administrator: give %s",
                change->user_id != NULL ? change->user_id : change->localpart,
                account_field_name((enum account_field)field),
                backend->type->administrator);
    return 0;
}

static int
update(struct backend *backend, struct observation *observed, const struct account *change,
    bool logout_devices, struct error *error)
{
    if (state_has_administrator(backend))
        return users_update(backend, observed, change, logout_devices, error);
    return own_update(backend, observed, change, error);
}

static void
close_synapse(struct backend *backend)
{
    struct state *state = state_of(backend);
    bool failed;

    if (state == NULL)
        return;
    own_end(backend);
    client_logout(&backend->matrix, &state->administrator, &failed);
    if (failed)
        list_add(backend->warnings,
            "the administrator could not be logged out; a device called \"Registrar\" may "
            "be left");
    memory_free(state);
    backend->state = NULL;
}

const struct backend_type synapse_backend = {
    .server = SERVER_SYNAPSE,
    .product = "Synapse",
    .administrator = "access_token, or admin_username and admin_password",
    .open = open_synapse,
    .vet = vet,
    .lookup = lookup,
    .ask_password = ask_password,
    .may_create = may_create,
    .create = create,
    .may_update = may_update,
    .update = update,
    .close = close_synapse,
};
