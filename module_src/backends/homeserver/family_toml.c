/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the section "global", which figment calls a profile (tuwunel 1.9.0,
 * continuwuity 26.7.3: src/core/config/mod.rs; conduit 0.10.12: src/config/mod.rs).
 * The environment of the server wins over them, and is not looked at.
 */
#include "backends/homeserver/family_toml.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/bound.h"
#include "base/config.h"
#include "base/memory.h"
#include "matrix/secret_file.h"
#include "matrix/user_id.h"

/* In a container whose settings are in its environment alone: what the images and
 * compose files of all three, and matrix-docker-ansible-deploy, use. */
#define CONTAINER_PORT 6167

/* ---- Where they are ------------------------------------------------------------------- */

static const struct discovery_place places_of_tuwunel[] = {
    /* matrix-docker-ansible-deploy */
    {"/matrix/tuwunel/config/tuwunel.toml", NULL, "matrix-tuwunel"},
    /* its packages, for Debian and Arch Linux */
    {"/etc/tuwunel/tuwunel.toml", NULL, NULL},
    {NULL, NULL, NULL},
};

static const struct discovery_place places_of_continuwuity[] = {
    {"/matrix/continuwuity/config/continuwuity.toml", NULL, "matrix-continuwuity"},
    {"/etc/continuwuity/continuwuity.toml", NULL, NULL},
    /* its packages, under the name of before */
    {"/etc/conduwuit/conduwuit.toml", NULL, NULL},
    {NULL, NULL, NULL},
};

static const struct discovery_place places_of_conduit[] = {
    {"/matrix/conduit/config/conduit.toml", NULL, "matrix-conduit"},
    /* Debian's package */
    {"/etc/matrix-conduit/conduit.toml", NULL, NULL},
    {NULL, NULL, NULL},
};

/* matrix-docker-ansible-deploy; the compose files of the servers' documentation */
static const char *const containers_of_tuwunel[] = {"matrix-tuwunel", "tuwunel", NULL};
static const char *const containers_of_continuwuity[] = {"matrix-continuwuity",
    "continuwuity", NULL};
static const char *const containers_of_conduit[] = {"matrix-conduit", "conduit", NULL};

/* ---- What stands in them -------------------------------------------------------------- */

struct settings {
    const struct config_value *global;
    const struct config_place *place;
    struct found *found;
};

/* A text; *text is NULL where it is empty or missing. */
static int
text_of(const struct settings *settings, const char *key, const char **text,
    struct error *error)
{
    *text = NULL;
    if (config_text(config_get(settings->global, key), key, text, error) != 0)
        return -1;
    if (*text != NULL && **text == '\0')
        *text = NULL;
    return 0;
}

static int
read_server_name(const struct settings *settings, struct error *error)
{
    static const char key[] = "server_name";
    const char *name;

    if (text_of(settings, key, &name, error) != 0)
        return -1;
    /* It may stand in the environment; the server is asked then. */
    if (name == NULL)
        return 0;
    if (!user_id_server_name_is_valid(name))
        return config_wrong(config_get(settings->global, key), error,
            "server_name is no name that a server can have");
    return found_text(&settings->found->server_name, error, "%s", name);
}

/* The first of the words of a file, which may hold several tokens. */
static int
take_word(struct secret *secret, struct error *error)
{
    size_t length = strcspn(secret->bytes, " \t\r\n\v\f");
    struct secret word = {0};

    if (length == secret->length)
        return 0;
    if (secret_set(&word, secret->bytes, length) != 0)
        return error_no_memory(error);
    secret_free(secret);
    *secret = word;
    return 0;
}

static int
read_secret_file(const struct settings *settings, const char *key, const char *path,
    struct secret *secret, struct error *error)
{
    struct error failure = {0};
    char here[PATH_MAX];
    int absent;
    int file = config_place_open(settings->place, path, here, &absent, &failure);
    int result;

    if (file < 0 && absent)
        return config_wrong(config_get(settings->global, key), error,
            "%s is a file that is not there", key);
    if (file < 0)
        return config_wrong(config_get(settings->global, key), error, "%s: %.800s", key,
            failure.text);
    result = secret_file_take(secret, file, here, key, error);
    close(file);
    if (result == 0 && secret == &settings->found->shared_secret)
        result = found_text(&settings->found->secret_from, error, "%s", here);
    return result;
}

