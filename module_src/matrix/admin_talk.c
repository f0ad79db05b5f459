/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/admin_talk.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "matrix/admin_leavings.h"
#include "matrix/admin_search.h"
#include "matrix/room_timeline.h"
#include "matrix/user_id.h"

/* Between two looks. An answer takes some 10 ms, with a password to hash some 100
 * (Conduit 0.10.12 and continuwuity 26.7.3, seen running). */
#define PAUSE_FIRST_MS 20
#define PAUSE_LONGEST_MS 1000

/* How long an answer is waited for behind a file that may be one to somebody else. One
 * that only stands at another's place is taken when there is no more time. */
#define BEHIND_FILE_MS 5000

/* How long a command that is under way is waited for after a signal to stop. */
#define STOPPED_MS 2000

/* An answer may have the line's password in it twice, once in HTML, and an event has
 * 64 KiB at most (specification: client-server API, "Size limits"): over that, it would
 * be a file, or the end of Conduit's handler. */
#define LINE_LONGEST 4096

/* How many pages are read for a command whose reply was lost. */
#define LOST_PAGES 2

struct admin_talk {
    struct matrix *matrix;
    const struct session *administrator;
    const struct admin_room_manner *manner;
    const char *room_id;
    struct text prefix; /* before a command */
    struct text stem;   /* with which whoever talks to the bot begins */
    char *bot;          /* its user id */
    char *previous;     /* the newest command that was answered, and its answer */
    char *previous_answer;
    struct admin_standing standing; /* still to be taken away */
    bool is_clean;      /* no run before left anything, as far as it is looked for */
};

/* Where the server name goes, if it goes anywhere. */
static void
write_prefix(struct text *prefix, const char *form, const char *server_name)
{
    const char *place = strstr(form, "%s");

    if (place == NULL) {
        text_append(prefix, form);
        return;
    }
    text_append_bytes(prefix, form, (size_t)(place - form));
    text_append(prefix, server_name);
    text_append(prefix, place + strlen("%s"));
}

static void
write_stem(struct text *stem, const struct text *prefix)
{
    size_t length = prefix->length;

    while (length > 0 && prefix->bytes[length - 1] == ' ')
        length--;
    if (length > 0 && prefix->bytes[length - 1] == ':')
        length--;
    text_append_bytes(stem, prefix->bytes, length);
}

struct admin_talk *
admin_talk_begin(struct matrix *matrix, const struct session *administrator,
    const char *server_name, const struct admin_room_manner *manner, const char *room_id,
    struct error *error)
{
    struct admin_talk *talk = memory_zeroed(1, sizeof(*talk));

    if (talk == NULL) {
        error_no_memory(error);
        return NULL;
    }
    talk->matrix = matrix;
    talk->administrator = administrator;
    talk->manner = manner;
    talk->room_id = room_id;
    talk->bot = user_id_format(ADMIN_ROOM_BOT, server_name);
    write_prefix(&talk->prefix, manner->prefix, server_name);
    if (!talk->prefix.failed)
        write_stem(&talk->stem, &talk->prefix);
    if (talk->bot != NULL && !talk->prefix.failed && !talk->stem.failed)
        return talk;
    error_no_memory(error);
    admin_talk_end(talk);
    return NULL;
}

void
admin_talk_end(struct admin_talk *talk)
{
    if (talk == NULL)
        return;
    text_free(&talk->prefix);
    text_free(&talk->stem);
    memory_free(talk->bot);
    memory_free(talk->previous);
    memory_free(talk->previous_answer);
    admin_leavings_free_standing(&talk->standing);
    memory_free(talk);
}

/* One command on its way. */
struct errand {
    struct admin_talk *talk;
    const struct admin_command *command;
    const struct secret *secrets[CALL_SECRETS];
    struct room_timeline timeline;
    char transaction_id[ROOM_TIMELINE_TRANSACTION_SIZE];
    char *event_id; /* of the command */
    struct admin_search search;
    long long end_ms; /* when there is no more time for an answer */
};

