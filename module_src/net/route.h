/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a client really connects, when that is not the host of its URL: what
 * the URL says stays the Host header and the name in the certificate.
 */
#ifndef REGISTRAR_NET_ROUTE_H
#define REGISTRAR_NET_ROUTE_H

#include <netinet/in.h>

#include "base/error.h"
#include "net/url.h"

/* A literal address, with its NUL. */
#define ROUTE_ADDRESS_SIZE INET6_ADDRSTRLEN

struct route {
    char address[ROUTE_ADDRESS_SIZE]; /* IPv4 or IPv6, without brackets */
    int network_namespace; /* where the socket is opened; -1: where we are */
};

/* Who knows the way to a server that has no fixed address. */
struct route_finder {
    /*
     * Fills route, whose namespace the caller closes, with what leads to the
     * port of url now. It is asked anew when the way it showed leads nowhere
     * any more. Errors: unreachable (it may help to ask later), others.
     */
    int (*find)(const void *context, const struct url *url, struct route *route,
        struct error *error);
    const void *context;
    const char *where; /* "container matrix-synapse": what the way leads into */
};

#endif
