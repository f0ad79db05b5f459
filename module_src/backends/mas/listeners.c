/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/bound.h"
#include "base/memory.h"
#include "net/url.h"

/* What MAS has where its configuration does not say (HttpConfig's Default). */
#define DEFAULT_BIND "::"
#define DEFAULT_PORT 8080

/* How a listener is reached, the best last. */
enum reach { REACH_NONE, REACH_TLS, REACH_SOCKET, REACH_PLAIN };

/* The best of what one listener binds. */
struct listener {
    enum reach reach;
    long long port;
    const char *path;                 /* REACH_SOCKET */
    char address[ROUTE_ADDRESS_SIZE]; /* of this machine; "" inside a container */
    char prefix[100];                 /* "" or "/auth" */
    bool has_oauth;
    bool has_compat;
    bool has_admin;
};

/* One of its binds. */
struct bind {
    const char *path;
    char host[100]; /* "": everywhere */
    long long port; /* 0: unknown */
};

static bool
has_resource(const struct config_value *listener, const char *name)
{
    const struct config_value *resources = config_get(listener, "resources");

    for (size_t i = 0; i < config_count(resources); i++) {
        const struct config_value *one = config_get(config_item(resources, i), "name");
        struct error ignored = {0};
        const char *text = NULL;

        if (config_kind(one) == CONFIG_TEXT && config_text(one, "", &text, &ignored) == 0 &&
            strcmp(text, name) == 0)
            return true;
    }
    return false;
}

/* "[::]:8080" or "localhost:8080" */
static int
split_address(struct bind *bind, const struct config_value *value, const char *address,
    struct error *error)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - address);
    size_t digits = colon == NULL ? 0 : strlen(colon + 1);

    if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    if (digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") != digits ||
        length >= sizeof(bind->host))
        return config_wrong(value, error,
            "address is no host and port, such as [::]:8080 or 127.0.0.1:8080");
    memcpy(bind->host, address, length);
    bind->host[length] = '\0';
    bind->port = strtol(colon + 1, NULL, 10);
    return 0;
}

/* In the order in which MAS tells its kinds of binds apart. */
static int
read_bind(struct bind *bind, const struct config_value *value, struct error *error)
{
    const char *host = NULL, *address = NULL;

    *bind = (struct bind){0};
    if (config_text(config_get(value, "host"), "host", &host, error) != 0 ||
        config_integer(config_get(value, "port"), "port", &bind->port, error) != 0 ||
        config_text(config_get(value, "address"), "address", &address, error) != 0 ||
        config_text(config_get(value, "socket"), "socket", &bind->path, error) != 0)
        return -1;
    if (bind->port != 0)
        snprintf(bind->host, sizeof(bind->host), "%s", host == NULL ? "" : host);
    else if (address != NULL && split_address(bind, value, address, error) != 0)
        return -1;
    if (bind->port < 0 || bind->port > 65535)
        return config_wrong(value, error, "a listener's port is from 1 to 65535");
    if (bind->port != 0)
        bind->path = NULL;
    return 0;
}

/* Takes a bind that is better than what there is. */
static void
consider(struct listener *listener, const struct bind *bind, bool tls,
    const struct config_place *place)
{
    enum reach reach = bind->path != NULL ? (tls ? REACH_NONE : REACH_SOCKET)
                       : bind->port == 0  ? REACH_NONE
                       : tls              ? REACH_TLS
                                          : REACH_PLAIN;
    char address[ROUTE_ADDRESS_SIZE] = "";
    bool is_other = reach > listener->reach;

    if (reach == REACH_NONE || reach < listener->reach)
        return;
    if (!is_other)
        memcpy(address, listener->address, sizeof(address));
    if (bind->path == NULL && place->mounts == NULL) {
        bound_consider(address, bind->host);
        if (address[0] == '\0' || (!is_other && strcmp(address, listener->address) == 0))
            return;
    } else if (!is_other) {
        return;
    }
    listener->reach = reach;
    listener->port = bind->port;
    listener->path = bind->path;
    memcpy(listener->address, address, sizeof(address));
}

/* MAS takes "/auth", "/auth/" and "/" alike. */
static int
read_prefix(struct listener *listener, const struct config_value *value, struct error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~/";
    const char *prefix = NULL;
    size_t length;

    if (config_text(value, "prefix", &prefix, error) != 0)
        return -1;
    if (prefix == NULL)
        return 0;
    prefix += strspn(prefix, "/");
    for (length = strlen(prefix); length > 0 && prefix[length - 1] == '/';)
        length--;
    if (strspn(prefix, allowed) < length || length + 2 > sizeof(listener->prefix))
        return config_wrong(value, error, "prefix is no path such as /auth");
    snprintf(listener->prefix, sizeof(listener->prefix), "%s%.*s", length > 0 ? "/" : "",
        (int)length, prefix);
    return 0;
}

static int
read_listener(struct listener *listener, const struct config_value *value,
    const struct config_place *place, struct error *error)
{
    const struct config_value *binds = config_get(value, "binds");
    bool tls = config_kind(config_get(value, "tls")) != CONFIG_NULL;
    bool proxied = false;

    *listener = (struct listener){
        .has_oauth = has_resource(value, "oauth"),
        .has_compat = has_resource(value, "compat"),
        .has_admin = has_resource(value, "adminapi"),
    };
    if (!listener->has_oauth && !listener->has_admin)
        return 0;
    if (config_kind(binds) != CONFIG_SEQUENCE)
        return config_wrong(value, error, "a listener's binds are a list");
    if (config_boolean(config_get(value, "proxy_protocol"), "proxy_protocol", &proxied,
            error) != 0 ||
        read_prefix(listener, config_get(value, "prefix"), error) != 0)
        return -1;
    for (size_t i = 0; !proxied && i < config_count(binds); i++) {
        struct bind bind;

        if (read_bind(&bind, config_item(binds, i), error) != 0)
            return -1;
        consider(listener, &bind, tls, place);
    }
    return 0;
}