static void
errand_begin(struct errand *errand, struct admin_talk *talk,
    const struct admin_command *command)
{
    *errand = (struct errand){.talk = talk, .command = command};
    memcpy(errand->secrets, command->secrets, sizeof(errand->secrets));
    /* Whole, too, where there is a place for it. */
    for (size_t i = 0; command->holds_secret && i < CALL_SECRETS; i++) {
        if (errand->secrets[i] != NULL)
            continue;
        errand->secrets[i] = &command->line;
        break;
    }
    errand->timeline = (struct room_timeline){
        .matrix = talk->matrix,
        .bearer = &talk->administrator->access_token,
        .room_id = talk->room_id,
        .secrets = errand->secrets,
    };
}

static void
errand_end(struct errand *errand)
{
    admin_search_free(&errand->search);
    memory_free(errand->event_id);
    memory_wipe(errand, sizeof(*errand));
}

/* A command is one line; what comes behind it would be another's argument. */
static int
check_line(const struct secret *line, struct error *error)
{
    if (!secret_given(line) || line->length == 0 || line->length > LINE_LONGEST ||
        strlen(line->bytes) != line->length || strpbrk(line->bytes, "\r\n") != NULL ||
        !text_is_unicode(line->bytes, line->length))
        return error_set(error, ERROR_INVALID,
            "a command of the admin room is one line of text, of %d bytes at most",
            LINE_LONGEST);
    return 0;
}

/* A room_visitor; context is the errand. */
static bool
is_another(void *context, const struct room_message *message)
{
    struct errand *errand = context;

    if (message->transaction_id == NULL ||
        strcmp(message->transaction_id, errand->transaction_id) != 0 ||
        strcmp(message->sender, errand->talk->administrator->user_id) != 0)
        return true;
    errand->event_id = memory_copy_string(message->event_id);
    return false;
}

/* The command may have arrived although the reply was lost: then it stands in the room,
 * and goes on as if nothing had happened. *is_known is false where that cannot be told. */
static int
find_lost(struct errand *errand, struct error *failure, bool *is_known)
{
    struct error ignored = {0};

    *is_known = room_timeline_back(&errand->timeline, LOST_PAGES, is_another, errand,
                    &ignored) == 0;
    if (errand->event_id == NULL)
        return -1;
    error_clear(failure);
    return 0;
}

static int
send_line(struct errand *errand, struct list *warnings, struct error *error)
{
    const struct secret *line = &errand->command->line;
    struct text text = {0};
    struct secret body;
    bool is_known = true;
    int result = -1;

    if (check_line(line, error) != 0 ||
        room_timeline_name(errand->transaction_id, errand->command->holds_secret, error) != 0)
        return -1;
    text_append_bytes(&text, errand->talk->prefix.bytes, errand->talk->prefix.length);
    text_append_bytes(&text, line->bytes, line->length);
    body = (struct secret){.bytes = text.bytes, .length = text.length};
    if (text.failed)
        error_no_memory(error);
    else
        result = room_timeline_say(&errand->timeline, &body, errand->transaction_id,
            &errand->event_id, error);
    text_free(&text);
    if (result != 0 && error_hides_outcome(error))
        result = find_lost(errand, error, &is_known);
    if (!is_known && errand->command->holds_secret)
        list_add(warnings,
            "a command about %s, in which a password stands, may have come into the room "
            "%s and be readable there, as the connection was lost over it",
            errand->command->user_id, errand->talk->room_id);
    return result;
}

/* Sleeps also after a signal, when the command that is under way has little time. */
static void
pause_ms(long long duration_ms)
{
    struct timespec duration = {
        .tv_sec = (time_t)(duration_ms / 1000),
        .tv_nsec = (long)(duration_ms % 1000) * 1000000,
    };

    if (stop_signal() == 0)
        stop_sleep_ms(duration_ms);
    else
        nanosleep(&duration, NULL);
}

static int
look(struct errand *errand, enum admin_found *found, struct error *error)
{
    admin_search_begin(&errand->search);
    if (room_timeline_back(&errand->timeline, ADMIN_SEARCH_PAGES, admin_search_show,
            &errand->search, error) != 0)
        return -1;
    return admin_search_end(&errand->search, found, error);
}

