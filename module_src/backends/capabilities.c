/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/capabilities.h"

#include <string.h>

#include "base/text.h"

static const char *const names[SERVERS] = {
    [SERVER_SYNAPSE] = "synapse",
};

#define SYNAPSE SERVER_BIT(SERVER_SYNAPSE)

/* Options that any server could lack; those that only steer Registrar itself
 * (timeouts, if_exists and the like) work everywhere and are not in it. */
const struct capability capabilities_table[] = {
    {"access_token", SYNAPSE},
    {"admin_username", SYNAPSE},
    {"registration_shared_secret", SYNAPSE},
    {"registration_shared_secret_previous", SYNAPSE},
    {"service_account", SYNAPSE},
    {"session_file", SYNAPSE},
    {"password", SYNAPSE},
    {"update_password", SYNAPSE},
    {"password_probe", SYNAPSE},
    {"generate_password", SYNAPSE},
    {"verify_login", SYNAPSE},
    {"logout_devices", SYNAPSE},
    {"admin", SYNAPSE},
    {"user_type", SYNAPSE},
    {"initial_type", SYNAPSE},
    {"displayname", SYNAPSE},
    {"avatar_url", SYNAPSE},
    {"emails", SYNAPSE},
    {"external_ids", SYNAPSE},
    {"ratelimit", SYNAPSE},
    {"locked", SYNAPSE},
    {"suspended", SYNAPSE},
    {"shadow_banned", SYNAPSE},
    {"state", SYNAPSE},
    {"reactivate", SYNAPSE},
    {"erase", SYNAPSE},
};

const size_t capabilities_count = sizeof(capabilities_table) / sizeof(capabilities_table[0]);

const char *
capabilities_server_name(enum server server)
{
    return names[server];
}

static int
refuse(const struct capability *capability, enum server server, struct error *error)
{
    struct text able = {0};
    int result;

    for (int other = 0; other < SERVERS; other++)
        if ((capability->servers & SERVER_BIT(other)) != 0)
            text_append_format(&able, "%s%s", able.length > 0 ? ", " : "", names[other]);
    if (able.failed)
        result = error_no_memory(error);
    else
        result = error_set(error, ERROR_UNSUPPORTED,
            "%s cannot do what the option %s asks for; %s%s can", names[server],
            capability->option, able.length > 0 ? "" : "no server",
            able.length > 0 ? able.bytes : "");
    text_free(&able);
    return result;
}

int
capabilities_require(const struct capability *table, size_t count, enum server server,
    const char *option, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].option, option) == 0)
            return (table[i].servers & SERVER_BIT(server)) != 0
                       ? 0
                       : refuse(&table[i], server, error);
    return 0;
}
