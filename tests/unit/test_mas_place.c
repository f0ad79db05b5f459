/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/place.h and metadata.h: where MAS is, as given or as a recorded
 * homeserver says. Replies are those of Synapse 1.163 with MAS 1.22 behind it.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/mas/place.h"
#include "backends/mas/state.h"
#include "recorded_server.h"

#define METADATA "/_matrix/client/v1/auth_metadata"
#define UNSTABLE "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata"
#define GRAPHQL "org.matrix.matrix-authentication-service.graphql_endpoint"
#define WELL_KNOWN "/.well-known/openid-configuration"
#define NOT_FOUND                                                                          \
    "{\"errcode\": \"M_NOT_FOUND\","                                                       \
    " \"error\": \"OIDC discovery has not been configured on this homeserver\"}"

static struct recorded_server *homeserver, *mas;
static struct connection connection;
static struct backend backend;
static struct mas_state own;

static int
serve(void **cmocka_state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)cmocka_state;
    use_program_memory();
    homeserver = recorded_server_start(nothing);
    mas = recorded_server_start(nothing);
    return 0;
}

static int
serve_no_more(void **cmocka_state)
{
    (void)cmocka_state;
    recorded_server_stop(homeserver);
    recorded_server_stop(mas);
    return 0;
}

static int
start(void **cmocka_state)
{
    static const struct recorded_reply nothing[] = {{0}};

    (void)cmocka_state;
    recorded_server_say(homeserver, nothing);
    recorded_server_say(mas, nothing);
    recorded_server_log(homeserver);
    recorded_server_log(mas);
    connection = (struct connection){
        .backend = "mas",
        .http = {.url = recorded_server_url(homeserver),
            .validate_certs = true,
            .timeout_ms = 10000},
    };
    return 0;
}

static int
open_it(struct error *error)
{
    own = (struct mas_state){0};
    backend = (struct backend){.connection = &connection, .state = &own};
    retry_init(&backend.retry, 0, 0);
    backend.matrix.retry = &backend.retry;
    if (connection.http.url != NULL) {
        backend.matrix.http = http_open(&connection.http, error);
        if (backend.matrix.http == NULL)
            return -1;
    }
    return place_open(&backend, error);
}

static void
close_it(void)
{
    place_close(&backend);
    http_close(backend.matrix.http);
}

static void
opened_well(void)
{
    struct error error = {0};

    if (open_it(&error) != 0)
        fail_msg("%s", error.text);
}

static void
refused(enum error_kind kind, const char *words)
{
    struct error error = {0};

    assert_int_equal(open_it(&error), -1);
    assert_kind(&error, kind);
    assert_in(words, error.text);
    close_it();
}

/* The homeserver names MAS at this base; with graphql it is MAS. */
static void
homeserver_names(const char *base, const char *path, bool is_mas)
{
    static char body[600];
    const struct recorded_reply replies[] = {
        {path, 200, NULL, body}, {"/", 404, NULL, NOT_FOUND}, {0}};

    snprintf(body, sizeof(body),
        "{\"issuer\": \"https://elsewhere.example.org/\","
        " \"token_endpoint\": \"%s/oauth2/token\"%s%s%s}",
        base, is_mas ? ", \"" GRAPHQL "\": \"" : "", is_mas ? base : "",
        is_mas ? "/graphql\"" : "");
    recorded_server_say(homeserver, replies);
}

static void
mas_answers(const char *path)
{
    const struct recorded_reply replies[] = {
        {path, 200, NULL, "{\"token_endpoint\": \"http://public.example.org/oauth2/token\"}"},
        {"/", 404, "Content-Type: text/html\r\n", "<html></html>"}, {0}};

    recorded_server_say(mas, replies);
}

static const char *
mas_at(const char *prefix)
{
    static char base[100];

    snprintf(base, sizeof(base), "%s%s", recorded_server_url(mas), prefix);
    return base;
}

/* ---- What is given ------------------------------------------------------------------- */

