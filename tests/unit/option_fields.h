/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schemas of the argument files, with every type of option in them, and
 * JSON for what is parsed and what was parsed with any schema. */
#ifndef REGISTRAR_TESTS_OPTION_FIELDS_H
#define REGISTRAR_TESTS_OPTION_FIELDS_H

#include <jansson.h>

#include "ansible/options.h"

extern const struct option_schema option_fields_schema;

/* Of an element of that one's "items". */
extern const struct option_schema option_fields_element_schema;

/* What was parsed for one option into the struct; null: nothing. */
json_t *option_fields_to_json(const struct option *option, const void *into);

/* Reads JSON whose quotes are written as apostrophes; what is none fails the test. */
json_t *option_fields_load(const char *text);

#endif
