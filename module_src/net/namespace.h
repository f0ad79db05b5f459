/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets in another network namespace (Linux: namespaces(7), setns(2)). */
#ifndef REGISTRAR_NET_NAMESPACE_H
#define REGISTRAR_NET_NAMESPACE_H

#include "base/error.h"

/*
 * Opens the network namespace that the process pid lives in; a descriptor to
 * close. *same says that it is our own. Errors: unreachable (no such process
 * any more), forbidden (that takes root).
 */
int namespace_open(long pid, int *descriptor, int *same, struct error *error);

/*
 * socket(2) inside the namespace, or where we are with a descriptor of -1;
 * close-on-exec. No thread of the program moves there: one that lives for this
 * call alone does. -1 with errno set.
 */
int namespace_socket(int descriptor, int domain, int type, int protocol);

#endif
