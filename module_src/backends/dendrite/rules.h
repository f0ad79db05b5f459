/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Dendrite would refuse, or Registrar does not do to it; told before anything
 * is sent. */
#ifndef REGISTRAR_BACKENDS_DENDRITE_RULES_H
#define REGISTRAR_BACKENDS_DENDRITE_RULES_H

#include "backends/backend.h"

/*
 * backend_type.vet. Deactivating the service account takes connection->database and
 * makes the state `forgetting`. -1: policy (a password's length; the service account
 * is to be something else), unauthorized (no database for that).
 */
int rules_vet(struct backend *backend, const struct account *wanted, struct error *error);

/* Whether there is what the creation of that account takes. -1: unauthorized (no
 * shared secret), invalid (no password, a name that the server does not take). */
int rules_creation(const struct backend *backend, const struct account *wanted,
    struct error *error);

#endif
