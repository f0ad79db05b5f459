/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/discovery.h on whole machines: rooms with a /run, an /etc and a /matrix
 * of their own. More of them, with real servers, are in tests/servers.
 */
/* The flags of namespaces are Linux'. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/discovery.h"
#include "found_trial.h"
#include "recorded_server.h"
#include "room.h"

#define DEBIAN "/etc/matrix-synapse/homeserver.yaml"
#define NAMED_SECRET "registration_shared_secret: " SECRET "\n"

static struct found one;

/* Empties what usual places are in; what is not there is of no harm. */
static int
clear(void)
{
    if (mount("none", "/etc", "tmpfs", 0, NULL) != 0)
        return -1;
    return mount("none", "/matrix", "tmpfs", 0, NULL) == 0 || errno == ENOENT ? 0 : -1;
}

static int
write_to(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t written = write(file, text, strlen(text));

    close(file);
    return written == (ssize_t)strlen(text) ? 0 : -1;
}

static int
search(struct error *error)
{
    const struct discovery_options options = {.engine = {.timeout_ms = 10000}};

    return discovery_run(&options, &one, error);
}

/* An engine whose container of this name has its files in /run/NAME. */
static void
engine_has(const char *name)
{
    static char body[700], path[100];
    const struct recorded_reply replies[] = {
        {path, 200, NULL, body}, {"/", 404, NULL, "{\"message\": \"none\"}"}, {0}};

    snprintf(path, sizeof(path), "/containers/%s/", name);
    snprintf(body, sizeof(body),
        "{\"State\": {\"Status\": \"running\", \"Running\": true, \"Pid\": 4711},"
        " \"HostConfig\": {\"NetworkMode\": \"m\"}, \"NetworkSettings\": {\"Networks\": {}},"
        " \"Mounts\": [{\"Type\": \"bind\", \"Source\": \"/run/%s\","
        " \"Destination\": \"/data\"}]}",
        name);
    recorded_server_start_at("/run/docker.sock", replies);
}

static const char *
find_nothing(void)
{
    static const char *const words[] = {"container matrix-synapse", "container synapse",
        "/matrix/synapse/config/homeserver.yaml", DEBIAN, "/etc/synapse/homeserver.yaml",
        "container engines at /run/docker.sock or /run/podman/podman.sock",
        "; give url, unix_socket or container"};
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(search(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_INVALID);
    ROOM_CHECK(!one.is_there);
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(error.text, words[i]) == NULL)
            return words[i];
    return NULL;
}

TEST(where_nothing_is_the_message_says_where_was_looked)
{
    room_do(CLONE_NEWNS, find_nothing);
}

static const char *
find_debians(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(mkdir("/etc/matrix-synapse/conf.d", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, LISTENERS) == 0);
    ROOM_CHECK(write_to("/etc/matrix-synapse/conf.d/server_name.yaml", NAME NAMED_SECRET) == 0);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.is_there && one.container == NULL);
    ROOM_CHECK(strcmp(one.server_name, "example.org") == 0);
    ROOM_CHECK(strcmp(one.url, "http://127.0.0.1:8008") == 0);
    ROOM_CHECK(strcmp(one.secret_from,
                   "/etc/matrix-synapse/conf.d/server_name.yaml, line 2") == 0);
    return NULL;
}

/* Of the package: /etc/matrix-synapse/conf.d/server_name.yaml, by debconf. */
TEST(debians_package_is_found_with_its_folder)
{
    room_do(CLONE_NEWNS, find_debians);
}

static const char *
find_tuwunels(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/etc/tuwunel", 0755) == 0);
    ROOM_CHECK(write_to("/etc/tuwunel/tuwunel.toml",
                   "[global]\nserver_name = \"example.org\"\n"
                   "registration_token = \"" SECRET "\"\n") == 0);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.is_there && one.container == NULL && one.server == SERVER_TUWUNEL);
    ROOM_CHECK(strcmp(one.files.items[0], "/etc/tuwunel/tuwunel.toml") == 0);
    ROOM_CHECK(strcmp(one.url, "http://127.0.0.1:8008") == 0);
    ROOM_CHECK(strcmp(one.registration_token.bytes, SECRET) == 0);
    return NULL;
}

