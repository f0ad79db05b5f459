/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking Synapse whether a password is an account's, with an administrator's
 * token: no login is spent, no device appears, no session ends.
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_PASSWORD_H
#define REGISTRAR_BACKENDS_SYNAPSE_PASSWORD_H

#include "backends/backend.h"

/* See backend_type.ask_password. */
int password_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/*
 * Refuses (policy) where the server has no password login: it lets nobody set
 * a password then (password_config.enabled, localdb_enabled).
 */
int password_may_be_set(struct backend *backend, struct error *error);

#endif
