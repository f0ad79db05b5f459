/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h: what becomes of a command with a password in it, and of one whose
 * reply is lost. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin_trial.h"

#define TRIAL(name) cmocka_unit_test_teardown(name, admin_forget)

TEST(a_command_with_a_password_that_is_not_answered_is_taken_away)
{
    static const struct recorded_reply replies[] = {SENT, SILENT, TAKEN_AWAY, {0}};
    const struct admin_command command = admin_secret_command();

    assert_int_equal(admin_give_briefly(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_NOT_READY);
    assert_int_equal(admin_count_of("PUT " AT_ROOM "/redact/%24E/registrar", admin_asked()), 1);
    assert_int_equal(admin_told.warnings.count, 1);
    assert_in(ROOM, admin_told.warnings.items[0]);
    assert_in("@n:x", admin_told.warnings.items[0]);
    assert_in("after all", admin_told.warnings.items[0]);
}

TEST(a_command_with_a_password_and_its_answer_are_taken_away)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED, TAKEN_AWAY, {0}};
    const struct admin_command command = admin_secret_command();
    const char *log;

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_int_equal(admin_told.warnings.count, 0);
    log = admin_asked();
    assert_int_equal(admin_count_of("PUT " AT_ROOM "/redact/%24E/registrar", log), 1);
    assert_int_equal(admin_count_of("PUT " AT_ROOM "/redact/%24A/registrar", log), 1);
}

/* On Conduit, who was invited into the room has no power over the bot's events. */
TEST(what_cannot_be_taken_away_is_told_with_the_room)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED,
        {"PUT " AT_ROOM "/redact/%24E", 200, NULL, "{\"event_id\": \"$R\"}"},
        {"PUT " AT_ROOM "/redact/%24A", 403, NULL,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Not over open-sesame.\"}"},
        {0}};
    const struct admin_command command = admin_secret_command();

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_int_equal(admin_told.warnings.count, 1);
    assert_in("the answer about @n:x", admin_told.warnings.items[0]);
    assert_in(ROOM, admin_told.warnings.items[0]);
    assert_in("403 M_FORBIDDEN", admin_told.warnings.items[0]);
    assert_not_in("sesame", admin_told.warnings.items[0]);
}

TEST(no_error_has_the_password_of_the_command_in_it)
{
    static const struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", "
            "\"error\": \"!admin users create-user n open-sesame\"}"},
        {0}};
    struct admin_command command = admin_secret_command();

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_not_in("sesame", admin_told.error.text);
    command.secrets[0] = NULL; /* then the line is one */
    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_not_in("sesame", admin_told.error.text);
}

/* Watches for the transaction id, and lets the room have the command then. */
static char lost_page[1000];

static void *
deliver(void *context)
{
    static struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", RECORDED_LOST, NULL, ""},
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, lost_page}, ANSWERED, TAKEN_AWAY, {0}};
    const struct timespec moment = {.tv_nsec = 1000000};
    const char *sent;
    char id[42] = "";

    (void)context;
    for (unsigned i = 0; i < 5000 && id[0] == '\0'; i++) {
        nanosleep(&moment, NULL);
        sent = strstr(recorded_server_request(admin_trial.server), "m.room.message/registrar");
        if (sent != NULL)
            sscanf(sent, "m.room.message/%41[a-z0-9]", id);
    }
    snprintf(lost_page, sizeof(lost_page),
        LAST_PAGE("{\"type\": \"m.room.message\", \"sender\": \"@b:x\", \"event_id\": \"$F\", "
                  "\"content\": {}, \"unsigned\": {\"transaction_id\": \"%s\"}}, "
                  "{\"type\": \"m.room.message\", \"sender\": \"@a:x\", \"event_id\": \"$E\", "
                  "\"content\": {}, \"unsigned\": {\"transaction_id\": \"%s\"}}"),
        id, id);
    recorded_server_say(admin_trial.server, replies);
    return NULL;
}

