/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/hash.h. The hashes are others' work. Those of Argon2 are of RFC 9106
 * (section 5), of its reference (phc-winner-argon2, src/test.c) or were made by
 * libsodium 1.0.20; those of PBKDF2 are of RFC 7914 (section 11), of other
 * projects' tests, or were made by Python's hashlib; those of bcrypt were made by
 * Python's bcrypt 5.0.0. The forms are those of MAS 1.22.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "backends/mas/hash.h"
#include "base/memory.h"

#define HORSE "correct horse"
#define PEPPER "a pepper: \xc3\xbc$"
/* A ligature, a letter with a combining accent, the Angstrom sign, a circled 1. */
#define WRITTEN "\xef\xac\x81" "anc\xc3\xa9 \xc3\x85\xe2\x91\xa0"
#define NORMAL "fianc\xc3\xa9 \xc3\x85" "1"

/* MAS's own form: m=19456, t=2, p=1. */
#define OF_HORSE                                                                           \
    "$argon2id$v=19$m=19456,t=2,p=1$TkKTREB5DtPatikEHgYwcg"                                \
    "$CTGkTvQLXFr8XkNnBZ9WHTLQ2evJW7vYpk22vzCy5oM"
#define SMALL_OF_NORMAL                                                                    \
    "$argon2id$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ"                                 \
    "$hb2zmEY55SqW/WBhN53ZFlmxUfhlDAv8GoHY9p/XqY0"
#define PBKDF2_OF_NORMAL                                                                   \
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw"                                    \
    "$su567w6nj/cHj/UVSJ/JWFOvmfaG1eiEDPB9+UmbdWU"
#define LARGE_OF_HORSE                                                                     \
    "$argon2id$v=19$m=131072,t=2,p=1$1UJlub7VLpsylrRT1lYigw"                               \
    "$h/05Ta3r8Csscb3bZnRhB15ZSS9XMsjmJEx+ReGeDN4"

struct known {
    const char *hash;
    const char *password;
};

/* With the costs that servers have, for which memory checkers have little time. */
static const struct known dear[] = {
    {OF_HORSE, HORSE},       /* libsodium */
    {LARGE_OF_HORSE, HORSE}, /* libsodium */
    {"$argon2id$v=19$m=19456,t=2,p=1$VHcctmwwSdElTwaeRUd4pw"
     "$PJFP+QaGm7EDeVvyOZC73BYsJD8O8Zh+DnW7a+ICUtE",
        "p\xc3\xa4ssw\xc3\xb6rd"}, /* libsodium */
    {"$pbkdf2-sha256$i=80000,l=64$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgz"
     "VJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ",
        "Password"}, /* RFC 7914 */
    {"$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU"
     "$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc",
        "test"}, /* Ory Kratos, hash/hash_comparator_test.go */
};

static const struct known known[] = {
    {"$argon2i$v=19$m=1024,t=3,p=1$Fi3zjSq01Tp9DFDlrKKo5g"
     "$zdV/Yrs4STDD67WA0BOhJNNPOCYVQAILwmsQBkd1bIk",
        HORSE}, /* libsodium */
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "password"}, /* the reference */
    {"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "password"}, /* the reference */
    {"$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
        "password"}, /* the reference */
    {"$pbkdf2-sha256$i=1,l=64$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkW"
     "ZLOdd+8xfHG4RbHjC9UJESBB06GXgw",
        "passwd"}, /* RFC 7914 */
    {"$pbkdf2-sha256$i=1000$AAECAwQFBgcICQoLDA0ODw$yRTMTwbMbo9G0VfjobWqerzuuxe7BETNTErBbKKumGQ",
        HORSE}, /* hashlib */
    {"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", HORSE},
};

/* All of the password "correct horse", or of WRITTEN as NFKC makes it. */
static const char *const peppered[] = {
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw"
    "$NuhW6XI2nKSkjWYCz7TcRfxNm4OWRjYcdlV6FcrHtBI",
    "$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw"
    "$CmboOORIRFf9Asg4k14Hu0441weM6ZB5LIaV4inf7EE",
    "$2b$04$abcdefghijklmnopqrstuuVTcqd2ABtWAB5KrI9LI.QQxU0U7.FVC",
};
static const char *const normalized[] = {
    SMALL_OF_NORMAL,
    PBKDF2_OF_NORMAL,
    "$2b$04$abcdefghijklmnopqrstuunB.Z5Xt80VNuySp4VREDIUmysrnUg6e",
};

