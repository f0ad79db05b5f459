/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_trial.h"

#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct config *
config_trial_read(const char *bytes, size_t length, struct error *error)
{
    int file = open(file_with(bytes, length), O_RDONLY);
    struct config *config;

    assert_true(file >= 0);
    config = config_read(file, "the.yaml", error);
    assert_int_equal(close(file), 0);
    return config;
}

struct config *
config_trial_string(const char *yaml)
{
    struct error error = {0};
    struct config *config = config_trial_read(yaml, strlen(yaml), &error);

    if (config == NULL)
        fail_msg("%s", error.text);
    return config;
}
