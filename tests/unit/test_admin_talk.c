/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h: commands and their answers. Whose an answer is, is for
 * test_admin_search.c; what becomes of passwords, for test_admin_secrets.c. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "admin_trial.h"

#define TRIAL(name) cmocka_unit_test_teardown(name, admin_forget)

TEST(a_command_is_sent_once_and_the_reply_to_it_is_its_answer)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED, {0}};
    const struct admin_command command = admin_command_over("users lock n");
    const char *log;

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_string_equal(admin_told.reply.text.bytes, "Done.");
    assert_string_equal(admin_told.reply.event_id, "$A");
    assert_int_equal(admin_told.warnings.count, 0);
    log = admin_asked();
    assert_in(" tok_a {\"msgtype\":\"m.text\",\"body\":\"!admin users lock n\"}\n"
              "GET " MESSAGES " tok_a\n",
        log);
    assert_int_equal(admin_count_of("\n", log), 2);
}

TEST(a_command_of_conduit_is_answered_by_the_next_text_of_its_bot)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.text", "Done.")) ","
                 OURS("@conduit:x: deactivate-user @n:x"))},
        {0}};
    const struct admin_command command = admin_command_over("deactivate-user @n:x");

    assert_int_equal(admin_give(&admin_of_conduit, &command, replies), 0);
    assert_string_equal(admin_told.reply.text.bytes, "Done.");
    assert_in("\"body\":\"@conduit:x: deactivate-user @n:x\"", admin_asked());
}

/* The same id again would be the same command, which is not obeyed again. */
TEST(each_command_has_a_transaction_id_of_its_own)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED, {0}};
    const struct admin_command command = admin_command_over("users lock n");
    char ids[2][33];

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
        assert_int_equal(sscanf(admin_asked(),
                             "PUT " "/_matrix/client/v3/rooms/%%21a%%2Fb/send/m.room.message/"
                             "registrar%32[0-9a-f] tok_a",
                             ids[i]),
            1);
        assert_int_equal(strlen(ids[i]), 32);
    }
    assert_string_not_equal(ids[0], ids[1]);
}

/* continuwuity 26.7.3: reset-password with --convert-to-local-account. */
TEST(an_answer_may_be_empty)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.notice", "") REPLY_TO("$E")))},
        {0}};
    const struct admin_command command = admin_command_over("users reset-password n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_true(secret_given(&admin_told.reply.text));
    assert_string_equal(admin_told.reply.text.bytes, "");
}

TEST(an_answer_that_is_late_is_waited_for)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, PAGE("")},
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, PAGE(OURS("!admin users lock n"))},
        ANSWERED, {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_string_equal(admin_told.reply.text.bytes, "Done.");
    assert_int_equal(admin_count_of("GET ", admin_asked()), 3);
}

TEST(an_answer_that_others_have_talked_over_is_on_another_page)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES "&from=1%2F2", 200, NULL,
            LAST_PAGE(EVENT("@conduit:x", "$A", TEXT("m.notice", "Done.") REPLY_TO("$E")))},
        {"GET " MESSAGES, 200, NULL,
            "{\"end\": \"1/2\", \"chunk\": [" EVENT("@c:x", "$C", TEXT("m.text", "hi")) "]}"},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_string_equal(admin_told.reply.text.bytes, "Done.");
    assert_int_equal(admin_count_of("GET ", admin_asked()), 2);
}

/* A room without an end ends here: each look reads eight pages at most. */
TEST(pages_that_never_end_are_not_read_for_ever)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@c:x", "$C", TEXT("m.text", "hi")))},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give_briefly(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_NOT_READY);
    assert_int_equal(admin_count_of("GET ", admin_asked()) % 8, 0);
}

