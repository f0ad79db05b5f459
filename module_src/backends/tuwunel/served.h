/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether what answers is a tuwunel that has its own accounts, and the admin API for
 * them; by what it serves. */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_SERVED_H
#define REGISTRAR_BACKENDS_TUWUNEL_SERVED_H

#include "backends/backend.h"

/* Where tuwunel answers and no other server does. */
#define SERVED_OWN_PATH "/_tuwunel/server_version"

/*
 * Looks, and learns the version unless it is known. Where nothing is given that needs the
 * admin API, it need not be reachable. Errors: unsupported (an older version; MAS has the
 * accounts; a reverse proxy in between; no registration_shared_secret there, where that
 * is all that is given), those of call_send.
 */
int served_check(struct backend *backend, struct error *error);

#endif