static enum password_answer
ask_scheme(const char *hash, const char *password, const struct mas_scheme *scheme, char *why)
{
    struct secret secret = secret_over(password);
    enum password_answer answer = PASSWORD_CANNOT_TELL;
    struct error error = {0};
    char unused[PASSWORD_WHY_SIZE] = "";

    assert_int_equal(
        hash_compare(hash, &secret, scheme, &answer, why == NULL ? unused : why, &error), 0);
    assert_kind(&error, ERROR_NONE);
    return answer;
}

static enum password_answer
ask(const char *hash, const char *password)
{
    return ask_scheme(hash, password, NULL, NULL);
}

/* Says what it cannot tell, without the hash. */
static void
cannot_tell(const char *hash, const char *words)
{
    char why[PASSWORD_WHY_SIZE] = "";

    assert_int_equal(ask_scheme(hash, HORSE, NULL, why), PASSWORD_CANNOT_TELL);
    assert_in(words, why);
    assert_not_in(hash, why);
}

TEST(the_password_of_a_hash_is_known)
{
    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(ask(known[i].hash, known[i].password), PASSWORD_SAME);
    for (size_t i = 0; i < COUNT(dear); i++)
        assert_int_equal(ask(dear[i].hash, dear[i].password), PASSWORD_SAME);
}

TEST(no_other_password_is)
{
    char other[100];

    for (size_t i = 0; i < COUNT(known); i++) {
        snprintf(other, sizeof(other), "%s", known[i].password);
        other[strlen(other) - 1] ^= 1;
        assert_int_equal(ask(known[i].hash, other), PASSWORD_DIFFERENT);
    }
    assert_int_equal(ask(SMALL_OF_NORMAL, ""), PASSWORD_DIFFERENT);
    assert_int_equal(ask(SMALL_OF_NORMAL, NORMAL "x"), PASSWORD_DIFFERENT);
}

TEST(each_byte_of_a_hash_counts)
{
    char hash[] = SMALL_OF_NORMAL;
    size_t length = strlen(hash);

    assert_int_equal(ask(hash, NORMAL), PASSWORD_SAME);
    for (size_t i = length - 43; i < length; i++) {
        char letter = hash[i];

        hash[i] = letter == 'E' ? 'A' : 'E';
        assert_int_equal(ask(hash, NORMAL), PASSWORD_DIFFERENT);
        hash[i] = letter;
    }
}

/* RFC 9106, section 5: password 32 x 1, salt 16 x 2, secret 8 x 3, data 12 x 4. */
TEST(a_pepper_is_the_secret_parameter_of_argon2)
{
    static const char *const hashes[] = {
        "$argon2d$v=19$m=32,t=3,p=4,data=BAQEBAQEBAQEBAQE$AgICAgICAgICAgICAgICAg"
        "$USs5G28RYpdTcdMJGXNClPho4745hPPBoTpNufq+Sss",
        "$argon2i$v=19$m=32,t=3,p=4,data=BAQEBAQEBAQEBAQE$AgICAgICAgICAgICAgICAg"
        "$yBTZ0dx/N6oT8Nd/JJS9ocjeawFt04jSmVKkxGcrbOg",
        "$argon2id$v=19$m=32,t=3,p=4,data=BAQEBAQEBAQEBAQE$AgICAgICAgICAgICAgICAg"
        "$DWQN9Y14dmwIwDejSotTydAe8EUtdbZetSUg6WsB5lk",
    };
    const struct mas_scheme scheme = {.secret = secret_over("\3\3\3\3\3\3\3\3")};
    const struct mas_scheme another = {.secret = secret_over("\3\3\3\3\3\3\3\4")};
    char password[33];

    memset(password, 1, 32);
    password[32] = '\0';
    for (size_t i = 0; i < COUNT(hashes); i++) {
        assert_int_equal(ask_scheme(hashes[i], password, &scheme, NULL), PASSWORD_SAME);
        assert_int_equal(ask_scheme(hashes[i], password, &another, NULL), PASSWORD_DIFFERENT);
        assert_int_equal(ask(hashes[i], password), PASSWORD_DIFFERENT);
    }
}