TEST(what_is_no_message_is_passed_over)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE("5, null, {}, {\"type\": 5}, {\"type\": \"m.room.message\"}, "
                 "{\"type\": \"m.room.message\", \"event_id\": [], \"sender\": \"@conduit:x\"}, "
                 "{\"type\": \"m.room.message\", \"event_id\": \"$1\", \"sender\": 5}, "
                 "{\"type\": \"m.room.member\", \"event_id\": \"$2\", \"sender\": \"@conduit:x\", "
                 "\"state_key\": \"@n:x\", \"content\": {\"membership\": \"join\"}}, "
                 EVENT("@conduit:x", "$3",
                     "\"msgtype\": \"m.notice\", \"body\": 5" REPLY_TO("$E")) ", "
                 EVENT("@conduit:x", "$4", TEXT("m.notice", "no")
                     ", \"m.relates_to\": \"$E\"") ", "
                 EVENT("@conduit:x", "$5", TEXT("m.notice", "no")
                     ", \"m.relates_to\": {\"m.in_reply_to\": [\"$E\"]}") ", "
                 "{\"type\": \"m.room.message\", \"event_id\": \"$6\", \"sender\": \"@conduit:x\", "
                 "\"content\": []}, "
                 EVENT("@conduit:x", "$A", TEXT("m.notice", "Done.") REPLY_TO("$E")))},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_string_equal(admin_told.reply.event_id, "$A");
}

TEST(a_bot_that_does_not_answer_may_be_dead)
{
    static const struct recorded_reply replies[] = {SENT, SILENT, {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give_briefly(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_NOT_READY);
    /* Whoever comes next would wait as long. */
    assert_true(error_ends_list(&admin_told.error));
    assert_true(error_hides_outcome(&admin_told.error));
    assert_in("@conduit:x has not answered", admin_told.error.text);
    assert_in("@n:x", admin_told.error.text);
    assert_in(ROOM, admin_told.error.text);
    assert_in("longer timeout", admin_told.error.text);
    assert_in("restart the server", admin_told.error.text);
    assert_int_equal(admin_told.warnings.count, 0);
}

TEST(an_answer_that_is_a_file_is_no_answer)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.file", "output.md") REPLY_TO("$E")))},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_PROTOCOL);
    assert_true(error_hides_outcome(&admin_told.error));
    assert_in("too large", admin_told.error.text);
    assert_in(ROOM, admin_told.error.text);
}

TEST(a_file_to_whomever_is_our_answer_if_nothing_better_comes)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL,
            PAGE(EVENT("@conduit:x", "$F", TEXT("m.file", "output.md")) ","
                 OURS("!admin users lock n"))},
        ANSWERED, {0}};
    static const struct recorded_reply nothing_better[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$F", TEXT("m.file", "output.md")) ","
                 OURS("!admin users lock n"))},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
    assert_int_equal(admin_give_briefly(&admin_of_continuwuity, &command, nothing_better), -1);
    assert_kind(&admin_told.error, ERROR_PROTOCOL);
    assert_in("too large", admin_told.error.text);
}

/* The command before ours had died without an answer, as with a restart. */
TEST(an_answer_at_anothers_place_is_ours_if_nothing_better_comes)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            LAST_PAGE(EVENT("@conduit:x", "$A", TEXT("m.text", "Done.")) ","
                      OURS("@conduit:x: two") ","
                      EVENT("@c:x", "$D", TEXT("m.text", "@conduit:x: dead")))},
        {0}};
    const struct admin_command command = admin_command_over("two");

    assert_int_equal(admin_give_briefly(&admin_of_conduit, &command, replies), 0);
    assert_string_equal(admin_told.reply.text.bytes, "Done.");
    assert_true(admin_count_of("GET ", admin_asked()) > 1);
}

TEST(an_answer_that_is_no_text_is_no_answer)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            PAGE(EVENT("@conduit:x", "$A", TEXT("m.image", "x") REPLY_TO("$E")))},
        {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_kind(&admin_told.error, ERROR_PROTOCOL);
    assert_true(error_hides_outcome(&admin_told.error));
}

