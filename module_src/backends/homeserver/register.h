/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registration with the shared secret: GET and POST /_synapse/admin/v1/register
 * (Synapse: synapse/rest/admin/users.py, UserRegisterServlet). Where the secret
 * is refused, it is tried again for 15 s at most, once a task and within its start
 * budget (net/retry.h), before that is an error: a server that is just being
 * restarted with a new secret still has the old one.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_REGISTER_H
#define REGISTRAR_BACKENDS_HOMESERVER_REGISTER_H

#include "backends/backend.h"
#include "matrix/client.h"

#define REGISTER_PATH "/_synapse/admin/v1/register"

/*
 * Makes sure that the endpoint is there, which also is how to see that the
 * accounts are Synapse's own: with Matrix Authentication Service on, it is
 * gone. Keeps the nonce for the first registration. Errors: unsupported (MAS;
 * an address that does not serve the admin API), what answer_refused says.
 */
int register_probe(struct backend *backend, struct error *error);

/*
 * Makes the account, leaving no device. A taken name is an answer. Errors:
 * unauthorized (another secret than the running server's), unsupported (the
 * server has none), policy, invalid, what answer_refused says.
 */
int register_account(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

/*
 * As register_account, for an account of our own: it comes logged in, with a
 * device called device_id (NULL: one of the server's choice), and the session
 * is for client_logout. *creation is told also with an error, once the account
 * was made.
 */
int register_session(struct backend *backend, const struct account *wanted,
    const char *device_id, struct session *session, enum creation *creation,
    struct error *error);

/*
 * Proves the secret without making an account: Synapse checks the MAC before
 * it looks at refresh_token, and refuses one that is no boolean. The name is
 * one that no server takes, should this be another than Synapse; where types are
 * checked first (homeserver_dialect), it is all that keeps it from being made.
 */
int register_prove_secret(struct backend *backend, struct error *error);

#endif
