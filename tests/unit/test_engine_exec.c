/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/engine_exec.h. Answers are those of moby v29 (daemon/server/router/container/
 * exec.go, daemon/exec.go, daemon/inspect.go) and Podman v6 (pkg/api/handlers/compat/
 * exec.go, libpod/container_exec.go). How frames are cut is in test_engine_stream.c. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/stop.h"
#include "net/engine_exec.h"
#include "private_place.h"
#include "recorded_server.h"

#define CONTAINER                                                                          \
    "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"             \
    " \"HostConfig\": {\"NetworkMode\": \"m\"},"                                           \
    " \"NetworkSettings\": {\"Networks\": {\"m\": {\"IPAddress\": \"172.18.0.5\"}}}}\n"
#define STOPPED                                                                            \
    "{\"State\": {\"Status\": \"exited\", \"Running\": false, \"Pid\": 0},"                \
    " \"HostConfig\": {\"NetworkMode\": \"m\"}, \"NetworkSettings\": {}}\n"
#define HAS_NOT "{\"message\":\"No such container: mas\"}\n"

#define RUNS {"GET /containers/mas/json", 200, NULL, CONTAINER}
#define MADE {"POST /containers/mas/exec", 201, NULL, "{\"Id\":\"f00d\"}\n"}
#define START "POST /exec/f00d/start"
#define STATE "GET /exec/f00d/json"
/* "Error: no\n", of the errors. */
#define SAYS_NO "020000000000000a4572726f723a206e6f0a"
#define RAW "Content-Type: application/vnd.docker.raw-stream\r\n"
#define SAYS(hex) {START, RECORDED_STREAM + 200, RAW, hex}
#define ENDED(code) {STATE, 200, NULL, "{\"ID\":\"f00d\",\"Running\":false,\"ExitCode\":" code "}"}
#define ENDED_ONCE(code)                                                                   \
    {STATE, RECORDED_ONCE + 200, NULL,                                                     \
        "{\"ID\":\"f00d\",\"Running\":false,\"ExitCode\":" code "}"}
#define STILL_RUNS_ONCE(code)                                                              \
    {STATE, RECORDED_ONCE + 200, NULL, "{\"ID\":\"f00d\",\"Running\":true,\"ExitCode\":" code "}"}
#define STILL_RUNS {STATE, 200, NULL, "{\"Running\":true,\"ExitCode\":null}"}

static const char *const words[] = {"mas-cli", "manage", "-p", "Passw0rd \xc3\xa4\"\\", NULL};
static struct recorded_server *server;
static struct engine_ended ended;

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

/* With a second for the command. */
static int
run_at(const char *socket, const char *const *said, bool cleaning_up, struct error *error)
{
    static const char *const environment[] = {"RUST_BACKTRACE=0", NULL};
    const struct engine_options options = {.socket = socket, .timeout_ms = 10000};
    const struct secret password = secret_over(words[3]);
    const struct secret *const list[] = {&password};
    const struct redaction secrets = {list, 1};
    const struct engine_command command = {
        .container = "mas",
        .words = said,
        .environment = environment,
        .secrets = &secrets,
        .timeout_ms = 1000,
        .cleaning_up = cleaning_up,
    };

    return engine_exec_run(&options, &command, &ended, error);
}

static int
run_words(const char *const *said, bool cleaning_up, struct error *error)
{
    return run_at(place_path("engine.sock"), said, cleaning_up, error);
}

static int
run(const struct recorded_reply *replies, struct error *error)
{
    recorded_server_say(server, replies);
    recorded_server_log(server);
    return run_words(words, false, error);
}

static void
run_well(const struct recorded_reply *replies)
{
    struct error error = {0};

    run(replies, &error);
    assert_kind(&error, ERROR_NONE);
}

static struct error
run_badly(const struct recorded_reply *replies, enum error_kind kind, const char *said)
{
    struct error error = {0};

    assert_int_equal(run(replies, &error), -1);
    assert_kind(&error, kind);
    assert_in(said, error.text);
    assert_not_in("Passw0rd", error.text);
    return error;
}

TEST(a_command_is_made_started_and_asked_for_its_end)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS(SAYS_NO), ENDED("1"), {0}};

    run_well(replies);
    assert_int_equal(ended.exit_code, 1);
    assert_string_equal(ended.said, "Error: no");
    assert_string_equal(recorded_server_log(server),
        "GET /containers/mas/json -\n"
        "POST /containers/mas/exec - {\"AttachStdin\":false,\"AttachStdout\":true,"
        "\"AttachStderr\":true,\"Tty\":false,\"Env\":[\"RUST_BACKTRACE=0\"],"
        "\"Cmd\":[\"mas-cli\",\"manage\",\"-p\",\"Passw0rd \\u00E4\\\"\\\\\"]}\n"
        "POST /exec/f00d/start - {\"Detach\":false,\"Tty\":false}\n"
        "GET /exec/f00d/json -\n");
}

