/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Synapse's configuration as files of a test's own, and what is found in it. */
#ifndef REGISTRAR_TESTS_FOUND_TRIAL_H
#define REGISTRAR_TESTS_FOUND_TRIAL_H

#include "backends/found.h"
#include "base/error.h"

/* Stands in every secret of these tests: in no error's text. */
#define SECRET "S3cr3t"

/* What the least of configurations has besides; each is a line. */
#define NAME "server_name: example.org\n"
#define LISTENERS                                                                          \
    "listeners: [{port: 8008, type: http, bind_addresses: ['127.0.0.1'],"                  \
    " resources: [{names: [client]}]}]\n"

/* What the last trial found. */
extern struct found found;

/* For cmocka: a place of its own for each test, with a folder conf.d. */
int found_make(void **state);
int found_remove(void **state);

/*
 * Writes homeserver.yaml and reads it, with what is in conf.d. Returns what the
 * read did; 1: the file is absent. No error, and no text that was found but the
 * secret itself, has SECRET in it, or the test fails.
 */
int found_try(const char *yaml, struct error *error);

/* The same, and the files are inside the container "synapse", whose /data is the
 * place. */
int found_try_inside(const char *yaml, struct error *error);

/* Reads what is there already. */
int found_read(struct error *error);

/* Fails the test unless the configuration is good. */
void found_well(const char *yaml);

/* Fails the test unless it is refused, of kind invalid, with these words, which
 * homeserver.yaml and this line (0: none) stand in front of. */
void found_refused(const char *yaml, unsigned line, const char *words);

/* A configuration as above with more lines in front. */
const char *found_with(const char *lines);

#endif
