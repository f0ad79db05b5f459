/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/stop.h. Being told to stop cannot be undone, so each test that is told
 * so runs in a process of its own. */
#include "support.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stop.h"

/* Runs what returns whether all is well in a child. */
static void
assert_in_child(bool (*what)(int), int argument)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(what(argument) ? 0 : 1);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool
is_caught(int number)
{
    return stop_watch() == 0 && stop_signal() == 0 && raise(number) == 0 &&
           stop_signal() == number;
}

TEST(each_signal_that_asks_to_stop_is_caught)
{
    assert_in_child(is_caught, SIGTERM);
    assert_in_child(is_caught, SIGINT);
    assert_in_child(is_caught, SIGHUP);
}

/* The second of them signals the first one, which sleeps for a minute. */
static bool
sleep_is_cut_short(int number)
{
    long long start;
    pid_t other;
    int result;

    if (stop_watch() != 0)
        return false;
    other = fork();
    if (other == 0) {
        stop_sleep_ms(100);
        kill(getppid(), number);
        _exit(0);
    }
    start = stop_clock_ms();
    result = stop_sleep_ms(60000);
    waitpid(other, NULL, 0);
    return result == -1 && stop_clock_ms() - start < 30000;
}

TEST(a_signal_wakes_who_sleeps)
{
    assert_in_child(sleep_is_cut_short, SIGTERM);
    assert_in_child(sleep_is_cut_short, SIGHUP);
}

static bool
nobody_sleeps_any_more(int number)
{
    long long start = stop_clock_ms();

    return stop_watch() == 0 && raise(number) == 0 && stop_sleep_ms(60000) == -1 &&
           stop_sleep_ms(60000) == -1 && stop_clock_ms() - start < 30000;
}

TEST(after_a_signal_every_sleep_ends_at_once)
{
    assert_in_child(nobody_sleeps_any_more, SIGINT);
}

static bool
many_signals_do_no_harm(int number)
{
    if (stop_watch() != 0)
        return false;
    for (int i = 0; i < 100000; i++) /* more than a pipe takes */
        raise(number);
    return stop_signal() == number;
}

TEST(a_full_pipe_blocks_nobody)
{
    assert_in_child(many_signals_do_no_harm, SIGTERM);
}

static bool
closed_pipe_is_survived(int number)
{
    int ends[2];

    return stop_watch() == 0 && pipe(ends) == 0 && close(ends[0]) == 0 &&
           write(ends[1], "", 1) == -1 && raise(number) == 0 && stop_signal() == 0;
}

TEST(a_broken_pipe_is_no_reason_to_die)
{
    assert_in_child(closed_pipe_is_survived, SIGPIPE);
}

TEST(an_undisturbed_sleep_lasts_as_long_as_asked)
{
    long long start = stop_clock_ms();

    assert_int_equal(stop_sleep_ms(30), 0);
    assert_true(stop_clock_ms() - start >= 30);
    assert_int_equal(stop_sleep_ms(0), 0);
    assert_int_equal(stop_sleep_ms(-5), 0);
}

TEST(signals_are_called_by_their_names)
{
    assert_string_equal(stop_signal_name(SIGTERM), "SIGTERM");
    assert_string_equal(stop_signal_name(SIGINT), "SIGINT");
    assert_string_equal(stop_signal_name(SIGHUP), "SIGHUP");
    assert_non_null(stop_signal_name(SIGUSR1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_that_asks_to_stop_is_caught),
        cmocka_unit_test(a_signal_wakes_who_sleeps),
        cmocka_unit_test(after_a_signal_every_sleep_ends_at_once),
        cmocka_unit_test(a_full_pipe_blocks_nobody),
        cmocka_unit_test(a_broken_pipe_is_no_reason_to_die),
        cmocka_unit_test(an_undisturbed_sleep_lasts_as_long_as_asked),
        cmocka_unit_test(signals_are_called_by_their_names),
    };

    return cmocka_run_group_tests_name("base/stop", tests, NULL, NULL);
}
