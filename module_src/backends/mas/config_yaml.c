/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/config_yaml.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backends/mas/listeners.h"
#include "backends/mas/ulid.h"
#include "base/config.h"
#include "base/memory.h"
#include "db/postgres_parameters.h"
#include "matrix/secret_file.h"
#include "matrix/user_id.h"

static const struct discovery_place places[] = {
    /* matrix-docker-ansible-deploy */
    {"/matrix/matrix-authentication-service/config/config.yaml", NULL,
        "matrix-authentication-service"},
    /* Arch Linux */
    {"/etc/matrix-authentication-service/config.yaml", NULL, NULL},
    {NULL, NULL, NULL},
};

/* matrix-docker-ansible-deploy; many compose files */
static const char *const containers[] = {"matrix-authentication-service", "mas", NULL};

/* The same two; where it is there is an argument, or in MAS_CONFIG. */
static const char *const container_files[] = {"/config.yaml", "/data/config.yaml"};

/* A text of a section; *text is NULL where it is missing. */
static int
text_of(const struct config_value *section, const char *key, const char **text,
    struct error *error)
{
    *text = NULL;
    return config_text(config_get(section, key), key, text, error);
}

static int
copy_text(const struct config_value *section, const char *key, char **place,
    struct error *error)
{
    const char *text;

    if (text_of(section, key, &text, error) != 0)
        return -1;
    return text == NULL ? 0 : found_text(place, error, "%s", text);
}

static int
read_server_name(const struct config_value *root, struct found *found, struct error *error)
{
    const struct config_value *matrix = config_get(root, "matrix");
    const char *name;

    if (text_of(matrix, "homeserver", &name, error) != 0)
        return -1;
    if (name == NULL)
        return 0;
    if (!user_id_server_name_is_valid(name))
        return config_wrong(config_get(matrix, "homeserver"), error,
            "homeserver is no name that a server can have");
    return found_text(&found->server_name, error, "%s", name);
}

/* ---- Secrets ------------------------------------------------------------------------ */

/* The two keys of a secret. */
struct secret_keys {
    const char *inline_key;
    const char *file_key;
    int (*take)(struct secret *secret, int file, const char *path, const char *option,
        struct error *error);
};

static int
read_secret_file(const struct config_value *value, const struct config_place *place,
    const char *path, const struct secret_keys *keys, struct secret *secret,
    struct error *error)
{
    struct error failure = {0};
    char here[PATH_MAX];
    int absent;
    int file = config_place_open(place, path, here, &absent, &failure);
    int result;

    if (file < 0 && absent)
        return config_wrong(value, error, "%s is a file that is not there", keys->file_key);
    if (file < 0)
        return config_wrong(value, error, "%s: %.800s", keys->file_key, failure.text);
    result = keys->take(secret, file, here, keys->file_key, error);
    close(file);
    return result;
}

/* Inline or in a file, but not both; secret stays as it is where there is none. */
static int
read_secret(const struct config_value *section, const struct config_place *place,
    const struct secret_keys *keys, struct secret *secret, struct error *error)
{
    const char *text, *path;

    if (text_of(section, keys->inline_key, &text, error) != 0 ||
        text_of(section, keys->file_key, &path, error) != 0)
        return -1;
    if (text != NULL && path != NULL)
        return config_wrong(section, error, "%s stands beside %s; MAS takes one of them",
            keys->inline_key, keys->file_key);
    if (path != NULL)
        return read_secret_file(config_get(section, keys->file_key), place, path, keys, secret,
            error);
    if (text != NULL && secret_set(secret, text, strlen(text)) != 0)
        return error_no_memory(error);
    return 0;
}

/* ---- The client --------------------------------------------------------------------- */

