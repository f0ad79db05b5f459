/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse/user_json.h: what the admin API says of a user (Synapse
 * 1.163.2, synapse/handlers/admin.py, get_user), and what it takes
 * (synapse/rest/admin/users.py, UserRestServletV2). */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "backends/synapse/user_json.h"
#include "base/memory.h"
#include "synapse_trial.h"

/* Everything that user_json_read can see. */
#define SEEN                                                                               \
    (((1u << ACCOUNT_FIELDS) - 1) & ~ACCOUNT_BIT(ACCOUNT_PASSWORD) &                       \
        ~ACCOUNT_BIT(ACCOUNT_RATELIMIT))

static int
read_text(struct observation *observed, const char *text, struct error *error)
{
    json_t *body = json_loads(text, JSON_DECODE_ANY, NULL);
    int result;

    assert_non_null(body);
    result = user_json_read(observed, body, error);
    json_decref(body);
    return result;
}

/* What is read of a user with these members, for account_free. */
static struct account
read_well(const char *changes)
{
    struct observation observed;
    struct error error = {0};

    synapse_observe_alice(&observed);
    if (read_text(&observed, synapse_user(changes), &error) != 0)
        fail_msg("%s: %s", changes, error.text);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    return observed.account;
}

TEST(an_ordinary_user_is_read_whole)
{
    struct account account = read_well("{}");

    assert_int_equal(account.stated, SEEN);
    assert_string_equal(account.displayname, "Alice");
    assert_null(account.avatar_url);
    assert_null(account.user_type);
    assert_int_equal(account.emails.count, 0);
    assert_int_equal(account.external_ids.count, 0);
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if (field == ACCOUNT_DEACTIVATED || field == ACCOUNT_ERASED ||
            field == ACCOUNT_ADMIN || field == ACCOUNT_LOCKED ||
            field == ACCOUNT_SUSPENDED || field == ACCOUNT_SHADOW_BANNED)
            assert_false(account_is(&account, (enum account_field)field));
    account_free(&account);
}

TEST(each_member_is_its_field_and_no_other)
{
    static const struct {
        const char *changes;
        enum account_field field;
    } table[] = {
        {"{\"admin\": true}", ACCOUNT_ADMIN},
        {"{\"deactivated\": true}", ACCOUNT_DEACTIVATED},
        {"{\"locked\": true}", ACCOUNT_LOCKED},
        {"{\"shadow_banned\": true}", ACCOUNT_SHADOW_BANNED},
        {"{\"suspended\": true}", ACCOUNT_SUSPENDED},
        {"{\"erased\": true}", ACCOUNT_ERASED},
        {"{\"displayname\": null}", ACCOUNT_DISPLAYNAME},
        {"{\"avatar_url\": \"mxc://x/1\"}", ACCOUNT_AVATAR_URL},
        {"{\"user_type\": \"bot\"}", ACCOUNT_USER_TYPE},
        {"{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"}]}", ACCOUNT_EMAILS},
        {"{\"external_ids\": [{\"auth_provider\": \"o\", \"external_id\": \"1\"}]}",
            ACCOUNT_EXTERNAL_IDS},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct account usual = read_well("{}");
        struct account other = read_well(table[i].changes);
        struct account change = {0};
        struct error error = {0};

        assert_int_equal(account_difference(&change, &other, &usual, &error), 0);
        assert_int_equal(change.stated, ACCOUNT_BIT(table[i].field));
        account_free(&usual);
        account_free(&other);
        account_free(&change);
    }
}

