/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A MAS and the homeserver behind it, both recorded, and a backend that has them
 * open: what the tests of companion.c, pending.c and mas_logins.c share. */
#ifndef REGISTRAR_TESTS_COMPANION_TRIAL_H
#define REGISTRAR_TESTS_COMPANION_TRIAL_H

#include "backends/backend.h"
#include "backends/mas/state.h"
#include "recorded_server.h"

#define ADMIN "/api/admin/v1"
#define PERSONAL ADMIN "/personal-sessions"
#define PROFILE "/_matrix/client/v3/profile/%40alice%3Ax"
#define V2_USER "/_synapse/admin/v2/users/%40alice%3Ax"
#define V1_USER "/_synapse/admin/v1/users/%40alice%3Ax"
#define LOGIN "/_matrix/client/v3/login"
#define LOGOUT "/_matrix/client/v3/logout"
#define WHOAMI "/_matrix/client/v3/account/whoami"

#define ALICE_ID "01KAPNTGDJYD28S7K08PVVN0VE"
#define BOB_ID "01KAPNTGDK2B9T8KAYFAW7TNFY"
#define SESSION_ID "01KAPNTGDM0FHWJ7QQVX3VJ2JN"

/* MAS's description of itself, with personal sessions (1.5) and without. */
#define DESCRIBED                                                                          \
    {"GET /api/spec.json", 200, NULL, "{\"paths\": {\"" PERSONAL "\": {}}}"}
#define DESCRIBED_OLD {"GET /api/spec.json", 200, NULL, "{\"paths\": {}}"}
#define ASKED_SPEC "GET /api/spec.json -\n"

/* An answer that makes a personal session with this token. */
#define MADE(token)                                                                        \
    "{\"data\": {\"type\": \"personal-session\", \"id\": \"" SESSION_ID "\", "                \
    "\"attributes\": {\"access_token\": \"" token "\", \"revoked_at\": null}}}"
#define MAKES(token)                                                                       \
    {"POST " PERSONAL "/" SESSION_ID "/revoke", 200, NULL, "{\"data\": {}}"},              \
        {"POST " PERSONAL, 201, NULL, MADE(token)}

/* What is asked of MAS for one, and to end it. */
#define ASKED_ITSELF(actor)                                                                \
    "POST " PERSONAL " mat_admin {\"actor_user_id\":\"" actor "\",\"human_name\":"             \
    "\"registrar\",\"scope\":\"urn:matrix:client:api:*\",\"expires_in\":60}\n"
#define ASKED_ADMINISTRATOR(actor)                                                         \
    "POST " PERSONAL " mat_admin {\"actor_user_id\":\"" actor "\",\"human_name\":"             \
    "\"registrar\",\"scope\":\"urn:synapse:admin:* urn:matrix:client:api:*\","                \
    "\"expires_in\":60}\n"
#define ASKED_REVOKE "POST " PERSONAL "/" SESSION_ID "/revoke mat_admin\n"

struct companion_trial {
    struct connection connection;
    struct backend backend;
    struct mas_state state;
    struct http_options mas, homeserver;
    struct list warnings;
};

extern struct companion_trial pair;
extern struct mas_user alice, bob; /* active, as they are before each test */

/* cmocka's setup and teardown of a group: both servers. */
int mas_pair_serve(void **state);
int mas_pair_serve_no_more(void **state);

/* The same of each test: a backend, opened. It is for the test to close what the file
 * under test opened. */
int mas_pair_open(void **state);
int mas_pair_close(void **state);

/* Other replies from here on; what was asked so far is forgotten. NULL: nothing. */
void mas_pair_say(const struct recorded_reply *mas, const struct recorded_reply *homeserver);

/* Fails the test unless this was asked since the last call. */
void assert_mas_asked(const char *log);
void assert_homeserver_asked(const char *log);
void mas_pair_forget(void);

/* An observation that has alice's names alone. */
void mas_pair_observe(struct observation *observed);

/* Fails the test when a warning has this in it, or none has. */
void assert_not_warned(const char *part);
void assert_warned(const char *part);

/* libcurl calls some of its own failed allocations a lost connection. */
int mas_pair_or_no_memory(int result, struct error *error);

#endif
