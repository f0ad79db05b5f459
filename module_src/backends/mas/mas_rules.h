/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is refused before anything is sent to MAS. */
#ifndef REGISTRAR_BACKENDS_MAS_MAS_RULES_H
#define REGISTRAR_BACKENDS_MAS_MAS_RULES_H

#include "backends/backend.h"

/* backend_type.vet */
int mas_rules_vet(struct backend *backend, const struct account *wanted,
    struct error *error);

/* Refuses a creation that would be refused, or be left half done, as far as that can
 * be seen; it asks whose addresses are. */
int mas_rules_creation(struct backend *backend, const struct account *wanted,
    struct error *error);

/* The same for a change of the user of the newest lookup. */
int mas_rules_change(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error);

#endif
