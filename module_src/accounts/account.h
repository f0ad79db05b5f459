/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An account: the vocabulary of the whole program. Options fill one with what
 * is wanted, backends fill one with what is, and the difference of the two is
 * one again. Each field has a bit that says whether it is stated, so that
 * "not given" is never mistaken for "empty".
 */
#ifndef REGISTRAR_ACCOUNTS_ACCOUNT_H
#define REGISTRAR_ACCOUNTS_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>

#include "accounts/pairs.h"
#include "base/error.h"
#include "base/secret.h"

/* The order is the order in which actions are told. */
enum account_field {
    ACCOUNT_DEACTIVATED,
    ACCOUNT_ERASED,
    ACCOUNT_ADMIN,
    ACCOUNT_USER_TYPE,
    ACCOUNT_DISPLAYNAME,
    ACCOUNT_AVATAR_URL,
    ACCOUNT_EMAILS,
    ACCOUNT_EXTERNAL_IDS,
    ACCOUNT_RATELIMIT,
    ACCOUNT_LOCKED,
    ACCOUNT_SUSPENDED,
    ACCOUNT_SHADOW_BANNED,
    ACCOUNT_PASSWORD,
    ACCOUNT_FIELDS /* how many there are; not a field */
};

#define ACCOUNT_BIT(field) (1u << (field))

/* How fast an account may send, in place of the server's own limit. */
struct account_ratelimit {
    bool overridden; /* false: the server's own limit holds, the rest is 0 */
    long long messages_per_second; /* 0 with a burst_count of 0: no limit */
    long long burst_count;
};

struct account {
    char *user_id;   /* "@localpart:server.name", NULL while unknown */
    char *localpart; /* never NULL once filled */
    unsigned stated; /* ACCOUNT_BITs of the fields below that mean something */
    bool deactivated;
    bool erased;
    bool admin;
    bool locked;
    bool suspended;
    bool shadow_banned;
    char *user_type;   /* NULL: stated as an ordinary user */
    char *displayname; /* NULL: stated as having none */
    char *avatar_url;  /* NULL: stated as having none */
    struct pairs emails;       /* "email" and an address in canonical form */
    struct pairs external_ids; /* a provider and an id there */
    struct account_ratelimit ratelimit;
    struct secret password; /* never observed: it is asked about */
};

/* Frees what is inside; the struct is all zeroes afterwards. */
void account_free(struct account *account);

bool account_states(const struct account *account, enum account_field field);

/* True when the field, a boolean one, is stated as true. */
bool account_is(const struct account *account, enum account_field field);

/* The set of a field that is one. */
const struct pairs *account_set(const struct account *account, enum account_field field);

/* State a field of the type that each says. -1: memory. */
void account_state_bool(struct account *account, enum account_field field, bool value);
/* Takes a text as servers store it: a display name stripped, and none (NULL)
 * instead of an empty one. */
int account_state_text(struct account *account, enum account_field field, const char *value,
    struct error *error);
/* Both texts of a profile: NULL states that there is none. */
int account_state_profile(struct account *account, const char *displayname,
    const char *avatar_url, struct error *error);
/* Takes a copy. A set that only appends says what has to be in it at least. */
int account_state_set(struct account *account, enum account_field field,
    const struct pairs *set, struct error *error);
void account_state_ratelimit(struct account *account, struct account_ratelimit ratelimit);
int account_state_password(struct account *account, const struct secret *password,
    struct error *error);

/* Forgets the password; it is not stated any more. */
void account_unstate_password(struct account *account);

/* Sets user_id (may be NULL) and localpart. -1: memory. */
int account_name(struct account *account, const char *user_id, const char *localpart,
    struct error *error);

/* Makes `to`, which has its names, state all that `from` states. */
int account_copy(struct account *to, const struct account *from, struct error *error);

/* The same for those of the fields that are in mask. */
int account_copy_fields(struct account *to, const struct account *from, unsigned mask,
    struct error *error);

/* The bits of all fields of wanted that observed does not state. */
unsigned account_unobserved(const struct account *wanted, const struct account *observed);

/*
 * change = wanted - observed: the fields that wanted states and observed
 * states differently, each with its final value (a set that only appends has
 * become the union). What observed does not state, and the password, which
 * nobody can observe, are left out; who knows better states them afterwards.
 */
int account_difference(struct account *change, const struct account *wanted,
    const struct account *observed, struct error *error);

/* result = observed with change on top, for predictions and diffs. */
int account_apply(struct account *result, const struct account *observed,
    const struct account *change, struct error *error);

/* The field's name in replies: "erased". */
const char *account_field_name(enum account_field field);

/* The option that asks for it: "erase". */
const char *account_field_option(enum account_field field);

/* What changing the field to its value in change is called: "unset admin". */
const char *account_action(const struct account *change, enum account_field field);

/*
 * The fields in mask that account states, as a JSON object, or NULL: memory.
 * A password is never in it.
 */
json_t *account_to_json(const struct account *account, unsigned mask);

#endif
