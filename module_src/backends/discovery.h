/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding a homeserver that nothing was said about: by its configuration, in a
 * running container of a well-known name or at the usual places of this
 * machine. Each backend says which those are and reads its own files.
 */
#ifndef REGISTRAR_BACKENDS_DISCOVERY_H
#define REGISTRAR_BACKENDS_DISCOVERY_H

#include <stdbool.h>

#include "backends/config_place.h"
#include "backends/found.h"
#include "net/engine.h"

/* A file that one way of installing a server has. */
struct discovery_place {
    const char *file;
    const char *folder;    /* more files of it, or NULL */
    const char *container; /* it is mounted into, or NULL */
};

/* What a backend knows of its configuration. */
struct discovery_source {
    enum server server;
    const struct discovery_place *places; /* up to one without a file */
    const char *const *containers;        /* well-known names, NULL-terminated */
    const char *container_file;           /* where it is inside of them */
    /* Where the server listens in a container of such a name that has no such file, its
     * settings being in its environment; 0: it is none of this server's then. */
    int container_port;

    /*
     * Reads the configuration at place into found, is_there and container
     * excepted; that its first file is absent is an answer (*absent). Errors:
     * invalid, with file and line and never with a value; memory, internal.
     */
    int (*read)(const struct config_place *place, struct found *found, int *absent,
        struct error *error);
};

struct discovery_options {
    const char *container; /* the only one to look into, or NULL */
    const char *mas_container; /* the same, for Matrix Authentication Service */
    struct engine_options engine;
    long long wait_timeout_ms; /* for a container that is still to come */
    bool waits_for_mas;        /* also for one that only MAS is in */
};

/*
 * Fills found, for found_free in any case. Errors: invalid (none, or more than
 * one; a configuration that cannot be used), unreachable (its container is not
 * there), those of engine_inspect and of a source's read.
 *
 * Of a homeserver that has handed its accounts to MAS, found->mas is looked for,
 * too. That there is none, or none that can be used (found->mas.trouble), is an
 * error only with mas_container.
 */
int discovery_run(const struct discovery_options *options, struct found *found,
    struct error *error);

/* Fills found->mas alone, the same way; found->server_name, if it is known, has to
 * be that of MAS's homeserver. */
int discovery_find_mas(const struct discovery_options *options, struct found *found,
    struct error *error);

#endif
