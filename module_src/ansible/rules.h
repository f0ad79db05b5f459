/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which parameters may be given together: known ones, the required ones, and
 * what the rules of a schema say; in Ansible's wording.
 */
#ifndef REGISTRAR_ANSIBLE_RULES_H
#define REGISTRAR_ANSIBLE_RULES_H

#include "ansible/options.h"

/* What stands behind a message about a dictionary: " found in users". */
#define CONTEXT_ARGUMENTS(schema)                                                          \
    (schema)->context[0] != '\0' ? " found in " : "", (schema)->context

/* The row that is called so, by its name or an alias; NULL: none. */
const struct option *rules_find(const struct option_schema *schema, const char *name);

/*
 * The value given for an option, under its name or an alias; NULL when there
 * is none. null counts as none, and so does "" where no text is asked for:
 * that is what an undefined variable becomes in a template. *alias, where
 * alias is not NULL, becomes the alias that was given beside the name.
 */
const json_t *rules_given(const struct option *option, const json_t *parameters,
    const char **alias);

/* Each returns 0, or -1 with an error of the kind invalid, or memory. */

int rules_check_known(const struct option_schema *schema, const json_t *parameters,
    struct error *error);
int rules_check_required(const struct option_schema *schema, const json_t *parameters,
    struct error *error);
int rules_check(const struct option_schema *schema, const struct option_rule *rule,
    const json_t *parameters, struct error *error);

#endif
