/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/password.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/random.h"

#define LENGTH 24

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
#define LETTERS (sizeof(alphabet) - 1)

/* YAML reads 1e5 as a number, so the first one is a letter. */
static bool
may_stand(size_t at, char letter)
{
    return at > 0 || isalpha((unsigned char)letter);
}

int
password_generate(struct secret *password, struct error *error)
{
    char text[LENGTH];
    size_t length = 0;
    int result = -1;

    while (length < LENGTH) {
        unsigned char byte;
        char letter;

        if (random_bytes(&byte, 1, error) != 0)
            goto out;
        /* Taking the rest of a larger byte would favour the first letters. */
        if (byte >= 256 / LETTERS * LETTERS)
            continue;
        letter = alphabet[byte % LETTERS];
        if (may_stand(length, letter))
            text[length++] = letter;
    }
    result = secret_set(password, text, length);
    if (result != 0)
        error_no_memory(error);
out:
    memory_wipe(text, sizeof(text));
    return result;
}