TEST(tuwunels_package_is_found)
{
    room_do(CLONE_NEWNS, find_tuwunels);
}

static const char *
find_conduit_by_its_name(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    engine_has("matrix-conduit");
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.server == SERVER_CONDUIT && one.files.count == 0);
    ROOM_CHECK(strcmp(one.container, "matrix-conduit") == 0);
    ROOM_CHECK(strcmp(one.url, "http://matrix-conduit:6167") == 0);
    /* It counts as much as one whose configuration is seen. */
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, NAME LISTENERS) == 0);
    ROOM_CHECK(search(&error) == -1);
    ROOM_CHECK(strstr(error.text, "more than one homeserver") != NULL);
    ROOM_CHECK(strstr(error.text, DEBIAN " and that of matrix-conduit") != NULL);
    return NULL;
}

TEST(a_container_of_conduits_without_a_configuration_is_found_by_its_name)
{
    room_do(CLONE_NEWNS, find_conduit_by_its_name);
}

static const char *
find_a_container(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/run/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to("/run/matrix-synapse/homeserver.yaml", NAME LISTENERS NAMED_SECRET) == 0);
    engine_has("matrix-synapse");
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(strcmp(one.container, "matrix-synapse") == 0);
    ROOM_CHECK(strcmp(one.url, "http://matrix-synapse:8008") == 0);
    ROOM_CHECK(strcmp(one.files.items[0], "/run/matrix-synapse/homeserver.yaml") == 0);
    return NULL;
}

TEST(a_container_of_a_usual_name_is_found)
{
    room_do(CLONE_NEWNS, find_a_container);
}

static const char *
find_two(void)
{
    struct error error = {0};

    ROOM_CHECK(find_a_container() == NULL);
    found_free(&one);
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, NAME LISTENERS NAMED_SECRET) == 0);
    ROOM_CHECK(search(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_INVALID);
    ROOM_CHECK(!one.is_there && one.server_name == NULL);
    ROOM_CHECK(strstr(error.text, "more than one homeserver: that of "
                                  "/run/matrix-synapse/homeserver.yaml and that of " DEBIAN) !=
               NULL);
    return NULL;
}

TEST(of_two_homeservers_none_is_taken)
{
    room_do(CLONE_NEWNS, find_two);
}

static const char *
find_what_cannot_be_used(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, NAME NAMED_SECRET "listeners: " SECRET "\n") == 0);
    ROOM_CHECK(search(&error) == -1);
    ROOM_CHECK(error.kind == ERROR_INVALID);
    ROOM_CHECK(strcmp(error.text, DEBIAN ", line 3: listeners is not a list") == 0);
    ROOM_CHECK(!one.is_there && !secret_given(&one.shared_secret));
    return NULL;
}

TEST(a_configuration_that_cannot_be_used_is_an_error_with_its_line)
{
    room_do(CLONE_NEWNS, find_what_cannot_be_used);
}

/* ---- Matrix Authentication Service --------------------------------------------------- */

#define MAS "/etc/matrix-authentication-service"
#define MATRIX "matrix: {homeserver: example.org}\n"
#define HANDED_OVER NAME LISTENERS "matrix_authentication_service: {enabled: true}\n"

static const char *
make_handed_over(void)
{
    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, HANDED_OVER) == 0);
    return NULL;
}

static const char *
find_mas(void)
{
    struct error error = {0};

    ROOM_CHECK(make_handed_over() == NULL);
    ROOM_CHECK(mkdir(MAS, 0755) == 0);
    ROOM_CHECK(write_to(MAS "/config.yaml", MATRIX) == 0);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.is_delegated && one.mas.is_there && one.mas.container == NULL);
    ROOM_CHECK(strcmp(one.mas.files.items[0], MAS "/config.yaml") == 0);
    ROOM_CHECK(one.mas.trouble.kind == ERROR_NONE);
    return NULL;
}

