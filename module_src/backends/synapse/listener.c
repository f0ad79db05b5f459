/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/listener.h"

#include <stdio.h>
#include <string.h>

#include "backends/bound.h"
#include "base/memory.h"
#include "net/url.h"

/* One listener that serves clients. */
struct listener {
    const struct config_value *value;
    long long port;           /* 0: it has a path */
    const char *path;
    bool tls;
    char address[ROUTE_ADDRESS_SIZE]; /* of this machine; "" inside a container */
};

static bool
has_text(const struct config_value *sequence, const char *text)
{
    for (size_t i = 0; i < config_count(sequence); i++) {
        const struct config_value *item = config_item(sequence, i);
        const char *found = NULL;
        struct error ignored = {0};

        if (config_kind(item) == CONFIG_TEXT &&
            config_text(item, "", &found, &ignored) == 0 && strcmp(found, text) == 0)
            return true;
    }
    return false;
}

/* True for "type: http" with a resource called "client". */
static bool
serves_clients(const struct config_value *listener)
{
    const struct config_value *resources = config_get(listener, "resources");
    const struct config_value *type = config_get(listener, "type");
    struct error ignored = {0};
    const char *text = NULL;

    if (config_kind(resources) != CONFIG_SEQUENCE || config_kind(type) != CONFIG_TEXT ||
        config_text(type, "type", &text, &ignored) != 0 || strcmp(text, "http") != 0)
        return false;
    for (size_t i = 0; i < config_count(resources); i++)
        if (has_text(config_get(config_item(resources, i), "names"), "client"))
            return true;
    return false;
}

/* One of bind_addresses and bind_address; both missing is everywhere. */
static int
choose_address(struct listener *listener, struct error *error)
{
    const struct config_value *many = config_get(listener->value, "bind_addresses");
    const char *one = NULL;

    if (config_text(config_get(listener->value, "bind_address"), "bind_address", &one,
            error) != 0)
        return -1;
    if (config_kind(many) != CONFIG_NULL && config_kind(many) != CONFIG_SEQUENCE)
        return config_wrong(many, error, "bind_addresses is not a list");
    for (size_t i = 0; i < config_count(many); i++) {
        const char *bound = NULL;

        if (config_text(config_item(many, i), "a bind address", &bound, error) != 0)
            return -1;
        if (bound != NULL)
            bound_consider(listener->address, bound);
    }
    if (one != NULL && *one != '\0')
        bound_consider(listener->address, one);
    else if (config_count(many) == 0)
        bound_consider(listener->address, "0.0.0.0");
    return 0;
}

static int
read_listener(struct listener *listener, const struct config_place *place,
    struct error *error)
{
    const struct config_value *value = listener->value;

    if (config_integer(config_get(value, "port"), "port", &listener->port, error) != 0 ||
        config_text(config_get(value, "path"), "path", &listener->path, error) != 0 ||
        config_boolean(config_get(value, "tls"), "tls", &listener->tls, error) != 0)
        return -1;
    if (listener->path != NULL && *listener->path == '\0')
        listener->path = NULL;
    if ((listener->port == 0) == (listener->path == NULL))
        return config_wrong(value, error, "a listener has either a port or a path");
    if (listener->port < 0 || listener->port > 65535)
        return config_wrong(value, error, "a listener's port is from 1 to 65535");
    if (listener->path != NULL || place->mounts != NULL)
        return 0;
    return choose_address(listener, error);
}

/* 0: of no use from here. */
static int
rank(const struct listener *listener, const struct config_place *place, bool no_tls)
{
    if (listener->path != NULL)
        return 2;
    if (place->mounts == NULL && listener->address[0] == '\0')
        return 0;
    if (listener->tls)
        return no_tls ? 0 : 1;
    return 3;
}

/* The name that the certificate has: users reach the server by it. */
static int
name_of_certificate(const struct listener_settings *settings, const struct found *found,
    char *name, size_t size, struct error *error)
{
    const char *public_baseurl = NULL;
    struct url url;
    struct error unusable = {0};

    if (config_text(settings->public_baseurl, "public_baseurl", &public_baseurl, error) != 0)
        return -1;
    if (public_baseurl != NULL && strncmp(public_baseurl, "https://", 8) == 0 &&
        url_parse(&url, public_baseurl, &unusable) == 0) {
        snprintf(name, size, "%s", url.host);
        url_free(&url);
        return 0;
    }
    if (unusable.kind == ERROR_MEMORY)
        return error_no_memory(error);
    snprintf(name, size, "%s", found->server_name);
    /* The server name may have a port; an IPv6 address has its brackets. */
    if (strrchr(name, ':') != NULL && strchr(strrchr(name, ':'), ']') == NULL)
        *strrchr(name, ':') = '\0';
    return 0;
}

static int
take_socket(const struct listener *listener, const struct config_place *place,
    struct found *found, struct error *error)
{
    char here[PATH_MAX];

    if (config_place_path(place, listener->path, here, error) != 0 ||
        found_text(&found->unix_socket, error, "%s", here) != 0)
        return -1;
    return found_text(&found->url, error, "http://localhost");
}

static int
take_port(const struct listener *listener, const struct config_place *place,
    const struct listener_settings *settings, struct found *found, struct error *error)
{
    const char *address = listener->address;
    char name[300];

    if (listener->tls) {
        if (name_of_certificate(settings, found, name, sizeof(name), error) != 0)
            return -1;
        if (place->mounts == NULL && found_text(&found->address, error, "%s", address) != 0)
            return -1;
        return found_text(&found->url, error, "https://%s:%lld", name, listener->port);
    }
    if (place->mounts != NULL)
        address = place->container;
    return found_text(&found->url, error,
        strchr(address, ':') != NULL ? "http://[%s]:%lld" : "http://%s:%lld", address,
        listener->port);
}

int
listener_choose(const struct listener_settings *settings, const struct config_place *place,
    const char *file, struct found *found, struct error *error)
{
    const struct config_value *all = settings->listeners;
    struct listener best = {0};
    int best_rank = 0;
    bool no_tls = false;

    if (config_boolean(settings->no_tls, "no_tls", &no_tls, error) != 0)
        return -1;
    if (config_kind(all) != CONFIG_NULL && config_kind(all) != CONFIG_SEQUENCE)
        return config_wrong(all, error, "listeners is not a list");
    for (size_t i = 0; i < config_count(all); i++) {
        struct listener one = {.value = config_item(all, i)};

        if (!serves_clients(one.value))
            continue;
        if (read_listener(&one, place, error) != 0)
            return -1;
        if (rank(&one, place, no_tls) > best_rank) {
            best_rank = rank(&one, place, no_tls);
            best = one;
        }
    }
    if (best_rank == 0)
        return error_set(error, ERROR_INVALID,
            "%s has no listener that serves clients (type http, with the resource client) at "
            "an address of this machine; give url",
            file);
    return best.path != NULL ? take_socket(&best, place, found, error)
                             : take_port(&best, place, settings, found, error);
}
