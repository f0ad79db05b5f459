/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linux is meant: a fault ends a process although its signal is blocked, and
 * RLIMIT_DATA counts what malloc takes by mmap (from 4.7).
 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/stop.h"

/* The last byte that comes says how it went. No byte, and the child crashed.
 * It is not the exit status, to which valgrind and sanitizers add what they
 * think of the parent's memory at a child's end. */
enum { DONE = 1, NO_MEMORY = 2 };

/* A sanitizer's shadow memory is data, too, and without end. */
#if defined(__SANITIZE_ADDRESS__)
#define DATA_IS_COUNTED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DATA_IS_COUNTED false
#endif
#endif
#ifndef DATA_IS_COUNTED
#define DATA_IS_COUNTED true
#endif

static void
limit(int resource, rlim_t most)
{
    struct rlimit now;

    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = most;
    now.rlim_cur = now.rlim_max;
    setrlimit(resource, &now);
}

static int
write_all(int pipe_end, const char *bytes, size_t length)
{
    size_t written = 0;

    while (written < length) {
        ssize_t some = write(pipe_end, bytes + written, length - written);

        if (some < 0 && errno != EINTR)
            return -1;
        if (some > 0)
            written += (size_t)some;
    }
    return 0;
}

static void
be_the_child(child_work work, void *context, const struct child_limits *limits, int pipe_end)
{
    struct text answer = {0};
    char last = DONE;

    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)limits->seconds);
    if (DATA_IS_COUNTED && limits->memory_bytes > 0)
        limit(RLIMIT_DATA, limits->memory_bytes);
    if (work(context, &answer) != 0 || answer.failed) {
        text_free(&answer);
        last = NO_MEMORY;
    }
    if (write_all(pipe_end, answer.bytes, answer.length) == 0)
        write_all(pipe_end, &last, 1);
    text_free(&answer);
    _exit(0); /* and not exit: what stdio holds is the parent's to write */
}

/* -1 when it took too long, or more came than may. */
static int
collect(int pipe_end, const struct child_limits *limits, struct text *answer,
    const char **problem)
{
    long long end = stop_clock_ms() + limits->seconds * 1000LL;
    size_t most = answer->length + limits->answer_bytes + 1;
    char buffer[16384];
    ssize_t got = 1;

    while (got != 0 && *problem == NULL) {
        struct pollfd readable = {.fd = pipe_end, .events = POLLIN};
        long long left = end - stop_clock_ms();

        if (left <= 0) {
            *problem = "it takes too long";
            break;
        }
        if (poll(&readable, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0)
            continue; /* the time is up, or a signal came */
        got = read(pipe_end, buffer, sizeof(buffer));
        if (got > 0 && answer->length + (size_t)got > most)
            *problem = "it is too large";
        else if (got > 0)
            text_append_bytes(answer, buffer, (size_t)got);
        else if (got < 0 && errno != EINTR)
            *problem = strerror(errno);
    }
    memory_wipe(buffer, sizeof(buffer));
    return *problem == NULL ? 0 : -1;
}

/* The byte that says how it went is taken off. */
static int
judge(int status, const char *what, size_t before, struct text *answer, struct error *error)
{
    char last = 0;

    if (answer->failed)
        return error_no_memory(error);
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_INVALID,
            "%s could not be read: reading it was ended by signal %d", what,
            WTERMSIG(status));
    if (answer->length > before) {
        last = answer->bytes[--answer->length];
        answer->bytes[answer->length] = '\0';
    }
    if (last == NO_MEMORY)
        return error_no_memory(error);
    if (last != DONE)
        return error_set(error, ERROR_INVALID, "%s could not be read: reading it failed",
            what);
    return 0;
}

/* Reads to the end, or ends it. Either way it is waited for. */
static int
attend(pid_t child, int pipe_end, const struct child_limits *limits, const char *what,
    struct text *answer, struct error *error)
{
    size_t before = answer->length;
    const char *problem = NULL;
    int status = 0;
    pid_t waited;

    if (collect(pipe_end, limits, answer, &problem) != 0)
        kill(child, SIGKILL);
    do
        waited = waitpid(child, &status, 0);
    while (waited < 0 && errno == EINTR);
    if (problem != NULL)
        return error_set(error, ERROR_INVALID, "%s could not be read: %s", what, problem);
    if (waited < 0)
        return error_set(error, ERROR_INTERNAL, "a child process was lost: %s",
            strerror(errno));
    return judge(status, what, before, answer, error);
}

int
child_run(child_work work, void *context, const struct child_limits *limits, const char *what,
    struct text *answer, struct error *error)
{
    sigset_t all, before;
    int ends[2];
    int result;
    pid_t child;

    if (pipe(ends) != 0)
        return error_set(error, ERROR_INTERNAL, "no pipe can be made: %s", strerror(errno));
    for (size_t i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    /* They stay blocked in the child: the handlers of base/stop.h would write
     * to a pipe that is the parent's, too. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        be_the_child(work, context, limits, ends[1]);
    }
    result = child > 0 ? 0 : error_set(error, ERROR_INTERNAL,
        "no process can be made: %s", strerror(errno));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (result == 0)
        result = attend(child, ends[0], limits, what, answer, error);
    close(ends[0]);
    return result;
}
