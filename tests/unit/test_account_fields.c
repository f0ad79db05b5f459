/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/account.h: every field, its words, and how it stands in a reply. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "accounts/account.h"
#include "base/memory.h"

#define ALL (~0u)

/* The words of the replies' contract (library/matrix_user.yml). clear_action is
 * NULL where there is no way back: nobody is unerased but by a reactivation. */
static const struct {
    enum account_field field;
    const char *name, *option, *action, *clear_action;
} words[] = {
    {ACCOUNT_DEACTIVATED, "deactivated", "state", "deactivate", "reactivate"},
    {ACCOUNT_ERASED, "erased", "erase", "erase", NULL},
    {ACCOUNT_ADMIN, "admin", "admin", "set admin", "unset admin"},
    {ACCOUNT_USER_TYPE, "user_type", "user_type", "set user_type", "clear user_type"},
    {ACCOUNT_DISPLAYNAME, "displayname", "displayname", "set displayname",
        "clear displayname"},
    {ACCOUNT_AVATAR_URL, "avatar_url", "avatar_url", "set avatar_url", "clear avatar_url"},
    {ACCOUNT_EMAILS, "emails", "emails", "set emails", "clear emails"},
    {ACCOUNT_EXTERNAL_IDS, "external_ids", "external_ids", "set external_ids",
        "clear external_ids"},
    {ACCOUNT_RATELIMIT, "ratelimit", "ratelimit", "set ratelimit", "clear ratelimit"},
    {ACCOUNT_LOCKED, "locked", "locked", "lock", "unlock"},
    {ACCOUNT_SUSPENDED, "suspended", "suspended", "suspend", "unsuspend"},
    {ACCOUNT_SHADOW_BANNED, "shadow_banned", "shadow_banned", "shadow-ban",
        "lift shadow-ban"},
    {ACCOUNT_PASSWORD, "password", "password", "set password", "set password"},
};

static const enum account_field bools[] = {ACCOUNT_DEACTIVATED, ACCOUNT_ERASED,
    ACCOUNT_ADMIN, ACCOUNT_LOCKED, ACCOUNT_SUSPENDED, ACCOUNT_SHADOW_BANNED};
static const enum account_field texts[] = {ACCOUNT_USER_TYPE, ACCOUNT_DISPLAYNAME,
    ACCOUNT_AVATAR_URL};
static const enum account_field sets[] = {ACCOUNT_EMAILS, ACCOUNT_EXTERNAL_IDS};

/* States every field: true and given, or false and none. -1: memory. */
static int
state_all(struct account *account, bool given, struct error *error)
{
    const struct secret secret = secret_over("hunter2");
    struct pairs pairs = {0};
    int result = -1;

    if (account_name(account, "@alice:x", "alice", error) != 0 ||
        account_state_password(account, &secret, error) != 0 ||
        (given && pairs_add(&pairs, "email", "a@x", error) != 0))
        goto out;
    for (size_t i = 0; i < COUNT(bools); i++)
        account_state_bool(account, bools[i], given);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (account_state_text(account, texts[i], given ? "text" : NULL, error) != 0)
            goto out;
    for (size_t i = 0; i < COUNT(sets); i++)
        if (account_state_set(account, sets[i], &pairs, error) != 0)
            goto out;
    account_state_ratelimit(account,
        (struct account_ratelimit){given, given ? 5 : 0, given ? 10 : 0});
    result = 0;
out:
    pairs_free(&pairs);
    return result;
}

static struct account
account_of_all(bool given)
{
    struct account account = {0};
    struct error error = {0};

    assert_int_equal(state_all(&account, given, &error), 0);
    return account;
}

TEST(every_field_is_called_as_the_reply_and_the_option_call_it)
{
    assert_int_equal(COUNT(words), ACCOUNT_FIELDS);
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_int_equal(words[i].field, i); /* the order in which actions are told */
        assert_string_equal(account_field_name(words[i].field), words[i].name);
        assert_string_equal(account_field_option(words[i].field), words[i].option);
    }
}

TEST(every_field_has_a_word_for_either_way)
{
    struct account given = account_of_all(true);
    struct account cleared = account_of_all(false);

    for (size_t i = 0; i < COUNT(words); i++) {
        assert_string_equal(account_action(&given, words[i].field), words[i].action);
        if (words[i].clear_action != NULL)
            assert_string_equal(account_action(&cleared, words[i].field),
                words[i].clear_action);
    }
    account_free(&given);
    account_free(&cleared);
}

