/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/child.h. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/memory.h"
#include "base/stop.h"

static const struct child_limits usual = {.answer_bytes = 1000000, .seconds = 20};

/* It answers for limits itself, and lets the C library clean up at a child's
 * end, which writes what stdio holds. */
static bool
is_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded != NULL && strstr(preloaded, "valgrind") != NULL;
}

/* Nobody is left who could be waited for, and the next descriptor is the same. */
static int lowest_free, next_free;

static void
note_descriptors(void)
{
    lowest_free = dup(0);
    next_free = dup(0);
    close(lowest_free);
    close(next_free);
}

static void
assert_nothing_is_left(void)
{
    int now = dup(0);

    close(now);
    assert_int_equal(now, lowest_free);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static struct error
run(child_work work, const struct child_limits *limits, struct text *answer)
{
    struct error error = {0};
    int result;

    note_descriptors();
    result = child_run(work, NULL, limits, "the thing", answer, &error);
    assert_int_equal(result, error.kind == ERROR_NONE ? 0 : -1);
    assert_nothing_is_left();
    return error;
}

static void
assert_fails(child_work work, const struct child_limits *limits, enum error_kind kind,
    const char *text)
{
    struct text answer = {0};
    struct error error = run(work, limits, &answer);

    assert_kind(&error, kind);
    assert_in(text, error.text);
    text_free(&answer);
}

/* More than a pipe holds. */
static int
answers_much(void *context, struct text *answer)
{
    (void)context;
    for (int i = 0; i < 50000; i++)
        text_append(answer, "0123456789");
    return 0;
}

TEST(the_whole_answer_arrives)
{
    struct text answer = {0};
    struct error error;

    text_append(&answer, "before:");
    error = run(answers_much, &usual, &answer);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(answer.length, strlen("before:") + 500000);
    assert_memory_equal(answer.bytes, "before:0123456789", 17);
    assert_string_equal(answer.bytes + answer.length - 10, "0123456789");
    text_free(&answer);
}

static int
answers_nothing(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    return 0;
}

TEST(an_empty_answer_is_one)
{
    struct text answer = {0};
    struct error error = run(answers_nothing, &usual, &answer);

    assert_kind(&error, ERROR_NONE);
    assert_int_equal(answer.length, 0);
    text_free(&answer);
}

TEST(an_answer_may_be_as_long_as_the_limit_and_no_longer)
{
    struct child_limits limits = usual;
    struct text answer = {0};
    struct error error;

    limits.answer_bytes = 500000;
    error = run(answers_much, &limits, &answer);
    assert_kind(&error, ERROR_NONE);
    text_free(&answer);
    limits.answer_bytes = 499999;
    assert_fails(answers_much, &limits, ERROR_INVALID,
        "the thing could not be read: it is too large");
}

static int
sleeps(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    while (stop_signal() == 0)
        pause();
    return 0;
}

TEST(a_child_that_sleeps_is_ended_when_its_time_is_up)
{
    struct child_limits limits = usual;
    long long start = stop_clock_ms();

    limits.seconds = 1;
    assert_fails(sleeps, &limits, ERROR_INVALID, "it takes too long");
    assert_true(stop_clock_ms() - start >= 1000);
    assert_true(stop_clock_ms() - start < 15000);
}

static int
drips(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    /* The end of the pipe that is written to is the second that was free. */
    while (write(next_free, "x", 1) == 1)
        stop_sleep_ms(50);
    return 0;
}

TEST(a_child_that_drips_gains_no_time_by_it)
{
    struct child_limits limits = usual;

    limits.seconds = 1;
    assert_fails(drips, &limits, ERROR_INVALID, "it takes too long");
}

static int
kills_itself(void *context, struct text *answer)
{
    (void)context;
    text_append(answer, "half of it");
    raise(SIGKILL);
    return 0;
}

static int
aborts(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    abort();
}

/* cmocka has a handler for this, which would go on with the next test, and so
 * has the sanitizer. */
static int
faults(void *context, struct text *answer)
{
    char *volatile page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)context;
    (void)answer;
    return *page;
}

static int
leaves(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    _exit(1);
}

TEST(a_crash_of_the_child_is_an_error_and_not_ours)
{
    assert_fails(kills_itself, &usual, ERROR_INVALID, "the thing could not be read");
    assert_fails(aborts, &usual, ERROR_INVALID, "ended by signal 6");
    assert_fails(faults, &usual, ERROR_INVALID, "ended by signal 11");
    assert_fails(leaves, &usual, ERROR_INVALID, "reading it failed");
}

static int
has_no_memory(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    return -1;
}

TEST(short_memory_in_the_child_is_short_memory)
{
    assert_fails(has_no_memory, &usual, ERROR_MEMORY, "out of memory");
}

static int
calculates_forever(void *context, struct text *answer)
{
    (void)context;
    (void)answer;
    for (volatile unsigned i = 0; stop_signal() == 0; i++)
        ;
    return 0;
}

