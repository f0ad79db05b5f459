/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts/password.h and matrix/service_account.h. */
#include "support.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "accounts/password.h"
#include "matrix/service_account.h"

#define LENGTH 24

/* accounts/password.h: letters and digits, of ASCII. */
static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void
generate(char password[LENGTH + 1])
{
    struct secret secret = {0};
    struct error error = {0};

    assert_int_equal(password_generate(&secret, &error), 0);
    assert_int_equal(secret.length, LENGTH);
    assert_int_equal(strlen(secret.bytes), LENGTH);
    memcpy(password, secret.bytes, LENGTH + 1);
    secret_free(&secret);
}

TEST(a_password_that_was_made_up_has_24_letters_and_digits)
{
    for (int i = 0; i < 100; i++) {
        char password[LENGTH + 1];

        generate(password);
        assert_int_equal(strspn(password, alphabet), LENGTH);
    }
}

/* YAML reads 1e5 as a number, 0x1F too. */
TEST(a_password_that_was_made_up_begins_with_a_letter)
{
    bool digits_elsewhere = false;

    for (int i = 0; i < 500; i++) {
        char password[LENGTH + 1];

        generate(password);
        assert_true(isalpha((unsigned char)password[0]));
        digits_elsewhere |= isdigit((unsigned char)password[1]) != 0;
    }
    assert_true(digits_elsewhere);
}

TEST(no_two_passwords_that_were_made_up_are_alike)
{
    static char passwords[200][LENGTH + 1];

    for (size_t i = 0; i < COUNT(passwords); i++) {
        generate(passwords[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(passwords[i], passwords[j]);
    }
}

/*
 * 46,000 letters behind the first ones: each of the 62 is expected 742 times,
 * with a standard deviation of 27. The eight that a remainder of a byte would
 * favour (256 % 62) are expected 5935 times (72), and were 7187 with that
 * mistake. The bounds are eight deviations away.
 */
TEST(every_letter_is_as_likely_as_any_other)
{
    unsigned counts[sizeof(alphabet) - 1] = {0};
    unsigned firsts[sizeof(alphabet) - 1] = {0};
    unsigned favoured = 0;

    for (int i = 0; i < 2000; i++) {
        char password[LENGTH + 1];

        generate(password);
        firsts[strchr(alphabet, password[0]) - alphabet]++;
        for (size_t j = 1; j < LENGTH; j++)
            counts[strchr(alphabet, password[j]) - alphabet]++;
    }
    for (size_t i = 0; i < COUNT(counts); i++) {
        assert_in_range(counts[i], 742 - 8 * 27, 742 + 8 * 27);
        if (i < 8)
            favoured += counts[i];
        if (isalpha((unsigned char)alphabet[i])) /* 38, with a deviation of 6 */
            assert_in_range(firsts[i], 1, 38 + 8 * 6);
    }
    assert_in_range(favoured, 5935 - 8 * 72, 5935 + 8 * 72);
}

TEST(what_the_secret_held_before_is_gone)
{
    struct secret secret = {0};
    struct error error = {0};

    assert_int_equal(secret_set(&secret, "hunter2", 7), 0);
    assert_int_equal(password_generate(&secret, &error), 0);
    assert_int_equal(secret.length, LENGTH);
    assert_null(strstr(secret.bytes, "hunter2"));
    secret_free(&secret);
}

static int
generate_once(void *context, struct error *error)
{
    struct secret secret = {0};
    int result = password_generate(&secret, error);

    (void)context;
    if (result == 0 && secret.length != LENGTH)
        result = error_set(error, ERROR_INTERNAL, "it has %zu bytes", secret.length);
    secret_free(&secret);
    return result;
}

TEST(without_memory_no_password_is_made_up)
{
    fail_each_allocation(generate_once, NULL);
}

/* From Python: base64.b64encode(hmac.new(secret, b"registrar/v1\0" + localpart,
 * hashlib.sha256).digest()). */
static const struct {
    const char *secret, *localpart, *password;
} derived[] = {
    {"shared", "registrar-service", "/zUqPQkAeVjJK3qAFG/iAIP5v6DomXeXlUtmPJ/3KlI="},
    {"shared", "registrar-servicf", "tR286gID2V1Uw+tlcG8VsKWejc1V7cH1JKTqETGv1fg="},
    {"sharee", "registrar-service", "GjKFHE3kyM2Shmq89BpcCj2ZWi/KhlcXbCKoZAGEEfA="},
    {"sh\xc3\xa4red secret \xe2\x98\x83", "ops",
        "BZYmF1KS+JNPCJZyvAxNpXUY8wN59bC9SdAJ4Pu1Z0o="},
    /* longer than SHA-256's block: RFC 2104 hashes the key first */
    {"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "registrar-service",
        "FCXAlew06wlVO6n8tQh6YIqloS8BxwwHUxc8GKPW3KU="},
};

static int
derive(size_t i, struct secret *password, struct error *error)
{
    const struct secret secret = secret_over(derived[i].secret);

    return service_account_password(password, &secret, derived[i].localpart, error);
}

TEST(the_service_accounts_password_follows_from_the_secret_and_the_name)
{
    for (size_t i = 0; i < COUNT(derived); i++) {
        struct secret password = {0};
        struct error error = {0};

        assert_int_equal(derive(i, &password, &error), 0);
        assert_string_equal(password.bytes, derived[i].password);
        assert_int_equal(password.length, strlen(derived[i].password));
        secret_free(&password);
    }
}

static int
derive_first(void *context, struct error *error)
{
    struct secret password = {0};
    int result = derive(0, &password, error);

    (void)context;
    secret_free(&password);
    return result;
}

TEST(without_memory_nothing_follows_from_the_secret)
{
    fail_each_allocation(derive_first, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_that_was_made_up_has_24_letters_and_digits),
        cmocka_unit_test(a_password_that_was_made_up_begins_with_a_letter),
        cmocka_unit_test(no_two_passwords_that_were_made_up_are_alike),
        cmocka_unit_test(every_letter_is_as_likely_as_any_other),
        cmocka_unit_test(what_the_secret_held_before_is_gone),
        cmocka_unit_test(without_memory_no_password_is_made_up),
        cmocka_unit_test(the_service_accounts_password_follows_from_the_secret_and_the_name),
        cmocka_unit_test(without_memory_nothing_follows_from_the_secret),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("made passwords", tests, NULL, NULL);
}
