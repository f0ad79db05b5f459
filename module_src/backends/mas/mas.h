/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix Authentication Service, where a homeserver has handed its accounts to it. */
#ifndef REGISTRAR_BACKENDS_MAS_MAS_H
#define REGISTRAR_BACKENDS_MAS_MAS_H

#include "backends/backend.h"

extern const struct backend_type mas_backend;

#endif
