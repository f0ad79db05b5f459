/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tuwunel backend against a recorded server (synapse_trial.h has what it shares). */
#ifndef REGISTRAR_TESTS_TUWUNEL_TRIAL_H
#define REGISTRAR_TESTS_TUWUNEL_TRIAL_H

#include "support.h"

#include "synapse_trial.h"

#define OWN_VERSION "/_tuwunel/server_version"
#define ALICE USERS "%40alice%3Ax"
#define AVAILABLE "/_matrix/client/v3/register/available"
#define NAME_AVAILABLE "/_synapse/admin/v1/username_available"
#define DEACTIVATE "/_matrix/client/v3/account/deactivate"

/* Bodies of refusals, as tuwunel 1.9.0 words them: the text repeats the code. */
#define REFUSED(errcode, text)                                                             \
    "{\"errcode\": \"" errcode "\", \"error\": \"" errcode ": " text "\"}"
#define UNRECOGNIZED REFUSED("M_UNRECOGNIZED", "Not Found")
#define NO_TOKEN REFUSED("M_MISSING_TOKEN", "Missing access token.")

/* What opening asks, without an administrator and with a token's. */
#define TUWUNEL_SERVED                                                                     \
    {"GET " OWN_VERSION, 200, NULL, "{\"name\": \"Tuwunel\", \"version\": \"1.9.0\"}"},    \
        {"GET /_synapse/admin/v2/users", RECORDED_ONCE + 401, NULL, NO_TOKEN},             \
        {"GET " REGISTER, 200, NULL, "{\"nonce\": \"abcd\"}"}
#define TUWUNEL_OPENING                                                                    \
    TUWUNEL_SERVED, {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"}

/* An account that is asked to be free, and a name that is. */
#define FREE {"GET " NAME_AVAILABLE, 200, NULL, "{\"available\": true}"}

extern struct synapse_trial tuwunel;
extern struct observation tuwunel_observed; /* of @alice:x, with her names */
extern struct account tuwunel_wanted;       /* the same */

/* A trial with a token ("syt_admin", of @admin:x), or with the secret "shared" and the
 * service account "svc", or with neither; not opened yet. */
void tuwunel_start_with_token(const struct recorded_reply *replies);
void tuwunel_start_with_secret(const struct recorded_reply *replies);
void tuwunel_start_with_nothing(const struct recorded_reply *replies);

/* The same with a token and the secret. */
void tuwunel_start_with_both(const struct recorded_reply *replies);

/* Opens it, which must work; what was asked for that is forgotten. */
void tuwunel_open(void);

/* cmocka's teardown of a test. */
int tuwunel_end(void **state);

/* @alice:x as the admin API shows her: lists that are empty are left out. members, as
 * "\"admin\": true, ...", are exchanged; "" for none. */
const char *tuwunel_user(const char *members);

void tuwunel_want_password(const char *password);
void tuwunel_want_text(enum account_field field, const char *value);

/* What the observation has by a look with that answer. */
void tuwunel_see(const char *members);

#define TUWUNEL_TRIAL(name) cmocka_unit_test_teardown(name, tuwunel_end)

#endif