TEST(addresses_and_ids_are_read_in_any_order_and_phone_numbers_are_no_addresses)
{
    struct account account = read_well(
        "{\"threepids\": [{\"medium\": \"email\", \"address\": \"b@x\", \"added_at\": 1},"
        " {\"medium\": \"msisdn\", \"address\": \"447700900000\", \"validated_at\": 1},"
        " {\"medium\": \"email\", \"address\": \"a@x\"}],"
        " \"external_ids\": [{\"auth_provider\": \"oidc\", \"external_id\": \"17\"},"
        " {\"auth_provider\": \"ldap\", \"external_id\": \"al\"}]}");

    assert_int_equal(account.emails.count, 2);
    assert_string_equal(account.emails.items[0].value, "a@x");
    assert_string_equal(account.emails.items[1].value, "b@x");
    assert_false(account.emails.append);
    assert_int_equal(account.external_ids.count, 2);
    assert_true(pairs_have(&account.external_ids, "oidc", "17"));
    assert_true(pairs_have(&account.external_ids, "ldap", "al"));
    account_free(&account);
}

/* On SQLite, and before booleans were read as such. */
TEST(booleans_may_be_numbers_or_null)
{
    struct account account = read_well("{\"admin\": 1, \"deactivated\": 0, \"locked\": 1,"
                                       " \"shadow_banned\": null, \"suspended\": 0}");

    assert_true(account_is(&account, ACCOUNT_ADMIN));
    assert_true(account_is(&account, ACCOUNT_LOCKED));
    assert_int_equal(account.stated, SEEN);
    assert_false(account.deactivated);
    assert_false(account.shadow_banned);
    account_free(&account);
}

/* Synapse has it since 1.121. */
TEST(a_server_that_does_not_know_suspension_leaves_it_unseen)
{
    struct account account = read_well("{\"suspended\": \"(none)\"}");

    assert_int_equal(account.stated, SEEN & ~ACCOUNT_BIT(ACCOUNT_SUSPENDED));
    account_free(&account);
}

/* "(none)": the member is missing. */
TEST(whatever_does_not_describe_the_account_is_refused)
{
    static const char *const wrong[] = {
        "{\"name\": \"@bob:x\"}", "{\"name\": \"@Alice:x\"}", "{\"name\": \"(none)\"}",
        "{\"name\": null}", "{\"name\": 5}",
        "{\"admin\": \"(none)\"}", "{\"admin\": \"true\"}", "{\"admin\": []}",
        "{\"admin\": 1.0}",
        "{\"deactivated\": \"(none)\"}", "{\"deactivated\": \"false\"}",
        "{\"deactivated\": {}}",
        "{\"locked\": \"(none)\"}", "{\"locked\": \"no\"}",
        "{\"shadow_banned\": \"(none)\"}", "{\"shadow_banned\": \"\"}",
        "{\"erased\": \"(none)\"}", "{\"erased\": \"no\"}",
        "{\"suspended\": \"no\"}", "{\"suspended\": []}",
        "{\"displayname\": 5}", "{\"displayname\": []}", "{\"displayname\": false}",
        "{\"avatar_url\": 5}", "{\"avatar_url\": {}}",
        "{\"user_type\": 5}", "{\"user_type\": [\"bot\"]}",
        "{\"threepids\": \"(none)\"}", "{\"threepids\": null}", "{\"threepids\": {}}",
        "{\"threepids\": \"a@x\"}", "{\"threepids\": [\"a@x\"]}", "{\"threepids\": [null]}",
        "{\"threepids\": [{\"medium\": \"email\"}]}",
        "{\"threepids\": [{\"address\": \"a@x\"}]}",
        "{\"threepids\": [{\"medium\": \"email\", \"address\": 5}]}",
        "{\"threepids\": [{\"medium\": null, \"address\": \"a@x\"}]}",
        "{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"}, 5]}",
        "{\"external_ids\": \"(none)\"}", "{\"external_ids\": null}",
        "{\"external_ids\": {}}", "{\"external_ids\": [5]}",
        "{\"external_ids\": [{\"auth_provider\": \"o\"}]}",
        "{\"external_ids\": [{\"external_id\": \"1\"}]}",
        "{\"external_ids\": [{\"auth_provider\": \"o\", \"external_id\": 1}]}",
    };

    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct observation observed;
        struct error error = {0};

        synapse_observe_alice(&observed);
        if (read_text(&observed, synapse_user(wrong[i]), &error) == 0)
            fail_msg("%s is taken for the account", wrong[i]);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_in("@alice:x", error.text);
        assert_int_not_equal(observed.presence, PRESENCE_PRESENT);
        account_free(&observed.account);
    }
}

