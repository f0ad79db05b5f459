/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/password_hash.h. The hashes are others' work: those that
 * name Openwall are of crypt_blowfish 1.3 (wrapper.c), those that name Go of
 * golang.org/x/crypto/bcrypt (bcrypt_test.go), the rest was made with Python's
 * bcrypt 5.0.0, which is what Synapse uses.
 */
#include "support.h"

#include <string.h>

#include "backends/homeserver/password_hash.h"

#define SEVENTY_TWO "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_ONE                                                                           \
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const struct {
    const char *hash;
    const char *password;
} known[] = {
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"}, /* Openwall */
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"}, /* Openwall */
    {"$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"}, /* Openwall */
    {"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xff\xff\xa3"},
    {"$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        LONG_ONE "chars after 72 are ignored"}, /* Openwall */
    {"$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga", "allmine"}, /* Go */
    {"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "correct horse"},
    {"$2a$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC", "p\xc3\xa4ssw\xc3\xb6rd"},
    {"$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq", ""},
    {"$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i", SEVENTY_TWO},
};

static enum password_answer
ask(const char *hash, const char *password, char *why)
{
    struct secret secret = secret_over(password);
    enum password_answer answer = PASSWORD_CANNOT_TELL;
    struct error error = {0};
    char unused[PASSWORD_WHY_SIZE] = "";

    assert_int_equal(
        password_hash_compare(hash, &secret, &answer, why == NULL ? unused : why, &error), 0);
    assert_kind(&error, ERROR_NONE);
    return answer;
}

TEST(the_password_of_a_hash_is_known)
{
    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(ask(known[i].hash, known[i].password, NULL), PASSWORD_SAME);
}

TEST(no_other_password_is)
{
    char other[200];

    for (size_t i = 0; i < COUNT(known); i++) {
        size_t length = strlen(known[i].password);

        strcpy(other, known[i].password);
        other[length > 0 ? length - 1 : 0] ^= 1;
        /* In the longest, what differs so is not looked at. */
        if (length <= 72) {
            other[length > 0 ? length : 1] = '\0';
            assert_int_equal(ask(known[i].hash, other, NULL), PASSWORD_DIFFERENT);
        }
        strcpy(other, known[i].password);
        other[0] = 'z';
        other[length > 0 ? length : 1] = '\0';
        assert_int_equal(ask(known[i].hash, other, NULL), PASSWORD_DIFFERENT);
    }
}

TEST(each_of_the_three_letters_means_the_same_hash)
{
    char hash[61] = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

    for (const char *letter = "aby"; *letter != '\0'; letter++) {
        hash[2] = *letter;
        assert_int_equal(ask(hash, "correct horse", NULL), PASSWORD_SAME);
        assert_int_equal(ask(hash, "correct horsf", NULL), PASSWORD_DIFFERENT);
    }
}

TEST(seventy_two_bytes_count_and_no_more)
{
    const char *hash = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

    assert_int_equal(ask(hash, SEVENTY_TWO "y", NULL), PASSWORD_SAME);
    assert_int_equal(ask(hash, &SEVENTY_TWO[1], NULL), PASSWORD_DIFFERENT);
}

TEST(an_account_without_a_hash_has_no_password)
{
    assert_int_equal(ask(NULL, "anything", NULL), PASSWORD_DIFFERENT);
    assert_int_equal(ask("", "", NULL), PASSWORD_DIFFERENT);
}

TEST(another_kind_of_hash_says_nothing_and_is_not_quoted)
{
    static const char *const others[] = {
        "plain", "$", "$2b$", "*", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e.",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo",
    };

    for (size_t i = 0; i < COUNT(others); i++) {
        char why[PASSWORD_WHY_SIZE] = "";

        assert_int_equal(ask(others[i], "plain", why), PASSWORD_CANNOT_TELL);
        assert_in("unknown kind", why);
        if (strlen(others[i]) > 4)
            assert_not_in(others[i], why);
    }
}

/* A cost of 31 is a day's work. */
TEST(a_hash_that_takes_too_long_is_not_begun)
{
    char hash[61] = "$2b$17$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

    for (int cost = 17; cost <= 31; cost++) {
        char why[PASSWORD_WHY_SIZE] = "";

        hash[4] = (char)('0' + cost / 10);
        hash[5] = (char)('0' + cost % 10);
        assert_int_equal(ask(hash, "x", why), PASSWORD_CANNOT_TELL);
        assert_in("takes too long", why);
        assert_not_in(hash, why);
    }
}

TEST(a_password_that_libcrypt_would_cut_off_is_not_asked_about)
{
    struct secret secret = {(char *)"correct horse\0battery", 21};
    enum password_answer answer = PASSWORD_SAME;
    struct error error = {0};
    char why[PASSWORD_WHY_SIZE] = "";

    assert_int_equal(
        password_hash_compare("$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
            &secret, &answer, why, &error),
        0);
    assert_int_equal(answer, PASSWORD_CANNOT_TELL);
    assert_in("NUL", why);
}

TEST(a_password_is_seasoned_as_servers_do_it)
{
    struct secret password = secret_over("\xef\xac\x81n"); /* a ligature, and n */
    struct secret pepper = secret_over("\xef\xac\x81"), seasoned = {0};
    struct error error = {0};

    assert_int_equal(password_hash_season(&seasoned, &password, true, &pepper, &error), 0);
    assert_string_equal(seasoned.bytes, "fin\xef\xac\x81");
    assert_int_equal(seasoned.length, 6);
    assert_int_equal(password_hash_season(&seasoned, &password, false, &pepper, &error), 0);
    assert_string_equal(seasoned.bytes, "\xef\xac\x81n\xef\xac\x81");
    assert_int_equal(password_hash_season(&seasoned, &password, false, NULL, &error), 0);
    assert_string_equal(seasoned.bytes, password.bytes);
    secret_free(&seasoned);
}

TEST(a_hash_of_the_right_length_that_is_none_is_nobody_s)
{
    assert_int_equal(
        ask("$2b$99$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "x", NULL),
        PASSWORD_DIFFERENT);
    assert_int_equal(
        ask("$2b$04$********************************************************", "x", NULL) ==
            PASSWORD_SAME,
        0);
}

static int
compare_one(void *context, struct error *error)
{
    struct secret secret = secret_over("correct horse");
    enum password_answer answer;
    char why[PASSWORD_WHY_SIZE];

    (void)context;
    return password_hash_compare("$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        &secret, &answer, why, error);
}

TEST(memory_that_is_short_is_an_error)
{
    fail_each_allocation(compare_one, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_of_a_hash_is_known),
        cmocka_unit_test(no_other_password_is),
        cmocka_unit_test(each_of_the_three_letters_means_the_same_hash),
        cmocka_unit_test(seventy_two_bytes_count_and_no_more),
        cmocka_unit_test(an_account_without_a_hash_has_no_password),
        cmocka_unit_test(another_kind_of_hash_says_nothing_and_is_not_quoted),
        cmocka_unit_test(a_hash_that_takes_too_long_is_not_begun),
        cmocka_unit_test(a_password_that_libcrypt_would_cut_off_is_not_asked_about),
        cmocka_unit_test(a_password_is_seasoned_as_servers_do_it),
        cmocka_unit_test(a_hash_of_the_right_length_that_is_none_is_nobody_s),
        cmocka_unit_test(memory_that_is_short_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
