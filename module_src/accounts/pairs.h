/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets of named values: the addresses of an account by their medium, its ids
 * elsewhere by their provider. Order means nothing and nothing is in it twice.
 */
#ifndef REGISTRAR_ACCOUNTS_PAIRS_H
#define REGISTRAR_ACCOUNTS_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pair {
    char *key;   /* "email", or a provider */
    char *value; /* an address, or an id */
};

/* Starts as all zeroes: the empty set. */
struct pairs {
    struct pair *items; /* sorted by key, then by value */
    size_t count;
    bool append; /* as something wanted: these at least, others may stay */
};

/* By key, then by value: as strcmp. */
int pairs_compare(const struct pair *one, const struct pair *other);

/* Adds a copy of a pair, unless it is there already. -1: memory. */
int pairs_add(struct pairs *pairs, const char *key, const char *value, struct error *error);

/* Adds copies of all of `from`. -1: memory. */
int pairs_add_all(struct pairs *pairs, const struct pairs *from, struct error *error);

bool pairs_have(const struct pairs *pairs, const char *key, const char *value);

/* True when all of `some` are in pairs. */
bool pairs_have_all(const struct pairs *pairs, const struct pairs *some);

/* Frees the pairs; the set is empty afterwards. */
void pairs_free(struct pairs *pairs);

#endif
