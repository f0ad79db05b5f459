/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs a command and writes what it took to RESULT, as one line of numbers:
 * microseconds of wall time, microseconds of processor time, peak memory in
 * KiB, exit status. Its children's too, where it waited for them.
 *
 * A program of its own because the peak memory of a child starts at that of
 * the process which started it: a Python's would hide ours.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long long time_us(const struct timeval *t)
{
    return (long long)t->tv_sec * 1000000 + t->tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure RESULT COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    FILE *result = fopen(argv[1], "we");
    if (result == NULL) {
        perror(argv[1]);
        return 2;
    }

    long long began = now_us();
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 2;
    }
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }

    int status;
    struct rusage used;
    if (wait4(child, &status, 0, &used) != child) {
        perror("wait4");
        return 2;
    }
    long long wall = now_us() - began;
    fprintf(result, "%lld %lld %ld %d\n", wall, time_us(&used.ru_utime) + time_us(&used.ru_stime),
            used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
    return fclose(result) == 0 ? 0 : 2;
}
