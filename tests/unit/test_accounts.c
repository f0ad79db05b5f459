/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/account.h. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "accounts/account.h"
#include "base/memory.h"

#define ALL (~0u)

static const unsigned deactivated = ACCOUNT_BIT(ACCOUNT_DEACTIVATED);
static const unsigned admin = ACCOUNT_BIT(ACCOUNT_ADMIN);
static const unsigned displayname = ACCOUNT_BIT(ACCOUNT_DISPLAYNAME);
static const unsigned password = ACCOUNT_BIT(ACCOUNT_PASSWORD);

/* @alice:x with the fields of mask stated: true, or the text. */
static struct account
account_with(unsigned mask, bool truth, const char *text)
{
    struct account account = {0};
    struct error error = {0};
    const struct secret secret = secret_over("hunter2");

    assert_int_equal(account_name(&account, "@alice:x", "alice", &error), 0);
    if ((mask & deactivated) != 0)
        account_state_bool(&account, ACCOUNT_DEACTIVATED, truth);
    if ((mask & admin) != 0)
        account_state_bool(&account, ACCOUNT_ADMIN, truth);
    if ((mask & displayname) != 0)
        assert_int_equal(account_state_text(&account, ACCOUNT_DISPLAYNAME, text, &error), 0);
    if ((mask & password) != 0)
        assert_int_equal(account_state_password(&account, &secret, &error), 0);
    return account;
}

static unsigned
difference(struct account wanted, struct account observed)
{
    struct account change = {0};
    struct error error = {0};
    unsigned stated;

    assert_int_equal(account_difference(&change, &wanted, &observed, &error), 0);
    stated = change.stated;
    account_free(&change);
    account_free(&wanted);
    account_free(&observed);
    return stated;
}

TEST(an_account_states_nothing_until_it_is_told)
{
    struct account account = {0};

    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        assert_false(account_states(&account, (enum account_field)field));
    account_state_bool(&account, ACCOUNT_ADMIN, false);
    assert_true(account_states(&account, ACCOUNT_ADMIN));
    assert_false(account_states(&account, ACCOUNT_DEACTIVATED));
    assert_int_equal(account.stated, admin);
    account_free(&account);
    assert_int_equal(account.stated, 0);
}

TEST(equal_accounts_differ_in_nothing)
{
    assert_int_equal(difference(account_with(deactivated | admin | displayname, true, "Al"),
                         account_with(deactivated | admin | displayname, true, "Al")),
        0);
}

TEST(each_field_that_differs_is_in_the_difference_and_no_other)
{
    assert_int_equal(difference(account_with(admin | deactivated, true, NULL),
                         account_with(admin | deactivated, false, NULL)),
        admin | deactivated);
    assert_int_equal(difference(account_with(admin, false, NULL),
                         account_with(admin | displayname, true, "Al")),
        admin);
    assert_int_equal(difference(account_with(displayname, true, "Al"),
                         account_with(displayname, true, "al")),
        displayname);
    assert_int_equal(difference(account_with(displayname, true, NULL),
                         account_with(displayname, true, "Al")),
        displayname);
    assert_int_equal(difference(account_with(displayname, true, "Al"),
                         account_with(displayname, true, NULL)),
        displayname);
    assert_int_equal(difference(account_with(displayname, true, NULL),
                         account_with(displayname, true, NULL)),
        0);
}

TEST(what_was_not_asked_for_or_not_seen_is_no_difference)
{
    assert_int_equal(difference(account_with(0, true, NULL),
                         account_with(admin | deactivated | displayname, true, "Al")),
        0);
    assert_int_equal(difference(account_with(admin | deactivated | displayname, true, "Al"),
                         account_with(0, true, NULL)),
        0);
}

TEST(a_password_is_never_a_difference)
{
    assert_int_equal(difference(account_with(password, true, NULL),
                         account_with(0, true, NULL)),
        0);
    assert_int_equal(difference(account_with(password, true, NULL),
                         account_with(password, true, NULL)),
        0);
}

