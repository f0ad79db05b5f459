/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a container engine says of a container, over its API's socket. Docker
 * and Podman answer GET /containers/NAME/json alike (Docker Engine API,
 * "Inspect a container"; Podman serves it as its compatible API). Of the reply
 * only the state, addresses, a process id and mount points are believed, and
 * they are checked first.
 */
#ifndef REGISTRAR_NET_ENGINE_H
#define REGISTRAR_NET_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "net/probe.h"

/* Which engines are asked. */
struct engine_options {
    /* The one socket to ask, whoever serves it; NULL: root's own engines for
     * root, the user's own for others, if root or the user serves them. */
    const char *socket;
    bool own_only;   /* root or the user must serve the named one, too */
    long timeout_ms; /* for one request */
};

/* A part of the host's file system that the container has. */
struct engine_mount {
    char *source;      /* absolute, on the host */
    char *destination; /* absolute, in the container */
};

/* Of the path of a Unix socket, with its NUL (Linux: unix(7)). */
#define ENGINE_SOCKET_SIZE 108

struct engine_container {
    bool running;
    char status[32]; /* the engine's word when it does not run: "exited" */
    long pid;        /* of its first process, 0 when it does not run */
    bool has_host_network;
    char shares_network_of[128]; /* another container's id, or "" */
    struct probe_addresses addresses;
    struct engine_mount *mounts;
    size_t mount_count;
    char socket[ENGINE_SOCKET_SIZE]; /* of the engine that has it */
};

enum engine_answer {
    ENGINE_HAS_IT,
    ENGINE_HAS_NOT, /* an engine answered, and has no such container */
    ENGINE_NONE,    /* there is no engine to ask */
};

/*
 * Looks a container up by its name or id, in each engine until one has it;
 * container is for engine_container_free in any case. Errors: invalid (no name
 * that a container can have), unreachable, forbidden (the socket may not be
 * used, or is somebody else's), protocol (no engine's answer), server, memory.
 */
int engine_inspect(const struct engine_options *options, const char *name,
    struct engine_container *container, enum engine_answer *answer, struct error *error);

void engine_container_free(struct engine_container *container);

/* Whether there is a socket of an engine to ask, whatever it would say. */
bool engine_is_there(const struct engine_options *options);

/* Where engines are looked for, "/run/docker.sock or ...", for messages. */
void engine_places(const struct engine_options *options, char *buffer, size_t size);

#endif
