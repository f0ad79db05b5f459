/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admin_trial.h"

#include "support.h"

const struct admin_room_manner admin_of_continuwuity = {"!admin ", true, "m.notice"};
const struct admin_room_manner admin_of_conduit = {"@conduit:%s: ", false, "m.text"};

struct admin_trial admin_trial;

static struct retry retry;

int
admin_start(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};
    static char user_id[] = "@a:x";
    struct error error = {0};

    (void)state;
    use_program_memory();
    admin_trial.server = recorded_server_start(nothing);
    admin_trial.options = (struct http_options){
        .url = recorded_server_url(admin_trial.server),
        .timeout_ms = 10000,
    };
    admin_trial.matrix = (struct matrix){
        .http = http_open(&admin_trial.options, &error),
        .retry = &retry,
    };
    admin_trial.session = (struct session){
        .access_token = secret_over("tok_a"),
        .user_id = user_id,
    };
    return admin_trial.matrix.http == NULL;
}

int
admin_stop(void **state)
{
    (void)state;
    http_close(admin_trial.matrix.http);
    recorded_server_stop(admin_trial.server);
    return 0;
}

void
admin_say(const struct recorded_reply *replies)
{
    recorded_server_say(admin_trial.server, replies);
    recorded_server_log(admin_trial.server);
}

struct admin_room *
admin_opened(const struct admin_room_manner *manner)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_IN, {0}};
    struct admin_room *room = NULL;
    struct error error = {0};

    admin_say(replies);
    admin_room_open(&admin_trial.matrix, &admin_trial.session, "x", manner, &room, &error);
    assert_kind(&error, ERROR_NONE);
    assert_non_null(room);
    return room;
}

int
admin_or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}