TEST(what_is_no_object_is_no_user)
{
    struct observation observed;
    struct error error = {0};

    synapse_observe_alice(&observed);
    assert_int_equal(user_json_read(&observed, NULL, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    account_free(&observed.account);
}

/* Fills an account from JSON members of our own: how a change is written here. */
static struct account
change_of(unsigned mask)
{
    struct account account = {0};
    struct pairs emails = {0}, ids = {0};
    struct error error = {0};
    const struct secret password = secret_over("p\xc3\xa4ss \"w\"");

    assert_int_equal(account_name(&account, "@alice:x", "alice", &error), 0);
    assert_int_equal(pairs_add(&emails, "email", "b@x", &error), 0);
    assert_int_equal(pairs_add(&emails, "email", "a@x", &error), 0);
    assert_int_equal(pairs_add(&ids, "oidc", "17", &error), 0);
    account_state_bool(&account, ACCOUNT_DEACTIVATED, true);
    account_state_bool(&account, ACCOUNT_ERASED, true);
    account_state_bool(&account, ACCOUNT_ADMIN, true);
    account_state_bool(&account, ACCOUNT_LOCKED, true);
    account_state_bool(&account, ACCOUNT_SUSPENDED, true);
    account_state_bool(&account, ACCOUNT_SHADOW_BANNED, true);
    account_state_text(&account, ACCOUNT_USER_TYPE, "bot", &error);
    account_state_text(&account, ACCOUNT_DISPLAYNAME, "Al", &error);
    account_state_text(&account, ACCOUNT_AVATAR_URL, "mxc://x/1", &error);
    account_state_set(&account, ACCOUNT_EMAILS, &emails, &error);
    account_state_set(&account, ACCOUNT_EXTERNAL_IDS, &ids, &error);
    account_state_ratelimit(&account, (struct account_ratelimit){true, 5, 10});
    account_state_password(&account, &password, &error);
    assert_kind(&error, ERROR_NONE);
    account.stated &= mask;
    pairs_free(&emails);
    pairs_free(&ids);
    return account;
}

static void
assert_body(const struct account *change, const char *others, bool logout_devices,
    const char *expected)
{
    json_t *kept = others == NULL ? NULL : json_loads(others, 0, NULL);
    json_t *body = user_json_change(change, kept, logout_devices);
    char *text;

    assert_non_null(body);
    text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    memory_free(text);
    json_decref(body);
    if (others != NULL) {
        json_t *as_before = json_loads(others, 0, NULL);

        assert_true(json_equal(kept, as_before));
        json_decref(as_before);
    }
    json_decref(kept);
}

TEST(each_field_is_put_as_its_member)
{
    static const struct {
        enum account_field field;
        const char *body;
    } table[] = {
        {ACCOUNT_ADMIN, "{\"admin\":true}"},
        {ACCOUNT_LOCKED, "{\"locked\":true}"},
        {ACCOUNT_USER_TYPE, "{\"user_type\":\"bot\"}"},
        {ACCOUNT_DISPLAYNAME, "{\"displayname\":\"Al\"}"},
        {ACCOUNT_AVATAR_URL, "{\"avatar_url\":\"mxc://x/1\"}"},
        {ACCOUNT_EMAILS, "{\"threepids\":[{\"address\":\"a@x\",\"medium\":\"email\"},"
                         "{\"address\":\"b@x\",\"medium\":\"email\"}]}"},
        {ACCOUNT_EXTERNAL_IDS,
            "{\"external_ids\":[{\"auth_provider\":\"oidc\",\"external_id\":\"17\"}]}"},
        {ACCOUNT_PASSWORD,
            "{\"logout_devices\":false,\"password\":\"p\xc3\xa4ss \\\"w\\\"\"}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct account change = change_of(ACCOUNT_BIT(table[i].field));

        assert_body(&change, NULL, false, table[i].body);
        account_free(&change);
    }
}

/* They have endpoints of their own, or requests. */
TEST(what_one_put_cannot_make_is_not_in_it)
{
    struct account change = change_of(ACCOUNT_BIT(ACCOUNT_DEACTIVATED) |
                                      ACCOUNT_BIT(ACCOUNT_ERASED) |
                                      ACCOUNT_BIT(ACCOUNT_SUSPENDED) |
                                      ACCOUNT_BIT(ACCOUNT_SHADOW_BANNED) |
                                      ACCOUNT_BIT(ACCOUNT_RATELIMIT));

    assert_body(&change, NULL, true, "{}");
    account_free(&change);
}

/* "" clears a text; for a type that is invalid, and null it is. */
TEST(what_is_cleared_is_put_as_the_server_clears_it)
{
    struct account change = {0};
    const struct pairs nothing = {0};
    struct error error = {0};

    account_state_bool(&change, ACCOUNT_ADMIN, false);
    account_state_bool(&change, ACCOUNT_LOCKED, false);
    account_state_text(&change, ACCOUNT_USER_TYPE, NULL, &error);
    account_state_text(&change, ACCOUNT_DISPLAYNAME, NULL, &error);
    account_state_text(&change, ACCOUNT_AVATAR_URL, NULL, &error);
    account_state_set(&change, ACCOUNT_EMAILS, &nothing, &error);
    account_state_set(&change, ACCOUNT_EXTERNAL_IDS, &nothing, &error);
    assert_body(&change, NULL, false,
        "{\"admin\":false,\"avatar_url\":\"\",\"displayname\":\"\",\"external_ids\":[],"
        "\"locked\":false,\"threepids\":[],\"user_type\":null}");
    account_free(&change);
}

/* Synapse logs everybody out unless it is told not to. */
TEST(whether_devices_are_logged_out_is_said_with_a_password_and_only_then)
{
    struct account change = change_of(ACCOUNT_BIT(ACCOUNT_PASSWORD));

    assert_body(&change, NULL, true,
        "{\"logout_devices\":true,\"password\":\"p\xc3\xa4ss \\\"w\\\"\"}");
    account_free(&change);
    change = change_of(ACCOUNT_BIT(ACCOUNT_ADMIN));
    assert_body(&change, NULL, true, "{\"admin\":true}");
    account_free(&change);
}

/* A PUT replaces all threepids. */
TEST(phone_numbers_are_sent_along_with_addresses_and_only_then)
{
    static const char others[] = "[{\"medium\": \"msisdn\", \"address\": \"1\", \"added_at\": 7}]";
    struct account change = change_of(ACCOUNT_BIT(ACCOUNT_EMAILS));

    assert_body(&change, others, false,
        "{\"threepids\":[{\"added_at\":7,\"address\":\"1\",\"medium\":\"msisdn\"},"
        "{\"address\":\"a@x\",\"medium\":\"email\"},"
        "{\"address\":\"b@x\",\"medium\":\"email\"}]}");
    account_free(&change);
    change = change_of(ACCOUNT_BIT(ACCOUNT_ADMIN));
    assert_body(&change, others, false, "{\"admin\":true}");
    account_free(&change);
}

TEST(threepids_that_are_no_addresses_are_found)
{
    json_t *body = json_loads(
        synapse_user("{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"},"
                     " {\"medium\": \"msisdn\", \"address\": \"1\", \"validated_at\": 5},"
                     " {\"medium\": \"msisdn\", \"address\": \"2\"}]}"),
        0, NULL);
    json_t *others = user_json_other_threepids(body);
    char *text = json_dumps(others, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, "[{\"address\":\"1\",\"medium\":\"msisdn\",\"validated_at\":5},"
                              "{\"address\":\"2\",\"medium\":\"msisdn\"}]");
    memory_free(text);
    json_decref(others);
    json_decref(body);
}

static int
read_once(void *context, struct error *error)
{
    struct observation observed = {0};
    int result = account_name(&observed.account, "@alice:x", "alice", error);

    if (result == 0)
        result = user_json_read(&observed, context, error);
    if (result == 0 && (observed.account.stated != SEEN || observed.account.emails.count != 2 ||
                           observed.account.external_ids.count != 1))
        result = error_set(error, ERROR_INTERNAL, "the user is not read whole");
    account_free(&observed.account);
    return result;
}

TEST(a_user_is_read_or_memory_was_short)
{
    json_t *body = json_loads(
        synapse_user("{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"},"
                     " {\"medium\": \"email\", \"address\": \"b@x\"}],"
                     " \"external_ids\": [{\"auth_provider\": \"o\", \"external_id\": \"1\"}],"
                     " \"avatar_url\": \"mxc://x/1\", \"user_type\": \"bot\"}"),
        0, NULL);

    fail_each_allocation(read_once, body);
    json_decref(body);
}

static int
write_once(void *context, struct error *error)
{
    json_t *others = user_json_other_threepids(context);
    struct account change = {0};
    struct pairs emails = {0};
    json_t *body = NULL;
    int result = -1;

    if (others == NULL || pairs_add(&emails, "email", "a@x", error) != 0 ||
        account_state_set(&change, ACCOUNT_EMAILS, &emails, error) != 0 ||
        account_state_set(&change, ACCOUNT_EXTERNAL_IDS, &emails, error) != 0 ||
        account_state_text(&change, ACCOUNT_DISPLAYNAME, "Al", error) != 0)
        goto out;
    account_state_text(&change, ACCOUNT_USER_TYPE, NULL, error);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    body = user_json_change(&change, others, false);
    if (body != NULL)
        result = 0;
    if (body != NULL && (json_object_size(body) != 5 ||
                            json_array_size(json_object_get(body, "threepids")) != 2))
        result = error_set(error, ERROR_INTERNAL, "the body is not whole");
out:
    if (result != 0)
        error_no_memory(error);
    json_decref(body);
    json_decref(others);
    pairs_free(&emails);
    account_free(&change);
    return result;
}

TEST(a_change_is_written_whole_or_memory_was_short)
{
    json_t *body = json_loads(
        synapse_user("{\"threepids\": [{\"medium\": \"msisdn\", \"address\": \"1\"}]}"), 0, NULL);

    fail_each_allocation(write_once, body);
    json_decref(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_user_is_read_whole),
        cmocka_unit_test(each_member_is_its_field_and_no_other),
        cmocka_unit_test(
            addresses_and_ids_are_read_in_any_order_and_phone_numbers_are_no_addresses),
        cmocka_unit_test(booleans_may_be_numbers_or_null),
        cmocka_unit_test(a_server_that_does_not_know_suspension_leaves_it_unseen),
        cmocka_unit_test(whatever_does_not_describe_the_account_is_refused),
        cmocka_unit_test(what_is_no_object_is_no_user),
        cmocka_unit_test(each_field_is_put_as_its_member),
        cmocka_unit_test(what_one_put_cannot_make_is_not_in_it),
        cmocka_unit_test(what_is_cleared_is_put_as_the_server_clears_it),
        cmocka_unit_test(whether_devices_are_logged_out_is_said_with_a_password_and_only_then),
        cmocka_unit_test(phone_numbers_are_sent_along_with_addresses_and_only_then),
        cmocka_unit_test(threepids_that_are_no_addresses_are_found),
        cmocka_unit_test(a_user_is_read_or_memory_was_short),
        cmocka_unit_test(a_change_is_written_whole_or_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("synapse, user as JSON", tests, NULL, NULL);
}
