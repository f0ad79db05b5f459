/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/listener.h, by way of whole configurations. Expected is what
 * synapse/config/server.py makes of them: read_config, parse_listener_def
 * (Synapse 1.163.2).
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "found_trial.h"
#include "private_place.h"

#define CLIENT "type: http, resources: [{names: [client]}]"

/* The name, and listeners of one line from the second on. */
static const char *
with(const char *listeners)
{
    static char yaml[4][2000];
    static size_t next;
    char *text = yaml[next++ % COUNT(yaml)];

    snprintf(text, sizeof(yaml[0]), NAME "listeners: %s\n", listeners);
    return text;
}

struct expectation {
    const char *listeners;
    const char *url;
    const char *address;
    const char *unix_socket;
};

static void
assert_same(const char *listeners, const char *what, const char *expected, const char *is)
{
    if ((expected == NULL) != (is == NULL) || (is != NULL && strcmp(expected, is) != 0))
        fail_msg("%s: %s is %s, not %s", listeners, what, is == NULL ? "none" : is,
            expected == NULL ? "none" : expected);
}

static void
assert_chosen(const struct expectation *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        found_well(with(table[i].listeners));
        assert_same(table[i].listeners, "url", table[i].url, found.url);
        assert_same(table[i].listeners, "address", table[i].address, found.address);
        assert_same(table[i].listeners, "socket", table[i].unix_socket, found.unix_socket);
    }
}

/* 192.0.2.0/24 and 2001:db8::/32 are nobody's (RFC 5737, RFC 3849). */
TEST(a_listener_is_reached_at_an_address_of_this_machine)
{
    static const struct expectation table[] = {
        {"[{port: 8008, " CLIENT "}]", "http://127.0.0.1:8008", NULL, NULL},
        {"[{port: 1, bind_addresses: [], " CLIENT "}]", "http://127.0.0.1:1", NULL, NULL},
        {"[{port: 65535, bind_address: '', " CLIENT "}]", "http://127.0.0.1:65535", NULL, NULL},
        {"[{port: 8008, bind_address: 127.0.0.1, " CLIENT "}]", "http://127.0.0.1:8008", NULL,
            NULL},
        {"[{port: 8008, bind_address: 127.0.0.9, " CLIENT "}]", "http://127.0.0.9:8008", NULL,
            NULL},
        {"[{port: 8008, bind_addresses: [''], " CLIENT "}]", "http://127.0.0.1:8008", NULL,
            NULL},
        {"[{port: 8008, bind_addresses: [0.0.0.0], " CLIENT "}]", "http://127.0.0.1:8008",
            NULL, NULL},
        {"[{port: 8008, bind_addresses: [localhost], " CLIENT "}]", "http://127.0.0.1:8008",
            NULL, NULL},
        {"[{port: 8008, bind_addresses: ['::', 0.0.0.0], " CLIENT "}]",
            "http://127.0.0.1:8008", NULL, NULL},
        {"[{port: 8008, bind_addresses: ['::1', 127.0.0.1], " CLIENT "}]",
            "http://127.0.0.1:8008", NULL, NULL},
        {"[{port: 8008, bind_addresses: [192.0.2.7, 127.0.0.2], " CLIENT "}]",
            "http://127.0.0.2:8008", NULL, NULL},
        {"[{port: 8008, bind_addresses: [127.0.0.3, 127.0.0.2], " CLIENT "}]",
            "http://127.0.0.3:8008", NULL, NULL},
        /* bind_address is one more of bind_addresses. */
        {"[{port: 8008, bind_address: 127.0.0.2, bind_addresses: [192.0.2.7], " CLIENT "}]",
            "http://127.0.0.2:8008", NULL, NULL},
        {"[{port: 8008, bind_address: 127.0.0.2, bind_addresses: [], " CLIENT "}]",
            "http://127.0.0.2:8008", NULL, NULL},
        {"[{port: 8008, path: '', " CLIENT "}]", "http://127.0.0.1:8008", NULL, NULL},
        {"[{port: 8008, path: , tls: , bind_address: , " CLIENT "}]", "http://127.0.0.1:8008",
            NULL, NULL},
    };

    assert_chosen(table, COUNT(table));
}

