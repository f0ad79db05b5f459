/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of an account that Synapse has endpoints of their own for:
 * suspension, shadow-ban, rate limit. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_SWITCHES_H
#define REGISTRAR_BACKENDS_SYNAPSE_SWITCHES_H

#include "backends/backend.h"

#define SWITCHES_FIELDS                                                                    \
    (ACCOUNT_BIT(ACCOUNT_SUSPENDED) | ACCOUNT_BIT(ACCOUNT_SHADOW_BANNED) |                 \
        ACCOUNT_BIT(ACCOUNT_RATELIMIT))

/* Fills the rate limit of observed, which is there. Errors: protocol, ... */
int switches_look(struct matrix *matrix, const struct secret *token,
    struct observation *observed, struct error *error);

/* Makes, with an administrator's token, those of the fields that change states, one
 * request each; observed has each as soon as it is made. */
int switches_update(struct matrix *matrix, const struct secret *token,
    struct observation *observed, const struct account *change, struct error *error);

#endif
