/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What older versions of MAS's admin API lack, or do otherwise. One that tells its
 * version (1.4.0 and newer) has all that is asked about here. */
#ifndef REGISTRAR_BACKENDS_MAS_API_VERSIONS_H
#define REGISTRAR_BACKENDS_MAS_API_VERSIONS_H

#include "backends/backend.h"
#include "backends/mas/way.h"

/* The operation of way.h. Errors: unsupported, those of api_has. */
int api_versions_allow(struct backend *backend, const struct mas_user *user,
    const struct account *change, struct error *error);

/*
 * Refuses a version whose unlocking of who is deactivated reactivates as well, or
 * which erases whom it deactivates; both changed with 0.20.0. Errors: as above.
 */
int api_versions_check_unlock(struct backend *backend, const struct mas_user *user,
    const char *localpart, struct error *error);
int api_versions_check_keeping(struct backend *backend, const char *localpart,
    struct error *error);

#endif
