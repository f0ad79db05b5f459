/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user as the admin API writes one (Synapse: synapse/handlers/admin.py,
 * get_user) and as it wants one to be changed (synapse/rest/admin/users.py,
 * UserRestServletV2).
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_USER_JSON_H
#define REGISTRAR_BACKENDS_SYNAPSE_USER_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "backends/backend.h"

/* The fields one PUT can make, with deactivated, which goes in one of its own. */
#define USER_JSON_PUT_FIELDS                                                               \
    (ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_USER_TYPE) |                         \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL) |               \
        ACCOUNT_BIT(ACCOUNT_EMAILS) | ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS) |                  \
        ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_PASSWORD))

/*
 * Fills observed, which has its user id, from the body that GET and PUT answer
 * alike. Errors: protocol (it is not that account, or not one at all), memory.
 */
int user_json_read(struct observation *observed, const json_t *body, struct error *error);

/*
 * The e-mail addresses among the "threepids" of a body, which the client API
 * writes alike. 1: read; 0: they are not what they should be, and account is
 * as it was; -1: memory.
 */
int user_json_read_emails(struct account *account, const json_t *body,
    struct error *error);

/*
 * The PUT body that makes those of PUT_FIELDS that change states. others, or
 * NULL, are the threepids that are no e-mail addresses: a PUT replaces them
 * all, so they are sent along. NULL: no memory.
 */
json_t *user_json_change(const struct account *change, const json_t *others,
    bool logout_devices);

/* The threepids of a body that are not e-mail addresses, as they are. NULL: no
 * memory. */
json_t *user_json_other_threepids(const json_t *body);

#endif
