/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conduit 0.10, by its admin room. */
#ifndef REGISTRAR_BACKENDS_ROOM_CONDUIT_H
#define REGISTRAR_BACKENDS_ROOM_CONDUIT_H

#include "backends/backend.h"

extern const struct backend_type conduit_backend;

#endif
