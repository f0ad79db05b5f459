/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/location.h: what is wrong with a MAS that was found, and what is told of it. */
#include "support.h"

#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "location_mas_trial.h"
#include "private_place.h"

/* ---- Trouble ------------------------------------------------------------------------- */

TEST(a_mas_that_does_not_run_is_unreachable_where_it_is_needed)
{
    mas_engine_has_it(false);
    mas_not_located(MATRIX API CLIENT, SYNAPSE, ERROR_UNREACHABLE,
        "the container " MAS " is there, but does not run (exited)");
    assert_string_equal(mas_located(NULL, SYNAPSE ", 'mas_token': 'mpt_given'")->backend, "mas");
    assert_string_equal(mas_located(NULL, SYNAPSE ", 'backend': 'synapse'")->backend, "synapse");
}

TEST(a_mas_that_does_not_run_is_waited_for_where_it_has_to_be_found)
{
    long long began = stop_clock_ms();

    mas_engine_has_it(false);
    mas_not_located(MATRIX API CLIENT, SYNAPSE ", 'wait_timeout': 1", ERROR_UNREACHABLE,
        "does not run");
    assert_true(stop_clock_ms() - began >= 1000);
    began = stop_clock_ms();
    mas_located(NULL, SYNAPSE ", 'wait_timeout': 60, 'mas_url': 'http://h:1',"
                              " 'mas_token': 'mpt_given'");
    mas_located(NULL, SYNAPSE ", 'wait_timeout': 60, 'backend': 'synapse'");
    assert_true(stop_clock_ms() - began < 30000);
}

TEST(a_mas_that_is_another_homeservers_is_none)
{
    mas_not_located("matrix: {homeserver: example.com}\n" API CLIENT, SYNAPSE, ERROR_INVALID,
        "for \"example.com\", and the homeserver is \"example.org\"; give mas_url");
}

TEST(a_client_whose_secret_cannot_be_read_is_an_error_where_nothing_else_opens_mas)
{
    static const char yaml[] =
        MATRIX API DATABASE "policy: {data: {admin_clients: [" ID "]}}\n"
                            "clients: [{client_id: " ID
                            ", client_auth_method: client_secret_basic,"
                            " client_secret_file: /data/nothing}]\n";
    static const char no_database[] =
        MATRIX API "policy: {data: {admin_clients: [" ID "]}}\n"
                   "clients: [{client_id: " ID ", client_auth_method: client_secret_basic,"
                   " client_secret_file: /data/nothing}]\n";

    mas_not_located(no_database, SYNAPSE, ERROR_INVALID, "client_secret_file is a file that is not");
    assert_null(mas_located(yaml, SYNAPSE)->mas.client_id);
    assert_string_equal(mas_location.connection.backend, "mas");
}

/* ---- Told ---------------------------------------------------------------------------- */

TEST(what_is_told_of_it_has_no_secret)
{
    json_t *told, *mas, *expected;
    char *text;

    mas_located("# secrets\n" MATRIX API CLIENT DATABASE SCHEMES, SYNAPSE);
    told = location_describe(&mas_location.found);
    assert_non_null(told);
    text = json_dumps(told, 0);
    assert_not_in(SECRET, text);
    memory_free(text);
    assert_true(json_is_true(json_object_get(told, "mas")));
    mas = json_object_get(told, "mas_configuration");
    expected = json_pack("{s:[s], s:s, s:s, s:b, s:s, s:s, s:b}", "files",
        place_path("config.yaml"), "container", MAS, "url", "http://" MAS ":8080/auth",
        "admin_api", 1, "admin_url", "http://" MAS ":8080/auth", "client_id", ID, "database", 1);
    assert_true(json_equal(mas, expected));
    json_decref(expected);
    json_decref(told);
}

TEST(what_is_told_says_why_it_is_not_used)
{
    json_t *told;

    mas_located("matrix: {homeserver: example.com}\n", SYNAPSE ", 'backend': 'synapse'");
    told = location_describe(&mas_location.found);
    assert_in("for \"example.com\"", json_string_value(json_object_get(
                                         json_object_get(told, "mas_configuration"), "problem")));
    json_decref(told);
}

struct sought {
    size_t secrets; /* that are given and have SECRET in them */
};

static void
count_secret(const struct secret *secret, void *context)
{
    struct sought *sought = context;

    if (secret_given(secret) && strstr(secret->bytes, SECRET) != NULL)
        sought->secrets++;
}

TEST(every_secret_that_is_found_is_redacted)
{
    struct sought sought = {0};

    mas_located(MATRIX API CLIENT DATABASE SCHEMES, SYNAPSE);
    found_secrets(&mas_location.found, count_secret, &sought);
    /* The shared secret, the client's, the database's and the scheme's. */
    assert_int_equal(sought.secrets, 4);
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
find_again(void *context, struct error *error)
{
    struct location one;
    int result;

    (void)context;
    result = location_find(&mas_given, &one, error);
    location_free(&one);
    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    mas_located(MATRIX API CLIENT, SYNAPSE ", 'mas_container': '" MAS "'");
    fail_each_allocation(find_again, NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, mas_locating, mas_located_all)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_mas_that_does_not_run_is_unreachable_where_it_is_needed),
        IN_A_PLACE(a_mas_that_does_not_run_is_waited_for_where_it_has_to_be_found),
        IN_A_PLACE(a_mas_that_is_another_homeservers_is_none),
        IN_A_PLACE(
            a_client_whose_secret_cannot_be_read_is_an_error_where_nothing_else_opens_mas),
        IN_A_PLACE(what_is_told_of_it_has_no_secret),
        IN_A_PLACE(what_is_told_says_why_it_is_not_used),
        IN_A_PLACE(every_secret_that_is_found_is_redacted),
        IN_A_PLACE(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
