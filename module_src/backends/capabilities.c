/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/capabilities.h"

#include <string.h>

#include "base/text.h"

static const char *const names[SERVERS] = {
    [SERVER_SYNAPSE] = "synapse",
    [SERVER_DENDRITE] = "dendrite",
    [SERVER_MAS] = "mas",
    [SERVER_TUWUNEL] = "tuwunel",
    [SERVER_CONTINUWUITY] = "continuwuity",
    [SERVER_CONDUIT] = "conduit",
};

#define SYNAPSE SERVER_BIT(SERVER_SYNAPSE)
#define DENDRITE SERVER_BIT(SERVER_DENDRITE)
#define MAS SERVER_BIT(SERVER_MAS)
#define TUWUNEL SERVER_BIT(SERVER_TUWUNEL)
#define CONTINUWUITY SERVER_BIT(SERVER_CONTINUWUITY)
#define CONDUIT SERVER_BIT(SERVER_CONDUIT)
/* They share their ancestor, and what only that has. */
#define FAMILY (TUWUNEL | CONTINUWUITY | CONDUIT)

/* Options that any server could lack; those that only steer Registrar itself
 * (timeouts, if_exists and the like) work everywhere and are not in it. */
const struct capability capabilities_table[] = {
    {"access_token", SYNAPSE | DENDRITE | FAMILY},
    {"admin_username", SYNAPSE | DENDRITE | FAMILY},
    {"registration_shared_secret", SYNAPSE | DENDRITE | TUWUNEL},
    {"registration_shared_secret_previous", SYNAPSE | DENDRITE | TUWUNEL},
    {"registration_token", FAMILY},
    {"emergency_password", FAMILY},
    {"service_account", SYNAPSE | DENDRITE | TUWUNEL},
    {"session_file", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"mas_url", MAS},
    {"mas_admin_url", MAS},
    {"mas_container", MAS},
    {"mas_client_id", MAS},
    {"mas_client_secret", MAS},
    {"mas_client_secret_path", MAS},
    {"mas_token", MAS},
    {"database", SYNAPSE | DENDRITE | MAS},
    {"password_pepper", SYNAPSE | MAS},
    {"password", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"update_password", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"password_probe", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"generate_password", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"verify_login", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"logout_devices", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"admin", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"user_type", SYNAPSE | MAS},
    {"initial_type", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"displayname", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"avatar_url", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"emails", SYNAPSE | MAS | TUWUNEL},
    {"external_ids", SYNAPSE | MAS},
    {"ratelimit", SYNAPSE | MAS},
    {"locked", SYNAPSE | MAS | TUWUNEL | CONTINUWUITY},
    {"suspended", SYNAPSE | MAS | TUWUNEL | CONTINUWUITY},
    {"shadow_banned", SYNAPSE | MAS},
    {"state", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"reactivate", SYNAPSE | DENDRITE | MAS | FAMILY},
    {"erase", SYNAPSE | MAS | TUWUNEL},
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