TEST(a_difference_has_the_wanted_values_and_the_observed_user_id)
{
    struct account wanted = account_with(admin | displayname, true, "New");
    struct account observed = account_with(admin | displayname, false, "Old");
    struct account change = {0};
    struct error error = {0};

    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
    assert_int_equal(account_difference(&change, &wanted, &observed, &error), 0);
    assert_true(change.admin);
    assert_string_equal(change.displayname, "New");
    assert_string_equal(change.user_id, "@alice:x");
    assert_string_equal(change.localpart, "alice");
    account_free(&change);
    account_free(&wanted);
    account_free(&observed);
}

TEST(unobserved_is_what_is_wanted_and_not_seen_but_for_the_password)
{
    struct account wanted = account_with(admin | displayname | password, true, "Al");
    struct account observed = account_with(displayname | deactivated, true, "Al");

    assert_int_equal(account_unobserved(&wanted, &observed), admin);
    assert_int_equal(account_unobserved(&observed, &wanted), deactivated);
    account_free(&wanted);
    account_free(&observed);
}

TEST(a_change_is_applied_on_top_of_what_was_seen)
{
    struct account observed = account_with(admin | displayname | deactivated, true, "Old");
    struct account change = account_with(admin | displayname | password, false, NULL);
    struct account result = {0};
    struct error error = {0};

    assert_int_equal(account_apply(&result, &observed, &change, &error), 0);
    assert_int_equal(result.stated, admin | displayname | deactivated);
    assert_false(result.admin);
    assert_null(result.displayname);
    assert_true(result.deactivated);
    assert_false(secret_given(&result.password));
    assert_string_equal(result.user_id, "@alice:x");
    account_free(&result);
    account_free(&change);
    account_free(&observed);
}

TEST(a_copy_states_the_password_too_and_keeps_what_only_it_stated)
{
    struct account from = account_with(displayname | password, true, "Al");
    struct account to = account_with(admin, true, NULL);
    struct error error = {0};

    assert_int_equal(account_copy(&to, &from, &error), 0);
    assert_int_equal(to.stated, admin | displayname | password);
    assert_string_equal(to.password.bytes, "hunter2");
    assert_string_equal(to.displayname, "Al");
    account_free(&to);
    account_free(&from);
}

/* Synapse 1.163.2, synapse/handlers/profile.py, set_displayname:
 * new_displayname.strip(), and none in place of an empty one. */
