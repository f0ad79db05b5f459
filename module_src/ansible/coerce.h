/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One JSON value to one C value, as AnsibleModule converts it. */
#ifndef REGISTRAR_ANSIBLE_COERCE_H
#define REGISTRAR_ANSIBLE_COERCE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* "str", "int", "float", "bool", "list", "dict": Python's name of its type. */
const char *coerce_type_name(const json_t *value);

/* Each returns 0, or -1 when the value is not of the type and cannot be made
 * one; then reason says why, in Ansible's words, without the value. */

int coerce_boolean(const json_t *value, bool *boolean, const char **reason);
int coerce_integer(const json_t *value, long *integer, const char **reason);

/* string is for memory_free; NULL with 0 never happens. -2: no memory. */
int coerce_string(const json_t *value, char **string, const char **reason);

/*
 * list becomes an array, for json_decref: text split at its commas, and anything
 * else that is no list and no dictionary as its one element. -2: no memory.
 */
int coerce_list(const json_t *value, json_t **list, const char **reason);

/*
 * dictionary becomes an object, for json_decref: also from text that is JSON or
 * "key=value, other=value". (What is only Python's way of writing one is not
 * taken.) -2: no memory.
 */
int coerce_dictionary(const json_t *value, json_t **dictionary, const char **reason);

/* A path with a leading ~ and $VARIABLES expanded, as os.path does it; for
 * memory_free. NULL: no memory. */
char *coerce_path(const char *path);

#endif
