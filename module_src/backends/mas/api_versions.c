/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/api_versions.h"

#include "backends/mas/api.h"

/* What came with an endpoint (MAS's tags; crates/handlers/src/admin/v1/mod.rs). */
static const struct {
    enum account_field field;
    const char *path;
    const char *since;
} endpoints[] = {
    {ACCOUNT_EMAILS, "/api/admin/v1/user-emails", "0.15.0"},
    {ACCOUNT_EXTERNAL_IDS, "/api/admin/v1/upstream-oauth-links", "0.15.0"},
};

/* Came with the release that shows deactivated_at. */
static const char of_0_17[] = "/api/admin/v1/user-registration-tokens";
static const char reactivation[] = "/api/admin/v1/users/{id}/reactivate";

static int
has(struct backend *backend, const char *path, bool *does, struct error *error)
{
    *does = true;
    return backend->version[0] != '\0' ? 0 : api_has(backend, path, does, error);
}

int
api_versions_check_unlock(struct backend *backend, const struct mas_user *user,
    const char *localpart, struct error *error)
{
    bool apart;

    if (!user->deactivated)
        return 0;
    if (has(backend, reactivation, &apart, error) != 0)
        return -1;
    return apart ? 0
                 : error_set(error, ERROR_UNSUPPORTED,
                       "unlocking %s in MAS: this version would reactivate it as well, which "
                       "came apart with version 0.20.0",
                       localpart);
}

int
api_versions_check_keeping(struct backend *backend, const char *localpart,
    struct error *error)
{
    bool keeps;

    if (has(backend, reactivation, &keeps, error) != 0)
        return -1;
    return keeps ? 0
                 : error_set(error, ERROR_UNSUPPORTED,
                       "deactivating %s in MAS: this version erases whom it deactivates, and "
                       "keeping the data came with version 0.20.0; update MAS, or set erase: true",
                       localpart);
}

static int
check_seeing(struct backend *backend, const char *localpart, struct error *error)
{
    bool shows;

    if (has(backend, of_0_17, &shows, error) != 0)
        return -1;
    return shows ? 0
                 : error_set(error, ERROR_UNSUPPORTED,
                       "deactivating %s in MAS: whether it is, its admin API shows since version "
                       "0.17.0",
                       localpart);
}

static int
check_reactivation(struct backend *backend, const char *localpart, struct error *error)
{
    bool able;

    if (has(backend, reactivation, &able, error) != 0)
        return -1;
    return able ? 0
                : error_set(error, ERROR_UNSUPPORTED,
                      "reactivating %s in MAS: its admin API can do that since version 0.20.0",
                      localpart);
}

static int
check_endpoints(struct backend *backend, const struct account *change, struct error *error)
{
    bool able;

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (!account_states(change, endpoints[i].field))
            continue;
        if (has(backend, endpoints[i].path, &able, error) != 0)
            return -1;
        if (!able)
            return error_set(error, ERROR_UNSUPPORTED,
                "%s of %s: this version of MAS does not have them in its admin API, into which "
                "they came with version %s",
                account_field_option(endpoints[i].field), change->localpart, endpoints[i].since);
    }
    return 0;
}

int
api_versions_allow(struct backend *backend, const struct mas_user *user,
    const struct account *change, struct error *error)
{
    const char *name = change->localpart;
    bool unlocks = account_states(change, ACCOUNT_LOCKED) && !change->locked;
    bool reactivates = account_states(change, ACCOUNT_DEACTIVATED) && !change->deactivated;
    bool deactivates = account_is(change, ACCOUNT_DEACTIVATED);
    bool keeps = deactivates && !account_is(change, ACCOUNT_ERASED);

    if ((deactivates && check_seeing(backend, name, error) != 0) ||
        (keeps && api_versions_check_keeping(backend, name, error) != 0) ||
        (user != NULL && reactivates && check_reactivation(backend, name, error) != 0) ||
        (user != NULL && unlocks && api_versions_check_unlock(backend, user, name, error) != 0))
        return -1;
    return check_endpoints(backend, change, error);
}
