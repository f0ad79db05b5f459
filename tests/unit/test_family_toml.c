/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/family_toml.h: names, listeners and secrets. Expected is what
 * tuwunel 1.9.0, continuwuity 26.7.3 (src/core/config/mod.rs) and Conduit 0.10.12
 * (src/config/mod.rs) do. TOML itself is in test_config_toml.c.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/homeserver/family_toml.h"
#include "private_place.h"

/* Stands in every secret of these tests: in no error's text. */
#define SECRET "S3cr3t"
#define NAME "[global]\nserver_name = \"example.org\"\n"

static struct found found;

static int
remove_place(void **state)
{
    found_free(&found);
    return place_remove(state);
}

static int
read_place(const struct discovery_source *source, const struct config_place *place,
    struct error *error)
{
    int absent = 0;
    int result;

    found_free(&found);
    found.server = source->server;
    result = source->read(place, &found, &absent, error);
    assert_int_equal(result == 0, error->kind == ERROR_NONE);
    assert_not_in(SECRET, error->text);
    assert_not_in(SECRET, found.secret_trouble.text);
    return result == 0 && absent ? 1 : result;
}

static int
read_here(const struct discovery_source *source, const char *toml, struct error *error)
{
    char file[300];
    const struct config_place place = {.file = file};

    if (toml != NULL)
        place_write("the.toml", toml, 0600);
    snprintf(file, sizeof(file), "%s", place_path("the.toml"));
    return read_place(source, &place, error);
}

static void
found_well(const struct discovery_source *source, const char *toml)
{
    struct error error = {0};

    if (read_here(source, toml, &error) != 0)
        fail_msg("%s\n%s", toml, error.text);
}

