/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request to a container engine's API, and what it says no with. What is asked
 * is for engine.h and engine_exec.h. */
#ifndef REGISTRAR_NET_ENGINE_TALK_H
#define REGISTRAR_NET_ENGINE_TALK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/redact.h"
#include "net/http.h"

struct engine_talk {
    const char *socket;
    bool own_only;   /* root or who we are must serve it */
    long timeout_ms; /* for one request */
    const struct redaction *secrets; /* of the request, never to be shown; or NULL */
};

/*
 * Sends over a connection of its own. The reply, of any status, is for
 * http_reply_free, also after an error; its status then is 0 if no head of one came.
 * Errors: those of http_exchange, with the engine's socket in front of them.
 */
int engine_talk_send(const struct engine_talk *talk, const struct http_request *request,
    struct http_reply *reply, struct error *error);

/* "-> *body", for json_decref: the reply's JSON; NULL: it is none. -1: memory. */
int engine_talk_read(const struct http_reply *reply, json_t **body, struct error *error);

/* Records an answer that is not the one that was asked for, in the engine's words if
 * it has some (server), else as no engine's (protocol). Always -1. */
int engine_talk_refused(const struct engine_talk *talk, const struct http_reply *reply,
    const json_t *body, struct error *error);

/* Puts the engine's socket in front of a failure. Always -1. */
int engine_talk_failed(const struct engine_talk *talk, const struct error *failure,
    struct error *error);

#endif
