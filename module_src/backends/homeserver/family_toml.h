/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration files of tuwunel, continuwuity and Conduit, which are alike. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_FAMILY_TOML_H
#define REGISTRAR_BACKENDS_HOMESERVER_FAMILY_TOML_H

#include "backends/discovery.h"

extern const struct discovery_source family_toml_tuwunel;
extern const struct discovery_source family_toml_continuwuity;
extern const struct discovery_source family_toml_conduit;

#endif
