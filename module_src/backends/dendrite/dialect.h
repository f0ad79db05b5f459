/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How Dendrite does what other homeservers do, too. */
#ifndef REGISTRAR_BACKENDS_DENDRITE_DIALECT_H
#define REGISTRAR_BACKENDS_DENDRITE_DIALECT_H

#include "backends/homeserver/dialect.h"

extern const struct homeserver_dialect dialect_dendrite;

/* Whether the token is an administrator's, found by asking for what only such a
 * one is told. */
int dialect_ask_administrator(struct backend *backend, const struct secret *token,
    bool *is_administrator, struct error *error);

#endif
