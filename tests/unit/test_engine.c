/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/engine.h: names, answers other than a container, and sockets that are
 * named. Which are asked when none is named is in test_engine_places.c, what a
 * container is in test_engine_reply.c. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/engine.h"
#include "private_place.h"
#include "recorded_server.h"

#define CONTAINER                                                                          \
    "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"             \
    " \"HostConfig\": {\"NetworkMode\": \"m\"},"                                           \
    " \"NetworkSettings\": {\"Networks\": {\"m\": {\"IPAddress\": \"172.18.0.5\"}}},"      \
    " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"/s\", \"Destination\": \"/d\"}]}\n"

/* moby/moby, daemon/container.go: GetContainer; Podman, pkg/api/handlers/utils/
 * errors.go. As running ones answered. */
#define DOCKER_HAS_NOT "{\"message\":\"No such container: synapse\"}\n"
#define PODMAN_HAS_NOT                                                                     \
    "{\"cause\":\"no such container\",\"message\":\"no container with name or ID "         \
    "\\\"synapse\\\" found: no such container\",\"response\":404}\n"

static struct recorded_server *server;
static struct engine_container container;
static enum engine_answer answer;

static int
serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    if (place_make(state) != 0)
        return -1;
    server = recorded_server_start_at(place_path("engine.sock"), nothing);
    return 0;
}

static int
serve_no_more(void **state)
{
    recorded_server_stop(server);
    return place_remove(state);
}

static int
inspect_at(const char *socket, const char *name, struct error *error)
{
    const struct engine_options options = {.socket = socket, .timeout_ms = 10000};

    return engine_inspect(&options, name, &container, &answer, error);
}

static int
inspect_answer(int status, const char *body, struct error *error)
{
    const struct recorded_reply replies[] = {{"GET /containers/synapse/json", status, NULL, body},
        {0}};

    recorded_server_say(server, replies);
    return inspect_at(place_path("engine.sock"), "synapse", error);
}

static void
assert_answer_is(int status, const char *body, enum error_kind kind, const char *words)
{
    struct error error = {0};

    assert_int_equal(inspect_answer(status, body, &error), -1);
    engine_container_free(&container);
    assert_kind(&error, kind);
    assert_in(place_path("engine.sock"), error.text);
    assert_in(words, error.text);
}

TEST(a_container_is_asked_for_by_its_name)
{
    struct error error = {0};

    recorded_server_log(server);
    assert_int_equal(inspect_answer(200, CONTAINER, &error), 0);
    assert_int_equal(answer, ENGINE_HAS_IT);
    assert_true(container.running);
    assert_int_equal(container.pid, 4711);
    assert_string_equal(container.mounts[0].destination, "/d");
    assert_string_equal(recorded_server_log(server), "GET /containers/synapse/json -\n");
    engine_container_free(&container);
}

/* Its API takes a request without one for none (net/http, "missing required Host
 * header"); and it is no reverse proxy's client. */
TEST(the_engine_is_told_a_host_and_nothing_about_who_asks)
{
    struct error error = {0};

    assert_int_equal(inspect_answer(200, CONTAINER, &error), 0);
    assert_in("\r\nHost: localhost\r\n", recorded_server_request(server));
    assert_not_in("X-Forwarded", recorded_server_request(server));
    assert_not_in("Authorization", recorded_server_request(server));
    engine_container_free(&container);
}

TEST(an_engine_without_the_container_has_answered)
{
    static const char *const bodies[] = {DOCKER_HAS_NOT, PODMAN_HAS_NOT};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct error error = {0};

        assert_int_equal(inspect_answer(404, bodies[i], &error), 0);
        assert_int_equal(answer, ENGINE_HAS_NOT);
    }
}