TEST(a_listener_of_ipv6_alone_is_reached_there)
{
    struct error error = {0};

    if (found_try(with("[{port: 8008, bind_addresses: ['::1'], " CLIENT "}]"), &error) != 0) {
        print_message("skipped: there is no IPv6 here\n");
        skip();
    }
    assert_string_equal(found.url, "http://[::1]:8008");
    found_well(with("[{port: 8008, bind_addresses: ['::'], " CLIENT "}]"));
    assert_string_equal(found.url, "http://[::1]:8008");
    found_well(with("[{port: 8008, bind_addresses: ['0:0:0:0:0:0:0:1'], " CLIENT "}]"));
    assert_string_equal(found.url, "http://[::1]:8008");
}

TEST(a_listener_with_a_path_is_a_unix_socket)
{
    static const struct expectation table[] = {
        {"[{path: /run/synapse.sock, " CLIENT "}]", "http://localhost", NULL,
            "/run/synapse.sock"},
        {"[{path: /run/synapse.sock, mode: 0660, tls: false, " CLIENT "}]", "http://localhost",
            NULL, "/run/synapse.sock"},
        /* `if port and socket_path` */
        {"[{port: 0, path: /run/synapse.sock, " CLIENT "}]", "http://localhost", NULL,
            "/run/synapse.sock"},
        {"[{port: , path: /run/synapse.sock, " CLIENT "}]", "http://localhost", NULL,
            "/run/synapse.sock"},
    };

    assert_chosen(table, COUNT(table));
}

TEST(plain_http_comes_before_a_socket_before_tls)
{
    static const struct expectation table[] = {
        {"[{port: 8448, tls: true, " CLIENT "}, {path: /run/s, " CLIENT "},"
         " {port: 8008, " CLIENT "}]",
            "http://127.0.0.1:8008", NULL, NULL},
        {"[{port: 8448, tls: true, " CLIENT "}, {path: /run/s, " CLIENT "}]",
            "http://localhost", NULL, "/run/s"},
        /* Of equals the first. */
        {"[{port: 8008, " CLIENT "}, {port: 8009, " CLIENT "}]", "http://127.0.0.1:8008",
            NULL, NULL},
        /* One that cannot be reached is none. */
        {"[{port: 8008, bind_address: 192.0.2.7, " CLIENT "}, {path: /run/s, " CLIENT "}]",
            "http://localhost", NULL, "/run/s"},
        {"[{port: 8008, bind_address: 192.0.2.7, " CLIENT "}, {port: 8448, tls: true, " CLIENT
         "}]",
            "https://example.org:8448", "127.0.0.1", NULL},
    };

    assert_chosen(table, COUNT(table));
}

TEST(only_listeners_that_serve_clients_count)
{
    static const struct expectation table[] = {
        {"[{port: 1, type: metrics, resources: [{names: [client]}]},"
         " {port: 2, type: http, resources: [{names: [federation]}]},"
         " {port: 3, type: http, resources: [{names: [replication]}]},"
         " {port: 4, type: http, resources: []}, {port: 5, type: http},"
         " {port: 6, type: manhole}, {port: 7, type: http, resources: [{}]},"
         " {port: 8, type: http, resources: [{names: [federation]}, {names: [media, client]}]}]",
            "http://127.0.0.1:8", NULL, NULL},
    };

    assert_chosen(table, COUNT(table));
}

/* What is not asked about cannot hinder; Synapse itself judges it. */
TEST(other_listeners_may_be_anything)
{
    static const struct expectation table[] = {
        {"[7, null, text, [a], {port: x, type: metrics}, {port: 8008, " CLIENT "}]",
            "http://127.0.0.1:8008", NULL, NULL},
        {"[{type: 7}, {type: http, resources: 7}, {type: http, resources: [7, [client]]},"
         " {type: http, resources: [{names: client}]}, {type: http, resources: [{names: [7]}]},"
         " {port: 8008, " CLIENT "}]",
            "http://127.0.0.1:8008", NULL, NULL},
    };

    assert_chosen(table, COUNT(table));
}

/* ---- None -------------------------------------------------------------------------- */