/* Both look at it: httputils.CheckForJSON. */
TEST(the_engine_is_told_that_it_gets_json)
{
    static const struct recorded_reply replies[] = {
        RUNS, MADE, {START, 404, NULL, "{\"message\":\"x\"}"}, {0}};

    run_badly(replies, ERROR_SERVER, "answers 404 (x)");
    assert_in("\r\nContent-Type: application/json\r\n", recorded_server_request(server));
    assert_not_in("Upgrade", recorded_server_request(server));
}

TEST(exit_codes_are_told_as_they_are)
{
    static const struct recorded_reply rows[][5] = {
        {RUNS, MADE, SAYS(""), ENDED("0"), {0}},
        {RUNS, MADE, SAYS(""), ENDED("2"), {0}},
        {RUNS, MADE, SAYS(""), ENDED("101"), {0}},
        {RUNS, MADE, SAYS(""), ENDED("127"), {0}},
        {RUNS, MADE, SAYS(""), ENDED("137"), {0}},
        {RUNS, MADE, SAYS(""), ENDED("-1"), {0}},
    };
    static const long codes[] = {0, 2, 101, 127, 137, -1};

    for (size_t i = 0; i < COUNT(codes); i++) {
        run_well(rows[i]);
        assert_int_equal(ended.exit_code, codes[i]);
        assert_string_equal(ended.said, "");
    }
}

/* Docker has no exit code yet, Podman has 0. */
TEST(an_output_may_end_before_the_engine_knows_of_the_end)
{
    static const struct recorded_reply docker[] = {RUNS, MADE, SAYS(SAYS_NO),
        STILL_RUNS_ONCE("null"), STILL_RUNS_ONCE("null"), ENDED("1"), {0}};
    static const struct recorded_reply podman[] = {
        RUNS, MADE, SAYS(SAYS_NO), STILL_RUNS_ONCE("0"), ENDED("1"), {0}};
    static const struct recorded_reply halfway[] = {
        RUNS, MADE, SAYS(SAYS_NO), ENDED_ONCE("null"), ENDED("1"), {0}};

    run_well(docker);
    assert_int_equal(ended.exit_code, 1);
    run_well(podman);
    assert_int_equal(ended.exit_code, 1);
    run_well(halfway);
    assert_int_equal(ended.exit_code, 1);
}

TEST(a_command_that_never_ends_is_left_when_its_time_is_over)
{
    static const struct recorded_reply silent[] = {RUNS, MADE,
        {START, RECORDED_STREAM + RECORDED_HELD + 200, RAW, ""}, STILL_RUNS, {0}};
    static const struct recorded_reply loud[] = {RUNS, MADE,
        {START, RECORDED_STREAM + RECORDED_ENDLESS + 200, RAW, SAYS_NO SAYS_NO SAYS_NO},
        STILL_RUNS, {0}};
    static const struct recorded_reply closed[] = {RUNS, MADE, SAYS(""), STILL_RUNS, {0}};
    const struct recorded_reply *const all[] = {silent, loud, closed};

    for (size_t i = 0; i < COUNT(all); i++) {
        long long began = stop_clock_ms();
        struct error error = run_badly(all[i], ERROR_SERVER,
            "mas-cli in the container mas has not ended within 1000 ms, and may still run");

        assert_true(error.maybe_done);
        assert_true(error_ends_list(&error));
        assert_true(stop_clock_ms() - began >= 1000);
        assert_true(stop_clock_ms() - began < 4000);
    }
}

TEST(an_end_in_the_last_moment_is_one)
{
    static const struct recorded_reply replies[] = {RUNS, MADE,
        {START, RECORDED_STREAM + RECORDED_HELD + 200, RAW, SAYS_NO}, ENDED("0"), {0}};

    run_well(replies);
    assert_int_equal(ended.exit_code, 0);
    assert_string_equal(ended.said, ""); /* it may be the half of something */
}

/* The engine was restarted, perhaps; the command went on. */
TEST(the_end_of_an_output_that_was_cut_off_is_asked_for)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS("020000000000000a4572"),
        STILL_RUNS_ONCE("null"), ENDED("0"), {0}};

    run_well(replies);
    assert_int_equal(ended.exit_code, 0);
    assert_string_equal(ended.said, "");
}

TEST(what_is_no_output_of_a_command_is_no_engines)
{
    static const struct recorded_reply replies[] = {
        RUNS, MADE, {START, 200, NULL, "{\"message\": \"hello\"}"}, ENDED("0"), {0}};
    static const struct recorded_reply numbered[] = {
        RUNS, MADE, SAYS("0400000000000001aa"), ENDED("0"), {0}};

    assert_true(run_badly(replies, ERROR_PROTOCOL, "something else than the output").maybe_done);
    assert_true(run_badly(numbered, ERROR_PROTOCOL, "something else than the output").maybe_done);
}