/* As in matrix-docker-ansible-deploy, which mounts the folder of the file. */
static int
read_inside(const char *toml, struct error *error)
{
    char source[300], destination[] = "/etc/tuwunel";
    struct engine_mount mount = {.source = source, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {.file = family_toml_tuwunel.container_file,
        .container = "matrix-tuwunel", .mounts = &container};

    snprintf(source, sizeof(source), "%s", place_path(""));
    place_write("tuwunel.toml", toml, 0600);
    return read_place(&family_toml_tuwunel, &place, error);
}

static void
refused(const struct discovery_source *source, const char *toml, const char *words)
{
    struct error error = {0};

    assert_int_equal(read_here(source, toml, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("the.toml", error.text);
    assert_in(words, error.text);
}

static void
assert_secret(const struct secret *secret, const char *expected)
{
    if (expected == NULL) {
        assert_false(secret_given(secret));
        return;
    }
    assert_true(secret_given(secret));
    assert_int_equal(secret->length, strlen(expected));
    assert_string_equal(secret->bytes, expected);
}

/* ---- The name and the listener --------------------------------------------------------- */

TEST(a_file_that_is_not_there_is_an_answer)
{
    struct error error = {0};

    assert_int_equal(read_here(&family_toml_tuwunel, NULL, &error), 1);
}

TEST(without_more_than_a_name_it_listens_on_the_loopback_at_its_default_port)
{
    found_well(&family_toml_tuwunel, NAME);
    assert_string_equal(found.server_name, "example.org");
    assert_string_equal(found.url, "http://127.0.0.1:8008");
    found_well(&family_toml_continuwuity, NAME);
    assert_string_equal(found.url, "http://127.0.0.1:8008");
    found_well(&family_toml_conduit, NAME);
    assert_string_equal(found.url, "http://127.0.0.1:8000");
    assert_null(found.unix_socket);
    assert_null(found.address);
}

TEST(the_name_may_be_missing_since_the_environment_may_have_it)
{
    found_well(&family_toml_continuwuity, "[global]\nport = 6167\n");
    assert_null(found.server_name);
    assert_string_equal(found.url, "http://127.0.0.1:6167");
}

TEST(address_and_port_are_one_or_the_first_of_several_that_is_ours)
{
    static const struct {
        const char *settings, *url;
    } table[] = {
        {"address = \"0.0.0.0\"\nport = 6167\n", "http://127.0.0.1:6167"},
        {"address = [\"::1\", \"127.0.0.1\"]\nport = [8010, 8011]\n", "http://127.0.0.1:8010"},
        {"address = [\"192.0.2.7\", \"127.0.0.2\"]\n", "http://127.0.0.2:8008"},
        {"port = 1\n", "http://127.0.0.1:1"},
        {"[global.tls]\ncerts = \"/c\"\nkey = \"/k\"\ndual_protocol = true\n",
            "http://127.0.0.1:8008"},
        {"[global.tls]\n", "http://127.0.0.1:8008"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char toml[400];

        snprintf(toml, sizeof(toml), NAME "%s", table[i].settings);
        found_well(&family_toml_tuwunel, toml);
        assert_string_equal(found.url, table[i].url);
    }
}

TEST(with_a_certificate_it_is_reached_by_its_name_at_its_address)
{
    found_well(&family_toml_tuwunel,
        "[global]\nserver_name = \"example.org:8448\"\nport = 8448\n"
        "[global.tls]\ncerts = \"/c\"\nkey = \"/k\"\n");
    assert_string_equal(found.url, "https://example.org:8448");
    assert_string_equal(found.address, "127.0.0.1");
    refused(&family_toml_tuwunel, "[global]\n[global.tls]\ncerts = \"/c\"\n", "give url");
}

TEST(a_unix_socket_is_one_where_the_server_has_such)
{
    found_well(&family_toml_continuwuity, NAME "unix_socket_path = \"/run/c/c.sock\"\n");
    assert_string_equal(found.url, "http://localhost");
    assert_string_equal(found.unix_socket, "/run/c/c.sock");
    found_well(&family_toml_conduit, NAME "unix_socket_path = \"/run/c/c.sock\"\n");
    assert_null(found.unix_socket);
}

TEST(in_a_container_it_is_where_the_container_is)
{
    struct error error = {0};

    assert_int_equal(read_inside(NAME "address = \"0.0.0.0\"\nport = 6167\n"
                                      "registration_shared_secret = \"" SECRET "\"\n",
                         &error),
        0);
    assert_string_equal(found.url, "http://matrix-tuwunel:6167");
    assert_in("/tuwunel.toml", found.files.items[0]);
    assert_secret(&found.shared_secret, SECRET);
    assert_in("/tuwunel.toml, line 5", found.secret_from);
}

TEST(what_cannot_be_used_is_refused_with_its_line)
{
    refused(&family_toml_tuwunel, "server_name = \"example.org\"\n", "no section [global]");
    refused(&family_toml_tuwunel, "[global]\nserver_name = \"http://x/\"\n", "line 2");
    refused(&family_toml_tuwunel, NAME "port = 0\n", "line 3: a port");
    refused(&family_toml_tuwunel, NAME "port = \"80\"\n", "port is not a whole number in TOML");
    refused(&family_toml_tuwunel, NAME "port = 65536\n", "from 1 to 65535");
    refused(&family_toml_tuwunel, NAME "address = 7\n", "address is not a text");
    /* Credentials would go there. */
    refused(&family_toml_tuwunel, NAME "address = \"192.0.2.7\"\n", "none of this machine's");
    refused(&family_toml_tuwunel, NAME "address = \"example.org\"\n", "none of this machine's");
    refused(&family_toml_tuwunel, "[global\n", "this is not TOML");
}

/* ---- Secrets ----------------------------------------------------------------------------- */

#define ALL                                                                                \
    "registration_shared_secret = \"" SECRET "s\"\nregistration_token = \"" SECRET "t\"\n" \
    "emergency_password = \"" SECRET "e\"\n"

TEST(each_server_has_the_secrets_that_it_has)
{
    found_well(&family_toml_tuwunel, NAME ALL);
    assert_secret(&found.shared_secret, SECRET "s");
    assert_secret(&found.registration_token, SECRET "t");
    assert_secret(&found.emergency_password, SECRET "e");
    found_well(&family_toml_continuwuity, NAME ALL);
    assert_secret(&found.shared_secret, NULL);
    assert_null(found.secret_from);
    assert_secret(&found.registration_token, SECRET "t");
    found_well(&family_toml_conduit, NAME ALL);
    assert_secret(&found.shared_secret, NULL);
    assert_secret(&found.emergency_password, SECRET "e");
    found_well(&family_toml_conduit, NAME "emergency_password = \"\"\n");
    assert_secret(&found.emergency_password, NULL);
}

TEST(a_file_of_a_secret_wins_and_of_several_tokens_it_is_the_first)
{
    char toml[900];

    place_write("secret", "  " SECRET "f\n", 0600);
    place_write("tokens", "\n" SECRET "1 " SECRET "2\n" SECRET "3\n", 0600);
    snprintf(toml, sizeof(toml), NAME ALL "registration_shared_secret_file = \"%s\"\n",
        place_path("secret"));
    snprintf(toml + strlen(toml), sizeof(toml) - strlen(toml),
        "registration_token_file = \"%s\"\n", place_path("tokens"));
    found_well(&family_toml_tuwunel, toml);
    assert_secret(&found.shared_secret, SECRET "f");
    assert_in("/secret", found.secret_from);
    assert_secret(&found.registration_token, SECRET "1");
}

TEST(a_secret_that_cannot_be_read_is_told_and_the_others_are_there)
{
    found_well(&family_toml_tuwunel,
        NAME "registration_token_file = \"/no/such/file\"\nemergency_password = \"" SECRET
             "\"\n");
    assert_kind(&found.secret_trouble, ERROR_INVALID);
    assert_in("line 3: registration_token_file is a file that is not there",
        found.secret_trouble.text);
    assert_secret(&found.registration_token, NULL);
    assert_secret(&found.emergency_password, SECRET);
    found_well(&family_toml_tuwunel, NAME "registration_shared_secret = 12345\n");
    assert_in("put it into quotes", found.secret_trouble.text);
}

TEST(a_secret_s_file_outside_of_the_mounts_is_not_looked_for_out_here)
{
    struct error error = {0};
    char toml[600];

    place_write("outside", SECRET, 0600);
    snprintf(toml, sizeof(toml), NAME "registration_token_file = \"%s\"\n",
        place_path("outside"));
    assert_int_equal(read_inside(toml, &error), 0);
    assert_in("behind none of its mounts", found.secret_trouble.text);
    assert_secret(&found.registration_token, NULL);
}

static int
read_again(void *context, struct error *error)
{
    (void)context;
    return read_here(&family_toml_tuwunel, NULL, error);
}

TEST(without_memory_nothing_is_found)
{
    place_write("the.toml", NAME ALL "port = [8008]\n", 0600);
    fail_each_allocation(read_again, NULL);
}

int
main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_file_that_is_not_there_is_an_answer),
        IN_PLACE(without_more_than_a_name_it_listens_on_the_loopback_at_its_default_port),
        IN_PLACE(the_name_may_be_missing_since_the_environment_may_have_it),
        IN_PLACE(address_and_port_are_one_or_the_first_of_several_that_is_ours),
        IN_PLACE(with_a_certificate_it_is_reached_by_its_name_at_its_address),
        IN_PLACE(a_unix_socket_is_one_where_the_server_has_such),
        IN_PLACE(in_a_container_it_is_where_the_container_is),
        IN_PLACE(what_cannot_be_used_is_refused_with_its_line),
        IN_PLACE(each_server_has_the_secrets_that_it_has),
        IN_PLACE(a_file_of_a_secret_wins_and_of_several_tokens_it_is_the_first),
        IN_PLACE(a_secret_that_cannot_be_read_is_told_and_the_others_are_there),
        IN_PLACE(a_secret_s_file_outside_of_the_mounts_is_not_looked_for_out_here),
        IN_PLACE(without_memory_nothing_is_found),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
