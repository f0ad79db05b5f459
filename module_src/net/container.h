/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way to a port of a container that publishes none: its address on a bridge
 * of this host, the host's loopback for host networking, and where neither
 * leads there, the inside of its network namespace.
 */
#ifndef REGISTRAR_NET_CONTAINER_H
#define REGISTRAR_NET_CONTAINER_H

#include "net/engine.h"
#include "net/route.h"

struct container {
    const char *name; /* or id */
    struct engine_options engine;
    char where[300]; /* "container NAME", for route_finder.where */
};

/* Sets where from name. */
void container_init(struct container *container, const char *name,
    const struct engine_options *engine);

/*
 * route_finder.find, with a struct container as its context. Errors: unreachable
 * (no such container, not running, nobody listens: each says what to start
 * and where to look), and those of engine_inspect.
 */
int container_find(const void *context, const struct url *url, struct route *route,
    struct error *error);

/*
 * Looks at a container that is to be there and to run; found is for
 * engine_container_free in any case. Errors as of container_find.
 */
int container_inspect(const struct engine_options *options, const char *name,
    struct engine_container *found, struct error *error);

/*
 * Records that there is no such container (NULL), or that it does not run
 * (status, the engine's word for it): unreachable, with what to do. Always -1.
 */
int container_missing(const char *name, const char *status, struct error *error);

#endif
