/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/tuwunel_rules.h"

#include <string.h>

#include "backends/homeserver/joining.h"
#include "backends/synapse/vet.h"
#include "matrix/admin_room.h"

/* Of a registration with the shared secret, in bytes (tuwunel 1.9.0:
 * src/api/client/admin/register.rs, check_field). */
#define PASSWORD_LONGEST 512

/* Stored as it is, it says that there is none (src/service/users/mod.rs,
 * PASSWORD_SENTINEL). */
static const char no_password[] = "*";

static int
vet_password(const struct backend *backend, const struct account *wanted,
    struct error *error)
{
    const struct secret *password = &wanted->password;

    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return 0;
    if (password->length == 0)
        return error_set(error, ERROR_INVALID, "the password of %s is empty", wanted->localpart);
    if (strcmp(password->bytes, no_password) == 0)
        return error_set(error, ERROR_INVALID,
            "the password of %s cannot be \"*\", by which tuwunel means that an account has "
            "none",
            wanted->localpart);
    if (memchr(password->bytes, '\0', password->length) != NULL)
        return error_set(error, ERROR_INVALID,
            "the password of %s has a NUL character in it, which tuwunel does not take",
            wanted->localpart);
    if (backend->connection->shared_secret != NULL && password->length > PASSWORD_LONGEST)
        return error_set(error, ERROR_INVALID,
            "the password of %s is too long: with registration_shared_secret tuwunel takes at "
            "most %d bytes",
            wanted->localpart, PASSWORD_LONGEST);
    return 0;
}

int
tuwunel_rules_vet(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (strcmp(wanted->localpart, ADMIN_ROOM_BOT) == 0)
        return error_set(error, ERROR_POLICY,
            "%s is the server's own user, an administrator that nobody logs in as; it is never "
            "made or changed here, choose another username",
            wanted->localpart);
    if (vet_password(backend, wanted, error) != 0)
        return -1;
    return vet_service(backend, wanted, error);
}

int
tuwunel_rules_registration(const struct backend *backend, const struct account *wanted,
    struct error *error)
{
    unsigned beyond = wanted->stated & ~JOINING_FIELDS;

    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return error_set(error, ERROR_INVALID,
            "to create %s with the shared secret, a password is needed; only an administrator "
            "(%s) can create an account without one",
            wanted->localpart, backend->type->administrator);
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((beyond & (1u << field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "to create %s with %s, the shared secret alone is not enough: give %s",
                wanted->localpart, account_field_option((enum account_field)field),
                backend->type->administrator);
    return 0;
}
