/* SPDX-License-Identifier: GPL-3.0-or-later */
/* That neither a password nor a pepper is left in this process, but where its owner
 * has it, once it was compared with a hash. */
#include "support.h"

#include <string.h>

#include "backends/mas/hash.h"
#include "base/memory.h"
#include "needle.h"

static const char *const hashes[] = {
    "$argon2id$v=19$m=1024,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ"
    "$hb2zmEY55SqW/WBhN53ZFlmxUfhlDAv8GoHY9p/XqY0",
    "$argon2id$v=19$m=4294967295,t=2,p=1$/xBFJgIfFoWPk/xvWCXEFQ"
    "$hb2zmEY55SqW/WBhN53ZFlmxUfhlDAv8GoHY9p/XqY0",
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw"
    "$NuhW6XI2nKSkjWYCz7TcRfxNm4OWRjYcdlV6FcrHtBI",
    "$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw"
    "$CmboOORIRFf9Asg4k14Hu0441weM6ZB5LIaV4inf7EE",
    "$2b$04$abcdefghijklmnopqrstuuVTcqd2ABtWAB5KrI9LI.QQxU0U7.FVC",
    "of an unknown kind",
};

static char needle[NEEDLE_LENGTH + 1];

static void
compare(const char *hash, const char *password, const char *pepper)
{
    const struct mas_scheme scheme = {
        .unicode_normalization = true, .secret = secret_over(pepper)};
    struct secret secret = secret_over(password);
    enum password_answer answer;
    struct error error = {0};
    char why[PASSWORD_WHY_SIZE];

    assert_int_equal(hash_compare(hash, &secret, &scheme, &answer, why, &error), 0);
}

TEST(a_password_is_nowhere_else_once_it_was_compared)
{
    for (size_t i = 0; i < COUNT(hashes); i++)
        compare(hashes[i], needle, "pepper");
    assert_int_equal(needle_count(), 1);
}

TEST(nor_is_a_pepper)
{
    for (size_t i = 0; i < COUNT(hashes); i++)
        compare(hashes[i], "password", needle);
    assert_int_equal(needle_count(), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_nowhere_else_once_it_was_compared),
        cmocka_unit_test(nor_is_a_pepper),
    };

#if defined(__SANITIZE_ADDRESS__)
    return 0;
#endif
    needle_make(needle);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
