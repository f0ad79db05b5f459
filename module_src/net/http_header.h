/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of an answer's headers, which are anybody's bytes. */
#ifndef REGISTRAR_NET_HTTP_HEADER_H
#define REGISTRAR_NET_HTTP_HEADER_H

#include <stddef.h>

/* The value of a line of length bytes when it has this name, stripped, for
 * memory_free; else, or without memory, NULL. */
char *http_header_value(const char *line, size_t length, const char *name);

/* Copies what is printable ASCII of a value, as much as fits into size bytes. */
void http_header_show(char *buffer, size_t size, const char *value);

#endif
