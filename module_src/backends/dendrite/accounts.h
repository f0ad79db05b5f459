/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dendrite's accounts as rows of its database (dendrite:
 * userapi/storage/postgres/accounts_table.go and its neighbours). */
#ifndef REGISTRAR_BACKENDS_DENDRITE_ACCOUNTS_H
#define REGISTRAR_BACKENDS_DENDRITE_ACCOUNTS_H

#include "backends/backend.h"

/* The fields that are read, and those that are written. */
#define ACCOUNTS_CHANGED (ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_DEACTIVATED))

/* As database_try: 1, 0 or -1. Refuses (database) one of before the columns that
 * its tables have since 0.10.8. */
int accounts_open(struct backend *backend, struct error *error);

/* True once it did. */
bool accounts_are_open(const struct backend *backend);

/* See backend_type.lookup. */
int accounts_lookup(struct backend *backend, struct observation *observed,
    struct error *error);

/* The fields that are rows here; a deactivation takes the devices with it, in one
 * transaction. What was changed is in observed, also after an error. */
int accounts_update(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error);

/* Whether the password is that of the stored hash. */
int accounts_ask_password(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* See backend_type.list_administrators. */
int accounts_list_administrators(struct backend *backend, struct list *user_ids,
    struct error *error);

#endif
