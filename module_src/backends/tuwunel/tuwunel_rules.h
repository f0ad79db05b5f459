/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tuwunel would refuse, or take and mean something else by, and what Registrar does
 * not do to it; told before anything is sent. */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_RULES_H
#define REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_RULES_H

#include "backends/backend.h"

/* The fields that a registration with the shared secret makes, with its own session where
 * there is no administrator. */
#define TUWUNEL_RULES_REGISTERED                                                           \
    (ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                          \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL) |               \
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED))

/* See backend_type.vet. Errors: policy (the server's own user; the service account),
 * invalid (a password that is none). */
int tuwunel_rules_vet(struct backend *backend, const struct account *wanted, struct error *error);

/* Whether there is what the creation of that account takes. Errors: unauthorized (no
 * shared secret and no administrator, or not enough), invalid (no password). */
int tuwunel_rules_creation(const struct backend *backend, const struct account *wanted,
    struct error *error);

#endif