TEST(a_command_whose_reply_was_lost_is_found_in_the_room_and_goes_on)
{
    static const struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", RECORDED_LOST, NULL, ""}, {0}};
    const struct admin_command command = admin_secret_command();
    struct admin_room *room = admin_opened(&admin_of_continuwuity);
    struct admin_told *told = &admin_told;
    pthread_t thread;

    admin_say(replies);
    admin_trial.matrix.retry->start_budget_ms = 400; /* until it is there */
    assert_int_equal(pthread_create(&thread, NULL, deliver, NULL), 0);
    admin_room_command(room, &command, &told->reply, &told->warnings, &told->error);
    pthread_join(thread, NULL);
    admin_trial.matrix.retry->start_budget_ms = 0;
    admin_room_free(room);
    assert_kind(&told->error, ERROR_NONE);
    assert_string_equal(told->reply.text.bytes, "Done.");
    assert_int_equal(told->warnings.count, 0);
    assert_int_equal(admin_count_of("/redact/", admin_asked()), 2);
}

TEST(a_command_that_was_lost_on_its_way_leaves_it_open_what_was_done)
{
    static const struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", RECORDED_LOST, NULL, ""}, SILENT, {0}};
    const struct admin_command command = admin_secret_command();

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_UNREACHABLE);
    assert_true(error_hides_outcome(&admin_told.error));
    assert_int_equal(admin_told.warnings.count, 0);
}

TEST(a_command_with_a_password_that_may_be_in_the_room_is_told)
{
    static const struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", RECORDED_LOST, NULL, ""},
        {"GET " MESSAGES, RECORDED_LOST, NULL, ""}, {0}};
    struct admin_command command = admin_secret_command();

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_UNREACHABLE);
    assert_int_equal(admin_told.warnings.count, 1);
    assert_in("@n:x", admin_told.warnings.items[0]);
    assert_in(ROOM, admin_told.warnings.items[0]);
    command.holds_secret = false;
    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_int_equal(admin_told.warnings.count, 0);
}

static int
give_one(struct admin_room *room, const struct admin_command *command, struct error *failure)
{
    struct admin_reply said = {0};
    struct list told = {0};
    int result = admin_room_command(room, command, &said, &told, failure);

    if (result == 0 && strcmp(said.text.bytes, "Done.") != 0)
        result = error_set(failure, ERROR_INTERNAL, "the answer is not whole");
    admin_reply_free(&said);
    list_free(&told);
    return admin_or_no_memory(result, failure);
}

static int
give_plain(void *context, struct error *failure)
{
    const struct admin_command command = admin_command_over("deactivate-user @n:x");

    return give_one(context, &command, failure);
}

static int
give_secret(void *context, struct error *failure)
{
    const struct admin_command command = admin_secret_command();

    return give_one(context, &command, failure);
}

TEST(a_command_is_answered_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED, TAKEN_AWAY, {0}};
    static const struct recorded_reply of_conduit[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.text", "Done.")) "," OURS("@conduit:x"))},
        {0}};
    struct admin_room *room = admin_opened(&admin_of_continuwuity);

    admin_say(replies);
    fail_each_allocation(give_secret, room);
    admin_room_free(room);
    room = admin_opened(&admin_of_conduit);
    admin_say(of_conduit);
    fail_each_allocation(give_plain, room);
    admin_room_free(room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_command_with_a_password_that_is_not_answered_is_taken_away),
        TRIAL(a_command_with_a_password_and_its_answer_are_taken_away),
        TRIAL(what_cannot_be_taken_away_is_told_with_the_room),
        TRIAL(no_error_has_the_password_of_the_command_in_it),
        TRIAL(a_command_whose_reply_was_lost_is_found_in_the_room_and_goes_on),
        TRIAL(a_command_that_was_lost_on_its_way_leaves_it_open_what_was_done),
        TRIAL(a_command_with_a_password_that_may_be_in_the_room_is_told),
        TRIAL(a_command_is_answered_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("admin secrets", tests, admin_start, admin_stop);
}
