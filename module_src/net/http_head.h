/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of a reply, of which a few are read. */
#ifndef REGISTRAR_NET_HTTP_HEAD_H
#define REGISTRAR_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "net/http.h"

/* Starts as all zeroes. */
struct http_head {
    size_t bytes;   /* of all lines so far */
    char *location; /* the first Location header, for memory_free; or NULL */
};

/* Takes one line as libcurl hands it out, and fills what it says into reply. False:
 * the lines together are longer than any server's. */
bool http_head_take(struct http_head *head, struct http_reply *reply, const char *line,
    size_t length);

#endif
