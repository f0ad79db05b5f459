/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Continuwuity 26.x, by its admin room. */
#ifndef REGISTRAR_BACKENDS_ROOM_CONTINUWUITY_H
#define REGISTRAR_BACKENDS_ROOM_CONTINUWUITY_H

#include "backends/backend.h"

extern const struct backend_type continuwuity_backend;

#endif
