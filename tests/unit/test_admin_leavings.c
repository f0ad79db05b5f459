/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_leavings.h. Answers are as Conduit 0.10.12 and continuwuity 26.7.3 give
 * them, seen running. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "admin_trial.h"
#include "base/memory.h"
#include "matrix/admin_leavings.h"

#define BOT "@conduit:x"
#define US "@a:x"
#define RESET_OF(name) "reset-password @" name ":x"
#define TOLD_OF(name) "Successfully reset the password for user @" name ":x: Gen3rated"

static struct admin_leavings leavings;

static void
begin(const struct admin_room_manner *manner)
{
    admin_leavings_forget(&leavings);
    leavings = (struct admin_leavings){
        .administrator = US,
        .bot = BOT,
        .stem = manner->answers_relate ? "!admin" : BOT,
        .user_id = "@n:x",
        .answers_relate = manner->answers_relate,
    };
}

static int
forget(void **state)
{
    (void)state;
    admin_leavings_forget(&leavings);
    return 0;
}

static bool
show(const char *sender, const char *event_id, const char *body, const char *answers,
    const char *transaction_id)
{
    const struct room_message message = {
        .event_id = event_id,
        .sender = sender,
        .msgtype = body == NULL ? NULL : "m.text",
        .body = body,
        .answers = answers,
        .transaction_id = transaction_id,
    };

    return admin_leavings_show(&leavings, &message);
}

static void
assert_events(const char *expected)
{
    char events[200] = "";

    for (size_t i = 0; i < leavings.event_count; i++)
        snprintf(events + strlen(events), sizeof(events) - strlen(events), "%s ",
            leavings.events[i]);
    assert_string_equal(events, expected);
}

static void
assert_answer(const char *expected)
{
    if (expected == NULL)
        assert_false(secret_given(&leavings.reply.text));
    else
        assert_string_equal(leavings.reply.text.bytes, expected);
}

TEST(a_command_that_was_left_is_found_with_the_answer_behind_it)
{
    begin(&admin_of_conduit);
    show(BOT, "$3", TOLD_OF("n"), NULL, NULL);
    show("@b:x", "$2", "well", NULL, NULL);
    show(US, "$1", BOT ": " RESET_OF("n"), NULL, "registrarsecret0");
    assert_true(leavings.has_command);
    assert_events("$1 $3 ");
    assert_answer(TOLD_OF("n"));
}

TEST(a_command_that_relates_is_found_with_what_relates_to_it)
{
    begin(&admin_of_continuwuity);
    show(BOT, "$4", "Created user @n:x with password `of another`", "$2", NULL);
    show(BOT, "$3", "Created user @n:x with password `ours`", "$1", NULL);
    show("@b:x", "$2", "!admin users create-user @n:x", NULL, NULL);
    show(US, "$1", "!admin users create-user @n:x ours", NULL, "registrarsecret0");
    assert_events("$1 $3 ");
    assert_answer("Created user @n:x with password `ours`");
}

TEST(an_answer_that_came_too_late_is_found_by_the_command_that_was_taken_away)
{
    begin(&admin_of_continuwuity);
    show(BOT, "$2", "Created user @n:x with password `ours`", "$1", NULL);
    show(US, "$1", NULL, NULL, NULL);
    assert_false(leavings.has_command);
    assert_events("$2 ");
    assert_answer(NULL);
}

TEST(nothing_else_is_left)
{
    static const struct {
        const char *sender, *body, *transaction_id;
    } table[] = {
        {US, "!admin users make-user-admin @n:x", "registrar0"},     /* without a secret */
        {US, "!admin users create-user @n:x by-hand", "m1700000000"}, /* a person's */
        {US, "!admin users create-user @n:x by-hand", NULL},
        {US, "!admin users create-user @nn:x another", "registrarsecret0"},
        {US, "!admin users create-user @n:xy another", "registrarsecret0"},
        {US, "what of !admin users create-user @n:x", "registrarsecret0"},
        {"@b:x", "!admin users create-user @n:x another's", "registrarsecret0"},
        {BOT, "Created user @n:x with password `of another`", NULL},
    };

    begin(&admin_of_continuwuity);
    for (size_t i = 0; i < COUNT(table); i++)
        assert_true(show(table[i].sender, "$1", table[i].body, NULL, table[i].transaction_id));
    assert_false(leavings.has_command);
    assert_events("");
}

TEST(only_the_newest_command_has_an_answer_that_counts)
{
    begin(&admin_of_conduit);
    show(US, "$3", BOT ": " RESET_OF("n"), NULL, "registrarsecret0");
    show(BOT, "$2", TOLD_OF("n"), NULL, NULL);
    show(US, "$1", BOT ": " RESET_OF("n"), NULL, "registrarsecret1");
    assert_events("$3 $1 $2 ");
    assert_answer(NULL);
}

TEST(a_room_full_of_leavings_is_not_read_to_its_end)
{
    char id[8];

    begin(&admin_of_conduit);
    for (int i = 1; i < ADMIN_LEAVINGS_MOST; i++) {
        snprintf(id, sizeof(id), "$%d", i);
        assert_true(show(US, id, BOT " " RESET_OF("n"), NULL, "registrarsecret0"));
    }
    assert_false(show(US, "$last", BOT " " RESET_OF("n"), NULL, "registrarsecret0"));
    show(US, "$more", BOT " " RESET_OF("n"), NULL, "registrarsecret0");
    assert_int_equal(leavings.event_count, ADMIN_LEAVINGS_MOST);
}

