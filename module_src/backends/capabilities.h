/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What works where: one table, option by server. It generates the refusals
 * and the documentation's table (docs/what-works-where.md).
 */
#ifndef REGISTRAR_BACKENDS_CAPABILITIES_H
#define REGISTRAR_BACKENDS_CAPABILITIES_H

#include <stddef.h>

#include "base/error.h"

/* A column of the table. */
enum server {
    SERVER_SYNAPSE,
    SERVER_DENDRITE,
    SERVER_MAS, /* Matrix Authentication Service, in front of a Synapse */
    SERVER_TUWUNEL,
    SERVER_CONTINUWUITY,
    SERVER_CONDUIT,
    SERVERS /* how many there are; not a server */
};

#define SERVER_BIT(server) (1u << (server))

struct capability {
    const char *option; /* as in the documentation: "admin" */
    unsigned servers;   /* SERVER_BITs of those that can */
};

extern const struct capability capabilities_table[];
extern const size_t capabilities_count;

/* "synapse": the value of `backend` that stands for the server. */
const char *capabilities_server_name(enum server server);

/*
 * Refuses an option that the server cannot serve, naming those that can.
 * table and count: capabilities_table, or a test's own.
 */
int capabilities_require(const struct capability *table, size_t count, enum server server,
    const char *option, struct error *error);

#endif