/* Nothing better can come. */
static bool
is_settled(enum admin_found found)
{
    return found == ADMIN_FOUND_ANSWER || found == ADMIN_FOUND_FILE ||
           found == ADMIN_FOUND_NONSENSE;
}

/* There is no more time than this, from now. */
static void
hurry(struct errand *errand, long long now_ms, long long left_ms)
{
    if (errand->end_ms > now_ms + left_ms)
        errand->end_ms = now_ms + left_ms;
}

/* Looks until there is an answer or no more time. */
static int
wait_for_answer(struct errand *errand, enum admin_found *found, struct error *error)
{
    long long pause = PAUSE_FIRST_MS, now_ms;
    bool is_stopped = false, is_behind_file = false;

    for (;;) {
        pause_ms(pause);
        if (look(errand, found, error) != 0)
            return -1;
        now_ms = stop_clock_ms();
        if (is_settled(*found) || now_ms >= errand->end_ms)
            return 0;
        if (!is_stopped && (is_stopped = stop_signal() != 0))
            hurry(errand, now_ms, STOPPED_MS);
        if (!is_behind_file && (is_behind_file = *found == ADMIN_FOUND_LIKELY_FILE))
            hurry(errand, now_ms, BEHIND_FILE_MS);
        pause = pause * 2 > PAUSE_LONGEST_MS ? PAUSE_LONGEST_MS : pause * 2;
        if (pause > errand->end_ms - now_ms)
            pause = errand->end_ms - now_ms;
    }
}

static int
tell_silence(const struct errand *errand, struct error *error)
{
    const struct admin_talk *talk = errand->talk;

    if (stop_signal() != 0)
        return error_set(error, ERROR_INTERRUPTED,
            "stopped by %s before %s had answered a command about %s",
            stop_signal_name(stop_signal()), talk->bot, errand->command->user_id);
    /* It obeys one after the other: the next would wait as long, and stay in the room. */
    error->ends_list = true;
    return error_set(error, ERROR_NOT_READY,
        "%s has not answered a command about %s in its admin room (%s) within %ld s, so it "
        "is not known whether it obeyed; run this again, with a longer timeout where the "
        "account has to leave many rooms; if it never answers, the server's handler of "
        "commands may be dead while all else goes on: restart the server",
        talk->bot, errand->command->user_id, talk->room_id,
        http_timeout_ms(talk->matrix->http) / 1000);
}

/* What was found is an answer, or an error. */
static int
judge(const struct errand *errand, enum admin_found found, struct error *error)
{
    const char *bot = errand->talk->bot;
    const char *user_id = errand->command->user_id;

    switch (found) {
    case ADMIN_FOUND_ANSWER:
    case ADMIN_FOUND_LIKELY:
        return 0;
    case ADMIN_FOUND_FILE:
    case ADMIN_FOUND_LIKELY_FILE:
        return error_set(error, ERROR_PROTOCOL,
            "%s answers a command about %s with a file, as its answer was too large for a "
            "message; look for it in the room %s",
            bot, user_id, errand->talk->room_id);
    case ADMIN_FOUND_NONSENSE:
        return error_set(error, ERROR_PROTOCOL,
            "%s answers a command about %s with something that is no text", bot, user_id);
    case ADMIN_FOUND_NOTHING:
        break;
    }
    return tell_silence(errand, error);
}

/* The bot obeys in the order of the room, which the next search begins at. */
static void
remember(struct errand *errand, const struct admin_reply *reply)
{
    struct admin_talk *talk = errand->talk;

    memory_free(talk->previous);
    memory_free(talk->previous_answer);
    talk->previous = errand->event_id;
    talk->previous_answer =
        reply->event_id == NULL ? NULL : memory_copy_string(reply->event_id);
    errand->event_id = NULL;
}

