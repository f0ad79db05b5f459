/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What MAS's admin API means when it says no. It has no error codes: statuses and
 * titles tell refusals apart, and a Content-Type tells a missing object (JSON) from
 * a missing endpoint (HTML). */
#ifndef REGISTRAR_BACKENDS_MAS_API_REFUSAL_H
#define REGISTRAR_BACKENDS_MAS_API_REFUSAL_H

#include <stdbool.h>

#include "backends/backend.h"
#include "base/error.h"
#include "matrix/call.h"

/* Records a refusal as an error of its kind, with what to do: "<what>: the server
 * answers 400 (its words); ...". Always -1. */
int api_refusal_record(const struct answer *answer, const char *what, struct error *error);

/* Whether it is the homeserver behind MAS that did not answer, or not well. Nothing
 * was done then, and trying again may help. */
bool api_refusal_is_homeservers(const struct answer *answer);

/* Whether it says that the token is over, so that another one would do. */
bool api_refusal_is_old_token(const struct answer *answer);

/* Records why the token was refused (401): unauthorized, forbidden. Always -1. */
int api_refusal_record_token(const struct backend *backend, const struct answer *answer,
    struct error *error);

/* Whether there is no such endpoint (404 that is not JSON, 405). */
bool api_refusal_is_missing(const struct answer *answer);

/*
 * Records (unsupported) why the endpoint that was asked is not there. One more
 * request, without credentials, tells whether the API is switched on at all.
 * Always -1; errors of call_send besides.
 */
int api_refusal_record_missing(struct backend *backend, const struct call *call,
    const struct answer *answer, struct error *error);

#endif
