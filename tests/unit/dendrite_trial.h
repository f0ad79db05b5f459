/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Dendrite backend against a recorded server, by way of synapse_trial.h, of
 * which only the name of the backend is Synapse's. Answers are as Dendrite 0.15.2
 * gives them (dendrite: clientapi/routing).
 */
#ifndef REGISTRAR_TESTS_DENDRITE_TRIAL_H
#define REGISTRAR_TESTS_DENDRITE_TRIAL_H

#include "support.h"
#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define AVAILABLE "/_matrix/client/v3/register/available?username=alice"
#define RESET "/_dendrite/admin/resetPassword/"
#define PASSWORD "/_matrix/client/v3/account/password"
#define ADMINS_ONLY "/_dendrite/admin/registrationTokens/registrar-asks"

#define NONCE {"GET " REGISTER, 200, NULL, "{\"nonce\": \"abcd\"}"}
#define NONCE_ONCE {"GET " REGISTER, RECORDED_ONCE + 200, NULL, "{\"nonce\": \"abcd\"}"}
#define OTHER_NONCE {"GET " REGISTER, 200, NULL, "{\"nonce\": \"efgh\"}"}
#define REGISTERED                                                                         \
    {"POST " REGISTER, 200, NULL,                                                          \
        "{\"user_id\": \"@alice:x\", \"access_token\": \"stray\","                         \
        " \"device_id\": \"shared_secret_registration\"}"}
/* No errcode, and its text under a key of its own. */
#define NO_NONCE                                                                           \
    {"POST " REGISTER, 500, NULL, "{\"message\": \"incorrect or expired nonce: abcd\"}"}
#define NO_NONCE_ONCE                                                                      \
    {"POST " REGISTER, RECORDED_ONCE + 500, NULL,                                          \
        "{\"message\": \"incorrect or expired nonce: abcd\"}"}
#define BAD_MAC                                                                            \
    {"POST " REGISTER, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"bad mac\"}"}
#define TAKEN                                                                              \
    {"POST " REGISTER, 400, NULL,                                                          \
        "{\"errcode\": \"M_USER_IN_USE\", \"error\": \"Desired user ID is already taken.\"}"}
#define IS_FREE {"GET " AVAILABLE, 200, NULL, "{\"available\": true}"}
#define IS_TAKEN {"GET " AVAILABLE, 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}
#define IS_ALICE                                                                           \
    {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\", \"avatar_url\": \"mxc://x/1\"}"}
#define NO_PROFILE {"GET " PROFILE, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define LOGGED_IN                                                                          \
    {"POST " LOGIN, 200, NULL, "{\"user_id\": \"@alice:x\", \"access_token\": \"own\"}"}
#define WRONG_LOGIN {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}
#define ADMINISTRATOR {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"}
#define IS_NO_ADMIN                                                                        \
    {"GET " ADMINS_ONLY, 403, NULL,                                                        \
        "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"This API can only be used by admin "  \
        "users.\"}"}
#define IS_ADMIN                                                                           \
    {"GET " ADMINS_ONLY, 404, NULL,                                                        \
        "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"token: registrar-asks not found\"}"}

#endif
