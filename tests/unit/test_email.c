/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/email.h. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "accounts/email.h"
#include "base/memory.h"

/* What Synapse 1.163.2 makes of each: validate_email of util/threepids.py, run
 * by Python 3.13 (str.strip, str.casefold, str.lower; Unicode 15.1). */
static const struct {
    const char *written, *canonical;
} addresses[] = {
    {"alice@example.org", "alice@example.org"},
    {"Alice.Smith+News@Example.ORG", "alice.smith+news@example.org"},
    {"  alice@x.org\t\n", "alice@x.org"},
    {"\u3000\u00a0alice@x.org\u2028\x1f", "alice@x.org"},
    {"a b@x.org", "a b@x.org"},
    {"\"a b\"@x.org", "\"a b\"@x.org"},
    {"Stra\u00dfe@x.org", "strasse@x.org"},
    {"\u1e9e@x.org", "ss@x.org"},           /* the capital of that */
    {"\u0130@x.org", "i\u0307@x.org"},      /* I with a dot */
    {"\u0131I@x.org", "\u0131i@x.org"},     /* i without one */
    {"\u039f\u03a3 \u03a3\u03c3\u03c2@x.org", /* the three forms of sigma */
        "\u03bf\u03c3 \u03c3\u03c3\u03c3@x.org"},
    {"\ufb01\ufb03\ufb06@x.org", "fiffist@x.org"}, /* ligatures */
    {"\u13a0\uab70\u13f8@x.org", "\u13a0\u13a0\u13f0@x.org"}, /* Cherokee: to capitals */
    {"\u1c80\u1c88@x.org", "\u0432\ua64b@x.org"},
    {"\u10a0\u1c90\u10d0@x.org", "\u2d00\u10d0\u10d0@x.org"}, /* Georgian */
    {"\u0390\u1fd3@x.org", "\u03b9\u0308\u0301\u03b9\u0308\u0301@x.org"},
    {"\u1f88\u1fb3\u1ffc@x.org", "\u1f00\u03b9\u03b1\u03b9\u03c9\u03b9@x.org"},
    {"e\u0301\u00c9\u1e9b@x.org", "e\u0301\u00e9\u1e61@x.org"}, /* nothing is composed */
    {"\u212a\u212b\u2126@x.org", "k\u00e5\u03c9@x.org"}, /* kelvin, angstrom, ohm */
    {"\u0149\u01f0@x.org", "\u02bcnj\u030c@x.org"},
    {"\u0345\u017f@x.org", "\u03b9s@x.org"},
    {"\U00010400\U0001e900\U00010c80\U000118a0@x.org",
        "\U00010428\U0001e922\U00010cc0\U000118c0@x.org"},
    {"\uff21\uff20@x.org", "\uff41\uff20@x.org"}, /* a wide "@" is none */
    {"\u01c4\u01c5@x.org", "\u01c6\u01c6@x.org"},
    {"\u1e9a\u0587@x.org", "a\u02be\u0565\u0582@x.org"},
    {"\u0660\u6f22\U0001f511@x.org", "\u0660\u6f22\U0001f511@x.org"},
    {"x@m\u00fcnchen.\u00df\u03c2\u6f22.org", "x@m\u00fcnchen.\u00df\u03c2\u6f22.org"},
    {"x@[IPv6:::1]", "x@[ipv6:::1]"},
    {"x@LOCALHOST", "x@localhost"},
    {"a@b", "a@b"}, /* the shortest there is */
};

TEST(an_address_becomes_what_synapse_stores)
{
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT(addresses); i++) {
        const char *reason = NULL;
        char *canonical = NULL;
        int result = email_canonical(addresses[i].written, &canonical, &reason);

        if (result != 0 || strcmp(canonical, addresses[i].canonical) != 0) {
            print_error("%s became %s, not %s\n", addresses[i].written,
                result == 0 ? canonical : reason, addresses[i].canonical);
            wrong++;
        }
        memory_free(canonical);
    }
    assert_int_equal(wrong, 0);
}

TEST(the_canonical_form_of_a_canonical_form_is_itself)
{
    for (size_t i = 0; i < COUNT(addresses); i++) {
        const char *reason;
        char *canonical;

        assert_int_equal(email_canonical(addresses[i].canonical, &canonical, &reason), 0);
        assert_string_equal(canonical, addresses[i].canonical);
        memory_free(canonical);
    }
}