TEST(a_command_that_may_not_be_sent_is_not_done)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"No.\"}", ERROR_FORBIDDEN},
        {400, "{\"errcode\": \"M_USER_SUSPENDED\", \"error\": \"No.\"}", ERROR_FORBIDDEN},
        {401, "{\"errcode\": \"M_UNKNOWN_TOKEN\", \"error\": \"No.\"}", ERROR_UNAUTHORIZED},
        {413, "{\"errcode\": \"M_TOO_LARGE\", \"error\": \"No.\"}", ERROR_INVALID},
    };
    const struct admin_command command = admin_secret_command();

    for (size_t i = 0; i < COUNT(table); i++) {
        struct recorded_reply replies[] = {
            {"PUT " AT_ROOM "/send/", table[i].status, NULL, table[i].body}, {0}};

        assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
        assert_kind(&admin_told.error, table[i].kind);
        assert_false(error_hides_outcome(&admin_told.error));
        assert_int_equal(error_ends_list(&admin_told.error), table[i].kind != ERROR_INVALID);
        assert_int_equal(admin_count_of("\n", admin_asked()), 1);
        assert_int_equal(admin_told.warnings.count, 0);
        assert_null(admin_told.reply.event_id);
    }
}

TEST(a_suspended_administrator_is_told_what_helps)
{
    static const struct recorded_reply replies[] = {
        {"PUT " AT_ROOM "/send/", 400, NULL, "{\"errcode\": \"M_USER_SUSPENDED\"}"}, {0}};
    const struct admin_command command = admin_command_over("users lock n");

    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
    assert_in("another administrator", admin_told.error.text);
}

TEST(a_line_that_is_no_command_is_not_sent)
{
    static char long_line[4098], with_nul[] = "a\0b";
    static const char *const lines[] = {"", "a\nb", "a\rb", "\xff", long_line};
    struct admin_command command = {.user_id = "@n:x"};
    static const struct recorded_reply replies[] = {SENT, ANSWERED, {0}};

    memset(long_line, 'a', sizeof(long_line) - 1);
    for (size_t i = 0; i <= COUNT(lines); i++) {
        if (i < COUNT(lines))
            command.line = secret_over(lines[i]);
        else
            command.line = (struct secret){.bytes = with_nul, .length = 3};
        assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
        assert_kind(&admin_told.error, ERROR_INVALID);
        assert_false(error_hides_outcome(&admin_told.error));
        assert_string_equal(admin_asked(), "");
    }
    long_line[4096] = '\0';
    command.line = secret_over(long_line);
    assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), 0);
}

TEST(a_room_that_cannot_be_read_leaves_it_open_what_was_done)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"No.\"}", ERROR_FORBIDDEN},
        {401, "{\"errcode\": \"M_UNKNOWN_TOKEN\", \"error\": \"No.\"}", ERROR_UNAUTHORIZED},
        {200, "{}", ERROR_PROTOCOL},
        {200, "{\"chunk\": {}}", ERROR_PROTOCOL},
        {200, "{\"chunk\": [", ERROR_PROTOCOL},
        {RECORDED_LOST, "", ERROR_UNREACHABLE},
    };
    const struct admin_command command = admin_command_over("users lock n");

    for (size_t i = 0; i < COUNT(table); i++) {
        struct recorded_reply replies[] = {
            SENT, {"GET " MESSAGES, table[i].status, NULL, table[i].body}, {0}};

        assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
        assert_kind(&admin_told.error, table[i].kind);
        assert_true(error_hides_outcome(&admin_told.error));
    }
}

