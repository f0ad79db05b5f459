/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h: commands and their answers. */
#include "support.h"

#include <string.h>

#include "admin_trial.h"

/* What came of one command. */
static struct admin_reply reply;
static struct list warnings;
static struct error error;

static int
give(const struct admin_room_manner *manner, const struct admin_command *command,
    const struct recorded_reply *replies)
{
    struct admin_room *room = admin_opened(manner);
    int result;

    admin_reply_free(&reply);
    list_free(&warnings);
    error = (struct error){0};
    admin_say(replies);
    result = admin_room_command(room, command, &reply, &warnings, &error);
    admin_room_free(room);
    return result;
}

static struct admin_command
command_over(const char *line)
{
    return (struct admin_command){.line = secret_over(line), .user_id = "@n:x"};
}

TEST(a_command_is_sent_once_and_the_reply_to_it_is_its_answer)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.notice", "Done.") REPLY_TO("$E")) ","
                 EVENT("@a:x", "$E", TEXT("m.text", "!admin users lock n")))},
        {0}};
    const struct admin_command command = command_over("users lock n");
    const char *log;

    assert_int_equal(give(&admin_of_continuwuity, &command, replies), 0);
    assert_string_equal(reply.text.bytes, "Done.");
    assert_string_equal(reply.event_id, "$A");
    assert_int_equal(warnings.count, 0);
    log = recorded_server_log(admin_trial.server);
    assert_in("tok_a {\"msgtype\":\"m.text\",\"body\":\"!admin users lock n\"}\n", log);
    assert_in("GET " MESSAGES " tok_a\n", log);
}

TEST(a_command_of_conduit_is_answered_by_the_next_text_of_its_bot)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.text", "Done.")) ","
                 EVENT("@a:x", "$E", TEXT("m.text", "@conduit:x: deactivate-user @n:x")))},
        {0}};
    const struct admin_command command = command_over("deactivate-user @n:x");

    assert_int_equal(give(&admin_of_conduit, &command, replies), 0);
    assert_string_equal(reply.text.bytes, "Done.");
    assert_in("\"body\":\"@conduit:x: deactivate-user @n:x\"", recorded_server_log(admin_trial.server));
}

TEST(a_command_with_a_password_and_its_answer_are_taken_away)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.notice", "Done.") REPLY_TO("$E")) ","
                 EVENT("@a:x", "$E", TEXT("m.text", "!admin users create-user n sesame")))},
        {"PUT " AT_ROOM "/redact/", 200, NULL, "{\"event_id\": \"$R\"}"}, {0}};
    struct admin_command command = command_over("users create-user n sesame");
    const char *log;

    command.holds_secret = true;
    assert_int_equal(give(&admin_of_continuwuity, &command, replies), 0);
    assert_int_equal(warnings.count, 0);
    log = recorded_server_log(admin_trial.server);
    assert_in("PUT " AT_ROOM "/redact/%24E/registrar", log);
    assert_in("PUT " AT_ROOM "/redact/%24A/registrar", log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_sent_once_and_the_reply_to_it_is_its_answer),
        cmocka_unit_test(a_command_of_conduit_is_answered_by_the_next_text_of_its_bot),
        cmocka_unit_test(a_command_with_a_password_and_its_answer_are_taken_away),
    };
    int result = cmocka_run_group_tests_name("admin talk", tests, admin_start, admin_stop);

    admin_reply_free(&reply);
    list_free(&warnings);
    return result;
}
