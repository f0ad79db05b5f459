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

static void *
stop_soon(void *context)
{
    const struct timespec moment = {.tv_nsec = 100 * 1000000};

    (void)context;
    nanosleep(&moment, NULL);
    kill(getpid(), SIGTERM);
    return NULL;
}

/* give(), with a signal 100 ms later. */
static int
give_and_stop(void)
{
    pthread_t thread;
    int result;

    if (stop_watch() != 0 || pthread_create(&thread, NULL, stop_soon, NULL) != 0)
        return -2;
    result = give();
    pthread_join(thread, NULL);
    return result;
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

static const char *
it_is_finished(void)
{
    ROOM_CHECK(give_and_stop() == 0);
    ROOM_CHECK(stop_signal() == SIGTERM);
    ROOM_CHECK(admin_told.reply.text.length == 5);
    ROOM_CHECK(admin_told.warnings.count == 0);
    return NULL;
}

/* Looks are 20, 60, 140 and 300 ms after it was sent. */
TEST(a_command_under_way_is_finished)
{
    static const struct recorded_reply replies[] = {SENT,
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, PAGE(OURS("!admin"))},
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, PAGE(OURS("!admin"))},
        {"GET " MESSAGES, 200 + RECORDED_ONCE, NULL, PAGE(OURS("!admin"))}, ANSWERED,
        TAKEN_AWAY, {0}};

    admin_say(replies);
    room_do(0, it_is_finished);
    assert_int_equal(admin_count_of("/redact/", admin_asked()), 2);
}

static const char *
it_is_given_up(void)
{
    long long begin_ms = stop_clock_ms();

    ROOM_CHECK(give_and_stop() == -1);
    ROOM_CHECK(admin_told.error.kind == ERROR_INTERRUPTED);
    ROOM_CHECK(error_hides_outcome(&admin_told.error));
    ROOM_CHECK(admin_told.warnings.count == 1);
    ROOM_CHECK(stop_clock_ms() - begin_ms < 8000);
    return NULL;
}

TEST(a_command_under_way_that_is_not_answered_is_given_up_soon_and_taken_away)
{
    static const struct recorded_reply replies[] = {SENT, SILENT, TAKEN_AWAY, {0}};

    admin_say(replies);
    room_do(0, it_is_given_up);
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
