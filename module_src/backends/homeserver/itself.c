/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/itself.h"

#include <string.h>

#include "backends/homeserver/state.h"

bool
itself_is(const struct backend *backend, const struct account *account)
{
    const char *itself = state_of(backend)->administrator.user_id;

    return itself != NULL && account->user_id != NULL &&
           strcmp(itself, account->user_id) == 0;
}

static const struct {
    enum account_field field;
    const char *word;
} words[] = {
    {ACCOUNT_DEACTIVATED, "deactivated"},
    {ACCOUNT_LOCKED, "locked"},
    {ACCOUNT_SUSPENDED, "suspended"},
};

int
itself_spare(const struct backend *backend, const struct account *change,
    unsigned endings, struct error *error)
{
    const char *itself = state_of(backend)->administrator.user_id;

    if (!itself_is(backend, change))
        return 0;
    if (account_states(change, ACCOUNT_ADMIN) && !change->admin)
        return error_set(error, ERROR_POLICY,
            "%s is the administrator this task works as, and nobody may demote themselves; "
            "use another administrator's credential",
            itself);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if ((endings & ACCOUNT_BIT(words[i].field)) != 0 &&
            account_is(change, words[i].field) && !state_of(backend)->is_service)
            return error_set(error, ERROR_POLICY,
                "%s is the administrator this task works as, so it is not %s; use another "
                "administrator's credential",
                itself, words[i].word);
    return 0;
}
