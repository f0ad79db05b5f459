/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/tuwunel_creation.h"

#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/joining.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/guard.h"
#include "backends/synapse/users.h"
#include "backends/tuwunel/tuwunel_rules.h"

/* A registration takes a password; without one it is an administrator's. */
static bool
registers(const struct backend *backend, const struct account *wanted)
{
    return backend->connection->shared_secret != NULL &&
           account_states(wanted, ACCOUNT_PASSWORD);
}

/* Neither a registration with the secret nor a PUT asks whether a name is forbidden, or an
 * application service's; and a PUT changes who is there by then, so that this is asked
 * right before. */
static int
check_as_administrator(struct backend *backend, const struct account *wanted,
    struct error *error)
{
    const struct account nothing = {0};

    if (guard_change(backend, &nothing, wanted, error) != 0)
        return -1;
    return users_may_create(backend, wanted, error);
}

int
tuwunel_creation_may(struct backend *backend, const struct account *wanted,
    struct error *error)
{
    bool is_administrator = state_has_administrator(backend);

    if (!is_administrator && backend->connection->shared_secret == NULL)
        return joining_may_create(backend, wanted, error);
    if (!is_administrator && tuwunel_rules_registration(backend, wanted, error) != 0)
        return -1;
    if (registers(backend, wanted) && register_prove_secret(backend, error) != 0)
        return -1;
    return is_administrator ? check_as_administrator(backend, wanted, error) : 0;
}

/* What the registration made of the name, and whether it granted what was asked for:
 * without a room of administrators it grants nothing, and says so to nobody. */
static int
register_as_administrator(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    if (register_account(backend, wanted, creation, observed, error) != 0)
        return -1;
    return *creation == CREATION_DONE
               ? acting_lookup(backend, state_of(backend)->mask, observed, error)
               : 0;
}

/* The reply was lost: whether the account was made, and is ours, a login shows. */
static bool
recover(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed)
{
    struct error ignored = {0};
    enum password_answer answer = PASSWORD_CANNOT_TELL;
    char why[PASSWORD_WHY_SIZE];

    if (own_ask(backend, observed, &wanted->password, &answer, why, &ignored) != 0 ||
        answer != PASSWORD_SAME)
        return false;
    *creation = CREATION_PERHAPS;
    return true;
}

/* The new account, logged in as itself. 1: there is none, and nothing more to be done. */
static int
log_in(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    struct state *state = state_of(backend);
    struct error failure = {0};
    int result;

    own_end(backend);
    result = register_session(backend, wanted, backend->type->dialect->login_device,
        &state->own, creation, &failure);
    if (result == 0 && *creation == CREATION_PERHAPS)
        return recover(backend, wanted, creation, observed) ? 0 : 1;
    if (result == 0 && *creation != CREATION_DONE)
        return 1;
    if (result == 0) {
        result = account_name(&observed->account, state->own.user_id, wanted->localpart, error);
        return result == 0 ? acting_look_as_itself(backend, observed, error) : -1;
    }
    if (*creation != CREATION_DONE && error_hides_outcome(&failure) &&
        recover(backend, wanted, creation, observed))
        return 0;
    *error = failure;
    return -1;
}

/* Without an administrator, what a registration does not make is made by the account
 * itself. */
static int
register_alone(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    struct account change = {0};
    int result = tuwunel_rules_registration(backend, wanted, error);

    if (result == 0)
        result = log_in(backend, wanted, creation, observed, error);
    observed->password_is_set = *creation == CREATION_DONE;
    if (result == 0)
        result = account_name(&change, observed->account.user_id, wanted->localpart, error);
    if (result == 0)
        result = account_difference(&change, wanted, &observed->account, error);
    if (result == 0)
        result = own_update(backend, observed, &change, error);
    if (result == 0 && account_is(&change, ACCOUNT_ADMIN))
        result = error_set(error, ERROR_POLICY,
            "%s was made, and is no administrator: this tuwunel has no room of administrators "
            "(create_admin_room)",
            observed->account.user_id);
    account_free(&change);
    own_end(backend);
    return result < 0 ? -1 : 0;
}

int
tuwunel_creation_make(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    struct error failure = {0};

    *creation = CREATION_NAME_TAKEN; /* until it is known better */
    if (!state_has_administrator(backend))
        return backend->connection->shared_secret != NULL
                   ? register_alone(backend, wanted, creation, observed, error)
                   : joining_create(backend, wanted, creation, observed, error);
    if (check_as_administrator(backend, wanted, &failure) != 0) {
        if (strcmp(failure.errcode, "M_USER_IN_USE") == 0)
            return 0;
        *error = failure;
        return -1;
    }
    return registers(backend, wanted)
               ? register_as_administrator(backend, wanted, creation, observed, error)
               : users_create(backend, wanted, creation, observed, error);
}