TEST(an_answer_to_sending_without_an_event_id_leaves_it_open_what_was_done)
{
    static const char *const bodies[] = {"{}", "{\"event_id\": 5}", "{\"event_id\": \"\"}", "[]"};
    const struct admin_command command = admin_command_over("users lock n");

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct recorded_reply replies[] = {
            {"PUT " AT_ROOM "/send/", 200, NULL, bodies[i]}, SILENT, {0}};

        assert_int_equal(admin_give(&admin_of_continuwuity, &command, replies), -1);
        assert_kind(&admin_told.error, ERROR_PROTOCOL);
        assert_true(error_hides_outcome(&admin_told.error));
    }
}

/* $P had been answered with $Q, so that what is older is done. */
TEST(a_command_is_searched_for_no_further_than_the_one_before_it)
{
    static const struct recorded_reply first[] = {
        {"PUT " AT_ROOM "/send/", 200, NULL, "{\"event_id\": \"$P\"}"},
        {"GET " MESSAGES, 200, NULL,
            LAST_PAGE(EVENT("@conduit:x", "$Q", TEXT("m.text", "1")) ","
                 EVENT("@a:x", "$P", TEXT("m.text", "@conduit:x: one")))},
        {0}};
    static const struct recorded_reply second[] = {SENT,
        {"GET " MESSAGES, 200, NULL,
            LAST_PAGE(EVENT("@conduit:x", "$A", TEXT("m.text", "2")) ","
                 OURS("@conduit:x: two") ","
                 EVENT("@conduit:x", "$Q", TEXT("m.text", "1")) ","
                 EVENT("@a:x", "$P", TEXT("m.text", "@conduit:x: one")) ","
                 EVENT("@a:x", "$D", TEXT("m.text", "@conduit:x: dead")))},
        {0}};
    struct admin_room *room = admin_opened(&admin_of_conduit);
    struct admin_command command = admin_command_over("one");

    admin_say(first);
    admin_room_command(room, &command, &admin_told.reply, &admin_told.warnings, &admin_told.error);
    assert_kind(&admin_told.error, ERROR_NONE);
    assert_string_equal(admin_told.reply.text.bytes, "1");
    admin_reply_free(&admin_told.reply);
    command = admin_command_over("two");
    admin_say(second);
    admin_room_command(room, &command, &admin_told.reply, &admin_told.warnings, &admin_told.error);
    assert_kind(&admin_told.error, ERROR_NONE);
    assert_string_equal(admin_told.reply.text.bytes, "2");
    assert_int_equal(admin_count_of("GET ", admin_asked()), 1);
    admin_room_free(room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_command_is_sent_once_and_the_reply_to_it_is_its_answer),
        TRIAL(a_command_of_conduit_is_answered_by_the_next_text_of_its_bot),
        TRIAL(each_command_has_a_transaction_id_of_its_own),
        TRIAL(an_answer_may_be_empty),
        TRIAL(an_answer_that_is_late_is_waited_for),
        TRIAL(an_answer_that_others_have_talked_over_is_on_another_page),
        TRIAL(pages_that_never_end_are_not_read_for_ever),
        TRIAL(what_is_no_message_is_passed_over),
        TRIAL(a_bot_that_does_not_answer_may_be_dead),
        TRIAL(an_answer_that_is_a_file_is_no_answer),
        TRIAL(a_file_to_whomever_is_our_answer_if_nothing_better_comes),
        TRIAL(an_answer_at_anothers_place_is_ours_if_nothing_better_comes),
        TRIAL(an_answer_that_is_no_text_is_no_answer),
        TRIAL(a_command_that_may_not_be_sent_is_not_done),
        TRIAL(a_suspended_administrator_is_told_what_helps),
        TRIAL(a_line_that_is_no_command_is_not_sent),
        TRIAL(a_room_that_cannot_be_read_leaves_it_open_what_was_done),
        TRIAL(an_answer_to_sending_without_an_event_id_leaves_it_open_what_was_done),
        TRIAL(a_command_is_searched_for_no_further_than_the_one_before_it),
    };

    return cmocka_run_group_tests_name("admin talk", tests, admin_start, admin_stop);
}