TEST(a_pepper_stands_behind_the_password_of_the_other_kinds)
{
    const struct mas_scheme scheme = {.secret = secret_over(PEPPER)};

    for (size_t i = 0; i < COUNT(peppered); i++) {
        assert_int_equal(ask_scheme(peppered[i], HORSE, &scheme, NULL), PASSWORD_SAME);
        assert_int_equal(ask(peppered[i], HORSE PEPPER), PASSWORD_SAME);
        assert_int_equal(ask(peppered[i], HORSE), PASSWORD_DIFFERENT);
        assert_int_equal(ask_scheme(peppered[i], HORSE "x", &scheme, NULL), PASSWORD_DIFFERENT);
    }
}

TEST(an_empty_pepper_changes_nothing)
{
    const struct mas_scheme scheme = {.secret = secret_over("")};

    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(ask_scheme(known[i].hash, known[i].password, &scheme, NULL),
            PASSWORD_SAME);
}

TEST(a_password_is_normalized_where_the_scheme_says_so)
{
    const struct mas_scheme scheme = {.unicode_normalization = true};
    const struct mas_scheme plain = {.version = 2};

    for (size_t i = 0; i < COUNT(normalized); i++) {
        assert_int_equal(ask_scheme(normalized[i], WRITTEN, &scheme, NULL), PASSWORD_SAME);
        assert_int_equal(ask_scheme(normalized[i], NORMAL, &scheme, NULL), PASSWORD_SAME);
        assert_int_equal(ask_scheme(normalized[i], WRITTEN, &plain, NULL), PASSWORD_DIFFERENT);
        assert_int_equal(ask(normalized[i], WRITTEN), PASSWORD_DIFFERENT);
    }
}

TEST(what_is_no_unicode_is_hashed_as_it_is_or_refused)
{
    const struct mas_scheme scheme = {.unicode_normalization = true};
    const char *hash = "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e";
    struct secret password = secret_over("\xff\xff\xa3"); /* Openwall, crypt_blowfish 1.3 */
    enum password_answer answer;
    struct error error = {0};
    char why[PASSWORD_WHY_SIZE];

    assert_int_equal(ask(hash, "\xff\xff\xa3"), PASSWORD_SAME);
    assert_int_equal(hash_compare(hash, &password, &scheme, &answer, why, &error), -1);
    assert_kind(&error, ERROR_INVALID);
}

TEST(who_has_no_hash_has_no_password)
{
    assert_int_equal(ask(NULL, ""), PASSWORD_DIFFERENT);
    assert_int_equal(ask("", ""), PASSWORD_DIFFERENT);
}

TEST(a_hash_of_another_kind_says_nothing)
{
    static const char *const others[] = {
        "plain", "$", "$$$$", "*", "$argon2id", "$argon2id$", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        /* of a kind that is known, and too short, padded, or with words unknown */
        "$argon2id$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ",
        "$argon2id$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ$hb2zmEY5",
        "$argon2id$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ==$hb2zmEY55SqW/WBhN53ZFlmxUfhlDA",
        "$argon2id$v=19$m=1024,t=2,p=1,x=1$/xBFJgIfFoWPk/xvWCXEFQ$hb2zmEY55SqW/WBhN53ZFlmxUfhlDA",
        "$argon2x$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ$hb2zmEY55SqW/WBhN53ZFlmxUfhlDA",
        "$pbkdf2$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$NuhW6XI2nKSkjWYCz7TcRfxNm4OWRjYcdlV6FcrHtBI",
        "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$NuhW6XI2nKSkjWYCz7TcRfxNm4OWRjYcdlV6FcrHtBI",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    };

    for (size_t i = 0; i < COUNT(others); i++)
        cannot_tell(others[i], "unknown kind");
}

#define SALT "/xBFJgIfFoWPk/xvWCXEFQ"
#define HASH "hb2zmEY55SqW/WBhN53ZFlmxUfhlDAv8GoHY9p/XqY0"

TEST(numbers_that_cannot_be_are_malformed)
{
    static const char *const heads[] = {
        "$argon2id$v=19$m=1024,t=2$" SALT, "$argon2id$v=19$m=1024,p=1$" SALT,
        "$argon2id$v=19$t=2,p=1$" SALT, "$argon2id$v=18$m=1024,t=2,p=1$" SALT,
        "$argon2id$m=1024,t=2,p=1$" SALT, "$argon2id$" SALT, "$argon2id$v=19$m=0,t=2,p=1$" SALT,
        "$argon2id$v=19$m=1024,t=0,p=1$" SALT, "$argon2id$v=19$m=1024,t=2,p=0$" SALT,
        "$argon2id$v=19$m=7,t=2,p=1$" SALT,      /* eight blocks a lane at least */
        "$argon2id$v=19$m=1024,t=2,p=129$" SALT, "$argon2id$v=19$m=1024,t=2,p=4294967295$" SALT,
        "$argon2id$v=19$m=1024,t=2,p=1$c2FsdA", /* a salt of eight bytes at least */
        "$pbkdf2-sha256$i=0,l=32$" SALT, "$pbkdf2-sha256$l=32$" SALT,
        "$pbkdf2-sha256$i=1000,l=33$" SALT, "$pbkdf2-sha256$" SALT,
    };
    char hash[200];

    for (size_t i = 0; i < COUNT(heads); i++) {
        snprintf(hash, sizeof(hash), "%s$" HASH, heads[i]);
        cannot_tell(hash, "is malformed");
    }
}

