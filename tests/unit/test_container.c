/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net/namespace.h and net/container.h: the way into a container, against an
 * engine that is recorded and networks that are real. What it takes root for is
 * skipped without.
 */
/* The flags of namespaces are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/container.h"
#include "net/http.h"
#include "net/namespace.h"
#include "private_place.h"
#include "recorded_server.h"
#include "room.h"

/* The address of a container in a room. */
#define ITS_ADDRESS "10.99.0.2"

static struct recorded_server *engine;
static char engine_path[200];
static struct container container;
static struct route route;

static int
serve(void **state)
{
    static const struct recorded_reply nothing[] = {{0}};

    if (place_make(state) != 0)
        return -1;
    snprintf(engine_path, sizeof(engine_path), "%s", place_path("engine.sock"));
    engine = recorded_server_start_at(engine_path, nothing);
    return 0;
}

static int
serve_no_more(void **state)
{
    recorded_server_stop(engine);
    return place_remove(state);
}

/* What the engine answers about a container. */
static const char *
body(long pid, const char *mode, const char *address, const char *status)
{
    static char bodies[4][600];
    static size_t next;
    char *text = bodies[next++ % COUNT(bodies)];

    snprintf(text, sizeof(bodies[0]),
        "{\"State\": {\"Status\": \"%s\", \"Running\": %s, \"Pid\": %ld},"
        " \"HostConfig\": {\"NetworkMode\": \"%s\"},"
        " \"NetworkSettings\": {\"Networks\": {\"m\": {\"IPAddress\": \"%s\"}}}}",
        status, strcmp(status, "running") == 0 ? "true" : "false", pid, mode, address);
    return text;
}

static const char no_such[] = "{\"message\": \"No such container\"}";

static void
say(struct recorded_server *to, const char *of_synapse)
{
    const struct recorded_reply replies[] = {
        {"/containers/synapse/", 200, NULL, of_synapse}, {"/", 404, NULL, no_such}, {0}};

    recorded_server_say(to, replies);
}

static int
find(unsigned port, struct error *error)
{
    const struct engine_options options = {.socket = engine_path, .timeout_ms = 10000};
    struct url url = {.port = (long)port};

    container_init(&container, "synapse", &options);
    memset(&route, 0, sizeof(route));
    return container_find(&container, &url, &route, error);
}

