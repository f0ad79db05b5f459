/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/redact.h. What a server may make of a secret was written down with
 * Python 3: urllib.parse.quote, json.dumps, base64. */
#include "support.h"

#include <string.h>

#include "base/memory.h"
#include "base/redact.h"

static char *
redact(const char *text, const char *one, const char *other, enum redact_short rule)
{
    const struct secret first = secret_over(one);
    const struct secret second = secret_over(other);
    const struct secret not_given = {0};
    const struct secret *const secrets[] = {NULL, &first, &not_given, &second};
    const struct redaction redaction = {secrets, COUNT(secrets)};

    return redact_text(text, &redaction, rule);
}

static void
assert_redacted(const char *text, const char *secret, const char *expected)
{
    char *result = redact(text, secret, "", REDACT_LEAVE_SHORT);

    assert_non_null(result);
    assert_string_equal(result, expected);
    memory_free(result);
}

TEST(a_text_without_a_secret_is_left_as_it_is)
{
    assert_redacted("nothing in here", "hunter2", "nothing in here");
    assert_redacted("", "hunter2", "");
}

TEST(a_secret_is_cut_out_wherever_it_stands)
{
    assert_redacted("hunter2", "hunter2", "********");
    assert_redacted("hunter2 and hunter2", "hunter2", "******** and ********");
    assert_redacted("hunter2hunter", "hunter2", "********hunter");
    assert_redacted("x=hunter22", "hunter2", "x=********2");
}

TEST(no_character_of_a_secret_is_special)
{
    assert_redacted("(.*)+[a-z]?^$|\\ and .*abcd", "(.*)+[a-z]?^$|\\", "******** and .*abcd");
    assert_redacted("100%s %n of it", "%s %n", "100******** of it");
    assert_redacted("xaaaax", "a*a*", "xaaaax");
}

TEST(a_secret_that_looks_like_the_mark_ends)
{
    assert_redacted("a **** b", "****", "a ******** b");
    assert_redacted("a ******** b", "********", "a ******** b");
}

/* quote("p\u00e4ss/w rd+:", safe="") and the same in lower case. */
TEST(a_percent_encoded_secret_is_found_in_either_case)
{
    static const char secret[] = "p\xc3\xa4ss/w rd+:";

    assert_redacted("?p=p%C3%A4ss%2Fw%20rd%2B%3A&x", secret, "?p=********&x");
    assert_redacted("?p=p%c3%a4ss%2fw%20rd%2b%3a&x", secret, "?p=********&x");
}

/* Every byte that is not reserved stays, so an F of the secret's own is no
 * hexadecimal digit and keeps its case. */
TEST(only_hexadecimal_digits_change_their_case)
{
    assert_redacted("FACE%2fBAD", "FACE/BAD", "********");
    assert_redacted("face%2fbad", "FACE/BAD", "face%2fbad");
}

/* json.dumps(secret, ensure_ascii=False) */
TEST(a_json_escaped_secret_is_found)
{
    assert_redacted("{\"p\": \"a\\\"b\\\\c\\nd\"}", "a\"b\\c\nd", "{\"p\": \"********\"}");
    assert_redacted("{\"p\": \"a\\/b\\/c\"}", "a/b/c", "{\"p\": \"********\"}");
}

/* json.dumps("p\u00e4ss\U0001f511w") is what Synapse, a Python program, would
 * write, in lower case; others write upper case. */
TEST(a_json_secret_in_ascii_is_found_in_either_case)
{
    static const char secret[] = "p\xc3\xa4ss\xf0\x9f\x94\x91w";

    assert_redacted("\"p\\u00E4ss\\uD83D\\uDD11w\"", secret, "\"********\"");
    assert_redacted("\"p\\u00e4ss\\ud83d\\udd11w\"", secret, "\"********\"");
}

/* base64.b64encode(b"-" * n + b"hunter2>>???" + b"-" * 2): what depends on the
 * secret alone has to be gone, whatever the offset. */
