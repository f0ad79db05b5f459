/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share while a Synapse is open. */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_STATE_H
#define REGISTRAR_BACKENDS_SYNAPSE_STATE_H

#include <stdbool.h>

#include "backends/backend.h"
#include "matrix/client.h"

/* Whether the server lets passwords be set at all. */
enum passwords { PASSWORDS_NOT_ASKED, PASSWORDS_ON, PASSWORDS_OFF };

/* Whether deleting a device tells a wrong password from a right one here. */
enum deletion_tells { DELETION_NOT_TRIED, DELETION_TELLS, DELETION_TELLS_NOT };

struct state {
    struct session administrator; /* all zeroes without one */
    struct session own;           /* the account in hand, logged in as itself */
    bool own_is_administrator;
    char nonce[257];              /* for one registration, "" when used up */
    long long nonce_taken_ms;     /* on stop_clock_ms */
    bool secret_is_proven;
    enum deletion_tells deletion_tells;
    enum passwords passwords;
};

static inline struct state *
state_of(const struct backend *backend)
{
    return backend->state;
}

/* True when an administrator's credential was given. */
static inline bool
state_has_administrator(const struct backend *backend)
{
    return state_of(backend)->administrator.user_id != NULL;
}

#endif
