/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/homeserver_yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/synapse/listener.h"
#include "base/config.h"
#include "base/memory.h"
#include "base/text.h"
#include "matrix/secret_file.h"
#include "matrix/user_id.h"

#define FILES_MOST 100

static const struct discovery_place places[] = {
    /* matrix-docker-ansible-deploy */
    {"/matrix/synapse/config/homeserver.yaml", NULL, "matrix-synapse"},
    /* Debian, and matrix.org's own packages: matrix-synapse.service names both */
    {"/etc/matrix-synapse/homeserver.yaml", "/etc/matrix-synapse/conf.d", NULL},
    /* Fedora, Arch Linux, Alpine */
    {"/etc/synapse/homeserver.yaml", NULL, NULL},
    {NULL, NULL, NULL},
};

/* matrix-docker-ansible-deploy; the documentation of Synapse's image */
static const char *const containers[] = {"matrix-synapse", "synapse", NULL};

/* The files of one configuration, merged as Synapse merges them: what a later
 * one has at its top replaces what an earlier one has there. */
struct files {
    struct config *items[FILES_MOST];
    size_t count;
};

/* The place in files of the one that counts for a setting; count: none has it. */
static size_t
file_of(const struct files *files, const char *key)
{
    for (size_t i = files->count; i > 0; i--)
        if (config_get(config_root(files->items[i - 1]), key) != NULL)
            return i - 1;
    return files->count;
}

static const struct config_value *
setting(const struct files *files, const char *key)
{
    size_t i = file_of(files, key);

    return i < files->count ? config_get(config_root(files->items[i]), key) : NULL;
}

static int
add_file(struct files *files, const struct config_place *place, const char *path,
    struct found *found, int *absent, struct error *error)
{
    char here[PATH_MAX];

    files->items[files->count] = config_place_read(place, path, here, absent, error);
    if (files->items[files->count] == NULL)
        return *absent ? 0 : -1;
    files->count++;
    list_add(&found->files, "%s", here);
    return 0;
}

/* Hidden files, too, and one that is called just that. */
static int
is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length >= 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int
by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static int
add_entry(struct files *files, const struct config_place *place, const char *name,
    struct found *found, struct error *error)
{
    char path[PATH_MAX];
    struct stat status;
    int absent;

    snprintf(path, sizeof(path), "%s/%s", place->folder, name);
    /* Synapse ignores what is no file. */
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    if (files->count == FILES_MOST)
        return error_set(error, ERROR_INVALID, "%s has more than %d files", place->folder,
            FILES_MOST - 1);
    return add_file(files, place, path, found, &absent, error);
}

static int
add_folder(struct files *files, const struct config_place *place, struct found *found,
    struct error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(place->folder, &entries, is_yaml, by_name);
    int result = 0;

    if (count < 0 && errno == ENOENT)
        return 0;
    if (count < 0)
        return error_set(error, ERROR_INVALID, "cannot read %s: %s%s", place->folder,
            strerror(errno),
            errno == EACCES ? "; who runs this must be able to (become)" : "");
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = add_entry(files, place, entries[i]->d_name, found, error);
        free(entries[i]); /* scandir's, not from base/memory.h */
    }
    free(entries);
    return result;
}

/* A text setting; *text is NULL where it is empty, as Synapse treats it. */
static int
text_setting(const struct files *files, const char *key, const char **text,
    struct error *error)
{
    *text = NULL;
    if (config_text(setting(files, key), key, text, error) != 0)
        return -1;
    if (*text != NULL && **text == '\0')
        *text = NULL;
    return 0;
}

static int
read_server_name(const struct files *files, struct found *found, struct error *error)
{
    const char *name;

    if (text_setting(files, "server_name", &name, error) != 0)
        return -1;
    if (name == NULL)
        return error_set(error, ERROR_INVALID, "%s has no server_name",
            found->files.items[0]);
    if (!user_id_server_name_is_valid(name))
        return config_wrong(setting(files, "server_name"), error,
            "server_name is no name that a server can have");
    return found_text(&found->server_name, error, "%s", name);
}

static int
read_secret_file(const struct files *files, const struct config_place *place,
    const char *path, struct found *found, struct error *error)
{
    static const char key[] = "registration_shared_secret_path";
    struct error failure = {0};
    char here[PATH_MAX];
    int absent;
    int file = config_place_open(place, path, here, &absent, &failure);
    int result;

    if (file < 0 && absent)
        return config_wrong(setting(files, key), error,
            "%s is a file that is not there; Synapse makes it when it starts", key);
    if (file < 0)
        return config_wrong(setting(files, key), error, "%s: %.800s", key, failure.text);
    result = secret_file_take(&found->shared_secret, file, here, key, error);
    close(file);
    return result == 0 ? found_text(&found->secret_from, error, "%s", here) : -1;
}

/* Inline or in a file, but not both (synapse/config/registration.py). */
static int
read_secret(const struct files *files, const struct config_place *place,
    struct found *found, struct error *error)
{
    static const char key[] = "registration_shared_secret";
    const struct config_value *value = setting(files, key);
    const char *inline_secret, *path;

