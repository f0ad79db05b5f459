/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/mas_options.h: what the options mas_* come to mean. How they are spelled, and
 * which exclude which, is in args/. */
#include "support.h"

#include <string.h>

#include "ansible/options.h"
#include "modules/connection_options.h"
#include "private_place.h"

#define ID "01GFWR32NCQ12B8Z0J8CPXRRB6"
#define SECRET "S3cr3t"

static const struct option_schema schema = {
    .module = "test", .context = "", .sets = {&connection_option_set}};

static struct connection_options given;
static struct connection connection;

static int
end(void **state)
{
    void *const into[] = {&given};

    options_free(&schema, into);
    return place_remove(state);
}

/* parameters becomes this function's. */
static int
apply(json_t *parameters, struct error *error)
{
    void *const into[] = {&given};
    struct list warnings = {0};

    assert_non_null(parameters);
    options_free(&schema, into);
    memset(&given, 0, sizeof(given));
    if (options_parse(&schema, parameters, into, &warnings, error) != 0)
        fail_msg("%s", error->text);
    json_decref(parameters);
    list_free(&warnings);
    return connection_options_apply(&given, &connection, error);
}

static const struct mas_connection *
applied(json_t *parameters)
{
    struct error error = {0};

    if (apply(parameters, &error) != 0)
        fail_msg("%s", error.text);
    return &connection.mas;
}

static void
refused(json_t *parameters, const char *words)
{
    struct error error = {0};

    assert_int_equal(apply(parameters, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(words, error.text);
    assert_not_in(SECRET, error.text);
}

TEST(what_is_given_is_passed_on)
{
    const struct mas_connection *mas = applied(json_pack(
        "{s:s, s:s, s:s, s:s, s:b}", "mas_url", "http://127.0.0.1:8080/auth", "mas_admin_url",
        "http://127.0.0.1:8081", "mas_client_id", ID, "mas_client_secret", "a%+: \xc3\xa4",
        "use_proxy", 0));

    assert_string_equal(mas->url, "http://127.0.0.1:8080/auth");
    assert_string_equal(mas->admin_url, "http://127.0.0.1:8081");
    assert_string_equal(mas->client_id, ID);
    /* As it is, to the last byte. */
    assert_string_equal(mas->client_secret->bytes, "a%+: \xc3\xa4");
    assert_null(mas->token);
    assert_false(mas->sends_secret_in_body);
    assert_false(mas->reach.use_proxy || mas->admin_reach.use_proxy);
    assert_false(mas->reach.into_container || mas->admin_reach.into_container);
    assert_null(mas->finder.find);
    assert_true(connection_has_mas_credential(&connection));
}

TEST(without_any_there_is_nothing_of_mas)
{
    const struct mas_connection *mas = applied(json_pack("{s:s}", "url", "http://h:1"));

    assert_null(mas->url);
    assert_null(mas->client_id);
    assert_null(mas->client_secret);
    assert_null(mas->token);
    assert_null(mas->command_container);
    assert_false(connection_opens_mas(&connection));
}

TEST(a_secret_may_be_in_a_file)
{
    place_write("secret", SECRET "\n", 0600);
    assert_string_equal(applied(json_pack("{s:s, s:s}", "mas_client_id", ID,
                                    "mas_client_secret_path", place_path("secret")))
                            ->client_secret->bytes,
        SECRET);
    refused(json_pack("{s:s, s:s}", "mas_client_id", ID, "mas_client_secret_path",
                place_path("nothing")),
        "mas_client_secret_path: cannot read");
}

TEST(a_container_is_the_way_to_both_addresses)
{
    const struct mas_connection *mas = applied(json_pack("{s:s, s:s, s:s}", "mas_container",
        "mas", "mas_url", "http://mas:8080", "mas_admin_url", "http://mas:8081"));

    assert_true(mas->reach.into_container && mas->admin_reach.into_container);
    assert_ptr_equal(mas->finder.context, &connection.mas.container);
    assert_string_equal(mas->container.name, "mas");
    assert_string_equal(mas->command_container, "mas");
    assert_null(mas->command_config);
}

TEST(a_token_opens_mas_by_itself)
{
    assert_string_equal(
        applied(json_pack("{s:s}", "mas_token", "mpt_token"))->token->bytes, "mpt_token");
    assert_true(connection_opens_mas(&connection));
    refused(json_pack("{s:s}", "mas_token", SECRET "\n"), "characters that no token has");
}

TEST(a_client_has_an_id_that_mas_has_and_a_secret)
{
    refused(json_pack("{s:s, s:s}", "mas_client_id", "registrar", "mas_client_secret", SECRET),
        "a ULID: 26 digits and letters");
    refused(json_pack("{s:s}", "mas_client_id", ID),
        "mas_client_id needs mas_client_secret or mas_client_secret_path");
}

TEST(an_address_that_is_none_is_called_by_its_option)
{
    refused(json_pack("{s:s}", "mas_url", "auth.example.org"), "mas_url: ");
    refused(json_pack("{s:s}", "mas_url", "https://u:" SECRET "@h"), "mas_url: ");
    refused(json_pack("{s:s}", "mas_admin_url", "ftp://h"), "mas_admin_url: ");
}

/* Where nothing is said of a homeserver, it is MAS that is meant. */
TEST(an_address_of_mas_s_alone_means_mas)
{
    static const struct {
        const char *option;
        const char *value;
        const char *backend;
    } table[] = {{"server_name", "a.b", "mas"}, {"backend", "mas", "mas"},
        {"backend", "synapse", "synapse"}, {"url", "http://h:1", "auto"},
        {"unix_socket", "/run/s", "auto"}, {"container", "synapse", "auto"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        applied(json_pack("{s:s, s:s}", "mas_url", "http://h:2", table[i].option,
            table[i].value));
        assert_string_equal(connection.backend, table[i].backend);
    }
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(what_is_given_is_passed_on),
        IN_A_PLACE(without_any_there_is_nothing_of_mas),
        IN_A_PLACE(a_secret_may_be_in_a_file),
        IN_A_PLACE(a_container_is_the_way_to_both_addresses),
        IN_A_PLACE(a_token_opens_mas_by_itself),
        IN_A_PLACE(a_client_has_an_id_that_mas_has_and_a_secret),
        IN_A_PLACE(an_address_that_is_none_is_called_by_its_option),
        IN_A_PLACE(an_address_of_mas_s_alone_means_mas),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
