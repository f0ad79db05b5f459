/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rooms that an account of ours was put into. */
#ifndef REGISTRAR_MATRIX_ROOMS_H
#define REGISTRAR_MATRIX_ROOMS_H

#include <stdbool.h>

#include "base/error.h"
#include "matrix/call.h"
#include "matrix/client.h"

/* The id of the room that has the alias "#admins:example.org", for memory_free; NULL
 * without an error when there is none. Errors: what call_send and answer_refused say. */
int rooms_find(struct matrix *matrix, const struct session *session, const char *alias,
    char **room_id, struct error *error);

/*
 * Leaves every room the session's account is in, but for `kept` (NULL: none). *left is false when one of
 * them could not be left, or when there were more than a server joins anybody
 * to. Errors: what call_send says.
 */
int rooms_leave_all(struct matrix *matrix, const struct session *session, const char *kept,
    bool *left, struct error *error);

#endif