TEST(where_it_is_given_nobody_is_asked)
{
    connection.mas.url = mas_at("/auth/");
    opened_well();
    assert_string_equal(http_origin(own.oauth.http), recorded_server_url(mas));
    assert_ptr_equal(own.oauth.http, own.admin.http);
    assert_ptr_equal(own.oauth.retry, &backend.retry);
    assert_null(own.base);
    close_it();
    assert_null(own.oauth.http);
    assert_null(own.admin.http);
    assert_string_equal(recorded_server_log(homeserver), "");
    assert_string_equal(recorded_server_log(mas), "");
}

TEST(no_homeserver_has_to_be_known)
{
    connection.http.url = NULL;
    connection.mas.url = mas_at("");
    opened_well();
    assert_string_equal(http_origin(own.oauth.http), recorded_server_url(mas));
    close_it();
    connection.mas.url = NULL;
    refused(ERROR_INVALID, "give mas_url, or url");
}

TEST(an_admin_api_elsewhere_has_a_client_of_its_own)
{
    connection.mas.url = mas_at("");
    connection.mas.admin_url = "http://127.0.0.1:8081";
    opened_well();
    assert_ptr_not_equal(own.oauth.http, own.admin.http);
    assert_string_equal(http_origin(own.admin.http), "http://127.0.0.1:8081");
    close_it();
    connection.mas.admin_url = connection.mas.url;
    opened_well();
    assert_ptr_equal(own.oauth.http, own.admin.http);
    close_it();
    /* At the same address by another way. */
    connection.mas.admin_reach.address = "127.0.0.2";
    opened_well();
    assert_ptr_not_equal(own.oauth.http, own.admin.http);
    close_it();
}

TEST(the_way_is_its_own_and_the_rest_is_the_homeservers)
{
    static const struct engine_options engine = {.timeout_ms = 1000};

    connection_into_container(&connection, "matrix-synapse", &engine);
    connection_mas_into_container(&connection.mas, "mas", &engine);
    connection.http.forwarded = true;
    connection.http.ca_path = "/etc/ca.pem";
    connection.mas.url = "http://mas:8080";
    connection.mas.reach.into_container = true;
    connection.mas.admin_url = "http://mas:8081";
    connection.mas.admin_reach.unix_socket = "/run/mas.sock";
    opened_well();
    assert_ptr_equal(own.oauth_options.finder, &connection.mas.finder);
    assert_string_equal(http_origin(own.oauth.http), "http://mas:8080 (container mas)");
    assert_null(own.oauth_options.unix_socket);
    assert_false(own.oauth_options.forwarded);
    assert_false(own.oauth_options.use_proxy);
    assert_true(own.oauth_options.validate_certs);
    assert_string_equal(own.oauth_options.ca_path, "/etc/ca.pem");
    assert_int_equal(own.oauth_options.timeout_ms, 10000);
    assert_null(own.admin_options.finder);
    assert_string_equal(own.admin_options.unix_socket, "/run/mas.sock");
    close_it();
}

/* ---- What the homeserver says -------------------------------------------------------- */

TEST(the_base_is_that_of_the_token_endpoint)
{
    homeserver_names(mas_at("/auth"), METADATA, true);
    mas_answers("GET /auth" WELL_KNOWN " ");
    opened_well();
    assert_string_equal(own.base, mas_at("/auth"));
    assert_string_equal(recorded_server_log(homeserver), "GET " METADATA " -\n");
    assert_string_equal(recorded_server_log(mas), "GET /auth" WELL_KNOWN " -\n");
    close_it();
    homeserver_names(mas_at(""), METADATA, true);
    mas_answers("GET " WELL_KNOWN " ");
    opened_well();
    assert_string_equal(own.base, mas_at(""));
    close_it();
    assert_null(own.base);
}

/* Synapse before 1.136 */
TEST(the_unstable_path_is_asked_where_the_other_one_is_not_there)
{
    homeserver_names(mas_at(""), UNSTABLE, true);
    mas_answers("GET " WELL_KNOWN " ");
    opened_well();
    assert_string_equal(recorded_server_log(homeserver),
        "GET " METADATA " -\nGET " UNSTABLE " -\n");
    close_it();
}

