/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h: the room and who is in it. Answers are as Conduit 0.10.12 and
 * continuwuity 26.7.3 give them, seen running. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "admin_trial.h"

#define FORBIDDEN "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"No.\"}"
#define ALIAS_PATH "GET /_matrix/client/v3/directory/room/%23admins%3Ax"
#define ALIAS_IS_MISSING                                                                   \
    {ALIAS_PATH, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"Not found\"}"}
#define MEMBERS "GET " AT_ROOM "/joined_members"
#define WE_ARE_NOT_IN {MEMBERS, 403, NULL, FORBIDDEN}

static struct error error;
static bool is_entered; /* the newest one that was opened */

static int
open_and_close(const struct recorded_reply *replies)
{
    struct admin_room *room = NULL;
    int result;

    error = (struct error){0};
    is_entered = false;
    admin_say(replies);
    result = admin_room_open(&admin_trial.matrix, &admin_trial.session, "x", &admin_of_conduit,
        ADMIN_ROOM_JOIN, &room, &error);
    assert_true((result == 0) == (room != NULL));
    if (room != NULL) {
        assert_string_equal(admin_room_id(room), ROOM);
        is_entered = admin_room_is_entered(room);
    }
    admin_room_free(room);
    return result;
}

static const char *
asked(void)
{
    return recorded_server_log(admin_trial.server);
}

TEST(a_room_that_the_account_is_in_is_found)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_IN, {0}};

    assert_int_equal(open_and_close(replies), 0);
    assert_string_equal(asked(), ALIAS_PATH " tok_a\n" MEMBERS " tok_a\n");
    assert_false(is_entered);
}

TEST(a_server_name_with_a_port_is_encoded_whole)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_IN, {0}};
    struct admin_room *room = NULL;

    error = (struct error){0};
    admin_say(replies);
    admin_room_open(&admin_trial.matrix, &admin_trial.session, "x:8448", &admin_of_conduit,
        ADMIN_ROOM_JOIN, &room, &error);
    assert_kind(&error, ERROR_NONE);
    admin_room_free(room);
    assert_in(ALIAS_PATH "%3A8448 tok_a\n", asked());
}

/* The members are told to who is only invited, too, if the history may be seen by such. */
TEST(an_invitation_is_accepted)
{
    static const struct recorded_reply tables[][4] = {
        {ROOM_IS_THERE, WE_ARE_NOT_IN,
            {"POST " AT_ROOM "/join", 200, NULL, "{\"room_id\": \"" ROOM "\"}"}, {0}},
        {ROOM_IS_THERE, {MEMBERS, 200, NULL, "{\"joined\": {\"@conduit:x\": {}}}"},
            {"POST " AT_ROOM "/join", 200, NULL, "{\"room_id\": \"" ROOM "\"}"}, {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        assert_int_equal(open_and_close(tables[i]), 0);
        assert_in("POST " AT_ROOM "/join tok_a\n", asked());
        assert_true(is_entered);
    }
}

/* Nothing is sent but questions. */
TEST(an_invitation_is_not_accepted_by_who_only_looks)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_NOT_IN, {0}};
    struct admin_room *room = NULL;

    error = (struct error){0};
    admin_say(replies);
    assert_int_equal(admin_room_open(&admin_trial.matrix, &admin_trial.session, "x",
                         &admin_of_conduit, ADMIN_ROOM_LOOK, &room, &error),
        -1);
    assert_null(room);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_true(error_ends_list(&error));
    assert_in("@a:x is not in the room #admins:x", error.text);
    assert_in("a run that is not in check mode accepts an invitation", error.text);
    assert_string_equal(asked(), ALIAS_PATH " tok_a\n" MEMBERS " tok_a\n");
}

TEST(who_is_not_invited_is_no_administrator)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_NOT_IN,
        {"POST " AT_ROOM "/join", 403, NULL, FORBIDDEN}, {0}};

    assert_int_equal(open_and_close(replies), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_int_equal(error.status, 403);
    assert_true(error_ends_list(&error));
    assert_in("@a:x is no administrator of this server", error.text);
    assert_in("#admins:x", error.text);
}

