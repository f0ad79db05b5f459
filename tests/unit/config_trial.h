/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration files of a few bytes, for the tests of base/config.h. */
#ifndef REGISTRAR_TESTS_CONFIG_TRIAL_H
#define REGISTRAR_TESTS_CONFIG_TRIAL_H

#include <stddef.h>

#include "base/config.h"
#include "base/error.h"

/* Reads a file of these bytes, which errors call "the.yaml". As config_read(). */
struct config *config_trial_read(const char *bytes, size_t length, struct error *error);

/* The same with a string; fails the test when it is refused. */
struct config *config_trial_string(const char *yaml);

#endif
