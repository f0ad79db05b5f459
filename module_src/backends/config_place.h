/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a server's configuration stands: on this machine, or inside a container,
 * of which the mounts say where on this machine that is. The files inside are
 * the container's to write, so that no symbolic link is followed there: it
 * would lead somewhere else out here than in there.
 */
#ifndef REGISTRAR_BACKENDS_CONFIG_PLACE_H
#define REGISTRAR_BACKENDS_CONFIG_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/config.h"
#include "base/error.h"
#include "net/engine.h"

struct config_place {
    const char *file;      /* the first file, as the server calls it */
    const char *folder;    /* a folder with more of them, or NULL */
    const char *container; /* in which the server runs, or NULL */
    const struct engine_container *mounts; /* NULL: these are this machine's paths */
};

/*
 * Writes where on this machine a path of the server's is, or will be. -1: invalid
 * (it is relative, or behind no mount, or a symbolic link leads to it there).
 */
int config_place_path(const struct config_place *place, const char *path,
    char here[PATH_MAX], struct error *error);

/* Whether a path of the server's is one that could be looked at from here: behind a
 * mount, where it is in a container. */
bool config_place_reaches(const struct config_place *place, const char *path);

/*
 * Opens a file of the server's for reading; a descriptor to close, and here says
 * what was opened. Behind a mount it is a file, and nothing else was opened on
 * the way to know that; on this machine it may be anything. Opening does not
 * wait. -1 with *absent when there is no such file, else with an error: invalid.
 */
int config_place_open(const struct config_place *place, const char *path,
    char here[PATH_MAX], int *absent, struct error *error);

/*
 * Opens and reads a file of settings in YAML, or in TOML, for config_free. NULL with *absent when
 * there is none, else with an error: config_read's, and as above.
 */
struct config *config_place_read(const struct config_place *place, const char *path,
    char here[PATH_MAX], int *absent, struct error *error);
struct config *config_place_read_toml(const struct config_place *place, const char *path,
    char here[PATH_MAX], int *absent, struct error *error);

#endif
