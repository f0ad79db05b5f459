/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The backends of continuwuity and Conduit against a recorded server, by way of
 * synapse_trial.h: @admin:x is in the admin room, whose whole conversation is written
 * down before it takes place. Answers are as continuwuity 26.7.3 and Conduit 0.10.12 were
 * seen to give them.
 */
#ifndef REGISTRAR_TESTS_BOT_TRIAL_H
#define REGISTRAR_TESTS_BOT_TRIAL_H

#include "admin_trial.h"
#include "support.h"
#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define AVAILABLE "/_matrix/client/v3/register/available?username="
#define SUSPENSION "/_matrix/client/v1/admin/suspend/" ALICE
#define LOCK "/_matrix/client/v1/admin/lock/" ALICE
#define PASSWORD "/_matrix/client/v3/account/password"
#define KICK "POST " AT_ROOM "/kick"
#define SENDING "/send/m.room.message/"

#define IS_FREE {"GET " AVAILABLE, 200, NULL, "{\"available\": true}"}
#define IS_TAKEN {"GET " AVAILABLE, 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}
#define IS_ACTIVE {"GET " SUSPENSION, 200, NULL, "{\"suspended\": false}"}
#define IS_DEACTIVATED {"GET " SUSPENSION, 403, NULL, "{\"errcode\": \"M_USER_DEACTIVATED\"}"}
#define IS_ABSENT {"GET " SUSPENSION, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define LOGGED_IN                                                                          \
    {"POST " LOGIN, 200, NULL, "{\"user_id\": \"@alice:x\", \"access_token\": \"own\"}"}
#define WRONG_LOGIN {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}
#define NO_PROFILE {"GET " PROFILE, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define MEMBERS_ARE(members)                                                               \
    {"GET " AT_ROOM "/joined_members", 200, NULL,                                          \
        "{\"joined\": {\"@admin:x\": {}, \"@conduit:x\": {}" members "}}"}

/* Between the group's fixtures: what a test opens, and whom it is about. */
extern struct synapse_trial bot;
extern struct observation bot_observed; /* @alice:x, of whom only the names are known */
extern struct account bot_change;       /* the same */

/* A teardown. */
int bot_clean_up(void **state);

#define BOT_TRIAL(name) cmocka_unit_test_teardown(name, bot_clean_up)

/* Opens "continuwuity" or "conduit". What its bot says to the commands of the test, one
 * after the other, is in answers up to NULL; what the server says beside its admin room,
 * in rows. */
void bot_start(const char *backend, const char *const *answers,
    const struct recorded_reply *rows);

/* The same where there is no administrator. */
void bot_start_alone(const char *backend, const struct recorded_reply *rows);

/* The change that is to be made has this password. */
void bot_want_password(const char *bytes);

/* Makes the change as ensure does: asked whether it may, and done. */
int bot_update(struct error *error);

/* The same where it has to succeed. */
void bot_update_well(void);

/* What was asked since the backend was opened. */
const char *bot_log(void);

/* Fails the test unless these command lines, up to NULL, and no others were sent by then. */
void bot_assert_sent(const char *const *lines);

#endif
