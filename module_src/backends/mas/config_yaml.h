/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's configuration, as it is found behind its container's mounts or at its
 * usual place. */
#ifndef REGISTRAR_BACKENDS_MAS_CONFIG_YAML_H
#define REGISTRAR_BACKENDS_MAS_CONFIG_YAML_H

#include "backends/config_place.h"
#include "backends/found.h"

/* The usual places and names of containers, as in discovery.h; NULL-terminated. */
extern const char *const config_yaml_files[];
extern const char *const config_yaml_containers[];
extern const char config_yaml_container_file[];

/*
 * Reads the configuration at place; that its first file is absent is an answer.
 * Errors: invalid, with file and line and never with a value; memory, internal.
 */
int config_yaml_read(const struct config_place *place, struct found_mas *found,
    int *absent, struct error *error);

#endif
