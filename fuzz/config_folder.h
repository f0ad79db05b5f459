/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzzers of servers' configurations share: an input is a file in a
 * folder with nothing else in it, which is read as that of a container of which
 * the mount is that folder, so that no path in an input leads to a file of this
 * machine. For one file of code each.
 */
#ifndef REGISTRAR_FUZZ_CONFIG_FOLDER_H
#define REGISTRAR_FUZZ_CONFIG_FOLDER_H

#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/discovery.h"
#include "base/child.h"
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
static char file[sizeof(folder) + sizeof("/config.yaml")];

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
    snprintf(file, sizeof(file), "%s/config.yaml", folder);
    atexit(remove_folder);
}

/* Makes the input the one file there is. */
static void
write_file(const uint8_t *bytes, size_t length)
{
    int opened;

    if (file[0] == '\0')
        make_folder();
    opened = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(opened >= 0 && write(opened, bytes, length) == (ssize_t)length);
    check(close(opened) == 0);
}

/* What was found can be used, or the error says why not. */
static inline void
check_found(const struct found *found, const struct error *error, int result)
{
    struct error unusable = {0};
    struct url url;

    if (result != 0) {
        check(error->kind == ERROR_INVALID && error->text[0] != '\0');
        return;
    }
    check(error->kind == ERROR_NONE);
    check(found->server_name != NULL || found->server >= SERVER_TUWUNEL);
    check(found->url != NULL);
    check(url_parse(&url, found->url, &unusable) == 0);
    check(url.port > 0);
    url_free(&url);
}

static bool
is_in_folder(const char *path)
{
    return strncmp(path, folder, strlen(folder)) == 0;
}

/* Reads the input as /data/config.yaml of a container, for a homeserver's. */
static inline void
read_inside(const struct discovery_source *source)
{
    char destination[] = "/data";
    struct engine_mount mount = {.source = folder, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/data/config.yaml", .container = "homeserver", .mounts = &container};
    struct found found = {.server = source->server};
    struct error error = {0};
    int absent;
    int result = source->read(&place, &found, &absent, &error);

    check(!absent);
    check_found(&found, &error, result);
    check(found.unix_socket == NULL || is_in_folder(found.unix_socket));
    check(secret_given(&found.shared_secret) == (found.secret_from != NULL));
    /* The folder of its socket is out here; a name may be that of a container. */
    check(found.database.host == NULL || found.database.may_be_container ||
          is_in_folder(found.database.host));
    check(found.database.is_there || found.database.host == NULL);
    found_free(&found);
}

#endif
