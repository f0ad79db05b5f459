/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the Matrix errcodes mean to us: one table from errcode to error kind. */
#ifndef REGISTRAR_MATRIX_ERRCODE_H
#define REGISTRAR_MATRIX_ERRCODE_H

#include "base/error.h"

/*
 * The kind of a refusal with this HTTP status and errcode ("" for none). The
 * errcode decides where it is in the table, else the status.
 */
enum error_kind errcode_kind(long status, const char *errcode);

#endif