TEST(a_secret_inside_base64_is_found_at_each_offset)
{
    static const struct {
        const char *encoded, *gone;
    } table[] = {
        {"aHVudGVyMj4+Pz8/LS0=", "aHVudGVyMj4+Pz8/"},
        {"LWh1bnRlcjI+Pj8/Py0t", "h1bnRlcjI+Pj8/P"},
        {"LS1odW50ZXIyPj4/Pz8tLQ==", "odW50ZXIyPj4/Pz8"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char *result = redact(table[i].encoded, "hunter2>>???", "", REDACT_LEAVE_SHORT);

        assert_non_null(result);
        assert_in(REDACTED, result);
        assert_not_in("dW50", result);
        assert_not_in("bnRl", result);
        assert_not_in("VudG", result);
        assert_true(strlen(result) <= strlen(table[i].encoded) - strlen(table[i].gone) +
                                          strlen(REDACTED) + 2);
        memory_free(result);
    }
}

/* base64.urlsafe_b64encode */
TEST(a_secret_inside_url_safe_base64_is_found)
{
    assert_redacted("x=aHVudGVyMj4-Pz8_;", "hunter2>>???", "x=********;");
}

TEST(all_secrets_are_cut_out)
{
    char *result = redact("hunter2, correct horse", "hunter2", "correct horse",
        REDACT_LEAVE_SHORT);

    assert_non_null(result);
    assert_string_equal(result, "********, ********");
    memory_free(result);
}

/* Cutting out the shorter one first would leave the rest of the longer. */
TEST(a_secret_that_begins_another_uncovers_nothing_of_it)
{
    char *result = redact("it is hunter2winter3!", "hunter2", "hunter2winter3",
        REDACT_LEAVE_SHORT);

    assert_non_null(result);
    assert_not_in("winter3", result);
    memory_free(result);
    result = redact("it is hunter2winter3!", "hunter2winter3", "hunter2", REDACT_LEAVE_SHORT);
    assert_non_null(result);
    assert_not_in("winter3", result);
    memory_free(result);
}

TEST(secrets_that_overlap_uncover_nothing_of_each_other)
{
    char *result = redact("it is hunter2winter3!", "hunter2win", "2winter3",
        REDACT_LEAVE_SHORT);

    assert_non_null(result);
    assert_not_in("ter3", result);
    memory_free(result);
}

TEST(a_short_secret_withholds_the_text_only_where_that_is_asked)
{
    char *result = redact("the password abc is wrong", "abc", "", REDACT_WITHHOLD_SHORT);

    assert_non_null(result);
    assert_not_in("abc", result);
    assert_not_in("password", result);
    memory_free(result);
    result = redact("the password is wrong", "abc", "", REDACT_WITHHOLD_SHORT);
    assert_non_null(result);
    assert_string_equal(result, "the password is wrong");
    memory_free(result);
    result = redact("the password abc is wrong", "abc", "", REDACT_LEAVE_SHORT);
    assert_non_null(result);
    assert_string_equal(result, "the password abc is wrong");
    memory_free(result);
}

TEST(an_empty_secret_is_nothing_to_look_for)
{
    char *result = redact("text", "", "", REDACT_WITHHOLD_SHORT);

    assert_non_null(result);
    assert_string_equal(result, "text");
    memory_free(result);
}

static int
redact_everything(void *context, struct error *error)
{
    char *result = redact("hunter2>>??? a%2Fb/cd \"a\\/b/cd\" aHVudGVyMj4+Pz8/", "hunter2>>???",
        "a/b/cd", REDACT_LEAVE_SHORT);
    int leaks = result != NULL && strstr(result, "hunter2") != NULL;

    (void)context;
    if (result == NULL)
        return error_no_memory(error);
    memory_free(result);
    return leaks ? error_set(error, ERROR_INTERNAL, "a secret was left") : 0;
}

TEST(without_memory_no_text_is_shown_rather_than_a_secret)
{
    fail_each_allocation(redact_everything, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_without_a_secret_is_left_as_it_is),
        cmocka_unit_test(a_secret_is_cut_out_wherever_it_stands),
        cmocka_unit_test(no_character_of_a_secret_is_special),
        cmocka_unit_test(a_secret_that_looks_like_the_mark_ends),
        cmocka_unit_test(a_percent_encoded_secret_is_found_in_either_case),
        cmocka_unit_test(only_hexadecimal_digits_change_their_case),
        cmocka_unit_test(a_json_escaped_secret_is_found),
        cmocka_unit_test(a_json_secret_in_ascii_is_found_in_either_case),
        cmocka_unit_test(a_secret_inside_base64_is_found_at_each_offset),
        cmocka_unit_test(a_secret_inside_url_safe_base64_is_found),
        cmocka_unit_test(all_secrets_are_cut_out),
        cmocka_unit_test(a_secret_that_begins_another_uncovers_nothing_of_it),
        cmocka_unit_test(secrets_that_overlap_uncover_nothing_of_each_other),
        cmocka_unit_test(a_short_secret_withholds_the_text_only_where_that_is_asked),
        cmocka_unit_test(an_empty_secret_is_nothing_to_look_for),
        cmocka_unit_test(without_memory_no_text_is_shown_rather_than_a_secret),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/redact", tests, NULL, NULL);
}