TEST(a_child_that_calculates_forever_is_ended)
{
    struct child_limits limits = usual;

    limits.seconds = 1;
    assert_fails(calculates_forever, &limits, ERROR_INVALID, "the thing could not be read");
}

static int
tells_its_limits(void *context, struct text *answer)
{
    struct rlimit core, processor;

    (void)context;
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_CPU, &processor);
    text_append_format(answer, "%d %d", (int)core.rlim_max, (int)processor.rlim_max);
    return 0;
}

TEST(the_child_leaves_no_core_and_has_limits_that_are_not_ours)
{
    struct text answer = {0};
    struct rlimit ours;

    run(tells_its_limits, &usual, &answer);
    assert_string_equal(answer.bytes, "0 20");
    text_free(&answer);
    assert_int_equal(getrlimit(RLIMIT_CPU, &ours), 0);
    assert_true(ours.rlim_max == RLIM_INFINITY);
}

/* Not under a sanitizer, whose own memory cannot be counted. */
static int
takes_much_memory(void *context, struct text *answer)
{
    char *block = memory_allocate((size_t)64 * 1024 * 1024);

    (void)context;
    (void)answer;
    if (block == NULL)
        return -1;
    memset(block, 1, (size_t)64 * 1024 * 1024);
    memory_free(block);
    return 0;
}

TEST(the_child_s_memory_has_a_limit)
{
    struct child_limits limits = usual;
    struct text answer = {0};
    struct error error;

    limits.memory_bytes = (size_t)16 * 1024 * 1024;
#if !defined(__SANITIZE_ADDRESS__)
    if (!is_under_valgrind())
        assert_fails(takes_much_memory, &limits, ERROR_MEMORY, "out of memory");
#endif
    limits.memory_bytes = 0;
    error = run(takes_much_memory, &limits, &answer);
    assert_kind(&error, ERROR_NONE);
    text_free(&answer);
}

static int
signals_itself(void *context, struct text *answer)
{
    (void)context;
    raise(SIGTERM);
    raise(SIGINT);
    raise(SIGHUP);
    text_append_format(answer, "%d", stop_signal());
    return 0;
}

/* stop_watch() has been called: main() does. */
TEST(a_signal_to_the_child_stops_neither_of_the_two)
{
    struct text answer = {0};
    struct error error = run(signals_itself, &usual, &answer);
    long long start = stop_clock_ms();

    assert_kind(&error, ERROR_NONE);
    assert_string_equal(answer.bytes, "0");
    assert_int_equal(stop_signal(), 0);
    assert_int_equal(stop_sleep_ms(20), 0);
    assert_true(stop_clock_ms() - start >= 20);
    text_free(&answer);
}

static int
signals_its_parent(void *context, struct text *answer)
{
    (void)context;
    for (int i = 0; i < 20; i++) {
        kill(getppid(), SIGUSR1);
        stop_sleep_ms(5);
    }
    text_append(answer, "answer");
    return 0;
}

static void
do_nothing(int number)
{
    (void)number;
}

TEST(a_signal_to_the_parent_disturbs_nothing_and_is_not_blocked_afterwards)
{
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    struct text answer = {0};
    struct error error;
    sigset_t blocked;

    sigaction(SIGUSR1, &action, NULL);
    error = run(signals_its_parent, &usual, &answer);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(answer.bytes, "answer");
    text_free(&answer);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGUSR1));
    assert_false(sigismember(&blocked, SIGTERM));
}

TEST(what_stdio_holds_is_written_once)
{
    char path[64];
    struct text answer = {0};
    FILE *file;

    if (is_under_valgrind())
        skip();
    snprintf(path, sizeof(path), "%s", file_with("", 0));
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("once", file);
    run(answers_nothing, &usual, &answer);
    fclose(file);
    file = fopen(path, "r");
    assert_int_equal(fread((char[16]){0}, 1, 16, file), 4);
    fclose(file);
    text_free(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_answer_arrives),
        cmocka_unit_test(an_empty_answer_is_one),
        cmocka_unit_test(an_answer_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(a_child_that_sleeps_is_ended_when_its_time_is_up),
        cmocka_unit_test(a_child_that_drips_gains_no_time_by_it),
        cmocka_unit_test(a_crash_of_the_child_is_an_error_and_not_ours),
        cmocka_unit_test(short_memory_in_the_child_is_short_memory),
        cmocka_unit_test(a_child_that_calculates_forever_is_ended),
        cmocka_unit_test(the_child_leaves_no_core_and_has_limits_that_are_not_ours),
        cmocka_unit_test(the_child_s_memory_has_a_limit),
        cmocka_unit_test(a_signal_to_the_child_stops_neither_of_the_two),
        cmocka_unit_test(a_signal_to_the_parent_disturbs_nothing_and_is_not_blocked_afterwards),
        cmocka_unit_test(what_stdio_holds_is_written_once),
    };

    if (stop_watch() != 0)
        return 1;
    return cmocka_run_group_tests_name("base/child", tests, NULL, NULL);
}
