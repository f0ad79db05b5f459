/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Acting as an administrator of Synapse: with a token, by a login, or as the
 * service account (service.h), with a session that is kept where there is a
 * session file.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_ADMINISTRATOR_H
#define REGISTRAR_BACKENDS_HOMESERVER_ADMINISTRATOR_H

#include "backends/backend.h"

/* Opens the administrator whose credential is given. Errors: unauthorized,
 * those of client_login and of the session file. */
int administrator_open(struct backend *backend, struct error *error);

/* Uses the service account's session where the session file has one that works.
 * That there is none is no error. */
int administrator_resume(struct backend *backend, struct error *error);

/* See backend_type.become_administrator. */
int administrator_become(struct backend *backend, struct error *error);

/* Forgets the service account's session, which has been deactivated. */
int administrator_forget(struct backend *backend, struct error *error);

/* Logs out what is not kept. */
void administrator_close(struct backend *backend);

#endif
