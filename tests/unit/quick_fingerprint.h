/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A test that includes this makes its fingerprints in no time, because
 * libcrypto's function comes second when the program is linked: under valgrind
 * the real one takes half a second, and some tests need it hundreds of times.
 * That the real one is what makes fingerprints is shown by test_session_file.c.
 */
#ifndef REGISTRAR_TESTS_QUICK_FINGERPRINT_H
#define REGISTRAR_TESTS_QUICK_FINGERPRINT_H

#include <openssl/evp.h>

int
PKCS5_PBKDF2_HMAC(const char *pass, int passlen, const unsigned char *salt, int saltlen,
    int iter, const EVP_MD *digest, int keylen, unsigned char *out)
{
    (void)iter;
    (void)digest;
    for (int i = 0; i < keylen; i++)
        out[i] = (unsigned char)(salt[i % saltlen] ^ pass[i % passlen]);
    return 1;
}

#endif
