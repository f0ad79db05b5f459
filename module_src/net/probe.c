/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/stop.h"
#include "net/namespace.h"

unsigned
probe_socket_address(const char *address, long port, struct sockaddr_storage *socket_address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)socket_address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)socket_address;

    memset(socket_address, 0, sizeof(*socket_address));
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((in_port_t)port);
        return sizeof(*four);
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((in_port_t)port);
        return sizeof(*six);
    }
    return 0;
}

bool
probe_add(struct probe_addresses *addresses, const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char canonical[ROUTE_ADDRESS_SIZE];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    if (inet_pton(family, text, bytes) != 1)
        return false;
    inet_ntop(family, bytes, canonical, sizeof(canonical));
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->items[i], canonical) == 0)
            return true;
    if (addresses->count < PROBE_ADDRESSES_MOST)
        memcpy(addresses->items[addresses->count++], canonical, sizeof(canonical));
    return true;
}

static int
open_socket(int network_namespace, int family)
{
    int opened = namespace_socket(network_namespace, family, SOCK_STREAM, 0);

    if (opened >= 0 && fcntl(opened, F_SETFL, O_NONBLOCK) != 0) {
        close(opened);
        return -1;
    }
    return opened;
}

/* Begins a connection. A descriptor to poll, or -1: it cannot be. */
static int
begin(const char *address, long port, int network_namespace)
{
    struct sockaddr_storage to;
    socklen_t length = probe_socket_address(address, port, &to);
    int opened = length == 0 ? -1 : open_socket(network_namespace, to.ss_family);

    if (opened < 0)
        return -1;
    if (connect(opened, (struct sockaddr *)&to, length) == 0 || errno == EINPROGRESS)
        return opened;
    close(opened);
    return -1;
}

static bool
is_connected(int opened)
{
    int failure = 0;
    socklen_t length = sizeof(failure);

    return getsockopt(opened, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0;
}

/* Settles those that have an answer. True when some still have none. */
static bool
settle(struct pollfd *attempts, size_t count, int *connected)
{
    bool waiting = false;

    for (size_t i = 0; i < count; i++) {
        if (attempts[i].fd < 0)
            continue;
        if (attempts[i].revents == 0) {
            waiting = true;
            continue;
        }
        if (is_connected(attempts[i].fd) && (*connected < 0 || (int)i < *connected))
            *connected = (int)i;
        close(attempts[i].fd);
        attempts[i].fd = -1;
    }
    return waiting;
}

int
probe_connect(const struct probe_addresses *addresses, long port, int network_namespace,
    long timeout_ms)
{
    struct pollfd attempts[PROBE_ADDRESSES_MOST];
    long long end = stop_clock_ms() + timeout_ms;
    bool waiting = false;
    int connected = -1;

    for (size_t i = 0; i < addresses->count; i++) {
        attempts[i] = (struct pollfd){
            .fd = begin(addresses->items[i], port, network_namespace),
            .events = POLLOUT,
        };
        waiting |= attempts[i].fd >= 0;
    }
    while (waiting && connected < 0 && stop_signal() == 0) {
        long long left = end - stop_clock_ms();

        if (left <= 0 || poll(attempts, (nfds_t)addresses->count, (int)left) <= 0) {
            if (left > 0 && errno == EINTR)
                continue;
            break;
        }
        waiting = settle(attempts, addresses->count, &connected);
    }
    for (size_t i = 0; i < addresses->count; i++)
        if (attempts[i].fd >= 0)
            close(attempts[i].fd);
    return connected;
}
