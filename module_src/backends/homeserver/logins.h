/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a homeserver lets anybody log in with a password. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_LOGINS_H
#define REGISTRAR_BACKENDS_HOMESERVER_LOGINS_H

#include "backends/backend.h"

/* It is asked once. */
int logins_by_password(struct backend *backend, bool *on, struct error *error);

#endif
