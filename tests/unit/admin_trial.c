/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admin_trial.h"

#include "support.h"

#include <string.h>

const struct admin_room_manner admin_of_continuwuity = {"!admin ", true, "m.notice"};
const struct admin_room_manner admin_of_conduit = {"@conduit:%s: ", false, "m.text"};

struct admin_trial admin_trial;
struct admin_told admin_told;

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
    admin_room_open(&admin_trial.matrix, &admin_trial.session, "x", manner, ADMIN_ROOM_JOIN,
        &room, &error);
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

int
admin_forget(void **state)
{
    (void)state;
    admin_reply_free(&admin_told.reply);
    list_free(&admin_told.warnings);
    admin_told.error = (struct error){0};
    return 0;
}

int
admin_give(const struct admin_room_manner *manner, const struct admin_command *command,
    const struct recorded_reply *replies)
{
    struct admin_room *room = admin_opened(manner);
    int result;

    admin_forget(NULL);
    admin_say(replies);
    result = admin_room_command(room, command, &admin_told.reply, &admin_told.warnings,
        &admin_told.error);
    admin_room_free(room);
    assert_true((result == 0) == (admin_told.error.kind == ERROR_NONE));
    return result;
}

int
admin_give_briefly(const struct admin_room_manner *manner,
    const struct admin_command *command, const struct recorded_reply *replies)
{
    long usual_ms = admin_trial.options.timeout_ms;
    int result;

    admin_trial.options.timeout_ms = 300;
    result = admin_give(manner, command, replies);
    admin_trial.options.timeout_ms = usual_ms;
    return result;
}

struct admin_command
admin_command_over(const char *line)
{
    return (struct admin_command){.line = secret_over(line), .user_id = "@n:x"};
}

struct admin_command
admin_secret_command(void)
{
    static char bytes[] = "open-sesame";
    static const struct secret sesame = {.bytes = bytes, .length = sizeof(bytes) - 1};
    struct admin_command command = admin_command_over("users create-user n open-sesame");

    command.holds_secret = true;
    command.secrets[0] = &sesame;
    return command;
}

const char *
admin_asked(void)
{
    return recorded_server_log(admin_trial.server);
}

size_t
admin_count_of(const char *part, const char *text)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text++;
        count++;
    }
    return count;
}
