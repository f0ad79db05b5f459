/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/rules.h"

#include "backends/dendrite/credentials.h"
#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"

/* The service account is Registrar's own; all that is done with it as a target
 * is to be rid of it, which takes the database as it does for every account. */
static int
vet_service(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (!service_is(backend, wanted->localpart))
        return 0;
    if (!account_states(wanted, ACCOUNT_DEACTIVATED) || !wanted->deactivated)
        return error_set(error, ERROR_POLICY,
            "%s is the account that Registrar works as (service_account), so the only thing it "
            "can be asked to be is state: deactivated; choose another username, or another "
            "service_account",
            wanted->localpart);
    if (backend->connection->database == NULL)
        return error_set(error, ERROR_UNAUTHORIZED,
            "to deactivate %s, the account that Registrar works as (service_account), Dendrite "
            "has no API: give database",
            wanted->localpart);
    state_of(backend)->forgetting = true;
    return 0;
}

int
rules_vet(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct secret *password = &wanted->password;

    if (vet_service(backend, wanted, error) != 0)
        return -1;
    if (!account_states(wanted, ACCOUNT_PASSWORD) ||
        (password->length >= CREDENTIALS_SHORTEST && password->length <= CREDENTIALS_LONGEST))
        return 0;
    return error_set(error, ERROR_POLICY,
        "the password of %s has %s than Dendrite takes, which is from %d to %d bytes; with a "
        "longer one it says that the account is made, and makes none",
        wanted->localpart, password->length < CREDENTIALS_SHORTEST ? "less" : "more",
        CREDENTIALS_SHORTEST, CREDENTIALS_LONGEST);
}

int
rules_creation(const struct backend *backend, const struct account *wanted,
    struct error *error)
{
    if (backend->connection->shared_secret == NULL)
        return error_set(error, ERROR_UNAUTHORIZED,
            "to create %s on Dendrite, Registrar needs registration_shared_secret (or its "
            "_path): nothing else makes accounts there",
            wanted->localpart);
    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return error_set(error, ERROR_INVALID,
            "to create %s, a password is needed: Dendrite makes no account without one",
            wanted->localpart);
    /* dendrite: internal/validate.go, ValidateUsername. There may be such accounts:
     * those of application services. */
    if (wanted->localpart[0] == '_')
        return error_set(error, ERROR_INVALID,
            "cannot create %s: Dendrite takes no username that begins with \"_\"",
            wanted->localpart);
    return 0;
}
