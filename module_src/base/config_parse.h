/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML to JSON, in this process: what the child of base/config.c does. Only
 * that, and the fuzzer, calls it: libyaml does not zero what it frees.
 */
#ifndef REGISTRAR_BASE_CONFIG_PARSE_H
#define REGISTRAR_BASE_CONFIG_PARSE_H

#include <stddef.h>

#include "base/text.h"

/*
 * Appends an object. Either "root", a value as config_tree_write() has it, and
 * "values", how many there are; or "problem", and "line" (0: not known), and
 * perhaps "context", what the problem is part of. -1: memory is short.
 */
int config_parse_yaml(const char *bytes, size_t length, struct text *json);

#endif
