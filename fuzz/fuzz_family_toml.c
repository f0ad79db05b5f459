/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/family_toml.h: whatever is in the file, what is found can be used,
 * or says file and line. TOML itself is for fuzz_config_toml.c.
 */
#include "config_folder.h"

#include "backends/homeserver/family_toml.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    write_file(bytes, length);
    read_inside(&family_toml_tuwunel);
    read_inside(&family_toml_continuwuity);
    read_inside(&family_toml_conduit);
    return 0;
}
