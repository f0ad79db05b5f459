/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_search.h. Answers are as Conduit 0.10.12 and continuwuity 26.7.3 give
 * them, seen running. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "admin_trial.h"
#include "matrix/admin_search.h"

#define SENT_MS 1700000000000LL

static struct admin_command command;
static struct admin_search search;

static bool
begins_with_a(const struct admin_command *asked, const char *text)
{
    assert_ptr_equal(asked, &command);
    return text[0] == 'a';
}

static void
begin(const struct admin_room_manner *manner)
{
    admin_search_free(&search);
    command = (struct admin_command){.user_id = "@n:x", .fits = begins_with_a};
    search = (struct admin_search){
        .manner = manner,
        .command = &command,
        .bot = "@conduit:x",
        .stem = manner->answers_relate ? "!admin" : "@conduit:x",
        .event_id = "$E",
    };
    admin_search_begin(&search);
}

static enum admin_found
end(void)
{
    enum admin_found found = ADMIN_FOUND_NONSENSE;
    struct error error = {0};

    assert_int_equal(admin_search_end(&search, &found, &error), 0);
    return found;
}

TEST(who_talks_to_the_bot_begins_with_its_name)
{
    static const struct {
        const char *body;
        bool is_command;
    } table[] = {
        {"@conduit:x", true},
        {"@conduit:x:", true},
        {"@conduit:x create-user n", true},
        {"@conduit:x: create-user n", true},
        {"@conduit:x:8448 create-user n", false},
        {"@conduit:xy: create-user n", false},
        {"@conduit:xcreate-user n", false},
        {" @conduit:x: create-user n", false},
        {"!admin users create-user n", false},
        {"@conduit:", false},
        {"", false},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (admin_search_is_command("@conduit:x", table[i].body) != table[i].is_command)
            fail_msg("\"%s\"", table[i].body);
}

/* Shows one message where answers relate to what they answer. */
static bool
show(const char *sender, const char *msgtype, const char *event_id, const char *answers)
{
    const struct room_message message = {
        .event_id = event_id,
        .sender = sender,
        .msgtype = msgtype,
        .body = "of ",
        .answers = answers,
        .sent_ms = SENT_MS,
    };

    return admin_search_show(&search, &message);
}

TEST(the_reply_of_the_bot_to_our_command_is_the_answer)
{
    begin(&admin_of_continuwuity);
    assert_true(show("@conduit:x", "m.notice", "$3", "$other"));
    assert_true(show("@a:x", "m.notice", "$2", "$E"));
    assert_true(show("@conduit:x", "m.text", "$1", NULL));
    assert_false(show("@conduit:x", "m.notice", "$A", "$E"));
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
    assert_string_equal(search.reply.event_id, "$A");
    assert_string_equal(search.reply.text.bytes, "of ");
}

TEST(what_came_before_our_command_is_not_looked_at)
{
    begin(&admin_of_continuwuity);
    assert_true(show("@conduit:x", "m.text", "$1", NULL));
    assert_false(show("@a:x", "m.text", "$E", NULL));
    assert_int_equal(end(), ADMIN_FOUND_NOTHING);
}

/* continuwuity 26.7.3 does not say which command the file answers. */
TEST(a_file_of_the_bot_is_an_answer_that_was_too_large)
{
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.file", "$1", "$E");
    assert_int_equal(end(), ADMIN_FOUND_FILE);
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.file", "$1", NULL);
    show("@a:x", "m.text", "$E", NULL);
    assert_int_equal(end(), ADMIN_FOUND_LIKELY_FILE);
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.file", "$1", "$other");
    show("@a:x", "m.file", "$2", NULL);
    show("@a:x", "m.text", "$E", NULL);
    assert_int_equal(end(), ADMIN_FOUND_NOTHING);
}

TEST(a_reply_to_our_command_counts_before_a_file_to_whomever)
{
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.file", "$1", NULL);
    show("@conduit:x", "m.notice", "$A", "$E");
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
}

TEST(a_file_that_has_not_our_command_behind_it_is_nothing)
{
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.file", "$1", NULL);
    assert_int_equal(end(), ADMIN_FOUND_NOTHING);
}

TEST(a_reply_that_is_neither_text_nor_a_file_makes_no_sense)
{
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.image", "$1", "$E");
    assert_int_equal(end(), ADMIN_FOUND_NONSENSE);
}

/*
 * A room without relations, a letter an event, the oldest first: c another's command,
 * o one long ago, b one of the server's own user, r one that was redacted; a an answer that
 * fits ours, x one that does not, n a notice, R an answer that was redacted; E our command,
 * P the one before it and Q its answer; - what somebody else says.
 */
static void
tell(const char *events)
{
    char event_id[32];
    bool more = true;

    for (size_t i = strlen(events); more && i > 0; i--) {
        char event = events[i - 1];
        struct room_message message = {
            .event_id = event_id,
            .sender = strchr("axnRQb", event) != NULL ? "@conduit:x" : "@c:x",
            .msgtype = event == 'n' ? "m.notice" : "m.text",
            .body = strchr("cobEP", event) != NULL ? "@conduit:x: list-rooms"
                    : event == 'x'                 ? "x"
                    : event == '-'                 ? "hello"
                                                   : "a",
            .sent_ms = event == 'o' ? SENT_MS - 60001 : SENT_MS,
        };

        if (strchr("EPQ", event) != NULL)
            snprintf(event_id, sizeof(event_id), "$%c", event);
        else
            snprintf(event_id, sizeof(event_id), "%zu", i - 1);
        if (event == 'r' || event == 'R')
            message.msgtype = message.body = NULL;
        more = admin_search_show(&search, &message);
    }
}

/* What is found in such a room, and the place of it. */
struct finding {
    const char *events;
    enum admin_found found;
    const char *place;
};

static void
assert_findings(const struct finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct finding *expected = &findings[i];
        const char *place;
        enum admin_found found;

        begin(&admin_of_conduit);
        search.previous = "$P";
        search.previous_answer = "$Q";
        tell(expected->events);
        found = end();
        place = search.reply.event_id == NULL ? "" : search.reply.event_id;
        if (found != expected->found || strcmp(place, expected->place) != 0)
            fail_msg("in \"%s\": %d, \"%s\"", expected->events, (int)found, place);
    }
}

