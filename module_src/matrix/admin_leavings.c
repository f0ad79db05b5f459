/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/admin_leavings.h"

#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "matrix/admin_search.h"

/* Before a password, in what the bots of both servers say (backends/room/commands.c). */
#define PASSWORD "password"

/* A run that is at work now takes its own away by itself. */
#define AT_WORK_MS 300

static bool
is(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

/* Whether the account is named: its id, and not the beginning of another's. */
static bool
names(const char *text, const char *user_id)
{
    size_t length = strlen(user_id);

    for (const char *at = strstr(text, user_id); at != NULL; at = strstr(at + 1, user_id))
        if (strchr(" :\n", at[length]) != NULL)
            return true;
    return false;
}

static void
keep_event(struct admin_leavings *leavings, const char *event_id)
{
    char *copy;

    if (leavings->event_count == ADMIN_LEAVINGS_MOST)
        return;
    copy = memory_copy_string(event_id);
    if (copy == NULL)
        leavings->failed = true;
    else
        leavings->events[leavings->event_count++] = copy;
}

static void
keep_told(struct admin_leavings *leavings, const struct room_message *message)
{
    size_t at = leavings->told_count;
    struct admin_reply *told = &leavings->told[at];

    if (at == ADMIN_LEAVINGS_MOST)
        return;
    leavings->told_count++;
    told->event_id = memory_copy_string(message->event_id);
    leavings->answers[at] =
        message->answers == NULL ? NULL : memory_copy_string(message->answers);
    if (secret_set(&told->text, message->body, strlen(message->body)) != 0 ||
        told->event_id == NULL || (leavings->answers[at] == NULL && message->answers != NULL))
        leavings->failed = true;
}

static void
drop_told(struct admin_leavings *leavings, size_t at)
{
    memory_free(leavings->answers[at]);
    leavings->told_count--;
    leavings->told[at] = leavings->told[leavings->told_count];
    leavings->answers[at] = leavings->answers[leavings->told_count];
    memset(&leavings->told[leavings->told_count], 0, sizeof(leavings->told[0]));
    leavings->answers[leavings->told_count] = NULL;
}

/* The answer to a command that was shown now, if it was shown before. */
static bool
find_told(const struct admin_leavings *leavings, const char *event_id, size_t *at)
{
    if (!leavings->answers_relate) {
        /* The one that came first behind it. */
        *at = leavings->told_count - 1;
        return leavings->told_count > 0;
    }
    for (*at = 0; *at < leavings->told_count; (*at)++)
        if (is(leavings->answers[*at], event_id))
            return true;
    return false;
}

static void
claim(struct admin_leavings *leavings, const struct room_message *message)
{
    bool is_newest = message->body != NULL && !leavings->has_command;
    size_t at;

    if (message->body != NULL) {
        leavings->has_command = true;
        keep_event(leavings, message->event_id);
    }
    if (!find_told(leavings, message->event_id, &at) || leavings->failed)
        return;
    keep_event(leavings, leavings->told[at].event_id);
    if (is_newest) {
        leavings->reply = leavings->told[at];
        memset(&leavings->told[at], 0, sizeof(leavings->told[at]));
    }
    admin_reply_free(&leavings->told[at]);
    drop_told(leavings, at);
}

/* A command with a password, by its transaction; of one that was taken away nobody can tell
 * any more. */
static void
show_ours(struct admin_leavings *leavings, const struct room_message *message, bool is_command)
{
    bool is_secret = is_command && room_timeline_is_secret(message->transaction_id);

    leavings->has_any |= is_secret;
    if (is_secret ? names(message->body, leavings->user_id)
                  : message->body == NULL && leavings->answers_relate)
        claim(leavings, message);
}

/* Where answers relate, one is known without its command, too. */
static void
show_bots(struct admin_leavings *leavings, const struct room_message *message)
{
    if (strstr(message->body, PASSWORD) == NULL)
        return;
    leavings->has_any |= leavings->answers_relate;
    if (names(message->body, leavings->user_id))
        keep_told(leavings, message);
}

bool
admin_leavings_show(void *context, const struct room_message *message)
{
    struct admin_leavings *leavings = context;
    bool is_command =
        message->body != NULL && admin_search_is_command(leavings->stem, message->body);

    if (is(message->sender, leavings->administrator))
        show_ours(leavings, message, is_command);
    else if (is(message->sender, leavings->bot) && message->body != NULL && !is_command)
        show_bots(leavings, message);
    return !leavings->failed && leavings->event_count < ADMIN_LEAVINGS_MOST;
}

void
admin_leavings_forget(struct admin_leavings *leavings)
{
    admin_reply_free(&leavings->reply);
    while (leavings->told_count > 0) {
        admin_reply_free(&leavings->told[leavings->told_count - 1]);
        drop_told(leavings, leavings->told_count - 1);
    }
    while (leavings->event_count > 0)
        memory_free(leavings->events[--leavings->event_count]);
    leavings->has_command = false;
    leavings->has_any = false;
    leavings->failed = false;
}

void
admin_leavings_free_standing(struct admin_standing *standing)
{
    while (standing->count > 0)
        memory_free(standing->events[--standing->count]);
    memory_free(standing->about);
    standing->about = NULL;
}

void
admin_leavings_stand(struct admin_standing *standing, const char *user_id,
    const char *command, const char *answer)
{
    const char *events[] = {command, answer};

    admin_leavings_free_standing(standing);
    standing->about = memory_copy_string(user_id);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char *copy = events[i] == NULL || standing->about == NULL
                         ? NULL
                         : memory_copy_string(events[i]);

        if (copy != NULL)
            standing->events[standing->count++] = copy;
    }
}

static int
look(struct admin_leavings *leavings, const struct room_timeline *timeline,
    struct error *error)
{
    admin_leavings_forget(leavings);
    if (room_timeline_back(timeline, ADMIN_LEAVINGS_PAGES, admin_leavings_show, leavings,
            error) != 0)
        return -1;
    return leavings->failed ? error_no_memory(error) : 0;
}

int
admin_leavings_find(struct admin_leavings *leavings, const struct room_timeline *timeline,
    struct admin_standing *standing, struct error *error)
{
    admin_leavings_free_standing(standing);
    if (look(leavings, timeline, error) != 0)
        return -1;
    if (leavings->event_count > 0) {
        stop_sleep_ms(AT_WORK_MS);
        if (look(leavings, timeline, error) != 0)
            return -1;
    }
    if (leavings->event_count == 0)
        return 0;
    standing->about = memory_copy_string(leavings->user_id);
    if (standing->about == NULL)
        return error_no_memory(error);
    memcpy(standing->events, leavings->events, sizeof(standing->events));
    standing->count = leavings->event_count;
    leavings->event_count = 0;
    return 0;
}

void
admin_leavings_clear(struct admin_standing *standing, const struct room_timeline *timeline,
    struct list *warnings)
{
    struct error failure = {0};
    size_t left = 0;

    for (size_t i = 0; i < standing->count; i++)
        left += room_timeline_redact(timeline, standing->events[i], &failure) != 0;
    if (left > 0)
        list_add(warnings,
            "%zu message(s) about %s, in which a password stands, were left in the room %s by a "
            "run that was cut off, and stay readable there, as they could not be taken away: "
            "%.500s",
            left, standing->about, timeline->room_id, failure.text);
    admin_leavings_free_standing(standing);
}
