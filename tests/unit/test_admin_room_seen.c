/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h, of who has no administrator open: whether there is the room, and
 * whether one is in it. Answers are as Conduit 0.10.12 and continuwuity 26.7.3 give them,
 * seen running. */
#include "support.h"

#include <string.h>

#include "admin_trial.h"
#include "base/memory.h"

#define FORBIDDEN "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"No.\"}"
#define ALIAS_PATH "GET /_matrix/client/v3/directory/room/%23admins%3Ax"
#define ALIAS_IS_MISSING                                                                   \
    {ALIAS_PATH, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"Not found\"}"}
#define MEMBERS "GET " AT_ROOM "/joined_members"
#define WE_ARE_NOT_IN {MEMBERS, 403, NULL, FORBIDDEN}

static struct error error;

static const char *
asked(void)
{
    return recorded_server_log(admin_trial.server);
}

TEST(the_room_is_found_by_its_alias)
{
    static const struct {
        int status;
        const char *body;
        const char *room_id;
        enum error_kind kind;
    } table[] = {
        {200, "{\"room_id\": \"!a:x\", \"servers\": []}", "!a:x", ERROR_NONE},
        {404, "{\"errcode\": \"M_NOT_FOUND\"}", NULL, ERROR_NONE},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\"}", NULL, ERROR_UNSUPPORTED},
        {403, "{\"errcode\": \"M_FORBIDDEN\"}", NULL, ERROR_FORBIDDEN},
        {200, "{\"room_id\": 5}", NULL, ERROR_PROTOCOL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {ALIAS_PATH, table[i].status, NULL, table[i].body}, {0}};
        char *room_id;

        error = (struct error){0};
        admin_say(replies);
        admin_room_find(&admin_trial.matrix, &admin_trial.session, "x", &room_id, &error);
        assert_kind(&error, table[i].kind);
        assert_true((room_id == NULL) == (table[i].room_id == NULL));
        if (room_id != NULL)
            assert_string_equal(room_id, table[i].room_id);
        assert_string_equal(asked(), ALIAS_PATH " tok_a\n");
        memory_free(room_id);
    }
}

TEST(an_account_learns_whether_it_is_in_the_room)
{
    static const struct {
        struct recorded_reply replies[3];
        bool joined;
    } table[] = {
        {{ROOM_IS_THERE, WE_ARE_IN, {0}}, true},
        {{ROOM_IS_THERE, WE_ARE_NOT_IN, {0}}, false},
        {{ROOM_IS_THERE, {MEMBERS, 200, NULL, "{\"joined\": {\"@conduit:x\": {}}}"}, {0}},
            false},
        {{ALIAS_IS_MISSING, {0}}, false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        bool joined = !table[i].joined;

        error = (struct error){0};
        admin_say(table[i].replies);
        assert_int_equal(admin_room_has_me(&admin_trial.matrix, &admin_trial.session, "x",
                             &joined, &error),
            0);
        assert_int_equal(joined, table[i].joined);
        assert_not_in("POST", asked());
    }
}

TEST(an_account_that_cannot_learn_it_gets_an_error)
{
    static const struct recorded_reply tables[][3] = {
        {{ALIAS_PATH, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}},
        {ROOM_IS_THERE, {MEMBERS, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}},
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        bool joined = true;

        error = (struct error){0};
        admin_say(tables[i]);
        assert_int_equal(admin_room_has_me(&admin_trial.matrix, &admin_trial.session, "x",
                             &joined, &error),
            -1);
        assert_kind(&error, ERROR_SERVER);
        assert_false(joined);
    }
}

static int
learn(void *context, struct error *failure)
{
    bool joined = false;
    int result = admin_room_has_me(&admin_trial.matrix, &admin_trial.session, "x", &joined,
        failure);

    (void)context;
    if (result == 0 && !joined)
        result = error_set(failure, ERROR_INTERNAL, "the account is not in");
    return admin_or_no_memory(result, failure);
}

TEST(an_account_learns_it_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {ROOM_IS_THERE, WE_ARE_IN, {0}};

    admin_say(replies);
    fail_each_allocation(learn, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_room_is_found_by_its_alias),
        cmocka_unit_test(an_account_learns_whether_it_is_in_the_room),
        cmocka_unit_test(an_account_that_cannot_learn_it_gets_an_error),
        cmocka_unit_test(an_account_learns_it_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("admin room, seen", tests, admin_start, admin_stop);
}