/* Where each secret stands: inline, or in a file, which wins. */
struct secret_setting {
    const char *key;
    const char *file_key; /* or NULL: it has none */
    size_t place;         /* in struct found */
    bool is_list;         /* the file has several, white space between */
    unsigned servers;     /* SERVER_BITs of those that have it */
};

#define TUWUNEL SERVER_BIT(SERVER_TUWUNEL)
#define FAMILY (TUWUNEL | SERVER_BIT(SERVER_CONTINUWUITY) | SERVER_BIT(SERVER_CONDUIT))

static const struct secret_setting secrets[] = {
    {"registration_shared_secret", "registration_shared_secret_file",
        offsetof(struct found, shared_secret), false, TUWUNEL},
    {"registration_token", "registration_token_file",
        offsetof(struct found, registration_token), true, FAMILY},
    {"emergency_password", NULL, offsetof(struct found, emergency_password), false, FAMILY},
};

static int
read_secret(const struct settings *settings, const struct secret_setting *setting,
    struct error *error)
{
    struct secret *secret = (struct secret *)(void *)((char *)settings->found + setting->place);
    const char *text, *path = NULL;

    if (text_of(settings, setting->key, &text, error) != 0 ||
        (setting->file_key != NULL &&
            text_of(settings, setting->file_key, &path, error) != 0))
        return -1;
    if (path != NULL)
        return read_secret_file(settings, setting->file_key, path, secret, error) != 0 ||
                       (setting->is_list && take_word(secret, error) != 0)
                   ? -1
                   : 0;
    if (text == NULL)
        return 0;
    if (secret_set(secret, text, strlen(text)) != 0)
        return error_no_memory(error);
    return secret != &settings->found->shared_secret
               ? 0
               : found_text(&settings->found->secret_from, error, "%s, line %zu",
                     settings->found->files.items[0],
                     config_line(config_get(settings->global, setting->key)));
}

/* One that cannot be read matters only to who has nothing else. */
static int
read_secrets(const struct settings *settings, struct error *error)
{
    struct found *found = settings->found;

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        struct error trouble = {0};

        if ((secrets[i].servers & SERVER_BIT(found->server)) == 0 ||
            read_secret(settings, &secrets[i], &trouble) == 0)
            continue;
        if (trouble.kind == ERROR_MEMORY)
            return error_no_memory(error);
        if (found->secret_trouble.kind == ERROR_NONE)
            found->secret_trouble = trouble;
    }
    return 0;
}

/* ---- Where the server listens --------------------------------------------------------- */

/* One value, or the first of a list. */
static const struct config_value *
first_of(const struct config_value *value)
{
    return config_kind(value) == CONFIG_SEQUENCE && config_count(value) > 0
               ? config_item(value, 0)
               : value;
}

static int
read_port(const struct settings *settings, long long *port, struct error *error)
{
    const struct config_value *value = first_of(config_get(settings->global, "port"));

    *port = settings->found->server == SERVER_CONDUIT ? 8000 : 8008;
    if (config_integer(value, "port", port, error) != 0)
        return -1;
    return *port > 0 && *port <= 65535
               ? 0
               : config_wrong(value, error, "a port is from 1 to 65535");
}

/* An address of this machine that leads to it; without a setting it is the loopback. */
static int
read_address(const struct settings *settings, char address[ROUTE_ADDRESS_SIZE],
    struct error *error)
{
    const struct config_value *all = config_get(settings->global, "address");
    size_t count = config_kind(all) == CONFIG_SEQUENCE ? config_count(all) : 1;

    address[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *bound = "127.0.0.1";

        if (config_text(config_kind(all) == CONFIG_SEQUENCE ? config_item(all, i) : all,
                "address", &bound, error) != 0)
            return -1;
        bound_consider(address, bound);
    }
    if (address[0] != '\0')
        return 0;
    return config_wrong(all == NULL ? settings->global : all, error,
        "address is none of this machine's; give url");
}

