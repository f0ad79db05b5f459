/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry of a session file: a JSON object that anybody with an editor may
 * have changed, so that whatever is read from it is checked.
 *
 * Its members are strings: origin and localpart; server_name, once it is known;
 * device_id; next_device_id, while a login is under way beside a session that
 * works; and of the session user_id, access_token, and salt and fingerprint of
 * the credential it was made with.
 */
#ifndef REGISTRAR_MATRIX_SESSION_ENTRY_H
#define REGISTRAR_MATRIX_SESSION_ENTRY_H

#include <jansson.h>

#include "matrix/session_file.h"

/* More bytes than any server's token has. */
#define SESSION_TOKEN_LONGEST 4096

/*
 * Finds the entry of key's account: the one with its server name, else one
 * that has none yet. Without a server name in key, the only one of its origin
 * and localpart, else one without. The index is not set where it is false.
 */
bool session_entry_locate(const json_t *entries, const struct session_key *key,
    size_t *index);

/* A new entry without a device and without a session, or NULL: no memory. */
json_t *session_entry_new(const struct session_key *key);

/* A member that is a string without a NUL in it; else NULL. */
const char *session_entry_string(const json_t *entry, const char *name);

/* session_file_find for this entry. */
int session_entry_read(const json_t *entry, const struct session_key *key,
    struct session *session, enum session_found *found, struct error *error);

/* Writes a session that fits key. Errors: internal, protocol, memory. */
int session_entry_write(json_t *entry, const struct session_key *key,
    const struct session *session, const char *device_id, struct error *error);

/* session_file_device for this entry; *is_new: it has to be written to the file. */
int session_entry_device(json_t *entry, enum session_device which,
    char device_id[SESSION_DEVICE_SIZE], bool *is_new, struct error *error);

#endif
