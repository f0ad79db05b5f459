/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/engine_reply.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Below PID_MAX_LIMIT (Linux: include/linux/threads.h); 1 is never a container's. */
#define PID_LEAST 2
#define PID_MOST 4194303

static int
wrong(const char *what, struct error *error)
{
    return error_set(error, ERROR_PROTOCOL, "its answer has no usable %s", what);
}

/* A word of the engine's for a message. */
static void
copy_word(char *buffer, size_t size, const json_t *word)
{
    const char *source = json_string_value(word);
    size_t length = 0;

    for (; source != NULL && isalpha((unsigned char)*source) && length + 1 < size; source++)
        buffer[length++] = *source;
    buffer[length] = '\0';
}

static int
read_state(const json_t *state, struct engine_container *container, struct error *error)
{
    const json_t *running = json_object_get(state, "Running");
    const json_t *pid = json_object_get(state, "Pid");
    bool halted = json_is_true(json_object_get(state, "Paused")) ||
                  json_is_true(json_object_get(state, "Restarting"));

    if (!json_is_boolean(running))
        return wrong("State.Running", error);
    copy_word(container->status, sizeof(container->status), json_object_get(state, "Status"));
    container->running = json_is_true(running) && !halted;
    if (!container->running)
        return 0;
    if (!json_is_integer(pid) || json_integer_value(pid) < PID_LEAST ||
        json_integer_value(pid) > PID_MOST)
        return wrong("State.Pid", error);
    container->pid = (long)json_integer_value(pid);
    return 0;
}

/* "host", "container:ID", or the name of a network. */
static int
read_mode(const json_t *mode, struct engine_container *container, struct error *error)
{
    static const char shared[] = "container:";
    const char *text = json_string_value(mode);
    const char *id;
    size_t length;

    if (text == NULL || strlen(text) != json_string_length(mode))
        return wrong("HostConfig.NetworkMode", error);
    container->has_host_network = strcmp(text, "host") == 0;
    if (strncmp(text, shared, sizeof(shared) - 1) != 0)
        return 0;
    id = text + sizeof(shared) - 1;
    length = strlen(id);
    if (length == 0 || length >= sizeof(container->shares_network_of))
        return wrong("HostConfig.NetworkMode", error);
    memcpy(container->shares_network_of, id, length + 1);
    return 0;
}

/* True for an address that one container on a network can have: none that is
 * this machine's own loopback, no group, and none that needs a scope. */
static bool
is_of_a_container(const char *text)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, text, &four) == 1) {
        unsigned first = ntohl(four.s_addr) >> 24;
        bool link_local = ntohl(four.s_addr) >> 16 == 0xa9fe;

        return first != 0 && first != 127 && first < 224 && !link_local;
    }
    return inet_pton(AF_INET6, text, &six) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&six) &&
           !IN6_IS_ADDR_LOOPBACK(&six) && !IN6_IS_ADDR_MULTICAST(&six) &&
           !IN6_IS_ADDR_LINKLOCAL(&six) && !IN6_IS_ADDR_V4MAPPED(&six) &&
           !IN6_IS_ADDR_V4COMPAT(&six);
}

/* An address may be missing, null or empty: there is none of its kind. */
static int
read_address(const json_t *network, const char *key, struct engine_container *container,
    struct error *error)
{
    const json_t *member = json_object_get(network, key);
    const char *text = json_string_value(member);

    if (member == NULL || json_is_null(member) || (text != NULL && *text == '\0'))
        return 0;
    if (text == NULL || strlen(text) != json_string_length(member) ||
        !is_of_a_container(text))
        return wrong(key, error);
    probe_add(&container->addresses, text);
    return 0;
}

/* IPv4 before IPv6: that is what homeservers' listeners have. */
static int
read_networks(const json_t *settings, struct engine_container *container,
    struct error *error)
{
    static const char *const keys[] = {"IPAddress", "GlobalIPv6Address"};
    json_t *networks = json_object_get(settings, "Networks");
    const char *name;
    json_t *network;

    if (!json_is_object(settings) ||
        (networks != NULL && !json_is_object(networks) && !json_is_null(networks)))
        return wrong("NetworkSettings", error);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        /* Of the default network, which older engines name only here. */
        if (read_address(settings, keys[i], container, error) != 0)
            return -1;
        json_object_foreach(networks, name, network)
        {
            if (!json_is_object(network))
                return wrong("NetworkSettings.Networks", error);
            if (read_address(network, keys[i], container, error) != 0)
                return -1;
        }
    }
    return 0;
}

/* Absolute, and without a way up or a repeated slash. */
static bool
is_plain_path(const json_t *member)
{
    const char *path = json_string_value(member);
    size_t length = path == NULL ? 0 : strlen(path);

    if (length == 0 || length >= PATH_MAX || length != json_string_length(member) ||
        path[0] != '/')
        return false;
    for (const char *slash = path; slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t part = strcspn(slash + 1, "/");

        if ((part == 1 && slash[1] == '.') ||
            (part == 2 && slash[1] == '.' && slash[2] == '.') ||
            (part == 0 && slash[1] == '/'))
            return false;
    }
    return true;
}

/* Whether it is a part of the host's files; memory and images are not. */
static bool
is_of_the_host(const json_t *mount)
{
    const char *type = json_string_value(json_object_get(mount, "Type"));

    return type != NULL && (strcmp(type, "bind") == 0 || strcmp(type, "volume") == 0);
}

static int
read_mount(const json_t *mount, struct engine_container *container, struct error *error)
{
    const json_t *source = json_object_get(mount, "Source");
    const json_t *destination = json_object_get(mount, "Destination");
    struct engine_mount *place = &container->mounts[container->mount_count];

    if (!json_is_object(mount))
        return wrong("Mounts", error);
    if (!is_of_the_host(mount))
        return 0;
    if (!is_plain_path(source) || !is_plain_path(destination))
        return wrong("Mounts", error);
    place->source = memory_copy_string(json_string_value(source));
    place->destination = memory_copy_string(json_string_value(destination));
    container->mount_count++;
    return place->source == NULL || place->destination == NULL ? error_no_memory(error) : 0;
}

static int
read_mounts(const json_t *mounts, struct engine_container *container, struct error *error)
{
    size_t count = json_array_size(mounts);

    if (mounts == NULL || json_is_null(mounts))
        return 0;
    if (!json_is_array(mounts) || count > ENGINE_REPLY_MOUNTS_MOST)
        return wrong("Mounts", error);
    container->mounts = memory_zeroed(count + 1, sizeof(*container->mounts));
    if (container->mounts == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++)
        if (read_mount(json_array_get(mounts, i), container, error) != 0)
            return -1;
    return 0;
}

int
engine_reply_read(const json_t *body, struct engine_container *container,
    struct error *error)
{
    if (!json_is_object(body))
        return error_set(error, ERROR_PROTOCOL, "its answer is not a JSON object");
    if (read_state(json_object_get(body, "State"), container, error) != 0 ||
        read_mode(json_object_get(json_object_get(body, "HostConfig"), "NetworkMode"),
            container, error) != 0 ||
        read_networks(json_object_get(body, "NetworkSettings"), container, error) != 0)
        return -1;
    return read_mounts(json_object_get(body, "Mounts"), container, error);
}
