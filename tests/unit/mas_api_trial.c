/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mas_api_trial.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "base/memory.h"

static struct recorded_server *server;
static struct secret token, client_secret;
static char url[80];

int
mas_api_serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    token = secret_over("mpt_admin");
    server = recorded_server_start(nothing);
    snprintf(url, sizeof(url), "%s" MAS "/", recorded_server_url(server));
    return 0;
}

int
mas_api_serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(server);
    return 0;
}

static void
start(struct mas_api_trial *trial, const struct recorded_reply *replies)
{
    struct error error = {0};

    memset(trial, 0, sizeof(*trial));
    trial->connection.backend = "mas";
    trial->backend = (struct backend){
        .connection = &trial->connection,
        .warnings = &trial->warnings,
        .actions = &trial->actions,
        .state = &trial->state,
    };
    retry_init(&trial->backend.retry, 0, 1000);
    trial->state.admin_options = (struct http_options){.url = url, .timeout_ms = 30000};
    trial->state.admin.http = http_open(&trial->state.admin_options, &error);
    assert_kind(&error, ERROR_NONE);
    trial->state.admin.retry = &trial->backend.retry;
    trial->state.oauth = trial->state.admin;
    mas_api_say(replies);
}

void
mas_api_start(struct mas_api_trial *trial, const struct recorded_reply *replies)
{
    start(trial, replies);
    trial->connection.mas.token = &token;
}

void
mas_api_start_with_client(struct mas_api_trial *trial, const char *secret,
    const struct recorded_reply *replies)
{
    start(trial, replies);
    client_secret = secret_over(secret);
    trial->connection.mas.client_id = ID;
    trial->connection.mas.client_secret = &client_secret;
}

void
mas_api_end(struct mas_api_trial *trial)
{
    if (trial->backend.state == NULL)
        return;
    api_way.close(&trial->backend);
    http_close(trial->state.admin.http);
    memory_free(trial->backend.server_name);
    list_free(&trial->warnings);
    list_free(&trial->actions);
    memset(trial, 0, sizeof(*trial));
}

void
mas_api_say(const struct recorded_reply *replies)
{
    recorded_server_say(server, replies);
    recorded_server_log(server);
}

void
mas_api_assert_asked(const char *log)
{
    assert_string_equal(recorded_server_log(server), log);
}

const char *
mas_api_asked(void)
{
    return recorded_server_log(server);
}

const char *
mas_api_request(void)
{
    return recorded_server_request(server);
}

int
mas_api_or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}
