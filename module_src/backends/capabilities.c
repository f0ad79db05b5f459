/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/capabilities.h"

#include <string.h>

#include "base/text.h"

static const char *const names[SERVERS] = {
    [SERVER_SYNAPSE] = "synapse",
    [SERVER_DENDRITE] = "dendrite",
    [SERVER_MAS] = "mas",
};

#define SYNAPSE SERVER_BIT(SERVER_SYNAPSE)
#define DENDRITE SERVER_BIT(SERVER_DENDRITE)
#define MAS SERVER_BIT(SERVER_MAS)

/* Options that any server could lack; those that only steer Registrar itself
 * (timeouts, if_exists and the like) work everywhere and are not in it. */
const struct capability capabilities_table[] = {
    {"access_token", SYNAPSE | DENDRITE},
    {"admin_username", SYNAPSE | DENDRITE},
    {"registration_shared_secret", SYNAPSE | DENDRITE},
    {"registration_shared_secret_previous", SYNAPSE | DENDRITE},
    {"service_account", SYNAPSE | DENDRITE},
    {"session_file", SYNAPSE | DENDRITE | MAS},
    {"mas_url", MAS},
    {"mas_admin_url", MAS},
    {"mas_container", MAS},
    {"mas_client_id", MAS},
    {"mas_client_secret", MAS},
    {"mas_client_secret_path", MAS},
    {"mas_token", MAS},
    {"database", SYNAPSE | DENDRITE | MAS},
    {"password_pepper", SYNAPSE | MAS},
    {"password", SYNAPSE | DENDRITE | MAS},
    {"update_password", SYNAPSE | DENDRITE | MAS},
    {"password_probe", SYNAPSE | DENDRITE | MAS},
    {"generate_password", SYNAPSE | DENDRITE | MAS},
    {"verify_login", SYNAPSE | DENDRITE | MAS},
    {"logout_devices", SYNAPSE | DENDRITE | MAS},
    {"admin", SYNAPSE | DENDRITE | MAS},
    {"user_type", SYNAPSE | MAS},
    {"initial_type", SYNAPSE | DENDRITE | MAS},
    {"displayname", SYNAPSE | DENDRITE | MAS},
    {"avatar_url", SYNAPSE | DENDRITE | MAS},
    {"emails", SYNAPSE | MAS},
    {"external_ids", SYNAPSE | MAS},
    {"ratelimit", SYNAPSE | MAS},
    {"locked", SYNAPSE | MAS},
    {"suspended", SYNAPSE | MAS},
    {"shadow_banned", SYNAPSE | MAS},
    {"state", SYNAPSE | DENDRITE | MAS},
    {"reactivate", SYNAPSE | DENDRITE | MAS},
    {"erase", SYNAPSE | MAS},
    {"skip_password_check", MAS},
    {"skip_homeserver_check", MAS},
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
