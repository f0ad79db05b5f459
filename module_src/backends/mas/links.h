/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What links MAS's users to the providers where they log in (upstream OAuth 2.0), by
 * its admin API. A provider is called by its ULID, issuer, human name or brand. */
#ifndef REGISTRAR_BACKENDS_MAS_LINKS_H
#define REGISTRAR_BACKENDS_MAS_LINKS_H

#include "accounts/pairs.h"
#include "backends/backend.h"
#include "backends/mas/way.h"

/*
 * The ULID of the provider that is called so. The providers are asked for once a
 * run; where this version cannot list them yet, a ULID is taken as it is. Of several,
 * those that are switched off do not count; one that is gets a warning. Errors:
 * invalid (there is none, or more than one), unsupported (cannot be listed: give the
 * ULID), those of pages_visit.
 */
int links_provider(struct backend *backend, const char *provider, char id[MAS_ID_SIZE],
    struct error *error);

/* Forgets the providers. */
void links_forget(struct backend *backend);

/* The operations of way.h. Errors: those of links_provider, pages_visit. */
int links_list(struct backend *backend, const struct mas_user *user, struct pairs *links,
    struct error *error);

/* That the user has it already is no error. Errors besides: conflict (another one
 * has it), not_found. */
int links_add(struct backend *backend, const struct mas_user *user, const char *provider,
    const char *subject, struct error *error);

/* That there is none is no error. */
int links_remove(struct backend *backend, const struct mas_user *user, const char *provider,
    const char *subject, struct error *error);

#endif
