/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/account.h: the fields that are sets, which append or are exact
 * (library/matrix_user.yml, emails_mode and external_ids_mode). */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "accounts/account.h"

/* A set as "a b c", each a value of the key "k"; NULL: it is not stated. */
static void
put(struct account *account, enum account_field field, const char *values, bool append)
{
    struct pairs pairs = {.append = append};
    char copy[64], *rest = copy;
    struct error error = {0};

    if (account->localpart == NULL)
        assert_int_equal(account_name(account, "@alice:x", "alice", &error), 0);
    if (values == NULL)
        return;
    snprintf(copy, sizeof(copy), "%s", values);
    for (const char *value = strtok_r(copy, " ", &rest); value != NULL;
         value = strtok_r(NULL, " ", &rest))
        assert_int_equal(pairs_add(&pairs, "k", value, &error), 0);
    assert_int_equal(account_state_set(account, field, &pairs, &error), 0);
    pairs_free(&pairs);
}

static const char *
values_of(const struct account *account, enum account_field field)
{
    static char values[64];
    const struct pairs *pairs =
        field == ACCOUNT_EMAILS ? &account->emails : &account->external_ids;

    values[0] = '\0';
    for (size_t i = 0; i < pairs->count; i++) {
        size_t length = strlen(values);

        assert_string_equal(pairs->items[i].key, "k");
        snprintf(values + length, sizeof(values) - length, "%s%s", i > 0 ? " " : "",
            pairs->items[i].value);
    }
    return values;
}

static const struct row {
    bool append;
    const char *wanted, *observed;
    const char *final; /* NULL: no difference */
} rows[] = {
    /* append: at least these */
    {true, "a", "", "a"},
    {true, "a", "a", NULL},
    {true, "a", "a b", NULL},
    {true, "c", "a b", "a b c"},
    {true, "b c", "a b", "a b c"},
    {true, "b", "a c", "a b c"},
    {true, "", "a b", NULL},
    {true, "", "", NULL},
    /* exact: these and no others */
    {false, "a", "", "a"},
    {false, "a", "a", NULL},
    {false, "a", "a b", "a"},
    {false, "b a", "a b", NULL},
    {false, "c", "a b", "c"},
    {false, "a c", "a b", "a c"},
    {false, "", "a b", ""},
    {false, "", "", NULL},
};

static void
assert_difference(const struct row *row, enum account_field field)
{
    struct account wanted = {0}, observed = {0}, change = {0}, again = {0}, after = {0};
    struct error error = {0};

    put(&wanted, field, row->wanted, row->append);
    put(&observed, field, row->observed, false);
    assert_int_equal(account_difference(&change, &wanted, &observed, &error), 0);
    assert_int_equal(change.stated, row->final == NULL ? 0 : ACCOUNT_BIT(field));
    if (row->final != NULL) {
        const struct pairs *pairs =
            field == ACCOUNT_EMAILS ? &change.emails : &change.external_ids;

        assert_string_equal(values_of(&change, field), row->final);
        assert_false(pairs->append);
    }
    /* Applied, there is nothing left to do. */
    assert_int_equal(account_apply(&after, &observed, &change, &error), 0);
    assert_string_equal(values_of(&after, field),
        row->final == NULL ? values_of(&observed, field) : row->final);
    assert_int_equal(account_difference(&again, &wanted, &after, &error), 0);
    assert_int_equal(again.stated, 0);
    account_free(&wanted);
    account_free(&observed);
    account_free(&change);
    account_free(&again);
    account_free(&after);
}

TEST(a_set_differs_by_what_it_lacks_and_an_exact_one_by_what_is_too_much)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_difference(&rows[i], ACCOUNT_EMAILS);
        assert_difference(&rows[i], ACCOUNT_EXTERNAL_IDS);
    }
}

TEST(the_difference_leaves_wanted_and_observed_as_they_are)
{
    struct account wanted = {0}, observed = {0}, change = {0};
    struct error error = {0};

    put(&wanted, ACCOUNT_EMAILS, "c", true);
    put(&observed, ACCOUNT_EMAILS, "a b", false);
    assert_int_equal(account_difference(&change, &wanted, &observed, &error), 0);
    account_free(&change);
    assert_string_equal(values_of(&wanted, ACCOUNT_EMAILS), "c");
    assert_true(wanted.emails.append);
    assert_string_equal(values_of(&observed, ACCOUNT_EMAILS), "a b");
    account_free(&wanted);
    account_free(&observed);
}

/* A provider's ids are not another's. */
TEST(the_same_value_under_another_key_is_another_one)
{
    struct account wanted = {0}, observed = {0}, change = {0};
    struct pairs one = {.append = true}, other = {0};
    struct error error = {0};

    put(&wanted, ACCOUNT_EMAILS, NULL, false);
    put(&observed, ACCOUNT_EMAILS, NULL, false);
    assert_int_equal(pairs_add(&one, "oidc", "17", &error), 0);
    assert_int_equal(pairs_add(&other, "saml", "17", &error), 0);
    assert_int_equal(account_state_set(&wanted, ACCOUNT_EXTERNAL_IDS, &one, &error), 0);
    assert_int_equal(account_state_set(&observed, ACCOUNT_EXTERNAL_IDS, &other, &error), 0);
    assert_int_equal(account_difference(&change, &wanted, &observed, &error), 0);
    assert_int_equal(change.stated, ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS));
    assert_true(pairs_have(&change.external_ids, "oidc", "17"));
    assert_true(pairs_have(&change.external_ids, "saml", "17"));
    pairs_free(&one);
    pairs_free(&other);
    account_free(&change);
    account_free(&wanted);
    account_free(&observed);
}

