/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/engine.h: which engines are asked when none is named, in rooms with a
 * /run of their own. */
/* The flags of namespaces are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/engine.h"
#include "recorded_server.h"
#include "room.h"

#define DOCKER "/run/docker.sock"
#define PODMAN "/run/podman/podman.sock"
#define NOBODY 65534

#define CONTAINER(mounts)                                                                  \
    "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"             \
    " \"HostConfig\": {\"NetworkMode\": \"m\"},"                                           \
    " \"NetworkSettings\": {\"Networks\": {\"m\": {\"IPAddress\": \"172.18.0.5\"}}},"      \
    " \"Mounts\": [" mounts "]}"
#define MOUNT "{\"Type\": \"bind\", \"Source\": \"/s\", \"Destination\": \"/d\"}"
#define RELATIVE_MOUNT "{\"Type\": \"bind\", \"Source\": \"s\", \"Destination\": \"/d\"}"

static const struct recorded_reply has_it[] = {{"/", 200, NULL, CONTAINER(MOUNT)}, {0}};
static const struct recorded_reply has_not[] = {
    {"/", 404, NULL, "{\"message\":\"No such container: synapse\"}"}, {0}};
/* Good up to its last mount. */
static const struct recorded_reply has_it_badly[] = {
    {"/", 200, NULL,
        CONTAINER(MOUNT ", " MOUNT ", " MOUNT ", " MOUNT ", " RELATIVE_MOUNT)},
    {0}};
static const struct recorded_reply broken[] = {{"/", 500, NULL, "{\"message\":\"broken\"}"}, {0}};

static struct engine_container container;
static enum engine_answer answer;

static int
inspect(struct error *error)
{
    const struct engine_options options = {.timeout_ms = 10000};

    return engine_inspect(&options, "synapse", &container, &answer, error);
}

static struct recorded_server *
serve(const char *path, const struct recorded_reply *replies)
{
    mkdir("/run/podman", 0755);
    return recorded_server_start_at(path, replies);
}

static const char *
ask_without_engines(void)
{
    struct error error = {0};

    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_NONE);
    return NULL;
}

TEST(without_a_socket_there_is_no_engine_to_ask)
{
    room_do(CLONE_NEWNS, ask_without_engines);
}

static const char *
ask_docker(void)
{
    struct recorded_server *podman = serve(PODMAN, has_it);
    struct error error = {0};

    serve(DOCKER, has_it);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_HAS_IT);
    ROOM_CHECK(container.mount_count == 1);
    ROOM_CHECK(recorded_server_requests(podman) == 0);
    return NULL;
}

TEST(docker_is_asked_first_and_alone_when_it_has_the_container)
{
    room_do(CLONE_NEWNS, ask_docker);
}

static const char *
ask_podman(void)
{
    struct recorded_server *docker = serve(DOCKER, has_not);
    struct error error = {0};

    serve(PODMAN, has_it);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_HAS_IT);
    ROOM_CHECK(recorded_server_requests(docker) == 1);
    return NULL;
}

TEST(podman_is_asked_when_docker_has_not_the_container)
{
    room_do(CLONE_NEWNS, ask_podman);
}

static const char *
ask_two_that_have_not(void)
{
    struct error error = {0};

    serve(DOCKER, has_not);
    serve(PODMAN, has_not);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_HAS_NOT);
    return NULL;
}

TEST(neither_may_have_the_container)
{
    room_do(CLONE_NEWNS, ask_two_that_have_not);
}

static const char *
ask_past_trouble(void)
{
    struct error error = {0};

    serve(DOCKER, broken);
    serve(PODMAN, has_it);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(error.kind == ERROR_NONE);
    ROOM_CHECK(answer == ENGINE_HAS_IT);
    return NULL;
}

TEST(trouble_of_one_engine_is_none_where_the_other_has_the_container)
{
    room_do(CLONE_NEWNS, ask_past_trouble);
}