static void
assert_no_way(unsigned port, const char *words)
{
    struct error error = {0};

    assert_int_equal(find(port, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_in(words, error.text);
}

/* A port on which nobody listens, for now. */
static unsigned
free_port(void)
{
    int listener = room_listen("127.0.0.1", 0);
    unsigned port = room_port(listener);

    close(listener);
    return port;
}

/* ---- Containers that cannot be reached ---------------------------------------- */

TEST(a_container_that_is_not_there_is_unreachable_and_named)
{
    static const struct recorded_reply none[] = {{"/", 404, NULL, no_such}, {0}};

    recorded_server_say(engine, none);
    assert_no_way(80, "the container synapse is not there");
}

TEST(a_container_that_does_not_run_is_unreachable_with_the_engines_word)
{
    static const char *const words[] = {"exited", "created", "stopped", "dead"};

    for (size_t i = 0; i < COUNT(words); i++) {
        char expected[60];

        say(engine, body(0, "m", "", words[i]));
        snprintf(expected, sizeof(expected), "is there, but does not run (%s)", words[i]);
        assert_no_way(80, expected);
    }
}

TEST(a_container_that_is_paused_is_unreachable)
{
    say(engine, "{\"State\": {\"Status\": \"paused\", \"Running\": true, \"Paused\": true,"
                " \"Pid\": 7}, \"HostConfig\": {\"NetworkMode\": \"m\"},"
                " \"NetworkSettings\": {}}");
    assert_no_way(80, "is paused; let it go on");
}

TEST(an_engines_trouble_is_not_taken_for_a_missing_container)
{
    struct error error = {0};

    say(engine, "{}");
    assert_int_equal(find(80, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
}

TEST(for_an_id_no_unit_is_named)
{
    struct error error = {0};

    container_missing("4f1c1f6b9d1e", "", &error);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_not_in("systemctl", error.text);
    error_clear(&error);
    container_missing("matrix-synapse", "exited", &error);
    assert_in("systemctl start matrix-synapse", error.text);
    assert_in("journalctl -u matrix-synapse", error.text);
}

/* ---- Ways -------------------------------------------------------------------- */

TEST(in_the_hosts_network_it_is_on_the_loopback)
{
    int listener = room_listen("127.0.0.1", 0);
    struct error error = {0};

    say(engine, body(getpid(), "host", "", "running"));
    assert_int_equal(find(room_port(listener), &error), 0);
    assert_string_equal(route.address, "127.0.0.1");
    assert_int_equal(route.network_namespace, -1);
    close(listener);
}

TEST(nobody_who_listens_is_unreachable_with_what_was_tried)
{
    unsigned port = free_port();
    char expected[60];

    say(engine, body(getpid(), "host", "", "running"));
    snprintf(expected, sizeof(expected), "port %u (tried: 127.0.0.1, ::1)", port);
    assert_no_way(port, expected);
}

static const char *
find_by_address(void)
{
    struct error error = {0};
    int listener;

    ROOM_CHECK(room_add_address(ITS_ADDRESS) == 0);
    listener = room_listen(ITS_ADDRESS, 0);
    ROOM_CHECK(listener >= 0);
    ROOM_CHECK(find(room_port(listener), &error) == 0);
    ROOM_CHECK(strcmp(route.address, ITS_ADDRESS) == 0);
    ROOM_CHECK(route.network_namespace == -1);
    return NULL;
}

TEST(on_a_bridge_it_is_at_its_address)
{
    say(engine, body(4194303, "m", ITS_ADDRESS, "running"));
    room_do(CLONE_NEWNET, find_by_address);
}

TEST(in_another_containers_network_it_is_at_that_ones_address)
{
    const struct recorded_reply replies[] = {
        {"/containers/synapse/", 200, NULL, body(4194303, "container:0123456789ab", "", "running")},
        {"/containers/0123456789ab/", 200, NULL, body(4194303, "m", ITS_ADDRESS, "running")},
        {0}};

    recorded_server_say(engine, replies);
    room_do(CLONE_NEWNET, find_by_address);
}

TEST(where_no_address_leads_there_it_is_found_from_inside)
{
    unsigned port = free_port();
    pid_t neighbour = room_neighbour(port);
    unsigned before = room_descriptors();
    struct error error = {0};
    int result;

    say(engine, body(neighbour, "m", "", "running"));
    result = find(port, &error);
    room_neighbour_end(neighbour);
    if (result != 0)
        fail_msg("%s", error.text);
    assert_string_equal(route.address, "127.0.0.1");
    assert_true(route.network_namespace >= 0);
    close(route.network_namespace);
    assert_int_equal(room_descriptors(), before);
}

TEST(where_nobody_listens_inside_either_nothing_stays_open)
{
    unsigned port = free_port();
    pid_t neighbour = room_neighbour(port == 65535 ? 1024 : port + 1);
    unsigned before = room_descriptors();
    struct error error = {0};

    say(engine, body(neighbour, "m", "", "running"));
    assert_int_equal(find(port, &error), -1);
    room_neighbour_end(neighbour);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_in("and from inside it, its loopback", error.text);
    assert_int_equal(room_descriptors(), before);
}

/* ---- HTTP over such a way -------------------------------------------------------- */

static int
request(struct http *http, struct http_reply *reply, struct error *error)
{
    const struct http_request get = {.method = "GET", .path = "/it"};

    return http_exchange(http, &get, reply, error);
}

TEST(a_request_goes_into_the_container)
{
    unsigned port = free_port();
    pid_t neighbour = room_neighbour(port);
    const struct engine_options options = {.socket = engine_path, .timeout_ms = 10000};
    struct route_finder finder = {.find = container_find, .context = &container};
    struct http_options http_options = {.finder = &finder, .timeout_ms = 10000};
    struct http_reply reply;
    struct error error = {0};
    struct http *http;
    char url[60], origin[100];
    bool inside = false;
    int result;

    snprintf(url, sizeof(url), "http://matrix_synapse:%u", port);
    snprintf(origin, sizeof(origin), "%s (container synapse)", url);
    http_options.url = url;
    container_init(&container, "synapse", &options);
    finder.where = container.where;
    say(engine, body(neighbour, "m", "", "running"));
    http = http_open(&http_options, &error);
    assert_non_null(http);
    result = request(http, &reply, &error);
    room_neighbour_end(neighbour);
    if (result != 0)
        fail_msg("%s", error.text);
    assert_string_equal(reply.body, "inside");
    assert_string_equal(http_origin(http), origin);
    assert_string_equal(http_route(http, &inside), "127.0.0.1");
    assert_true(inside);
    http_reply_free(&reply);
    http_close(http);
}

/* ---- Namespaces -------------------------------------------------------------------- */

TEST(our_own_namespace_is_known_as_that)
{
    struct error error = {0};
    int descriptor, same;

    assert_int_equal(namespace_open(getpid(), &descriptor, &same, &error), 0);
    assert_true(same);
    assert_int_equal(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(descriptor);
}

/* proc(5): no process id is that large. */
TEST(a_process_that_is_gone_has_no_namespace)
{
    struct error error = {0};
    int descriptor, same;

    assert_int_equal(namespace_open(4194305, &descriptor, &same, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
}

TEST(a_socket_is_opened_in_there_and_the_caller_stays_here)
{
    pid_t neighbour = room_neighbour(free_port());
    struct error error = {0};
    char before[100] = "", after[100] = "";
    int descriptor, same, inside, outside;

    assert_true(readlink("/proc/thread-self/ns/net", before, sizeof(before) - 1) > 0);
    assert_int_equal(namespace_open(neighbour, &descriptor, &same, &error), 0);
    assert_false(same);
    inside = namespace_socket(descriptor, AF_INET, SOCK_STREAM, 0);
    assert_true(inside >= 0);
    assert_int_equal(fcntl(inside, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(readlink("/proc/thread-self/ns/net", after, sizeof(after) - 1) > 0);
    assert_string_equal(after, before);
    /* The same port is free in both. */
    outside = room_listen("127.0.0.1", 0);
    {
        struct sockaddr_in name = {.sin_family = AF_INET,
            .sin_port = htons((in_port_t)room_port(outside))};

        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(inside, (struct sockaddr *)&name, sizeof(name)), 0);
    }
    close(outside);
    close(inside);
    close(descriptor);
    room_neighbour_end(neighbour);
}

TEST(what_is_no_namespace_opens_no_socket)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(namespace_socket(file, AF_INET, SOCK_STREAM, 0), -1);
    assert_int_equal(errno, EINVAL);
    close(file);
}

TEST(signals_stay_as_they_were)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    namespace_socket(file, AF_INET, SOCK_STREAM, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    close(file);
}

static const char *
open_roots_as_nobody(void)
{
    struct error error = {0};
    int descriptor, same;
    pid_t parent = getppid();

    ROOM_CHECK(setuid(65534) == 0);
    ROOM_CHECK(namespace_open(parent, &descriptor, &same, &error) == -1);
    ROOM_CHECK(error.kind == ERROR_FORBIDDEN);
    ROOM_CHECK(strstr(error.text, "that takes root") != NULL);
    return NULL;
}

TEST(only_root_enters_anothers_namespace)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can be another user, too\n");
        skip();
    }
    room_do(0, open_roots_as_nobody);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_that_is_not_there_is_unreachable_and_named),
        cmocka_unit_test(a_container_that_does_not_run_is_unreachable_with_the_engines_word),
        cmocka_unit_test(a_container_that_is_paused_is_unreachable),
        cmocka_unit_test(an_engines_trouble_is_not_taken_for_a_missing_container),
        cmocka_unit_test(for_an_id_no_unit_is_named),
        cmocka_unit_test(in_the_hosts_network_it_is_on_the_loopback),
        cmocka_unit_test(nobody_who_listens_is_unreachable_with_what_was_tried),
        cmocka_unit_test(on_a_bridge_it_is_at_its_address),
        cmocka_unit_test(in_another_containers_network_it_is_at_that_ones_address),
        cmocka_unit_test(where_no_address_leads_there_it_is_found_from_inside),
        cmocka_unit_test(where_nobody_listens_inside_either_nothing_stays_open),
        cmocka_unit_test(a_request_goes_into_the_container),
        cmocka_unit_test(our_own_namespace_is_known_as_that),
        cmocka_unit_test(a_process_that_is_gone_has_no_namespace),
        cmocka_unit_test(a_socket_is_opened_in_there_and_the_caller_stays_here),
        cmocka_unit_test(what_is_no_namespace_opens_no_socket),
        cmocka_unit_test(signals_stay_as_they_were),
        cmocka_unit_test(only_root_enters_anothers_namespace),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/container and net/namespace", tests, serve,
        serve_no_more);
}
