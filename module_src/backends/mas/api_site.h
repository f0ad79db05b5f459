/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What MAS says of itself by its admin API. */
#ifndef REGISTRAR_BACKENDS_MAS_API_SITE_H
#define REGISTRAR_BACKENDS_MAS_API_SITE_H

#include "backends/backend.h"

/*
 * Learns the server's name, its version and how it has passwords, as far as its
 * version tells them, and makes sure by it that the admin API is there and takes the
 * token. Errors: those of api_call; invalid (it is another homeserver's MAS).
 */
int api_site_look(struct backend *backend, struct error *error);

#endif
