/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rooms that an account of ours was put into. */
#ifndef REGISTRAR_MATRIX_ROOMS_H
#define REGISTRAR_MATRIX_ROOMS_H

#include <stdbool.h>

#include "base/error.h"
#include "matrix/call.h"
#include "matrix/client.h"

/*
 * Leaves every room the session's account is in, but for `kept` (NULL: none). *left is
 * false when one of them could not be left, or when there were more than a server joins
 * anybody to. Errors: what call_send says.
 */
int rooms_leave_all(struct matrix *matrix, const struct session *session, const char *kept,
    bool *left, struct error *error);

#endif
