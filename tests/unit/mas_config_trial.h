/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's configuration as files of a test's own, and what is found in it. */
#ifndef REGISTRAR_TESTS_MAS_CONFIG_TRIAL_H
#define REGISTRAR_TESTS_MAS_CONFIG_TRIAL_H

#include <stdbool.h>

#include "backends/found.h"
#include "base/error.h"

/* Stands in every secret of these tests: in no error's text. */
#define SECRET "S3cr3t"

/* The least that a configuration has. */
#define MATRIX "matrix: {homeserver: example.org, secret: " SECRET "}\n"

/* What the last trial found. */
extern struct found mas_found;

/* For cmocka, beside place_make. */
int mas_remove(void **state);

/*
 * Reads config.yaml of the place. Returns what the read did; 1: it is absent. No error
 * has SECRET in it, or the test fails.
 */
int mas_read_here(struct error *error);

/* The same inside the container "mas", of which the destination is the place or, as
 * "/config.yaml", the file. */
int mas_read_inside(const char *destination, struct error *error);

/* Writes the file, which has to be good; inside of the container it is in /data. */
const struct found_mas *mas_well(const char *yaml);
const struct found_mas *mas_well_inside(const char *yaml);

/* Fails the test unless it is refused, of kind invalid, with these words, which
 * config.yaml and this line stand in front of. */
void mas_refused(const char *yaml, unsigned line, const char *words);

/* Either may be NULL. */
void mas_assert_text(const char *expected, const char *text);

#endif
