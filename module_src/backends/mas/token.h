/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token that opens MAS's admin API: one a run. */
#ifndef REGISTRAR_BACKENDS_MAS_TOKEN_H
#define REGISTRAR_BACKENDS_MAS_TOKEN_H

#include "backends/backend.h"

/*
 * Sees to it that there is a token that is good for some seconds more: the one
 * given, or one for the client (OAuth 2.0, client_credentials), which is renewed
 * when it is about to end, and the one before revoked. Errors: unauthorized (the client is unknown, or its secret is
 * wrong), forbidden (the client may not use the admin API), each with what to
 * change and where; protocol; those of call_send.
 */
int token_need(struct backend *backend, struct error *error);

/* The server says that it is over. Errors as above; unauthorized for one that was given. */
int token_renew(struct backend *backend, struct error *error);

/* Revokes what was had, also after a signal. */
void token_close(struct backend *backend);

#endif
