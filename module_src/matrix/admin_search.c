/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/admin_search.h"

#include <string.h>

#include "base/memory.h"

/* A command that was sent so long before ours, and was not answered, never will be: the
 * server was restarted, or its bot had died. It answers within a second. */
#define ANSWERED_MS (60 * 1000)

/* How many messages before our command are looked at. */
#define HISTORY_MOST 24

static bool
is(const char *text, const char *expected)
{
    return text != NULL && expected != NULL && strcmp(text, expected) == 0;
}

/* Conduit 0.10.12: src/service/rooms/timeline/mod.rs, to_conduit. */
bool
admin_search_is_command(const char *stem, const char *body)
{
    size_t length = strlen(stem);

    if (strncmp(body, stem, length) != 0)
        return false;
    body += length;
    if (*body == ':')
        body++;
    return *body == '\0' || *body == ' ';
}

static void
empty(struct admin_search *search)
{
    admin_reply_free(&search->reply);
    while (search->later_count > 0)
        admin_reply_free(&search->later[--search->later_count]);
}

void
admin_search_begin(struct admin_search *search)
{
    empty(search);
    search->is_behind = false;
    search->answers_count = true;
    if (!search->knows_ahead)
        search->ahead = 0;
    search->sent_ms = 0;
    search->history = 0;
    search->balance = 0;
    search->found = ADMIN_FOUND_NOTHING;
    search->failed = false;
}

void
admin_search_free(struct admin_search *search)
{
    empty(search);
    memset(search, 0, sizeof(*search));
}

static void
take(struct admin_search *search, struct admin_reply *reply,
    const struct room_message *message)
{
    const char *body = message->body;

    if ((body != NULL && secret_set(&reply->text, body, strlen(body)) != 0) ||
        (reply->event_id = memory_copy_string(message->event_id)) == NULL)
        search->failed = true;
}

/* In that room people give commands; those with a password are redacted afterwards. */
static bool
is_command(const struct admin_search *search, const struct room_message *message)
{
    return message->body == NULL ? !is(message->sender, search->bot)
                                 : admin_search_is_command(search->stem, message->body);
}

/* Whether it can be an answer. A redacted one keeps its place. */
static bool
is_answer(const struct admin_search *search, const struct room_message *message)
{
    return is(message->sender, search->bot) && !is_command(search, message) &&
           (message->body == NULL || is(message->msgtype, search->manner->msgtype));
}

/* Before our command: who was still waiting when it came? False: that is known. */
static bool
look_behind(struct admin_search *search, const struct room_message *message)
{
    bool is_old = search->sent_ms > 0 && message->sent_ms > 0 &&
                  search->sent_ms - message->sent_ms > ANSWERED_MS;

    /* It was answered, and so was whatever had come before it. */
    if (is_old || is(message->event_id, search->previous) ||
        search->history == HISTORY_MOST)
        return false;
    search->history++;
    /* It and those before it were owed to commands that are not looked at. */
    if (is(message->event_id, search->previous_answer))
        search->answers_count = false;
    return true;
}

static void
count_behind(struct admin_search *search, const struct room_message *message)
{
    if (is_command(search, message))
        search->balance++;
    else if (is_answer(search, message) && search->answers_count)
        search->balance--;
    if (search->balance > 0 && (size_t)search->balance > search->ahead)
        search->ahead = (size_t)search->balance;
}

static bool
show_by_order(struct admin_search *search, const struct room_message *message)
{
    if (search->is_behind) {
        if (!look_behind(search, message))
            return false;
        count_behind(search, message);
        return true;
    }
    if (is(message->event_id, search->event_id)) {
        search->is_behind = true;
        search->sent_ms = message->sent_ms;
        return !search->knows_ahead;
    }
    if (is_answer(search, message) &&
        search->later_count < sizeof(search->later) / sizeof(search->later[0]))
        take(search, &search->later[search->later_count++], message);
    return !search->failed;
}

static bool
show_by_relation(struct admin_search *search, const struct room_message *message)
{
    bool is_file = is(message->msgtype, "m.file");

    if (is(message->event_id, search->event_id)) {
        search->is_behind = true;
        return false;
    }
    if (!is(message->sender, search->bot))
        return true;
    if (!is(message->answers, search->event_id)) {
        if (is_file && message->answers == NULL)
            search->found = ADMIN_FOUND_LIKELY_FILE;
        return true;
    }
    admin_reply_free(&search->reply);
    take(search, &search->reply, message);
    search->found = is_file ? ADMIN_FOUND_FILE
                    : is(message->msgtype, "m.notice") || is(message->msgtype, "m.text")
                        ? ADMIN_FOUND_ANSWER
                        : ADMIN_FOUND_NONSENSE;
    return false;
}

bool
admin_search_show(void *context, const struct room_message *message)
{
    struct admin_search *search = context;

    return search->manner->answers_relate ? show_by_relation(search, message)
                                          : show_by_order(search, message);
}

static bool
fits(const struct admin_search *search, const struct admin_reply *reply)
{
    return secret_given(&reply->text) &&
           (search->command->fits == NULL ||
               search->command->fits(search->command, reply->text.bytes));
}

/* Gives the answers behind our command to those who waited before us, and the next one
 * to ours. */
static void
choose_by_order(struct admin_search *search)
{
    struct admin_reply *chosen = NULL;
    size_t ahead = search->ahead;

    for (size_t i = search->later_count; i > 0; i--) {
        struct admin_reply *reply = &search->later[i - 1];
        bool is_ours = ahead == 0;

        ahead -= !is_ours;
        if (!fits(search, reply))
            continue;
        chosen = reply;
        search->found = is_ours ? ADMIN_FOUND_ANSWER : ADMIN_FOUND_LIKELY;
        if (is_ours)
            break;
    }
    if (chosen == NULL)
        return;
    search->reply = *chosen;
    memset(chosen, 0, sizeof(*chosen));
}

int
admin_search_end(struct admin_search *search, enum admin_found *found, struct error *error)
{
    if (search->failed)
        return error_no_memory(error);
    if (!search->manner->answers_relate && search->is_behind) {
        search->knows_ahead = true;
        choose_by_order(search);
    }
    /* Of a file that has no command behind it, nobody knows the place. */
    if (search->found == ADMIN_FOUND_LIKELY_FILE && !search->is_behind)
        search->found = ADMIN_FOUND_NOTHING;
    *found = search->found;
    return 0;
}
