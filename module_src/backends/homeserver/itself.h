/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an administrator may not do to the account that it works as. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_ITSELF_H
#define REGISTRAR_BACKENDS_HOMESERVER_ITSELF_H

#include <stdbool.h>

#include "backends/backend.h"

/* Whether the account is the administrator that is open. */
bool itself_is(const struct backend *backend, const struct account *account);

/*
 * Refuses (policy) a change of the administrator itself that demotes it, which servers
 * refuse as well, or that states one of the booleans of endings (ACCOUNT_BITs): a run
 * that ends its own credential could not be repeated. The service account may be ended.
 */
int itself_spare(const struct backend *backend, const struct account *change,
    unsigned endings, struct error *error);

#endif