/* With a certificate, it has TLS alone, unless it takes both on one port. */
static int
read_tls(const struct settings *settings, bool *has_tls, struct error *error)
{
    const struct config_value *tls = config_get(settings->global, "tls");
    const char *certificate = NULL;
    bool both = false;

    if (config_text(config_get(tls, "certs"), "certs", &certificate, error) != 0 ||
        config_boolean(config_get(tls, "dual_protocol"), "dual_protocol", &both, error) != 0)
        return -1;
    *has_tls = certificate != NULL && *certificate != '\0' && !both;
    return 0;
}

static int
take_socket(const struct settings *settings, const char *path, struct error *error)
{
    char here[PATH_MAX];

    if (config_place_path(settings->place, path, here, error) != 0 ||
        found_text(&settings->found->unix_socket, error, "%s", here) != 0)
        return -1;
    return found_text(&settings->found->url, error, "http://localhost");
}

/* The certificate is for the server's name, of which a port is no part. */
static int
take_tls(const struct settings *settings, const char *address, long long port,
    struct error *error)
{
    struct found *found = settings->found;
    const char *name = found->server_name;
    const char *end = name == NULL ? NULL : strrchr(name, ':');
    size_t length;

    if (name == NULL)
        return error_set(error, ERROR_INVALID,
            "%s has TLS and no server_name, so that nothing says which name the certificate "
            "is for; give url",
            found->files.items[0]);
    length = end != NULL && strchr(end, ']') == NULL ? (size_t)(end - name) : strlen(name);
    if (settings->place->mounts == NULL &&
        found_text(&found->address, error, "%s", address) != 0)
        return -1;
    return found_text(&found->url, error, "https://%.*s:%lld", (int)length, name, port);
}

static int
read_listener(const struct settings *settings, struct error *error)
{
    const struct config_place *place = settings->place;
    char address[ROUTE_ADDRESS_SIZE];
    const char *socket;
    const char *host = address;
    long long port;
    bool has_tls;

    if (text_of(settings, "unix_socket_path", &socket, error) != 0)
        return -1;
    if (socket != NULL && settings->found->server != SERVER_CONDUIT)
        return take_socket(settings, socket, error);
    if (read_port(settings, &port, error) != 0 || read_tls(settings, &has_tls, error) != 0 ||
        (place->mounts == NULL && read_address(settings, address, error) != 0))
        return -1;
    if (has_tls)
        return take_tls(settings, address, port, error);
    if (place->mounts != NULL)
        host = place->container;
    return found_text(&settings->found->url, error,
        strchr(host, ':') != NULL ? "http://[%s]:%lld" : "http://%s:%lld", host, port);
}

static int
read_settings(const struct config *config, const struct config_place *place,
    struct found *found, struct error *error)
{
    const struct settings settings = {
        .global = config_get(config_root(config), "global"),
        .place = place,
        .found = found,
    };

    if (found->files.failed)
        return error_no_memory(error);
    if (config_kind(settings.global) != CONFIG_MAPPING)
        return config_wrong(config_root(config), error, "this has no section [global]");
    return read_server_name(&settings, error) != 0 || read_listener(&settings, error) != 0
               ? -1
               : read_secrets(&settings, error);
}

static int
read_toml(const struct config_place *place, struct found *found, int *absent,
    struct error *error)
{
    char here[PATH_MAX];
    struct config *config = config_place_read_toml(place, place->file, here, absent, error);
    int result;

    if (config == NULL)
        return *absent ? 0 : -1;
    list_add(&found->files, "%s", here);
    result = read_settings(config, place, found, error);
    config_free(config);
    return result;
}

const struct discovery_source family_toml_tuwunel = {
    .server = SERVER_TUWUNEL,
    .places = places_of_tuwunel,
    .containers = containers_of_tuwunel,
    .container_file = "/etc/tuwunel/tuwunel.toml",
    .container_port = CONTAINER_PORT,
    .read = read_toml,
};

const struct discovery_source family_toml_continuwuity = {
    .server = SERVER_CONTINUWUITY,
    .places = places_of_continuwuity,
    .containers = containers_of_continuwuity,
    .container_file = "/etc/continuwuity/continuwuity.toml",
    .container_port = CONTAINER_PORT,
    .read = read_toml,
};

const struct discovery_source family_toml_conduit = {
    .server = SERVER_CONDUIT,
    .places = places_of_conduit,
    .containers = containers_of_conduit,
    .container_file = "/etc/matrix-conduit/conduit.toml",
    .container_port = CONTAINER_PORT,
    .read = read_toml,
};
