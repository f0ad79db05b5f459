/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a MAS hashes passwords, by the version that stands beside each hash
 * (its configuration, passwords.schemes). */
#ifndef REGISTRAR_BACKENDS_MAS_SCHEMES_H
#define REGISTRAR_BACKENDS_MAS_SCHEMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

#define MAS_SCHEMES_MOST 8

struct mas_scheme {
    long version;
    bool unicode_normalization; /* the password is made NFKC first */
    struct secret secret;       /* a pepper, or not given */
};

struct mas_schemes {
    struct mas_scheme items[MAS_SCHEMES_MOST];
    size_t count; /* 0: none is known */
};

#endif
