/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * User ids, "@localpart:server.name" (specification: appendices, "User
 * Identifiers"), as people write them and as servers store them.
 */
#ifndef REGISTRAR_MATRIX_USER_ID_H
#define REGISTRAR_MATRIX_USER_ID_H

#include <stdbool.h>

#include "base/error.h"

/* The longest user id, in bytes, sigil and server name included. */
#define USER_ID_LONGEST 255

struct user_id {
    char *localpart;   /* lower case */
    char *as_written;  /* the localpart before it was lowered */
    char *server_name; /* NULL when only a localpart was written */
};

/*
 * Reads "alice", "@alice" or "@alice:example.org" into user for user_id_free.
 * Upper case is lowered (user_id_was_lowered tells). Errors: invalid (empty, a
 * character outside a-z 0-9 . _ = - / +, too long, a bad server name), memory.
 */
int user_id_parse(struct user_id *user, const char *text, struct error *error);

bool user_id_was_lowered(const struct user_id *user);

void user_id_free(struct user_id *user);

/* "@localpart:server.name" for memory_free; NULL when memory is short. */
char *user_id_format(const char *localpart, const char *server_name);

/* The server name inside a full user id, or NULL when it is none. */
const char *user_id_server_name(const char *user_id);

/* True for "@<localpart>:...". */
bool user_id_has_localpart(const char *user_id, const char *localpart);

/*
 * True for a server name by the specification's grammar: a DNS name, an IPv4
 * or a bracketed IPv6 address, with or without a port.
 */
bool user_id_server_name_is_valid(const char *server_name);

#endif
