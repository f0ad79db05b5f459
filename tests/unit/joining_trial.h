/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alice, who is to be created by registering (backends/homeserver/joining.h), by way of
 * family_trial.h. What the servers answer is as Conduit 0.10.12, continuwuity 26.7.3 and
 * tuwunel 1.9.0 were seen to.
 */
#ifndef REGISTRAR_TESTS_JOINING_TRIAL_H
#define REGISTRAR_TESTS_JOINING_TRIAL_H

#include "family_trial.h"
#include "support.h"

#include "backends/homeserver/joining.h"
#include "backends/homeserver/state.h"

#define ASKED "POST " FAMILY_REGISTER " - {\"inhibit_login\":true}\n"
#define SENT(silent, auth, device)                                                         \
    "POST " FAMILY_REGISTER " - {\"username\":\"alice\",\"password\":\"Passw0rd\","        \
    "\"inhibit_login\":" silent ",\"auth\":{" auth "}" device "}\n"
#define ON_DEVICE ",\"device_id\":\"DEVICE\",\"initial_device_display_name\":\"Registrar\""
#define BY_DUMMY "\"type\":\"m.login.dummy\""
#define BY_TOKEN "\"type\":\"m.login.registration_token\",\"token\":\"first-run\""
#define LOOKED "GET " FAMILY_ROOM " new\nGET " FAMILY_MEMBERS " new\n"
#define LOGGED_OUT "POST " FAMILY_LOGOUT " new\n"

#define ONCE(status, body) {"POST " FAMILY_REGISTER " ", RECORDED_ONCE + (status), NULL, body}
#define STAGE(name) "{\"flows\": [{\"stages\": [\"m.login." name "\"]}], \"session\": \"s\"}"
#define OPEN ONCE(401, STAGE("dummy"))
#define TAKES_TOKEN ONCE(401, STAGE("registration_token"))
#define CLOSED                                                                             \
    {"POST " FAMILY_REGISTER " ", 403, NULL,                                               \
        "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Registration has been disabled.\"}"}
#define MADE                                                                               \
    ONCE(200, "{\"user_id\": \"@alice:x\", \"access_token\": \"new\", \"device_id\": \"D\"}")
#define MADE_SILENTLY ONCE(200, "{\"user_id\": \"@alice:x\", \"device_id\": null}")
#define IS_ROOM {"GET " FAMILY_ROOM, 200, NULL, "{\"room_id\": \"!r\"}"}
#define IS_MEMBER                                                                          \
    {"GET " FAMILY_MEMBERS, 200, NULL, "{\"joined\": {\"@alice:x\": {}, \"@conduit:x\": {}}}"}
#define IS_NO_MEMBER {"GET " FAMILY_MEMBERS, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define PROFILE_SET {"PUT " FAMILY_PROFILE, 200, NULL, "{}"}
#define IS_FREE {"GET " FAMILY_REGISTER "/available", 200, NULL, "{\"available\": true}"}
#define WRONG_LOGIN {"POST " FAMILY_LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}

/* What a test is about. */
struct joining_trial {
    struct family_trial family;
    struct observation observed;
    struct account wanted; /* with the password "Passw0rd" */
    enum creation creation;
};

/* Begins with these replies; with registration_token "first-run". */
void joining_begin(struct joining_trial *trial, const struct recorded_reply *replies);
void joining_begin_with_token(struct joining_trial *trial,
    const struct recorded_reply *replies);

void joining_end(struct joining_trial *trial);

/* joining_create. */
int joining_make(struct joining_trial *trial, struct error *error);

/* The same, which must come to this; or end in this error. */
void joining_make_well(struct joining_trial *trial, enum creation expected);
void joining_refuse(struct joining_trial *trial, enum error_kind kind, const char *words);

/* One text more is wanted. */
void joining_want_text(struct joining_trial *trial, enum account_field field,
    const char *value);

#endif
