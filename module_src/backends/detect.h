/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which homeserver answers, found by asking it. */
#ifndef REGISTRAR_BACKENDS_DETECT_H
#define REGISTRAR_BACKENDS_DETECT_H

#include "backends/backend.h"

/*
 * The type of the server that a backend's URL leads to, and its version, where it
 * tells that. It is sure: a server that does not say
 * what it is makes an error that says to set `backend`.
 */
const struct backend_type *detect_server(struct backend *backend, struct error *error);

/*
 * The type of the one who has the accounts of a homeserver of that type: its own, or
 * MAS's where it has handed them over. NULL with an error: those of metadata_ask.
 */
const struct backend_type *detect_delegate(struct backend *backend,
    const struct backend_type *type, struct error *error);

/* Takes the server's version from the newest answer's Server header. */
void detect_version(struct backend *backend);

#endif