static void
assert_refused(const char *written, const char *part)
{
    const char *reason = NULL;
    char *canonical = NULL;

    if (email_canonical(written, &canonical, &reason) != -1)
        fail_msg("%s was not refused", written);
    assert_null(canonical);
    assert_in(part, reason);
}

/* "Unable to parse email address" of canonicalise_email. */
TEST(an_address_has_exactly_one_at)
{
    assert_refused("", "no @");
    assert_refused("   ", "no @");
    assert_refused("alice", "no @");
    assert_refused("alice\uff20x.org", "no @");
    assert_refused("a@b@c", "more than one @");
    assert_refused("a@x.org b@x.org", "more than one @");
    assert_refused("\"a@b\"@x.org", "more than one @");
    assert_refused("@@", "more than one @");
}

/* Synapse takes "@x.org" and "alice@"; nobody can mean them. */
TEST(something_stands_on_both_sides_of_the_at)
{
    assert_refused("@x.org", "before");
    assert_refused("alice@", "behind");
    assert_refused("@", "before");
    assert_refused(" @x.org", "before");
}

TEST(control_characters_and_what_is_not_unicode_are_refused)
{
    assert_refused("a\nb@x.org", "control character");
    assert_refused("ab@x.org\x7f", "control character");
    assert_refused("ab@\xc2\x85x.org", "control character");
    assert_refused("a\xff@x.org", "Unicode");
    assert_refused("ab@x.org\xc3", "Unicode");
}

/* str.lower makes two characters of the second, and of the third one of two,
 * depending on what stands beside it. */
TEST(capitals_outside_ascii_in_the_domain_are_refused)
{
    assert_refused("x@M\u00dcNCHEN.de", "lower case");
    assert_refused("x@\u0130.org", "lower case");
    assert_refused("x@A\u03a3.org", "lower case");
    assert_refused("x@\u212a.org", "lower case");
    assert_refused("x@\U00010400.org", "lower case");
}

/* "a" repeated so that the address has this many characters in all. */
static const char *
address_of(size_t characters, const char *letter)
{
    static char address[4096];
    size_t length = 0;

    for (size_t i = 0; i < characters - strlen("@x"); i++, length += strlen(letter))
        memcpy(address + length, letter, strlen(letter));
    strcpy(address + length, "@x");
    return address;
}

/* MAX_EMAIL_ADDRESS_LENGTH, 500, in Python's characters. */
TEST(an_address_has_at_most_five_hundred_characters)
{
    const char *reason;
    char *canonical;

    assert_int_equal(email_canonical(address_of(500, "a"), &canonical, &reason), 0);
    assert_int_equal(strlen(canonical), 500);
    memory_free(canonical);
    assert_refused(address_of(501, "a"), "500");
    assert_int_equal(email_canonical(address_of(500, "\u00e9"), &canonical, &reason), 0);
    memory_free(canonical);
    assert_refused(address_of(501, "\u00e9"), "500");
    /* Counted is the canonical form: each of these becomes "ss". */
    assert_int_equal(email_canonical(address_of(251, "\u00df"), &canonical, &reason), 0);
    memory_free(canonical);
    assert_refused(address_of(252, "\u00df"), "500");
}

static int
canonicalise(void *context, struct error *error)
{
    const char *reason;
    char *canonical;
    int result = email_canonical(context, &canonical, &reason);

    memory_free(canonical);
    if (result == -2)
        return error_no_memory(error);
    return result == 0 ? 0 : error_set(error, ERROR_INVALID, "%s", reason);
}

TEST(without_memory_there_is_no_address)
{
    char usual[] = " Alice.Smith+a.long.tag.that.takes.more.than.one.block@example.org";
    char wrong[] = "Alice@M\u00dcNCHEN.de";

    fail_each_allocation(canonicalise, usual);
    fail_each_allocation(canonicalise, wrong);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_becomes_what_synapse_stores),
        cmocka_unit_test(the_canonical_form_of_a_canonical_form_is_itself),
        cmocka_unit_test(an_address_has_exactly_one_at),
        cmocka_unit_test(something_stands_on_both_sides_of_the_at),
        cmocka_unit_test(control_characters_and_what_is_not_unicode_are_refused),
        cmocka_unit_test(capitals_outside_ascii_in_the_domain_are_refused),
        cmocka_unit_test(an_address_has_at_most_five_hundred_characters),
        cmocka_unit_test(without_memory_there_is_no_address),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("accounts/email", tests, NULL, NULL);
}
