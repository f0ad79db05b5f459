/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/synapse/homeserver_yaml.h: whatever is in the file, what is found can
 * be used, or says file and line. It is read as that of a container, of which
 * the mount is a folder with nothing else in it, so that no path in an input
 * leads to a file of this machine; its listeners are read as this machine's,
 * too. YAML itself is for fuzz_config.c.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/synapse/homeserver_yaml.h"
#include "backends/synapse/listener.h"
#include "base/child.h"
#include "base/config.h"
#include "base/memory.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* In place of child_run (the Makefile's --wrap): a fork for each input takes
 * four times as long, and hides from the fuzzer where the parser went. */
int __wrap_child_run(child_work work, void *context, const struct child_limits *limits,
    const char *what, struct text *answer, struct error *error);

int
__wrap_child_run(child_work work, void *context, const struct child_limits *limits,
    const char *what, struct text *answer, struct error *error)
{
    (void)limits;
    (void)what;
    return work(context, answer) == 0 ? 0 : error_no_memory(error);
}

static char folder[] = "/tmp/registrar-fuzz-XXXXXX";
static char file[sizeof(folder) + sizeof("/homeserver.yaml")];

static void
check(bool is_so)
{
    if (!is_so)
        abort();
}

static void
remove_folder(void)
{
    unlink(file);
    rmdir(folder);
}

static void
make_folder(void)
{
    json_set_alloc_funcs(memory_allocate, memory_free);
    check(mkdtemp(folder) != NULL);
    snprintf(file, sizeof(file), "%s/homeserver.yaml", folder);
    atexit(remove_folder);
}

static void
write_file(const uint8_t *bytes, size_t length)
{
    int opened = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    check(opened >= 0 && write(opened, bytes, length) == (ssize_t)length);
    check(close(opened) == 0);
}

static void
check_found(const struct found *found, const struct error *error, int result)
{
    struct error unusable = {0};
    struct url url;

    if (result != 0) {
        check(error->kind == ERROR_INVALID && error->text[0] != '\0');
        return;
    }
    check(error->kind == ERROR_NONE);
    check(found->server_name != NULL && found->url != NULL);
    check(url_parse(&url, found->url, &unusable) == 0);
    check(url.port > 0);
    url_free(&url);
}

static void
read_inside(void)
{
    char destination[] = "/data";
    struct engine_mount mount = {.source = folder, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/data/homeserver.yaml", .container = "synapse", .mounts = &container};
    struct found found = {0};
    struct error error = {0};
    int absent;
    int result = homeserver_yaml_source.read(&place, &found, &absent, &error);

    check(!absent);
    check_found(&found, &error, result);
    check(found.unix_socket == NULL || strncmp(found.unix_socket, folder, strlen(folder)) == 0);
    check(secret_given(&found.shared_secret) == (found.secret_from != NULL));
    found_free(&found);
}

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
    if (file[0] == '\0')
        make_folder();
    write_file(bytes, length);
    read_inside();
    choose_here();
    return 0;
}
