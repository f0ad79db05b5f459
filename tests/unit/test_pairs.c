/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/pairs.h. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "accounts/pairs.h"

static void
add(struct pairs *pairs, const char *key, const char *value)
{
    struct error error = {0};

    assert_int_equal(pairs_add(pairs, key, value, &error), 0);
    assert_kind(&error, ERROR_NONE);
}

/* "key=value key=value " of all that is in it, as it stands there. */
static const char *
shown(const struct pairs *pairs)
{
    static char text[256];
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < pairs->count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s=%s ",
            pairs->items[i].key, pairs->items[i].value);
    return text;
}

TEST(an_empty_set_has_nothing)
{
    const struct pairs pairs = {0};

    assert_false(pairs_have(&pairs, "email", "a@x"));
    assert_false(pairs_have(&pairs, "", ""));
}

TEST(a_set_has_what_was_added_and_nothing_else)
{
    struct pairs pairs = {0};

    add(&pairs, "email", "a@x");
    add(&pairs, "oidc", "17");
    assert_int_equal(pairs.count, 2);
    assert_true(pairs_have(&pairs, "email", "a@x"));
    assert_true(pairs_have(&pairs, "oidc", "17"));
    assert_false(pairs_have(&pairs, "email", "17"));
    assert_false(pairs_have(&pairs, "oidc", "a@x"));
    assert_false(pairs_have(&pairs, "email", "A@x"));
    assert_false(pairs_have(&pairs, "email", "a@xy"));
    assert_false(pairs_have(&pairs, "emai", "a@x"));
    pairs_free(&pairs);
}

TEST(where_a_key_ends_and_its_value_begins_counts)
{
    struct pairs pairs = {0};

    add(&pairs, "ab", "c");
    assert_false(pairs_have(&pairs, "a", "bc"));
    add(&pairs, "a", "bc");
    add(&pairs, "abc", "");
    assert_int_equal(pairs.count, 3);
    pairs_free(&pairs);
}

TEST(what_is_added_twice_is_in_it_once)
{
    struct pairs pairs = {0};

    for (int i = 0; i < 3; i++) {
        add(&pairs, "email", "b@x");
        add(&pairs, "email", "a@x");
        add(&pairs, "email", "c@x");
    }
    assert_string_equal(shown(&pairs), "email=a@x email=b@x email=c@x ");
    pairs_free(&pairs);
}

/* All orders of five, each the previous one's successor. */
static bool
next_order(int order[5])
{
    int at = 3, other = 4, kept;

    while (at >= 0 && order[at] > order[at + 1])
        at--;
    if (at < 0)
        return false;
    while (order[other] < order[at])
        other--;
    kept = order[at], order[at] = order[other], order[other] = kept;
    for (int i = at + 1, j = 4; i < j; i++, j--)
        kept = order[i], order[i] = order[j], order[j] = kept;
    return true;
}

TEST(the_order_in_which_pairs_come_means_nothing)
{
    static const struct {
        const char *key, *value;
    } table[] = {{"email", "b@x"}, {"email", "a@x"}, {"oidc", "1"}, {"ldap", "1"}, {"ldap", ""}};
    int order[] = {0, 1, 2, 3, 4};
    unsigned orders = 0;

    do {
        struct pairs pairs = {0};

        for (size_t i = 0; i < COUNT(order); i++)
            add(&pairs, table[order[i]].key, table[order[i]].value);
        assert_string_equal(shown(&pairs), "email=a@x email=b@x ldap= ldap=1 oidc=1 ");
        for (size_t i = 0; i < COUNT(table); i++)
            assert_true(pairs_have(&pairs, table[i].key, table[i].value));
        pairs_free(&pairs);
        orders++;
    } while (next_order(order));
    assert_int_equal(orders, 120);
}

