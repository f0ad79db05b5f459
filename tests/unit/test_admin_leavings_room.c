/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_leavings.h, by way of a room: what a run that was cut off left there. Events
 * are as Conduit 0.10.12 and continuwuity 26.7.3 give them. */
#include "support.h"

#include <string.h>

#include "admin_trial.h"

/* A command of our account by the transaction of a run of ours. */
#define SECRET_COMMAND(body)                                                               \
    "{\"type\": \"m.room.message\", \"sender\": \"@a:x\", \"event_id\": \"$E\", "           \
    "\"origin_server_ts\": 1700000000000, \"content\": {" TEXT("m.text", body) "}, "        \
    "\"unsigned\": {\"transaction_id\": \"registrarsecret0123456789abcdef\"}}"
#define READ "GET " MESSAGES " tok_a\n"

static struct admin_reply reply;

/* Looks for what was left about one, and then about another. */
static void
look_twice(const struct admin_room_manner *manner, const struct recorded_reply *replies)
{
    static const char *const user_ids[] = {"@n:x", "@m:x"};
    struct admin_room *room = admin_opened(manner);

    admin_say(replies);
    for (size_t i = 0; i < COUNT(user_ids); i++) {
        struct error error = {0};

        admin_reply_free(&reply);
        admin_room_leavings(room, user_ids[i], &reply, &error);
        assert_kind(&error, ERROR_NONE);
    }
    admin_room_free(room);
}

static int
forget(void **state)
{
    (void)state;
    admin_reply_free(&reply);
    return 0;
}

TEST(a_room_in_which_nothing_was_left_is_read_once_for_all_accounts)
{
    static const struct {
        const struct admin_room_manner *manner;
        struct recorded_reply replies[2];
    } table[] = {
        {&admin_of_continuwuity, {{"GET " MESSAGES, 200, NULL, LAST_PAGE("")}, {0}}},
        {&admin_of_conduit, {{"GET " MESSAGES, 200, NULL, LAST_PAGE("")}, {0}}},
        /* What a person has said stays, as does the answer to it. */
        {&admin_of_conduit,
            {{"GET " MESSAGES, 200, NULL,
                 LAST_PAGE(EVENT("@conduit:x", "$A",
                               TEXT("m.text", "Created user with user_id: @n:x and "
                                              "password: P")) ","
                           EVENT("@a:x", "$E",
                               TEXT("m.text", "@conduit:x: create-user @n:x P")))},
                {0}}},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        look_twice(table[i].manner, table[i].replies);
        assert_string_equal(admin_asked(), READ);
        assert_null(reply.event_id);
    }
}

/* It may be anybody's; each look waits, so that a run that is at work is not met. */
TEST(a_room_in_which_something_was_left_is_read_for_each_account)
{
    static const struct recorded_reply replies[] = {
        {"GET " MESSAGES, 200, NULL,
            LAST_PAGE(EVENT("@conduit:x", "$A",
                          TEXT("m.text", "Successfully reset the password for user @m:x: P")) ","
                      SECRET_COMMAND("@conduit:x: reset-password @m:x"))},
        {0}};

    look_twice(&admin_of_conduit, replies);
    assert_string_equal(admin_asked(), READ READ READ);
    assert_string_equal(reply.event_id, "$A");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_room_in_which_nothing_was_left_is_read_once_for_all_accounts, forget),
        cmocka_unit_test_teardown(
            a_room_in_which_something_was_left_is_read_for_each_account, forget),
    };

    return cmocka_run_group_tests_name("leavings", tests, admin_start, admin_stop);
}
