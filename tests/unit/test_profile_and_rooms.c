/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/profile.h and matrix/rooms.h. Answers are as Synapse 1.163.2 gives
 * them: synapse/rest/client/profile.py, synapse/rest/client/room.py. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "matrix/profile.h"
#include "matrix/rooms.h"
#include "recorded_server.h"

#define PROFILE "/_matrix/client/v3/profile/"
#define ROOMS "/_matrix/client/v3/joined_rooms"

static struct recorded_server *server;
static struct http *http;
static struct retry retry;
static struct http_options options;
static struct matrix matrix;
static struct session session;

static int
start(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};
    static char user_id[] = "@a/b:x";
    struct error error = {0};

    (void)state;
    use_program_memory();
    server = recorded_server_start(nothing);
    options = (struct http_options){.url = recorded_server_url(server), .timeout_ms = 30000};
    http = http_open(&options, &error);
    matrix = (struct matrix){.http = http, .retry = &retry};
    session = (struct session){.access_token = secret_over("syt_a"), .user_id = user_id};
    return http == NULL;
}

static int
stop(void **state)
{
    (void)state;
    http_close(http);
    recorded_server_stop(server);
    return 0;
}

/* Says one thing to everything from here on, and forgets what was asked. */
static void
say(int status, const char *body)
{
    static struct recorded_reply replies[] = {{"/", 0, NULL, NULL}, {0}};

    replies[0].status = status;
    replies[0].body = body;
    recorded_server_say(server, replies);
    recorded_server_log(server);
}

