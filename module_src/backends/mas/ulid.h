/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ULIDs, by which MAS names all that it has: 128 bits in Crockford's base 32
 * (github.com/ulid/spec). */
#ifndef REGISTRAR_BACKENDS_MAS_ULID_H
#define REGISTRAR_BACKENDS_MAS_ULID_H

#include <stdbool.h>

#include "backends/mas/way.h"

/* Copies text in the canonical form, upper case. False, and id is "", when it is
 * none; text may be NULL. */
bool ulid_read(char id[MAS_ID_SIZE], const char *text);

#endif
