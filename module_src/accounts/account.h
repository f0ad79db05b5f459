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

#include "base/error.h"
#include "base/secret.h"

/* The order is the order in which actions are told. */
enum account_field {
    ACCOUNT_DEACTIVATED,
    ACCOUNT_ADMIN,
    ACCOUNT_DISPLAYNAME,
    ACCOUNT_PASSWORD,
    ACCOUNT_FIELDS /* how many there are; not a field */
};

#define ACCOUNT_BIT(field) (1u << (field))

struct account {
    char *user_id;   /* "@localpart:server.name", NULL while unknown */
    char *localpart; /* never NULL once filled */
    unsigned stated; /* ACCOUNT_BITs of the fields below that mean something */
    bool deactivated;
    bool admin;
    char *displayname;      /* NULL: stated as having none */
    struct secret password; /* never observed: it is asked about */
};

/* Frees what is inside; the struct is all zeroes afterwards. */
void account_free(struct account *account);

bool account_states(const struct account *account, enum account_field field);

/* State a field. -1: memory. */
void account_state_admin(struct account *account, bool admin);
void account_state_deactivated(struct account *account, bool deactivated);
/* Takes the name as servers store it: stripped, and none instead of empty. */
int account_state_displayname(struct account *account, const char *displayname,
    struct error *error);
int account_state_password(struct account *account, const struct secret *password,
    struct error *error);

/* Sets user_id (may be NULL) and localpart. -1: memory. */
int account_name(struct account *account, const char *user_id, const char *localpart,
    struct error *error);

/* Makes `to`, which has its names, state all that `from` states. */
int account_copy(struct account *to, const struct account *from, struct error *error);

/* The bits of all fields of wanted that observed does not state. */
unsigned account_unobserved(const struct account *wanted, const struct account *observed);

/*
 * change = wanted - observed: the fields that wanted states and observed
 * states differently. What observed does not state, and the password, which
 * nobody can observe, are left out; who knows better states them afterwards.
 */
int account_difference(struct account *change, const struct account *wanted,
    const struct account *observed, struct error *error);

/* result = observed with change on top, for predictions and diffs. */
int account_apply(struct account *result, const struct account *observed,
    const struct account *change, struct error *error);

/* The option's name of a field: "displayname". */
const char *account_field_name(enum account_field field);

/* What changing the field to its value in change is called: "unset admin". */
const char *account_action(const struct account *change, enum account_field field);

/*
 * The fields in mask that account states, as a JSON object, or NULL: memory.
 * A password is never in it.
 */
json_t *account_to_json(const struct account *account, unsigned mask);

#endif
