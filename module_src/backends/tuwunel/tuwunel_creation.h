/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making an account: through the shared secret where there is one, also with an
 * administrator open, for that alone is a registration (grammar, push rules, the rooms
 * that everybody joins); else by an administrator's PUT, or as anybody may (joining.h).
 */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_CREATION_H
#define REGISTRAR_BACKENDS_TUWUNEL_TUWUNEL_CREATION_H

#include "backends/backend.h"

/* See backend_type.may_create and create. */
int tuwunel_creation_may(struct backend *backend, const struct account *wanted,
    struct error *error);
int tuwunel_creation_make(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

#endif