TEST(what_would_take_too_long_is_not_begun)
{
    static const char *const heads[] = {
        "$argon2id$v=19$m=131073,t=1,p=1", "$argon2id$v=19$m=4294967295,t=1,p=1",
        "$argon2id$v=19$m=131072,t=33,p=1", "$argon2id$v=19$m=1024,t=4294967295,p=1",
        "$argon2id$v=19$m=8,t=4294967295,p=1", "$pbkdf2-sha256$i=6000001,l=32",
        "$pbkdf2-sha512$i=4294967295,l=32",
    };
    char hash[200];

    for (size_t i = 0; i < COUNT(heads); i++) {
        snprintf(hash, sizeof(hash), "%s$" SALT "$" HASH, heads[i]);
        cannot_tell(hash, "takes too long");
    }
    snprintf(hash, sizeof(hash), "$pbkdf2-sha256$i=3000001,l=33$" SALT "$" HASH "A");
    cannot_tell(hash, "takes too long");
    cannot_tell("$2b$17$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "takes too long");
    cannot_tell("$2b$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "takes too long");
}

static int
compare_one(void *context, struct error *error)
{
    const struct mas_scheme scheme = {
        .unicode_normalization = true, .secret = secret_over(PEPPER)};
    struct secret secret = secret_over(HORSE);
    enum password_answer answer;
    char why[PASSWORD_WHY_SIZE];

    return hash_compare(context, &secret, &scheme, &answer, why, error);
}

TEST(memory_that_is_short_is_an_error)
{
    char argon2[] = SMALL_OF_NORMAL;
    char pbkdf2[100], bcrypt[100];

    snprintf(pbkdf2, sizeof(pbkdf2), "%s", peppered[0]);
    snprintf(bcrypt, sizeof(bcrypt), "%s", peppered[2]);
    fail_each_allocation(compare_one, argon2);
    fail_each_allocation(compare_one, pbkdf2);
    fail_each_allocation(compare_one, bcrypt);
}

/* The work of argon2 is the allocation that a failing one has to hit. */
TEST(the_memory_of_argon2_is_the_program_s_own)
{
    memory_fail_at(0);
    assert_int_equal(ask(SMALL_OF_NORMAL, NORMAL), PASSWORD_SAME);
    assert_true(memory_fail_at(0) >= 2);
}

/* The dearest hash has to fit into what main.c lets the program have. A sanitizer's
 * shadow is memory, too. */
static void
have_as_much_as_the_program(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit limit = {(rlim_t)256 << 20, (rlim_t)256 << 20};

    setrlimit(RLIMIT_DATA, &limit);
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_of_a_hash_is_known),
        cmocka_unit_test(no_other_password_is),
        cmocka_unit_test(each_byte_of_a_hash_counts),
        cmocka_unit_test(a_pepper_is_the_secret_parameter_of_argon2),
        cmocka_unit_test(a_pepper_stands_behind_the_password_of_the_other_kinds),
        cmocka_unit_test(an_empty_pepper_changes_nothing),
        cmocka_unit_test(a_password_is_normalized_where_the_scheme_says_so),
        cmocka_unit_test(what_is_no_unicode_is_hashed_as_it_is_or_refused),
        cmocka_unit_test(who_has_no_hash_has_no_password),
        cmocka_unit_test(a_hash_of_another_kind_says_nothing),
        cmocka_unit_test(numbers_that_cannot_be_are_malformed),
        cmocka_unit_test(what_would_take_too_long_is_not_begun),
        cmocka_unit_test(memory_that_is_short_is_an_error),
        cmocka_unit_test(the_memory_of_argon2_is_the_program_s_own),
    };

    have_as_much_as_the_program();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
