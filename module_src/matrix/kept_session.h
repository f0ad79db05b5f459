/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session that is kept between runs where there is a session file, and is
 * one of this run's own where there is none. Two runs at once never end each
 * other's: logging in happens under the file's lock, with a device id of the
 * file's own.
 */
#ifndef REGISTRAR_MATRIX_KEPT_SESSION_H
#define REGISTRAR_MATRIX_KEPT_SESSION_H

#include "matrix/session_file.h"

/* How a new session is had, when none that is kept works. */
struct session_source {
    /*
     * Logs in or registers with device_id (NULL: one of the server's choice)
     * and fills token and user id. old is a session of the same account that
     * works, made with another credential, or NULL. A session left all zeroes,
     * with 0: there is none to be had, and nothing is stored. A new session may
     * be old's own token. On an error there is nothing left to log out.
     */
    int (*obtain)(void *context, const char *device_id, const struct session *old,
        struct session *session, struct error *error);
    void *context;
};

/*
 * Opens a session: the file's, when the server still takes it (whoami says that
 * it is the account's); else, under the lock and after another look into the
 * file, a new one, which is stored. Only M_UNKNOWN_TOKEN and somebody else's
 * user id are reasons for a new one; any other refusal is an error. file may be
 * NULL: a new one that is ours to log out, as is one that turns out to be of
 * another account than key's and is not stored. A kept one is not ours. A token
 * that is replaced and still works (the credential changed) has a device of its
 * own and is logged out, unless it is what obtain came back with. Where storing
 * fails, what was obtained is logged out.
 * Errors: what session_file.h, client.h and obtain say.
 */
int kept_session_open(struct matrix *matrix, struct session_file *file,
    const struct session_key *key, long long lock_timeout_ms,
    const struct session_source *source, struct session *session, struct error *error);

/*
 * The file's session, where it has one and the server still takes it; else
 * session stays all zeroes, with 0. Nothing is written, and nobody is waited
 * for. Errors: as above, but for obtain's.
 */
int kept_session_resume(struct matrix *matrix, struct session_file *file,
    const struct session_key *key, struct session *session, struct error *error);

#endif
