/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MAS's accounts where its admin API is not switched on: read from its database,
 * and changed by its own command, "mas-cli manage", in its container, by way of the
 * container engine's API. What the command says is not believed: its exit status
 * is, and the database.
 */
#ifndef REGISTRAR_BACKENDS_MAS_MANAGE_H
#define REGISTRAR_BACKENDS_MAS_MANAGE_H

#include "backends/backend.h"
#include "backends/mas/way.h"

extern const struct mas_way manage_way;

/* Whether there is what it takes: the container's name, an engine, the database. */
bool manage_is_possible(const struct backend *backend);

#endif
