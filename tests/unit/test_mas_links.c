/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/links.h, by the answers of MAS 1.22.0 and of older ones. */
#include "mas_api_trial.h"

#include <stdio.h>

#include "backends/mas/api.h"
#include "backends/mas/links.h"

#define PROVIDERS API "/upstream-oauth-providers"
#define LINKS API "/upstream-oauth-links"
#define P1 "01M84H4K0XFDGJFSFZ0ASDT3P1"
#define P2 "01M84H4K0XFDGJFSFZ0ASDT3P2"
#define P3 "01M84H4K0XFDGJFSFZ0ASDT3P3"
#define PROVIDER(id, issuer, human, brand, disabled)                                       \
    "{\"type\":\"upstream-oauth-provider\",\"id\":\"" id "\",\"attributes\":{\"issuer\":"  \
    issuer ",\"human_name\":" human ",\"brand_name\":" brand ",\"created_at\":" MOMENT     \
    ",\"disabled_at\":" disabled ",\"registration_token_required\":false}}"
#define LINK(id, provider, subject, owner)                                                 \
    "{\"type\":\"upstream-oauth-link\",\"id\":\"" id "\",\"attributes\":{\"created_at\":"  \
    MOMENT ",\"provider_id\":\"" provider "\",\"subject\":\"" subject "\",\"user_id\":"    \
    owner ",\"human_account_name\":null}}"
#define OURS "\"" U "\""
#define THEIRS "\"" U2 "\""
#define OF_ALICE LINKS "?" FILTER("user") U

#define ALL                                                                                \
    {"GET " PROVIDERS, 200, JSON,                                                          \
        LIST(PROVIDER(P1, "\"https://id.example/\"", "\"Company\"", "null", "null") ","    \
            PROVIDER(P2, "\"https://accounts.google.com\"", "\"Google\"", "\"google\"",    \
                "null") ","                                                                \
            PROVIDER(P3, "\"https://old.example\"", "\"Company\"", "\"google\"", MOMENT))}

static const struct mas_user alice = {.id = U};

static struct mas_api_trial trial;
static struct pairs links;

static int
clean_up(void **state)
{
    (void)state;
    pairs_free(&links);
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* ---- Providers -------------------------------------------------------------------------- */

TEST(a_provider_is_known_by_any_of_its_names_and_asked_for_once)
{
    static const struct recorded_reply replies[] = {ALL, {0}};
    static const struct {
        const char *written, *id;
    } table[] = {
        {P1, P1}, {"01m84h4k0xfdgjfsfz0asdt3p1", P1}, {"https://id.example/", P1},
        {"https://id.example", P1}, {"Company", P1}, {"https://accounts.google.com/", P2},
        {"Google", P2}, {"google", P2},
    };

    mas_api_start(&trial, replies);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};
        char id[MAS_ID_SIZE];

        links_provider(&trial.backend, table[i].written, id, &error);
        assert_kind(&error, ERROR_NONE);
        assert_string_equal(id, table[i].id);
    }
    mas_api_assert_asked("GET " PROVIDERS "?" FIRST " mpt_admin\n");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(a_provider_that_is_switched_off_is_told)
{
    static const struct recorded_reply replies[] = {ALL, {0}};
    struct error error = {0};
    char id[MAS_ID_SIZE];

    mas_api_start(&trial, replies);
    assert_int_equal(links_provider(&trial.backend, "https://old.example", id, &error), 0);
    assert_string_equal(id, P3);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("switched off", trial.warnings.items[0]);
}

TEST(a_provider_that_is_none_is_invalid)
{
    static const struct recorded_reply replies[] = {ALL, {0}};
    static const char *const written[] = {"oidc", "", "/", "company", U,
        "https://id.example//", "null"};

    mas_api_start(&trial, replies);
    for (size_t i = 0; i < COUNT(written); i++) {
        struct error error = {0};
        char id[MAS_ID_SIZE];

        assert_int_equal(links_provider(&trial.backend, written[i], id, &error), -1);
        assert_kind(&error, ERROR_INVALID);
        assert_in("upstream_oauth2.providers", error.text);
        assert_in("matrix_authentication_service_config_upstream_oauth2_providers", error.text);
    }
}

