/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a small file as a whole. */
#ifndef REGISTRAR_BASE_FILE_H
#define REGISTRAR_BASE_FILE_H

#include <stddef.h>

/*
 * Reads a regular file that is open from its start, up to size bytes, or fewer
 * where it ends before; *length is how many. -1: errno says why.
 */
int file_read(int opened, char *buffer, size_t size, size_t *length);

#endif
