/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of the messages of an admin room answers a command of ours. It asks no server:
 * it is shown the messages, the newest first (matrix/room_timeline.h).
 *
 * Where answers relate to what they answer, the relation tells. Conduit's do not; but
 * it obeys one command after the other, and answers each with one message. So ours is
 * the answer that is as many places behind our command as there were commands before it
 * without one. Answers that are no answer to ours by their text are passed over.
 */
#ifndef REGISTRAR_MATRIX_ADMIN_SEARCH_H
#define REGISTRAR_MATRIX_ADMIN_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "matrix/admin_reply.h"
#include "matrix/admin_room.h"
#include "matrix/room_timeline.h"

/* How many pages are read for a message at most. */
#define ADMIN_SEARCH_PAGES 8

enum admin_found {
    ADMIN_FOUND_NOTHING,
    ADMIN_FOUND_ANSWER,
    ADMIN_FOUND_LIKELY, /* an answer that is another's by its place; if nothing better comes,
                           a command before ours had died without an answer */
    ADMIN_FOUND_FILE,   /* it was too large to be a message */
    ADMIN_FOUND_LIKELY_FILE, /* the bot sent a file, to whomever, after our command */
    ADMIN_FOUND_NONSENSE, /* neither text nor a file */
};

/* All zeroes but for the first part. For admin_search_free. */
struct admin_search {
    const struct admin_room_manner *manner;
    const struct admin_command *command;
    const char *bot;       /* its user id */
    const char *stem;      /* with which whoever talks to it begins */
    const char *event_id;  /* of the command */
    const char *previous;  /* of our command before, whose answer came; or NULL */
    const char *previous_answer;

    bool knows_ahead;      /* the next field is right, whatever is shown */
    size_t ahead;          /* commands before ours that were not answered yet */

    /* Of one look. */
    bool is_behind;        /* our command was shown, so that older ones are */
    bool answers_count;    /* those that are shown now */
    long long sent_ms;     /* our command */
    size_t history;        /* how many older ones were shown */
    long balance;          /* of them, commands less answers */
    enum admin_found found;
    struct admin_reply reply; /* of what was found */
    struct admin_reply later[ADMIN_SEARCH_PAGES * ROOM_TIMELINE_PAGE];
    size_t later_count;    /* what may be an answer, behind our command, newest first */
    bool failed;           /* no memory */
};

/* Begins a look: forgets what the one before found, but for `ahead`. */
void admin_search_begin(struct admin_search *search);

/* A room_visitor; context is the search. */
bool admin_search_show(void *context, const struct room_message *message);

/* Ends a look. What was found is in search->reply. -1: no memory. */
int admin_search_end(struct admin_search *search, enum admin_found *found,
    struct error *error);

void admin_search_free(struct admin_search *search);

/* Whether it is a command to the bot, as the stem says: alone, with a colon, or with
 * either and a blank behind it. */
bool admin_search_is_command(const char *stem, const char *body);

#endif
