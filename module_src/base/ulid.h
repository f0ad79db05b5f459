/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identifiers as Matrix Authentication Service has them: a number of 128 bits in
 * 26 characters (github.com/ulid/spec: Crockford's base 32). */
#ifndef REGISTRAR_BASE_ULID_H
#define REGISTRAR_BASE_ULID_H

#include <stdbool.h>

/* Whether a text is one, in upper case or in lower case. */
bool ulid_is_one(const char *text);

#endif
