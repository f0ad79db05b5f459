/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Synapse backend against a recorded server (recorded_server.h). */
#ifndef REGISTRAR_TESTS_SYNAPSE_TRIAL_H
#define REGISTRAR_TESTS_SYNAPSE_TRIAL_H

#include "backends/backend.h"
#include "recorded_server.h"

#define REGISTER "/_synapse/admin/v1/register"
#define WHOAMI "/_matrix/client/v3/account/whoami"
#define LOGIN "/_matrix/client/v3/login"
#define LOGOUT "/_matrix/client/v3/logout"
#define KEYS "/_matrix/key/v2/server"
#define PROFILE "/_matrix/client/v3/profile/"
#define USERS "/_synapse/admin/v2/users/"
#define V1_USERS "/_synapse/admin/v1/users/"

/* What opening with a token takes; the administrator is @admin:x. */
#define OPENING                                                                            \
    {"GET " REGISTER, 200, "Server: Synapse/1.163.2\r\n", "{\"nonce\": \"abcd\"}"},        \
        {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"}

/* All is the trial's, but for the connection's texts. */
struct synapse_trial {
    struct connection connection; /* as synapse_start left it; a test adds to it */
    struct list warnings;
    struct list actions;
    bool predict;
    struct backend *backend; /* NULL while none is open */
};

/* cmocka's setup and teardown of a group: the recorded server. */
int synapse_serve(void **state);
int synapse_serve_no_more(void **state);

/* A trial of what a task is given: a token, or the shared secret "shared" with
 * "svc" as the service account. The replies are those of the whole trial. */
void synapse_start_with_token(struct synapse_trial *trial,
    const struct recorded_reply *replies);
void synapse_start_with_secret(struct synapse_trial *trial,
    const struct recorded_reply *replies);

/* Opens the backend. */
int synapse_open(struct synapse_trial *trial, struct error *error);

/* Opens it, which must work, and forgets what was asked for that. */
void synapse_open_well(struct synapse_trial *trial);

/* Closes it, and forgets what it told. */
void synapse_close(struct synapse_trial *trial);

/* Other replies from here on; what was asked so far is forgotten. */
void synapse_say(const struct recorded_reply *replies);

/* Fails the test unless this was asked since the last call: lines "METHOD path
 * token body\n". */
void synapse_assert_asked(const char *log);

/* The same without looking at it. */
const char *synapse_asked(void);

/* The recorded server's address. */
const char *synapse_url(void);

/* @alice:x as the admin API shows her, with the members of a JSON object
 * exchanged, "{}" for none; a member that is "(none)" is left out. */
const char *synapse_user(const char *changes);

/* An observation of her that has only her names. */
void synapse_observe_alice(struct observation *observed);

/* Begins a test of a change of @alice:x: the backend is open with a token, and
 * both have her names. */
void synapse_start_change(struct synapse_trial *trial, const struct recorded_reply *replies,
    struct observation *observed, struct account *change);

/* Closes the backend and frees both. */
void synapse_end_change(struct synapse_trial *trial, struct observation *observed,
    struct account *change);

/* libcurl calls some of its own failed allocations a lost connection. */
int synapse_or_no_memory(int result, struct error *error);

#endif
