/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net/engine_reply.h: whatever an engine answers, what is believed of it is
 * within the bounds that its users rely on.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "net/engine_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
check(bool is_so)
{
    if (!is_so)
        abort();
}

/* Nobody is led to this machine's own loopback, or to everybody. */
static void
check_address(const char *text)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, text, &four) == 1) {
        unsigned first = ntohl(four.s_addr) >> 24;

        check(first != 0 && first != 127 && first < 224);
        return;
    }
    check(inet_pton(AF_INET6, text, &six) == 1);
    check(!IN6_IS_ADDR_LOOPBACK(&six) && !IN6_IS_ADDR_UNSPECIFIED(&six));
    check(!IN6_IS_ADDR_MULTICAST(&six) && !IN6_IS_ADDR_V4MAPPED(&six));
}

static void
check_path(const char *path)
{
    check(path[0] == '/' && strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
    check(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static void
check_container(const struct engine_container *container)
{
    check(container->running ? container->pid > 1 : container->pid == 0);
    check(strlen(container->status) < sizeof(container->status));
    check(strlen(container->shares_network_of) < sizeof(container->shares_network_of));
    check(container->addresses.count <= PROBE_ADDRESSES_MOST);
    check(container->mount_count <= ENGINE_REPLY_MOUNTS_MOST);
    for (size_t i = 0; i < container->addresses.count; i++)
        check_address(container->addresses.items[i]);
    for (size_t i = 0; i < container->mount_count; i++) {
        check_path(container->mounts[i].source);
        check_path(container->mounts[i].destination);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct engine_container container = {0};
    struct error error = {0};
    json_t *body;

    json_set_alloc_funcs(memory_allocate, memory_free);
    body = json_loadb((const char *)bytes, length, 0, NULL);
    if (engine_reply_read(body, &container, &error) == 0)
        check_container(&container);
    else
        check(error.kind == ERROR_PROTOCOL);
    engine_container_free(&container);
    json_decref(body);
    return 0;
}
