/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/listeners.h and config_yaml.h: where a configuration is, and where MAS
 * listens by it (MAS: docs/reference/configuration.md, crates/config/src/sections/http.rs).
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mas_config_trial.h"
#include "private_place.h"

#define OAUTH "resources: [{name: discovery}, {name: oauth}, {name: compat}]"
#define BOTH "resources: [{name: oauth}, {name: compat}, {name: adminapi}]"
#define LISTENER(rest) "http: {listeners: [{name: web, " rest "}]}\n"

/* ---- The file ------------------------------------------------------------------------ */

TEST(without_the_file_there_is_no_configuration)
{
    struct error error = {0};

    assert_int_equal(mas_read_here(&error), 1);
    assert_false(mas_found.mas.is_there);
}

TEST(another_programs_configuration_is_refused)
{
    mas_refused("server: {port: 8080}\n", 1, "no configuration of Matrix Authentication Service");
    mas_refused("[" SECRET "]\n", 1, "no configuration of Matrix Authentication Service");
    mas_refused("matrix: " SECRET "\n", 1, "no configuration of Matrix Authentication Service");
}

TEST(the_homeserver_it_is_for_is_known)
{
    mas_well(MATRIX);
    assert_true(mas_found.mas.is_there);
    assert_string_equal(mas_found.server_name, "example.org");
    assert_string_equal(mas_found.files.items[0], place_path("config.yaml"));
    assert_null(mas_found.mas.config);
    mas_well("matrix: {secret: " SECRET "}\n");
    assert_null(mas_found.server_name);
    mas_refused("matrix:\n  homeserver: 'exa mple'\n", 2, "no name that a server can have");
    mas_refused("matrix:\n  homeserver: [" SECRET "]\n", 2, "homeserver is not a text");
}

/* ---- Inside a container -------------------------------------------------------------- */

/* matrix-docker-ansible-deploy mounts the file; others a folder that has it. */
TEST(inside_a_container_it_is_at_one_of_two_places)
{
    struct error error = {0};

    place_write("config.yaml", MATRIX, 0600);
    assert_int_equal(mas_read_inside("/config.yaml", &error), 0);
    assert_string_equal(mas_found.mas.config, "/config.yaml");
    assert_int_equal(mas_read_inside("/data", &error), 0);
    assert_string_equal(mas_found.mas.config, "/data/config.yaml");
    assert_string_equal(mas_found.files.items[0], place_path("config.yaml"));
    assert_int_equal(mas_read_inside("/elsewhere", &error), 1);
    unlink(place_path("config.yaml"));
    assert_int_equal(mas_read_inside("/data", &error), 1);
}

/* ---- Listeners (http.rs) ------------------------------------------------------------- */

/* HttpConfig's Default; it is not enough for the admin API. */
TEST(without_a_section_http_mas_has_its_defaults)
{
    const struct found_mas *mas = mas_well(MATRIX);

    assert_string_equal(mas->oauth.url, "http://[::1]:8080");
    assert_null(mas->admin.url);
    mas = mas_well_inside(MATRIX);
    assert_string_equal(mas->oauth.url, "http://mas:8080");
}

