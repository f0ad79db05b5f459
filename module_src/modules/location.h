/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the server of a task is: as the options say or, when they do not, as it
 * is found on this machine. What is given wins over what is found.
 */
#ifndef REGISTRAR_MODULES_LOCATION_H
#define REGISTRAR_MODULES_LOCATION_H

#include <jansson.h>

#include "backends/connection.h"
#include "backends/found.h"
#include "base/list.h"
#include "modules/connection_options.h"

struct location {
    struct connection connection; /* its strings are the options' or found's */
    struct found found;           /* is_there when it was looked for, and found; its mas
                                     is so by itself, too */
    struct postgres_options database; /* of what was found */
};

/*
 * Fills location, for location_free in any case; it must not move from then on.
 * Errors: those of connection_options_apply and discovery_run; invalid when
 * what is given and what was found are of different servers.
 */
int location_find(struct connection_options *options, struct location *location,
    struct error *error);

void location_free(struct location *location);

/* Whether there is something to describe. */
bool location_is_found(const struct found *found);

/* What was found, and where, without secrets, for a reply; NULL: no memory. */
json_t *location_describe(const struct found *found);

#endif
