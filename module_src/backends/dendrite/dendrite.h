/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dendrite: accounts are made with the shared secret, and have no admin API but
 * for their passwords; the rest is rows of its database, which it reads anew
 * for each request (dendrite: userapi/internal/user_api.go).
 */
#ifndef REGISTRAR_BACKENDS_DENDRITE_DENDRITE_H
#define REGISTRAR_BACKENDS_DENDRITE_DENDRITE_H

#include "backends/backend.h"

extern const struct backend_type dendrite_backend;

#endif
