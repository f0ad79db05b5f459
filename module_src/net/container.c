/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/container.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/namespace.h"
#include "net/probe.h"

/* How long an address of this host's own bridges may take to answer; and how
 * long where there is another way, since some answer never. */
#define PROBE_MS 2000
#define PROBE_BRIEFLY_MS 500

/* A shorter text of these digits may be a name. */
#define ID_SHORTEST 12

void
container_init(struct container *container, const char *name,
    const struct engine_options *engine)
{
    container->name = name;
    container->engine = *engine;
    snprintf(container->where, sizeof(container->where), "container %.255s", name);
}

static bool
looks_like_an_id(const char *name)
{
    size_t length = strlen(name);

    return length >= ID_SHORTEST && strspn(name, "0123456789abcdef") == length;
}

int
container_missing(const char *name, const char *status, struct error *error)
{
    char state[100];

    if (status != NULL)
        snprintf(state, sizeof(state), "is there, but does not run (%s)",
            *status != '\0' ? status : "stopped");
    else
        snprintf(state, sizeof(state), "is not there (many are removed when they stop)");
    if (status != NULL && strcmp(status, "paused") == 0)
        return error_set(error, ERROR_UNREACHABLE,
            "the container %s is paused; let it go on (docker unpause, podman unpause)", name);
    if (looks_like_an_id(name))
        return error_set(error, ERROR_UNREACHABLE,
            "the container %s %s; start it, or name the one that runs", name, state);
    return error_set(error, ERROR_UNREACHABLE,
        "the container %s %s; start it, by its systemd unit for instance (systemctl start "
        "%s), and see in the log why it ended (journalctl -u %s)",
        name, state, name, name);
}

int
container_inspect(const struct engine_options *options, const char *name,
    struct engine_container *found, struct error *error)
{
    enum engine_answer answer;
    char places[400];

    if (engine_inspect(options, name, found, &answer, error) != 0)
        return -1;
    if (answer == ENGINE_HAS_IT && found->running)
        return 0;
    if (answer != ENGINE_NONE)
        return container_missing(name, answer == ENGINE_HAS_NOT ? NULL : found->status, error);
    engine_places(options, places, sizeof(places));
    return error_set(error, ERROR_UNREACHABLE,
        "there is no container engine to ask about %s at %s; %sstart it, or name its API's "
        "socket with container_socket",
        name, places,
        geteuid() != 0 ? "the one of root is asked when root runs this (become); " : "");
}

/* A container in another's network has that one's addresses. */
static int
add_shared(const struct container *container, struct engine_container *found,
    struct error *error)
{
    struct engine_container other = {0};
    struct error failure = {0};

    if (found->shares_network_of[0] == '\0')
        return 0;
    if (container_inspect(&container->engine, found->shares_network_of, &other, &failure) == 0) {
        found->has_host_network = other.has_host_network;
        for (size_t i = 0; i < other.addresses.count; i++)
            probe_add(&found->addresses, other.addresses.items[i]);
    }
    engine_container_free(&other);
    /* Its own namespace still is a way. */
    return failure.kind == ERROR_MEMORY ? error_no_memory(error) : 0;
}

static void
add_loopback(struct probe_addresses *addresses)
{
    probe_add(addresses, "127.0.0.1");
    probe_add(addresses, "::1");
}

static void
take_route(struct route *route, const struct probe_addresses *addresses, int index,
    int network_namespace)
{
    memcpy(route->address, addresses->items[index], sizeof(route->address));
    route->network_namespace = network_namespace;
}

/* "172.18.0.2, fd00::2" */
static void
list_addresses(char *buffer, size_t size, const struct probe_addresses *addresses)
{
    size_t length = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < addresses->count && length + ROUTE_ADDRESS_SIZE + 2 < size; i++)
        length += (size_t)snprintf(buffer + length, size - length, "%s%s",
            i > 0 ? ", " : "", addresses->items[i]);
}

static int
nobody_listens(const struct container *container, const struct url *url,
    const struct probe_addresses *addresses, const char *inside, struct error *error)
{
    char tried[300];

    list_addresses(tried, sizeof(tried), addresses);
    return error_set(error, ERROR_UNREACHABLE,
        "the container %s runs, but nothing takes connections on its port %ld (tried: %s%s); "
        "it may still be starting, or listen on another port: see its log (journalctl -u %s)",
        container->name, url->port, *tried != '\0' ? tried : "it has no address here", inside,
        container->name);
}

/* From within; only root may go there. */
static int
look_inside(const struct container *container, const struct url *url,
    const struct engine_container *found, struct route *route, struct error *error)
{
    struct probe_addresses within = {0};
    struct error failure = {0};
    int descriptor, same, index;

    if (namespace_open(found->pid, &descriptor, &same, &failure) != 0)
        return nobody_listens(container, url, &found->addresses,
            failure.kind == ERROR_FORBIDDEN ? "; from inside it, root could try more" : "",
            error);
    add_loopback(&within);
    for (size_t i = 0; i < found->addresses.count; i++)
        probe_add(&within, found->addresses.items[i]);
    index = same ? -1 : probe_connect(&within, url->port, descriptor, PROBE_MS);
    if (index >= 0) {
        take_route(route, &within, index, descriptor);
        return 0;
    }
    close(descriptor);
    return nobody_listens(container, url, &found->addresses,
        same ? "" : "; and from inside it, its loopback", error);
}

int
container_find(const void *context, const struct url *url, struct route *route,
    struct error *error)
{
    const struct container *container = context;
    struct engine_container found = {0};
    int index;
    int result = -1;

    if (container_inspect(&container->engine, container->name, &found, error) != 0 ||
        add_shared(container, &found, error) != 0)
        goto out;
    if (found.has_host_network) {
        found.addresses.count = 0;
        add_loopback(&found.addresses);
    }
    index = probe_connect(&found.addresses, url->port, -1,
        geteuid() == 0 ? PROBE_BRIEFLY_MS : PROBE_MS);
    if (index >= 0) {
        take_route(route, &found.addresses, index, -1);
        result = 0;
    } else {
        result = look_inside(container, url, &found, route, error);
    }
out:
    engine_container_free(&found);
    return result;
}