/* 0 messages and a burst of 0 are an override as well: no limit at all. */
TEST(no_limit_is_set_and_not_cleared)
{
    struct account account = {0};

    account_state_ratelimit(&account, (struct account_ratelimit){.overridden = true});
    assert_string_equal(account_action(&account, ACCOUNT_RATELIMIT), "set ratelimit");
    account_free(&account);
}

TEST(stating_a_field_states_it_alone)
{
    struct account all = account_of_all(true);

    assert_int_equal(all.stated, (1u << ACCOUNT_FIELDS) - 1);
    for (int field = 0; field < ACCOUNT_FIELDS; field++) {
        struct account one = {0};
        struct error error = {0};

        assert_int_equal(account_copy_fields(&one, &all, 1u << field, &error), 0);
        assert_int_equal(one.stated, 1u << field);
        assert_true(account_states(&one, (enum account_field)field));
        account_free(&one);
    }
    account_free(&all);
}

TEST(each_boolean_is_itself_and_no_other)
{
    for (size_t i = 0; i < COUNT(bools); i++) {
        struct account account = {0};

        for (size_t j = 0; j < COUNT(bools); j++) {
            assert_false(account_is(&account, bools[j])); /* not even stated */
            account_state_bool(&account, bools[j], j == i);
        }
        for (size_t j = 0; j < COUNT(bools); j++)
            assert_true(account_is(&account, bools[j]) == (j == i));
        assert_true(account.deactivated == (bools[i] == ACCOUNT_DEACTIVATED));
        assert_true(account.erased == (bools[i] == ACCOUNT_ERASED));
        assert_true(account.admin == (bools[i] == ACCOUNT_ADMIN));
        assert_true(account.locked == (bools[i] == ACCOUNT_LOCKED));
        assert_true(account.suspended == (bools[i] == ACCOUNT_SUSPENDED));
        assert_true(account.shadow_banned == (bools[i] == ACCOUNT_SHADOW_BANNED));
        account_free(&account);
    }
}

/* Synapse strips display names alone (1.163.2, synapse/handlers/profile.py). */
TEST(a_text_that_is_no_display_name_is_taken_to_the_letter)
{
    struct account account = {0};
    struct error error = {0};

    assert_int_equal(account_state_text(&account, ACCOUNT_DISPLAYNAME, " a ", &error), 0);
    assert_int_equal(account_state_text(&account, ACCOUNT_AVATAR_URL, " a ", &error), 0);
    assert_int_equal(account_state_text(&account, ACCOUNT_USER_TYPE, " a ", &error), 0);
    assert_string_equal(account.displayname, "a");
    assert_string_equal(account.avatar_url, " a ");
    assert_string_equal(account.user_type, " a ");
    assert_int_equal(account_state_text(&account, ACCOUNT_AVATAR_URL, " ", &error), 0);
    assert_string_equal(account.avatar_url, " ");
    account_free(&account);
}

TEST(an_empty_text_is_none)
{
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct account account = account_of_all(true);
        struct error error = {0};

        assert_int_equal(account_state_text(&account, texts[i], "", &error), 0);
        assert_true(account_states(&account, texts[i]));
        assert_null(i == 0 ? account.user_type : i == 1 ? account.displayname
                                                        : account.avatar_url);
        account_free(&account);
    }
}

