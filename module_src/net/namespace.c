/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setns is Linux'. */
#define _GNU_SOURCE
#include "net/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int
is_our_own(int descriptor, int *same)
{
    struct stat ours, theirs;

    if (stat("/proc/self/ns/net", &ours) != 0 || fstat(descriptor, &theirs) != 0)
        return -1;
    *same = ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
    return 0;
}

int
namespace_open(long pid, int *descriptor, int *same, struct error *error)
{
    char path[64];
    int opened;

    snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
    opened = open(path, O_RDONLY | O_CLOEXEC);
    if (opened < 0 && (errno == EACCES || errno == EPERM))
        return error_set(error, ERROR_FORBIDDEN,
            "the network namespace of process %ld cannot be entered: that takes root", pid);
    if (opened < 0 || is_our_own(opened, same) != 0) {
        error_set(error, ERROR_UNREACHABLE,
            "the network namespace of process %ld cannot be opened: %s", pid,
            strerror(errno));
        if (opened >= 0)
            close(opened);
        return -1;
    }
    *descriptor = opened;
    return 0;
}

struct order {
    int descriptor;
    int domain, type, protocol;
    int socket;
    int error;
};

static void *
carry_out(void *context)
{
    struct order *order = context;

    if (setns(order->descriptor, CLONE_NEWNET) == 0)
        order->socket =
            socket(order->domain, order->type | SOCK_CLOEXEC, order->protocol);
    order->error = errno;
    return NULL;
}

int
namespace_socket(int descriptor, int domain, int type, int protocol)
{
    struct order order = {descriptor, domain, type, protocol, -1, 0};
    sigset_t all, before;
    pthread_t thread;
    int failed;

    if (descriptor < 0)
        return socket(domain, type | SOCK_CLOEXEC, protocol);
    /* A signal to stop is for the threads that stay. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, NULL, carry_out, &order);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        errno = failed;
        return -1;
    }
    pthread_join(thread, NULL);
    errno = order.error;
    return order.socket;
}
