/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Synapse, by its shared-secret registration and its admin API. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_SYNAPSE_H
#define REGISTRAR_BACKENDS_SYNAPSE_SYNAPSE_H

#include "backends/backend.h"

extern const struct backend_type synapse_backend;

#endif
