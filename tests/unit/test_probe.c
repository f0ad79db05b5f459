/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/probe.h, against sockets on the loopback. */
/* The flags of namespaces are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/stop.h"
#include "net/probe.h"
#include "room.h"

#define ENOUGH_MS 10000

static struct probe_addresses
both(const char *first, const char *second)
{
    struct probe_addresses addresses = {0};

    probe_add(&addresses, first);
    probe_add(&addresses, second);
    return addresses;
}

/* A listener that takes no more connections: further ones get no answer, as if
 * a firewall dropped them. `full` is to be closed after it. */
struct silent {
    int listener;
    int full[2];
};

static struct silent
silence(const char *address)
{
    struct silent silent = {.listener = room_listen(address, 0)};
    struct sockaddr_storage name;
    unsigned length = probe_socket_address(address, room_port(silent.listener), &name);

    listen(silent.listener, 0);
    for (size_t i = 0; i < COUNT(silent.full); i++) {
        silent.full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(silent.full[i], (struct sockaddr *)&name, length);
    }
    return silent;
}

static void
silent_close(struct silent *silent)
{
    for (size_t i = 0; i < COUNT(silent->full); i++)
        close(silent->full[i]);
    close(silent->listener);
}

TEST(an_address_is_kept_in_its_canonical_form_and_once)
{
    struct probe_addresses addresses = {0};

    assert_true(probe_add(&addresses, "172.18.0.5"));
    assert_true(probe_add(&addresses, "FD00:0:0::00A"));
    assert_true(probe_add(&addresses, "fd00::a"));
    assert_true(probe_add(&addresses, "172.18.0.5"));
    assert_int_equal(addresses.count, 2);
    assert_string_equal(addresses.items[0], "172.18.0.5");
    assert_string_equal(addresses.items[1], "fd00::a");
}

TEST(what_is_no_literal_is_no_address)
{
    static const char *const texts[] = {"", "localhost", "127.1", "0x7f000001", "1.2.3.4:80",
        "1.2.3.4/8", " 1.2.3.4", "1.2.3.4 ", "[::1]", "fe80::1%lo", "1.2.3.256", "010.0.0.1",
        "::1::", ":", "1.2.3.4\n"};
    struct probe_addresses addresses = {0};
    struct sockaddr_storage name;

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (probe_add(&addresses, texts[i]) || probe_socket_address(texts[i], 80, &name) != 0)
            fail_msg("\"%s\" is an address", texts[i]);
    }
    assert_int_equal(addresses.count, 0);
}

TEST(there_is_room_for_sixteen_addresses)
{
    struct probe_addresses addresses = {0};

    for (unsigned i = 0; i < 20; i++) {
        char text[20];

        snprintf(text, sizeof(text), "10.0.0.%u", i);
        assert_true(probe_add(&addresses, text));
    }
    assert_int_equal(addresses.count, PROBE_ADDRESSES_MOST);
    assert_string_equal(addresses.items[15], "10.0.0.15");
}