TEST(the_next_answer_of_the_bot_that_fits_is_ours)
{
    static const struct finding findings[] = {
        {"Ea", ADMIN_FOUND_ANSWER, "1"},
        {"Ena", ADMIN_FOUND_ANSWER, "2"},
        {"E-a", ADMIN_FOUND_ANSWER, "2"},
        {"Exa", ADMIN_FOUND_ANSWER, "2"},
        {"Eaa", ADMIN_FOUND_ANSWER, "1"},
        {"Eca", ADMIN_FOUND_ANSWER, "2"},
        {"Ecax", ADMIN_FOUND_ANSWER, "2"},
        {"aE", ADMIN_FOUND_NOTHING, ""},
        {"E", ADMIN_FOUND_NOTHING, ""},
        {"Ex", ADMIN_FOUND_NOTHING, ""},
        {"En-", ADMIN_FOUND_NOTHING, ""},
    };

    assert_findings(findings, COUNT(findings));
}

TEST(commands_that_were_there_before_ours_are_answered_first)
{
    static const struct finding findings[] = {
        {"cEaa", ADMIN_FOUND_ANSWER, "3"},
        {"cExa", ADMIN_FOUND_ANSWER, "3"},
        {"cnE-ana", ADMIN_FOUND_ANSWER, "6"},
        {"ccEaaa", ADMIN_FOUND_ANSWER, "5"},
        {"caEa", ADMIN_FOUND_ANSWER, "3"},
        {"ccaEaa", ADMIN_FOUND_ANSWER, "5"},
        {"acEaa", ADMIN_FOUND_ANSWER, "4"},
        {"aacaE", ADMIN_FOUND_NOTHING, ""},
        {"bEaa", ADMIN_FOUND_ANSWER, "3"},
        {"-Ea", ADMIN_FOUND_ANSWER, "2"},
    };

    assert_findings(findings, COUNT(findings));
}

TEST(an_answer_at_anothers_place_is_only_likely)
{
    static const struct finding findings[] = {
        {"cEa", ADMIN_FOUND_LIKELY, "2"},
        {"ccEaxa", ADMIN_FOUND_ANSWER, "5"},
        {"ccEaa", ADMIN_FOUND_LIKELY, "4"},
        {"ccEax", ADMIN_FOUND_LIKELY, "3"},
        {"cEx", ADMIN_FOUND_NOTHING, ""},
    };

    assert_findings(findings, COUNT(findings));
}

/* Whoever gives a command with a password redacts it, and the answer. */
TEST(what_was_redacted_keeps_its_place)
{
    static const struct finding findings[] = {
        {"rREa", ADMIN_FOUND_ANSWER, "3"},
        {"rEaa", ADMIN_FOUND_ANSWER, "3"},
        {"raEa", ADMIN_FOUND_ANSWER, "3"},
        {"cERa", ADMIN_FOUND_ANSWER, "3"},
        {"cER", ADMIN_FOUND_NOTHING, ""},
        {"ER", ADMIN_FOUND_NOTHING, ""},
        {"ERa", ADMIN_FOUND_ANSWER, "2"},
    };

    assert_findings(findings, COUNT(findings));
}

