/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/vet.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "base/text.h"

/* synapse/rest/admin/users.py and synapse/handlers/profile.py; in characters. */
#define PASSWORD_LONGEST 512
#define DISPLAYNAME_LONGEST 256
#define AVATAR_URL_LONGEST 1000
/* bcrypt looks at no more, in bytes. */
#define PASSWORD_SIGNIFICANT 72

static int
vet_version(const struct backend *backend, const struct account *wanted, struct error *error)
{
    int major, minor;

    if (sscanf(backend->version, "%d.%d", &major, &minor) != 2 || major != 1)
        return 0;
    if (account_states(wanted, ACCOUNT_SUSPENDED) && minor < VET_SUSPENSION_MINOR)
        return error_set(error, ERROR_UNSUPPORTED,
            "this server is Synapse %s, which cannot do what the option suspended asks for; "
            "1.%d and newer can",
            backend->version, VET_SUSPENSION_MINOR);
    return 0;
}

int
vet_service(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (!service_is(backend, wanted->localpart))
        return 0;
    if (account_states(wanted, ACCOUNT_DEACTIVATED) && wanted->deactivated) {
        state_of(backend)->forgetting = true;
        return 0;
    }
    return error_set(error, ERROR_POLICY,
        "%s is the account that Registrar works as (service_account), so the only thing it can "
        "be asked to be is state: deactivated; choose another username, or another "
        "service_account",
        wanted->localpart);
}

static int
vet_length(const struct account *wanted, const char *option, const char *value,
    size_t longest, struct error *error)
{
    if (value == NULL || text_code_points(value, strlen(value)) <= longest)
        return 0;
    return error_set(error, ERROR_INVALID,
        "the %s of %s is too long: Synapse takes at most %zu characters", option,
        wanted->localpart, longest);
}

int
vet_account(struct backend *backend, const struct account *wanted, struct error *error)
{
    const struct secret *password = &wanted->password;

    if (account_states(wanted, ACCOUNT_PASSWORD)) {
        if (vet_length(wanted, "password", password->bytes, PASSWORD_LONGEST, error) != 0)
            return -1;
        if (password->length > PASSWORD_SIGNIFICANT)
            list_add(backend->warnings,
                "the password of %s has more than %d bytes; Synapse looks at the first %d "
                "only",
                wanted->localpart, PASSWORD_SIGNIFICANT, PASSWORD_SIGNIFICANT);
    }
    if (vet_length(wanted, "displayname", wanted->displayname, DISPLAYNAME_LONGEST, error) !=
            0 ||
        vet_length(wanted, "avatar_url", wanted->avatar_url, AVATAR_URL_LONGEST, error) != 0)
        return -1;
    if (vet_service(backend, wanted, error) != 0)
        return -1;
    return vet_version(backend, wanted, error);
}
