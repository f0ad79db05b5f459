/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joining_trial.h"

#include <string.h>

static struct secret token;

void
joining_begin(struct joining_trial *trial, const struct recorded_reply *replies)
{
    const struct secret password = secret_over("Passw0rd");
    struct error error = {0};

    memset(trial, 0, sizeof(*trial));
    family_start(&trial->family, replies);
    family_connect_well(&trial->family);
    assert_int_equal(account_name(&trial->wanted, NULL, "alice", &error), 0);
    assert_int_equal(account_name(&trial->observed.account, NULL, "alice", &error), 0);
    assert_int_equal(account_state_password(&trial->wanted, &password, &error), 0);
}

void
joining_begin_with_token(struct joining_trial *trial, const struct recorded_reply *replies)
{
    token = secret_over("first-run");
    joining_begin(trial, replies);
    trial->family.connection.registration_token = &token;
}

void
joining_end(struct joining_trial *trial)
{
    family_close(&trial->family);
    account_free(&trial->observed.account);
    account_free(&trial->wanted);
}

int
joining_make(struct joining_trial *trial, struct error *error)
{
    return joining_create(&trial->family.backend, &trial->wanted, &trial->creation,
        &trial->observed, error);
}

void
joining_make_well(struct joining_trial *trial, enum creation expected)
{
    struct error error = {0};

    joining_make(trial, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial->creation, expected);
}

void
joining_refuse(struct joining_trial *trial, enum error_kind kind, const char *words)
{
    struct error error = {0};

    assert_int_equal(joining_make(trial, &error), -1);
    assert_kind(&error, kind);
    assert_in(words, error.text);
    assert_not_in("Passw0rd", error.text);
    assert_not_in("first-run", error.text);
}

void
joining_want_text(struct joining_trial *trial, enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&trial->wanted, field, value, &error), 0);
}
