/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The session file: access tokens that live between runs, so that a server's
 * limit on logins is not met. It is one JSON file, readable by its owner
 * alone, in a folder that nobody else can write; it is replaced atomically
 * under a lock. An entry is found again only with the origin, the server
 * name, the user and the credential it was made with, so that a token is
 * never sent elsewhere; of the credential only a salted fingerprint is kept.
 *
 * Beside sessions it holds creations: accounts that were being made when their
 * entry was written, so that a run that was cut off can be finished.
 */
#ifndef REGISTRAR_MATRIX_SESSION_FILE_H
#define REGISTRAR_MATRIX_SESSION_FILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"
#include "matrix/client.h"

struct session_file;

/* Whose session: everything is the caller's. */
struct session_key {
    const char *origin;              /* http_origin */
    const char *localpart;
    const char *server_name;         /* NULL while it is not known */
    const struct secret *credential; /* what opens the account */
};

enum session_found {
    SESSION_NONE,
    SESSION_FOUND,
    SESSION_OF_OTHER_CREDENTIAL, /* all the same but for the credential */
};

/* Of a creation's id, with its NUL: more than any server's has. */
#define SESSION_CREATION_ID_SIZE 64

/* An account that is being made. */
struct session_creation {
    long long begun_s; /* in seconds since 1970 */
    char id[SESSION_CREATION_ID_SIZE]; /* the server's own of the account; "": not known */
};

/* A device id of ours with its NUL: "REGISTRAR_" and random letters. */
#define SESSION_DEVICE_SIZE 32

/*
 * Checks and reads the file at path, for session_file_close. One that is not
 * there yet is an empty one; its folder (one level) is made when it is missing.
 * NULL without an error: neither can be made here (permission, read-only, no
 * such folder above), which a warning has told, and life goes on without.
 * Errors: invalid (a symbolic link, not a file, another owner, readable or
 * writable by others, a folder that others can write, more than one link, too
 * large, not a session file of Registrar), memory.
 */
struct session_file *session_file_open(const char *path, struct list *warnings,
    struct error *error);

/*
 * True when there is something by that name that can be seen, for who wants
 * to use what is kept and to make nothing.
 */
bool session_file_is_there(const char *path);

/* Unlocks and frees. NULL is allowed. */
void session_file_close(struct session_file *file);

/* True when it held no session when it was last read. */
bool session_file_is_empty(const struct session_file *file);

/*
 * Locks it against other runs and reads it again; waits for its turn at most
 * timeout_ms. Errors: conflict (another run does not let go), interrupted, those
 * of session_file_open.
 */
int session_file_lock(struct session_file *file, long long timeout_ms, struct error *error);

void session_file_unlock(struct session_file *file);

/*
 * Finds an entry; session, all zeroes before, is for client_logout and is not
 * ours to log out (is_ours is false). Entries that are not well-formed are
 * none. Without a server name in key, an entry is found only when there is no
 * second one of the same origin and localpart. Errors: memory, internal.
 */
int session_file_find(const struct session_file *file, const struct session_key *key,
    struct session *session, enum session_found *found, struct error *error);

/* Which device a new session is to have. */
enum session_device {
    DEVICE_OF_ENTRY, /* the entry's: its session is over */
    DEVICE_BESIDE,   /* another one: its session goes on meanwhile */
};

/*
 * The device id to log in with: the one of the entry, or a new one, which is
 * written down before it is used, so that a login whose answer is lost leaves
 * no device that the next one would not take over. Two sessions that work may
 * not share a device: Synapse lets the older one be and ends both when one of
 * them is logged out (1.163.2, rest/client/logout.py). Under the lock.
 * Errors: invalid (cannot be written, full), internal (no random numbers),
 * memory, those of session_file_open.
 */
int session_file_device(struct session_file *file, const struct session_key *key,
    enum session_device which, char device_id[SESSION_DEVICE_SIZE], struct error *error);

/* Whether the session is the account's that key names, as far as it does.
 * Errors: memory. */
int session_file_fits(const struct session_key *key, const struct session *session,
    bool *fits, struct error *error);

/*
 * Writes the session, which fits, into its entry, and the device it has; NULL:
 * the one that the entry's session had. Under the lock. Errors as above, and
 * protocol (a token too long to be kept).
 */
int session_file_store(struct session_file *file, const struct session_key *key,
    const struct session *session, const char *device_id, struct error *error);

/*
 * Finds the creation of key's account, where key's credential means nothing and
 * its server name is none only of an entry that has none. One that is not
 * well-formed is none.
 */
bool session_file_find_creation(const struct session_file *file,
    const struct session_key *key, struct session_creation *creation);

/*
 * Writes the creation, in place of the one before, and drops those that were begun
 * before oldest_s. Under the lock. Errors: invalid (cannot be written, full), memory,
 * those of session_file_open.
 */
int session_file_store_creation(struct session_file *file, const struct session_key *key,
    const struct session_creation *creation, long long oldest_s, struct error *error);

/* Removes key's, and those that are that old. The rest is as session_file_remove
 * says. */
int session_file_remove_creation(struct session_file *file, const struct session_key *key,
    long long oldest_s, struct error *error);

/*
 * Removes the entry, whatever its credential, and the file when nothing is left
 * in it, which ends the lock. Under the lock. Errors as above.
 */
int session_file_remove(struct session_file *file, const struct session_key *key,
    struct error *error);

#endif
