/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's ids: a ULID where its API speaks, a uuid of the same 128 bits in its
 * database. */
#ifndef REGISTRAR_BACKENDS_MAS_ULID_H
#define REGISTRAR_BACKENDS_MAS_ULID_H

#include <stdbool.h>

#include "backends/mas/way.h"

#define ULID_UUID_SIZE 37

/* Of a uuid as PostgreSQL writes it, in any case. False when it is none. */
bool ulid_from_uuid(const char *uuid, char ulid[MAS_ID_SIZE]);

/* Of a ULID, whose letters may be small. False when it is none. */
bool ulid_to_uuid(const char *ulid, char uuid[ULID_UUID_SIZE]);

#endif
