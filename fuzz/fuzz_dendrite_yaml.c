/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/dendrite/dendrite_yaml.h: whatever is in the file, what is found can
 * be used, or says file and line. The uri of the database is for libpq. YAML
 * itself is for fuzz_config.c.
 */
#include "config_folder.h"

#include "backends/dendrite/dendrite_yaml.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    write_file(bytes, length);
    read_inside(&dendrite_yaml_source);
    return 0;
}
