/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a registration token is good, asked without making an account. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_REGISTRATION_TOKEN_H
#define REGISTRAR_BACKENDS_HOMESERVER_REGISTRATION_TOKEN_H

#include <stdbool.h>

#include "backends/backend.h"

/*
 * Asks about the connection's registration_token (specification: client-server API,
 * "GET /_matrix/client/v1/register/m.login.registration_token/validity"). *told is
 * false where the server has no such endpoint, as Conduit 0.10. Errors: unauthorized
 * (there is no such token, or no token at all), those of call_send.
 */
int registration_token_check(struct backend *backend, bool *told, struct error *error);

#endif
