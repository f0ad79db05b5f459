/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a socket is reached that a server on this machine has bound. */
#ifndef REGISTRAR_BACKENDS_BOUND_H
#define REGISTRAR_BACKENDS_BOUND_H

#include "net/route.h"

/*
 * Takes the address that leads to one that is bound ("" and "0.0.0.0" are
 * everywhere), if it is better than the one there is, "" for none: any that is this
 * machine's, since credentials will go there, and IPv4 before IPv6, without which
 * a server may run though its configuration names it.
 */
void bound_consider(char address[ROUTE_ADDRESS_SIZE], const char *bound);

#endif
