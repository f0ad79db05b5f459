/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/credential.h"

#include <stddef.h>
#include <string.h>

#include "backends/homeserver/registration_token.h"

static const struct {
    const char *option;
    size_t field; /* in struct connection, a pointer */
} table[CREDENTIALS] = {
    [CREDENTIAL_ACCESS_TOKEN] = {"access_token", offsetof(struct connection, access_token)},
    [CREDENTIAL_ADMIN_USERNAME] = {"admin_username",
        offsetof(struct connection, admin_username)},
    [CREDENTIAL_SHARED_SECRET] = {"registration_shared_secret",
        offsetof(struct connection, shared_secret)},
    [CREDENTIAL_MAS_CLIENT] = {"mas_client_id", offsetof(struct connection, mas.client_id)},
    [CREDENTIAL_MAS_TOKEN] = {"mas_token", offsetof(struct connection, mas.token)},
    [CREDENTIAL_REGISTRATION_TOKEN] = {"registration_token",
        offsetof(struct connection, registration_token)},
    [CREDENTIAL_EMERGENCY_PASSWORD] = {"emergency_password",
        offsetof(struct connection, emergency_password)},
    [CREDENTIAL_DATABASE] = {"database", offsetof(struct connection, database)},
};

const char *
credential_option(enum credential which)
{
    return table[which].option;
}

bool
credential_is_given(const struct connection *connection, enum credential which)
{
    const void *credential;

    memcpy(&credential, (const char *)connection + table[which].field, sizeof(credential));
    return credential != NULL;
}

struct connection
credential_alone(const struct connection *connection, enum credential which)
{
    static const void *const none = NULL;
    struct connection one = *connection;

    for (int i = 0; i < CREDENTIALS; i++)
        if (i != (int)which && i != CREDENTIAL_DATABASE)
            memcpy((char *)&one + table[i].field, &none, sizeof(none));
    return one;
}

int
credential_prove(struct backend *backend, enum credential which, bool *told,
    struct error *error)
{
    *told = true;
    switch (which) {
    case CREDENTIAL_DATABASE:
        return backend->type->become_administrator(backend, error);
    case CREDENTIAL_REGISTRATION_TOKEN:
        return registration_token_check(backend, told, error);
    default:
        return backend->type->check_credential(backend, error);
    }
}
