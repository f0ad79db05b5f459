/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unshare and what it takes are Linux'. */
#define _GNU_SOURCE
#include "room.h"

#include "support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorded_server.h"

#define NOT_PERMITTED "-"

static int
configure(unsigned long request, const struct ifreq *what)
{
    int opened = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = ioctl(opened, request, what);

    close(opened);
    return result;
}

static int
raise_loopback(void)
{
    const struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

    return configure(SIOCSIFFLAGS, &loopback);
}

int
room_add_address(const char *address)
{
    static unsigned number;
    struct ifreq alias = {.ifr_name = ""};
    struct sockaddr_in name = {.sin_family = AF_INET};

    snprintf(alias.ifr_name, sizeof(alias.ifr_name), "lo:%u", ++number);
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
        return -1;
    memcpy(&alias.ifr_addr, &name, sizeof(name));
    return configure(SIOCSIFADDR, &alias);
}

/* Root of a user namespace is who we are outside. */
static int
become_root(uid_t user, gid_t group)
{
    static const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map",
        "/proc/self/gid_map"};
    char texts[3][40] = {"deny"};
    int result = 0;

    snprintf(texts[1], sizeof(texts[1]), "0 %u 1", (unsigned)user);
    snprintf(texts[2], sizeof(texts[2]), "0 %u 1", (unsigned)group);
    for (size_t i = 0; i < COUNT(files); i++) {
        int file = open(files[i], O_WRONLY | O_CLOEXEC);

        if (write(file, texts[i], strlen(texts[i])) < 0)
            result = -1;
        close(file);
    }
    return result;
}

static int
enter(int namespaces)
{
    uid_t user = geteuid();
    gid_t group = getegid();

    if (namespaces == 0)
        return 0;
    if (unshare(namespaces | (user == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
        (user != 0 && become_root(user, group) != 0))
        return -1;
    if ((namespaces & CLONE_NEWNET) != 0 && raise_loopback() != 0)
        return -1;
    if ((namespaces & CLONE_NEWNS) != 0 &&
        (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", "/run", "tmpfs", 0, NULL) != 0))
        return -1;
    return 0;
}

void
room_do(int namespaces, room_deed deed)
{
    char verdict[500] = "";
    ssize_t length = 0, got;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *trouble;

        close(ends[0]);
        trouble = enter(namespaces) != 0 ? NOT_PERMITTED : deed();
        if (trouble == NULL)
            trouble = "well";
        _exit(write(ends[1], trouble, strlen(trouble)) < 0);
    }
    close(ends[1]);
    while ((got = read(ends[0], verdict + length, sizeof(verdict) - 1 - (size_t)length)) > 0)
        length += got;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (strcmp(verdict, NOT_PERMITTED) == 0) {
        print_message("skipped: no namespaces are to be had here\n");
        skip();
    }
    if (strcmp(verdict, "well") != 0)
        fail_msg("%s (status %d)", verdict, status);
}

int
room_listen(const char *address, unsigned port)
{
    static const int yes = 1;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)};
    bool is_six = strchr(address, ':') != NULL;
    int opened = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound;

    inet_pton(AF_INET, address, &four.sin_addr);
    inet_pton(AF_INET6, address, &six.sin6_addr);
    setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    bound = is_six ? bind(opened, (struct sockaddr *)&six, sizeof(six))
                   : bind(opened, (struct sockaddr *)&four, sizeof(four));
    if (bound == 0 && listen(opened, 8) == 0)
        return opened;
    close(opened);
    return -1;
}

unsigned
room_port(int listener)
{
    struct sockaddr_in6 name = {0}; /* the port is at the same place in both */
    socklen_t length = sizeof(name);

    getsockname(listener, (struct sockaddr *)&name, &length);
    return ntohs(name.sin6_port);
}

/* The neighbour's own part: one byte when it is ready. */
static void
dwell(unsigned port, int ready)
{
    static const struct recorded_reply inside[] = {{"/", 200, NULL, "inside"}, {0}};
    int listener;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of the test */
    if (enter(CLONE_NEWNET) != 0 || (listener = room_listen("127.0.0.1", port)) < 0)
        _exit(1);
    recorded_server_start_on(listener, inside);
    if (write(ready, "r", 1) != 1)
        _exit(1);
    close(ready);
    for (;;)
        pause();
}

pid_t
room_neighbour(unsigned port)
{
    char byte;
    int ends[2];
    pid_t child;
    bool ready;

    if (geteuid() != 0) {
        print_message("skipped: only root may go into another's network\n");
        skip();
    }
    if (pipe(ends) != 0 || (child = fork()) < 0)
        return -1;
    if (child == 0) {
        close(ends[0]);
        dwell(port, ends[1]);
    }
    close(ends[1]);
    ready = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    if (ready)
        return child;
    room_neighbour_end(child);
    print_message("skipped: no network namespace is to be had here\n");
    skip();
    return -1;
}

void
room_neighbour_end(pid_t neighbour)
{
    kill(neighbour, SIGKILL);
    waitpid(neighbour, NULL, 0);
}

unsigned
room_descriptors(void)
{
    DIR *opened = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(opened);
    while (readdir(opened) != NULL)
        count++;
    closedir(opened);
    return count;
}
