/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's ids: a ULID where its API speaks, 128 bits in Crockford's base 32
 * (github.com/ulid/spec); a uuid of the same bits in its database. */
#ifndef REGISTRAR_BACKENDS_MAS_ULID_H
#define REGISTRAR_BACKENDS_MAS_ULID_H

#include <stdbool.h>

#include "backends/mas/way.h"

#define ULID_UUID_SIZE 37

/* Of a uuid as PostgreSQL writes it, in any case. False when it is none. */
bool ulid_from_uuid(const char *uuid, char ulid[MAS_ID_SIZE]);

/* Of a ULID, whose letters may be small. False when it is none. */
bool ulid_to_uuid(const char *ulid, char uuid[ULID_UUID_SIZE]);

/* Copies text in the canonical form, upper case. False, and id is "", when it is
 * none; text may be NULL. */
bool ulid_read(char id[MAS_ID_SIZE], const char *text);

#endif
