/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A secret that is looked for in all memory that this process may write to, freed
 * blocks too, as a debugger would. Linux is meant (/proc). Under the address sanitizer
 * it is of no use: memory without end is mapped there, and freed blocks are kept.
 */
#ifndef REGISTRAR_TESTS_NEEDLE_H
#define REGISTRAR_TESTS_NEEDLE_H

#include <stdbool.h>
#include <stddef.h>

#define NEEDLE_LENGTH 40

/* It is made when the test runs: written down it would be found here. */
void needle_make(char needle[NEEDLE_LENGTH]);

bool needle_is(const char *bytes);

/* How often it is there. */
size_t needle_count(void);

#endif
