/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/acting.h"

#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/itself.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/state.h"
#include "backends/synapse/user_json.h"
#include "backends/synapse/users.h"

int
acting_lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    const struct session *session = &state_of(backend)->administrator;
    struct error failure = {0};

    if (users_lookup(backend, &session->access_token, mask, observed, &failure) == 0)
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

int
acting_require(const struct backend *backend, const struct account *change, unsigned able,
    struct error *error)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((change->stated & ~able & (1u << field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "%s exists, and changing its %s takes an administrator: give %s",
                change->user_id != NULL ? change->user_id : change->localpart,
                account_field_option((enum account_field)field),
                backend->type->administrator);
    return 0;
}

/* Another administrator may end it, and its kept session with it. */
int
acting_forget_ended(struct backend *backend, const struct account *change,
    struct error *error)
{
    const char *service_account = backend->connection->service_account;

    return account_is(change, ACCOUNT_DEACTIVATED) && service_account != NULL &&
                   strcmp(change->localpart, service_account) == 0
               ? administrator_forget(backend, error)
               : 0;
}

struct account
acting_whole(const struct backend *backend, struct account *after,
    const struct account *change)
{
    struct account whole = *change;

    if (state_of(backend)->forgetting && itself_is(backend, change)) {
        account_state_bool(&whole, ACCOUNT_ERASED, true);
        account_state_bool(after, ACCOUNT_ERASED, true);
    }
    return whole;
}

int
acting_by_itself(int result, struct error *error)
{
    error->is_of_one = result != 0;
    return result;
}

/* The account's addresses as it sees them itself (specification: client-server
 * API, "Adding account administrative contact information"). */
static int
look_at_addresses(struct backend *backend, struct observation *observed,
    struct error *error)
{
    struct answer answer = {0};
    int result = call_get(&backend->matrix, "/_matrix/client/v3/account/3pid",
        &state_of(backend)->own.access_token, &answer, error);

    /* Who does not say, or not so that it makes sense, leaves them unseen. */
    if (result == 0 && answer_ok(&answer) &&
        user_json_read_emails(&observed->account, answer.body, error) < 0)
        result = -1;
    answer_free(&answer);
    return result;
}

/* Sees the account as itself. An administrator sees all; to anybody else the
 * admin API says 403 M_FORBIDDEN, which is an answer as well. Who could log in
 * is neither deactivated nor locked. */
int
acting_look_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    struct error refusal = {0};

    if (users_lookup(backend, &own->access_token, state_of(backend)->mask, observed,
            &refusal) == 0)
        return 0;
    if (refusal.status != 403 || strcmp(refusal.errcode, "M_FORBIDDEN") != 0) {
        *error = refusal;
        return -1;
    }
    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, false);
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    account_state_bool(&observed->account, ACCOUNT_LOCKED, false);
    if (own_look_at_profile(backend, observed, error) != 0)
        return -1;
    return (state_of(backend)->mask & ACCOUNT_BIT(ACCOUNT_EMAILS)) != 0
               ? look_at_addresses(backend, observed, error)
               : 0;
}