TEST(a_404_without_a_message_is_no_engines)
{
    static const char *const bodies[] = {"Not Found\n", "", "{}", "[]", "{\"message\": 1}",
        "{\"errcode\": \"M_UNRECOGNIZED\", \"error\": \"Unrecognized request\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++)
        assert_answer_is(404, bodies[i], ERROR_PROTOCOL, "answers 404; is it one?");
}

TEST(an_engines_own_trouble_is_told_in_its_words)
{
    assert_answer_is(500, "{\"message\":\"Multiple IDs found with provided prefix: 1\"}",
        ERROR_SERVER, "answers 500 (Multiple IDs found with provided prefix: 1)");
    assert_answer_is(500, "oops", ERROR_PROTOCOL, "answers 500; is it one?");
    assert_answer_is(400, "{\"message\":\"client version 9.99 is too new\"}", ERROR_SERVER,
        "answers 400 (client version 9.99 is too new)");
}

TEST(what_an_engine_says_moves_no_terminal_and_is_short)
{
    char body[3000];
    struct error error = {0};

    snprintf(body, sizeof(body), "{\"message\": \"\\u001b[2J%02000d\"}", 0);
    inspect_answer(500, body, &error);
    assert_kind(&error, ERROR_SERVER);
    assert_not_in("\x1b", error.text);
    assert_true(strlen(error.text) < 600);
}

TEST(what_is_no_container_is_no_answer)
{
    assert_answer_is(200, "<html>", ERROR_PROTOCOL, "its answer is not a JSON object");
    assert_answer_is(200, "", ERROR_PROTOCOL, "its answer is not a JSON object");
    assert_answer_is(200, "[]", ERROR_PROTOCOL, "its answer is not a JSON object");
    assert_answer_is(200, "{}", ERROR_PROTOCOL, "its answer has no usable State.Running");
    assert_answer_is(200, "{\"State\": {\"Status\": \"a\\u0000b\", \"Running\": false}}",
        ERROR_PROTOCOL, "its answer is not a JSON object");
    assert_answer_is(301, "", ERROR_PROTOCOL, "redirects");
    assert_answer_is(204, "", ERROR_PROTOCOL, "answers 204; is it one?");
}

TEST(an_answer_that_never_comes_is_unreachable)
{
    assert_answer_is(RECORDED_LOST, "", ERROR_UNREACHABLE, "no answer");
}

/* Or who asks for the way to a server would not dare to ask that server again. */
TEST(a_question_without_an_answer_has_changed_nothing)
{
    struct error error = {0};

    assert_int_equal(inspect_answer(RECORDED_LOST, "", &error), -1);
    assert_false(error.maybe_done);
}

TEST(where_an_answer_came_from_is_told)
{
    struct error error = {0};

    assert_int_equal(inspect_answer(200, CONTAINER, &error), 0);
    assert_string_equal(container.socket, place_path("engine.sock"));
    engine_container_free(&container);
}

TEST(whether_there_is_an_engine_is_seen_by_its_socket)
{
    struct engine_options options = {.socket = place_path("engine.sock")};

    assert_true(engine_is_there(&options));
    options.socket = place_path("nothing.sock");
    assert_false(engine_is_there(&options));
}

TEST(a_socket_that_is_named_and_not_there_is_unreachable)
{
    struct error error = {0};

    assert_int_equal(inspect_at(place_path("nothing.sock"), "synapse", &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_in(place_path("nothing.sock"), error.text);
    assert_false(error.maybe_done);
}

TEST(a_name_that_no_container_has_is_asked_of_nobody)
{
    static const char *const names[] = {"", "-x", ".x", "_x", "a/b", "a b", "a%2Fb", "a\nb",
        "../json", "a?b", "a#b", "a:b", "a@b", "\xc3\xa4", "/a"};
    unsigned before = recorded_server_requests(server);
    char longest[257];

    for (size_t i = 0; i < COUNT(names); i++) {
        struct error error = {0};

        if (inspect_at(place_path("engine.sock"), names[i], &error) == 0)
            fail_msg("\"%s\" is a name", names[i]);
        assert_kind(&error, ERROR_INVALID);
        assert_in("container is the name or the id", error.text);
    }
    memset(longest, 'a', 256);
    longest[256] = '\0';
    struct error error = {0};
    assert_int_equal(inspect_at(place_path("engine.sock"), longest, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_int_equal(recorded_server_requests(server), before);
}

/* moby/moby, daemon/names/names.go: [a-zA-Z0-9][a-zA-Z0-9_.-]. One character,
 * which Docker makes no container for, is an id's start. */
TEST(names_and_ids_are_asked_for)
{
    static const char *const names[] = {"a", "0", "matrix-synapse", "A_b.c-9",
        "4f1c1f6b9d1e4f1c1f6b9d1e4f1c1f6b9d1e4f1c1f6b9d1e4f1c1f6b9d1e4f1c"};
    static const struct recorded_reply replies[] = {{"/", 404, NULL, DOCKER_HAS_NOT}, {0}};

    recorded_server_say(server, replies);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct error error = {0};
        char line[120];

        recorded_server_log(server);
        assert_int_equal(inspect_at(place_path("engine.sock"), names[i], &error), 0);
        snprintf(line, sizeof(line), "GET /containers/%s/json -\n", names[i]);
        assert_string_equal(recorded_server_log(server), line);
    }
}

TEST(messages_name_the_places_of_who_we_are)
{
    struct engine_options options = {0};
    char places[400], expected[400];

    engine_places(&options, places, sizeof(places));
    if (geteuid() == 0)
        snprintf(expected, sizeof(expected), "/run/docker.sock or /run/podman/podman.sock");
    else
        snprintf(expected, sizeof(expected),
            "/run/user/%u/docker.sock or /run/user/%u/podman/podman.sock",
            (unsigned)geteuid(), (unsigned)geteuid());
    assert_string_equal(places, expected);
    options.socket = "/srv/engine.sock";
    engine_places(&options, places, sizeof(places));
    assert_string_equal(places, "/srv/engine.sock");
}

static int
inspect_once(void *context, struct error *error)
{
    int result = inspect_at(context, "synapse", error);

    engine_container_free(&container);
    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {{"/", 200, NULL, CONTAINER}, {0}};

    recorded_server_say(server, replies);
    fail_each_allocation(inspect_once, (void *)(uintptr_t)place_path("engine.sock"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_asked_for_by_its_name),
        cmocka_unit_test(the_engine_is_told_a_host_and_nothing_about_who_asks),
        cmocka_unit_test(an_engine_without_the_container_has_answered),
        cmocka_unit_test(a_404_without_a_message_is_no_engines),
        cmocka_unit_test(an_engines_own_trouble_is_told_in_its_words),
        cmocka_unit_test(what_an_engine_says_moves_no_terminal_and_is_short),
        cmocka_unit_test(what_is_no_container_is_no_answer),
        cmocka_unit_test(an_answer_that_never_comes_is_unreachable),
        cmocka_unit_test(a_question_without_an_answer_has_changed_nothing),
        cmocka_unit_test(where_an_answer_came_from_is_told),
        cmocka_unit_test(whether_there_is_an_engine_is_seen_by_its_socket),
        cmocka_unit_test(a_socket_that_is_named_and_not_there_is_unreachable),
        cmocka_unit_test(a_name_that_no_container_has_is_asked_of_nobody),
        cmocka_unit_test(names_and_ids_are_asked_for),
        cmocka_unit_test(messages_name_the_places_of_who_we_are),
        cmocka_unit_test(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/engine", tests, serve, serve_no_more);
}