TEST(a_container_that_does_not_run_is_said_to_be_so)
{
    static const struct recorded_reply absent[] = {
        {"GET /containers/mas/json", 404, NULL, HAS_NOT}, MADE, {0}};
    static const struct recorded_reply stopped[] = {
        {"GET /containers/mas/json", 200, NULL, STOPPED}, MADE, {0}};

    assert_false(run_badly(absent, ERROR_UNREACHABLE, "the container mas is not there").maybe_done);
    run_badly(stopped, ERROR_UNREACHABLE, "does not run (exited)");
    assert_not_in("POST", recorded_server_log(server));
}

/* daemon/errors.go: 409; libpod: 500, for a container that is not running. */
TEST(a_refusal_is_told_in_the_engines_words_and_nothing_was_started)
{
    static const struct recorded_reply docker[] = {RUNS,
        {"POST /containers/mas/exec", 409, NULL,
            "{\"message\":\"container 1234 is not running\"}\n"}, {0}};
    static const struct recorded_reply podman[] = {RUNS,
        {"POST /containers/mas/exec", 500, NULL,
            "{\"cause\":\"container state improper\",\"message\":\"can only create exec "
            "sessions on running containers: container state improper\",\"response\":500}\n"},
        {0}};
    static const struct recorded_reply gone[] = {
        RUNS, MADE, {START, 404, NULL, "{\"message\":\"No such exec instance: f00d\"}\n"}, {0}};
    static const struct recorded_reply echoing[] = {RUNS,
        {"POST /containers/mas/exec", 400, NULL,
            "{\"message\":\"invalid: Passw0rd \\u00e4\\\"\\\\ is no JSON\"}\n"}, {0}};

    assert_false(run_badly(docker, ERROR_SERVER,
        "answers 409 (container 1234 is not running)").maybe_done);
    assert_false(run_badly(podman, ERROR_SERVER, "answers 500 (can only create").maybe_done);
    assert_false(run_badly(gone, ERROR_SERVER, "answers 404 (No such exec").maybe_done);
    run_badly(echoing, ERROR_SERVER, "answers 400 (invalid: ******** is no JSON)");
}

TEST(what_makes_no_sense_is_no_engines)
{
    static const struct {
        int status;
        const char *body;
        const char *said;
    } answers[] = {
        {201, "", "no usable Id"},
        {201, "{}", "no usable Id"},
        {201, "{\"Id\": \"\"}", "no usable Id"},
        {201, "{\"Id\": 1}", "no usable Id"},
        {201, "{\"Id\": \"../containers/mas\"}", "no usable Id"},
        {201, "{\"Id\": \"f0 0d\"}", "no usable Id"},
        {200, "{\"Id\": \"f00d\"}", "answers 200; is it one?"},
        {404, "Not Found\n", "answers 404; is it one?"},
        {301, "", "redirects"},
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct recorded_reply replies[] = {RUNS,
            {"POST /containers/mas/exec", answers[i].status, NULL, answers[i].body}, {0}};

        run_badly(replies, ERROR_PROTOCOL, answers[i].said);
        assert_not_in("/start", recorded_server_log(server));
    }
}

TEST(an_id_that_is_too_long_is_none)
{
    char body[400];
    const struct recorded_reply replies[] = {
        RUNS, {"POST /containers/mas/exec", 201, NULL, body}, {0}};

    snprintf(body, sizeof(body), "{\"Id\": \"%0129d\"}", 0);
    run_badly(replies, ERROR_PROTOCOL, "no usable Id");
    snprintf(body, sizeof(body), "{\"Id\": \"%0128d\"}", 0);
    run_badly(replies, ERROR_PROTOCOL, "answers 404; is it one?");
}

TEST(an_end_that_makes_no_sense_is_not_known)
{
    static const char *const bodies[] = {"", "{}", "[]", "{\"Running\": false}",
        "{\"Running\": \"no\", \"ExitCode\": 0}", "{\"Running\": false, \"ExitCode\": \"0\"}",
        "{\"Running\": false, \"ExitCode\": 4294967296}", "{\"Running\": null, \"ExitCode\": 0}",
        "{\"Running\": false, \"ExitCode\": 0.5}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {
            RUNS, MADE, SAYS(SAYS_NO), {STATE, 200, NULL, bodies[i]}, {0}};

        assert_true(run_badly(replies, ERROR_PROTOCOL, "no usable Running and ExitCode").maybe_done);
    }
}

