/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/admin_room.h and a signal to stop, which cannot be undone: each test is a child
 * of its own. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "admin_trial.h"
#include "base/stop.h"
#include "room.h"

/* The room is open; the child's work begins there. */
static struct admin_room *room;
static struct admin_command command;

static int
open_room(void **state)
{
    (void)state;
    room = admin_opened(&admin_of_continuwuity);
    command = admin_secret_command();
    return 0;
}

static int
close_room(void **state)
{
    (void)state;
    admin_room_free(room);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_setup_teardown(name, open_room, close_room)

static int
give(void)
{
    return admin_room_command(room, &command, &admin_told.reply, &admin_told.warnings,
        &admin_told.error);
}

/* Through which the child says to its parent which process it is. */
static int pipe_ends[2];

/* What the server says from when the child was stopped. */
static const struct recorded_reply *afterwards;

/* In the parent: stops the child after it was told twice that there is no answer yet. */
static void *
stop_child(void *context)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000000};
    const unsigned *before = context;
    pid_t child;

    if (read(pipe_ends[0], &child, sizeof(child)) != sizeof(child))
        return NULL;
    for (unsigned i = 0;
         i < 1000 && recorded_server_requests(admin_trial.server) - *before < 3; i++)
        nanosleep(&moment, NULL);
    kill(child, SIGTERM);
    for (unsigned i = 0; i < 5; i++)
        nanosleep(&moment, NULL);
    recorded_server_say(admin_trial.server, afterwards);
    return NULL;
}

static void
do_and_stop(room_deed deed, const struct recorded_reply *replies)
{
    unsigned before = recorded_server_requests(admin_trial.server);
    pthread_t thread;

    admin_say(replies);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, stop_child, &before), 0);
    room_do(0, deed);
    pthread_join(thread, NULL);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static const char *
nothing_is_sent(void)
{
    ROOM_CHECK(stop_watch() == 0);
    ROOM_CHECK(raise(SIGTERM) == 0);
    ROOM_CHECK(give() == -1);
    ROOM_CHECK(admin_told.error.kind == ERROR_INTERRUPTED);
    ROOM_CHECK(!error_hides_outcome(&admin_told.error));
    return NULL;
}

TEST(after_a_signal_no_command_is_sent)
{
    static const struct recorded_reply replies[] = {SENT, ANSWERED, {0}};

    admin_say(replies);
    room_do(0, nothing_is_sent);
    assert_string_equal(admin_asked(), "");
}

/* In the child. */
static bool
expect_a_signal(void)
{
    pid_t child = getpid();

    return stop_watch() == 0 && write(pipe_ends[1], &child, sizeof(child)) == sizeof(child);
}

static const char *
it_is_finished(void)
{
    ROOM_CHECK(expect_a_signal());
    ROOM_CHECK(give() == 0);
    ROOM_CHECK(stop_signal() == SIGTERM);
    ROOM_CHECK(admin_told.reply.text.length == 5);
    ROOM_CHECK(admin_told.warnings.count == 0);
    return NULL;
}

TEST(a_command_under_way_is_finished)
{
    static const struct recorded_reply replies[] = {SENT, SILENT, {0}};
    static const struct recorded_reply answered[] = {ANSWERED, TAKEN_AWAY, {0}};

    afterwards = answered;
    do_and_stop(it_is_finished, replies);
    assert_int_equal(admin_count_of("/redact/", admin_asked()), 2);
}

static const char *
it_is_given_up(void)
{
    long long begin_ms = stop_clock_ms();

    ROOM_CHECK(expect_a_signal());
    ROOM_CHECK(give() == -1);
    ROOM_CHECK(admin_told.error.kind == ERROR_INTERRUPTED);
    ROOM_CHECK(error_hides_outcome(&admin_told.error));
    ROOM_CHECK(admin_told.warnings.count == 1);
    ROOM_CHECK(stop_clock_ms() - begin_ms < admin_trial.options.timeout_ms);
    return NULL;
}

TEST(a_command_under_way_that_is_not_answered_is_given_up_soon_and_taken_away)
{
    static const struct recorded_reply replies[] = {SENT, SILENT, TAKEN_AWAY, {0}};

    afterwards = replies;
    do_and_stop(it_is_given_up, replies);
    assert_int_equal(admin_count_of("/redact/%24E", admin_asked()), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(after_a_signal_no_command_is_sent),
        TRIAL(a_command_under_way_is_finished),
        TRIAL(a_command_under_way_that_is_not_answered_is_given_up_soon_and_taken_away),
    };

    return cmocka_run_group_tests_name("admin stop", tests, admin_start, admin_stop);
}
