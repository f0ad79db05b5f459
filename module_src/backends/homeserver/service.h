/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The service account on Synapse (matrix/service_account.h): how a session of
 * it is had, by logging in, by making it, or by giving it the password of a
 * new shared secret.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_SERVICE_H
#define REGISTRAR_BACKENDS_HOMESERVER_SERVICE_H

#include "backends/backend.h"
#include "matrix/kept_session.h"

/*
 * session_source.obtain, with the backend as its context. In check mode the
 * session stays all zeroes where something would have to be made or changed,
 * and backend->actions says what; so it does without actions where the account
 * is to be forgotten and there is none. Errors: conflict (an account of that
 * name that is not ours), unsupported (useless here), unauthorized (the secret
 * is not the server's), ...
 */
int service_obtain(void *context, const char *device_id, const struct session *old,
    struct session *session, struct error *error);

/* True when localpart is the service account's that this task would use. */
bool service_is(const struct backend *backend, const char *localpart);

#endif
