/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net/transport.h and net/http.h: unix sockets, addresses and routes in place of
 * the URL's host. TLS, whose name stays the URL's as well, is for the suites
 * with real servers; whose socket it may be is in test_engine_places.c.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/http.h"
#include "private_place.h"
#include "recorded_server.h"
#include "room.h"

/* A proxy is asked for a whole URL. */
static const struct recorded_reply yes[] = {
    {"/", 200, NULL, "yes"}, {"GET http://", 200, NULL, "yes"}, {0}};

/* Where nobody is asked: a proxy that the environment names. */
static struct recorded_server *proxy;

static const char *const proxy_variables[] = {"http_proxy", "https_proxy", "all_proxy",
    "HTTPS_PROXY", "ALL_PROXY"};

static int
set_proxies(void **state)
{
    if (place_make(state) != 0)
        return -1;
    proxy = recorded_server_start(yes);
    for (size_t i = 0; i < COUNT(proxy_variables); i++)
        setenv(proxy_variables[i], recorded_server_url(proxy), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    return 0;
}

static int
unset_proxies(void **state)
{
    for (size_t i = 0; i < COUNT(proxy_variables); i++)
        unsetenv(proxy_variables[i]);
    recorded_server_stop(proxy);
    return place_remove(state);
}

static int
ask(struct http *http, struct http_reply *reply, struct error *error)
{
    const struct http_request request = {.method = "GET", .path = "/_matrix/client/versions"};

    return http_exchange(http, &request, reply, error);
}

/* Asks once; 0 when the answer is "yes". */
static int
ask_once(const struct http_options *options, struct error *error)
{
    struct http *http = http_open(options, error);
    struct http_reply reply = {0};
    int result = http == NULL ? -1 : ask(http, &reply, error);

    if (result == 0 && strcmp(reply.body, "yes") != 0)
        result = -2;
    http_reply_free(&reply);
    http_close(http);
    return result;
}

/* The port of "http://127.0.0.1:PORT". */
static const char *
port_of(struct recorded_server *server)
{
    return strrchr(recorded_server_url(server), ':') + 1;
}

/* ---- Unix sockets ----------------------------------------------------------------- */

static struct http_options
socket_options(const char *path)
{
    return (struct http_options){.url = "http://matrix.example.org:8008/base",
        .unix_socket = path,
        .timeout_ms = 10000,
        .use_proxy = true};
}

TEST(over_a_unix_socket_the_host_is_the_urls)
{
    const char *path = place_path("unix.sock");
    struct recorded_server *server = recorded_server_start_at(path, yes);
    struct http_options options = socket_options(path);
    unsigned to_proxy = recorded_server_requests(proxy);
    struct error error = {0};

    assert_int_equal(ask_once(&options, &error), 0);
    assert_in("GET /base/_matrix/client/versions HTTP/1.1\r\n",
        recorded_server_request(server));
    assert_in("\r\nHost: matrix.example.org:8008\r\n", recorded_server_request(server));
    assert_not_in("X-Forwarded", recorded_server_request(server));
    assert_int_equal(recorded_server_requests(proxy), to_proxy);
    recorded_server_stop(server);
    unlink(path);
}

/* synapse/http/site.py: the first of X-Forwarded-For is who asks. */
TEST(where_it_is_to_be_said_that_the_loopback_asks_headers_say_so)
{
    const char *path = place_path("unix.sock");
    struct recorded_server *server = recorded_server_start_at(path, yes);
    struct http_options options = socket_options(path);
    struct error error = {0};

    options.forwarded = true;
    assert_int_equal(ask_once(&options, &error), 0);
    assert_in("\r\nX-Forwarded-For: 127.0.0.1\r\n", recorded_server_request(server));
    assert_in("\r\nX-Forwarded-Proto: http\r\n", recorded_server_request(server));
    recorded_server_stop(server);
    unlink(path);
}

TEST(the_origin_names_the_socket)
{
    struct http_options options = socket_options("/run/synapse.sock");
    struct error error = {0};
    struct http *http = http_open(&options, &error);
    bool inside = true;

    assert_non_null(http);
    assert_string_equal(http_origin(http),
        "http://matrix.example.org:8008 (unix socket /run/synapse.sock)");
    assert_string_equal(http_route(http, &inside), "");
    assert_false(inside);
    http_close(http);
}

TEST(a_socket_that_is_not_there_is_unreachable_and_nobody_listens)
{
    struct http_options options = socket_options(place_path("nothing.sock"));
    struct error error = {0};
    struct http *http = http_open(&options, &error);
    struct http_reply reply;

    assert_non_null(http);
    assert_int_equal(ask(http, &reply, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_in("nothing.sock", error.text);
    assert_true(reply.refused);
    assert_false(error.maybe_done);
    http_reply_free(&reply);
    http_close(http);
}

/* unix(7): the name has 108 bytes with its NUL. */
TEST(a_path_that_is_too_long_for_a_socket_is_an_error)
{
    char path[200];
    struct http_options options = socket_options(path);
    struct error error = {0};

    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(ask_once(&options, &error), -1);
    assert_int_not_equal(error.kind, ERROR_NONE);
    assert_false(error.maybe_done);
}

TEST(a_socket_of_our_own_is_taken_for_one)
{
    const char *path = place_path("unix.sock");
    struct recorded_server *server = recorded_server_start_at(path, yes);
    struct http_options options = socket_options(path);
    struct error error = {0};

    options.own_peer_only = true;
    assert_int_equal(ask_once(&options, &error), 0);
    recorded_server_stop(server);
    unlink(path);
}

/* ---- Addresses and finders ----------------------------------------------------------- */

TEST(an_address_takes_the_place_of_the_host_and_of_proxies)
{
    struct recorded_server *server = recorded_server_start(yes);
    char url[80], header[100];
    struct http_options options = {
        .url = url, .address = "127.0.0.1", .timeout_ms = 10000, .use_proxy = true};
    unsigned to_proxy = recorded_server_requests(proxy);
    struct error error = {0};

    snprintf(url, sizeof(url), "http://matrix.invalid:%s", port_of(server));
    snprintf(header, sizeof(header), "\r\nHost: matrix.invalid:%s\r\n", port_of(server));
    assert_int_equal(ask_once(&options, &error), 0);
    assert_in(header, recorded_server_request(server));
    assert_int_equal(recorded_server_requests(proxy), to_proxy);
    recorded_server_stop(server);
}

TEST(an_ipv6_address_takes_its_place)
{
    int listener = room_listen("::1", 0);
    unsigned port = room_port(listener);
    struct recorded_server *server;
    char url[80];
    struct http_options options = {.url = url, .address = "::1", .timeout_ms = 10000};
    struct error error = {0};

    if (listener < 0) {
        print_message("skipped: there is no IPv6 here\n");
        skip();
    }
    server = recorded_server_start_on(listener, yes);
    snprintf(url, sizeof(url), "http://matrix.invalid:%u", port);
    assert_int_equal(ask_once(&options, &error), 0);
    recorded_server_stop(server);
}

/* Or the tests above would show nothing. */
TEST(the_environments_proxy_is_used_for_a_urls_own_host)
{
    struct http_options options = {
        .url = "http://matrix.invalid", .timeout_ms = 10000, .use_proxy = true};
    struct error error = {0};

    assert_int_equal(ask_once(&options, &error), 0);
    assert_in("GET http://matrix.invalid/_matrix", recorded_server_request(proxy));
}

/* A finder that leads wherever `leads_to` says. */
static char leads_to[ROUTE_ADDRESS_SIZE];
static unsigned searches;

static int
find_it(const void *context, const struct url *url, struct route *route, struct error *error)
{
    (void)context;
    (void)url;
    searches++;
    if (leads_to[0] == '\0')
        return error_set(error, ERROR_FORBIDDEN, "the finder has no way");
    snprintf(route->address, sizeof(route->address), "%s", leads_to);
    route->network_namespace = -1;
    return 0;
}

static const struct route_finder finder = {.find = find_it, .where = "container it"};

static void
lead_to(const char *address)
{
    snprintf(leads_to, sizeof(leads_to), "%s", address);
}

TEST(a_finders_way_is_taken_and_looked_for_once)
{
    struct recorded_server *server = recorded_server_start(yes);
    char url[80];
    struct http_options options = {
        .url = url, .finder = &finder, .timeout_ms = 10000, .use_proxy = true};
    unsigned to_proxy = recorded_server_requests(proxy);
    struct http_reply reply;
    struct error error = {0};
    struct http *http;
    bool inside = true;

    snprintf(url, sizeof(url), "http://matrix-synapse:%s", port_of(server));
    lead_to("127.0.0.1");
    searches = 0;
    http = http_open(&options, &error);
    assert_non_null(http);
    assert_string_equal(http_route(http, &inside), "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(http, &reply, &error), 0);
        http_reply_free(&reply);
    }
    assert_int_equal(searches, 1);
    assert_string_equal(http_route(http, &inside), "127.0.0.1");
    assert_false(inside);
    assert_int_equal(recorded_server_requests(server), 3);
    assert_int_equal(recorded_server_requests(proxy), to_proxy);
    http_close(http);
    recorded_server_stop(server);
}

TEST(a_way_that_leads_nowhere_any_more_is_looked_for_anew)
{
    int first = room_listen("127.0.0.1", 0);
    int second = room_listen("127.0.0.2", room_port(first));
    struct recorded_server *one = recorded_server_start_on(first, yes), *other;
    char url[80];
    struct http_options options = {.url = url, .finder = &finder, .timeout_ms = 10000};
    struct http_reply reply;
    struct error error = {0};
    struct http *http;

    snprintf(url, sizeof(url), "http://matrix-synapse:%u", room_port(first));
    lead_to("127.0.0.1");
    searches = 0;
    http = http_open(&options, &error);
    assert_non_null(http);
    assert_int_equal(ask(http, &reply, &error), 0);
    http_reply_free(&reply);
    recorded_server_stop(one); /* the container has restarted, and moved */
    lead_to("127.0.0.2");
    assert_int_equal(ask(http, &reply, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_int_equal(searches, 1);
    http_reply_free(&reply);
    other = recorded_server_start_on(second, yes);
    error_clear(&error);
    assert_int_equal(ask(http, &reply, &error), 0);
    assert_int_equal(searches, 2);
    assert_int_equal(recorded_server_requests(other), 1);
    http_reply_free(&reply);
    http_close(http);
    recorded_server_stop(other);
}

TEST(a_finders_error_is_the_exchanges_and_nothing_was_done)
{
    struct http_options options = {
        .url = "http://matrix-synapse:8008", .finder = &finder, .timeout_ms = 10000};
    struct error error = {0};

    lead_to("");
    searches = 0;
    assert_int_equal(ask_once(&options, &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_string_equal(error.text, "the finder has no way");
    assert_false(error.maybe_done);
    assert_int_equal(searches, 1);
}

static int
ask_or_no_memory(void *context, struct error *error)
{
    int result = ask_once(context, error);

    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    struct recorded_server *server = recorded_server_start(yes);
    char url[80];
    struct http_options options = {.url = url, .finder = &finder, .timeout_ms = 10000};

    snprintf(url, sizeof(url), "http://matrix-synapse:%s", port_of(server));
    lead_to("127.0.0.1");
    fail_each_allocation(ask_or_no_memory, &options);
    recorded_server_stop(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_a_unix_socket_the_host_is_the_urls),
        cmocka_unit_test(where_it_is_to_be_said_that_the_loopback_asks_headers_say_so),
        cmocka_unit_test(the_origin_names_the_socket),
        cmocka_unit_test(a_socket_that_is_not_there_is_unreachable_and_nobody_listens),
        cmocka_unit_test(a_path_that_is_too_long_for_a_socket_is_an_error),
        cmocka_unit_test(a_socket_of_our_own_is_taken_for_one),
        cmocka_unit_test(an_address_takes_the_place_of_the_host_and_of_proxies),
        cmocka_unit_test(an_ipv6_address_takes_its_place),
        cmocka_unit_test(the_environments_proxy_is_used_for_a_urls_own_host),
        cmocka_unit_test(a_finders_way_is_taken_and_looked_for_once),
        cmocka_unit_test(a_way_that_leads_nowhere_any_more_is_looked_for_anew),
        cmocka_unit_test(a_finders_error_is_the_exchanges_and_nothing_was_done),
        cmocka_unit_test(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/transport", tests, set_proxies, unset_proxies);
}
