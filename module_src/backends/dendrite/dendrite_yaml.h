/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dendrite's own configuration, dendrite.yaml (dendrite: setup/config). */
#ifndef REGISTRAR_BACKENDS_DENDRITE_DENDRITE_YAML_H
#define REGISTRAR_BACKENDS_DENDRITE_DENDRITE_YAML_H

#include "backends/discovery.h"

/* Where it is, and how it is read. */
extern const struct discovery_source dendrite_yaml_source;

#endif