/* libcurl calls some of its own failed allocations a lost connection. */
static int
or_no_memory(int result, struct error *error)
{
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(a_profile_that_is_there_shows_its_texts)
{
    static const struct {
        const char *body, *displayname, *avatar_url;
    } table[] = {
        {"{\"displayname\": \"Al\", \"avatar_url\": \"mxc://x/1\"}", "Al", "mxc://x/1"},
        {"{\"displayname\": \"Al\"}", "Al", NULL},
        {"{\"displayname\": null, \"avatar_url\": \"mxc://x/1\"}", NULL, "mxc://x/1"},
        {"{}", NULL, NULL},
        {"{\"displayname\": 5, \"avatar_url\": [\"mxc://x/1\"]}", NULL, NULL},
        {"{\"displayname\": \"Al\", \"org.example.colour\": \"red\"}", "Al", NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct profile profile;
        struct error error = {0};

        say(200, table[i].body);
        assert_int_equal(profile_get(&matrix, "@a:x", NULL, &profile, &error), 0);
        assert_int_equal(profile.result, PROFILE_FOUND);
        assert_true((profile.displayname == NULL) == (table[i].displayname == NULL));
        assert_true((profile.avatar_url == NULL) == (table[i].avatar_url == NULL));
        if (profile.displayname != NULL)
            assert_string_equal(profile.displayname, table[i].displayname);
        if (profile.avatar_url != NULL)
            assert_string_equal(profile.avatar_url, table[i].avatar_url);
        profile_free(&profile);
        assert_null(profile.displayname);
    }
}

/* Synapse says 404 M_NOT_FOUND or M_UNKNOWN; 401 with require_auth_for_profile_requests,
 * 403 with limit_profile_requests_to_users_who_share_rooms. */
TEST(a_profile_is_found_or_there_is_none_or_it_is_hidden)
{
    static const struct {
        int status;
        const char *body;
        enum profile_result result;
    } table[] = {
        {200, "{}", PROFILE_FOUND},
        {404, "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"Profile was not found\"}",
            PROFILE_NONE},
        {404, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"No row found (profiles)\"}",
            PROFILE_NONE},
        {401, "{\"errcode\": \"M_MISSING_TOKEN\", \"error\": \"Missing access token\"}",
            PROFILE_HIDDEN},
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Profile isn't available\"}",
            PROFILE_HIDDEN},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", PROFILE_HIDDEN},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct profile profile;
        struct error error = {0};

        say(table[i].status, table[i].body);
        assert_int_equal(profile_get(&matrix, "@a:x", NULL, &profile, &error), 0);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(profile.result, table[i].result);
        profile_free(&profile);
    }
}

TEST(a_profile_that_is_no_answer_is_an_error)
{
    struct profile profile;
    struct error error = {0};

    say(200, "<html></html>");
    assert_int_equal(profile_get(&matrix, "@a:x", NULL, &profile, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_int_not_equal(profile.result, PROFILE_FOUND);
    profile_free(&profile);
}

TEST(a_profile_is_asked_for_as_anybody_or_with_a_token)
{
    struct profile profile;
    struct error error = {0};

    say(200, "{}");
    profile_get(&matrix, "@a/b:x", NULL, &profile, &error);
    profile_free(&profile);
    profile_get(&matrix, "@a/b:x", &session.access_token, &profile, &error);
    profile_free(&profile);
    assert_string_equal(recorded_server_log(server), "GET " PROFILE "%40a%2Fb%3Ax -\n"
                                                     "GET " PROFILE "%40a%2Fb%3Ax syt_a\n");
}

TEST(ones_own_profile_is_set_and_cleared_by_its_keys)
{
    struct error error = {0};

    say(200, "{}");
    assert_int_equal(profile_set(&matrix, &session, "displayname", "A \"l\"", &error), 0);
    assert_int_equal(profile_set(&matrix, &session, "avatar_url", "", &error), 0);
    assert_string_equal(recorded_server_log(server),
        "PUT " PROFILE "%40a%2Fb%3Ax/displayname syt_a {\"displayname\":\"A \\\"l\\\"\"}\n"
        "PUT " PROFILE "%40a%2Fb%3Ax/avatar_url syt_a {\"avatar_url\":\"\"}\n");
}

TEST(a_profile_that_may_not_be_set_is_an_error_that_names_it)
{
    struct error error = {0};

    say(403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Changing avatar is disabled\"}");
    assert_int_equal(profile_set(&matrix, &session, "avatar_url", "mxc://x/1", &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_int_equal(error.status, 403);
    assert_in("setting the avatar_url", error.text);
}

/* Left, and the paths that were asked for. */
static bool
leave_all(const struct recorded_reply *replies, const char *log)
{
    struct error error = {0};
    bool left = false;

    recorded_server_say(server, replies);
    recorded_server_log(server);
    assert_int_equal(rooms_leave_all(&matrix, &session, NULL, &left, &error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(recorded_server_log(server), log);
    return left;
}

TEST(every_room_is_left)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": [\"!a:x\", \"!b/c:x\"]}"},
        {"POST /_matrix/client/v3/rooms/", 200, NULL, "{}"}, {0}};

    assert_true(leave_all(replies, "GET " ROOMS " syt_a\n"
                                   "POST /_matrix/client/v3/rooms/%21a%3Ax/leave syt_a\n"
                                   "POST /_matrix/client/v3/rooms/%21b%2Fc%3Ax/leave syt_a\n"));
}

TEST(the_room_that_is_kept_is_not_left)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": [\"!a:x\", \"!b:x\", 5]}"},
        {"POST /_matrix/client/v3/rooms/", 200, NULL, "{}"}, {0}};
    struct error error = {0};
    bool left;

    recorded_server_say(server, replies);
    recorded_server_log(server);
    assert_int_equal(rooms_leave_all(&matrix, &session, "!a:x", &left, &error), 0);
    assert_false(left); /* of the third */
    assert_string_equal(recorded_server_log(server),
        "GET " ROOMS " syt_a\nPOST /_matrix/client/v3/rooms/%21b%3Ax/leave syt_a\n");
}

TEST(who_is_in_no_room_leaves_none)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": []}"}, {0}};

    assert_true(leave_all(replies, "GET " ROOMS " syt_a\n"));
}

TEST(a_room_that_cannot_be_left_is_told_and_the_others_are_left)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": [\"!a:x\", 5, \"!b:x\"]}"},
        {"POST /_matrix/client/v3/rooms/%21a", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"},
        {"POST /_matrix/client/v3/rooms/%21b", 200, NULL, "{}"}, {0}};

    assert_false(leave_all(replies, "GET " ROOMS " syt_a\n"
                                    "POST /_matrix/client/v3/rooms/%21a%3Ax/leave syt_a\n"
                                    "POST /_matrix/client/v3/rooms/%21b%3Ax/leave syt_a\n"));
}

TEST(rooms_that_are_not_told_are_not_left)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {
        {200, "{}"},
        {200, "{\"joined_rooms\": \"!a:x\"}"},
        {200, "{\"joined_rooms\": {\"!a:x\": 1}}"},
        {200, "{\"joined_rooms\": null}"},
        {401, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\", \"joined_rooms\": [\"!a:x\"]}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"/", table[i].status, NULL, table[i].body}, {0}};

        assert_false(leave_all(replies, "GET " ROOMS " syt_a\n"));
    }
}

