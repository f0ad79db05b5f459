/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Synapse's own configuration: homeserver.yaml and what is merged into it
 * (synapse/config/_base.py: read_config_files, find_config_files).
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_HOMESERVER_YAML_H
#define REGISTRAR_BACKENDS_SYNAPSE_HOMESERVER_YAML_H

#include "backends/discovery.h"

/* Where it is, and how it is read. */
extern const struct discovery_source homeserver_yaml_source;

#endif
