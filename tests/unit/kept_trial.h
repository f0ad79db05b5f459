/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of kept sessions share: a server, a file, and a way of having
 * a session that does as it is told and notes what it was asked. */
#ifndef REGISTRAR_TESTS_KEPT_TRIAL_H
#define REGISTRAR_TESTS_KEPT_TRIAL_H

#include "matrix/kept_session.h"
#include "recorded_server.h"
#include "session_trial.h"

#define WHOAMI "/_matrix/client/v3/account/whoami"
#define LOGIN "/_matrix/client/v3/login"
#define LOGOUT "/_matrix/client/v3/logout"
#define ADMIN_IS "{\"user_id\": \"@admin:example.org\"}"
#define LOGGED_IN                                                                             \
    "{\"user_id\": \"@admin:example.org\", \"access_token\": \"syt_new\", \"device_id\": \"X\"}"

/* What obtain is to do, and what it was asked. */
enum way { LOG_IN, TAKE_OLD, FIND_NONE, FAIL };
struct obtaining {
    enum way way;
    unsigned calls;
    char device_id[SESSION_DEVICE_SIZE]; /* "" for NULL */
    char old[64]; /* token, "" for NULL */
    bool spoil; /* storing fails afterwards */
};

extern struct recorded_server *server; /* takes every token and logs "syt_new" in */
extern struct matrix matrix;
extern struct obtaining obtaining;

/* For cmocka. The key is that of session_trial.h, at the server; its password is
 * the right one. */
int kept_trial_start(void **state);
int kept_trial_stop(void **state);

/* Writes an entry as another run leaves it, with this token made with this
 * credential. The device id, until the next call. */
const char *keep(const char *token, const struct secret *credential);

/* kept_session_open, without waiting for a lock. */
int open_session(struct session_file *file, struct session *session, struct error *error);

/* The same with the file read anew: it gives this token, or fails like this. */
void assert_opens(const char *token, bool is_ours);
void assert_fails(enum error_kind kind);

/* What a later run with this credential would find. */
void assert_kept(const char *token, const struct secret *credential,
    enum session_found expected);

/* The requests since the last call are these three texts, one after another. */
void assert_log(const char *first, const char *second, const char *third);

/* The request of obtain's last login, with all that it sends. */
const char *login_line(void);

#endif
