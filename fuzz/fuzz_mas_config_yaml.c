/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/config_yaml.h: whatever is in the file, what is found can be used, or
 * says file and line. The uri of the database is for libpq. YAML itself is for
 * fuzz_config.c.
 */
#include "config_folder.h"

#include "backends/mas/config_yaml.h"

/* A listener has an address that can be one, and its socket is out here. */
static void
check_listener(const struct found_listener *listener)
{
    struct error unusable = {0};
    struct url url;

    check(listener->url != NULL || listener->unix_socket == NULL);
    check(listener->unix_socket == NULL || is_in_folder(listener->unix_socket));
    if (listener->url == NULL)
        return;
    check(url_parse(&url, listener->url, &unusable) == 0);
    check(url.port > 0);
    url_free(&url);
}

static void
check_mas(const struct found_mas *mas)
{
    check_listener(&mas->oauth);
    check_listener(&mas->admin);
    check(!secret_given(&mas->client_secret) || mas->client_id != NULL);
    check(mas->schemes.count <= MAS_SCHEMES_MOST);
    check((mas->schemes.count == 0) >= (mas->schemes_trouble.kind != ERROR_NONE));
    check(mas->database.host == NULL || mas->database.may_be_container ||
          is_in_folder(mas->database.host));
    check(mas->database.is_there || mas->database.host == NULL);
    check(mas->database.ca_path == NULL || is_in_folder(mas->database.ca_path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char destination[] = "/data";
    struct engine_mount mount = {.source = folder, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/config.yaml", .container = "mas", .mounts = &container};
    struct found found = {0};
    struct error error = {0};
    int absent;

    write_file(bytes, length);
    if (config_yaml_source.read(&place, &found, &absent, &error) == 0) {
        check(!absent && found.mas.is_there);
        check(error.kind == ERROR_NONE);
        check_mas(&found.mas);
    } else {
        check(error.kind == ERROR_INVALID && error.text[0] != '\0');
    }
    found_free(&found);
    return 0;
}
