/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The e-mail addresses of MAS's users by its admin API; each is the operation of
 * way.h. MAS has them as somebody wrote them, and compares without regard to case;
 * here all are in canonical form (accounts/email.h). Whatever MAS has is verified. */
#ifndef REGISTRAR_BACKENDS_MAS_EMAILS_H
#define REGISTRAR_BACKENDS_MAS_EMAILS_H

#include "accounts/pairs.h"
#include "backends/backend.h"
#include "backends/mas/way.h"

/* An address that has no canonical form is added as it is. Errors: those of
 * pages_visit. */
int emails_list(struct backend *backend, const struct mas_user *user, struct pairs *emails,
    struct error *error);

/* Errors: those of pages_visit. */
int emails_owner(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
    struct error *error);

/* That the user has it already is no error. Errors: conflict (another one has it),
 * invalid, not_found, those of api_call. */
int emails_add(struct backend *backend, const struct mas_user *user, const char *localpart,
    const char *email, struct error *error);

/* All entries that this address stands for; that there is none is no error. Errors:
 * those of pages_visit. */
int emails_remove(struct backend *backend, const struct mas_user *user, const char *email,
    struct error *error);

#endif
