/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accounts by the shared secret. Dendrite logs each of them in at once; the profile
 * is set with that session, which is then ended. */
#ifndef REGISTRAR_BACKENDS_DENDRITE_CREATION_H
#define REGISTRAR_BACKENDS_DENDRITE_CREATION_H

#include "backends/backend.h"

/* backend_type.create, of an account with a password. Where the reply was lost and a
 * login shows that the account is ours, *creation is CREATION_PERHAPS. */
int creation_make(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

#endif
