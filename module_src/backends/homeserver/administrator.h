/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Acting as an administrator of a homeserver: with a token, by a login, or as the
 * service account (service.h), with a session that is kept where there is a
 * session file; or as the server's own user, "@conduit", with emergency_password,
 * of which nothing is kept and every session is ended.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_ADMINISTRATOR_H
#define REGISTRAR_BACKENDS_HOMESERVER_ADMINISTRATOR_H

#include "backends/backend.h"
#include "matrix/client.h"

/*
 * Opens the administrator whose credential is given (connection_has_administrator).
 * That it is the server's own user is a warning. Where the server says that the
 * account is not there, it is asked again for 5 s at most, within the start budget
 * (net/retry.h). Errors: unauthorized, protocol (emergency_password opens somebody
 * else), those of client_login and of the session file.
 */
int administrator_open(struct backend *backend, struct error *error);

/*
 * Acts as the account of this session from here on, which becomes the backend's in any
 * case; nobody was an administrator so far. Errors: protocol, invalid (its server has
 * another name than it is said to have), memory.
 */
int administrator_take_over(struct backend *backend, struct session *session,
    struct error *error);

/* Uses the service account's session where the session file has one that works.
 * That there is none is no error. */
int administrator_resume(struct backend *backend, struct error *error);

/* See backend_type.become_administrator. */
int administrator_become(struct backend *backend, struct error *error);

/* Forgets the service account's session, which has been deactivated. */
int administrator_forget(struct backend *backend, struct error *error);

/* Where the server's own user has opened it and the room of administrators has nobody
 * else: warns that whoever registers next becomes one. administrators are those that the
 * server lists, but for its own user. */
void administrator_warn_next(struct backend *backend, const struct list *administrators);

/* Logs out what is not kept; the server's own user everywhere, also after a signal. */
void administrator_close(struct backend *backend);

#endif
