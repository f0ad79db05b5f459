/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder of the test's own, for files that must stand in a safe one. */
#ifndef REGISTRAR_TESTS_PRIVATE_PLACE_H
#define REGISTRAR_TESTS_PRIVATE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

/* For cmocka: makes it, mode 0700, and removes it with all that is in it. */
int place_make(void **state);
int place_remove(void **state);

/* The path of what is called name in it; for a while, as there are a few
 * buffers. "" is the folder itself. */
const char *place_path(const char *name);

/* Writes a file with this mode, whatever the umask is. */
void place_write(const char *name, const char *text, mode_t mode);

/* The text of a file, until the next call. Fails the test when there is none. */
const char *place_read(const char *name);

bool place_has(const char *name);

/* The permission bits. */
mode_t place_mode(const char *name);

#endif
