/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where MAS is: as it is given or found, else as the homeserver says. */
#ifndef REGISTRAR_BACKENDS_MAS_PLACE_H
#define REGISTRAR_BACKENDS_MAS_PLACE_H

#include "backends/backend.h"
#include "net/url.h"

/*
 * Opens the clients of state for MAS and its admin API. What the homeserver says
 * (auth_metadata) are public addresses: a client's secret goes there only over
 * verified https, or to the host that was given. Errors: unreachable and invalid,
 * with what to give; protocol; those of http_open.
 */
int place_open(struct backend *backend, struct error *error);

/* Closes them, once. */
void place_close(struct backend *backend);

/*
 * Why no secret is to be sent to an address that only the homeserver names, which is
 * itself at the given one: words for "it is at X, WORDS"; NULL: it may be sent.
 */
const char *place_distrust(const struct http_options *http, const struct url *given,
    const struct url *named);

#endif
