/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/homeserver_yaml.h: whatever is in the file, what is found can
 * be used, or says file and line. Its listeners are read as this machine's, too.
 * YAML itself is for fuzz_config.c.
 */
#include "config_folder.h"

#include "backends/synapse/homeserver_yaml.h"
#include "backends/synapse/listener.h"
#include "base/config.h"

static void
choose_here(void)
{
    const struct config_place place = {.file = file};
    struct found found = {0};
    struct error error = {0}, unreadable = {0};
    int opened = open(file, O_RDONLY | O_CLOEXEC);
    struct config *config = config_read(opened, file, &unreadable);
    const struct config_value *root = config == NULL ? NULL : config_root(config);
    const struct listener_settings settings = {
        .listeners = config_get(root, "listeners"),
        .no_tls = config_get(root, "no_tls"),
        .public_baseurl = config_get(root, "public_baseurl"),
    };

    close(opened);
    check(found_text(&found.server_name, &error, "example.org") == 0);
    check_found(&found, &error, listener_choose(&settings, &place, file, &found, &error));
    found_free(&found);
    config_free(config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    write_file(bytes, length);
    read_inside(&homeserver_yaml_source);
    choose_here();
    return 0;
}