static const char *
ask_with_trouble(void)
{
    struct error error = {0};

    serve(DOCKER, broken);
    serve(PODMAN, has_not);
    ROOM_CHECK(inspect(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_SERVER);
    ROOM_CHECK(strstr(error.text, DOCKER " answers 500 (broken)") != NULL);
    return NULL;
}

TEST(trouble_of_one_engine_counts_where_no_other_has_the_container)
{
    room_do(CLONE_NEWNS, ask_with_trouble);
}

static const char *
ask_past_a_bad_answer(void)
{
    struct error error = {0};

    serve(DOCKER, has_it_badly);
    serve(PODMAN, has_it);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(container.mount_count == 1);
    ROOM_CHECK(container.addresses.count == 1);
    engine_container_free(&container);
    return NULL;
}

TEST(nothing_of_a_bad_answer_comes_into_the_next_one)
{
    room_do(CLONE_NEWNS, ask_past_a_bad_answer);
}

/* ---- Who serves it --------------------------------------------------------- */

/* A child listens at path as nobody, and tells through the pipe what it was sent. */
static int
serve_as_nobody(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int ends[2];
    char bytes[2000];
    ssize_t length;

    memcpy(name.sun_path, path, strlen(path));
    if (pipe(ends) != 0 || bind(listener, (struct sockaddr *)&name, sizeof(name)) != 0)
        return -1;
    if (fork() == 0) {
        close(ends[0]);
        if (setuid(NOBODY) != 0 || listen(listener, 8) != 0 || write(ends[1], "r", 1) != 1)
            _exit(1);
        listener = accept(listener, NULL, NULL);
        length = recv(listener, bytes, sizeof(bytes), 0);
        if (length > 0 && write(ends[1], bytes, (size_t)length) != length)
            _exit(1);
        _exit(0);
    }
    close(listener);
    close(ends[1]);
    return read(ends[0], bytes, 1) == 1 ? ends[0] : -1;
}

static const char *
ask_somebody_elses(void)
{
    struct error error = {0};
    char byte;
    int sent = serve_as_nobody(DOCKER);

    ROOM_CHECK(sent >= 0);
    ROOM_CHECK(inspect(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_FORBIDDEN);
    ROOM_CHECK(!error.maybe_done);
    ROOM_CHECK(strstr(error.text, DOCKER) != NULL);
    ROOM_CHECK(strstr(error.text, "another user than root") != NULL);
    ROOM_CHECK(read(sent, &byte, 1) == 0);
    return NULL;
}

static void
skip_unless_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: only root can be another user, too\n");
    skip();
}

TEST(an_engine_of_another_user_is_refused_and_sent_nothing)
{
    skip_unless_root();
    room_do(CLONE_NEWNS, ask_somebody_elses);
}

static const char *
ask_somebody_elses_by_name(void)
{
    struct engine_options options = {.socket = DOCKER, .own_only = true, .timeout_ms = 10000};
    struct error error = {0};
    char byte;
    int sent = serve_as_nobody(DOCKER);

    ROOM_CHECK(sent >= 0);
    ROOM_CHECK(engine_inspect(&options, "synapse", &container, &answer, &error) == -1);
    ROOM_CHECK(error.kind == ERROR_FORBIDDEN);
    ROOM_CHECK(read(sent, &byte, 1) == 0);
    unlink(DOCKER);
    sent = serve_as_nobody(DOCKER);
    ROOM_CHECK(sent >= 0);
    options.own_only = false;
    error_clear(&error);
    ROOM_CHECK(engine_inspect(&options, "synapse", &container, &answer, &error) == -1);
    ROOM_CHECK(error.kind == ERROR_UNREACHABLE);
    ROOM_CHECK(read(sent, &byte, 1) == 1);
    return NULL;
}

TEST(a_named_engine_of_another_user_is_asked_unless_files_are_read_by_its_word)
{
    skip_unless_root();
    room_do(CLONE_NEWNS, ask_somebody_elses_by_name);
}

/* Of a user the sockets are root's to serve, too; root's own are not asked. */
static const char *
ask_as_a_user(void)
{
    struct error error = {0};
    struct recorded_server *of_root = serve(DOCKER, has_it);

    mkdir("/run/user", 0755);
    mkdir("/run/user/65534", 0755);
    chmod(DOCKER, 0666);
    ROOM_CHECK(seteuid(NOBODY) == 0);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_NONE);
    ROOM_CHECK(recorded_server_requests(of_root) == 0);
    ROOM_CHECK(seteuid(0) == 0);
    recorded_server_start_at("/run/user/65534/docker.sock", has_it);
    chmod("/run/user/65534/docker.sock", 0666);
    ROOM_CHECK(seteuid(NOBODY) == 0);
    ROOM_CHECK(inspect(&error) == 0);
    ROOM_CHECK(answer == ENGINE_HAS_IT);
    ROOM_CHECK(recorded_server_requests(of_root) == 0);
    return NULL;
}

TEST(who_is_not_root_has_the_engines_of_ones_own)
{
    skip_unless_root();
    room_do(CLONE_NEWNS, ask_as_a_user);
}

/* No one may use it: that is no "unreachable" that waiting helps. */
static const char *
ask_without_permission(void)
{
    struct error error = {0};

    mkdir("/run/user", 0755);
    mkdir("/run/user/65534", 0755);
    recorded_server_start_at("/run/user/65534/docker.sock", has_it);
    chmod("/run/user/65534/docker.sock", 0600);
    ROOM_CHECK(seteuid(NOBODY) == 0);
    ROOM_CHECK(inspect(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_FORBIDDEN);
    ROOM_CHECK(strstr(error.text, "/run/user/65534/docker.sock") != NULL);
    return NULL;
}

TEST(a_socket_that_may_not_be_used_is_forbidden)
{
    skip_unless_root();
    room_do(CLONE_NEWNS, ask_without_permission);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_socket_there_is_no_engine_to_ask),
        cmocka_unit_test(docker_is_asked_first_and_alone_when_it_has_the_container),
        cmocka_unit_test(podman_is_asked_when_docker_has_not_the_container),
        cmocka_unit_test(neither_may_have_the_container),
        cmocka_unit_test(trouble_of_one_engine_is_none_where_the_other_has_the_container),
        cmocka_unit_test(trouble_of_one_engine_counts_where_no_other_has_the_container),
        cmocka_unit_test(nothing_of_a_bad_answer_comes_into_the_next_one),
        cmocka_unit_test(an_engine_of_another_user_is_refused_and_sent_nothing),
        cmocka_unit_test(
            a_named_engine_of_another_user_is_asked_unless_files_are_read_by_its_word),
        cmocka_unit_test(who_is_not_root_has_the_engines_of_ones_own),
        cmocka_unit_test(a_socket_that_may_not_be_used_is_forbidden),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/engine, where it looks", tests, NULL, NULL);
}