/* Differences of single fields: NULL is none. */
static unsigned
text_difference(enum account_field field, const char *wanted, const char *observed)
{
    struct account a = {0}, b = {0}, change = {0};
    struct error error = {0};
    unsigned stated;

    assert_int_equal(account_name(&a, NULL, "alice", &error), 0);
    assert_int_equal(account_name(&b, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_state_text(&a, field, wanted, &error), 0);
    assert_int_equal(account_state_text(&b, field, observed, &error), 0);
    assert_int_equal(account_difference(&change, &a, &b, &error), 0);
    stated = change.stated;
    account_free(&a);
    account_free(&b);
    account_free(&change);
    return stated;
}

TEST(an_ordinary_user_differs_from_one_of_a_type)
{
    const unsigned type = ACCOUNT_BIT(ACCOUNT_USER_TYPE);

    assert_int_equal(text_difference(ACCOUNT_USER_TYPE, NULL, NULL), 0);
    assert_int_equal(text_difference(ACCOUNT_USER_TYPE, NULL, "bot"), type);
    assert_int_equal(text_difference(ACCOUNT_USER_TYPE, "bot", NULL), type);
    assert_int_equal(text_difference(ACCOUNT_USER_TYPE, "bot", "bot"), 0);
    assert_int_equal(text_difference(ACCOUNT_USER_TYPE, "bot", "support"), type);
}

static unsigned
ratelimit_difference(struct account_ratelimit wanted, struct account_ratelimit observed)
{
    struct account a = {0}, b = {0}, change = {0};
    struct error error = {0};
    unsigned stated;

    assert_int_equal(account_name(&a, NULL, "alice", &error), 0);
    assert_int_equal(account_name(&b, "@alice:x", "alice", &error), 0);
    account_state_ratelimit(&a, wanted);
    account_state_ratelimit(&b, observed);
    assert_int_equal(account_difference(&change, &a, &b, &error), 0);
    stated = change.stated;
    if (stated != 0) {
        assert_true(change.ratelimit.overridden == wanted.overridden);
        assert_int_equal(change.ratelimit.messages_per_second, wanted.messages_per_second);
        assert_int_equal(change.ratelimit.burst_count, wanted.burst_count);
    }
    account_free(&a);
    account_free(&b);
    account_free(&change);
    return stated;
}

TEST(rate_limits_differ_in_either_number_and_in_being_there)
{
    const struct account_ratelimit limits[] = {
        {false, 0, 0}, {true, 0, 0}, {true, 5, 10}, {true, 5, 0}, {true, 0, 10}, {true, 10, 5}};

    for (size_t i = 0; i < COUNT(limits); i++)
        for (size_t j = 0; j < COUNT(limits); j++)
            assert_int_equal(ratelimit_difference(limits[i], limits[j]),
                i == j ? 0 : ACCOUNT_BIT(ACCOUNT_RATELIMIT));
}

TEST(each_field_differs_by_itself)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++) {
        struct account wanted = {0}, change = {0};
        struct account all = account_of_all(true), none = account_of_all(false);
        struct error error = {0};

        assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
        assert_int_equal(account_copy_fields(&wanted, &all, 1u << field, &error), 0);
        assert_int_equal(account_difference(&change, &wanted, &none, &error), 0);
        assert_int_equal(change.stated, field == ACCOUNT_PASSWORD ? 0 : 1u << field);
        account_free(&change);
        assert_int_equal(account_difference(&change, &wanted, &all, &error), 0);
        assert_int_equal(change.stated, 0);
        account_free(&change);
        account_free(&wanted);
        account_free(&all);
        account_free(&none);
    }
}

TEST(whatever_is_not_seen_but_the_password_is_unobserved)
{
    struct account all = account_of_all(true);
    const struct account nothing = {0};

    assert_int_equal(account_unobserved(&all, &nothing),
        ((1u << ACCOUNT_FIELDS) - 1) & ~ACCOUNT_BIT(ACCOUNT_PASSWORD));
    assert_int_equal(account_unobserved(&all, &all), 0);
    assert_int_equal(account_unobserved(&nothing, &all), 0);
    account_free(&all);
}

static void
assert_json(const struct account *account, unsigned mask, const char *expected)
{
    json_t *object = account_to_json(account, mask);
    char *text = json_dumps(object, JSON_COMPACT);

    assert_non_null(text);
    assert_string_equal(text, expected);
    memory_free(text);
    json_decref(object);
}

