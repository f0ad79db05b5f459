/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A value nobody may see: a password, a token, a shared secret. It is zeroed
 * when freed and never formatted; who needs its bytes says so by reading them.
 * All zeroes is "not given", which is not the same as given and empty.
 */
#ifndef REGISTRAR_BASE_SECRET_H
#define REGISTRAR_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *bytes; /* NUL behind the last byte; NULL when not given */
    size_t length;
};

/* Copies bytes into secret, freeing what it held. -1 when memory is short. */
int secret_set(struct secret *secret, const char *bytes, size_t length);

/* Copies from into secret; "not given" stays so. -1 when memory is short. */
int secret_copy(struct secret *secret, const struct secret *from);

bool secret_given(const struct secret *secret);

/*
 * True when it can stand in a header as a token: printable ASCII without
 * spaces. Anything else could be taken for another header.
 */
bool secret_is_token(const struct secret *secret);

/* Zeroes and frees; the struct is "not given" afterwards. */
void secret_free(struct secret *secret);

#endif
