/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chance that nobody can foresee. */
#ifndef REGISTRAR_BASE_RANDOM_H
#define REGISTRAR_BASE_RANDOM_H

#include <stddef.h>

#include "base/error.h"

/* Fills bytes from libcrypto's generator. Errors: internal (it has none). */
int random_bytes(unsigned char *bytes, size_t length, struct error *error);

#endif
