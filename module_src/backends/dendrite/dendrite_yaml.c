/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/dendrite_yaml.h"

#include <string.h>

#include "base/config.h"
#include "base/memory.h"
#include "db/postgres_parameters.h"
#include "matrix/user_id.h"

/* Where it listens is no setting but an argument, of which this is the default
 * (dendrite: cmd/dendrite/main.go, -http-bind-address). */
#define PORT 8008

static const struct discovery_place places[] = {
    /* matrix-docker-ansible-deploy */
    {"/matrix/dendrite/config/dendrite.yaml", NULL, "matrix-dendrite"},
    /* the documentation's, and that of distributions */
    {"/etc/dendrite/dendrite.yaml", NULL, NULL},
    {NULL, NULL, NULL},
};

/* matrix-docker-ansible-deploy; the documentation of Dendrite's image */
static const char *const containers[] = {"matrix-dendrite", "dendrite", NULL};

/* A text of a section; *text is NULL where it is empty or missing. */
static int
text_of(const struct config_value *section, const char *key, const char **text,
    struct error *error)
{
    *text = NULL;
    if (config_text(config_get(section, key), key, text, error) != 0)
        return -1;
    if (*text != NULL && **text == '\0')
        *text = NULL;
    return 0;
}

static int
read_server_name(const struct config_value *root, struct found *found, struct error *error)
{
    const struct config_value *global = config_get(root, "global");
    const char *name;

    if (text_of(global, "server_name", &name, error) != 0)
        return -1;
    if (name == NULL)
        return error_set(error, ERROR_INVALID, "%s has no global.server_name",
            found->files.items[0]);
    if (!user_id_server_name_is_valid(name))
        return config_wrong(config_get(global, "server_name"), error,
            "server_name is no name that a server can have");
    return found_text(&found->server_name, error, "%s", name);
}

static int
read_secret(const struct config_value *root, struct found *found, struct error *error)
{
    static const char key[] = "registration_shared_secret";
    const struct config_value *section = config_get(root, "client_api");
    const char *secret;

    if (text_of(section, key, &secret, error) != 0)
        return -1;
    if (secret == NULL)
        return 0;
    if (secret_set(&found->shared_secret, secret, strlen(secret)) != 0)
        return error_no_memory(error);
    return found_text(&found->secret_from, error, "%s, line %zu", found->files.items[0],
        config_line(config_get(section, key)));
}

/* Of the accounts' own database, or else of all components' together; SQLite
 * has files, which only Dendrite may write to. */
static int
read_database(const struct config_value *root, const struct config_place *place,
    struct found_database *database, struct error *error)
{
    const struct config_value *sections[] = {
        config_get(config_get(root, "user_api"), "account_database"),
        config_get(config_get(root, "global"), "database"),
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const char *uri;

        if (text_of(sections[i], "connection_string", &uri, error) != 0)
            return -1;
        if (uri != NULL)
            /* In libpq's words. Without a host, Dendrite's driver takes localhost (lib/pq),
             * and libpq a socket. */
            return strncmp(uri, "postgres", 8) == 0
                       ? found_take_uri(database, place, uri, "localhost", error)
                       : 0;
    }
    return 0;
}

static int
read_settings(const struct config *config, const struct config_place *place,
    struct found *found, struct error *error)
{
    const struct config_value *root = config_root(config);

    if (found->files.failed)
        return error_no_memory(error);
    if (config_kind(root) != CONFIG_MAPPING)
        return config_wrong(root, error, "this is no configuration of Dendrite");
    if (read_server_name(root, found, error) != 0 ||
        found_text(&found->url, error, "http://%s:%d",
            place->container != NULL ? place->container : "127.0.0.1", PORT) != 0)
        return -1;
    /* Who has another way does not need it. */
    if (read_database(root, place, &found->database, &found->database.trouble) != 0 &&
        found->database.trouble.kind == ERROR_MEMORY)
        return error_no_memory(error);
    if (read_secret(root, found, &found->secret_trouble) != 0 &&
        found->secret_trouble.kind == ERROR_MEMORY)
        return error_no_memory(error);
    return 0;
}

static int
read_dendrite_yaml(const struct config_place *place, struct found *found, int *absent,
    struct error *error)
{
    char here[PATH_MAX];
    struct config *config = config_place_read(place, place->file, here, absent, error);
    int result;

    if (config == NULL)
        return *absent ? 0 : -1;
    list_add(&found->files, "%s", here);
    result = read_settings(config, place, found, error);
    config_free(config);
    return result;
}

const struct discovery_source dendrite_yaml_source = {
    .server = SERVER_DENDRITE,
    .places = places,
    .containers = containers,
    .container_file = "/data/dendrite.yaml",
    .read = read_dendrite_yaml,
};
