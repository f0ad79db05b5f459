/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's accounts by its admin API. */
#ifndef REGISTRAR_BACKENDS_MAS_API_H
#define REGISTRAR_BACKENDS_MAS_API_H

#include "backends/backend.h"
#include "backends/mas/way.h"
#include "matrix/call.h"

extern const struct mas_way api_way;

/*
 * Sends a call to the admin API as the task's client, whose token is had before
 * and renewed when it is over. path is behind /api/admin/v1 and its bearer is set
 * here. Errors: those of call_send and of token.h; unsupported (there is no such
 * endpoint: the API is not switched on, or this version has it not yet).
 */
int api_call(struct backend *backend, struct call *call, struct answer *answer,
    struct error *error);

/* api_call, but that there is no such endpoint is an answer (api_refusal.h). */
int api_try(struct backend *backend, const struct call *call, struct answer *answer,
    struct error *error);

/* DELETEs what has these ULIDs; that one is not there any more is no error. where is the
 * path before them ("/user-emails/"), what is for messages. */
int api_delete(struct backend *backend, const char *where, const struct list *ids,
    const char *what, struct error *error);

/* The first of a refusal's titles, which is what happened; "" for none. */
const char *api_title(const struct answer *answer);

/* Whether one of its titles has these words in it, before anything was taken out. */
bool api_says(const struct answer *answer, const char *words);

/*
 * Learns, once a run, what the server's description of its API says: the paths and
 * has_displayname of state.h. One that does not show it has none, and a warning says
 * so. Errors: those of call_send.
 */
int api_describe(struct backend *backend, struct error *error);

/* Whether the server has the endpoint, as its API's description says:
 * "/api/admin/v1/personal-sessions". Errors: those of call_send. */
int api_has(struct backend *backend, const char *path, bool *has, struct error *error);

#endif
