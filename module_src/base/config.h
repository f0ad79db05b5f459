/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration file of a server: in YAML, as PyYAML's safe_load takes it
 * (YAML 1.1, so that `on` is true and 0600 is 384), because that is what
 * Synapse reads its own by; or in TOML 1.0. What it means is not known here.
 *
 * Such a file holds secrets, and may come from somebody who means harm.
 * libyaml, which parses it, has no hooks for its allocations, and toml++ nests as
 * deeply as keys have dots, so that they work in a child process, whose memory goes
 * with it, and whose crash is only an error here. All that arrives here is in
 * memory that is zeroed when freed (given that jansson uses base/memory.h, as
 * main.c makes it). No error names a value.
 *
 * Refused, although it is YAML or TOML: more than 1 MiB, a depth of more than
 * 64, more than 20,000 values (those of an alias count each time), a value
 * that has itself in it, a text with a NUL, the tags !!binary, !!omap, !!pairs
 * and !!set, and what has the tag of a number and is none without it, as !!int _7.
 */
#ifndef REGISTRAR_BASE_CONFIG_H
#define REGISTRAR_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define CONFIG_BYTES_LIMIT ((size_t)1024 * 1024)
#define CONFIG_DEPTH_LIMIT 64
#define CONFIG_VALUES_LIMIT 20000

/* A file that was read. The functions are not called yaml_ something: libyaml
 * exports names of its own there, of which yaml_free is one. */
struct config;

/* One value in it, which lives as long as the file. */
struct config_value;

enum config_kind {
    CONFIG_NULL,
    CONFIG_BOOLEAN,
    CONFIG_INTEGER,
    CONFIG_REAL,
    CONFIG_TEXT,
    CONFIG_OTHER, /* a point in time, which no setting is: nothing more is known */
    CONFIG_SEQUENCE,
    CONFIG_MAPPING,
    CONFIG_KINDS /* how many there are; not a kind */
};

/*
 * Reads the file of YAML, or of TOML, that is open as `file`, from its start, wherever it stands;
 * it stays open. `path` is what errors call it. The caller frees what is
 * returned.
 *
 * NULL: `invalid` when it is no regular file, is not of that syntax ("PATH, line 12: what
 * is wrong"), is refused by the limits above or could not be parsed within ten
 * seconds; `memory`; `internal` when no child process can be made.
 */
struct config *config_read(int file, const char *path, struct error *error);
struct config *config_read_toml(int file, const char *path, struct error *error);

/* Zeroes and frees. NULL is allowed. */
void config_free(struct config *config);

/* The outermost value: a mapping in any file that configures something, a null
 * in an empty one. Never NULL. */
const struct config_value *config_root(const struct config *config);

/* CONFIG_NULL for NULL, as for a null. */
enum config_kind config_kind(const struct config_value *value);

/* The line it begins on, from 1. An alias' value stands where its anchor is. */
size_t config_line(const struct config_value *value);

/* How many values a sequence or a mapping has; 0 for anything else and NULL. */
size_t config_count(const struct config_value *container);

/* The value at that place in a sequence or a mapping; index < its count. */
const struct config_value *config_item(const struct config_value *container, size_t index);

/* The key at that place in a mapping: no sequence and no mapping, but not
 * always a text. */
const struct config_value *config_key(const struct config_value *mapping, size_t index);

/*
 * The value of the key that is this text; of two, PyYAML takes the last. NULL
 * when there is none, or when it is no mapping that is looked into, or NULL.
 */
const struct config_value *config_get(const struct config_value *mapping, const char *key);

/*
 * The value as what it has to be. 0 also when it is NULL or null, which is how
 * a setting is not given: *result stays as it was. -1: `invalid`, and what
 * `name` is called was something else: "PATH, line 12: NAME is not a text in
 * YAML; put it into quotes". The text is borrowed, UTF-8 and without a NUL.
 */
int config_text(const struct config_value *value, const char *name, const char **result,
    struct error *error);
int config_boolean(const struct config_value *value, const char *name, bool *result,
    struct error *error);
/* Also `invalid` when it is larger than a long long. */
int config_integer(const struct config_value *value, const char *name, long long *result,
    struct error *error);
/* Takes an integer as well; also `invalid` when it is not finite. */
int config_real(const struct config_value *value, const char *name, double *result,
    struct error *error);

/* Records that a value is wrong: "PATH, line 12: ", and what the format says.
 * That may not quote the value. Returns -1; value is not NULL. */
int config_wrong(const struct config_value *value, struct error *error, const char *format,
    ...) PRINTF_LIKE(3, 4);

#endif