TEST(a_server_without_the_room_is_told_with_its_name)
{
    static const struct recorded_reply replies[] = {ALIAS_IS_MISSING, {0}};

    assert_int_equal(open_and_close(replies), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("#admins:x", error.text);
    assert_in("server_name", error.text);
}

TEST(a_room_that_cannot_be_found_or_entered_is_an_error)
{
    static const struct {
        struct recorded_reply replies[4];
        enum error_kind kind;
    } table[] = {
        {{{ALIAS_PATH, 404, NULL, "{\"errcode\": \"M_UNRECOGNIZED\"}"}, {0}},
            ERROR_UNSUPPORTED},
        {{{ALIAS_PATH, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}}, ERROR_SERVER},
        {{{ALIAS_PATH, 200, NULL, "{}"}, {0}}, ERROR_PROTOCOL},
        {{{ALIAS_PATH, 200, NULL, "{\"room_id\": 5}"}, {0}}, ERROR_PROTOCOL},
        {{{ALIAS_PATH, 200, NULL, "{\"room_id\": \"\"}"}, {0}}, ERROR_PROTOCOL},
        {{{ALIAS_PATH, 200, NULL, "{\"room_id\": \"#a:x\"}"}, {0}}, ERROR_PROTOCOL},
        {{ROOM_IS_THERE, {MEMBERS, 401, NULL, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"}, {0}},
            ERROR_UNAUTHORIZED},
        {{ROOM_IS_THERE, {MEMBERS, 200, NULL, "{}"}, {0}}, ERROR_PROTOCOL},
        {{ROOM_IS_THERE, {MEMBERS, 200, NULL, "{\"joined\": [\"@a:x\"]}"}, {0}},
            ERROR_PROTOCOL},
        {{ROOM_IS_THERE, {MEMBERS, 200, NULL, "[]"}, {0}}, ERROR_PROTOCOL},
        {{ROOM_IS_THERE, WE_ARE_NOT_IN,
             {"POST " AT_ROOM "/join", 403, NULL, "{\"errcode\": \"M_USER_SUSPENDED\"}"}, {0}},
            ERROR_FORBIDDEN},
        {{ROOM_IS_THERE, WE_ARE_NOT_IN,
             {"POST " AT_ROOM "/join", 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}},
            ERROR_SERVER},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(open_and_close(table[i].replies), -1);
        assert_kind(&error, table[i].kind);
        assert_not_in("is no administrator", error.text);
    }
}

TEST(a_room_id_that_is_too_long_is_none)
{
    struct recorded_reply replies[] = {{ALIAS_PATH, 200, NULL, NULL}, {0}};
    char body[400];

    snprintf(body, sizeof(body), "{\"room_id\": \"!%0255d\"}", 0);
    replies[0].body = body;
    assert_int_equal(open_and_close(replies), -1);
    assert_kind(&error, ERROR_PROTOCOL);
}

TEST(who_is_joined_is_listed_without_the_bot)
{
    static const struct recorded_reply replies[] = {
        {MEMBERS, 200, NULL,
            "{\"joined\": {\"@conduit:x\": {}, \"@a:x\": {}, \"@conduit:y\": {}, \"a\": {}, "
            "\"@b\\u001b:x\": {}}}"},
        {0}};
    struct admin_room *room = admin_opened(&admin_of_conduit);
    struct list user_ids = {0};

    error = (struct error){0};
    admin_say(replies);
    assert_int_equal(admin_room_members(room, &user_ids, &error), 0);
    assert_int_equal(user_ids.count, 3);
    list_sort(&user_ids);
    assert_string_equal(user_ids.items[0], "@a:x");
    assert_string_equal(user_ids.items[1], "@b :x");
    assert_string_equal(user_ids.items[2], "@conduit:y");
    list_free(&user_ids);
    admin_room_free(room);
}

TEST(whether_somebody_is_joined_is_asked_anew_each_time)
{
    static const struct recorded_reply replies[] = {
        {MEMBERS, 200 + RECORDED_ONCE, NULL, "{\"joined\": {\"@a:x\": {}, \"@b:x\": {}}}"},
        {MEMBERS, 200 + RECORDED_ONCE, NULL, "{\"joined\": {\"@a:x\": {}}}"}, WE_ARE_NOT_IN,
        {0}};
    struct admin_room *room = admin_opened(&admin_of_conduit);
    bool joined = false;

    error = (struct error){0};
    admin_say(replies);
    assert_int_equal(admin_room_has(room, "@b:x", &joined, &error), 0);
    assert_true(joined);
    assert_int_equal(admin_room_has(room, "@b:x", &joined, &error), 0);
    assert_false(joined);
    assert_int_equal(admin_room_has(room, "@b:x", &joined, &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    admin_room_free(room);
}

typedef int (*deed)(struct admin_room *room, const char *user_id, struct error *error);

/* What comes of something done to @b:x. */
static enum error_kind
do_to_b(deed act, const struct recorded_reply *replies)
{
    struct admin_room *room = admin_opened(&admin_of_conduit);
    int result;

    error = (struct error){0};
    admin_say(replies);
    result = act(room, "@b:x", &error);
    assert_true((result == 0) == (error.kind == ERROR_NONE));
    admin_room_free(room);
    return error.kind;
}

TEST(somebody_is_invited)
{
    static const struct recorded_reply replies[] = {
        {"POST " AT_ROOM "/invite", 200, NULL, "{}"}, {0}};

    assert_int_equal(do_to_b(admin_room_invite, replies), ERROR_NONE);
    assert_string_equal(asked(), "POST " AT_ROOM "/invite tok_a {\"user_id\":\"@b:x\"}\n");
}

/* Conduit: 403 M_FORBIDDEN for who is joined already. */
TEST(that_somebody_to_invite_is_joined_already_is_fine)
{
    static const struct recorded_reply replies[] = {
        {"POST " AT_ROOM "/invite", 403, NULL, FORBIDDEN},
        {MEMBERS, 200, NULL, "{\"joined\": {\"@a:x\": {}, \"@b:x\": {}}}"}, {0}};

    assert_int_equal(do_to_b(admin_room_invite, replies), ERROR_NONE);
}

TEST(an_invitation_that_is_refused_is_an_error)
{
    static const struct recorded_reply tables[][3] = {
        {{"POST " AT_ROOM "/invite", 403, NULL, FORBIDDEN}, WE_ARE_IN, {0}},
        {{"POST " AT_ROOM "/invite", 403, NULL, FORBIDDEN}, WE_ARE_NOT_IN, {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        assert_int_equal(do_to_b(admin_room_invite, tables[i]), ERROR_FORBIDDEN);
        assert_in("inviting into the admin room", error.text);
    }
}

/* The last two in words of continuwuity (src/api/client/membership/kick.rs) and of
 * Conduit (src/api/client_server/membership.rs). */
TEST(somebody_is_taken_out_or_was_not_there)
{
    static const struct recorded_reply tables[][2] = {
        {{"POST " AT_ROOM "/kick", 200, NULL, "{}"}, {0}},
        {{"POST " AT_ROOM "/kick", 403, NULL,
             "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"You cannot kick users who are not "
             "in the room.\"}"},
            {0}},
        {{"POST " AT_ROOM "/kick", 400, NULL,
             "{\"errcode\": \"M_BAD_STATE\", \"error\": \"M_BAD_STATE: Cannot kick a user who "
             "is not in the room.\"}"},
            {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        assert_int_equal(do_to_b(admin_room_kick, tables[i]), ERROR_NONE);
        assert_string_equal(asked(), "POST " AT_ROOM "/kick tok_a {\"user_id\":\"@b:x\"}\n");
    }
}

TEST(who_may_not_be_taken_out_is_told_in_the_servers_words)
{
    static const struct recorded_reply replies[] = {
        {"POST " AT_ROOM "/kick", 403, NULL,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Last admin cannot leave from admins "
            "room.\"}"},
        {0}};

    assert_int_equal(do_to_b(admin_room_kick, replies), ERROR_FORBIDDEN);
    assert_in("Last admin cannot leave", error.text);
}

typedef int (*own_deed)(struct admin_room *room, const struct session *session,
    struct error *error);

static enum error_kind
do_as_b(own_deed act, const struct recorded_reply *replies)
{
    static char user_id[] = "@b:x";
    const struct session b = {.access_token = secret_over("tok_b"), .user_id = user_id};
    struct admin_room *room = admin_opened(&admin_of_conduit);
    int result;

    error = (struct error){0};
    admin_say(replies);
    result = act(room, &b, &error);
    assert_true((result == 0) == (error.kind == ERROR_NONE));
    admin_room_free(room);
    return error.kind;
}

TEST(an_account_joins_and_leaves_by_itself)
{
    static const struct recorded_reply replies[] = {
        {"POST " AT_ROOM "/join", 200, NULL, "{\"room_id\": \"" ROOM "\"}"},
        {"POST " AT_ROOM "/leave", 200, NULL, "{}"}, {0}};

    assert_int_equal(do_as_b(admin_room_join_as, replies), ERROR_NONE);
    assert_string_equal(asked(), "POST " AT_ROOM "/join tok_b\n");
    assert_int_equal(do_as_b(admin_room_leave_as, replies), ERROR_NONE);
    assert_string_equal(asked(), "POST " AT_ROOM "/leave tok_b\n");
}

TEST(an_account_that_may_not_join_or_leave_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {"POST " AT_ROOM "/", 403, NULL, FORBIDDEN}, {0}};

    assert_int_equal(do_as_b(admin_room_join_as, replies), ERROR_FORBIDDEN);
    assert_in("entering the admin room", error.text);
    assert_int_equal(do_as_b(admin_room_leave_as, replies), ERROR_FORBIDDEN);
    assert_in("leaving the admin room", error.text);
}

TEST(to_close_no_room_is_fine)
{
    admin_room_free(NULL);
}

static int
use_room(void *context, struct error *failure)
{
    struct admin_room *room = NULL;
    struct list user_ids = {0};
    bool joined = false;
    int result = admin_room_open(&admin_trial.matrix, &admin_trial.session, "x",
        &admin_of_conduit, ADMIN_ROOM_JOIN, &room, failure);

    (void)context;
    if (result == 0)
        result = admin_room_members(room, &user_ids, failure);
    if (result == 0 && user_ids.count != 1)
        result = error_set(failure, ERROR_INTERNAL, "a member is missing");
    if (result == 0)
        result = admin_room_has(room, "@a:x", &joined, failure);
    if (result == 0 && !joined)
        result = error_set(failure, ERROR_INTERNAL, "the account is not in");
    if (result == 0)
        result = admin_room_invite(room, "@b:x", failure);
    if (result == 0)
        result = admin_room_kick(room, "@b:x", failure);
    if (result == 0)
        result = admin_room_leave_as(room, &admin_trial.session, failure);
    list_free(&user_ids);
    admin_room_free(room);
    return admin_or_no_memory(result, failure);
}

TEST(a_room_is_used_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_IN,
        {"POST " AT_ROOM "/", 200, NULL, "{}"}, {0}};

    admin_say(replies);
    fail_each_allocation(use_room, NULL);
}

static int
fail_to_open(void *context, struct error *failure)
{
    struct admin_room *room = NULL;
    int result = admin_room_open(&admin_trial.matrix, &admin_trial.session, "x",
        &admin_of_conduit, ADMIN_ROOM_JOIN, &room, failure);

    (void)context;
    assert_null(room);
    return admin_or_no_memory(result, failure);
}

TEST(who_is_no_administrator_is_told_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_NOT_IN,
        {"POST " AT_ROOM "/join", 403, NULL, FORBIDDEN}, {0}};

    admin_say(replies);
    fail_each_allocation(fail_to_open, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_that_the_account_is_in_is_found),
        cmocka_unit_test(a_server_name_with_a_port_is_encoded_whole),
        cmocka_unit_test(an_invitation_is_accepted),
        cmocka_unit_test(an_invitation_is_not_accepted_by_who_only_looks),
        cmocka_unit_test(who_is_not_invited_is_no_administrator),
        cmocka_unit_test(a_server_without_the_room_is_told_with_its_name),
        cmocka_unit_test(a_room_that_cannot_be_found_or_entered_is_an_error),
        cmocka_unit_test(a_room_id_that_is_too_long_is_none),
        cmocka_unit_test(who_is_joined_is_listed_without_the_bot),
        cmocka_unit_test(whether_somebody_is_joined_is_asked_anew_each_time),
        cmocka_unit_test(somebody_is_invited),
        cmocka_unit_test(that_somebody_to_invite_is_joined_already_is_fine),
        cmocka_unit_test(an_invitation_that_is_refused_is_an_error),
        cmocka_unit_test(somebody_is_taken_out_or_was_not_there),
        cmocka_unit_test(who_may_not_be_taken_out_is_told_in_the_servers_words),
        cmocka_unit_test(an_account_joins_and_leaves_by_itself),
        cmocka_unit_test(an_account_that_may_not_join_or_leave_is_an_error),
        cmocka_unit_test(to_close_no_room_is_fine),
        cmocka_unit_test(a_room_is_used_or_memory_was_short),
        cmocka_unit_test(who_is_no_administrator_is_told_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("admin room", tests, admin_start, admin_stop);
}
