/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "synapse_trial.h"

#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static struct recorded_server *server;
static struct secret token, shared_secret;

int
synapse_serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    token = secret_over("syt_admin");
    shared_secret = secret_over("shared");
    server = recorded_server_start(nothing);
    return 0;
}

int
synapse_serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(server);
    return 0;
}

static void
start(struct synapse_trial *trial, const struct recorded_reply *replies)
{
    memset(trial, 0, sizeof(*trial));
    trial->connection = (struct connection){
        .backend = "synapse",
        .http = {.url = recorded_server_url(server), .timeout_ms = 30000},
        .retry_timeout_ms = 1000,
    };
    synapse_say(replies);
}

void
synapse_start_with_token(struct synapse_trial *trial, const struct recorded_reply *replies)
{
    start(trial, replies);
    trial->connection.access_token = &token;
}

void
synapse_start_with_secret(struct synapse_trial *trial, const struct recorded_reply *replies)
{
    start(trial, replies);
    trial->connection.shared_secret = &shared_secret;
    trial->connection.service_account = "svc";
}

int
synapse_open(struct synapse_trial *trial, struct error *error)
{
    const struct backend_setting setting = {
        .warnings = &trial->warnings, .actions = &trial->actions, .predict = trial->predict};

    trial->backend = backend_open(&trial->connection, &setting, error);
    return error->kind == ERROR_NONE ? 0 : -1;
}

void
synapse_open_well(struct synapse_trial *trial)
{
    struct error error = {0};

    synapse_open(trial, &error);
    assert_kind(&error, ERROR_NONE);
    recorded_server_log(server);
}

void
synapse_close(struct synapse_trial *trial)
{
    backend_close(trial->backend);
    trial->backend = NULL;
    list_free(&trial->warnings);
    list_free(&trial->actions);
}

void
synapse_say(const struct recorded_reply *replies)
{
    recorded_server_say(server, replies);
    recorded_server_log(server);
}

const char *
synapse_asked(void)
{
    return recorded_server_log(server);
}

void
synapse_assert_asked(const char *log)
{
    assert_string_equal(recorded_server_log(server), log);
}

const char *
synapse_url(void)
{
    return recorded_server_url(server);
}

/* Synapse 1.163.2, synapse/handlers/admin.py, get_user. */
static const char alice[] =
    "{\"name\": \"@alice:x\", \"admin\": false, \"deactivated\": false, \"locked\": false,"
    " \"shadow_banned\": false, \"creation_ts\": 1700000000, \"appservice_id\": null,"
    " \"consent_server_notice_sent\": null, \"consent_version\": null, \"consent_ts\": null,"
    " \"user_type\": null, \"is_guest\": false, \"suspended\": false,"
    " \"displayname\": \"Alice\", \"avatar_url\": null, \"threepids\": [],"
    " \"external_ids\": [], \"erased\": false, \"last_seen_ts\": null}";

const char *
synapse_user(const char *changes)
{
    static char bodies[8][2048]; /* a few live at a time */
    static size_t next;
    char *body = bodies[next++ % COUNT(bodies)];
    json_t *user = json_loads(alice, 0, NULL);
    json_t *members = json_loads(changes, 0, NULL);
    json_t *value;
    const char *key;
    char *text;

    assert_non_null(user);
    assert_non_null(members);
    json_object_foreach(members, key, value)
    {
        const char *word = json_string_value(value);

        if (word != NULL && strcmp(word, "(none)") == 0)
            json_object_del(user, key);
        else
            json_object_set(user, key, value);
    }
    text = json_dumps(user, 0);
    assert_non_null(text);
    snprintf(body, sizeof(bodies[0]), "%s", text);
    memory_free(text);
    json_decref(user);
    json_decref(members);
    return body;
}

void
synapse_observe_alice(struct observation *observed)
{
    struct error error = {0};

    memset(observed, 0, sizeof(*observed));
    assert_int_equal(account_name(&observed->account, "@alice:x", "alice", &error), 0);
}

int
synapse_or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

void
synapse_start_change(struct synapse_trial *trial, const struct recorded_reply *replies,
    struct observation *observed, struct account *change)
{
    struct error error = {0};

    synapse_start_with_token(trial, replies);
    synapse_open_well(trial);
    synapse_observe_alice(observed);
    memset(change, 0, sizeof(*change));
    assert_int_equal(account_name(change, "@alice:x", "alice", &error), 0);
}

void
synapse_end_change(struct synapse_trial *trial, struct observation *observed,
    struct account *change)
{
    synapse_close(trial);
    account_free(&observed->account);
    account_free(change);
}
