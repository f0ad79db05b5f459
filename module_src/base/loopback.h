/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which names and addresses are always this machine's own. */
#ifndef REGISTRAR_BASE_LOOPBACK_H
#define REGISTRAR_BASE_LOOPBACK_H

#include <stdbool.h>

/* True for "localhost" (RFC 6761, 6.3), 127/8 (RFC 1122, 3.2.1.3) and ::1 (RFC 4291,
 * 2.5.3), without brackets. */
bool loopback_is(const char *host);

#endif
