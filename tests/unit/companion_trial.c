/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "companion_trial.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "backends/mas/api.h"

static struct recorded_server *mas, *homeserver;
static struct secret token;

static char server_name[] = "x";

struct companion_trial pair;
struct mas_user alice, bob;

int
mas_pair_serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)state;
    use_program_memory();
    token = secret_over("mat_admin");
    mas = recorded_server_start(nothing);
    homeserver = recorded_server_start(nothing);
    return 0;
}

int
mas_pair_serve_no_more(void **state)
{
    (void)state;
    recorded_server_stop(mas);
    recorded_server_stop(homeserver);
    return 0;
}

int
mas_pair_open(void **state)
{
    struct error error = {0};

    (void)state;
    memset(&pair, 0, sizeof(pair));
    alice = (struct mas_user){.id = ALICE_ID};
    bob = (struct mas_user){.id = BOB_ID};
    pair.mas = (struct http_options){.url = recorded_server_url(mas), .timeout_ms = 30000};
    pair.connection = (struct connection){
        .backend = "mas",
        .http = {.url = recorded_server_url(homeserver), .timeout_ms = 30000},
        .mas = {.url = recorded_server_url(mas), .token = &token},
    };
    retry_init(&pair.backend.retry, 0, 100);
    pair.backend.connection = &pair.connection;
    pair.backend.state = &pair.state;
    pair.backend.warnings = &pair.warnings;
    pair.backend.server_name = server_name;
    pair.backend.matrix = (struct matrix){
        .http = http_open(&pair.connection.http, &error), .retry = &pair.backend.retry};
    pair.state.admin = (struct matrix){
        .http = http_open(&pair.mas, &error), .retry = &pair.backend.retry};
    pair.state.oauth = pair.state.admin;
    pair.state.way = &api_way;
    secret_copy(&pair.state.token, &token);
    assert_kind(&error, ERROR_NONE);
    return 0;
}

int
mas_pair_close(void **state)
{
    (void)state;
    http_close(pair.backend.matrix.http);
    http_close(pair.state.admin.http);
    secret_free(&pair.state.token);
    text_free(&pair.state.paths);
    list_free(&pair.warnings);
    return 0;
}

void
mas_pair_say(const struct recorded_reply *of_mas, const struct recorded_reply *of_homeserver)
{
    static const struct recorded_reply nothing[] = {{0}};

    recorded_server_say(mas, of_mas == NULL ? nothing : of_mas);
    recorded_server_say(homeserver, of_homeserver == NULL ? nothing : of_homeserver);
    mas_pair_forget();
}

void
mas_pair_forget(void)
{
    recorded_server_log(mas);
    recorded_server_log(homeserver);
}

void
assert_mas_asked(const char *log)
{
    assert_string_equal(recorded_server_log(mas), log);
}

void
assert_homeserver_asked(const char *log)
{
    assert_string_equal(recorded_server_log(homeserver), log);
}

void
mas_pair_observe(struct observation *observed)
{
    struct error error = {0};

    memset(observed, 0, sizeof(*observed));
    assert_int_equal(account_name(&observed->account, "@alice:x", "alice", &error), 0);
}

static bool
is_warned(const char *part)
{
    for (size_t i = 0; i < pair.warnings.count; i++)
        if (strstr(pair.warnings.items[i], part) != NULL)
            return true;
    return false;
}

void
assert_warned(const char *part)
{
    assert_true(is_warned(part));
}

void
assert_not_warned(const char *part)
{
    assert_false(is_warned(part));
}

int
mas_pair_or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}