TEST(without_a_listener_of_use_the_url_is_asked_for)
{
    static const char *const table[] = {
        "",
        "[]",
        "[{port: 9000, type: metrics}]",
        "[{port: 8008, bind_address: 192.0.2.7, " CLIENT "}]",
        "[{port: 8008, bind_addresses: [192.0.2.7, '2001:db8::7'], " CLIENT "}]",
        "[{port: 8008, bind_addresses: [matrix.example.org], " CLIENT "}]",
    };

    for (size_t i = 0; i < COUNT(table); i++)
        found_refused(with(table[i]), 0, " has no listener that serves clients");
    found_refused(NAME, 0, " has no listener that serves clients");
}

/* ---- TLS ---------------------------------------------------------------------------- */

#define TLS_LISTENER "listeners: [{port: 8448, tls: true, " CLIENT "}]\n"

TEST(over_tls_the_name_is_the_one_that_the_certificate_has)
{
    static const struct {
        const char *lines, *url;
    } table[] = {
        {NAME, "https://example.org:8448"},
        {"server_name: example.org:8443\n", "https://example.org:8448"},
        {"server_name: '[::1]'\n", "https://[::1]:8448"},
        {"server_name: '[::1]:8443'\n", "https://[::1]:8448"},
        {NAME "public_baseurl: https://matrix.example.org/\n", "https://matrix.example.org:8448"},
        {NAME "public_baseurl: https://matrix.example.org:443/base\n",
            "https://matrix.example.org:8448"},
        {NAME "public_baseurl: 'https://[2001:db8::7]/'\n", "https://[2001:db8::7]:8448"},
        {NAME "public_baseurl: http://matrix.example.org/\n", "https://example.org:8448"},
        {NAME "public_baseurl: ''\n", "https://example.org:8448"},
        {NAME "public_baseurl: matrix.example.org\n", "https://example.org:8448"},
        {NAME "public_baseurl: https://a:" SECRET "@matrix.example.org/\n",
            "https://example.org:8448"},
        {NAME "public_baseurl:\n", "https://example.org:8448"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char yaml[600];

        snprintf(yaml, sizeof(yaml), "%s" TLS_LISTENER, table[i].lines);
        found_well(yaml);
        assert_same(table[i].lines, "url", table[i].url, found.url);
        assert_same(table[i].lines, "address", "127.0.0.1", found.address);
    }
}

/* "Ignoring TLS-enabled listener on port %i due to no_tls" */
TEST(with_no_tls_a_listener_of_tls_is_none)
{
    found_refused(NAME TLS_LISTENER "no_tls: true\n", 0, " has no listener that serves clients");
    found_well(NAME TLS_LISTENER "no_tls: false\n");
    found_well(NAME "no_tls: true\nlisteners: [{port: 8448, tls: true, " CLIENT
                    "}, {port: 8008, " CLIENT "}]\n");
    assert_string_equal(found.url, "http://127.0.0.1:8008");
    /* isinstance(listener, TCPListenerConfig) */
    found_well(NAME "no_tls: true\nlisteners: [{path: /run/s, tls: true, " CLIENT "}]\n");
    assert_string_equal(found.unix_socket, "/run/s");
}

/* ---- What is wrong ------------------------------------------------------------------- */

TEST(what_a_listener_cannot_have_is_refused_with_its_line)
{
    static const struct {
        const char *members, *words;
    } table[] = {
        {"port: '" SECRET "'", "port is not"},
        {"port: '8008'", "port is not"},
        {"port: 8008.5", "port is not"},
        {"port: true", "port is not"},
        {"port: [8008]", "port is not"},
        {"port: -1", "a listener's port is from 1 to 65535"},
        {"port: 65536", "a listener's port is from 1 to 65535"},
        {"port: 99999999999999999999", "port"},
        {"port: 0", "a listener has either a port or a path"},
        {"tag: x", "a listener has either a port or a path"},
        {"path: ''", "a listener has either a port or a path"},
        {"port: 8008, path: /run/s", "a listener has either a port or a path"},
        {"path: 7", "path is not a text"},
        {"path: [" SECRET "]", "path is not a text"},
        {"port: 8008, tls: '" SECRET "'", "tls is neither true nor false"},
        {"port: 8008, bind_address: 7", "bind_address is not a text"},
        {"port: 8008, bind_address: ['" SECRET "']", "bind_address is not a text"},
        {"port: 8008, bind_addresses: " SECRET, "bind_addresses is not a list"},
        {"port: 8008, bind_addresses: {a: b}", "bind_addresses is not a list"},
        {"port: 8008, bind_addresses: [7]", "a bind address is not a text"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char yaml[600];

        snprintf(yaml, sizeof(yaml), NAME "listeners:\n  - {%s, " CLIENT "}\n",
            table[i].members);
        found_refused(yaml, 3, table[i].words);
    }
}

TEST(what_stands_beside_listeners_is_refused_with_its_line)
{
    found_refused(NAME "listeners: " SECRET "\n", 2, "listeners is not a list");
    found_refused(NAME "listeners: {a: b}\n", 2, "listeners is not a list");
    found_refused(NAME TLS_LISTENER "no_tls: 'no'\n", 3, "no_tls is neither true nor false");
    found_refused(NAME TLS_LISTENER "public_baseurl: [" SECRET "]\n", 3,
        "public_baseurl is not a text");
}

TEST(a_socket_of_a_relative_path_is_refused)
{
    struct error error = {0};

    assert_int_equal(found_try(with("[{path: synapse.sock, " CLIENT "}]"), &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("is relative to a folder that only the server knows", error.text);
}

/* ---- Inside a container -------------------------------------------------------------- */

TEST(inside_a_container_its_name_is_the_host_whatever_is_bound)
{
    static const char *const table[] = {
        "[{port: 8008, " CLIENT "}]",
        "[{port: 8008, bind_addresses: ['::'], " CLIENT "}]",
        "[{port: 8008, bind_address: 192.0.2.7, " CLIENT "}]",
        "[{port: 8008, bind_addresses: [127.0.0.1], " CLIENT "}]",
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        assert_int_equal(found_try_inside(with(table[i]), &error), 0);
        assert_string_equal(found.url, "http://synapse:8008");
        assert_null(found.address);
    }
}

TEST(inside_a_container_over_tls_the_name_is_the_certificates)
{
    struct error error = {0};

    assert_int_equal(found_try_inside(NAME TLS_LISTENER, &error), 0);
    assert_string_equal(found.url, "https://example.org:8448");
    assert_null(found.address);
}

TEST(inside_a_container_a_socket_is_where_its_mount_is)
{
    struct error error = {0};

    assert_int_equal(found_try_inside(with("[{path: /data/run/s, " CLIENT "}]"), &error), 0);
    assert_string_equal(found.unix_socket, place_path("run/s"));
    assert_int_equal(found_try_inside(with("[{path: /run/s, " CLIENT "}]"), &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("/run/s is inside the container synapse, behind none of its mounts", error.text);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, found_make, found_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_listener_is_reached_at_an_address_of_this_machine),
        IN_A_PLACE(a_listener_of_ipv6_alone_is_reached_there),
        IN_A_PLACE(a_listener_with_a_path_is_a_unix_socket),
        IN_A_PLACE(plain_http_comes_before_a_socket_before_tls),
        IN_A_PLACE(only_listeners_that_serve_clients_count),
        IN_A_PLACE(other_listeners_may_be_anything),
        IN_A_PLACE(without_a_listener_of_use_the_url_is_asked_for),
        IN_A_PLACE(over_tls_the_name_is_the_one_that_the_certificate_has),
        IN_A_PLACE(with_no_tls_a_listener_of_tls_is_none),
        IN_A_PLACE(what_a_listener_cannot_have_is_refused_with_its_line),
        IN_A_PLACE(what_stands_beside_listeners_is_refused_with_its_line),
        IN_A_PLACE(a_socket_of_a_relative_path_is_refused),
        IN_A_PLACE(inside_a_container_its_name_is_the_host_whatever_is_bound),
        IN_A_PLACE(inside_a_container_over_tls_the_name_is_the_certificates),
        IN_A_PLACE(inside_a_container_a_socket_is_where_its_mount_is),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/synapse/listener", tests, NULL, NULL);
}
