/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What belongs to another account stays there: Synapse moves an e-mail address
 * without a word, and finds out about an external id only when the rest of a
 * change is made. So both are asked about right before they are written.
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_GUARD_H
#define REGISTRAR_BACKENDS_SYNAPSE_GUARD_H

#include "backends/backend.h"

/*
 * Refuses (conflict) a change that would give the account an e-mail address or
 * an external id of another one. What observed has already is not asked about.
 */
int guard_change(struct backend *backend, const struct account *observed,
    const struct account *change, struct error *error);

#endif