/* How a client with a secret can show it. */
static const struct {
    const char *name;
    bool in_body;
} methods[] = {
    {"client_secret_basic", false},
    {"client_secret_post", true},
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* Which of the methods a client has; METHODS: another one. */
static size_t
method_of(const struct config_value *client)
{
    struct error ignored = {0};
    const char *name;
    size_t i = 0;

    if (text_of(client, "client_auth_method", &name, &ignored) != 0 || name == NULL)
        return METHODS;
    while (i < METHODS && strcmp(methods[i].name, name) != 0)
        i++;
    return i;
}

/* The client of this id that has a secret, or NULL. */
static const struct config_value *
client_called(const struct config_value *root, const char *id)
{
    const struct config_value *clients = config_get(root, "clients");

    for (size_t i = 0; i < config_count(clients); i++) {
        const struct config_value *one = config_item(clients, i);
        struct error ignored = {0};
        const char *own;

        if (text_of(one, "client_id", &own, &ignored) == 0 && own != NULL &&
            strcasecmp(own, id) == 0 && method_of(one) < METHODS)
            return one;
    }
    return NULL;
}

/* MAS compares what is in the file to the last byte (ClientSecret::value). */
static int
take_client(const struct config_value *client, const char *id,
    const struct config_place *place, struct found_mas *found, struct error *error)
{
    static const struct secret_keys keys = {
        "client_secret", "client_secret_file", secret_file_take_whole};

    if (found_text(&found->client_id, error, "%s", id) != 0)
        return -1;
    found->sends_secret_in_body = methods[method_of(client)].in_body;
    if (read_secret(client, place, &keys, &found->client_secret, error) != 0)
        return -1;
    return secret_given(&found->client_secret)
               ? 0
               : config_wrong(client, error, "the client has no client_secret");
}

/* The first that is both listed and known; without one, the policy refuses. */
static int
read_client(const struct config_value *root, const struct config_place *place,
    struct found_mas *found, struct error *error)
{
    const struct config_value *listed =
        config_get(config_get(config_get(root, "policy"), "data"), "admin_clients");

    for (size_t i = 0; i < config_count(listed); i++) {
        const struct config_value *client;
        const char *text = NULL;
        char id[MAS_ID_SIZE];

        if (config_text(config_item(listed, i), "a client's id", &text, error) != 0)
            return -1;
        client = ulid_read(id, text) ? client_called(root, id) : NULL;
        if (client != NULL)
            return take_client(client, id, place, found, error);
    }
    return 0;
}

/* ---- Passwords ---------------------------------------------------------------------- */

static int
read_scheme(const struct config_value *value, const struct config_place *place,
    struct mas_scheme *scheme, struct error *error)
{
    static const struct secret_keys keys = {"secret", "secret_file", secret_file_take_whole};
    long long version = -1;

    if (config_integer(config_get(value, "version"), "version", &version, error) != 0 ||
        config_boolean(config_get(value, "unicode_normalization"), "unicode_normalization",
            &scheme->unicode_normalization, error) != 0)
        return -1;
    if (version < 0 || version > 65535)
        return config_wrong(value, error, "a scheme's version is from 0 to 65535");
    scheme->version = (long)version;
    return read_secret(value, place, &keys, &scheme->secret, error);
}

/* Where nothing is said, there is one: version 1, argon2id without a secret. */
static int
read_schemes(const struct config_value *root, const struct config_place *place,
    struct mas_schemes *schemes, struct error *error)
{
    const struct config_value *list = config_get(config_get(root, "passwords"), "schemes");

    if (config_kind(list) == CONFIG_NULL) {
        schemes->items[0].version = 1;
        schemes->count = 1;
        return 0;
    }
    if (config_kind(list) != CONFIG_SEQUENCE || config_count(list) > MAS_SCHEMES_MOST)
        return config_wrong(list, error, "schemes is no list of up to %d", MAS_SCHEMES_MOST);
    for (size_t i = 0; i < config_count(list); i++)
        if (read_scheme(config_item(list, i), place, &schemes->items[i], error) != 0)
            return -1;
    schemes->count = config_count(list);
    return 0;
}

/* ---- The database ------------------------------------------------------------------- */

/* A part of the connection is not known where it cannot be read from here. */
static int
read_protection(const struct config_value *section, const struct config_place *place,
    struct found_database *database, struct error *error)
{
    static const char *const modes[] = {
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
    const char *mode, *ca;
    char here[PATH_MAX];
    size_t i = 0;

    if (text_of(section, "ssl_mode", &mode, error) != 0 ||
        text_of(section, "ssl_ca_file", &ca, error) != 0)
        return -1;
    if (config_kind(config_get(section, "ssl_ca")) != CONFIG_NULL)
        return config_wrong(config_get(section, "ssl_ca"), error,
            "ssl_ca, a certificate inside of the file, is not read; give database");
    while (mode != NULL && i < sizeof(modes) / sizeof(modes[0]) && strcmp(modes[i], mode) != 0)
        i++;
    if (i == sizeof(modes) / sizeof(modes[0]))
        return config_wrong(config_get(section, "ssl_mode"), error,
            "ssl_mode is none of those that MAS has");
    if (mode != NULL && found_text(&database->sslmode, error, "%s", mode) != 0)
        return -1;
    if (ca == NULL)
        return 0;
    if (config_place_path(place, ca, here, error) != 0)
        return -1;
    return found_text(&database->ca_path, error, "%s", here);
}

/* That MAS takes it without what echo and editors put behind it. */
static int
take_parts(const struct config_value *section, const struct config_place *place,
    struct found_database *database, struct error *error)
{
    static const struct secret_keys keys = {"password", "password_file", secret_file_take};
    const char *host, *socket;
    long long port = 0;

    if (text_of(section, "host", &host, error) != 0 ||
        text_of(section, "socket", &socket, error) != 0 ||
        config_integer(config_get(section, "port"), "port", &port, error) != 0 ||
        copy_text(section, "database", &database->name, error) != 0 ||
        copy_text(section, "username", &database->user, error) != 0)
        return -1;
    if (host == NULL && socket == NULL && database->name == NULL && database->user == NULL)
        return 0;
    if (port < 0 || port > 65535)
        return config_wrong(config_get(section, "port"), error, "a port is from 1 to 65535");
    database->port = (long)port;
    database->is_there = true;
    if (read_secret(section, place, &keys, &database->password, error) != 0)
        return -1;
    return found_take_host(database, place, socket != NULL ? socket : host, error);
}

/* As a whole, or in parts. */
static int
read_database(const struct config_value *root, const struct config_place *place,
    struct found_database *database, struct error *error)
{
    const struct config_value *section = config_get(root, "database");
    const char *uri;

    if (text_of(section, "uri", &uri, error) != 0)
        return -1;
    if ((uri != NULL ? found_take_uri(database, place, uri, NULL, error)
                     : take_parts(section, place, database, error)) != 0)
        return -1;
    return read_protection(section, place, database, error);
}

/* ---- All of it ---------------------------------------------------------------------- */

/* What one part of it came to: only the lack of memory ends the rest. */
static int
go_on(const struct error *trouble, struct error *error)
{
    return trouble->kind == ERROR_MEMORY ? error_no_memory(error) : 0;
}

static int
read_settings(const struct config *config, const struct config_place *place,
    struct found *found, struct error *error)
{
    const struct config_value *root = config_root(config);
    struct found_mas *mas = &found->mas;

    if (found->files.failed)
        return error_no_memory(error);
    /* MAS does not start without it. */
    if (config_kind(config_get(root, "matrix")) != CONFIG_MAPPING)
        return config_wrong(root, error,
            "this is no configuration of Matrix Authentication Service: it has no section "
            "matrix");
    if (read_server_name(root, found, error) != 0 ||
        listeners_choose(config_get(root, "http"), place, mas, error) != 0)
        return -1;
    mas->is_there = true;
    /* Who has another way does not need these. */
    read_client(root, place, mas, &mas->client_trouble);
    read_database(root, place, &mas->database, &mas->database.trouble);
    read_schemes(root, place, &mas->schemes, &mas->schemes_trouble);
    if (go_on(&mas->client_trouble, error) != 0 || go_on(&mas->database.trouble, error) != 0)
        return -1;
    return go_on(&mas->schemes_trouble, error);
}

/* The first of those that it may have; what is behind no mount is not there. */
static struct config *
open_inside(const struct config_place *place, const char **file, char here[PATH_MAX],
    int *absent, struct error *error)
{
    for (size_t i = 0; i < sizeof(container_files) / sizeof(container_files[0]); i++) {
        struct error trouble = {0};
        struct config *config;
        char ignored[PATH_MAX];

        if (config_place_path(place, container_files[i], ignored, &trouble) != 0)
            continue;
        *file = container_files[i];
        config = config_place_read(place, *file, here, absent, error);
        if (config != NULL || !*absent)
            return config;
    }
    *absent = 1;
    return NULL;
}

static int
read_config_yaml(const struct config_place *place, struct found *found, int *absent,
    struct error *error)
{
    const char *file = place->file;
    char here[PATH_MAX];
    struct config *config =
        place->mounts != NULL ? open_inside(place, &file, here, absent, error)
                              : config_place_read(place, file, here, absent, error);
    int result;

    if (config == NULL)
        return *absent ? 0 : -1;
    list_add(&found->files, "%s", here);
    result = read_settings(config, place, found, error);
    if (result == 0 && place->mounts != NULL)
        result = found_text(&found->mas.config, error, "%s", file);
    config_free(config);
    return result;
}

const struct discovery_source config_yaml_source = {
    .server = SERVER_MAS,
    .places = places,
    .containers = containers,
    .container_file = "/config.yaml",
    .read = read_config_yaml,
};