TEST(a_set_is_taken_as_a_copy_in_place_of_the_one_before)
{
    struct account account = {0};
    struct pairs pairs = {.append = true};
    struct error error = {0};

    put(&account, ACCOUNT_EMAILS, "old", false);
    assert_int_equal(pairs_add(&pairs, "k", "new", &error), 0);
    assert_int_equal(account_state_set(&account, ACCOUNT_EMAILS, &pairs, &error), 0);
    pairs_free(&pairs);
    assert_string_equal(values_of(&account, ACCOUNT_EMAILS), "new");
    assert_true(account.emails.append);
    account_free(&account);
}

TEST(a_copy_appends_to_what_is_known_and_else_stays_a_wish)
{
    struct account from = {0}, to = {0};
    struct error error = {0};

    put(&from, ACCOUNT_EMAILS, "b", true);
    put(&from, ACCOUNT_EXTERNAL_IDS, "b", true);
    put(&to, ACCOUNT_EMAILS, "a", false);
    assert_int_equal(account_copy(&to, &from, &error), 0);
    assert_string_equal(values_of(&to, ACCOUNT_EMAILS), "a b");
    assert_false(to.emails.append);
    assert_string_equal(values_of(&to, ACCOUNT_EXTERNAL_IDS), "b");
    assert_true(to.external_ids.append);
    account_free(&from);
    account_free(&to);
}

TEST(a_copy_of_an_exact_set_replaces_what_is_known)
{
    struct account from = {0}, to = {0};
    struct error error = {0};

    put(&from, ACCOUNT_EMAILS, "b", false);
    put(&to, ACCOUNT_EMAILS, "a", false);
    assert_int_equal(account_copy(&to, &from, &error), 0);
    assert_string_equal(values_of(&to, ACCOUNT_EMAILS), "b");
    account_free(&from);
    account_free(&to);
}

TEST(a_copy_of_some_fields_leaves_the_others_out)
{
    struct account from = {0}, to = {0};
    struct error error = {0};

    put(&from, ACCOUNT_EMAILS, "b", false);
    put(&from, ACCOUNT_EXTERNAL_IDS, "b", false);
    put(&to, ACCOUNT_EMAILS, "a", false);
    assert_int_equal(
        account_copy_fields(&to, &from, ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS), &error), 0);
    assert_string_equal(values_of(&to, ACCOUNT_EMAILS), "a");
    assert_string_equal(values_of(&to, ACCOUNT_EXTERNAL_IDS), "b");
    account_free(&from);
    account_free(&to);
}

TEST(a_prediction_appends_to_what_was_seen)
{
    struct account observed = {0}, wanted = {0}, after = {0};
    struct error error = {0};

    put(&observed, ACCOUNT_EMAILS, "a", false);
    put(&wanted, ACCOUNT_EMAILS, "b", true);
    assert_int_equal(account_apply(&after, &observed, &wanted, &error), 0);
    assert_string_equal(values_of(&after, ACCOUNT_EMAILS), "a b");
    account_free(&after);
    account_free(&observed);
    account_free(&wanted);
}

/* What is wanted to be appended is told as an addition, even of nothing seen. */
TEST(what_is_wanted_at_least_is_set_and_an_empty_exact_set_is_cleared)
{
    struct account account = {0};

    put(&account, ACCOUNT_EMAILS, "a", true);
    put(&account, ACCOUNT_EXTERNAL_IDS, "", false);
    assert_string_equal(account_action(&account, ACCOUNT_EMAILS), "set emails");
    assert_string_equal(account_action(&account, ACCOUNT_EXTERNAL_IDS),
        "clear external_ids");
    account_free(&account);
}

/* Appending where memory is short must not lose what is there. */
static int
append_to_known(void *context, struct error *error)
{
    const struct account *accounts = context; /* wanted, observed */
    struct account change = {0};
    int result = account_difference(&change, &accounts[0], &accounts[1], error);

    if (result == 0 && strcmp(values_of(&change, ACCOUNT_EMAILS), "a b c") != 0)
        result = error_set(error, ERROR_INTERNAL, "it is to be %s",
            values_of(&change, ACCOUNT_EMAILS));
    account_free(&change);
    return result;
}

TEST(without_memory_a_difference_is_an_error_and_not_a_part_of_it)
{
    struct account accounts[2] = {{0}};

    put(&accounts[0], ACCOUNT_EMAILS, "c", true);
    put(&accounts[1], ACCOUNT_EMAILS, "a b", false);
    fail_each_allocation(append_to_known, accounts);
    account_free(&accounts[0]);
    account_free(&accounts[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_differs_by_what_it_lacks_and_an_exact_one_by_what_is_too_much),
        cmocka_unit_test(the_difference_leaves_wanted_and_observed_as_they_are),
        cmocka_unit_test(the_same_value_under_another_key_is_another_one),
        cmocka_unit_test(a_set_is_taken_as_a_copy_in_place_of_the_one_before),
        cmocka_unit_test(a_copy_appends_to_what_is_known_and_else_stays_a_wish),
        cmocka_unit_test(a_copy_of_an_exact_set_replaces_what_is_known),
        cmocka_unit_test(a_copy_of_some_fields_leaves_the_others_out),
        cmocka_unit_test(a_prediction_appends_to_what_was_seen),
        cmocka_unit_test(what_is_wanted_at_least_is_set_and_an_empty_exact_set_is_cleared),
        cmocka_unit_test(without_memory_a_difference_is_an_error_and_not_a_part_of_it),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("account sets", tests, NULL, NULL);
}