TEST(a_listener_binds_in_several_forms)
{
    static const struct {
        const char *binds;
        const char *url;
    } table[] = {
        {"binds: [{address: '127.0.0.1:8081'}]", "http://127.0.0.1:8081"},
        {"binds: [{address: '0.0.0.0:8081'}]", "http://127.0.0.1:8081"},
        {"binds: [{address: '[::1]:8081'}]", "http://[::1]:8081"},
        {"binds: [{address: '[::]:8081'}]", "http://[::1]:8081"},
        {"binds: [{address: 'localhost:8081'}]", "http://127.0.0.1:8081"},
        {"binds: [{host: localhost, port: 8081}]", "http://127.0.0.1:8081"},
        {"binds: [{port: 8081}]", "http://127.0.0.1:8081"},
        {"binds: [{host: '::1', port: 8081}]", "http://[::1]:8081"},
        /* IPv4 where both are there. */
        {"binds: [{address: '[::]:8081'}, {address: '0.0.0.0:8081'}]", "http://127.0.0.1:8081"},
        {"binds: [{address: '0.0.0.0:8081'}, {address: '[::]:8081'}]", "http://127.0.0.1:8081"},
        /* Another machine's address, a descriptor, and one with its own protocol. */
        {"binds: [{address: '192.0.2.7:8081'}]", NULL},
        {"binds: [{fd: 0}]", NULL},
        {"binds: [{address: '127.0.0.1:8081'}], proxy_protocol: true", NULL},
        {"binds: [{fd: 0}, {port: 8082}]", "http://127.0.0.1:8082"},
    };
    char yaml[400];

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct found_mas *mas;

        snprintf(yaml, sizeof(yaml), MATRIX LISTENER(OAUTH ", %s"), table[i].binds);
        mas = mas_well(yaml);
        mas_assert_text(table[i].url, mas->oauth.url);
        assert_null(mas->oauth.address);
        assert_null(mas->oauth.unix_socket);
    }
}

TEST(a_prefix_is_a_part_of_the_address)
{
    static const struct {
        const char *prefix;
        const char *url;
    } table[] = {{"/auth", "http://127.0.0.1:8080/auth"},
        {"/auth/", "http://127.0.0.1:8080/auth"}, {"/", "http://127.0.0.1:8080"},
        {"/a/b/", "http://127.0.0.1:8080/a/b"}, {"''", "http://127.0.0.1:8080"}};
    char yaml[400];

    for (size_t i = 0; i < COUNT(table); i++) {
        snprintf(yaml, sizeof(yaml),
            MATRIX LISTENER(OAUTH ", prefix: %s, binds: [{port: 8080}]"), table[i].prefix);
        mas_assert_text(table[i].url, mas_well(yaml)->oauth.url);
    }
    mas_refused(MATRIX LISTENER(OAUTH ", prefix: '/a?b', binds: [{port: 8080}]"), 2,
        "prefix is no path");
}

TEST(a_socket_is_where_its_mount_is)
{
    const struct found_mas *mas = mas_well(
        MATRIX LISTENER(BOTH ", prefix: /auth, binds: [{socket: /run/mas.sock}]"));

    assert_string_equal(mas->oauth.unix_socket, "/run/mas.sock");
    assert_string_equal(mas->oauth.url, "http://localhost/auth");
    assert_string_equal(mas->admin.unix_socket, "/run/mas.sock");
    mas = mas_well_inside(MATRIX LISTENER(BOTH ", binds: [{socket: /data/mas.sock}]"));
    assert_string_equal(mas->oauth.unix_socket, place_path("mas.sock"));
}

/* It names the certificate by the host that its users see. */
TEST(a_listener_with_tls_has_the_name_of_its_public_address)
{
    const struct found_mas *mas =
        mas_well(MATRIX "http:\n  public_base: https://auth.example.org/auth/\n"
                          "  listeners:\n  - {" BOTH
                          ", prefix: /auth/, tls: {certificate_file: /a, key_file: /b},"
                          " binds: [{address: '0.0.0.0:8443'}]}\n");

    assert_string_equal(mas->public_base, "https://auth.example.org/auth");
    assert_string_equal(mas->oauth.url, "https://auth.example.org:8443/auth");
    assert_string_equal(mas->oauth.address, "127.0.0.1");
    assert_string_equal(mas->admin.url, "https://auth.example.org:8443/auth");
    assert_string_equal(mas->admin.address, "127.0.0.1");
}

TEST(a_public_address_that_is_none_is_left_out)
{
    const struct found_mas *mas =
        mas_well(MATRIX "http: {public_base: 'https://u:" SECRET "@h/'}\n");

    assert_null(mas->public_base);
    assert_null(mas->oauth.url);
}

