/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's accounts as its database has them; reading only. */
#ifndef REGISTRAR_BACKENDS_MAS_ROWS_H
#define REGISTRAR_BACKENDS_MAS_ROWS_H

#include "backends/backend.h"
#include "backends/mas/way.h"

/* As database_try: 1, 0 or -1. Refuses (database) one of before the columns that
 * are read. */
int rows_open(struct backend *backend, struct error *error);

/* These have the database open, and are as in way.h. */
int rows_find(struct backend *backend, const char *localpart, struct mas_user *user,
    bool *found, struct error *error);
int rows_emails(struct backend *backend, const struct mas_user *user, struct pairs *emails,
    struct error *error);
int rows_links(struct backend *backend, const struct mas_user *user, struct pairs *links,
    struct error *error);
int rows_email_owner(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
    struct error *error);
int rows_list_administrators(struct backend *backend, struct list *localparts,
    struct error *error);

/* Compares with the newest of the user's hashes; who has none has another one.
 * Errors as of hash_compare, and database. */
int rows_ask_password(struct backend *backend, const struct mas_user *user,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* Whether a password is set. */
int rows_has_password(struct backend *backend, const struct mas_user *user, bool *has,
    struct error *error);

#endif