TEST(a_display_name_is_taken_as_servers_store_it)
{
    static const struct {
        const char *given, *stored;
    } table[] = {
        {NULL, NULL},
        {"", NULL},
        {" \t\n", NULL},
        {"\xc2\xa0\xe3\x80\x80", NULL},
        {" Alice  Example ", "Alice  Example"},
        {"\xe2\x80\x83\xc3\x89ve\n", "\xc3\x89ve"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct account account = account_with(displayname, true, "before");
        struct error error = {0};

        assert_int_equal(account_state_text(&account, ACCOUNT_DISPLAYNAME, table[i].given,
                             &error),
            0);
        assert_true(account_states(&account, ACCOUNT_DISPLAYNAME));
        if (table[i].stored == NULL)
            assert_null(account.displayname);
        else
            assert_string_equal(account.displayname, table[i].stored);
        account_free(&account);
    }
}

/* The words of the replies' contract (docs: RETURN, actions). */
TEST(each_change_has_its_word)
{
    struct account on = account_with(ALL, true, "Al");
    struct account off = account_with(ALL, false, NULL);

    assert_string_equal(account_action(&on, ACCOUNT_ADMIN), "set admin");
    assert_string_equal(account_action(&off, ACCOUNT_ADMIN), "unset admin");
    assert_string_equal(account_action(&on, ACCOUNT_DEACTIVATED), "deactivate");
    assert_string_equal(account_action(&off, ACCOUNT_DEACTIVATED), "reactivate");
    assert_string_equal(account_action(&on, ACCOUNT_DISPLAYNAME), "set displayname");
    assert_string_equal(account_action(&on, ACCOUNT_PASSWORD), "set password");
    assert_string_equal(account_action(&off, ACCOUNT_PASSWORD), "set password");
    account_free(&on);
    account_free(&off);
}

TEST(fields_are_called_as_their_options_are)
{
    assert_string_equal(account_field_name(ACCOUNT_DEACTIVATED), "deactivated");
    assert_string_equal(account_field_name(ACCOUNT_ADMIN), "admin");
    assert_string_equal(account_field_name(ACCOUNT_DISPLAYNAME), "displayname");
    assert_string_equal(account_field_name(ACCOUNT_PASSWORD), "password");
}

static void
assert_json(struct account account, unsigned mask, const char *expected)
{
    json_t *object = account_to_json(&account, mask);
    char *text = json_dumps(object, JSON_SORT_KEYS);

    assert_non_null(text);
    assert_string_equal(text, expected);
    memory_free(text);
    json_decref(object);
    account_free(&account);
}

TEST(json_has_what_is_stated_and_in_the_mask_and_never_the_password)
{
    assert_json(account_with(ALL, true, "Al"), ALL,
        "{\"admin\": true, \"deactivated\": true, \"displayname\": \"Al\"}");
    assert_json(account_with(ALL, false, NULL), ALL,
        "{\"admin\": false, \"deactivated\": false, \"displayname\": null}");
    assert_json(account_with(ALL, true, "Al"), admin, "{\"admin\": true}");
    assert_json(account_with(admin, true, NULL), displayname | password, "{}");
    assert_json(account_with(ALL, true, "Al"), password, "{}");
    assert_json(account_with(0, true, NULL), ALL, "{}");
}

static int
use_accounts(void *context, struct error *error)
{
    struct account wanted = {0}, observed = {0}, change = {0}, result = {0};
    const struct secret secret = secret_over("hunter2");
    json_t *json = NULL;
    int status = -1;

    (void)context;
    if (account_name(&wanted, "@alice:x", "alice", error) != 0 ||
        account_name(&observed, NULL, "alice", error) != 0 ||
        account_state_text(&wanted, ACCOUNT_DISPLAYNAME, " Al ", error) != 0 ||
        account_state_text(&observed, ACCOUNT_DISPLAYNAME, "Old", error) != 0 ||
        account_state_password(&wanted, &secret, error) != 0)
        goto out;
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    account_state_bool(&observed, ACCOUNT_ADMIN, false);
    if (account_difference(&change, &wanted, &observed, error) != 0 ||
        account_copy(&change, &wanted, error) != 0 ||
        account_apply(&result, &observed, &change, error) != 0)
        goto out;
    json = account_to_json(&result, ALL);
    status = json == NULL ? error_no_memory(error) : 0;
out:
    json_decref(json);
    account_free(&wanted);
    account_free(&observed);
    account_free(&change);
    account_free(&result);
    return status;
}

TEST(accounts_without_memory_are_an_error)
{
    fail_each_allocation(use_accounts, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_states_nothing_until_it_is_told),
        cmocka_unit_test(equal_accounts_differ_in_nothing),
        cmocka_unit_test(each_field_that_differs_is_in_the_difference_and_no_other),
        cmocka_unit_test(what_was_not_asked_for_or_not_seen_is_no_difference),
        cmocka_unit_test(a_password_is_never_a_difference),
        cmocka_unit_test(a_difference_has_the_wanted_values_and_the_observed_user_id),
        cmocka_unit_test(unobserved_is_what_is_wanted_and_not_seen_but_for_the_password),
        cmocka_unit_test(a_change_is_applied_on_top_of_what_was_seen),
        cmocka_unit_test(a_copy_states_the_password_too_and_keeps_what_only_it_stated),
        cmocka_unit_test(a_display_name_is_taken_as_servers_store_it),
        cmocka_unit_test(each_change_has_its_word),
        cmocka_unit_test(fields_are_called_as_their_options_are),
        cmocka_unit_test(json_has_what_is_stated_and_in_the_mask_and_never_the_password),
        cmocka_unit_test(accounts_without_memory_are_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
