/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the Synapse backend comes to its service account, @svc:x, against a
 * recorded server: replies to choose from, and what was asked in words. */
#ifndef REGISTRAR_TESTS_SERVICE_TRIAL_H
#define REGISTRAR_TESTS_SERVICE_TRIAL_H

#include <stdbool.h>

#include "support.h"
#include "synapse_trial.h"

/* Base64 of HMAC-SHA256 over "registrar/v1", NUL and "svc", by Python's hmac
 * with the keys "shared" and "old". */
#define SERVICE_PASSWORD "PifQszzZVIvKf1Bz0D80Q/RHKVWi7oo5MJquBzxE89U="
#define PREVIOUS_PASSWORD "hWbE5IBMFOq8a+x4i3U4HUChyoYIn7SB7wrohwlbkR4="

/* Rows of a table of replies. Synapse 1.163.2: synapse/rest/admin/users.py,
 * synapse/rest/client/login.py and profile.py. */
#define NONCE {"GET " REGISTER, 200, "Server: Synapse/1.163.2\r\n", "{\"nonce\": \"abcd\"}"}
#define NAMED {"GET " KEYS, 200, NULL, "{\"server_name\": \"x\"}"}
#define FLOWS {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.password\"}]}"}
#define NO_FLOWS {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.sso\"}]}"}
#define NO_PROFILE {"GET " PROFILE, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define PROFILED {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Registrar service account\"}"}
#define HIDDEN {"GET " PROFILE, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define SESSION_OF(user_id, token)                                                         \
    "{\"user_id\": \"" user_id "\", \"access_token\": \"" token "\", \"device_id\": \"D\"}"
#define REGISTERED {"POST " REGISTER, 200, NULL, SESSION_OF("@svc:x", "syt_svc")}
#define TAKEN                                                                              \
    {"POST " REGISTER, 400, NULL,                                                          \
        "{\"errcode\": \"M_USER_IN_USE\", \"error\": \"User ID already taken.\"}"}
#define PROVEN                                                                             \
    {"POST " REGISTER, 400, NULL,                                                          \
        "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid refresh_token\"}"}
#define OTHER_SECRET                                                                       \
    {"POST " REGISTER, 403, NULL, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"HMAC incorrect\"}"}
#define LOGGED_IN {"POST " LOGIN, 200, NULL, SESSION_OF("@svc:x", "syt_svc")}
#define WRONG                                                                              \
    {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Invalid\"}"}
#define WRONG_ONCE                                                                         \
    {"POST " LOGIN, RECORDED_ONCE + 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define LIMITED                                                                            \
    {"POST " LOGIN, 429, NULL, "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 99000}"}
#define NO_ROOMS {"GET /_matrix/client/v3/joined_rooms", 200, NULL, "{\"joined_rooms\": []}"}
#define CHANGED {"PUT " USERS, 200, NULL, "{}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}

extern struct synapse_trial service;

/* Opens the backend with the shared secret (and as it was told before with
 * service.predict, and after service_begin in its connection). */
void service_begin(const struct recorded_reply *replies);

/* cmocka's teardown of a test. */
int service_end(void **state);

/* Opens and becomes an administrator; returns what that said. */
int service_become(struct error *error);

/*
 * The same, which must come to this: an error of a kind or none, an authority,
 * the actions ("a, b"), and the requests in words, each with its token:
 * "name flows profile register rooms(syt_svc)". What opening asks is left out.
 */
void service_assert(enum error_kind kind, enum authority authority, const char *actions,
    const char *steps);

/* Requests in such words; text as recorded_server_log writes it. */
const char *service_steps(const char *text);

/* The body of the nth (from 0) request whose line begins so, in what
 * service_assert looked at last. Fails the test when there is none. */
const char *service_body(const char *start, unsigned nth);

/* Whether what begins so was asked, in the same. */
bool service_asked(const char *start);

#endif
