/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share while a homeserver is open. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_STATE_H
#define REGISTRAR_BACKENDS_HOMESERVER_STATE_H

#include <stdbool.h>

#include "backends/backend.h"
#include "matrix/client.h"
#include "matrix/session_file.h"

/* Whether the server lets passwords be set at all. */
enum passwords { PASSWORDS_NOT_ASKED, PASSWORDS_ON, PASSWORDS_OFF };

/* Whether deleting a device tells a wrong password from a right one here. */
enum deletion_tells { DELETION_NOT_TRIED, DELETION_TELLS, DELETION_TELLS_NOT };

/* Whether anybody may register here, as far as it was asked. */
enum joining {
    JOINING_NOT_ASKED,
    JOINING_CLOSED,
    JOINING_OPENLY,
    JOINING_BY_TOKEN,
};

#define JOINING_WHY_SIZE 300

struct admin_room;

struct state {
    struct session administrator; /* all zeroes without one */
    bool is_server_itself;        /* the administrator is the server's own user, by
                                     emergency_password */
    struct admin_room *room;      /* of a server that is talked to there; NULL: none, or not
                                     yet (matrix/admin_room.h) */
    bool is_service;              /* the administrator is the service account */
    bool forgetting;              /* the service account is not to be, so never made */
    struct session_file *session_file; /* NULL: none, or none yet */
    bool session_file_is_open;    /* it was tried, once is enough */
    struct session own;           /* the account in hand, logged in as itself */
    struct secret own_password;   /* that opens it, for a login that is still to come */
    unsigned mask;                /* of the newest lookup */
    char nonce[257];              /* for one registration, "" when used up */
    long long nonce_taken_ms;     /* on stop_clock_ms */
    bool secret_is_proven;
    long long secret_wait_ends_ms; /* on stop_clock_ms; 0: none was begun */
    enum deletion_tells deletion_tells;
    enum passwords passwords;
    enum joining joining;
    char joining_why[JOINING_WHY_SIZE]; /* of JOINING_CLOSED */
};

static inline struct state *
state_of(const struct backend *backend)
{
    return backend->state;
}

/* True while it acts as an administrator. */
static inline bool
state_has_administrator(const struct backend *backend)
{
    return state_of(backend)->administrator.user_id != NULL;
}

#endif
