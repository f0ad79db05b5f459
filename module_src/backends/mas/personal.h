/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Personal sessions of MAS (1.5 and newer): a token for the homeserver as one of its
 * users, or as one of its administrators, which any active user can be made for a
 * minute. One of each kind a run, and as many more as it takes.
 */
#ifndef REGISTRAR_BACKENDS_MAS_PERSONAL_H
#define REGISTRAR_BACKENDS_MAS_PERSONAL_H

#include "backends/backend.h"
#include "backends/mas/way.h"

enum personal_kind {
    PERSONAL_ITSELF,        /* the client API as that very user */
    PERSONAL_ADMINISTRATOR, /* Synapse's admin API: as the user, if it may be, else as
                               one of MAS's administrators */
    PERSONAL_KINDS          /* how many there are; not a kind */
};

/* Whether this MAS has them, and is spoken to in a way that can have them.
 * Errors: those of api_has. */
int personal_is_possible(struct backend *backend, bool *possible, struct error *error);

/* True when the homeserver takes a session of the user's: it is neither locked nor
 * deactivated. */
bool personal_may_be(const struct mas_user *user);

/*
 * Does something with a session of that kind, which is made where there is none that
 * is good for some seconds more; once more with a new one where the homeserver
 * refuses it (M_UNKNOWN_TOKEN). Errors: unauthorized (nobody can be the actor),
 * those of api_call and of what is done; protocol.
 */
int personal_act(struct backend *backend, enum personal_kind kind,
    const struct mas_user *user,
    int (*errand)(void *context, const struct secret *token, struct error *error),
    void *context, struct error *error);

/* True for the error that nobody can be the actor. */
bool personal_lacks_actor(const struct error *error);

/* Revokes the sessions, also after a signal; that it fails is a warning. */
void personal_close(struct backend *backend);

#endif