    if (text_setting(files, key, &inline_secret, error) != 0 ||
        text_setting(files, "registration_shared_secret_path", &path, error) != 0)
        return -1;
    if (inline_secret != NULL && path != NULL)
        return config_wrong(value, error,
            "registration_shared_secret stands beside registration_shared_secret_path; "
            "Synapse takes one of them");
    if (path != NULL)
        return read_secret_file(files, place, path, found, error);
    if (inline_secret == NULL)
        return 0;
    if (secret_set(&found->shared_secret, inline_secret, strlen(inline_secret)) != 0)
        return error_no_memory(error);
    return found_text(&found->secret_from, error, "%s, line %zu",
        found->files.items[file_of(files, key)], config_line(value));
}

static int
text_argument(const struct config_value *arguments, const char *key, char **place,
    struct error *error)
{
    const char *text = NULL;

    if (config_text(config_get(arguments, key), key, &text, error) != 0)
        return -1;
    return text == NULL ? 0 : found_text(place, error, "%s", text);
}

/* What psycopg2 is told, which is what libpq is told (synapse/config/database.py);
 * SQLite has a file, which only Synapse may write to. */
static int
read_database(const struct files *files, const struct config_place *place,
    struct found_database *database, struct error *error)
{
    const struct config_value *arguments = config_get(setting(files, "database"), "args");
    const char *engine = NULL, *host = NULL, *password = NULL;
    long long port = 0;

    if (config_text(config_get(setting(files, "database"), "name"), "name", &engine, error) !=
        0)
        return -1;
    if (engine == NULL || strcmp(engine, "psycopg2") != 0)
        return 0;
    if (config_text(config_get(arguments, "host"), "host", &host, error) != 0 ||
        config_text(config_get(arguments, "password"), "password", &password, error) != 0 ||
        config_integer(config_get(arguments, "port"), "port", &port, error) != 0 ||
        text_argument(arguments, "dbname", &database->name, error) != 0 ||
        text_argument(arguments, "database", &database->name, error) != 0 ||
        text_argument(arguments, "user", &database->user, error) != 0 ||
        text_argument(arguments, "sslmode", &database->sslmode, error) != 0 ||
        text_argument(arguments, "sslrootcert", &database->ca_path, error) != 0)
        return -1;
    if (port < 0 || port > 65535)
        return config_wrong(config_get(arguments, "port"), error,
            "a port is from 1 to 65535");
    database->port = (long)port;
    if (password != NULL && secret_set(&database->password, password, strlen(password)) != 0)
        return error_no_memory(error);
    database->is_there = true;
    return found_take_host(database, place, host, error);
}

/* Its own section since 1.136, an experimental feature before. */
static int
read_delegation(const struct files *files, struct found *found, struct error *error)
{
    const struct config_value *features = setting(files, "experimental_features");
    const struct config_value *sections[] = {
        setting(files, "matrix_authentication_service"),
        config_get(features, "msc3861"),
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        bool enabled = false;

        if (config_boolean(config_get(sections[i], "enabled"), "enabled", &enabled, error) !=
            0)
            return -1;
        found->is_delegated |= enabled;
    }
    return 0;
}

static int
read_settings(const struct files *files, const struct config_place *place,
    struct found *found, struct error *error)
{
    const struct listener_settings listening = {
        .listeners = setting(files, "listeners"),
        .no_tls = setting(files, "no_tls"),
        .public_baseurl = setting(files, "public_baseurl"),
    };

    if (found->files.failed)
        return error_no_memory(error);
    /* synapse/config/server.py: it takes the place of listeners. */
    if (config_kind(setting(files, "bind_port")) != CONFIG_NULL)
        return config_wrong(setting(files, "bind_port"), error,
            "bind_port, which takes the place of listeners, is not read; give url");
    if (read_server_name(files, found, error) != 0 ||
        listener_choose(&listening, place, found->files.items[0], found, error) != 0 ||
        read_delegation(files, found, error) != 0)
        return -1;
    /* Who has another way does not need it. */
    if (read_database(files, place, &found->database, &found->database.trouble) != 0 &&
        found->database.trouble.kind == ERROR_MEMORY)
        return error_no_memory(error);
    if (read_secret(files, place, found, &found->secret_trouble) != 0 &&
        found->secret_trouble.kind == ERROR_MEMORY)
        return error_no_memory(error);
    return 0;
}

static int
read_homeserver_yaml(const struct config_place *place, struct found *found, int *absent,
    struct error *error)
{
    struct files files = {0};
    int result = add_file(&files, place, place->file, found, absent, error);

    if (result == 0 && !*absent && place->folder != NULL)
        result = add_folder(&files, place, found, error);
    if (result == 0 && !*absent)
        result = read_settings(&files, place, found, error);
    for (size_t i = 0; i < files.count; i++)
        config_free(files.items[i]);
    return result;
}

const struct discovery_source homeserver_yaml_source = {
    .server = SERVER_SYNAPSE,
    .places = places,
    .containers = containers,
    .container_file = "/data/homeserver.yaml",
    .read = read_homeserver_yaml,
};
