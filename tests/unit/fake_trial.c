/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test wishes of the fake server, and how it is run (fake_backend.h). */
#include "fake_backend.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

struct fake_account *
trial_account(struct trial *trial, const char *localpart)
{
    struct fake_account *account = &trial->fake.accounts[trial->fake.count++];

    snprintf(account->localpart, sizeof(account->localpart), "%s", localpart);
    return account;
}

struct fake_account *
trial_find(struct trial *trial, const char *localpart)
{
    for (size_t i = 0; i < trial->fake.count; i++)
        if (strcmp(trial->fake.accounts[i].localpart, localpart) == 0)
            return &trial->fake.accounts[i];
    return NULL;
}

struct wish *
trial_wish(struct trial *trial, const char *name, const char *password)
{
    struct wish *wish = &trial->wishes[trial->count++];
    struct error error = {0};

    wish->password_probe = true;
    assert_int_equal(user_id_parse(&wish->id, name, &error), 0);
    if (password != NULL) {
        const struct secret secret = secret_over(password);

        assert_int_equal(account_state_password(&wish->account, &secret, &error), 0);
    }
    return wish;
}

void
trial_want(struct wish *wish, enum account_field field, bool value)
{
    account_state_bool(&wish->account, field, value);
}

void
trial_want_text(struct wish *wish, enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&wish->account, field, value, &error), 0);
}

int
trial_run(struct trial *trial, enum ensure_mode mode)
{
    trial->backend.predict = mode == ENSURE_PREDICT;
    return ensure_accounts(&trial->backend, trial->wishes, trial->count, mode,
        trial->outcomes, &trial->error);
}

const char *
trial_actions(const struct trial *trial)
{
    static char actions[256];
    const struct list *list = &trial->outcomes[0].actions;

    actions[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        size_t length = strlen(actions);

        snprintf(actions + length, sizeof(actions) - length, "%s%s", i > 0 ? ", " : "",
            list->items[i]);
    }
    return actions;
}
