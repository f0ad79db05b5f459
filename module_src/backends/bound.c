/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/bound.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/probe.h"

/* Whether an address is one of this machine's, which is where a socket may be
 * bound to it. */
static bool
is_of_this_machine(const char *address)
{
    struct sockaddr_storage name;
    socklen_t length = probe_socket_address(address, 0, &name);
    int opened = length == 0 ? -1 : socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = opened >= 0 && bind(opened, (struct sockaddr *)&name, length) == 0;

    if (opened >= 0)
        close(opened);
    return bound;
}

/* How a bind address is reached from this machine, NULL: as it is written. */
static const struct {
    const char *bound;
    const char *reached;
} everywhere[] = {
    {"", "127.0.0.1"},
    {"0.0.0.0", "127.0.0.1"},
    {"::", "::1"},
    {"localhost", "127.0.0.1"},
};

/* The address to connect to for one that is bound, if it is one of ours. */
static bool
reach(const char *bound, char address[ROUTE_ADDRESS_SIZE])
{
    struct probe_addresses one = {0};

    for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
        if (strcmp(bound, everywhere[i].bound) == 0)
            bound = everywhere[i].reached;
    if (!probe_add(&one, bound) || !is_of_this_machine(one.items[0]))
        return false;
    memcpy(address, one.items[0], ROUTE_ADDRESS_SIZE);
    return true;
}

void
bound_consider(char address[ROUTE_ADDRESS_SIZE], const char *bound)
{
    char reached[ROUTE_ADDRESS_SIZE];

    if (reach(bound, reached) &&
        (address[0] == '\0' || (strchr(address, ':') != NULL && strchr(reached, ':') == NULL)))
        memcpy(address, reached, sizeof(reached));
}
