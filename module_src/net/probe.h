/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of several addresses takes connections. */
#ifndef REGISTRAR_NET_PROBE_H
#define REGISTRAR_NET_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "net/route.h"

/* Literal addresses, in the order of preference. */
#define PROBE_ADDRESSES_MOST 16
struct probe_addresses {
    char items[PROBE_ADDRESSES_MOST][ROUTE_ADDRESS_SIZE];
    size_t count;
};

/*
 * Adds an address in its canonical form; one that is no IPv4 or IPv6 address,
 * that is there already or for which there is no room is left out. True when it
 * is an address.
 */
bool probe_add(struct probe_addresses *addresses, const char *text);

/*
 * Connects to the port of all of them at once, inside a network namespace
 * (net/namespace.h) or, with -1, where we are, for timeout_ms at most. Returns
 * the index of the first in order that took the connection, which is closed
 * again, or -1 when none did.
 */
int probe_connect(const struct probe_addresses *addresses, long port,
    int network_namespace, long timeout_ms);

/* Fills a socket address from a literal. Returns its length, 0: no address. */
struct sockaddr_storage;
unsigned probe_socket_address(const char *address, long port,
    struct sockaddr_storage *socket_address);

#endif
