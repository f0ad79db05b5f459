/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include "base/memory.h"

int
secret_set(struct secret *secret, const char *bytes, size_t length)
{
    char *copy = memory_copy(bytes, length);

    if (copy == NULL)
        return -1;
    secret_free(secret);
    secret->bytes = copy;
    secret->length = length;
    return 0;
}

int
secret_copy(struct secret *secret, const struct secret *from)
{
    if (!secret_given(from)) {
        secret_free(secret);
        return 0;
    }
    return secret_set(secret, from->bytes, from->length);
}

bool
secret_given(const struct secret *secret)
{
    return secret->bytes != NULL;
}

bool
secret_is_token(const struct secret *secret)
{
    for (size_t i = 0; i < secret->length; i++)
        if (secret->bytes[i] <= 0x20 || secret->bytes[i] >= 0x7f)
            return false;
    return secret->length > 0;
}

void
secret_free(struct secret *secret)
{
    memory_free(secret->bytes);
    secret->bytes = NULL;
    secret->length = 0;
}