TEST(mas_s_configuration_is_found_beside_its_homeservers)
{
    room_do(CLONE_NEWNS, find_mas);
}

static const char *
find_mas_s_container(void)
{
    struct error error = {0};

    ROOM_CHECK(make_handed_over() == NULL);
    ROOM_CHECK(mkdir("/run/mas", 0755) == 0);
    ROOM_CHECK(write_to("/run/mas/config.yaml", MATRIX) == 0);
    engine_has("mas");
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.mas.is_there && strcmp(one.mas.container, "mas") == 0);
    ROOM_CHECK(strcmp(one.mas.config, "/data/config.yaml") == 0);
    ROOM_CHECK(strcmp(one.mas.oauth.url, "http://mas:8080") == 0);
    return NULL;
}

TEST(mas_s_container_of_a_usual_name_is_found)
{
    room_do(CLONE_NEWNS, find_mas_s_container);
}

static const char *
find_two_of_mas(void)
{
    struct error error = {0};

    ROOM_CHECK(find_mas_s_container() == NULL);
    found_free(&one);
    ROOM_CHECK(mkdir(MAS, 0755) == 0);
    ROOM_CHECK(write_to(MAS "/config.yaml", MATRIX) == 0);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.is_there && !one.mas.is_there);
    ROOM_CHECK(strstr(one.mas.trouble.text,
                   "more than one Matrix Authentication Service: that of /run/mas/config.yaml "
                   "and that of " MAS "/config.yaml; say with mas_url or mas_container") != NULL);
    return NULL;
}

TEST(of_two_of_mas_none_is_taken)
{
    room_do(CLONE_NEWNS, find_two_of_mas);
}

static const char *
find_no_mas(void)
{
    struct error error = {0};

    ROOM_CHECK(make_handed_over() == NULL);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(one.is_there && one.is_delegated && !one.mas.is_there);
    ROOM_CHECK(one.mas.trouble.kind == ERROR_NONE);
    return NULL;
}

TEST(that_mas_is_not_here_is_no_error)
{
    room_do(CLONE_NEWNS, find_no_mas);
}

static const char *
find_mas_for_nobody(void)
{
    struct error error = {0};

    ROOM_CHECK(clear() == 0);
    ROOM_CHECK(mkdir("/etc/matrix-synapse", 0755) == 0);
    ROOM_CHECK(write_to(DEBIAN, NAME LISTENERS) == 0);
    ROOM_CHECK(mkdir(MAS, 0755) == 0);
    ROOM_CHECK(write_to(MAS "/config.yaml", MATRIX) == 0);
    ROOM_CHECK(search(&error) == 0);
    ROOM_CHECK(!one.is_delegated && !one.mas.is_there);
    return NULL;
}

TEST(mas_is_not_looked_for_where_the_homeserver_has_its_accounts)
{
    room_do(CLONE_NEWNS, find_mas_for_nobody);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nothing_is_the_message_says_where_was_looked),
        cmocka_unit_test(debians_package_is_found_with_its_folder),
        cmocka_unit_test(tuwunels_package_is_found),
        cmocka_unit_test(a_container_of_conduits_without_a_configuration_is_found_by_its_name),
        cmocka_unit_test(a_container_of_a_usual_name_is_found),
        cmocka_unit_test(of_two_homeservers_none_is_taken),
        cmocka_unit_test(a_configuration_that_cannot_be_used_is_an_error_with_its_line),
        cmocka_unit_test(mas_s_configuration_is_found_beside_its_homeservers),
        cmocka_unit_test(mas_s_container_of_a_usual_name_is_found),
        cmocka_unit_test(of_two_of_mas_none_is_taken),
        cmocka_unit_test(that_mas_is_not_here_is_no_error),
        cmocka_unit_test(mas_is_not_looked_for_where_the_homeserver_has_its_accounts),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/discovery", tests, NULL, NULL);
}