static int
get_answer(struct errand *errand, struct admin_reply *reply, struct error *error)
{
    struct admin_talk *talk = errand->talk;
    enum admin_found found = ADMIN_FOUND_NOTHING;
    int result;

    errand->end_ms = stop_clock_ms() + http_timeout_ms(talk->matrix->http);
    errand->search = (struct admin_search){
        .manner = talk->manner,
        .command = errand->command,
        .bot = talk->bot,
        .stem = talk->stem.bytes,
        .event_id = errand->event_id,
        .previous = talk->previous,
        .previous_answer = talk->previous_answer,
    };
    result = wait_for_answer(errand, &found, error);
    if (result == 0)
        result = judge(errand, found, error);
    *reply = errand->search.reply;
    memset(&errand->search.reply, 0, sizeof(errand->search.reply));
    /* Whatever went wrong: the command had been sent. */
    error->maybe_done = result != 0;
    return result;
}

/* Takes one event with a password in it away. NULL: there is none. */
static void
take_away(const struct errand *errand, const char *event_id, const char *which,
    struct list *warnings)
{
    struct error failure = {0};

    if (event_id == NULL ||
        room_timeline_redact(&errand->timeline, event_id, &failure) == 0)
        return;
    list_add(warnings,
        "the %s about %s, in which a password stands, stays readable to whoever is in the "
        "room %s, as it could not be taken away: %.500s",
        which, errand->command->user_id, errand->talk->room_id, failure.text);
}

static void
take_all_away(const struct errand *errand, const struct admin_reply *reply,
    struct list *warnings)
{
    take_away(errand, errand->event_id, "command", warnings);
    take_away(errand, reply->event_id, "answer", warnings);
    if (reply->event_id == NULL)
        list_add(warnings,
            "should %s answer the command about %s after all, a password may stand in the "
            "answer, which stays in the room %s",
            errand->talk->bot, errand->command->user_id, errand->talk->room_id);
}

int
admin_talk_command(struct admin_talk *talk, const struct admin_command *command,
    struct admin_reply *reply, struct list *warnings, struct error *error)
{
    struct errand errand;
    int result;

    errand_begin(&errand, talk, command);
    result = send_line(&errand, warnings, error);
    if (result == 0) {
        result = get_answer(&errand, reply, error);
        talk->is_clean &= !command->stands;
        if (command->stands)
            admin_leavings_stand(&talk->standing, command->user_id, errand.event_id,
                reply->event_id);
        else if (command->holds_secret)
            take_all_away(&errand, reply, warnings);
    }
    if (result == 0)
        remember(&errand, reply);
    errand_end(&errand);
    return result;
}

/* For what is said of nobody's secret. */
static const struct secret *const no_secrets[CALL_SECRETS] = {NULL};

static struct room_timeline
timeline_of(const struct admin_talk *talk)
{
    return (struct room_timeline){
        .matrix = talk->matrix,
        .bearer = &talk->administrator->access_token,
        .room_id = talk->room_id,
        .secrets = no_secrets,
    };
}

int
admin_talk_leavings(struct admin_talk *talk, const char *user_id, struct admin_reply *reply,
    struct error *error)
{
    const struct room_timeline timeline = timeline_of(talk);
    struct admin_leavings leavings = {
        .administrator = talk->administrator->user_id,
        .bot = talk->bot,
        .stem = talk->stem.bytes,
        .user_id = user_id,
        .answers_relate = talk->manner->answers_relate,
    };
    int result;

    /* The messages are the same for each account of a list. */
    if (talk->is_clean) {
        admin_leavings_free_standing(&talk->standing);
        return 0;
    }
    result = admin_leavings_find(&leavings, &timeline, &talk->standing, error);
    if (result == 0) {
        talk->is_clean = !leavings.has_any;
        *reply = leavings.reply;
        memset(&leavings.reply, 0, sizeof(leavings.reply));
    }
    admin_leavings_forget(&leavings);
    return result;
}

void
admin_talk_clear(struct admin_talk *talk, struct list *warnings)
{
    const struct room_timeline timeline = timeline_of(talk);

    admin_leavings_clear(&talk->standing, &timeline, warnings);
}
