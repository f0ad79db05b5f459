/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/change.h"

#include "backends/homeserver/state.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/users.h"
#include "matrix/client.h"
#include "matrix/service_account.h"

static bool
ends(const struct account *change)
{
    return account_is(change, ACCOUNT_DEACTIVATED) || account_is(change, ACCOUNT_ERASED);
}

static bool
demotes(const struct account *change)
{
    return ends(change) || (account_states(change, ACCOUNT_ADMIN) && !change->admin);
}

/* One PUT of its own of what `change` states. */
static int
put(struct backend *backend, struct observation *observed, struct account *change,
    struct error *error)
{
    return users_put(backend, &state_of(backend)->administrator.access_token, observed, change,
        false, error);
}

static int
name_alike(struct account *account, const struct observation *observed, struct error *error)
{
    return account_name(account, observed->account.user_id, observed->account.localpart, error);
}

/*
 * Goes first, and by itself: the last administrator is refused, and what would stand
 * before that in the same request would be done (tuwunel 1.9.0:
 * src/api/client/admin/users/create_or_modify.rs). Who is none by then, by another's
 * doing or a request of ours that went out twice, is 500 to it.
 */
static int
demote(struct backend *backend, struct observation *observed, struct error *error)
{
    struct account demotion = {0};
    struct error failure = {0};
    int result = name_alike(&demotion, observed, error);

    account_state_bool(&demotion, ACCOUNT_ADMIN, false);
    if (result == 0)
        result = put(backend, observed, &demotion, &failure);
    account_free(&demotion);
    if (result == 0)
        return 0;
    if (failure.status == 500 && acting_lookup(backend, 0, observed, error) == 0 &&
        !observed->account.admin)
        return 0;
    if (error->kind == ERROR_NONE)
        *error = failure;
    return -1;
}

/* "erase" erases what was written, and keeps the profile and the addresses. */
static int
clear_profile(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct pairs none = {0};
    struct account nothing = {0};
    struct account clearance = {0};
    int result = -1;

    if (name_alike(&nothing, observed, error) == 0 &&
        account_state_profile(&nothing, NULL, NULL, error) == 0 &&
        account_state_set(&nothing, ACCOUNT_EMAILS, &none, error) == 0 &&
        account_difference(&clearance, &nothing, &observed->account, error) == 0)
        result = put(backend, observed, &clearance, error);
    account_free(&clearance);
    account_free(&nothing);
    return result;
}

int
change_make(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    struct account rest = *change; /* borrowed, perhaps with one field less */

    if (demotes(change)) {
        rest.stated &= ~ACCOUNT_BIT(ACCOUNT_ADMIN);
        if (account_is(&observed->account, ACCOUNT_ADMIN) &&
            demote(backend, observed, error) != 0)
            return -1;
    }
    if (account_is(change, ACCOUNT_ERASED) && clear_profile(backend, observed, error) != 0)
        return -1;
    return users_update(backend, observed, &rest, logout_devices, error);
}

int
change_foresee(struct account *after, const struct account *change, struct error *error)
{
    const struct pairs none = {0};

    if (ends(change) && account_states(after, ACCOUNT_ADMIN))
        account_state_bool(after, ACCOUNT_ADMIN, false);
    if (!account_is(change, ACCOUNT_ERASED))
        return 0;
    if (account_states(after, ACCOUNT_EMAILS) &&
        account_state_set(after, ACCOUNT_EMAILS, &none, error) != 0)
        return -1;
    return account_state_profile(after, NULL, NULL, error);
}

/* As its owner, with a password. True when that was it. (Specification: client-server API,
 * "Deactivating an account".) */
static int
deactivate_with(struct backend *backend, const struct secret *shared_secret, bool *done,
    struct error *error)
{
    const struct session *itself = &state_of(backend)->administrator;
    struct secret password = {0};
    struct answer answer = {0};
    struct call call = {
        .method = "POST",
        .path = "/_matrix/client/v3/account/deactivate",
        .bearer = &itself->access_token,
        .secrets = {&password},
        .retry = RETRY_SAFE, /* what is left to do the second time is nothing */
    };
    int result = service_account_password(&password, shared_secret,
        backend->connection->service_account, error);

    *done = false;
    if (result == 0) {
        call.body = json_pack("{s:o, s:b}", "auth",
            client_password_auth(itself->user_id, &password), "erase", 1);
        result = call.body == NULL ? error_no_memory(error)
                                   : call_send(&backend->matrix, &call, &answer, error);
    }
    /* Its own token went with it, should the first answer have been lost. */
    if (result == 0)
        *done = answer_ok(&answer) || answer_is(&answer, 401, "M_UNKNOWN_TOKEN");
    if (result == 0 && !*done && answer.status != 401 && answer.status != 403)
        result = answer_refused(&answer, "deactivating the service account", error);
    answer_free(&answer);
    json_decref(call.body);
    secret_free(&password);
    return result;
}

int
change_end_itself(struct backend *backend, struct observation *observed,
    struct error *error)
{
    const struct connection *connection = backend->connection;
    const struct secret *const secrets[] = {connection->shared_secret,
        connection->shared_secret_previous};
    bool done = false;

    for (size_t i = 0; !done && i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (secrets[i] != NULL && deactivate_with(backend, secrets[i], &done, error) != 0)
            return -1;
    if (!done)
        return error_set(error, ERROR_CONFLICT,
            "%s does not end itself with the password that registration_shared_secret gives it; "
            "if the secret was changed, give the old one as "
            "registration_shared_secret_previous",
            observed->account.user_id);
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, true);
    account_state_bool(&observed->account, ACCOUNT_ERASED, true);
    return change_foresee(&observed->account, &observed->account, error);
}