TEST(a_homeserver_that_has_its_accounts_itself_is_refused)
{
    static const struct recorded_reply none[] = {{"/", 404, NULL, NOT_FOUND}, {0}};

    recorded_server_say(homeserver, none);
    refused(ERROR_INVALID, "give mas_url; otherwise backend is not mas");
}

TEST(another_service_than_mas_is_refused)
{
    homeserver_names(mas_at(""), METADATA, false);
    refused(ERROR_UNSUPPORTED, "not Matrix Authentication Service");
    assert_string_equal(recorded_server_log(mas), "");
}

/* It asks MAS once, at its first need. */
TEST(a_homeserver_that_cannot_reach_mas_answers_500)
{
    static const struct recorded_reply down[] = {
        {METADATA, 500, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Internal server error\"}"},
        {0}};

    recorded_server_say(homeserver, down);
    refused(ERROR_NOT_READY, "cannot reach Matrix Authentication Service");
    assert_string_equal(recorded_server_log(homeserver), "GET " METADATA " -\n");
}

TEST(an_endpoint_that_shows_no_base_is_refused)
{
    static const struct {
        const char *endpoint;
        const char *words;
    } table[] = {
        {"\"https://h/token\"", "does not end in /oauth2/token"},
        {"\"/oauth2/token\"", "does not end in /oauth2/token"},
        {"\"ftp://h/oauth2/token\"", "is no address"},
        {"\"https://u:p@h/oauth2/token\"", "is no address"},
        {"7", "no usable \"token_endpoint\""},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char body[300];
        const struct recorded_reply replies[] = {{METADATA, 200, NULL, body}, {0}};

        snprintf(body, sizeof(body), "{\"token_endpoint\": %s, \"" GRAPHQL "\": \"x\"}",
            table[i].endpoint);
        recorded_server_say(homeserver, replies);
        refused(ERROR_PROTOCOL, table[i].words);
    }
}

/* A port where nobody listens any more. */
TEST(a_public_address_that_cannot_be_reached_names_what_to_give)
{
    static const struct recorded_reply nothing[] = {{0}};
    struct recorded_server *gone = recorded_server_start(nothing);
    char base[100];

    snprintf(base, sizeof(base), "%s/auth", recorded_server_url(gone));
    recorded_server_stop(gone);
    homeserver_names(base, METADATA, true);
    refused(ERROR_UNREACHABLE, "give mas_url, the address");
    refused(ERROR_UNREACHABLE, base);
}

TEST(a_public_address_with_something_else_names_what_to_give)
{
    homeserver_names(mas_at("/auth"), METADATA, true);
    mas_answers("GET " WELL_KNOWN " ");
    refused(ERROR_PROTOCOL, "give mas_url, the address");
}

/* ---- Trust --------------------------------------------------------------------------- */

static const char *
distrusts(const struct http_options *http, const char *given, const char *named)
{
    struct error error = {0};
    struct url one, other;
    const char *why;

    assert_int_equal(url_parse(&one, given, &error), 0);
    assert_int_equal(url_parse(&other, named, &error), 0);
    why = place_distrust(http, &one, &other);
    url_free(&one);
    url_free(&other);
    return why;
}

TEST(a_secret_goes_to_a_named_place_over_verified_https)
{
    const struct http_options verified = {.validate_certs = true};
    const struct http_options blind = {0};

    assert_null(distrusts(&verified, "http://127.0.0.1:8008", "https://auth.example.org"));
    assert_null(distrusts(&verified, "https://matrix.example.org", "https://auth.example.org"));
    assert_non_null(distrusts(&blind, "http://127.0.0.1:8008", "https://auth.example.org"));
    assert_non_null(distrusts(&blind, "https://a.example.org", "https://b.example.org"));
}