TEST(many_words_of_the_bot_are_held_within_bounds)
{
    begin(&admin_of_continuwuity);
    for (int i = 0; i < 3 * ADMIN_LEAVINGS_MOST; i++)
        show(BOT, "$a", TOLD_OF("n"), "$E", NULL);
    assert_int_equal(leavings.told_count, ADMIN_LEAVINGS_MOST);
    assert_events("");
}

static int
show_all(void *context)
{
    (void)context;
    begin(&admin_of_continuwuity);
    show(BOT, "$3", "Created user @n:x with password `p`", "$1", NULL);
    show(US, "$1", "!admin users create-user @n:x p", NULL, "registrarsecret0");
    return leavings.failed ? -1 : 0;
}

TEST(each_failed_allocation_is_told)
{
    unsigned long i = 1;
    int result;

    do {
        memory_fail_at(i++);
        result = show_all(NULL);
        memory_fail_at(0);
        assert_true(i < 100);
    } while (result != 0);
    assert_true(i > 4);
    assert_events("$1 $3 ");
}

/* ---- In a room ------------------------------------------------------------------------- */

#define LEFT                                                                               \
    "{\"chunk\": [{\"type\": \"m.room.message\", \"sender\": \"" BOT "\", \"event_id\": "  \
    "\"$A\", \"content\": {\"msgtype\": \"m.text\", \"body\": \"" TOLD_OF("n") "\"}}, "    \
    "{\"type\": \"m.room.message\", \"sender\": \"" US "\", \"event_id\": \"$E\", "        \
    "\"content\": {\"msgtype\": \"m.text\", \"body\": \"" BOT ": " RESET_OF("n") "\"}, "   \
    "\"unsigned\": {\"transaction_id\": \"registrarsecret0\"}}]}"

static struct list warnings;

static int
find_left(const struct recorded_reply *replies, struct admin_reply *reply, bool clears)
{
    struct admin_room *room = admin_opened(&admin_of_conduit);
    struct error error = {0};
    int result;

    admin_say(replies);
    result = admin_room_leavings(room, "@n:x", reply, &error);
    if (clears)
        admin_room_clear(room, &warnings);
    admin_room_free(room);
    return result;
}

TEST(what_was_left_is_taken_away_once_it_is_no_more_needed)
{
    static const struct recorded_reply replies[] = {
        {"GET " MESSAGES, 200, NULL, LEFT}, {"PUT " AT_ROOM "/redact/", 200, NULL, "{}"}, {0}};
    struct admin_reply reply = {0};
    const char *asked;

    assert_int_equal(find_left(replies, &reply, true), 0);
    assert_string_equal(reply.text.bytes, TOLD_OF("n"));
    admin_reply_free(&reply);
    asked = admin_asked();
    assert_int_equal(admin_count_of("PUT " AT_ROOM "/redact/%24E/registrar", asked), 1);
    assert_int_equal(admin_count_of("PUT " AT_ROOM "/redact/%24A/registrar", asked), 1);
    assert_int_equal(warnings.count, 0);
}

TEST(what_is_needed_stays_for_the_next_run)
{
    static const struct recorded_reply replies[] = {{"GET " MESSAGES, 200, NULL, LEFT}, {0}};
    struct admin_reply reply = {0};

    assert_int_equal(find_left(replies, &reply, false), 0);
    admin_reply_free(&reply);
    assert_int_equal(admin_count_of("/redact/", admin_asked()), 0);
}

/* A run that is at work takes its own away by itself. */
TEST(what_is_gone_at_the_second_look_was_not_left)
{
    static const struct recorded_reply replies[] = {
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, LEFT},
        {"GET " MESSAGES, 200, NULL, "{\"chunk\": []}"}, {0}};
    struct admin_reply reply = {0};

    assert_int_equal(find_left(replies, &reply, true), 0);
    assert_false(secret_given(&reply.text));
    assert_int_equal(admin_count_of("/redact/", admin_asked()), 0);
}

TEST(what_cannot_be_taken_away_is_a_warning)
{
    static const struct recorded_reply replies[] = {{"GET " MESSAGES, 200, NULL, LEFT},
        {"PUT " AT_ROOM "/redact/", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, {0}};
    struct admin_reply reply = {0};

    assert_int_equal(find_left(replies, &reply, true), 0);
    admin_reply_free(&reply);
    assert_int_equal(warnings.count, 1);
    assert_in("2 message(s) about @n:x", warnings.items[0]);
    assert_in("stay readable there", warnings.items[0]);
    assert_not_in("Gen3rated", warnings.items[0]);
    list_free(&warnings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_command_that_was_left_is_found_with_the_answer_behind_it,
            forget),
        cmocka_unit_test_teardown(a_command_that_relates_is_found_with_what_relates_to_it,
            forget),
        cmocka_unit_test_teardown(
            an_answer_that_came_too_late_is_found_by_the_command_that_was_taken_away, forget),
        cmocka_unit_test_teardown(nothing_else_is_left, forget),
        cmocka_unit_test_teardown(only_the_newest_command_has_an_answer_that_counts, forget),
        cmocka_unit_test_teardown(a_room_full_of_leavings_is_not_read_to_its_end, forget),
        cmocka_unit_test_teardown(many_words_of_the_bot_are_held_within_bounds, forget),
        cmocka_unit_test_teardown(each_failed_allocation_is_told, forget),
        cmocka_unit_test(what_was_left_is_taken_away_once_it_is_no_more_needed),
        cmocka_unit_test(what_is_needed_stays_for_the_next_run),
        cmocka_unit_test(what_is_gone_at_the_second_look_was_not_left),
        cmocka_unit_test(what_cannot_be_taken_away_is_a_warning),
    };

    return cmocka_run_group_tests(tests, admin_start, admin_stop);
}