/* Both of these: one client, and one connection, does for all. */
static int
rank_oauth(const struct listener *one)
{
    if (!one->has_oauth || one->reach == REACH_NONE)
        return 0;
    return (int)one->reach + (one->has_compat ? 8 : 0) + (one->has_admin ? 4 : 0);
}

static int
rank_admin(const struct listener *one, const struct listener *oauth)
{
    bool is_same = one->has_oauth && oauth->reach == one->reach && oauth->port == one->port &&
                   strcmp(oauth->prefix, one->prefix) == 0;

    if (!one->has_admin || one->reach == REACH_NONE)
        return 0;
    return (int)one->reach + (is_same ? 4 : 0);
}

/* The host that the certificate has: users reach MAS by it. */
static int
host_of_certificate(const struct found_mas *found, const char *otherwise, char *host,
    size_t size, struct error *error)
{
    struct url url;

    snprintf(host, size, "%s", otherwise);
    if (found->public_base == NULL || strncmp(found->public_base, "https:", 6) != 0)
        return 0;
    if (url_parse(&url, found->public_base, error) != 0)
        return -1;
    snprintf(host, size, "%s", url.host);
    url_free(&url);
    return 0;
}

static int
write_url(struct found_listener *into, const struct listener *from, const char *scheme,
    const char *host, struct error *error)
{
    bool is_bare = strchr(host, ':') != NULL && host[0] != '[';

    return found_text(&into->url, error, "%s://%s%s%s:%lld%s", scheme, is_bare ? "[" : "", host,
        is_bare ? "]" : "", from->port, from->prefix);
}

static int
take_socket(struct found_listener *into, const struct listener *from,
    const struct config_place *place, struct error *error)
{
    char here[PATH_MAX];

    if (config_place_path(place, from->path, here, error) != 0 ||
        found_text(&into->unix_socket, error, "%s", here) != 0)
        return -1;
    return found_text(&into->url, error, "http://localhost%s", from->prefix);
}

static int
take(struct found_listener *into, const struct listener *from, const struct found_mas *found,
    const struct config_place *place, struct error *error)
{
    const char *host = place->mounts != NULL ? place->container : from->address;
    char name[300];

    switch (from->reach) {
    case REACH_NONE:
        return 0;
    case REACH_SOCKET:
        return take_socket(into, from, place, error);
    case REACH_PLAIN:
        return write_url(into, from, "http", host, error);
    case REACH_TLS:
        break;
    }
    if (host_of_certificate(found, host, name, sizeof(name), error) != 0 ||
        (place->mounts == NULL && found_text(&into->address, error, "%s", host) != 0))
        return -1;
    return write_url(into, from, "https", name, error);
}

/* One that can be no base is left out: nothing is sent there. */
static int
read_public_base(const struct config_value *http, struct found_mas *found,
    struct error *error)
{
    const char *text = NULL;
    struct error unusable = {0};
    struct url url;
    int result;

    if (config_text(config_get(http, "public_base"), "public_base", &text, error) != 0)
        return -1;
    if (text == NULL)
        return 0;
    if (url_parse(&url, text, &unusable) != 0)
        return unusable.kind == ERROR_MEMORY ? error_no_memory(error) : 0;
    result = found_text(&found->public_base, error, "%s", url.base);
    url_free(&url);
    return result;
}

/* MAS's own two, of which the other one has only its health. */
static void
take_default(struct listener *oauth, const struct config_place *place)
{
    const struct bind bind = {.host = DEFAULT_BIND, .port = DEFAULT_PORT};

    *oauth = (struct listener){.has_oauth = true, .has_compat = true};
    consider(oauth, &bind, false, place);
}

int
listeners_choose(const struct config_value *http, const struct config_place *place,
    struct found_mas *found, struct error *error)
{
    const struct config_value *all = config_get(http, "listeners");
    struct listener oauth = {0}, admin = {0}, one;

    if (config_kind(http) != CONFIG_NULL && config_kind(http) != CONFIG_MAPPING)
        return config_wrong(http, error, "http is no section");
    if (config_kind(all) != CONFIG_NULL && config_kind(all) != CONFIG_SEQUENCE)
        return config_wrong(all, error, "listeners is not a list");
    if (read_public_base(http, found, error) != 0)
        return -1;
    if (config_kind(http) == CONFIG_NULL)
        take_default(&oauth, place);
    for (size_t i = 0; i < config_count(all); i++) {
        if (read_listener(&one, config_item(all, i), place, error) != 0)
            return -1;
        if (rank_oauth(&one) > rank_oauth(&oauth))
            oauth = one;
    }
    for (size_t i = 0; i < config_count(all); i++) {
        if (read_listener(&one, config_item(all, i), place, error) != 0)
            return -1;
        if (rank_admin(&one, &oauth) > rank_admin(&admin, &oauth))
            admin = one;
    }
    if (take(&found->oauth, &oauth, found, place, error) != 0)
        return -1;
    return take(&found->admin, &admin, found, place, error);
}
