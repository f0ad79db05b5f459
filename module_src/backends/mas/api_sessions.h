/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sessions of MAS's users by its admin API. */
#ifndef REGISTRAR_BACKENDS_MAS_API_SESSIONS_H
#define REGISTRAR_BACKENDS_MAS_API_SESSIONS_H

#include "backends/backend.h"
#include "backends/mas/way.h"

/*
 * The operation of way.h: those in a browser, those of OAuth 2.0 clients and those of
 * Matrix's own login. Personal sessions are an administrator's, and stay. Errors:
 * unsupported (before 1.4.0), not_found, those of pages_visit.
 */
int api_sessions_end(struct backend *backend, const struct mas_user *user,
    const char *localpart, struct error *error);

#endif
