/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One creation in a session file: a JSON object that anybody with an editor may
 * have changed, so that whatever is read from it is checked.
 *
 * Its members are the strings origin, localpart, server_name (where it is known)
 * and id (once the server said it), and the integer begun.
 */
#ifndef REGISTRAR_MATRIX_SESSION_CREATION_H
#define REGISTRAR_MATRIX_SESSION_CREATION_H

#include <jansson.h>

#include "matrix/session_file.h"

/* True for key's creation, which is well-formed then. */
bool session_creation_read(const json_t *entry, const struct session_key *key,
    struct session_creation *creation);

/* A new entry, or NULL: no memory. */
json_t *session_creation_new(const struct session_key *key,
    const struct session_creation *creation);

/* True when it is key's, well-formed or not, or was begun before oldest_s. */
bool session_creation_may_go(const json_t *entry, const struct session_key *key,
    long long oldest_s);

#endif