/* matrix-docker-ansible-deploy: templates/config.yaml.j2 */
TEST(a_listener_without_its_resources_is_none)
{
    const struct found_mas *mas = mas_well_inside(
        MATRIX "http:\n  listeners:\n"
               "  - {name: web, resources: [{name: discovery}, {name: human}, {name: oauth},"
               " {name: compat}, {name: graphql, playground: true}, {name: assets}],"
               " binds: [{address: '[::]:8080'}], proxy_protocol: false, prefix: /auth}\n"
               "  - {name: internal, resources: [{name: health}],"
               " binds: [{host: localhost, port: 8081}], prefix: /auth}\n"
               "  public_base: 'https://matrix.example.org/auth/'\n");

    assert_string_equal(mas->oauth.url, "http://mas:8080/auth");
    assert_null(mas->admin.url);
    assert_string_equal(mas->public_base, "https://matrix.example.org/auth");
}

TEST(the_admin_api_may_have_a_listener_of_its_own)
{
    const struct found_mas *mas = mas_well(
        MATRIX "http:\n  listeners:\n"
               "  - {resources: [{name: health}, {name: adminapi}], binds: [{port: 8081}]}\n"
               "  - {" OAUTH ", binds: [{port: 8080}], prefix: /auth}\n");

    assert_string_equal(mas->oauth.url, "http://127.0.0.1:8080/auth");
    assert_string_equal(mas->admin.url, "http://127.0.0.1:8081");
    /* The one with both is preferred. */
    mas = mas_well(MATRIX "http:\n  listeners:\n"
                            "  - {" OAUTH ", binds: [{port: 8080}]}\n"
                            "  - {resources: [{name: adminapi}], binds: [{port: 8082}]}\n"
                            "  - {" BOTH ", binds: [{port: 8081}]}\n");
    assert_string_equal(mas->oauth.url, "http://127.0.0.1:8081");
    assert_string_equal(mas->admin.url, "http://127.0.0.1:8081");
}

TEST(what_is_no_listener_is_refused_with_its_line)
{
    mas_refused(MATRIX "http: " SECRET "\n", 2, "http is no section");
    mas_refused(MATRIX "http:\n  listeners: " SECRET "\n", 3, "listeners is not a list");
    mas_refused(MATRIX "http:\n  listeners:\n  - {" OAUTH "}\n", 4, "binds are a list");
    mas_refused(MATRIX "http:\n  listeners:\n  - {" OAUTH ", binds: [{address: '" SECRET "'}]}\n", 4,
        "address is no host and port");
    mas_refused(MATRIX "http:\n  listeners:\n  - {" OAUTH ", binds: [{address: ':'}]}\n", 4,
        "address is no host and port");
    mas_refused(MATRIX "http:\n  listeners:\n  - {" OAUTH ", binds: [{port: 65536}]}\n", 4,
        "from 1 to 65535");
    mas_refused(MATRIX "http:\n  listeners:\n  - {" OAUTH ", binds: [{address: 'h:99999'}]}\n", 4,
        "from 1 to 65535");
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, mas_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(without_the_file_there_is_no_configuration),
        IN_A_PLACE(another_programs_configuration_is_refused),
        IN_A_PLACE(the_homeserver_it_is_for_is_known),
        IN_A_PLACE(inside_a_container_it_is_at_one_of_two_places),
        IN_A_PLACE(without_a_section_http_mas_has_its_defaults),
        IN_A_PLACE(a_listener_binds_in_several_forms),
        IN_A_PLACE(a_prefix_is_a_part_of_the_address),
        IN_A_PLACE(a_socket_is_where_its_mount_is),
        IN_A_PLACE(a_listener_with_tls_has_the_name_of_its_public_address),
        IN_A_PLACE(a_public_address_that_is_none_is_left_out),
        IN_A_PLACE(a_listener_without_its_resources_is_none),
        IN_A_PLACE(the_admin_api_may_have_a_listener_of_its_own),
        IN_A_PLACE(what_is_no_listener_is_refused_with_its_line),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
