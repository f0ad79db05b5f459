/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Synapse's database is good for where there is no administrator: the flag
 * `admin`, which is how upstream's documentation makes the first one, and the
 * stored hash of a password. Nothing else is written there.
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_SQL_H
#define REGISTRAR_BACKENDS_SYNAPSE_SQL_H

#include "backends/backend.h"

/* The fields that are read and written. */
#define SQL_SEEN (ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_DEACTIVATED))
#define SQL_CHANGED ACCOUNT_BIT(ACCOUNT_ADMIN)

/* Connects; the accounts can be seen from then on. */
int sql_become(struct backend *backend, struct error *error);

/* True once it did. */
bool sql_is_open(const struct backend *backend);

/* See backend_type.lookup. */
int sql_lookup(struct backend *backend, struct observation *observed, struct error *error);

/* Sets the flag, and says that the server has to be restarted where it remembers
 * the old one (since 1.135: synapse/storage/databases/main/registration.py,
 * is_server_admin is cached). Errors: not_found, database, ... */
int sql_set_admin(struct backend *backend, struct observation *observed, bool admin,
    struct error *error);

/* See backend_type.ask_password; connects where that is not done. */
int sql_ask_password(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

#endif
