/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tuwunel_trial.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backends/synapse/user_json.h"

struct synapse_trial tuwunel;
struct observation tuwunel_observed;
struct account tuwunel_wanted;

static struct secret shared_secret;

static void
start(void)
{
    struct error error = {0};

    tuwunel.connection.backend = "tuwunel";
    synapse_observe_alice(&tuwunel_observed);
    memset(&tuwunel_wanted, 0, sizeof(tuwunel_wanted));
    assert_int_equal(account_name(&tuwunel_wanted, "@alice:x", "alice", &error), 0);
}

void
tuwunel_start_with_token(const struct recorded_reply *replies)
{
    synapse_start_with_token(&tuwunel, replies);
    start();
}

void
tuwunel_start_with_secret(const struct recorded_reply *replies)
{
    synapse_start_with_secret(&tuwunel, replies);
    start();
}

void
tuwunel_start_with_nothing(const struct recorded_reply *replies)
{
    tuwunel_start_with_token(replies);
    tuwunel.connection.access_token = NULL;
}

void
tuwunel_start_with_both(const struct recorded_reply *replies)
{
    shared_secret = secret_over("shared");
    tuwunel_start_with_token(replies);
    tuwunel.connection.shared_secret = &shared_secret;
}

void
tuwunel_open(void)
{
    synapse_open_well(&tuwunel);
}

int
tuwunel_end(void **state)
{
    (void)state;
    synapse_close(&tuwunel);
    account_free(&tuwunel_observed.account);
    account_free(&tuwunel_wanted);
    memset(&tuwunel, 0, sizeof(tuwunel));
    return 0;
}

/* tuwunel 1.9.0, src/api/client/admin/users/mod.rs, user_details. */
const char *
tuwunel_user(const char *members)
{
    char changes[1024];

    snprintf(changes, sizeof(changes),
        "{\"user_type\": \"(none)\", \"external_ids\": \"(none)\", \"appservice_id\": "
        "\"(none)\", \"consent_version\": \"(none)\", \"consent_server_notice_sent\": "
        "\"(none)\", \"creation_ts\": 0%s%s%s}",
        strstr(members, "threepids") == NULL ? ", \"threepids\": \"(none)\"" : "",
        members[0] == '\0' ? "" : ", ", members);
    return synapse_user(changes);
}

void
tuwunel_want_password(const char *password)
{
    const struct secret secret = secret_over(password);
    struct error error = {0};

    assert_int_equal(account_state_password(&tuwunel_wanted, &secret, &error), 0);
}

void
tuwunel_want_text(enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&tuwunel_wanted, field, value, &error), 0);
}

void
tuwunel_see(const char *members)
{
    char changes[1024];
    struct error error = {0};
    json_t *body;

    snprintf(changes, sizeof(changes), "{%s}", members);
    body = json_loads(synapse_user(changes), 0, NULL);
    assert_int_equal(user_json_read(&tuwunel_observed, body, &error), 0);
    json_decref(body);
}