TEST(a_secret_goes_to_the_host_that_is_given)
{
    const struct http_options blind = {0};

    assert_null(distrusts(&blind, "http://127.0.0.1:8008", "http://127.0.0.1:8080/auth"));
    assert_null(distrusts(&blind, "https://H.example.org", "https://h.example.org/auth"));
    assert_null(distrusts(&blind, "http://h.example.org", "https://h.example.org/auth"));
    assert_non_null(distrusts(&blind, "http://127.0.0.1:8008", "http://127.0.0.2:8080"));
    assert_non_null(distrusts(&blind, "http://127.0.0.1:8008", "http://auth.example.org"));
}

TEST(a_secret_never_goes_from_https_to_http)
{
    const struct http_options verified = {.validate_certs = true};

    assert_non_null(distrusts(&verified, "https://h.example.org", "http://h.example.org"));
    assert_non_null(distrusts(&verified, "https://h.example.org", "http://127.0.0.1:8080"));
}

/* The host of its URL is not one of this machine's then. */
TEST(a_way_into_a_container_is_no_host_that_is_given)
{
    const struct route_finder finder = {0};
    const struct http_options inside = {.finder = &finder, .validate_certs = true};
    const struct http_options socket = {.unix_socket = "/run/s", .validate_certs = true};
    const struct http_options address = {.address = "10.0.0.1", .validate_certs = true};

    assert_non_null(distrusts(&inside, "http://localhost:8008", "http://localhost:8080"));
    assert_non_null(distrusts(&socket, "http://localhost", "http://localhost:8080"));
    assert_non_null(distrusts(&address, "http://localhost", "http://localhost:8080"));
    assert_null(distrusts(&inside, "http://synapse:8008", "https://auth.example.org"));
}

TEST(where_no_secret_may_go_nothing_is_asked)
{
    homeserver_names("http://127.0.0.2:1", METADATA, true);
    refused(ERROR_INVALID, "http://127.0.0.2:1, which is not protected");
    homeserver_names("http://127.0.0.2:1", METADATA, true);
    refused(ERROR_INVALID, "no secret is sent there; give mas_url");
}

/* ---- Memory -------------------------------------------------------------------------- */

static int
open_again(void *context, struct error *error)
{
    int result = open_it(error);

    (void)context;
    close_it();
    /* libcurl reports some failures of memory as others of the connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

/* Without a homeserver's answer, whose long key jansson 2.14 reads wrongly when its own
 * buffer cannot grow. */
TEST(each_failed_allocation_is_an_error)
{
    connection.mas.url = mas_at("/auth");
    connection.mas.admin_url = "http://127.0.0.1:8081";
    fail_each_allocation(open_again, NULL);
}

#define STARTED(test) cmocka_unit_test_setup(test, start)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(where_it_is_given_nobody_is_asked),
        STARTED(no_homeserver_has_to_be_known),
        STARTED(an_admin_api_elsewhere_has_a_client_of_its_own),
        STARTED(the_way_is_its_own_and_the_rest_is_the_homeservers),
        STARTED(the_base_is_that_of_the_token_endpoint),
        STARTED(the_unstable_path_is_asked_where_the_other_one_is_not_there),
        STARTED(a_homeserver_that_has_its_accounts_itself_is_refused),
        STARTED(another_service_than_mas_is_refused),
        STARTED(a_homeserver_that_cannot_reach_mas_answers_500),
        STARTED(an_endpoint_that_shows_no_base_is_refused),
        STARTED(a_public_address_that_cannot_be_reached_names_what_to_give),
        STARTED(a_public_address_with_something_else_names_what_to_give),
        STARTED(a_secret_goes_to_a_named_place_over_verified_https),
        STARTED(a_secret_goes_to_the_host_that_is_given),
        STARTED(a_secret_never_goes_from_https_to_http),
        STARTED(a_way_into_a_container_is_no_host_that_is_given),
        STARTED(where_no_secret_may_go_nothing_is_asked),
        STARTED(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, serve, serve_no_more);
}
