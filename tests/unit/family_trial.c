/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "family_trial.h"

#include "support.h"

#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"

static struct recorded_server *server;

int
family_serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    server = recorded_server_start(nothing);
    return 0;
}

int
family_serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(server);
    return 0;
}

static int
look_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    (void)backend;
    (void)error;
    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    return 0;
}

void
family_start(struct family_trial *trial, const struct recorded_reply *replies)
{
    memset(trial, 0, sizeof(*trial));
    trial->connection = (struct connection){
        .http = {.url = recorded_server_url(server), .timeout_ms = 30000},
        .retry_timeout_ms = 1000,
    };
    trial->dialect = (struct homeserver_dialect){
        .first_account = FIRST_PROMOTED,
        .login_device = "DEVICE",
        .look_as_itself = look_as_itself,
    };
    trial->type = (struct backend_type){
        .server = SERVER_TUWUNEL,
        .product = "Family",
        .administrator = "the family's administrator",
        .creator = "the family's creator",
    };
    family_say(replies);
}

int
family_connect(struct family_trial *trial, struct error *error)
{
    struct backend *backend = &trial->backend;

    trial->type.dialect = &trial->dialect;
    *backend = (struct backend){
        .type = &trial->type,
        .connection = &trial->connection,
        .warnings = &trial->warnings,
        .actions = &trial->actions,
    };
    retry_init(&backend->retry, trial->connection.wait_timeout_ms,
        trial->connection.retry_timeout_ms);
    backend->matrix.retry = &backend->retry;
    backend->state = memory_zeroed(1, sizeof(struct state));
    if (backend->state == NULL)
        return error_no_memory(error);
    backend->matrix.http = http_open(&trial->connection.http, error);
    return backend->matrix.http == NULL ? -1 : 0;
}

void
family_connect_well(struct family_trial *trial)
{
    struct error error = {0};

    family_connect(trial, &error);
    assert_kind(&error, ERROR_NONE);
}

void
family_close(struct family_trial *trial)
{
    struct backend *backend = &trial->backend;

    if (backend->state != NULL && backend->matrix.http != NULL) {
        own_end(backend);
        administrator_close(backend);
    }
    memory_free(backend->state);
    memory_free(backend->server_name);
    http_close(backend->matrix.http);
    memset(backend, 0, sizeof(*backend));
    list_free(&trial->warnings);
    list_free(&trial->actions);
}

void
family_say(const struct recorded_reply *replies)
{
    recorded_server_say(server, replies);
    recorded_server_log(server);
}

void
family_say_one(const char *path, int status, const char *body)
{
    const struct recorded_reply replies[] = {{path, status, NULL, body}, {0}};

    family_say(replies);
}

void
family_assert_asked(const char *log)
{
    assert_string_equal(recorded_server_log(server), log);
}

const char *
family_asked(void)
{
    return recorded_server_log(server);
}

void
family_observe_alice(struct observation *observed)
{
    struct error error = {0};

    memset(observed, 0, sizeof(*observed));
    assert_int_equal(account_name(&observed->account, "@alice:x", "alice", &error), 0);
}

int
family_or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}
