/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML and TOML to JSON, in this process: what the child of base/config.c does. Only
 * that, and the fuzzer, calls it: libyaml does not zero what it frees, and what is
 * nested by a hundred thousand dots in a key ends the process.
 */
#ifndef REGISTRAR_BASE_CONFIG_PARSE_H
#define REGISTRAR_BASE_CONFIG_PARSE_H

#include <stddef.h>

#include "base/config_tree.h"
#include "base/text.h"

/*
 * Appends an object. Either "root", a value as config_tree_write() has it, and
 * "values", how many there are; or "problem", and "line" (0: not known), and
 * perhaps "context", what the problem is part of. -1: memory is short.
 */
int config_parse_yaml(const char *bytes, size_t length, struct text *json);
int config_parse_toml(const char *bytes, size_t length, struct text *json);

/* How both end: appends the object for root, or for tree's problem with NULL; nothing
 * when memory was short. */
void config_parse_write(struct config_tree *tree, const struct config_node *root,
    struct text *json);

#endif