/* "{"joined_rooms": ["!a:x", ...]}" with so many of them. */
static const char *
rooms_body(size_t count)
{
    static char body[4096];
    size_t length = (size_t)snprintf(body, sizeof(body), "{\"joined_rooms\": [");

    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(body + length, sizeof(body) - length, "%s\"!r%zu:x\"",
            i > 0 ? "," : "", i);
    snprintf(body + length, sizeof(body) - length, "]}");
    return body;
}

/* A list that never ends must: 100 rooms. */
TEST(more_rooms_than_a_server_joins_anybody_to_are_not_left)
{
    struct recorded_reply replies[] = {{"GET " ROOMS, 200, NULL, NULL},
        {"POST /_matrix/client/v3/rooms/", 200, NULL, "{}"}, {0}};
    struct error error = {0};
    unsigned before;
    bool left;

    replies[0].body = rooms_body(101);
    assert_false(leave_all(replies, "GET " ROOMS " syt_a\n"));
    replies[0].body = rooms_body(100);
    before = recorded_server_requests(server);
    recorded_server_say(server, replies);
    assert_int_equal(rooms_leave_all(&matrix, &session, NULL, &left, &error), 0);
    assert_true(left);
    assert_int_equal(recorded_server_requests(server) - before, 101);
}

TEST(rooms_of_a_server_that_is_gone_are_an_error)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": [\"!a:x\"]}"},
        {"POST /_matrix/client/v3/rooms/", RECORDED_LOST, NULL, ""}, {0}};
    struct error error = {0};
    bool left = true;

    recorded_server_say(server, replies);
    assert_int_equal(rooms_leave_all(&matrix, &session, NULL, &left, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_false(left);
}

static int
use_profile(void *context, struct error *error)
{
    struct profile profile = {0};
    int result = profile_get(&matrix, "@a:x", &session.access_token, &profile, error);

    (void)context;
    if (result == 0 && (profile.displayname == NULL || profile.avatar_url == NULL))
        result = error_set(error, ERROR_INTERNAL, "the profile is not whole");
    profile_free(&profile);
    if (result == 0)
        result = profile_set(&matrix, &session, "displayname", "Al", error);
    return or_no_memory(result, error);
}

TEST(a_profile_is_read_and_set_or_memory_was_short)
{
    say(200, "{\"displayname\": \"Al\", \"avatar_url\": \"mxc://x/1\"}");
    fail_each_allocation(use_profile, NULL);
}

static int
leave_rooms(void *context, struct error *error)
{
    bool left;
    int result = rooms_leave_all(&matrix, &session, NULL, &left, error);

    (void)context;
    if (result == 0 && !left)
        result = error_set(error, ERROR_INTERNAL, "the rooms were not left");
    return or_no_memory(result, error);
}

TEST(rooms_are_left_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {
        {"GET " ROOMS, 200, NULL, "{\"joined_rooms\": [\"!a:x\", \"!b:x\"]}"},
        {"POST /_matrix/client/v3/rooms/", 200, NULL, "{}"}, {0}};

    recorded_server_say(server, replies);
    fail_each_allocation(leave_rooms, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_that_is_there_shows_its_texts),
        cmocka_unit_test(a_profile_is_found_or_there_is_none_or_it_is_hidden),
        cmocka_unit_test(a_profile_that_is_no_answer_is_an_error),
        cmocka_unit_test(a_profile_is_asked_for_as_anybody_or_with_a_token),
        cmocka_unit_test(ones_own_profile_is_set_and_cleared_by_its_keys),
        cmocka_unit_test(a_profile_that_may_not_be_set_is_an_error_that_names_it),
        cmocka_unit_test(every_room_is_left),
        cmocka_unit_test(the_room_that_is_kept_is_not_left),
        cmocka_unit_test(who_is_in_no_room_leaves_none),
        cmocka_unit_test(a_room_that_cannot_be_left_is_told_and_the_others_are_left),
        cmocka_unit_test(rooms_that_are_not_told_are_not_left),
        cmocka_unit_test(more_rooms_than_a_server_joins_anybody_to_are_not_left),
        cmocka_unit_test(rooms_of_a_server_that_is_gone_are_an_error),
        cmocka_unit_test(a_profile_is_read_and_set_or_memory_was_short),
        cmocka_unit_test(rooms_are_left_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("profile and rooms", tests, start, stop);
}