TEST(a_socket_address_has_family_and_port)
{
    struct sockaddr_storage name;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&name;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&name;

    assert_int_equal(probe_socket_address("127.0.0.1", 65535, &name), sizeof(*four));
    assert_int_equal(four->sin_family, AF_INET);
    assert_int_equal(ntohs(four->sin_port), 65535);
    assert_int_equal(ntohl(four->sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(probe_socket_address("::1", 1, &name), sizeof(*six));
    assert_int_equal(six->sin6_family, AF_INET6);
    assert_int_equal(ntohs(six->sin6_port), 1);
    assert_true(IN6_IS_ADDR_LOOPBACK(&six->sin6_addr));
}

TEST(of_two_that_listen_the_first_is_taken)
{
    const struct probe_addresses one_way = both("127.0.0.1", "127.0.0.2");
    const struct probe_addresses other_way = both("127.0.0.2", "127.0.0.1");
    int one = room_listen("127.0.0.1", 0);
    int two = room_listen("127.0.0.2", room_port(one));

    assert_true(one >= 0 && two >= 0);
    assert_int_equal(probe_connect(&one_way, room_port(one), -1, ENOUGH_MS), 0);
    assert_int_equal(probe_connect(&other_way, room_port(one), -1, ENOUGH_MS), 0);
    close(one);
    assert_int_equal(probe_connect(&one_way, room_port(two), -1, ENOUGH_MS), 1);
    assert_int_equal(probe_connect(&other_way, room_port(two), -1, ENOUGH_MS), 0);
    close(two);
}

TEST(the_connection_is_closed_again_and_no_descriptor_stays)
{
    const struct probe_addresses addresses = both("127.0.0.1", "127.0.0.2");
    int listener = room_listen("127.0.0.1", 0);
    unsigned before = room_descriptors();
    char byte;
    int taken;

    assert_int_equal(probe_connect(&addresses, room_port(listener), -1, ENOUGH_MS), 0);
    assert_int_equal(room_descriptors(), before);
    taken = accept(listener, NULL, NULL);
    assert_true(taken >= 0);
    assert_int_equal(recv(taken, &byte, 1, 0), 0);
    close(taken);
    close(listener);
}

TEST(nobody_listens_where_all_refuse)
{
    const struct probe_addresses addresses = both("127.0.0.1", "127.0.0.2");
    int listener = room_listen("127.0.0.1", 0);
    unsigned port = room_port(listener);
    long long began = stop_clock_ms();

    close(listener);
    assert_int_equal(probe_connect(&addresses, port, -1, ENOUGH_MS), -1);
    assert_true(stop_clock_ms() - began < ENOUGH_MS / 2);
}

TEST(of_no_address_none_is_taken)
{
    const struct probe_addresses none = {0};

    assert_int_equal(probe_connect(&none, 80, -1, ENOUGH_MS), -1);
}

TEST(an_address_without_an_answer_does_not_delay_one_that_has)
{
    const struct probe_addresses addresses = both("127.0.0.3", "127.0.0.1");
    struct silent silent = silence("127.0.0.3");
    int listener = room_listen("127.0.0.1", room_port(silent.listener));
    long long began = stop_clock_ms();

    assert_true(listener >= 0);
    assert_int_equal(probe_connect(&addresses, room_port(listener), -1, ENOUGH_MS), 1);
    assert_true(stop_clock_ms() - began < ENOUGH_MS / 2);
    close(listener);
    silent_close(&silent);
}

TEST(an_address_without_an_answer_is_waited_for_as_long_as_asked)
{
    const struct probe_addresses addresses = both("127.0.0.3", "127.0.0.4");
    struct silent silent = silence("127.0.0.3");
    unsigned before = room_descriptors();
    long long began = stop_clock_ms();

    assert_int_equal(probe_connect(&addresses, room_port(silent.listener), -1, 300), -1);
    assert_in_range(stop_clock_ms() - began, 290, 5000);
    assert_int_equal(room_descriptors(), before);
    silent_close(&silent);
}

/* ---- In rooms of their own --------------------------------------------------- */

static const char *
ask_a_network_without_ways(void)
{
    const struct probe_addresses addresses = both("203.0.113.7", "2001:db8::7");
    long long began = stop_clock_ms();

    ROOM_CHECK(probe_connect(&addresses, 80, -1, ENOUGH_MS) == -1);
    ROOM_CHECK(stop_clock_ms() - began < ENOUGH_MS / 2);
    return NULL;
}

TEST(an_address_that_no_way_leads_to_is_not_waited_for)
{
    room_do(CLONE_NEWNET, ask_a_network_without_ways);
}

static const char *
ask_over_ipv6(void)
{
    const struct probe_addresses addresses = both("127.0.0.1", "::1");
    int listener = room_listen("::1", 0);

    if (listener < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
        return NULL; /* a kernel without IPv6 */
    ROOM_CHECK(probe_connect(&addresses, room_port(listener), -1, ENOUGH_MS) == 1);
    return NULL;
}

TEST(an_ipv6_address_is_connected_to)
{
    room_do(CLONE_NEWNET, ask_over_ipv6);
}

static const char *
be_stopped(void)
{
    static const struct timespec while_it_waits = {.tv_nsec = 200000000};
    const struct probe_addresses addresses = both("127.0.0.3", "127.0.0.4");
    struct silent silent = silence("127.0.0.3");
    long long began = stop_clock_ms();
    pid_t other;

    ROOM_CHECK(stop_watch() == 0);
    other = fork();
    if (other == 0) {
        nanosleep(&while_it_waits, NULL);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    ROOM_CHECK(probe_connect(&addresses, room_port(silent.listener), -1, ENOUGH_MS) == -1);
    ROOM_CHECK(stop_signal() == SIGTERM);
    ROOM_CHECK(stop_clock_ms() - began < ENOUGH_MS / 2);
    waitpid(other, NULL, 0);
    return NULL;
}

TEST(a_signal_to_stop_ends_the_wait)
{
    room_do(0, be_stopped);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_kept_in_its_canonical_form_and_once),
        cmocka_unit_test(what_is_no_literal_is_no_address),
        cmocka_unit_test(there_is_room_for_sixteen_addresses),
        cmocka_unit_test(a_socket_address_has_family_and_port),
        cmocka_unit_test(of_two_that_listen_the_first_is_taken),
        cmocka_unit_test(the_connection_is_closed_again_and_no_descriptor_stays),
        cmocka_unit_test(nobody_listens_where_all_refuse),
        cmocka_unit_test(of_no_address_none_is_taken),
        cmocka_unit_test(an_address_without_an_answer_does_not_delay_one_that_has),
        cmocka_unit_test(an_address_without_an_answer_is_waited_for_as_long_as_asked),
        cmocka_unit_test(an_address_that_no_way_leads_to_is_not_waited_for),
        cmocka_unit_test(an_ipv6_address_is_connected_to),
        cmocka_unit_test(a_signal_to_stop_ends_the_wait),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/probe", tests, NULL, NULL);
}
