/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/emails.h, by the answers of MAS 1.22.0. */
#include "mas_api_trial.h"

#include <stdio.h>

#include "backends/mas/api.h"

#define EMAILS API "/user-emails"
#define OF_ALICE EMAILS "?" FILTER("user") U "&" FIRST
#define OF_ADDRESS EMAILS "?" FILTER("email") "a%2Bb%40example.com&" FIRST
#define EMAIL(id, owner, email)                                                            \
    "{\"type\":\"user-email\",\"id\":\"" id "\",\"attributes\":{\"created_at\":" MOMENT    \
    ",\"user_id\":\"" owner "\",\"email\":\"" email "\"},\"links\":{\"self\":\"/x\"}}"
#define IN_USE 409, JSON, REFUSAL("User email \\\"a+b@example.com\\\" already in use")
#define ADDED                                                                              \
    EMAILS " mpt_admin {\"user_id\":\"" U "\",\"email\":\"a+b@example.com\"}\n"

static const char address[] = "a+b@example.com";
static const struct mas_user alice = {.id = U};

static struct mas_api_trial trial;
static struct pairs emails;

static int
clean_up(void **state)
{
    (void)state;
    pairs_free(&emails);
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

TEST(a_users_addresses_are_listed_in_canonical_form)
{
    static const struct recorded_reply replies[] = {
        {"GET " OF_ALICE AFTER ID, 200, JSON, LIST(EMAIL(ID2, U, "b@example.com"))},
        {"GET " OF_ALICE, 200, JSON, LIST_GOES_ON(EMAIL(ID, U, "Alice@Example.COM"))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    api_way.emails(&trial.backend, &alice, &emails, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(emails.count, 2);
    assert_true(pairs_have(&emails, "email", "alice@example.com"));
    assert_true(pairs_have(&emails, "email", "b@example.com"));
    mas_api_assert_asked("GET " OF_ALICE " mpt_admin\nGET " OF_ALICE AFTER ID " mpt_admin\n");
}

/* A server ignores filters that it does not know; mas-cli checks no address. */
TEST(addresses_of_others_are_left_out_and_odd_ones_kept)
{
    static const struct recorded_reply replies[] = {
        {"GET ", 200, JSON, LIST(EMAIL(ID, U2, "bob@example.com") "," EMAIL(ID2, U, "Odd@b@c"))},
        {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    api_way.emails(&trial.backend, &alice, &emails, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(emails.count, 1);
    assert_true(pairs_have(&emails, "email", "Odd@b@c"));
}

TEST(entries_that_make_no_sense_are_an_error)
{
    static const char *const items[] = {
        EMAIL(ID, "x", "a@x"),
        "{\"id\":\"" ID "\",\"attributes\":{\"email\":\"a@x\"}}",
        "{\"id\":\"" ID "\",\"attributes\":{\"user_id\":\"" U "\"}}",
        "{\"id\":\"" ID "\",\"attributes\":{\"user_id\":\"" U "\",\"email\":5}}",
        "{\"id\":5,\"attributes\":{\"user_id\":\"" U "\",\"email\":\"a@x\"}}",
        "{\"id\":\"" ID "\"}",
    };

    for (size_t i = 0; i < COUNT(items); i++) {
        char body[600];
        const struct recorded_reply replies[] = {{"GET ", 200, JSON, body}, {0}};
        struct error error = {0};

        snprintf(body, sizeof(body), "{\"data\":[%s]}", items[i]);
        mas_api_start(&trial, replies);
        assert_int_equal(api_way.emails(&trial.backend, &alice, &emails, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        clean_up(NULL);
    }
}

TEST(a_user_that_is_gone_by_then_is_not_found)
{
    static const struct recorded_reply replies[] = {
        {"GET ", 404, JSON, REFUSAL("User ID " U " not found")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.emails(&trial.backend, &alice, &emails, &error), -1);
    assert_kind(&error, ERROR_NOT_FOUND);
}

static const char *
owner_of(const char *body)
{
    static char owner[MAS_ID_SIZE];
    const struct recorded_reply replies[] = {{"GET " OF_ADDRESS, 200, JSON, body}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    api_way.email_owner(&trial.backend, address, owner, &error);
    assert_kind(&error, ERROR_NONE);
    mas_api_assert_asked("GET " OF_ADDRESS " mpt_admin\n");
    mas_api_end(&trial);
    return owner;
}

TEST(an_address_has_an_owner_or_none)
{
    assert_string_equal(owner_of(LIST("")), "");
    assert_string_equal(owner_of(LIST(EMAIL(ID, U2, "A+B@example.com"))), U2);
    /* One that ignored the filter. */
    assert_string_equal(owner_of(LIST(EMAIL(ID, U2, "b@example.com"))), "");
    assert_string_equal(
        owner_of(LIST(EMAIL(ID, U2, "b@example.com") "," EMAIL(ID2, U, "a+b@example.com"))), U);
}

static int
add(struct error *error)
{
    return api_way.add_email(&trial.backend, &alice, "alice", address, error);
}

TEST(an_address_is_added)
{
    static const struct recorded_reply replies[] = {
        {"POST " EMAILS, 201, JSON, "{\"data\":" EMAIL(ID, U, "a+b@example.com") "}"}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(add(&error), 0);
    mas_api_assert_asked("POST " ADDED);
}

TEST(an_address_that_the_user_has_by_then_is_no_error)
{
    static const struct recorded_reply replies[] = {{"POST " EMAILS, IN_USE},
        {"GET " OF_ADDRESS, 200, JSON, LIST(EMAIL(ID, U, "A+b@example.com"))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(add(&error), 0);
    assert_kind(&error, ERROR_NONE);
}

TEST(an_address_of_another_user_is_a_conflict)
{
    static const struct recorded_reply replies[] = {{"POST " EMAILS, IN_USE},
        {"GET " OF_ADDRESS, 200, JSON, LIST(EMAIL(ID, U2, "a+b@example.com"))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(add(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("giving alice an e-mail address", error.text);
    assert_in("another user", error.text);
}

TEST(an_address_that_mas_does_not_take_is_invalid)
{
    static const struct recorded_reply replies[] = {
        {"POST " EMAILS, 400, JSON,
            ERRORS(TITLE("Email \\\"a+b@example.com\\\" is not valid") ","
                TITLE("Invalid email user"))},
        {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(add(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("Invalid email user", error.text);
}

/* In two cases, as an older server or mas-cli may have let it come about. */
TEST(an_address_is_removed_in_all_its_cases)
{
    static const struct recorded_reply replies[] = {
        {"GET " OF_ALICE, 200, JSON,
            LIST(EMAIL(ID, U, "A+B@example.com") "," EMAIL(U2, U, "other@example.com") ","
                EMAIL(ID2, U, "a+b@example.com"))},
        {"DELETE " EMAILS "/" ID2, 404, JSON, REFUSAL("User email ID " ID2 " not found")},
        {"DELETE " EMAILS "/" ID, 204, NULL, ""}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    api_way.remove_email(&trial.backend, &alice, address, &error);
    assert_kind(&error, ERROR_NONE);
    mas_api_assert_asked("GET " OF_ALICE " mpt_admin\nDELETE " EMAILS "/" ID " mpt_admin\n"
                         "DELETE " EMAILS "/" ID2 " mpt_admin\n");
}

TEST(an_address_that_is_gone_is_removed)
{
    static const struct recorded_reply replies[] = {{"GET " OF_ALICE, 200, JSON, LIST("")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.remove_email(&trial.backend, &alice, address, &error), 0);
    mas_api_assert_asked("GET " OF_ALICE " mpt_admin\n");
}

TEST(an_address_that_cannot_be_removed_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {"GET ", 200, JSON, LIST(EMAIL(ID, U, "a+b@example.com"))},
        {"DELETE ", 500, JSON, REFUSAL("database is away")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(api_way.remove_email(&trial.backend, &alice, address, &error), -1);
    assert_kind(&error, ERROR_SERVER);
}

static int
do_all(void *context, struct error *error)
{
    char owner[MAS_ID_SIZE];
    int result = api_way.emails(&trial.backend, &alice, &emails, error);

    (void)context;
    if (result == 0)
        result = api_way.email_owner(&trial.backend, address, owner, error);
    if (result == 0)
        result = add(error);
    if (result == 0)
        result = api_way.remove_email(&trial.backend, &alice, address, error);
    pairs_free(&emails);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {{"POST " EMAILS, IN_USE},
        {"GET " EMAILS, 200, JSON, LIST(EMAIL(ID, U, "A+b@example.com"))},
        {"DELETE " EMAILS, 204, NULL, ""}, {0}};

    mas_api_start(&trial, replies);
    fail_each_allocation(do_all, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_users_addresses_are_listed_in_canonical_form),
        TRIAL(addresses_of_others_are_left_out_and_odd_ones_kept),
        TRIAL(entries_that_make_no_sense_are_an_error),
        TRIAL(a_user_that_is_gone_by_then_is_not_found),
        TRIAL(an_address_has_an_owner_or_none),
        TRIAL(an_address_is_added),
        TRIAL(an_address_that_the_user_has_by_then_is_no_error),
        TRIAL(an_address_of_another_user_is_a_conflict),
        TRIAL(an_address_that_mas_does_not_take_is_invalid),
        TRIAL(an_address_is_removed_in_all_its_cases),
        TRIAL(an_address_that_is_gone_is_removed),
        TRIAL(an_address_that_cannot_be_removed_is_an_error),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
