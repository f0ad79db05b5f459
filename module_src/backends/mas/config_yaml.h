/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's configuration, as it is found behind its container's mounts or at its
 * usual place (MAS: crates/config/src/sections). */
#ifndef REGISTRAR_BACKENDS_MAS_CONFIG_YAML_H
#define REGISTRAR_BACKENDS_MAS_CONFIG_YAML_H

#include "backends/discovery.h"

/*
 * Where it is, and how it is read: into the member mas of what is found, of which
 * files and container are left to the finder, and into server_name, which is that
 * of the homeserver it is for.
 */
extern const struct discovery_source config_yaml_source;

#endif
