/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bot_trial.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define ROWS 60
#define COMMANDS_MOST 4

struct synapse_trial bot;
struct observation bot_observed;
struct account bot_change;

static char page[20000];
static char sent[COMMANDS_MOST][40];
static char asked[20000];

int
bot_clean_up(void **state)
{
    (void)state;
    synapse_close(&bot);
    account_free(&bot_observed.account);
    account_free(&bot_change);
    memset(&bot_observed, 0, sizeof(bot_observed));
    memset(&bot_change, 0, sizeof(bot_change));
    asked[0] = '\0';
    return 0;
}

/* One event, as both servers have them. */
static json_t *
event(const char *sender, char kind, size_t which, json_t *content)
{
    char event_id[32];

    snprintf(event_id, sizeof(event_id), "$%c%zu", kind, which);
    return json_pack("{s:s, s:s, s:s, s:I, s:o}", "type", "m.room.message", "sender", sender,
        "event_id", event_id, "origin_server_ts", (json_int_t)1700000000000LL, "content",
        content);
}

/* The whole conversation, the newest first. Conduit's answers relate to nothing. */
static void
write_page(bool is_conduit, const char *const *answers)
{
    json_t *events = json_array();
    json_t *whole = json_pack("{s:s, s:o}", "start", "18446744073709551615", "chunk", events);
    char *text;

    for (size_t i = 0; answers[i] != NULL; i++) {
        json_t *content = json_pack("{s:s, s:s}", "msgtype", is_conduit ? "m.text" : "m.notice",
            "body", answers[i]);
        char event_id[32];

        snprintf(event_id, sizeof(event_id), "$E%zu", i);
        if (!is_conduit)
            json_object_set_new(content, "m.relates_to",
                json_pack("{s:{s:s}}", "m.in_reply_to", "event_id", event_id));
        json_array_insert_new(events, 0,
            event("@admin:x", 'E', i,
                json_pack("{s:s, s:s}", "msgtype", "m.text", "body",
                    is_conduit ? "@conduit:x: command" : "!admin command")));
        json_array_insert_new(events, 0, event("@conduit:x", 'A', i, content));
    }
    text = json_dumps(whole, 0);
    assert_non_null(text);
    assert_true(strlen(text) < sizeof(page));
    snprintf(page, sizeof(page), "%s", text);
    memory_free(text);
    json_decref(whole);
}

static void
name_alice(void)
{
    struct error error = {0};

    assert_int_equal(account_name(&bot_observed.account, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_name(&bot_change, "@alice:x", "alice", &error), 0);
}

static size_t
add(struct recorded_reply *all, size_t count, const struct recorded_reply *rows)
{
    for (size_t i = 0; rows[i].path != NULL; i++) {
        assert_true(count < ROWS);
        all[count++] = rows[i];
    }
    return count;
}

void
bot_start(const char *backend, const char *const *answers, const struct recorded_reply *rows)
{
    static const struct recorded_reply usual[] = {
        {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"}, ROOM_IS_THERE,
        MEMBERS_ARE(""), TAKEN_AWAY, {"GET " LOCK, 200, NULL, "{\"locked\": false}"},
        {"GET " AT_ROOM "/messages", 200, NULL, page}, {0}};
    struct recorded_reply all[ROWS + 1] = {{0}};
    size_t count = add(all, 0, rows);

    write_page(strcmp(backend, "conduit") == 0, answers);
    for (size_t i = 0; answers[i] != NULL; i++) {
        assert_true(i < COMMANDS_MOST);
        snprintf(sent[i], sizeof(sent[i]), "{\"event_id\": \"$E%zu\"}", i);
        all[count++] = (struct recorded_reply){
            "PUT " AT_ROOM SENDING, RECORDED_ONCE + 200, NULL, sent[i]};
    }
    add(all, count, usual);
    synapse_start_with_token(&bot, all);
    bot.connection.backend = backend;
    synapse_open_well(&bot);
    name_alice();
}

void
bot_start_alone(const char *backend, const struct recorded_reply *rows)
{
    synapse_start_with_token(&bot, rows);
    bot.connection.backend = backend;
    bot.connection.access_token = NULL;
    synapse_open_well(&bot);
    name_alice();
}

void
bot_want_password(const char *bytes)
{
    const struct secret password = secret_over(bytes);
    struct error error = {0};

    assert_int_equal(account_state_password(&bot_change, &password, &error), 0);
}

int
bot_update(struct error *error)
{
    const struct backend_type *type = bot.backend->type;

    if (type->may_update(bot.backend, &bot_observed, &bot_change, error) != 0)
        return -1;
    return type->update(bot.backend, &bot_observed, &bot_change, false, error);
}

void
bot_update_well(void)
{
    struct error error = {0};

    bot_update(&error);
    assert_kind(&error, ERROR_NONE);
}

const char *
bot_log(void)
{
    size_t length = strlen(asked);

    snprintf(asked + length, sizeof(asked) - length, "%s", synapse_asked());
    return asked;
}

void
bot_assert_sent(const char *const *lines)
{
    const char *log = bot_log();
    size_t count = 0;

    for (const char *at = log; (at = strstr(at, SENDING)) != NULL; at++) {
        const char *body = strchr(at, '{');
        json_t *message = json_loads(body, JSON_DISABLE_EOF_CHECK, NULL);

        assert_non_null(message);
        assert_non_null(lines[count]);
        assert_string_equal(json_string_value(json_object_get(message, "body")), lines[count++]);
        json_decref(message);
    }
    assert_null(lines[count]);
}
