/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Child processes in namespaces of their own (Linux), for what a test may not
 * do to the machine. */
#ifndef REGISTRAR_TESTS_ROOM_H
#define REGISTRAR_TESTS_ROOM_H

#include <sys/types.h>

/* Done in the room: NULL when all is well, else what is not. It asserts nothing
 * itself, as it is not the test's process. */
typedef const char *(*room_deed)(void);

/*
 * Does it in a child that has these namespaces (CLONE_NEWNET ...; 0: none) and
 * is root in there; a new network has its loopback up, and a new mount
 * namespace an empty /run. Fails the test with what the deed says, and skips
 * it where such namespaces are not to be had.
 */
void room_do(int namespaces, room_deed deed);

/* For a deed: what is not well unless the condition holds. */
#define ROOM_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition))                                                                  \
            return "not so: " #condition;                                                  \
    } while (0)

/*
 * A process with a network of its own, in which it answers "inside" to any
 * request on that port of 127.0.0.1, until it is ended. Skips the test unless
 * that can be and we may go there. Not for a deed, which cannot skip.
 */
pid_t room_neighbour(unsigned port);
void room_neighbour_end(pid_t neighbour);

/* Gives the loopback of a room one more IPv4 address. -1: it cannot be. */
int room_add_address(const char *address);

/* A TCP socket that listens on an address of this network, port 0: on a free
 * one. -1: it cannot be. */
int room_listen(const char *address, unsigned port);
unsigned room_port(int listener);

/* How many descriptors are open. */
unsigned room_descriptors(void);

#endif
