/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tuwunel would refuse, or take and mean something else by, and what Registrar does
 * not do to it; told before anything is sent. */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_RULES_H
#define REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_RULES_H

#include "backends/backend.h"

/* See backend_type.vet. Errors: policy (the server's own user; the service account),
 * invalid (a password that is none). */
int tuwunel_rules_vet(struct backend *backend, const struct account *wanted, struct error *error);

/* Whether the shared secret can make that account by itself. Errors: unauthorized (it is
 * not enough), invalid (no password). */
int tuwunel_rules_registration(const struct backend *backend, const struct account *wanted,
    struct error *error);

#endif
