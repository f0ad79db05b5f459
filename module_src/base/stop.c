/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}};

static volatile sig_atomic_t caught;
static int pipe_ends[2] = {-1, -1};

static void
remember(int number)
{
    int saved = errno;

    caught = number;
    /* A full pipe wakes as well as one byte does. Nobody reads it empty:
     * it stays readable for every worker. */
    if (write(pipe_ends[1], "", 1) < 0)
        errno = saved;
    errno = saved;
}

int
stop_watch(void)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    if (pipe_ends[0] < 0 && pipe(pipe_ends) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++)
        if (fcntl(pipe_ends[i], F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(pipe_ends[i], F_SETFL, O_NONBLOCK) != 0)
            return -1;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (sigaction(signals[i].number, &action, NULL) != 0)
            return -1;
#ifdef SIGXFSZ
    /* A file that may not grow is an error of write() like any other. */
    if (sigaction(SIGXFSZ, &ignore, NULL) != 0)
        return -1;
#endif
    return sigaction(SIGPIPE, &ignore, NULL);
}

int
stop_signal(void)
{
    return caught;
}

const char *
stop_signal_name(int signal)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (signals[i].number == signal)
            return signals[i].name;
    return "a signal";
}

long long
stop_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
stop_sleep_ms(long long duration_ms)
{
    long long end = stop_clock_ms() + duration_ms;

    while (!caught) {
        struct pollfd wake = {.fd = pipe_ends[0], .events = POLLIN};
        long long left = end - stop_clock_ms();

        if (left <= 0)
            return 0;
        poll(&wake, 1, left > INT_MAX ? INT_MAX : (int)left);
    }
    return -1;
}