TEST(a_set_keeps_copies)
{
    struct pairs pairs = {0};
    char key[] = "email", value[] = "a@x";

    add(&pairs, key, value);
    memset(key, '!', strlen(key));
    memset(value, '!', strlen(value));
    assert_string_equal(shown(&pairs), "email=a@x ");
    pairs_free(&pairs);
}

TEST(adding_all_of_a_set_makes_the_union_and_leaves_the_other_as_it_is)
{
    struct pairs pairs = {.append = true}, other = {0};
    struct error error = {0};

    add(&pairs, "email", "a@x");
    add(&pairs, "email", "c@x");
    add(&other, "email", "b@x");
    add(&other, "email", "c@x");
    assert_int_equal(pairs_add_all(&pairs, &other, &error), 0);
    assert_string_equal(shown(&pairs), "email=a@x email=b@x email=c@x ");
    assert_true(pairs.append);
    assert_string_equal(shown(&other), "email=b@x email=c@x ");
    pairs_free(&other);
    assert_string_equal(shown(&pairs), "email=a@x email=b@x email=c@x ");
    pairs_free(&pairs);
}

TEST(a_set_has_all_of_its_parts_and_of_itself)
{
    struct pairs all = {0}, part = {0}, more = {0};
    const struct pairs nothing = {0};

    add(&all, "email", "a@x");
    add(&all, "email", "b@x");
    add(&part, "email", "b@x");
    add(&more, "email", "b@x");
    add(&more, "oidc", "b@x");
    assert_true(pairs_have_all(&all, &part));
    assert_true(pairs_have_all(&all, &all));
    assert_true(pairs_have_all(&all, &nothing));
    assert_true(pairs_have_all(&nothing, &nothing));
    assert_false(pairs_have_all(&part, &all));
    assert_false(pairs_have_all(&all, &more));
    assert_false(pairs_have_all(&nothing, &part));
    pairs_free(&all);
    pairs_free(&part);
    pairs_free(&more);
}

TEST(a_freed_set_is_empty_and_can_be_filled_again)
{
    struct pairs pairs = {.append = true};

    add(&pairs, "email", "a@x");
    pairs_free(&pairs);
    assert_null(pairs.items);
    assert_int_equal(pairs.count, 0);
    assert_false(pairs.append);
    add(&pairs, "email", "b@x");
    assert_string_equal(shown(&pairs), "email=b@x ");
    pairs_free(&pairs);
}

/* Adding one pair to two; what fails must leave the two. */
static int
add_one(void *context, struct error *error)
{
    const struct pairs *all = context;
    struct pairs pairs = {0};
    int result = pairs_add_all(&pairs, all, error);

    if (result == 0) {
        result = pairs_add(&pairs, "email", "b@x", error);
        if (pairs.count != (result == 0 ? 3u : 2u) || !pairs_have_all(&pairs, all)) {
            error_clear(error);
            result = error_set(error, ERROR_INTERNAL, "the set is now %s", shown(&pairs));
        }
    }
    pairs_free(&pairs);
    return result;
}

TEST(without_memory_a_set_stays_as_it_was)
{
    struct pairs all = {0};

    add(&all, "email", "a@x");
    add(&all, "email", "c@x");
    fail_each_allocation(add_one, &all);
    pairs_free(&all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_nothing),
        cmocka_unit_test(a_set_has_what_was_added_and_nothing_else),
        cmocka_unit_test(where_a_key_ends_and_its_value_begins_counts),
        cmocka_unit_test(what_is_added_twice_is_in_it_once),
        cmocka_unit_test(the_order_in_which_pairs_come_means_nothing),
        cmocka_unit_test(a_set_keeps_copies),
        cmocka_unit_test(adding_all_of_a_set_makes_the_union_and_leaves_the_other_as_it_is),
        cmocka_unit_test(a_set_has_all_of_its_parts_and_of_itself),
        cmocka_unit_test(a_freed_set_is_empty_and_can_be_filled_again),
        cmocka_unit_test(without_memory_a_set_stays_as_it_was),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
