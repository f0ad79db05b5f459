/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of the steps in which MAS's accounts are made and changed, so that a run
 * that is cut off anywhere converges when it is repeated. */
#ifndef REGISTRAR_BACKENDS_MAS_MAS_STEPS_H
#define REGISTRAR_BACKENDS_MAS_MAS_STEPS_H

#include "backends/backend.h"

/* backend_type.create and .update */
int mas_steps_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);
int mas_steps_update(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error);

#endif