/* The bot obeys in the order of the room: after our command nothing older is open. */
TEST(a_command_from_before_one_of_ours_that_was_answered_is_open_no_more)
{
    static const struct finding findings[] = {
        {"cPQEa", ADMIN_FOUND_ANSWER, "4"},
        {"cPaQEa", ADMIN_FOUND_ANSWER, "5"},
        {"PcQEaa", ADMIN_FOUND_ANSWER, "5"},
        {"cPcaQEaa", ADMIN_FOUND_ANSWER, "7"},
        {"PQcEaa", ADMIN_FOUND_ANSWER, "5"},
        {"PQcaEa", ADMIN_FOUND_ANSWER, "5"},
    };

    assert_findings(findings, COUNT(findings));
}

TEST(a_command_of_long_ago_is_open_no_more)
{
    static const struct finding findings[] = {
        {"oEa", ADMIN_FOUND_ANSWER, "2"},
        {"cEa", ADMIN_FOUND_LIKELY, "2"},
        {"coEa", ADMIN_FOUND_ANSWER, "3"},
        {"c------------------------Ea", ADMIN_FOUND_ANSWER, "26"},
        {"c-----------------------Ea", ADMIN_FOUND_LIKELY, "25"},
    };

    assert_findings(findings, COUNT(findings));
}

TEST(any_answer_fits_a_command_that_does_not_say)
{
    begin(&admin_of_conduit);
    command.fits = NULL;
    tell("Exa");
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
    assert_string_equal(search.reply.event_id, "1");
}

TEST(a_later_look_goes_no_further_than_our_command)
{
    const struct room_message ours = {
        .event_id = "$E",
        .sender = "@c:x",
        .msgtype = "m.text",
        .body = "@conduit:x: list-rooms",
    };

    begin(&admin_of_conduit);
    tell("cE");
    assert_int_equal(end(), ADMIN_FOUND_NOTHING);
    admin_search_begin(&search);
    assert_false(admin_search_show(&search, &ours));
    admin_search_begin(&search);
    tell("Eaa");
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
    assert_string_equal(search.reply.event_id, "2");
}

/* Else two looks at the same command would count it twice. */
TEST(a_look_that_did_not_get_to_our_command_is_forgotten)
{
    begin(&admin_of_conduit);
    tell("aaa");
    assert_int_equal(end(), ADMIN_FOUND_NOTHING);
    admin_search_begin(&search);
    tell("cEaa");
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
    assert_string_equal(search.reply.event_id, "3");
}

TEST(more_answers_than_there_is_room_for_are_left_out)
{
    char events[COUNT(search.later) + 40];

    memset(events, 'a', sizeof(events));
    events[0] = 'E';
    events[sizeof(events) - 1] = '\0';
    begin(&admin_of_conduit);
    tell(events);
    assert_int_equal(end(), ADMIN_FOUND_ANSWER);
}

static int
search_twice(void *context, struct error *error)
{
    enum admin_found found;
    int result;

    (void)context;
    begin(&admin_of_continuwuity);
    show("@conduit:x", "m.notice", "$A", "$E");
    result = admin_search_end(&search, &found, error);
    begin(&admin_of_conduit);
    tell("cExaa");
    if (result == 0)
        result = admin_search_end(&search, &found, error);
    if (result == 0 && (found != ADMIN_FOUND_ANSWER || search.reply.event_id == NULL))
        result = error_set(error, ERROR_INTERNAL, "the answer is not whole");
    return result;
}

TEST(an_answer_is_found_or_memory_was_short)
{
    fail_each_allocation(search_twice, NULL);
}

static int
forget(void **state)
{
    (void)state;
    admin_search_free(&search);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_talks_to_the_bot_begins_with_its_name),
        cmocka_unit_test(the_reply_of_the_bot_to_our_command_is_the_answer),
        cmocka_unit_test(what_came_before_our_command_is_not_looked_at),
        cmocka_unit_test(a_file_of_the_bot_is_an_answer_that_was_too_large),
        cmocka_unit_test(a_reply_to_our_command_counts_before_a_file_to_whomever),
        cmocka_unit_test(a_file_that_has_not_our_command_behind_it_is_nothing),
        cmocka_unit_test(a_reply_that_is_neither_text_nor_a_file_makes_no_sense),
        cmocka_unit_test(the_next_answer_of_the_bot_that_fits_is_ours),
        cmocka_unit_test(commands_that_were_there_before_ours_are_answered_first),
        cmocka_unit_test(an_answer_at_anothers_place_is_only_likely),
        cmocka_unit_test(what_was_redacted_keeps_its_place),
        cmocka_unit_test(
            a_command_from_before_one_of_ours_that_was_answered_is_open_no_more),
        cmocka_unit_test(a_command_of_long_ago_is_open_no_more),
        cmocka_unit_test(any_answer_fits_a_command_that_does_not_say),
        cmocka_unit_test(a_later_look_goes_no_further_than_our_command),
        cmocka_unit_test(a_look_that_did_not_get_to_our_command_is_forgotten),
        cmocka_unit_test(more_answers_than_there_is_room_for_are_left_out),
        cmocka_unit_test(an_answer_is_found_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("admin search", tests, NULL, forget);
}
