/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging in with a password, as an account's owner does: whether a homeserver
 * lets anybody, and whether it lets this one. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_LOGINS_H
#define REGISTRAR_BACKENDS_HOMESERVER_LOGINS_H

#include "backends/backend.h"

/* It is asked once. */
int logins_by_password(struct backend *backend, bool *on, struct error *error);

/*
 * Of a server that tells whoever tries to log in that an account is deactivated: states
 * that it is, where it is; that it is not, says nothing of the account. Without logins
 * nothing is learnt. Errors: those of states_probe.
 */
int logins_look_whether_deactivated(struct backend *backend, struct observation *observed,
    struct error *error);

/* See backend_type.may_verify_login and verify_login. */
int logins_may_verify(struct backend *backend, struct error *error);
int logins_verify(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error);

#endif
