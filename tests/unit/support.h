/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the unit tests share: cmocka, and failing one allocation after the other. */
#ifndef REGISTRAR_TESTS_SUPPORT_H
#define REGISTRAR_TESTS_SUPPORT_H

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Gives jansson the program's allocator, as main.c does. First in main(). */
void use_program_memory(void);

/* A secret over a literal's bytes; never freed, never written to. */
struct secret secret_over(const char *bytes);

/* Fails the test unless this kind of error was recorded. */
void assert_kind(const struct error *error, enum error_kind kind);

/* Fails the test unless text has part in it; refuses is the opposite. */
void assert_in(const char *part, const char *text);
void assert_not_in(const char *part, const char *text);

/*
 * Runs action again and again, each time with the next of its allocations
 * failing, until none is left to fail. Every run has to end as the run with
 * enough memory does, or with an error of the kind `memory`; anything else
 * fails the test, and under the leak sanitizer so does a leak. The action
 * frees what it made and returns what the function under test returned.
 */
typedef int (*fallible)(void *context, struct error *error);
void fail_each_allocation(fallible action, void *context);

/* Writes length bytes to a new file in a folder that is removed at the end of
 * the program; the path lives as long. */
const char *file_with(const char *bytes, size_t length);

#endif
