/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver as the servers of the Conduit family use it, against a recorded
 * server: a backend that has no more than a dialect. Answers are as Conduit 0.10.12,
 * continuwuity 26.7.3 and tuwunel 1.9.0 were seen to give them.
 */
#ifndef REGISTRAR_TESTS_FAMILY_TRIAL_H
#define REGISTRAR_TESTS_FAMILY_TRIAL_H

#include "backends/backend.h"
#include "backends/homeserver/dialect.h"
#include "recorded_server.h"

#define FAMILY_REGISTER "/_matrix/client/v3/register"
#define FAMILY_AVAILABLE "/_matrix/client/v3/register/available?username="
#define FAMILY_LOGIN "/_matrix/client/v3/login"
#define FAMILY_LOGOUT "/_matrix/client/v3/logout"
#define FAMILY_PROFILE "/_matrix/client/v3/profile/"
#define FAMILY_ROOM "/_matrix/client/v3/directory/room/%23admins%3Ax"
#define FAMILY_MEMBERS "/_matrix/client/v3/rooms/%21r/joined_members"

#define FAMILY_LOGGED_IN                                                                   \
    {"POST " FAMILY_LOGIN, 200, NULL,                                                      \
        "{\"user_id\": \"@alice:x\", \"access_token\": \"own\", \"device_id\": \"D\"}"}
#define FAMILY_LOGGED_OUT {"POST " FAMILY_LOGOUT, 200, NULL, "{}"}

/* What a login on the device sends. */
#define FAMILY_LOGIN_BODY(user, password)                                                  \
    "{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\""    \
    user "\"},\"password\":\"" password "\",\"initial_device_display_name\":\"Registrar\"" \
    ",\"device_id\":\"DEVICE\"}"

/* All is the trial's, but for the connection's texts. */
struct family_trial {
    struct connection connection;
    struct homeserver_dialect dialect; /* its device is "DEVICE" */
    struct backend_type type;
    struct backend backend;
    struct list warnings;
    struct list actions;
};

/* cmocka's setup and teardown of a group: the recorded server. */
int family_serve(void **state);
int family_serve_no_more(void **state);

/* A trial of a server called "Family", whose replies these are. */
void family_start(struct family_trial *trial, const struct recorded_reply *replies);

/* Connects, with a state and nobody logged in. -1: error recorded. */
int family_connect(struct family_trial *trial, struct error *error);

/* The same, which must work. */
void family_connect_well(struct family_trial *trial);

/* Closes it as a backend does, and forgets what it told. */
void family_close(struct family_trial *trial);

/* Other replies from here on; what was asked so far is forgotten. */
void family_say(const struct recorded_reply *replies);

/* One answer to one path and to no other, in place of a table. */
void family_say_one(const char *path, int status, const char *body);

/* Fails the test unless this was asked since the last call. */
void family_assert_asked(const char *log);

/* What was asked since the last call. */
const char *family_asked(void);

/* An observation of @alice:x that has only her names. */
void family_observe_alice(struct observation *observed);

/* libcurl calls some of its own failed allocations a lost connection. */
int family_or_no_memory(int result, struct error *error);

#endif