/* What the reply's documentation shows of each (library/matrix_user.yml). */
TEST(every_field_stands_in_a_reply_as_documented)
{
    struct account account = account_of_all(true);
    struct pairs ids = {0};
    struct error error = {0};

    assert_int_equal(pairs_add(&ids, "oidc-x", "17", &error), 0);
    assert_int_equal(pairs_add(&ids, "ldap", "al", &error), 0);
    assert_int_equal(account_state_set(&account, ACCOUNT_EXTERNAL_IDS, &ids, &error), 0);
    assert_json(&account, ALL,
        "{\"deactivated\":true,\"erased\":true,\"admin\":true,\"user_type\":\"text\","
        "\"displayname\":\"text\",\"avatar_url\":\"text\",\"emails\":[\"a@x\"],"
        "\"external_ids\":[{\"provider\":\"ldap\",\"id\":\"al\"},"
        "{\"provider\":\"oidc-x\",\"id\":\"17\"}],"
        "\"ratelimit\":{\"messages_per_second\":5,\"burst_count\":10},\"locked\":true,"
        "\"suspended\":true,\"shadow_banned\":true}");
    assert_json(&account, ACCOUNT_BIT(ACCOUNT_EMAILS), "{\"emails\":[\"a@x\"]}");
    pairs_free(&ids);
    account_free(&account);
}

TEST(every_field_that_was_cleared_stands_in_a_reply_as_documented)
{
    struct account account = account_of_all(false);

    assert_json(&account, ALL,
        "{\"deactivated\":false,\"erased\":false,\"admin\":false,\"user_type\":null,"
        "\"displayname\":null,\"avatar_url\":null,\"emails\":[],\"external_ids\":[],"
        "\"ratelimit\":{},\"locked\":false,\"suspended\":false,\"shadow_banned\":false}");
    account_state_ratelimit(&account, (struct account_ratelimit){.overridden = true});
    assert_json(&account, ACCOUNT_BIT(ACCOUNT_RATELIMIT),
        "{\"ratelimit\":{\"messages_per_second\":0,\"burst_count\":0}}");
    account_free(&account);
}

TEST(a_freed_account_is_all_zeroes)
{
    static struct account account; /* static: its padding is zero, too */
    static const struct account zeroes;
    struct error error = {0};

    assert_int_equal(state_all(&account, true, &error), 0);
    account_free(&account);
    assert_memory_equal(&account, &zeroes, sizeof(account));
    account_free(&account);
    assert_memory_equal(&account, &zeroes, sizeof(account));
}

/* Every way of stating, subtracting and showing. */
static int
use_all_fields(void *context, struct error *error)
{
    struct account given = {0}, none = {0}, change = {0}, result = {0}, copy = {0};
    json_t *json = NULL;
    int status = -1;

    (void)context;
    if (state_all(&given, true, error) != 0 || state_all(&none, false, error) != 0 ||
        account_name(&copy, NULL, "alice", error) != 0 ||
        account_difference(&change, &given, &none, error) != 0 ||
        account_apply(&result, &none, &change, error) != 0 ||
        account_copy(&copy, &given, error) != 0)
        goto out;
    json = account_to_json(&result, ALL);
    status = json == NULL ? error_no_memory(error) : 0;
    if (json != NULL && json_object_size(json) != ACCOUNT_FIELDS - 1)
        status = error_set(error, ERROR_INTERNAL, "the reply is not whole");
out:
    json_decref(json);
    account_free(&given);
    account_free(&none);
    account_free(&change);
    account_free(&result);
    account_free(&copy);
    return status;
}

TEST(no_field_is_lost_when_memory_is_short)
{
    fail_each_allocation(use_all_fields, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_called_as_the_reply_and_the_option_call_it),
        cmocka_unit_test(every_field_has_a_word_for_either_way),
        cmocka_unit_test(no_limit_is_set_and_not_cleared),
        cmocka_unit_test(stating_a_field_states_it_alone),
        cmocka_unit_test(each_boolean_is_itself_and_no_other),
        cmocka_unit_test(a_text_that_is_no_display_name_is_taken_to_the_letter),
        cmocka_unit_test(an_empty_text_is_none),
        cmocka_unit_test(an_ordinary_user_differs_from_one_of_a_type),
        cmocka_unit_test(rate_limits_differ_in_either_number_and_in_being_there),
        cmocka_unit_test(each_field_differs_by_itself),
        cmocka_unit_test(whatever_is_not_seen_but_the_password_is_unobserved),
        cmocka_unit_test(every_field_stands_in_a_reply_as_documented),
        cmocka_unit_test(every_field_that_was_cleared_stands_in_a_reply_as_documented),
        cmocka_unit_test(a_freed_account_is_all_zeroes),
        cmocka_unit_test(no_field_is_lost_when_memory_is_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("account fields", tests, NULL, NULL);
}
