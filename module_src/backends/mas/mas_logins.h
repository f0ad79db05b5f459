/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logging in at MAS with a password, as an account's client of the old kind does:
 * POST /_matrix/client/v3/login at MAS itself (its "compat" resource), and out
 * again. A server allows three such logins at once, and then one in twenty seconds,
 * right or wrong (rate_limiting.login, MAS 1.22).
 */
#ifndef REGISTRAR_BACKENDS_MAS_MAS_LOGINS_H
#define REGISTRAR_BACKENDS_MAS_MAS_LOGINS_H

#include "backends/backend.h"

/*
 * See backend_type.ask_password: one login, on a device of always the same name,
 * so that one that was not logged out is taken over by the next. Who is known to be
 * locked or deactivated is not asked about: MAS answers the same to any password.
 * Errors: rate_limited and unsupported, each with what to do without a login;
 * server (the homeserver behind MAS does not answer); those of client_login.
 */
int mas_logins_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* See backend_type.may_verify_login: unsupported where MAS serves no such logins, or
 * has passwords switched off. */
int mas_logins_may_verify(struct backend *backend, struct error *error);

/* See backend_type.verify_login. The homeserver is asked to take the session, too,
 * where it is known. */
int mas_logins_verify(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error);

#endif
