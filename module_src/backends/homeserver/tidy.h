/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What servers do to the service account with its registration that nobody meant, made
 * good as the account itself. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_TIDY_H
#define REGISTRAR_BACKENDS_HOMESERVER_TIDY_H

#include "backends/backend.h"
#include "matrix/client.h"

/*
 * Leaves the rooms that auto_join_rooms put the open service account into: nobody meant
 * this account. Where being in a room is what makes an administrator (homeserver_dialect),
 * it stays in that one; and in all where nobody says which it is. Asked in every run, so
 * that one that was cut off is made good; that it fails is a warning and costs nothing
 * else.
 */
void tidy_rooms(struct backend *backend);

/* Gives the account, which was just made, its name again, where the server adds to names
 * that are registered. That it fails costs nothing else. */
void tidy_name(struct backend *backend, const struct session *session);

#endif
