/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share while a MAS is open. */
#ifndef REGISTRAR_BACKENDS_MAS_STATE_H
#define REGISTRAR_BACKENDS_MAS_STATE_H

#include <stdbool.h>

#include "backends/backend.h"
#include "backends/mas/way.h"
#include "base/text.h"
#include "matrix/call.h"

struct pending;
struct personal_sessions;

struct mas_state {
    struct matrix oauth;   /* MAS at its base: tokens and logins */
    struct matrix admin;   /* its admin API; the same client, or one of its own */
    struct http_options oauth_options; /* that the clients have */
    struct http_options admin_options;
    char *base;            /* that the homeserver named, or NULL */
    struct secret token;   /* for the admin API, given or had */
    long long token_ends_ms; /* on stop_clock_ms; 0: nobody says */
    bool token_is_ours;    /* it was had, and is to be revoked */
    bool sends_secret_in_body; /* client_secret_post */
    const struct mas_way *way; /* how accounts are seen and changed; NULL: not yet */
    struct mas_user user;  /* of the newest lookup; id is "" for none */
    struct pending *pending; /* pending.c; NULL: not yet */
    char begun[MAS_NAME_SIZE]; /* whose creation is begun, and not ended; "": nobody's */
    long long begun_s;         /* and when, by the clock that dates users */
    struct personal_sessions *personal; /* personal.c; NULL: not yet */
    struct text paths;     /* of the endpoints it has, each between newlines (spec.json) */
    bool paths_asked;
    bool has_displayname;  /* a creation takes it */
    json_t *providers;     /* where users can be linked to, or NULL: not asked (links.h) */
    bool created_displayname; /* the newest creation took them along */
    bool created_avatar_url;
    bool finishing;        /* a user is half made: calls go out even after a signal */
    bool passwords_are_off;
    long password_complexity; /* a score of zxcvbn from 1 to 4 that one has to have; 0: unknown */
};

static inline struct mas_state *
mas_state_of(const struct backend *backend)
{
    return backend->state;
}

#endif