TEST(a_name_of_two_providers_is_invalid)
{
    static const struct recorded_reply replies[] = {
        {"GET " PROVIDERS, 200, JSON,
            LIST(PROVIDER(P1, "null", "\"one\"", "\"google\"", "null") ","
                PROVIDER(P2, "null", "\"google\"", "null", "null"))},
        {0}};
    struct error error = {0};
    char id[MAS_ID_SIZE];

    mas_api_start(&trial, replies);
    assert_int_equal(links_provider(&trial.backend, "google", id, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("2 providers", error.text);
    assert_in("ULID", error.text);
}

/* Providers can be listed since 1.3.0, links were there since 0.15.0. */
TEST(where_providers_cannot_be_listed_it_takes_their_ulid)
{
    static const struct recorded_reply replies[] = {{"GET " PROVIDERS, NO_ROUTE},
        {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")}, {0}};
    struct error error = {0};
    char id[MAS_ID_SIZE];

    mas_api_start(&trial, replies);
    assert_int_equal(links_provider(&trial.backend, P1, id, &error), 0);
    assert_string_equal(id, P1);
    assert_int_equal(links_provider(&trial.backend, "google", id, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("1.3.0", error.text);
    assert_in("give its ULID", error.text);
}

TEST(an_api_that_is_switched_off_takes_no_ulid_either)
{
    static const struct recorded_reply replies[] = {{"GET ", NO_ROUTE}, {0}};
    struct error error = {0};
    char id[MAS_ID_SIZE];

    mas_api_start(&trial, replies);
    assert_int_equal(links_provider(&trial.backend, P1, id, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
}

/* ---- Links ------------------------------------------------------------------------------ */

TEST(a_users_links_are_listed)
{
    static const struct recorded_reply replies[] = {
        {"GET " OF_ALICE "&" FIRST, 200, JSON,
            LIST(LINK(ID, P1, "sub1", OURS) "," LINK(ID2, P2, "sub2", THEIRS) ","
                LINK(U2, P2, "sub3", "null"))},
        {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    api_way.links(&trial.backend, &alice, &links, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(links.count, 1);
    assert_true(pairs_have(&links, P1, "sub1"));
}

TEST(links_that_make_no_sense_are_an_error)
{
    static const char *const items[] = {
        LINK(ID, "x", "sub1", OURS),
        LINK(ID, P1, "sub1", "5"),
        LINK(ID, P1, "sub1", "\"x\""),
        "{\"id\":\"" ID "\",\"attributes\":{\"provider_id\":\"" P1 "\",\"user_id\":null}}",
        "{\"id\":\"" ID "\",\"attributes\":{\"subject\":\"sub1\"}}",
    };

    for (size_t i = 0; i < COUNT(items); i++) {
        char body[600];
        const struct recorded_reply replies[] = {{"GET ", 200, JSON, body}, {0}};
        struct error error = {0};

        snprintf(body, sizeof(body), "{\"data\":[%s]}", items[i]);
        mas_api_start(&trial, replies);
        assert_int_equal(api_way.links(&trial.backend, &alice, &links, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        clean_up(NULL);
    }
}

#define ADDED                                                                              \
    "POST " LINKS " mpt_admin {\"user_id\":\"" U "\",\"provider_id\":\"" P2                \
    "\",\"subject\":\"a&b\"}\n"
#define THE_LINK LINKS "?" FILTER("provider") P2 "&" FILTER("subject") "a%26b&" FIRST
#define TAKEN                                                                              \
    {"POST " LINKS, 409, JSON,                                                             \
        REFUSAL("Upstream Oauth 2.0 Provider ID " P2 " with subject a&b is already linked " \
                "to a user")}

TEST(a_link_is_added_by_the_providers_name)
{
    static const struct recorded_reply replies[] = {
        ALL, {"POST " LINKS, 201, JSON, "{\"data\":" LINK(ID, P2, "a&b", OURS) "}"}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.add_link(&trial.backend, &alice, "google", "a&b", &error), 0);
    mas_api_assert_asked("GET " PROVIDERS "?" FIRST " mpt_admin\n" ADDED);
}

TEST(a_link_that_the_user_has_by_then_is_no_error)
{
    static const struct recorded_reply replies[] = {
        ALL, TAKEN, {"GET " THE_LINK, 200, JSON, LIST(LINK(ID, P2, "a&b", OURS))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.add_link(&trial.backend, &alice, P2, "a&b", &error), 0);
    assert_kind(&error, ERROR_NONE);
}

TEST(a_link_of_another_user_is_a_conflict)
{
    static const struct recorded_reply replies[] = {
        ALL, TAKEN, {"GET " THE_LINK, 200, JSON, LIST(LINK(ID, P2, "a&b", THEIRS))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.add_link(&trial.backend, &alice, P2, "a&b", &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
}

TEST(a_provider_that_is_gone_by_then_is_not_found)
{
    static const struct recorded_reply replies[] = {ALL,
        {"POST " LINKS, 404, JSON, REFUSAL("Upstream OAuth 2.0 Provider ID " P2 " not found")},
        {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.add_link(&trial.backend, &alice, P2, "a&b", &error), -1);
    assert_kind(&error, ERROR_NOT_FOUND);
}

TEST(a_link_is_removed_and_no_other)
{
    static const struct recorded_reply replies[] = {
        {"GET " OF_ALICE, 200, JSON,
            LIST(LINK(ID, P2, "a", OURS) "," LINK(ID2, P2, "a&b", OURS) ","
                LINK(U2, P1, "a&b", OURS))},
        {"DELETE ", 204, NULL, ""}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.remove_link(&trial.backend, &alice, P2, "a&b", &error), 0);
    mas_api_assert_asked(
        "GET " OF_ALICE "&" FILTER("provider") P2 "&" FILTER("subject") "a%26b&" FIRST
        " mpt_admin\nDELETE " LINKS "/" ID2 " mpt_admin\n");
}

static int
do_all(void *context, struct error *error)
{
    int result = api_way.links(&trial.backend, &alice, &links, error);

    (void)context;
    if (result == 0)
        result = api_way.add_link(&trial.backend, &alice, "google", "a&b", error);
    if (result == 0)
        result = api_way.remove_link(&trial.backend, &alice, "google", "a&b", error);
    pairs_free(&links);
    links_forget(&trial.backend);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {ALL, TAKEN,
        {"GET " LINKS, 200, JSON, LIST(LINK(ID, P2, "a&b", OURS))},
        {"DELETE ", 204, NULL, ""}, {0}};

    mas_api_start(&trial, replies);
    fail_each_allocation(do_all, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_provider_is_known_by_any_of_its_names_and_asked_for_once),
        TRIAL(a_provider_that_is_switched_off_is_told),
        TRIAL(a_provider_that_is_none_is_invalid),
        TRIAL(a_name_of_two_providers_is_invalid),
        TRIAL(where_providers_cannot_be_listed_it_takes_their_ulid),
        TRIAL(an_api_that_is_switched_off_takes_no_ulid_either),
        TRIAL(a_users_links_are_listed),
        TRIAL(links_that_make_no_sense_are_an_error),
        TRIAL(a_link_is_added_by_the_providers_name),
        TRIAL(a_link_that_the_user_has_by_then_is_no_error),
        TRIAL(a_link_of_another_user_is_a_conflict),
        TRIAL(a_provider_that_is_gone_by_then_is_not_found),
        TRIAL(a_link_is_removed_and_no_other),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
