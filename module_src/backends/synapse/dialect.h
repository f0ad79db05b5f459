/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How Synapse does what other homeservers do, too. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_DIALECT_H
#define REGISTRAR_BACKENDS_SYNAPSE_DIALECT_H

#include "backends/homeserver/dialect.h"

extern const struct homeserver_dialect dialect_synapse;

#endif