TEST(an_end_that_cannot_be_asked_for_is_not_known)
{
    static const struct recorded_reply gone[] = {RUNS, MADE, SAYS(SAYS_NO),
        {STATE, 404, NULL, "{\"message\":\"No such exec instance: f00d\"}\n"}, {0}};
    static const struct recorded_reply lost[] = {
        RUNS, MADE, SAYS(SAYS_NO), {STATE, RECORDED_LOST, NULL, ""}, {0}};

    assert_true(run_badly(gone, ERROR_SERVER, "answers 404 (No such exec").maybe_done);
    assert_true(run_badly(lost, ERROR_UNREACHABLE, "no answer").maybe_done);
}

/* Podman shows an exit code of 0 for one that was never started. */
TEST(a_start_without_an_answer_is_not_asked_about)
{
    static const struct recorded_reply replies[] = {
        RUNS, MADE, {START, RECORDED_LOST, NULL, ""}, ENDED("0"), {0}};

    assert_true(run_badly(replies, ERROR_UNREACHABLE, "no answer").maybe_done);
}

TEST(a_making_without_an_answer_has_started_nothing)
{
    static const struct recorded_reply replies[] = {
        RUNS, {"POST /containers/mas/exec", RECORDED_LOST, NULL, ""}, {0}};

    assert_false(run_badly(replies, ERROR_UNREACHABLE, "no answer").maybe_done);
}

TEST(an_argument_that_is_not_unicode_is_refused)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS(""), ENDED("0"), {0}};
    static const char *const wrong[] = {"mas-cli", "Passw0rd\xff", NULL};
    struct error error = {0};

    recorded_server_say(server, replies);
    recorded_server_log(server);
    assert_int_equal(run_words(wrong, false, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_not_in("Passw0rd", error.text);
    assert_not_in("POST", recorded_server_log(server));
}

/* unix(7): SO_PEERCRED tells who called listen(2). */
static int
listener_of_somebody_else(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(seteuid(0), 0);
    return listener;
}

TEST(somebody_elses_engine_is_told_nothing_even_if_it_is_named)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS(""), ENDED("0"), {0}};
    const char *path = place_path("other.sock");
    struct recorded_server *other;
    struct error error = {0};

    if (geteuid() != 0)
        skip();
    other = recorded_server_start_on(listener_of_somebody_else(path), replies);
    assert_int_equal(run_at(path, words, false, &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_in("is served by another user", error.text);
    assert_not_in("containers", recorded_server_log(other));
    recorded_server_stop(other);
}

static int
run_once(void *context, struct error *error)
{
    int result = run_words(words, false, error);

    (void)context;
    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS(SAYS_NO), ENDED("0"), {0}};

    recorded_server_say(server, replies);
    fail_each_allocation(run_once, NULL);
}

/* The last one: what a signal asked for is never forgotten. */
TEST(after_a_signal_only_what_cleans_up_is_begun)
{
    static const struct recorded_reply replies[] = {RUNS, MADE, SAYS(SAYS_NO), ENDED("0"), {0}};
    struct error error = {0};

    assert_int_equal(stop_watch(), 0);
    raise(SIGTERM);
    run_badly(replies, ERROR_INTERRUPTED, "stopped by SIGTERM");
    assert_string_equal(recorded_server_log(server), "");
    assert_int_equal(run_words(words, true, &error), 0);
    assert_string_equal(ended.said, "Error: no");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_made_started_and_asked_for_its_end),
        cmocka_unit_test(the_engine_is_told_that_it_gets_json),
        cmocka_unit_test(exit_codes_are_told_as_they_are),
        cmocka_unit_test(an_output_may_end_before_the_engine_knows_of_the_end),
        cmocka_unit_test(a_command_that_never_ends_is_left_when_its_time_is_over),
        cmocka_unit_test(an_end_in_the_last_moment_is_one),
        cmocka_unit_test(the_end_of_an_output_that_was_cut_off_is_asked_for),
        cmocka_unit_test(what_is_no_output_of_a_command_is_no_engines),
        cmocka_unit_test(a_container_that_does_not_run_is_said_to_be_so),
        cmocka_unit_test(a_refusal_is_told_in_the_engines_words_and_nothing_was_started),
        cmocka_unit_test(what_makes_no_sense_is_no_engines),
        cmocka_unit_test(an_id_that_is_too_long_is_none),
        cmocka_unit_test(an_end_that_makes_no_sense_is_not_known),
        cmocka_unit_test(an_end_that_cannot_be_asked_for_is_not_known),
        cmocka_unit_test(a_start_without_an_answer_is_not_asked_about),
        cmocka_unit_test(a_making_without_an_answer_has_started_nothing),
        cmocka_unit_test(an_argument_that_is_not_unicode_is_refused),
        cmocka_unit_test(somebody_elses_engine_is_told_nothing_even_if_it_is_named),
        cmocka_unit_test(each_failed_allocation_is_an_error),
        cmocka_unit_test(after_a_signal_only_what_cleans_up_is_begun),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/engine_exec", tests, serve, serve_no_more);
}
