/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/task_rules.h. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "modules/task_rules.h"

#define WISHES 6

static const struct secret token = {.bytes = (char *)(uintptr_t)"t", .length = 1};
static const struct connection by_token = {.access_token = &token};
static const struct connection by_secret = {.shared_secret = &token};
static const struct connection by_service_account = {
    .shared_secret = &token, .service_account = "registrar-service"};

static const struct postgres_options rows;
static const struct connection by_database = {.database = &rows};

/* One user a name, NULL-terminated; for free_wishes. */
static size_t
make_wishes(struct wish wishes[WISHES], const char *const *names)
{
    struct error error = {0};
    size_t count = 0;

    memset(wishes, 0, WISHES * sizeof(wishes[0]));
    for (; names[count] != NULL; count++)
        assert_int_equal(user_id_parse(&wishes[count].id, names[count], &error), 0);
    return count;
}

static void
free_wishes(struct wish wishes[WISHES])
{
    for (size_t i = 0; i < WISHES; i++)
        wish_free(&wishes[i]);
}

static void
claim(struct wish *wish, enum account_field field, const char *key, const char *value)
{
    struct pairs set = {.append = true};
    struct error error = {0};

    assert_int_equal(pairs_add_all(&set,
                         field == ACCOUNT_EMAILS ? &wish->account.emails
                                                 : &wish->account.external_ids,
                         &error),
        0);
    assert_int_equal(pairs_add(&set, key, value, &error), 0);
    assert_int_equal(account_state_set(&wish->account, field, &set, &error), 0);
    pairs_free(&set);
}

static void
assert_fine(const struct wish *wishes, size_t count, const struct connection *connection)
{
    struct error error = {0};
    int result = task_rules_check(wishes, count, connection, &error);

    assert_kind(&error, ERROR_NONE);
    assert_int_equal(result, 0);
}

static void
assert_refused(const struct wish *wishes, size_t count, const struct connection *connection,
    const char *text)
{
    struct error error = {0};

    assert_int_equal(task_rules_check(wishes, count, connection, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(text, error.text);
}

static const char *const three[] = {"carol", "alice", "bob", NULL};
static const char *const five[] = {"a", "b", "c", "d", "e", NULL};

TEST(users_that_share_nothing_are_fine)
{
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, three);

    claim(&wishes[0], ACCOUNT_EMAILS, "email", "a@x.org");
    claim(&wishes[0], ACCOUNT_EMAILS, "email", "b@x.org");
    claim(&wishes[1], ACCOUNT_EMAILS, "email", "c@x.org");
    claim(&wishes[0], ACCOUNT_EXTERNAL_IDS, "one", "id");
    claim(&wishes[1], ACCOUNT_EXTERNAL_IDS, "two", "id");
    claim(&wishes[2], ACCOUNT_EXTERNAL_IDS, "one", "ID");
    claim(&wishes[2], ACCOUNT_EXTERNAL_IDS, "email", "a@x.org");
    assert_fine(wishes, count, &by_token);
    assert_fine(wishes, 0, &by_token);
    free_wishes(wishes);
}

TEST(a_name_is_there_once_however_it_is_written)
{
    static const char *const names[] = {"alice", "bob", "@Alice:example.org", NULL};
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, names);

    assert_refused(wishes, count, &by_token, "\"alice\" more than once");
    free_wishes(wishes);
}

TEST(an_address_of_two_users_is_refused_with_both_names)
{
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, three);

    claim(&wishes[0], ACCOUNT_EMAILS, "email", "a@x.org");
    claim(&wishes[0], ACCOUNT_EMAILS, "email", "shared@x.org");
    claim(&wishes[2], ACCOUNT_EMAILS, "email", "shared@x.org");
    claim(&wishes[2], ACCOUNT_EMAILS, "email", "z@x.org");
    assert_refused(wishes, count, &by_token,
        "emails of both bob and carol have \"shared@x.org\"");
    free_wishes(wishes);
}

TEST(an_id_elsewhere_of_two_users_is_refused_with_both_names)
{
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, three);

    claim(&wishes[0], ACCOUNT_EXTERNAL_IDS, "oidc", "7");
    claim(&wishes[1], ACCOUNT_EXTERNAL_IDS, "oidc", "8");
    claim(&wishes[1], ACCOUNT_EXTERNAL_IDS, "oidc", "7");
    assert_refused(wishes, count, &by_token,
        "external_ids of both alice and carol have the id \"7\" of \"oidc\"");
    free_wishes(wishes);
}

TEST(more_than_three_logins_to_verify_are_refused_whoever_works)
{
    static const struct connection *const connections[] = {
        &by_token, &by_secret, &by_service_account};
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, five);

    for (size_t i = 0; i < 3; i++)
        wishes[i].verify_login = true;
    for (size_t i = 0; i < COUNT(connections); i++)
        assert_fine(wishes, count, connections[i]);
    wishes[4].verify_login = true;
    for (size_t i = 0; i < COUNT(connections); i++)
        assert_refused(wishes, count, connections[i], "verify_login takes a login a user");
    free_wishes(wishes);
}

TEST(more_than_three_logins_of_users_are_refused_where_nobody_may_administrate)
{
    struct wish wishes[WISHES];
    size_t count = make_wishes(wishes, five);

    wishes[0].if_exists = wishes[1].if_exists = IF_EXISTS_MATCH;
    wishes[2].update_password = UPDATE_PASSWORD_ALWAYS;
    assert_fine(wishes, count, &by_secret);
    wishes[4].update_password = UPDATE_PASSWORD_ALWAYS;
    /* No question, no login. */
    assert_fine(wishes, count, &by_secret);
    wishes[4].password_probe = wishes[2].password_probe = true;
    assert_refused(wishes, count, &by_secret, "here 4 do");
    assert_fine(wishes, count, &by_service_account);
    assert_fine(wishes, count, &by_token);
    /* The stored hash answers. */
    assert_fine(wishes, count, &by_database);
    free_wishes(wishes);
}

static int
check(void *context, struct error *error)
{
    return task_rules_check(context, 3, &by_token, error);
}

TEST(without_memory_nothing_is_found_fine)
{
    struct wish wishes[WISHES];

    make_wishes(wishes, three);
    claim(&wishes[0], ACCOUNT_EMAILS, "email", "a@x.org");
    claim(&wishes[0], ACCOUNT_EXTERNAL_IDS, "p", "i");
    fail_each_allocation(check, wishes);
    claim(&wishes[1], ACCOUNT_EXTERNAL_IDS, "p", "i");
    fail_each_allocation(check, wishes);
    free_wishes(wishes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_that_share_nothing_are_fine),
        cmocka_unit_test(a_name_is_there_once_however_it_is_written),
        cmocka_unit_test(an_address_of_two_users_is_refused_with_both_names),
        cmocka_unit_test(an_id_elsewhere_of_two_users_is_refused_with_both_names),
        cmocka_unit_test(more_than_three_logins_to_verify_are_refused_whoever_works),
        cmocka_unit_test(
            more_than_three_logins_of_users_are_refused_where_nobody_may_administrate),
        cmocka_unit_test(without_memory_nothing_is_found_fine),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("modules/task_rules", tests, NULL, NULL);
}
