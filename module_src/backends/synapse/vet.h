/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Synapse would refuse of an account, known before anything is sent. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_VET_H
#define REGISTRAR_BACKENDS_SYNAPSE_VET_H

#include "backends/backend.h"

/* Suspension (MSC3823) is in Synapse since 1.<this>. */
#define VET_SUSPENSION_MINOR 122

/* See backend_type.vet. */
int vet_account(struct backend *backend, const struct account *wanted, struct error *error);

/*
 * The service account is Registrar's own; all that is done with it as a target is to be
 * rid of it, which makes the state `forgetting`. Errors: policy (it is to be something
 * else).
 */
int vet_service(struct backend *backend, const struct account *wanted, struct error *error);

#endif
