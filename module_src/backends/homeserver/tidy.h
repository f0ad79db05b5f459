/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What servers do to the service account with its registration that nobody meant, made
 * good as the account itself. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_TIDY_H
#define REGISTRAR_BACKENDS_HOMESERVER_TIDY_H

#include "backends/backend.h"
#include "matrix/client.h"

/*
 * Leaves all rooms but the one that makes an administrator of who is in it, where the
 * server has such a room (homeserver_dialect); where it ought to have and nobody says
 * which, none. *left is false when one could not be left. Errors: what call_send says.
 */
int tidy_leave_rooms(struct backend *backend, const struct session *session, bool *left,
    struct error *error);

/* Gives the account its name again, where the server adds to names that are registered.
 * That it fails costs nothing else. */
void tidy_name(struct backend *backend, const struct session *session);

#endif
